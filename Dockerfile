# SPDX-License-Identifier: Apache-2.0
# The image that charts/tiercel starts: the Debian package on a slim Debian, with what the chart's Jobs need.
#
#	BASE	what both stages begin with
#	PACKAGE	the image that has the Debian package below /package: the stage that builds it, unless it is there already
ARG BASE=debian:12-slim
ARG PACKAGE=build

FROM ${BASE} AS build
WORKDIR /src
COPY . .
RUN ./dev package /package

FROM ${PACKAGE} AS package

FROM ${BASE}
# curl is for the Job that makes certificates, and for the health check.
RUN --mount=type=bind,from=package,source=/package,target=/package \
	--mount=type=bind,source=packaging/sbom.sh,target=/sbom.sh \
	apt-get -q update && \
	apt-get -q install -y --no-install-recommends /package/tiercel_*.deb ca-certificates curl && \
	apt-get clean && \
	rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/debconf/* && \
	ln -s tiercel /usr/bin/falco && \
	mkdir -p /etc/falco/rules.d /etc/falco/certs /host /usr/share/tiercel && \
	sh /sbom.sh >/usr/share/tiercel/sbom.spdx
LABEL org.opencontainers.image.title="tiercel" \
	org.opencontainers.image.description="Runtime security sensor that streams alerts over gRPC" \
	org.opencontainers.image.licenses="Apache-2.0"
# The sensor is root with the few capabilities that it is given; what talks to the network becomes _tiercel.
ENV HOST_ROOT=/host
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8765/healthz"]
ENTRYPOINT ["/usr/bin/tiercel"]
CMD ["run", "-c", "/etc/tiercel/tiercel.yaml"]

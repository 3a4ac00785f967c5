#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbom.sh: every installed Debian package, as a document of SPDX 2.3 in its tag-value form.
set -eu
created=$(date -u +%Y-%m-%dT%H:%M:%SZ)
cat <<END
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: tiercel-image
DocumentNamespace: https://spdx.org/spdxdocs/tiercel-image-$created
Creator: Tool: sbom.sh
Created: $created
END
. /etc/os-release
dpkg-query -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package}\n' |
	while read -r status name version arch source; do
		[ "$status" = installed ] || continue
		id=SPDXRef-$(printf %s "$name" | tr -c 'A-Za-z0-9.-' -)
		quoted=$(printf %s "$version" | sed 's/%/%25/g; s/+/%2B/g; s/:/%3A/g; s/~/%7E/g')
		cat <<-END

			PackageName: $name
			SPDXID: $id
			PackageVersion: $version
			PackageDownloadLocation: NOASSERTION
			FilesAnalyzed: false
			PackageSourceInfo: built from $source
			ExternalRef: PACKAGE-MANAGER purl pkg:deb/$ID/$(printf %s "$name" | sed 's/+/%2B/g')@$quoted?arch=$arch
			Relationship: SPDXRef-DOCUMENT DESCRIBES $id
		END
	done

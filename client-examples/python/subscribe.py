#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Subscribes to the alert stream and prints one JSON object per alert.

Needs Debian's python3-grpcio and python3-grpc-tools. The messages are generated from the contract in proto/
when the program starts, so there is nothing to build.

    subscribe.py --unix /run/falco/falco.sock
    subscribe.py --tls host:5060 --ca ca.crt --cert client.crt --key client.key
    subscribe.py --unix /run/falco/falco.sock --file alerts.jsonl

With --file each line holds its alert's position, so the file is the cursor as well: after a crash, of this
program or the server, it goes on exactly behind its last whole line.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile

import grpc
from grpc_tools import protoc

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.environ.get("TIERCEL_PROTO", os.path.join(HERE, "..", "..", "proto"))


def load(names=("schema", "outputs", "version")):
    """Generates and imports the message modules: {name: module}."""
    with tempfile.TemporaryDirectory() as out:
        well_known = os.path.join(os.path.dirname(protoc.__file__), "_proto")
        arguments = ["protoc", "-I" + PROTO, "-I" + well_known, "--python_out=" + out]
        if protoc.main(arguments + [os.path.join(PROTO, name + ".proto") for name in names]):
            sys.exit("cannot generate the messages from " + PROTO)
        sys.path.insert(0, out)
        try:
            return {name: importlib.import_module(name + "_pb2") for name in names}
        finally:
            sys.path.remove(out)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def channel(unix=None, tls=None, ca=None, cert=None, key=None, options=()):
    if unix:
        return grpc.insecure_channel("unix://" + os.path.abspath(unix), options=options)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=read(ca) if ca else None,
        private_key=read(key) if key else None,
        certificate_chain=read(cert) if cert else None,
    )
    return grpc.secure_channel(tls, credentials, options=options)


class Client:
    """The three methods over one channel."""

    def __init__(self, over, messages):
        self.channel = over
        self.outputs, self.version_messages = messages["outputs"], messages["version"]
        self._sub = over.stream_stream(
            "/falco.outputs.service/sub",
            request_serializer=self.outputs.request.SerializeToString,
            response_deserializer=self.outputs.response.FromString,
        )
        self._get = over.unary_stream(
            "/falco.outputs.service/get",
            request_serializer=self.outputs.request.SerializeToString,
            response_deserializer=self.outputs.response.FromString,
        )
        self._version = over.unary_unary(
            "/falco.version.service/version",
            request_serializer=self.version_messages.request.SerializeToString,
            response_deserializer=self.version_messages.response.FromString,
        )

    def subscribe(self, requests=None, **fields):
        """Alerts as they come. Without requests of its own: one that says "follow", and no polling."""
        if requests is None:
            requests = iter([self.outputs.request(follow=True, **fields)])
        return self._sub(requests, wait_for_ready=False)

    def get(self, timeout=None):
        return self._get(self.outputs.request(), timeout=timeout)

    def version(self, timeout=None):
        return self._version(self.version_messages.request(), timeout=timeout)


def as_dict(alert, priorities):
    return {
        "time": alert.time.ToJsonString(),
        "priority": priorities(alert.priority),
        "rule": alert.rule,
        "source": alert.source,
        "hostname": alert.hostname,
        "tags": list(alert.tags),
        "output": alert.output,
        "output_fields": dict(alert.output_fields),
    }


def priority_names(messages):
    """The mixed-case spelling of each number."""
    enum = messages["schema"].DESCRIPTOR.enum_types_by_name["priority"]
    names = {value.number: value.name for value in enum.values if value.name.istitle()}
    return lambda number: names.get(number, str(number))


def arguments(description):
    """A parser of what every client here needs to know: where the server is."""
    parser = argparse.ArgumentParser(description=description)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--unix", metavar="PATH", help="the server's unix socket")
    where.add_argument("--tls", metavar="HOST:PORT", help="the server, by mutual TLS")
    parser.add_argument("--ca", help="who signed the server's certificate")
    parser.add_argument("--cert", help="our certificate")
    parser.add_argument("--key", help="and its key")
    return parser


def main():
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=0, help="stop after so many alerts")
    parser.add_argument("--file", help="append to this file, and go on behind its last line")
    options = parser.parse_args()
    messages = load()
    name = priority_names(messages)
    if options.file:
        import resume  # what follows a stream over crashes, in a file of its own

        resume.into_file(options, messages, options.file, name)
        return
    with channel(options.unix, options.tls, options.ca, options.cert, options.key) as over:
        try:
            call = Client(over, messages).subscribe()
            for n, alert in enumerate(call, 1):
                print(json.dumps(as_dict(alert, name)), flush=not options.count)
                if n == options.count:
                    call.cancel()
                    break
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()

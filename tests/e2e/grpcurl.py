#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""As much of grpcurl as docs/grpc.md uses, so that its lines are run: list, describe and calls by reflection."""
import json
import re
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from conftest import subscribe

REFLECTION = subscribe.load(("reflection",))["reflection"]
INFO = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def arguments(words):
    """(socket, -d, the rest). As with grpcurl itself no option may come behind the address."""
    data, flags = "{}", set()
    words = list(words)
    while words[0].startswith("-"):
        flags.add(words.pop(0))
        if "-d" in flags and data == "{}":
            data = words.pop(0)
    assert flags - {"-d"} == {"-plaintext", "-unix"}, flags
    return words[0], data, words[1:]


def reflect(channel, **fields):
    call = channel.stream_stream(INFO, request_serializer=REFLECTION.ServerReflectionRequest.SerializeToString,
                                 response_deserializer=REFLECTION.ServerReflectionResponse.FromString)
    (answer,) = call(iter([REFLECTION.ServerReflectionRequest(**fields)]), timeout=20)
    assert not answer.HasField("error_response"), answer
    return answer


def described(channel, symbol):
    pool = descriptor_pool.DescriptorPool()
    files = reflect(channel, file_containing_symbol=symbol).file_descriptor_response.file_descriptor_proto
    for data in reversed(files):
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(data))
    return pool


def describe(channel, symbol):
    pool = described(channel, symbol)
    try:
        found = pool.FindServiceByName(symbol)
        print("\n".join(m.name for m in found.methods))
    except KeyError:
        print("\n".join(f"{f.name} = {f.number}" for f in pool.FindMessageTypeByName(symbol).fields))


def call(channel, path, data):
    service, name = path.split("/")
    pool = described(channel, service)
    method = pool.FindServiceByName(service).FindMethodByName(name)
    factory = message_factory.MessageFactory(pool)
    request = json_format.Parse(data, factory.GetPrototype(method.input_type)())
    response = factory.GetPrototype(method.output_type)
    # The descriptor of this protobuf does not say what streams; both kinds of answers can be read as a stream.
    answers = channel.stream_stream(f"/{path}", request_serializer=lambda m: m.SerializeToString(),
                                    response_deserializer=response.FromString)(iter([request]), timeout=30)
    for answer in answers:
        print(json_format.MessageToJson(answer))


def main():
    socket, data, (word, *rest) = arguments(sys.argv[1:])
    json.loads(data)
    with grpc.insecure_channel("unix:" + socket) as channel:
        if word == "list":
            print("\n".join(s.name for s in reflect(channel, list_services="").list_services_response.service))
        elif word == "describe":
            describe(channel, rest[0])
        else:
            assert re.fullmatch(r"[\w.]+/\w+", word), word
            call(channel, word, data)


if __name__ == "__main__":
    main()

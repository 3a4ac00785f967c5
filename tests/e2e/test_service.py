# SPDX-License-Identifier: Apache-2.0
"""Health and reflection, as load balancers and tools without .proto files use them."""

import json
import os

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from conftest import HERE, subscribe

BOTH = pytest.mark.parametrize("how", ["unix", "tls"])
VERSIONS = pytest.mark.parametrize("version", ["v1", "v1alpha"])
GENERATED = subscribe.load(("health", "reflection"))
HEALTH, REFLECTION = GENERATED["health"], GENERATED["reflection"]
SERVICES = ["falco.outputs.service", "falco.version.service", "tiercel.v1.Tiercel", "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]


def health(channel, method, service, **options):
    kind = channel.unary_unary if method == "Check" else channel.unary_stream
    return kind(
        "/grpc.health.v1.Health/" + method,
        request_serializer=HEALTH.HealthCheckRequest.SerializeToString,
        response_deserializer=HEALTH.HealthCheckResponse.FromString,
    )(HEALTH.HealthCheckRequest(service=service), **options)


def reflect(channel, version, requests):
    return channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=REFLECTION.ServerReflectionRequest.SerializeToString,
        response_deserializer=REFLECTION.ServerReflectionResponse.FromString,
    )(iter(REFLECTION.ServerReflectionRequest(**r) for r in requests), timeout=20)


@BOTH
def test_health_check(serve, connect, how):
    channel = connect(serve(), how).channel
    for service in ["", *SERVICES]:
        assert health(channel, "Check", service, timeout=10).status == 1
    with pytest.raises(grpc.RpcError) as error:
        health(channel, "Check", "falco.outputs", timeout=10)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_health_watch(serve, connect):
    """The status now, and at the end that it is over."""
    server = serve()
    channel = connect(server, "unix").channel
    served = health(channel, "Watch", "falco.outputs.service", timeout=30)
    unknown = health(channel, "Watch", "no.such.service", timeout=30)
    assert (next(served).status, next(unknown).status) == (1, 3)
    server.stop()
    with pytest.raises(grpc.RpcError) as ended:  # the end may overtake what was said before it
        assert next(served).status == 2
        next(served)
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE


@BOTH
@VERSIONS
def test_reflection_lists(serve, connect, how, version):
    (answer,) = reflect(connect(serve(), how).channel, version, [{"list_services": "*", "host": "h"}])
    assert [s.name for s in answer.list_services_response.service][: len(SERVICES)] == SERVICES
    assert answer.valid_host == "h" and answer.original_request.list_services == "*"


def pool_of(answer):
    pool = descriptor_pool.DescriptorPool()
    for data in reversed(answer.file_descriptor_response.file_descriptor_proto):
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(data))
    return pool


@VERSIONS
def test_reflection_describes_everything(serve, connect, version):
    """Each service can be called with nothing but what its own answer holds."""
    channel = connect(serve(1), "unix").channel
    (listed,) = reflect(channel, version, [{"list_services": ""}])
    names = [s.name for s in listed.list_services_response.service]
    answers = list(reflect(channel, version, [{"file_containing_symbol": n} for n in names]))
    assert len(answers) == len(names)
    for name, answer in zip(names, answers):
        for method in pool_of(answer).FindServiceByName(name).methods:
            assert method.input_type.full_name and method.output_type.full_name
    pool = pool_of(answers[names.index("falco.outputs.service")])
    method = pool.FindMethodByName("falco.outputs.service.get")
    request = message_factory.MessageFactory(pool).GetPrototype(method.input_type)
    response = message_factory.MessageFactory(pool).GetPrototype(method.output_type)
    (alert,) = channel.unary_stream("/falco.outputs.service/get",
                                    response_deserializer=response.FromString)(
        request().SerializeToString(), timeout=10)
    assert alert.rule == "Made up" and alert.output_fields["evt.num"] == "1"


def test_reflection_finds_symbols_and_files(serve, connect):
    channel = connect(serve(), "unix").channel
    rows = [
        ({"file_containing_symbol": "falco.outputs.request"}, "outputs.proto"),
        ({"file_containing_symbol": "falco.outputs.request.follow"}, "outputs.proto"),
        ({"file_containing_symbol": "falco.outputs.service.sub"}, "outputs.proto"),
        ({"file_containing_symbol": "falco.outputs.response.OutputFieldsEntry"}, "outputs.proto"),
        ({"file_containing_symbol": "falco.schema.priority"}, "schema.proto"),
        ({"file_containing_symbol": "falco.schema.priority.WARNING"}, "schema.proto"),
        ({"file_containing_symbol": "falco.schema.WARNING"}, "schema.proto"),
        ({"file_containing_symbol": "google.protobuf.Timestamp"}, "google/protobuf/timestamp.proto"),
        ({"file_by_filename": "version.proto"}, "version.proto"),
        ({"file_by_filename": "google/protobuf/duration.proto"}, "google/protobuf/duration.proto"),
        ({"file_containing_symbol": ""}, 5),
        ({"file_containing_symbol": "falco"}, 5),
        ({"file_containing_symbol": "falco.outputs.request.no"}, 5),
        ({"file_by_filename": "../outputs.proto"}, 5),
        ({"file_containing_extension": {"containing_type": "falco.outputs.request",
                                        "extension_number": 7}}, 5),
        ({"all_extension_numbers_of_type": "falco.outputs.service"}, 5),
        ({}, 3),
    ]
    answers = list(reflect(channel, "v1", [request for request, _ in rows]))
    assert len(answers) == len(rows)
    for (request, wanted), answer in zip(rows, answers):
        if isinstance(wanted, int):
            assert answer.error_response.error_code == wanted, request
            assert answer.error_response.error_message
        else:
            first = answer.file_descriptor_response.file_descriptor_proto[0]
            assert descriptor_pb2.FileDescriptorProto.FromString(first).name == wanted, request
    (none,) = reflect(channel, "v1", [{"all_extension_numbers_of_type": "falco.outputs.request"}])
    assert none.all_extension_numbers_response.base_type_name == "falco.outputs.request"
    assert not none.all_extension_numbers_response.extension_number


def test_reflection_takes_a_flood(serve, connect):
    """Requests that come without waiting for answers are answered in order."""
    channel = connect(serve(), "unix").channel
    wanted = [SERVICES[i % len(SERVICES)] for i in range(500)]
    got = reflect(channel, "v1", [{"file_containing_symbol": n} for n in wanted])
    assert [a.original_request.file_containing_symbol for a in got] == wanted


@BOTH
@VERSIONS
def test_node_needs_no_proto_files(serve, certs, node, how, version):
    server = serve(3)
    target = "unix:" + server.unix if how == "unix" else server.tcp
    pki = [] if how == "unix" else [certs.client[k] for k in ("ca", "cert", "key")]
    done = node(os.path.join(HERE, "node", "reflect.js"), target, version, *pki)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["services"][: len(SERVICES)] == SERVICES
    assert told["methods"]["falco.outputs.service"] == ["sub", "get"]
    assert told["methods"]["grpc.health.v1.Health"] == ["Check", "Watch"]
    assert told["version"]["version"] == "0.43.1-rc1+abc"
    assert told["health"]["status"] == "SERVING"
    assert told["methods"]["tiercel.v1.Tiercel"] == ["Status", "WhoAmI", "ListRules", "GetRule", "ValidateRules",
                                                     "Reload"]
    assert told["status"]["newest"] == "3" and told["status"]["hostname"] == "here"
    assert told["me"]["identity"].startswith("uid:" if how == "unix" else ("dns:", "spiffe:", "cert:"))
    assert "tiercel.v1.Tiercel/Status" in told["me"]["methods"]
    # A map is entries on the wire, and this client leaves it at that.
    fields = [{e["key"]: e["value"] for e in a["output_fields"]} for a in told["alerts"]]
    assert [f["evt.num"] for f in fields] == ["1", "2", "3"]

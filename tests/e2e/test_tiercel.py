# SPDX-License-Identifier: Apache-2.0
"""tiercel.v1: how the server is, who the caller is, its rules; whoever answers, and whoever may ask."""

import os
import threading
import time

import grpc
import pytest

from conftest import MESSAGES, subscribe

TIERCEL = subscribe.load(("tiercel",))["tiercel"]
REQUESTS = {"Status": TIERCEL.StatusRequest, "WhoAmI": TIERCEL.WhoAmIRequest,
            "ListRules": TIERCEL.ListRulesRequest, "GetRule": TIERCEL.GetRuleRequest,
            "ValidateRules": TIERCEL.ValidateRulesRequest, "Reload": TIERCEL.ReloadRequest}
CODES = grpc.StatusCode
BOTH = pytest.mark.parametrize("how", ["unix", "tls"])


def call(channel, method, requests=None, timeout=60, **fields):
    """requests: of the client-streaming method; otherwise one is made of the fields."""
    response = getattr(TIERCEL, method + "Response")
    kind = channel.unary_unary if requests is None else channel.stream_unary
    return kind("/tiercel.v1.Tiercel/" + method,
                request_serializer=REQUESTS[method].SerializeToString,
                response_deserializer=response.FromString)(
        REQUESTS[method](**fields) if requests is None else iter(requests), timeout=timeout)


def code_of(function, *arguments, **named):
    with pytest.raises(grpc.RpcError) as error:
        function(*arguments, **named)
    return error.value.code()


def until(function, seconds=20):
    end = time.monotonic() + seconds
    while not (found := function()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


@BOTH
def test_status_without_a_sensor(serve, connect, how):
    """Numbers and streams are the network process' own."""
    server = serve(30)
    server.status_until(alerts=30)
    client = connect(server, how)
    now = call(client.channel, "Status")
    assert (now.version, now.hostname) == ("0.43.1-rc1+abc", "here")
    assert (now.oldest, now.newest, now.first, now.received) == (1, 30, 1, 30)
    assert now.epoch and not now.journal and not now.streams and now.calls == 1
    assert (now.backlog_alerts, now.backlog_bytes > 1000) == (30, True)
    assert set(now.dropped) == {"kernel_ring", "kernel_slot", "kernel_overflow", "kernel_program",
                                "memory", "link", "link_size", "outputs", "streams", "http"}
    assert not any(now.dropped.values())


def test_status_tells_of_streams(serve, connect, tmp_path):
    server = serve(20, extra=[f"state={tmp_path}/state"])
    client, other = connect(server, "unix"), connect(server, "tls")
    request = MESSAGES["outputs"].request
    wait = threading.Event()

    def requests(**fields):
        yield request(**fields)
        wait.wait(60)

    held = client.subscribe(requests(consumer="siem:1", max_outstanding=5, control=True))
    first = [next(held).position.seq for _ in range(5)]
    legacy = other.subscribe(requests())
    assert next(legacy).rule == "Made up"
    server.say("more 80")
    server.status_until(alerts=100)
    streams = until(lambda: (s := call(client.channel, "Status").streams) and
                    all(x.sent >= 5 for x in s) and max(x.sent for x in s) == 100 and s)
    by = {s.consumer: s for s in streams}
    assert set(by) == {"", "siem:1"}
    assert by["siem:1"].identity == f"uid:{os.getuid()}" and by["siem:1"].method == "sub"
    assert (by["siem:1"].next, by["siem:1"].outstanding) == (first[-1] + 1, 5)
    assert (by["siem:1"].lag, by["siem:1"].sent, by["siem:1"].lost) == (95, 5, 0)
    assert by[""].legacy and not by["siem:1"].legacy and by[""].lag == 0
    assert by[""].identity.startswith(("dns:", "spiffe:", "cert:"))
    assert abs(by[""].opened.seconds - time.time()) < 100
    wait.set()


@BOTH
def test_who_am_i(serve, connect, how):
    me = call(connect(serve(), how).channel, "WhoAmI")
    assert me.max_calls == 256 and not me.HasField("filter")
    assert {"falco.outputs.service/sub", "tiercel.v1.Tiercel/WhoAmI"} <= set(me.methods)
    # Only root on the unix socket changes anything where there is no policy.
    assert ("tiercel.v1.Tiercel/Reload" in me.methods) == (how == "unix" and os.getuid() == 0)
    if how == "unix":
        assert me.identity == f"uid:{os.getuid()}" and f"gid:{os.getgid()}" in me.groups
        assert not me.HasField("expires")
    else:
        assert not me.groups and me.expires.seconds > time.time()


def test_the_policy_decides(serve, connect, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy:\n- identity: 'uid:*'\n  methods: [sub, WhoAmI, Status]\n  max_calls: 7\n"
                      "  filter: {priority: warning, rule: ['Made*']}\n")
    channel = connect(serve(3, extra=[f"policy={policy}"]), "unix").channel
    me = call(channel, "WhoAmI")
    assert me.max_calls == 7 and list(me.filter.rule) == ["Made*"]
    assert me.filter.min_priority == MESSAGES["schema"].WARNING
    assert set(me.methods) == {"falco.outputs.service/sub", "tiercel.v1.Tiercel/Status",
                               "tiercel.v1.Tiercel/WhoAmI"}
    assert call(channel, "Status").newest == 3
    for method in "ListRules", "GetRule", "Reload":
        assert code_of(call, channel, method) == CODES.PERMISSION_DENIED
    assert code_of(call, channel, "ValidateRules", []) == CODES.PERMISSION_DENIED


def test_long_questions_are_bounded(serve, connect):
    """What a client collects with us has a limit, as has how many do it; then others are served again."""
    channel = connect(serve(), "unix").channel
    part = TIERCEL.ValidateRulesRequest(files=[{"name": "f", "content": b"#" * 40000}])
    assert code_of(call, channel, "ValidateRules", [part] * 20) == CODES.RESOURCE_EXHAUSTED
    assert code_of(call, channel, "ValidateRules", []) == CODES.INVALID_ARGUMENT
    wait = threading.Event()

    def slow():
        yield part
        wait.wait(60)

    validate = channel.stream_unary("/tiercel.v1.Tiercel/ValidateRules",
                                    request_serializer=TIERCEL.ValidateRulesRequest.SerializeToString)
    held = [validate.future(slow(), timeout=60) for _ in range(16)]
    until(lambda: call(channel, "Status").calls == 17)
    until(lambda: code_of(call, channel, "ValidateRules", slow()) == CODES.RESOURCE_EXHAUSTED)
    for one in held:
        one.cancel()
    until(lambda: call(channel, "Status").calls == 1)
    assert code_of(call, channel, "ValidateRules", [part] * 20) == CODES.RESOURCE_EXHAUSTED
    wait.set()

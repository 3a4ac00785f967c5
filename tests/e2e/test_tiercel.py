# SPDX-License-Identifier: Apache-2.0
"""tiercel.v1: how the server is, who the caller is, its rules; whoever answers, and whoever may ask."""

import json
import os
import subprocess
import threading
import time

import grpc
import pytest

import host
from conftest import MESSAGES, subscribe, until

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


RULES = """
- macro: opened
  condition: evt.type in (open, openat, openat2)
- rule: Watched file opened
  desc: Somebody opened it.
  condition: opened and fd.name endswith .watched
  output: "opened %fd.name"
  priority: WARNING
  tags: [files, demo]
- rule: Never
  desc: d
  condition: evt.type = mkdir and fd.name = "/no"
  output: o
  priority: DEBUG
  enabled: false
"""


@pytest.fixture
def live(sensor, actor, rules_file, tmp_path):
    """A real server: (channel, rules file, actor, sensor)."""
    rules = rules_file(RULES)
    sock = tmp_path / "t.sock"
    s = sensor([rules], f"pid:{actor.pid}",
               config=f"grpc: {{enabled: true, bind_address: 'unix://{sock}'}}\n"
                      "grpc_output: {enabled: true}\nwatch_config_files: false\n")
    channel = subscribe.channel(unix=str(sock))
    yield channel, rules, actor, s
    channel.close()


def test_rules_and_their_counters(live, tmp_path):
    channel, rules, actor, s = live
    for n in range(3):
        actor.do(f"open({str(tmp_path)!r} + '/{n}.watched', 'w').close()")
    s.wait_alert(lambda a: a["rule"] == "Watched file opened", count=3)
    both = call(channel, "ListRules").rules
    assert [(r.name, r.enabled, r.matches, list(r.tags)) for r in both] == [
        ("Watched file opened", True, 3, ["demo", "files"]), ("Never", False, 0, [])]
    assert not both[0].condition and both[0].priority == MESSAGES["schema"].WARNING
    for fields, wanted in [({"name": "Watch*"}, 1), ({"tags": ["demo", "x"]}, 1), ({"name": "watch*"}, 0),
                           ({"tags": ["x"]}, 0), ({"name": "*e*", "tags": ["files"]}, 1)]:
        assert len(call(channel, "ListRules", **fields).rules) == wanted, fields
    rule = call(channel, "GetRule", name="Watched file opened").rule
    assert rule.matches == 3 and rule.description == "Somebody opened it."
    assert rule.condition == "opened and fd.name endswith .watched"
    assert rule.output == "opened %fd.name"
    assert code_of(call, channel, "GetRule", name="Watched") == CODES.NOT_FOUND
    now = until(lambda: (n := call(channel, "Status")).alerts == 3 and n)
    assert now.rules == 2 and now.journal and now.newest == now.first + 2
    assert now.uptime.seconds < 600 and abs(now.started.seconds - time.time()) < 600
    # Matches live on when the rules are loaded anew.
    assert call(channel, "Reload").loaded
    assert call(channel, "ListRules", name="W*").rules[0].matches == 3
    actor.do(f"open({str(tmp_path)!r} + '/4.watched', 'w').close()")
    until(lambda: call(channel, "ListRules", name="W*").rules[0].matches == 4)


def test_reload_says_what_is_wrong_and_keeps_the_old(live):
    channel, rules, actor, s = live
    rules.write_text(RULES + "- rule: Added\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: DEBUG\n")
    done = call(channel, "Reload")
    assert done.loaded and done.rules == 3 and json.loads(done.results_json)
    assert call(channel, "GetRule", name="Added").rule.enabled
    rules.write_text(RULES + "- rule: Bad\n  desc: d\n  condition: evt.type = \n  output: o\n  priority: DEBUG\n")
    bad = call(channel, "Reload")
    assert not bad.loaded and bad.rules == 3
    (result,) = json.loads(bad.results_json)["falco_load_results"]
    assert not result["successful"] and result["errors"][0]["code"] == "LOAD_ERR_COMPILE_CONDITION"
    assert "Bad" in bad.results and "LOAD_ERR_COMPILE_CONDITION" in bad.results
    assert call(channel, "GetRule", name="Added").rule.enabled
    now = until(lambda: (n := call(channel, "Status")).reloads_failed == 1 and n)
    assert now.reloads == 1
    s.wait_alert(lambda a: a["rule"] == "Falco internal: hot restart failure")


def test_reload_answers_all_who_ask(live):
    channel = live[0]
    reload = channel.unary_unary("/tiercel.v1.Tiercel/Reload",
                                 request_serializer=TIERCEL.ReloadRequest.SerializeToString,
                                 response_deserializer=TIERCEL.ReloadResponse.FromString)
    asked = [reload.future(TIERCEL.ReloadRequest(), timeout=60) for _ in range(10)]
    assert all(a.result().loaded and a.result().rules == 2 for a in asked)


def in_parts(*files, size=50000):
    """As many messages as it takes."""
    for name, content in files:
        data = content.encode()
        for at in range(0, max(len(data), 1), size):
            yield TIERCEL.ValidateRulesRequest(files=[{"name": name, "content": data[at: at + size]}])


def same_by_v(tmp_path, *files):
    """What -V prints of the same files."""
    arguments = []
    for name, content in files:
        (tmp_path / name).write_text(content)
        arguments += ["-V", name]
    done = subprocess.run([host.TIERCEL, "-o", "json_output=true", *arguments], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout), done.returncode == 0


def test_validation_is_that_of_v(live, tmp_path):
    channel = live[0]
    many = "".join(f"- rule: r{n}\n  desc: d\n  condition: evt.type = open and proc.name = p{n}\n"
                   "  output: o\n  priority: INFO\n" for n in range(3000))
    sets = [
        [("a.yaml", RULES)],
        [("a.yaml", RULES), ("b.yaml", "- rule: Never\n  enabled: true\n  override: {enabled: replace}\n")],
        [("b.yaml", "- rule: x\n  desc: d\n  condition: nosuch\n  output: o\n  priority: DEBUG\n"), ("a.yaml", RULES)],
        [("c.yaml", "- list: l\n  items: [a]\n")],
        [("d.yaml", "a: [b")],
        [("e.yaml", "\0\x01")],
        [("f.yaml", many)],
    ]
    for files in sets:
        got = call(channel, "ValidateRules", in_parts(*files))
        wanted, good = same_by_v(tmp_path, *files)
        assert json.loads(got.results_json) == wanted, files[0][0]
        assert got.valid == good and got.results
    assert call(channel, "GetRule", name="Never").rule.enabled is False
    assert code_of(call, channel, "ValidateRules", [TIERCEL.ValidateRulesRequest()]) == CODES.INVALID_ARGUMENT


def test_hostile_rules_harm_nobody(live, tmp_path):
    """What takes all memory or time ends alone; events and other calls go on meanwhile."""
    channel, rules, actor, s = live
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi"))
    macros = "".join("- macro: m%d\n  condition: %s\n" % (n, " or ".join(
        f"(m{n - 1} and proc.pid != {i})" for i in range(10)) if n else "evt.type = open") for n in range(6)) + \
        "".join(f"- rule: r{n}\n  desc: d\n  condition: m5 and proc.pid = {n}\n  output: o\n  priority: DEBUG\n"
                for n in range(4000))
    deep = "- rule: d\n  desc: d\n  condition: " + "(" * 20000 + "evt.type=open" + ")" * 20000 + \
        "\n  output: o\n  priority: DEBUG\n"
    validate = channel.stream_unary("/tiercel.v1.Tiercel/ValidateRules",
                                    request_serializer=TIERCEL.ValidateRulesRequest.SerializeToString,
                                    response_deserializer=TIERCEL.ValidateRulesResponse.FromString)
    asked = [validate.future(in_parts(("f", text)), timeout=120) for text in (bomb, macros, deep)]
    for n in range(20):
        actor.do(f"open({str(tmp_path)!r} + '/{n}.watched', 'w').close()")
        assert call(channel, "Status", timeout=10).rules == 2
        time.sleep(0.02)
    s.wait_alert(lambda a: a["rule"] == "Watched file opened", count=20)
    codes = [one.code() for one in asked]
    assert codes[0] == codes[2] == CODES.OK and not asked[0].result().valid and not asked[2].result().valid
    assert codes[1] in (CODES.RESOURCE_EXHAUSTED, CODES.DEADLINE_EXCEEDED)
    assert call(channel, "ValidateRules", in_parts(("f", RULES))).valid

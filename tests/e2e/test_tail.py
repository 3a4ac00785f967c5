# SPDX-License-Identifier: Apache-2.0
"""`tiercel tail` and `tiercel status` against real servers."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
from concurrent import futures

import grpc
import pytest

import host
from conftest import MESSAGES, until

NUMBER = re.compile(r"alert number (\d+) ")


@pytest.fixture
def tail(tmp_path):
    """tail(server, options…): a running tail over the unix socket, ended in the end."""
    running = []

    def start(server, *options, where=None):
        place = where or ["--unix", server.unix]
        running.append(subprocess.Popen([host.TIERCEL, "tail", *place, *options], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def finished(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def numbers(text):
    return [int(n) for n in NUMBER.findall(text)]


def test_tail_ends_like_tail(serve, tail):
    server = serve(50)
    server.status_until(alerts=50)
    for options, wanted in [([], range(41, 51)), (["--last", "3"], range(48, 51)),
                            (["-n", "0"], []), (["--since", "1h", "--count", "4"], range(1, 5)),
                            (["--since", "2d"], range(1, 51)), (["--until", "1h"], []),
                            (["--last", "50", "--field", "evt.num=4?"], range(40, 50)),
                            (["--last", "50", "--condition", "evt.num in (7, 9)"], [7, 9]),
                            (["--last", "50", "--not-tag", "test"], []), (["--tag", "x"], []),
                            (["--priority", "warning"], []), (["-p", "notice", "-n1"], [50]),
                            (["--rule", "made*"], []), (["--rule", "Made*", "-n1"], [50]),
                            (["--not-rule", "M*"], []), (["--source", "x"], []),
                            (["--hostname", "h*", "-n1"], [50])]:
        code, out, err = finished(tail(server, *options))
        assert (code, err, numbers(out)) == (0, "", list(wanted)), options


def test_tail_by_tls(serve, tail, certs):
    server = serve(5)
    pki = certs.client
    place = ["--address", server.tcp, "--ca", pki["ca"], "--cert", pki["cert"], "--key", pki["key"]]
    code, out, err = finished(tail(server, "--since", "1h", where=place))
    assert (code, numbers(out)) == (0, [1, 2, 3, 4, 5]), err
    # The pair is found beside the CA.
    code, out, _ = finished(tail(server, "-n2", where=place[:4]))
    assert (code, numbers(out)) == (0, [4, 5])
    code, out, err = finished(tail(server, where=["--address", server.tcp, "--ca", "/no/such"]))
    assert code == 1 and "/no/such" in err and not out


def test_tail_by_tls_of_the_configuration(serve, tail, certs, tmp_path):
    """A TCP address is enough: this host, the configured CA, and the client's pair beside it."""
    server, config = serve(5), tmp_path / "t.yaml"
    config.write_text("grpc_output: {enabled: true}\ngrpc:\n  enabled: true\n"
                      f"  bind_address: 0.0.0.0:{server.tcp.rsplit(':', 1)[1]}\n  root_certs: {certs.ca}\n")
    code, out, err = finished(tail(None, "-n3", where=["-c", str(config)]))
    assert (code, numbers(out)) == (0, [3, 4, 5]), err
    code, _, err = finished(tail(None, where=["-c", str(config), "-o", "grpc.enabled=false",
                                              "-o", "stdout_output.enabled=true"]))
    assert code == 1 and "no gRPC server" in err
    code, _, err = finished(tail(None, where=["-c", str(config), "--server-name", "elsewhere"]))
    assert code == 1 and server.tcp in err


def test_tail_as_json(serve, tail):
    server = serve(2)
    server.status_until(alerts=2)
    _, out, _ = finished(tail(server, "--json"))
    alerts = [json.loads(line) for line in out.splitlines()]
    assert [a["position"]["seq"] for a in alerts] == [1, 2]
    assert alerts[0]["rule"] == "Made up" and alerts[0]["priority"] == "Notice"
    assert alerts[0]["output_fields"] == {"evt.num": "1"} and alerts[0]["tags"] == ["test"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", alerts[0]["time"])


def lines_until(process, count, seconds=60):
    """So many lines of stdout."""
    watch = threading.Timer(seconds, process.kill)
    watch.start()
    got = [process.stdout.readline() for _ in range(count)]
    watch.cancel()
    assert all(got), got
    return got


def test_tail_follows_over_restarts(serve, tail, tmp_path):
    """The network process is killed again and again: nothing is shown twice, nothing is missing."""
    server = serve(20, extra=[f"state={tmp_path}/state"])
    follow = tail(server, "--follow", "--last", "20")
    seen = []
    for round_ in range(4):
        wanted = 20 + 50 * round_
        while len(seen) < wanted:
            seen += numbers(follow.stdout.readline())
        server.kill_network()
        server.say("more 50")
    while len(seen) < 220:
        seen += numbers(follow.stdout.readline())
    assert seen == list(range(1, 221))
    follow.terminate()
    _, err = follow.communicate(timeout=20)
    assert err.count("trying again") >= 1 and err.count("is there again") >= 1


def test_tail_says_what_it_missed(serve, tail):
    """A server without a journal keeps so many: what a tail that was stopped did not take in time is told."""
    server = serve(10, extra=["stream_alerts=100"])
    follow = tail(server, "--follow", "--json")
    assert [json.loads(line)["position"]["seq"] for line in lines_until(follow, 10)] == list(range(1, 11))
    os.kill(follow.pid, signal.SIGSTOP)
    server.say("more 20000")
    server.status_until(alerts=20010)
    os.kill(follow.pid, signal.SIGCONT)
    told, at = [], 10
    while at < 20010:
        one = json.loads(lines_until(follow, 1)[0])
        if "lost" in one:
            assert one["lost"]["first"]["seq"] == at + 1
            told.append(one["lost"]["count"])
            at = one["lost"]["last"]["seq"]
        else:
            at += 1
            assert one["position"]["seq"] == at
    assert sum(told) > 10000


def test_tail_waits_for_a_server(serve, tail, tmp_path):
    where = ["--unix", str(tmp_path / "made" / "here" / "f.sock")]
    code, _, err = finished(tail(None, where=where))
    assert code == 1 and "f.sock" in err
    follow = tail(None, "--follow", where=where)
    assert "trying again" in follow.stderr.readline()
    server = serve(3)
    assert numbers("".join(lines_until(follow, 3))) == [1, 2, 3]


def test_what_cannot_work_ends_at_once(serve, tail, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy:\n- identity: 'uid:99999'\n  methods: '*'\n")
    server = serve(3, extra=[f"policy={policy}"])
    code, _, err = finished(tail(server, "--follow"))
    assert code == 1 and "the policy does not permit this" in err
    for options, why in [(["--condition", "a and"], "condition"), (["--since", "yesterday"], "yesterday"),
                         (["--colour"], "did you mean --color?"), (["--last", "2", "--since", "1h"], "exclude"),
                         (["--field", "x"], "NAME=PATTERN"), (["operand"], "operand"), (["--unix"], "--unix")]:
        code, out, err = finished(tail(serve(addresses=f"unix://{tmp_path}/x.sock", tls=False)
                                       if options[0] == "--condition" else server, *options))
        assert code == 1 and why in err and not out, (options, err)


def on_terminal(command):
    """What a command prints on a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env={**os.environ, "NO_COLOR": ""})
    os.close(slave)
    data = b""
    while select.select([master], [], [], 30)[0]:
        try:
            data += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    process.wait(20)
    return data.decode()


def test_colours_only_where_they_are_seen(serve, tail):
    server = serve(2)
    server.status_until(alerts=2)
    command = [host.TIERCEL, "tail", "--unix", server.unix]
    assert "\033[36mNotice" in on_terminal(command) and "\033" not in on_terminal([*command, "--color=never"])
    assert "\033" not in finished(tail(server))[1] and "\033[36m" in finished(tail(server, "--color", "always"))[1]


def test_status(serve, tmp_path):
    server = serve(7)
    server.status_until(alerts=7)
    run = [host.TIERCEL, "status", "--unix", server.unix]
    told = json.loads(subprocess.run([*run, "--json"], capture_output=True, check=True, timeout=60).stdout)
    assert (told["oldest"], told["newest"], told["journal"], told["streams"]) == (1, 7, False, [])
    assert told["dropped"]["streams"] == 0 and told["version"] == "0.43.1-rc1+abc"
    text = subprocess.run(run, capture_output=True, check=True, text=True, timeout=60).stdout
    assert "kept are 1 to 7 (in memory only" in text and "dropped    nothing" in text
    done = subprocess.run([host.TIERCEL, "status", "--unix", str(tmp_path / "no")], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1 and str(tmp_path / "no") in done.stderr and not done.stdout


def test_both_find_the_server_by_its_configuration(sensor, actor, rules_file, tmp_path):
    rules = rules_file("- rule: Escapes\n  desc: d\n  condition: evt.type in (open, openat) and fd.name endswith .watched\n"
                       "  output: 'opened %fd.name'\n  priority: WARNING\n")
    s = sensor([rules], f"pid:{actor.pid}",
               config=f"grpc: {{enabled: true, bind_address: 'unix://{tmp_path}/t.sock'}}\ngrpc_output: {{enabled: true}}\n")
    where = ["-c", str(tmp_path / "falco.yaml")]
    follow = subprocess.Popen([host.TIERCEL, "tail", *where, "--follow", "--json"], stdout=subprocess.PIPE, text=True)
    command = [host.TIERCEL, "status", "--json", *where]
    told = until(lambda: (t := json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout))
                 and t["streams"] and t)
    assert told["rules"] == 1 and told["journal"] and told["streams"][0]["identity"] == f"uid:{os.getuid()}"
    actor.do(f"open({str(tmp_path)!r} + '/\\x1b[31m\\nx.watched', 'w').close()")
    alert = json.loads(lines_until(follow, 1)[0])
    assert alert["output_fields"]["fd.name"].endswith("\x1b[31m\nx.watched")
    follow.terminate()
    follow.wait(20)
    text = subprocess.run([host.TIERCEL, "tail", *where], capture_output=True, text=True, check=True, timeout=60).stdout
    assert text.count("\n") == 1 and "\\u001b[31m\\nx.watched" in text and "Warning       Escapes: opened /" in text
    s.stop()


class OldFalco(grpc.GenericRpcHandler):
    """A server that skips what it does not know in a request and says nothing of itself."""

    def service(self, details):
        outputs = MESSAGES["outputs"]

        def sub(requests, _):
            next(requests)
            for n in range(3):
                yield outputs.response(rule="Old", output=f"old {n}", priority=5)

        return grpc.stream_stream_rpc_method_handler(sub, outputs.request.FromString, outputs.response.SerializeToString)


def test_an_old_server_is_not_believed_to_filter(tail, tmp_path):
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[OldFalco()])
    where = ["--unix", str(tmp_path / "old.sock")]
    server.add_insecure_port("unix:" + where[1])
    server.start()
    code, out, err = finished(tail(None, "--rule", "X", where=where))
    assert code == 1 and "is no Tiercel" in err and not out
    code, out, _ = finished(tail(None, where=where))
    assert code == 0 and [line.split(": ", 1)[1] for line in out.splitlines()] == ["old 0", "old 1", "old 2"]
    server.stop(0)

# SPDX-License-Identifier: Apache-2.0
"""Streaming as clients see it: every subscriber gets everything, the wrong ones get nothing."""

import itertools
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time

import grpc
import pytest

from conftest import EXAMPLE_C, EXAMPLE_PY, MESSAGES, SOURCE, Server

BOTH = pytest.mark.parametrize("how", ["unix", "tls"])
OUTPUTS = MESSAGES["outputs"]


def numbers(alerts):
    return [int(a.output_fields["evt.num"]) for a in alerts]


def take(call, n):
    return numbers(itertools.islice(call, n))


class Requests:
    """A legacy client's requests: empty ones, until it closes its side."""

    def __init__(self, every=0.01):
        self.every, self.closed = every, threading.Event()

    def __iter__(self):
        while not self.closed.is_set():
            yield OUTPUTS.request()
            self.closed.wait(self.every)


@BOTH
def test_version(serve, connect, how):
    answer = connect(serve(), how).version(timeout=10)
    assert answer.version == "0.43.1-rc1+abc"
    assert (answer.major, answer.minor, answer.patch) == (0, 43, 1)
    assert (answer.prerelease, answer.build) == ("rc1", "abc")
    assert answer.engine_version == "0.63.0"
    assert (answer.engine_major, answer.engine_minor, answer.engine_patch) == (0, 63, 0)


@BOTH
def test_get_ends_and_goes_on(serve, connect, how):
    server = serve(10)
    client = connect(server, how)
    assert numbers(client.get(timeout=10)) == list(range(1, 11))
    assert numbers(client.get(timeout=10)) == []
    server.say("more 5")
    server.status_until(alerts=15)
    assert numbers(client.get(timeout=10)) == list(range(11, 16))


def test_identities_do_not_share_a_cursor(serve, connect, certs):
    server = serve(10)
    other = certs.issue("other-client", 5)
    for client in (connect(server, "unix"), connect(server, "tls"), connect(server, "tls", **other)):
        assert numbers(client.get(timeout=10)) == list(range(1, 11))
        assert numbers(client.get(timeout=10)) == []


@BOTH
def test_a_message_is_as_clients_expect(serve, connect, how):
    (alert,) = connect(serve(1), how).get(timeout=10)
    assert alert.rule == "Made up" and alert.source == "syscall" and alert.hostname == "here"
    assert list(alert.tags) == ["test"] and alert.priority == 5
    assert alert.source_deprecated == 0
    assert abs(alert.time.seconds - time.time()) < 60


@BOTH
def test_polling_sub_drains_at_half_close(serve, connect, how):
    requests = Requests()
    server = serve(100)
    call = connect(server, how).subscribe(iter(requests))
    assert take(call, 100) == list(range(1, 101))
    server.say("more 100")
    assert take(call, 100) == list(range(101, 201))
    server.say("more 50")
    server.status_until(alerts=250)
    requests.closed.set()
    assert numbers(call) == list(range(201, 251))
    assert call.code() == grpc.StatusCode.OK


def test_sub_answers_only_after_a_request(serve, connect):
    asked, requests = threading.Event(), Requests()

    def late():
        asked.wait()
        yield from requests

    server = serve(3)
    call = connect(server, "unix").subscribe(late())
    server.status_until(calls=1)
    time.sleep(0.2)
    assert server.status()["sent"] == 0
    asked.set()
    assert take(call, 3) == [1, 2, 3]
    requests.closed.set()


def test_initial_metadata_tells_the_position(serve, connect):
    server = serve(7)
    call = connect(server, "unix").subscribe()
    told = dict(call.initial_metadata())
    assert (told["tiercel-api"], told["tiercel-oldest"], told["tiercel-newest"]) == ("1", "1", "7")
    call.cancel()


def test_a_returning_client_misses_nothing(serve, connect):
    """What was sent but not read when the stream was cut comes again."""
    server = serve(100)
    first = connect(server, "unix").subscribe()
    got = take(first, 40)
    first.cancel()
    server.status_until(calls=0)
    second = connect(server, "unix").subscribe()
    while got[-1] != 100:
        got += take(second, 1)
    assert sorted(set(got)) == list(range(1, 101))
    second.cancel()


def test_a_drained_client_repeats_nothing(serve, connect):
    server = serve(100)
    for first in (1, 101, 201):
        requests = Requests()
        call = connect(server, "unix").subscribe(iter(requests))
        assert take(call, 100) == list(range(first, first + 100))
        requests.closed.set()
        assert numbers(call) == []
        server.say("more 100")
        server.status_until(alerts=first + 199)


def test_three_subscribers_each_get_ten_thousand(serve, certs):
    server = serve(0, tls=True)
    unix = ["--unix", server.unix]
    tls = ["--tls", server.tcp]
    for name in ("ca", "cert", "key"):
        tls += ["--" + name, certs.client[name]]
    count = ["--count", "10000"]
    python = [sys.executable, "-B", EXAMPLE_PY]
    commands = [python + unix, python + tls, [EXAMPLE_C] + unix, [EXAMPLE_C] + tls]
    clients = [subprocess.Popen(c + count, stdout=subprocess.PIPE) for c in commands]
    server.status_until(streams=len(clients))
    for _ in range(10):
        server.say("more 1000")
    for client in clients:
        lines = client.communicate(timeout=120)[0].splitlines()
        got = [int(json.loads(line)["output_fields"]["evt.num"]) for line in lines]
        assert got == list(range(1, 10001))
        assert client.returncode == 0
    assert server.status()["lost"] == 0


def test_a_slow_client_is_told_and_delays_nobody(serve, connect):
    server = serve(0, extra=["stream_alerts=1000"])
    slow = connect(server, "unix").subscribe()
    server.status_until(streams=1)
    server.say("more 1")
    next(slow)
    quick = connect(server, "tls").subscribe()
    assert take(quick, 1) == [1]
    for n in range(60):
        server.say("more 500")
        assert take(quick, 500) == list(range(2 + n * 500, 502 + n * 500))
    got, lost, expected = 0, 0, 2
    for alert in slow:
        if alert.source == "internal":
            assert alert.rule == "Tiercel internal: alerts lost"
            assert int(alert.output_fields["first_lost"]) == expected
            n = int(alert.output_fields["n_lost"])
            lost += n
            expected += n
        else:
            assert int(alert.output_fields["evt.num"]) == expected
            expected += 1
            got += 1
        if expected > 30001:
            break
    assert lost > 0 and got + lost == 30000
    assert server.status()["lost"] == lost


@pytest.mark.parametrize("why", ["no certificate", "wrong CA", "expired"])
def test_wrong_clients_are_refused(serve, connect, certs, tmp_path, why):
    server = serve(5)
    if why == "no certificate":
        pki = {"ca": certs.ca}
    elif why == "expired":
        pki = certs.issue("expired", -1)
    else:
        subprocess.run([SOURCE, "certs", str(tmp_path / "foreign")], check=True)
        foreign = tmp_path / "foreign"
        pki = {"ca": certs.ca, "cert": foreign / "client.crt", "key": foreign / "client.key"}
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as refused:
            connect(server, "tls", **pki).version(timeout=10)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert server.status()["refused"] >= 3
    assert server.log().count("refused a client") == 1
    assert numbers(connect(server, "tls").get(timeout=10)) == [1, 2, 3, 4, 5]


def test_plaintext_on_tcp_is_refused(serve, connect):
    server = serve(1)
    with grpc.insecure_channel(server.tcp) as channel, pytest.raises(grpc.RpcError):
        list(channel.unary_stream("/falco.outputs.service/get")(b"", timeout=5))
    assert numbers(connect(server, "tls").get(timeout=10)) == [1]


def test_taken_port_is_an_error(certs):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        server = Server(address, certs=certs.server)
        assert server.answer == f"failed cannot listen on {address}: Address already in use"
        assert server.process.wait(20) == 1


def test_two_servers_never_share_a_port(serve, certs):
    first = serve(1)
    address = "127.0.0.1:" + first.tcp.rsplit(":", 1)[1]
    for wanted in (address, address.replace("127.0.0.1", "0.0.0.0")):
        second = Server(wanted, certs=certs.server)
        assert second.answer == f"failed cannot listen on {wanted}: Address already in use"


def test_sockets_in_the_way(serve, connect, tmp_path):
    first = serve(2, tls=False)
    second = Server("unix://" + first.unix)
    assert second.answer == (
        f"failed cannot listen on unix://{first.unix}: another server is listening there")
    assert numbers(connect(first, "unix").get(timeout=10)) == [1, 2]
    first.stop()
    assert not os.path.exists(first.unix)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(first.unix)
    third = serve(1, tls=False)
    assert third.ok and stat.S_IMODE(os.stat(third.unix).st_mode) == 0o660
    assert numbers(connect(third, "unix").get(timeout=10)) == [1]
    (tmp_path / "file").write_text("mine")
    fourth = Server(f"unix://{tmp_path}/file")
    assert "a file that is no socket" in fourth.answer
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("address", ["", "5060", "host", "127.0.0.1:http", "unix://relative", ":1"])
def test_bad_addresses(certs, address):
    assert Server(address, certs=certs.server).answer.startswith("failed ")


def test_bad_certificates_name_the_file(certs, tmp_path):
    crt, key, ca = certs.server
    junk = tmp_path / "junk.pem"
    junk.write_text("no PEM\n")
    broken = tmp_path / "broken.pem"
    with open(crt, encoding="ascii") as file:
        broken.write_text(file.read().replace("M", "!", 1))
    old = certs.issue("expired-server", -1)
    rows = [
        ([crt, certs["client.key"], ca], certs["client.key"], f"belong to the certificate in {crt}"),
        ([junk, key, ca], junk, "no certificate"),
        ([broken, key, ca], broken, "damaged"),
        ([crt, junk, ca], junk, "no usable PEM private key"),
        ([crt, key, junk], junk, "no certificate"),
        ([old["cert"], old["key"], ca], old["cert"], "has expired"),
        ([tmp_path / "missing", key, ca], tmp_path / "missing", "No such file"),
    ]
    for files, name, text in rows:
        answer = Server("127.0.0.1:0", certs=[str(f) for f in files]).answer
        assert answer.startswith(f"failed {name}: ") and text in answer


def test_killed_network_process_comes_back_with_its_history(serve, connect):
    server = serve(100)
    assert numbers(connect(server, "unix").get(timeout=10)) == list(range(1, 101))
    for round_ in range(3):
        server.kill_network()
        server.say("more 10")
        server.status_until(alerts=110 + round_ * 10)
        got = numbers(connect(server, "unix").get(timeout=10))
        assert got == list(range(1, 111 + round_ * 10))


@BOTH
def test_kill_in_the_middle_of_a_stream(serve, connect, how):
    server = serve(1000, rate=2000)
    call = connect(server, how).subscribe()
    got = take(call, 200)
    server.kill_network()
    with pytest.raises(grpc.RpcError) as ended:
        got += numbers(call)
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
    assert got == list(range(1, len(got) + 1))
    assert take(connect(server, how).subscribe(), 1000) == list(range(1, 1001))


@BOTH
def test_stopping_ends_the_streams(serve, connect, how):
    server = serve(500)
    idle = connect(server, how).subscribe()
    take(idle, 500)
    busy = connect(server, how).subscribe()
    next(busy)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 3
    for call in (idle, busy):
        with pytest.raises(grpc.RpcError) as ended:
            list(call)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE


def test_malformed_and_unknown(serve, connect):
    server = serve(1)
    with grpc.insecure_channel("unix:" + server.unix) as channel:
        for method, request, code in (
            ("/falco.outputs.service/get", b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
            ("/falco.outputs.service/sub", b"\x0a\x7f", grpc.StatusCode.INVALID_ARGUMENT),
            ("/falco.outputs.service/get", b"\0" * 70000, grpc.StatusCode.RESOURCE_EXHAUSTED),
            ("/falco.outputs.service/none", b"", grpc.StatusCode.UNIMPLEMENTED),
            ("/other", b"", grpc.StatusCode.UNIMPLEMENTED),
        ):
            with pytest.raises(grpc.RpcError) as error:
                list(channel.unary_stream(method)(request, timeout=10))
            assert error.value.code() == code
    assert numbers(connect(server, "unix").get(timeout=10)) == [1]
    server.status_until(calls=0)


def test_many_calls_and_reconnects(serve, connect):
    """Restarting clients do not use the server up (falco#1268)."""
    server = serve(10)
    for _ in range(100):
        client = connect(server, "unix")
        call = client.subscribe()
        next(call)
        call.cancel()
    calls = [connect(server, "unix").subscribe() for _ in range(100)]
    for call in calls:
        next(call)
    assert connect(server, "tls").version(timeout=10).major == 0
    for call in calls:
        call.cancel()
    server.status_until(calls=0)


def test_certs_keep_their_ca(certs, tmp_path):
    pki = tmp_path / "pki"
    subprocess.run([SOURCE, "certs", pki], check=True)
    before = (pki / "ca.crt").read_bytes(), (pki / "server.crt").read_bytes()
    subprocess.run([SOURCE, "certs", pki], check=True)
    assert (pki / "ca.crt").read_bytes() == before[0]
    assert (pki / "server.crt").read_bytes() != before[1]
    for name in ("ca", "server", "client"):
        assert stat.S_IMODE((pki / f"{name}.key").stat().st_mode) == 0o600
        assert (pki / f"{name}.key").read_text().startswith("-----BEGIN PRIVATE KEY-----")
    text = subprocess.run(["openssl", "x509", "-in", pki / "server.crt", "-noout", "-ext",
                           "subjectAltName"], capture_output=True, text=True, check=True).stdout
    for name in ("DNS:localhost", "DNS:test-host", "IP Address:127.0.0.1", "0:0:0:0:0:0:0:1"):
        assert name in text
    (pki / "ca.key").unlink()
    refused = subprocess.run([SOURCE, "certs", pki], capture_output=True, text=True)
    assert refused.returncode == 1 and "ca.key" in refused.stderr
    assert (pki / "ca.crt").read_bytes() == before[0]

# SPDX-License-Identifier: Apache-2.0
"""The HTTP output: every alert once, in order, whatever the receiver does; TLS both ways; bodies compressed."""
import gzip
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import time

import pytest
from conftest import Certs, any_free_port

RULE = """
- rule: opened
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name endswith .watched
  output: "opened %fd.name"
  priority: WARNING
"""


class Receiver:
    """Answers with the given statuses in turn, then 200; keeps what it accepted but for internal alerts."""

    def __init__(self, port=0, statuses=(), tls=None):
        self.got, self.headers, self.statuses = [], [], list(statuses)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                # A slow disk of a busy machine has an alert of its own.
                body = "".join(line for line in body.decode().splitlines(True) if '"source":"internal"' not in line)
                if status == 200 and body:
                    receiver.got.append(body)
                    receiver.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait(self, n, seconds=30):
        end = time.monotonic() + seconds
        while len(self.got) < n and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.got) >= n, f"{len(self.got)} of {n}"


@pytest.fixture
def receiver():
    made = []

    def make(**kw):
        made.append(Receiver(**kw))
        return made[-1]

    yield make
    for r in made:
        r.stop()


def settings(port, scheme="http", more=""):
    return f"http_output:\n  enabled: true\n  url: {scheme}://localhost:{port}/in\n{more}"


def raise_alerts(actor, tmp, first, n):
    actor.do(f"[open({str(tmp)!r} + '/%d.watched' % n, 'w').close() for n in range({first}, {first + n})]")


def numbers(lines):
    return [int(os.path.basename(json.loads(l)["output_fields"]["fd.name"]).split(".")[0]) for l in lines]


def test_alerts_are_posted(sensor, actor, rules_file, tmp_path, receiver):
    r = receiver()
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", config=settings(r.port))
    raise_alerts(actor, tmp_path, 0, 50)
    r.wait(50)
    assert numbers(r.got) == list(range(50))
    s.wait_alert(lambda a: True, count=50)
    assert [json.loads(line) for line in r.got] == s.alerts[:50]
    assert r.headers[0]["Content-Type"] == "application/json"
    assert r.headers[0]["User-Agent"] == "falcosecurity/falco"


def test_a_busy_receiver_is_asked_again_and_a_refusal_is_not(sensor, actor, rules_file, tmp_path, receiver):
    r = receiver(statuses=[503, 429, 500, 200, 400])
    sensor([rules_file(RULE)], f"pid:{actor.pid}", config=settings(r.port))
    raise_alerts(actor, tmp_path, 0, 10)
    r.wait(9)
    assert numbers(r.got) == [0, 2, 3, 4, 5, 6, 7, 8, 9]  # 1 was refused for what it is


def test_a_receiver_that_was_down_gets_what_it_missed(sensor, actor, rules_file, tmp_path, receiver):
    port = any_free_port()
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", config=settings(port))
    raise_alerts(actor, tmp_path, 0, 3000)
    s.wait_log("trying again")
    time.sleep(1)
    r = receiver(port=port)
    raise_alerts(actor, tmp_path, 3000, 10)
    r.wait(3010, 60)
    assert numbers(r.got) == list(range(3010))
    s.wait_log("works again")


def test_a_new_network_process_goes_on_where_the_last_was(sensor, actor, rules_file, tmp_path, receiver):
    r = receiver()
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", config=settings(r.port))
    raise_alerts(actor, tmp_path, 0, 200)
    r.wait(200)
    time.sleep(1)  # the sensor is told how far the receiver is
    children = subprocess.run(["cat", f"/proc/{s.proc.pid}/task/{s.proc.pid}/children"],
                              capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(children[0]), signal.SIGKILL)
    raise_alerts(actor, tmp_path, 200, 100)
    r.wait(300)
    assert numbers(r.got) == list(range(300))


def test_tls_both_ways_and_compression(sensor, actor, rules_file, tmp_path, receiver):
    certs = Certs(tmp_path / "certs")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certs["server.crt"], certs["server.key"])
    tls.load_verify_locations(certs.ca)
    tls.verify_mode = ssl.CERT_REQUIRED
    r = receiver(tls=tls)
    more = (f"  mtls: true\n  ca_cert: {certs.ca}\n  client_cert: {certs['client.crt']}\n"
            f"  client_key: {certs['client.key']}\n  compress_uploads: true\n")
    sensor([rules_file(RULE)], f"pid:{actor.pid}", config=settings(r.port, "https", more))
    raise_alerts(actor, tmp_path, 0, 20)
    r.wait(20)
    assert numbers(r.got) == list(range(20))
    assert r.headers[0]["Content-Encoding"] == "gzip"


def test_an_unknown_certificate_is_not_trusted(sensor, actor, rules_file, tmp_path, receiver):
    certs, other = Certs(tmp_path / "certs"), Certs(tmp_path / "other")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certs["server.crt"], certs["server.key"])
    r = receiver(tls=tls)
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}",
               config=settings(r.port, "https", f"  ca_cert: {other.ca}\n"))
    raise_alerts(actor, tmp_path, 0, 1)
    s.wait_log("trying again")
    assert not r.got and any("ertificate" in line for line in s.log if "trying again" in line)


def test_what_memory_no_longer_has_comes_from_the_journal(sensor, actor, rules_file, tmp_path, receiver):
    """Down for long under load, with little memory; longer with RECEIVER_DOWN_SECONDS."""
    port, seconds = any_free_port(), int(os.environ.get("RECEIVER_DOWN_SECONDS", "4"))
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", extra=["-o", "tiercel.stream_alerts=256"],
               config=settings(port))
    n = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        raise_alerts(actor, tmp_path, n, 50)
        n += 50
        time.sleep(0.1)
    s.wait_log("trying again")
    r = receiver(port=port)
    raise_alerts(actor, tmp_path, n, 10)
    r.wait(n + 10, 120)
    assert numbers(r.got) == list(range(n + 10))
    s.wait_log("works again, 0 alerts were lost")


def test_the_next_start_goes_on_where_this_one_was(sensor, actor, rules_file, tmp_path, receiver):
    port = any_free_port()
    rules = [rules_file(RULE)]
    s = sensor(rules, f"pid:{actor.pid}", config=settings(port))
    raise_alerts(actor, tmp_path, 0, 300)
    s.wait_alert(lambda a: True, count=300)
    s.wait_log("trying again")
    assert s.stop() == 0
    r = receiver(port=port)
    s = sensor(rules, f"pid:{actor.pid}", config=settings(port))
    raise_alerts(actor, tmp_path, 300, 10)
    r.wait(310, 60)
    assert numbers(r.got) == list(range(310))
    time.sleep(0.5)  # its place is written down
    assert s.stop() == 0
    s = sensor(rules, f"pid:{actor.pid}", config=settings(port))
    raise_alerts(actor, tmp_path, 310, 10)
    r.wait(320, 60)
    assert numbers(r.got) == list(range(320))


def test_one_of_two_receivers_is_down(sensor, actor, rules_file, tmp_path, receiver):
    r, port = receiver(), any_free_port()
    outputs = [f"{{name: siem, type: http, url: 'http://localhost:{r.port}/'}}",
               f"{{name: second, type: file, filename: {tmp_path}/second.txt}}"]
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", config=settings(port),
               extra=[x for o in outputs for x in ("-o", "tiercel.outputs[]=" + o)])
    raise_alerts(actor, tmp_path, 0, 100)
    r.wait(100)
    assert numbers(r.got) == list(range(100))
    s.wait_alert(lambda a: True, count=100)
    assert numbers((tmp_path / "second.txt").read_text().splitlines()) == list(range(100))
    late = receiver(port=port)
    late.wait(100, 60)
    assert numbers(late.got) == list(range(100))


@pytest.mark.parametrize("compress", [False, True])
def test_several_alerts_in_one_request(sensor, actor, rules_file, tmp_path, receiver, compress):
    r = receiver(statuses=[503])
    sensor([rules_file(RULE)], f"pid:{actor.pid}", extra=["-o", "tiercel.http.batch=100"],
           config=settings(r.port, more=f"  compress_uploads: {str(compress).lower()}\n"))
    raise_alerts(actor, tmp_path, 0, 500)
    end = time.monotonic() + 30
    while sum(body.count("\n") for body in r.got) < 500 and time.monotonic() < end:
        time.sleep(0.05)
    lines = [line for body in r.got for line in body.splitlines()]
    assert numbers(lines) == list(range(500)) and len(r.got) < 250
    assert max(body.count("\n") for body in r.got) <= 100
    assert r.headers[0]["Content-Type"] == "application/x-ndjson"


def test_an_alert_is_given_up_in_the_end(sensor, actor, rules_file, tmp_path, receiver):
    port = any_free_port()
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", extra=["-o", "tiercel.http.give_up=300ms"],
               config=settings(port))
    raise_alerts(actor, tmp_path, 0, 1)
    s.wait_log("trying again")
    time.sleep(2)
    r = receiver(port=port)
    raise_alerts(actor, tmp_path, 1, 5)
    r.wait(5)
    assert numbers(r.got) == [1, 2, 3, 4, 5]
    s.wait_log("works again, 1 alerts were lost")


def test_a_receiver_is_set_right_while_it_runs(sensor, actor, rules_file, tmp_path, receiver):
    r = receiver()
    more = tmp_path / "more.yaml"

    def use(port):
        (tmp_path / "fresh").write_text(f"http_output: {{enabled: true, url: 'http://localhost:{port}/'}}\n")
        (tmp_path / "fresh").rename(more)

    use(any_free_port())
    s = sensor([rules_file(RULE)], f"pid:{actor.pid}", config=f"config_files: [{more}]\n")
    raise_alerts(actor, tmp_path, 0, 3000)
    s.wait_log("trying again")
    use(r.port)
    r.wait(3000, 60)
    assert numbers(r.got) == list(range(3000))

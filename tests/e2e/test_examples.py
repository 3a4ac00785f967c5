# SPDX-License-Identifier: Apache-2.0
"""client-examples/: subscribers that are killed and go on exactly, forwarders in front of receivers that fail."""

import email
import email.policy
import http.server
import json
import os
import pathlib
import pty
import random
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from conftest import EXAMPLE_C, ROOT, node_packages, until

PYTHON = pathlib.Path(ROOT) / "client-examples" / "python"
NODE = pathlib.Path(ROOT) / "client-examples" / "node"
KILLS, EACH = 8, 2000


@pytest.fixture
def start():
    """start(command…): a process that is gone in the end."""
    running = []

    def run(*command, **named):
        running.append(subprocess.Popen([str(c) for c in command], text=True, **named))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def durable(serve, tmp_path):
    return lambda count, **named: serve(count, extra=[f"state={tmp_path}/state"], **named)


def subscriber(kind):
    if kind == "c":
        return [EXAMPLE_C], None
    if kind == "python":
        return [sys.executable, PYTHON / "subscribe.py"], None
    return ["node", NODE / "subscribe.js"], {**os.environ, "NODE_PATH": node_packages()}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("kind", ["c", "python", "node"])
def test_subscribers_go_on_exactly(durable, start, tmp_path, kind):
    """Killed again and again, as is the server's process: the file has every alert once, in order."""
    server = durable(0)
    out, (command, env) = tmp_path / "alerts", subscriber(kind)
    command = [*command, "--unix", server.unix, "--file", out]
    chance, had = random.Random(kind), 0
    for turn in range(1, KILLS + 1):
        process = start(*command, env=env, stderr=subprocess.DEVNULL)
        server.say(f"more {EACH}")
        if turn in (3, 6):
            server.kill_network()
        until(lambda: lines_whole(out) > had, 90)
        time.sleep(chance.random() / 50)
        process.kill()
        process.wait()
        had = lines_whole(out)
        if turn % 2:
            with open(out, "ab") as file:  # as if it had been killed in the middle of a line
                file.write(b'{"time": "20')
    start(*command, env=env, stderr=subprocess.DEVNULL)
    until(lambda: lines_whole(out) >= KILLS * EACH, 90)
    got = lines(out)
    assert [int(a["position"]["seq"]) for a in got] == list(range(1, KILLS * EACH + 1))
    assert got[0]["rule"] == "Made up" and got[-1]["output_fields"]["evt.num"] == str(KILLS * EACH)


@pytest.mark.parametrize("kind", ["c", "python", "node"])
def test_subscribers_by_tls(serve, start, tmp_path, certs, kind):
    server, (command, env) = serve(20), subscriber(kind)
    out, pki = tmp_path / "alerts", certs.client
    process = start(*command, "--tls", server.tcp, "--ca", pki["ca"], "--cert", pki["cert"], "--key", pki["key"],
                    "--file", out, "--count", "20", env=env)
    assert process.wait(60) == 0 and [int(a["position"]["seq"]) for a in lines(out)] == list(range(1, 21))


def lines_whole(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


class Receiver:
    """An HTTP server that keeps what is posted, and answers what answer(body, number) says."""

    def __init__(self, answer=lambda body, number: 200):
        self.posts, outer = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code = answer(body, len(outer.posts))
                outer.posts.append((code, body, dict(self.headers)))
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        return [body for code, body, _ in self.posts if code == 200]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def numbers(bodies):
    return [int(b["output_fields"]["evt.num"]) for b in bodies]


def test_relay_delivers_over_failures(durable, start, tmp_path):
    """The receiver fails, refuses one and is away for a while; the relay is killed: nothing is missing."""
    server = durable(60)
    receiver = Receiver(lambda body, n: 503 if n % 7 == 3 else
                        400 if body["output_fields"]["evt.num"] == "20" else 200)
    command = [sys.executable, PYTHON / "relay.py", "--unix", server.unix, "--to", receiver.url,
               "--cursor", tmp_path / "cursor", "--header", "X-Token: t"]
    relay = start(*command, stderr=subprocess.PIPE)
    until(lambda: len(receiver.taken()) >= 30, 60)
    relay.kill()
    assert "refused with status 400" in relay.communicate()[1]
    port = receiver.server.server_address[1]
    relay = start(*command, stderr=subprocess.PIPE)
    until(lambda: len(set(numbers(receiver.taken()))) == 59, 60)
    got = numbers(receiver.taken())
    assert sorted(set(got)) == [n for n in range(1, 61) if n != 20]
    assert len(got) <= 61, "what was accepted before the kill is repeated once at most"
    body = receiver.taken()[0]
    assert body["priority"] == "Notice" and body["rule"] == "Made up" and body["source"] == "syscall"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", body["time"]) and body["hostname"] == "here"
    assert receiver.posts[0][2]["X-Token"].strip() == "t"
    receiver.stop()
    server.say("more 5")
    assert any("trying again" in relay.stderr.readline() for _ in range(20))
    again = Receiver()
    again.stop()
    again.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), again.server.RequestHandlerClass)
    threading.Thread(target=again.server.serve_forever, daemon=True).start()
    until(lambda: numbers(again.taken()) == list(range(61, 66)), 60)
    again.stop()


def siem(server, tmp_path, *options):
    return [sys.executable, PYTHON / "siem.py", "--unix", server.unix, "--cursor", tmp_path / "siem.cursor", *options]


def test_siem_writes_ecs_and_ocsf(durable, start, tmp_path):
    server = durable(10)
    for format_ in "ecs", "ocsf":
        out = tmp_path / format_
        process = start(*siem(server, tmp_path, "--format", format_, "--file", out))
        until(lambda: out.exists() and lines_whole(out) == 10, 60)
        process.kill()
        process.wait()
        (tmp_path / "siem.cursor").unlink()
    ecs, ocsf = lines(tmp_path / "ecs"), lines(tmp_path / "ocsf")
    assert [e["event"]["sequence"] for e in ecs] == list(range(1, 11))
    assert ecs[0]["rule"] == {"name": "Made up", "ruleset": "syscall"} and ecs[0]["event"]["kind"] == "alert"
    assert ecs[0]["host"]["name"] == "here" and ecs[0]["tags"] == ["test"] and ecs[0]["log"]["level"] == "notice"
    assert ecs[0]["tiercel"]["fields"] == {"evt.num": "1"} and len({e["event"]["id"] for e in ecs}) == 10
    one = ocsf[0]
    assert one["type_uid"] == one["class_uid"] * 100 + one["activity_id"] and one["category_uid"] == 2
    assert one["severity_id"] == 2 and abs(one["time"] / 1000 - time.time()) < 600
    assert one["finding_info"]["title"] == "Made up" and one["metadata"]["uid"] == one["finding_info"]["uid"]
    assert [o["metadata"]["uid"] for o in ocsf] == [e["event"]["id"] for e in ecs]


class TlsReceiver:
    """Takes RFC 5425 frames; the first connection is dropped after so many."""

    def __init__(self, certs, drop_after=0):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certs.server[:2])
        self.socket = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.port, self.got, self.drop_after = self.socket.getsockname()[1], [], drop_after
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                if self.socket.fileno() < 0:
                    return
                continue
            self.read(connection.makefile("rb"))
            connection.close()

    def read(self, stream):
        length = b""
        while byte := stream.read(1):
            if byte != b" ":
                length += byte
                continue
            self.got.append(stream.read(int(length)).decode())
            length = b""
            if self.drop_after and len(self.got) >= self.drop_after:
                self.drop_after = 0
                return


def test_siem_sends_cef_by_syslog_over_tls(durable, start, tmp_path, certs):
    server = durable(30)
    receiver = TlsReceiver(certs, drop_after=12)
    command = siem(server, tmp_path, "--format", "cef", "--syslog", f"localhost:{receiver.port}",
                   "--syslog-ca", certs.ca)
    start(*command)
    until(lambda: any("evt" in m or "Made up" in m for m in receiver.got) and len(receiver.got) >= 12, 60)
    server.say("more 10")
    shape = re.compile(r"<109>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) here tiercel - Made_up "
                       r'\[tiercel@32473 id="([0-9a-f]+-\d+)" priority="Notice"\] '
                       "\ufeffCEF:0\\|Tiercel\\|Tiercel\\|[0-9.]+\\|Made up\\|Made up\\|4\\|rt=\\d+ .*msg=.*")
    ids = lambda: [int(shape.fullmatch(m).group(2).split("-")[1]) for m in list(receiver.got)]
    until(lambda: set(ids()) == set(range(1, 41)), 90)
    assert ids()[:12] == list(range(1, 13)) and "cs1=test cs1Label=tags" in receiver.got[0]
    receiver.socket.close()


def load_example(name):
    sys.path.insert(0, str(PYTHON))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(PYTHON))


def test_cef_escapes_what_others_wrote():
    example, messages = load_example("siem"), load_example("subscribe").load()
    response = messages["outputs"].response(rule="a|b\\c\nd", priority=0, output="x=1\n|y\\", hostname="h h",
                                            output_fields={"fd.name": "/a=b\r"})
    alert = example.Alert(response, lambda n: "Emergency")
    line = example.cef(alert)
    assert "\n" not in line and "\r" not in line
    head, _, rest = line.partition("|10|")
    assert head.endswith("|a\\|b\\\\c d|a\\|b\\\\c d") and "filePath=/a\\=b\\r" in rest and "msg=x\\=1\\n|y\\\\" in rest
    assert b" h_h tiercel - a|b\\c_d [" in example.Syslog.message(example.Syslog, alert, line)


def test_notifier_posts_to_a_webhook(durable, start, tmp_path):
    server = durable(25)
    receiver = Receiver(lambda body, n: 500 if n == 0 else 200)
    start(sys.executable, PYTHON / "notify.py", "--unix", server.unix, "--webhook", receiver.url, "--gather", "1",
          "--cursor", tmp_path / "c", "--priority", "notice", stderr=subprocess.DEVNULL)
    until(lambda: receiver.taken(), 60)
    server.say("more 2")
    until(lambda: sum(int(b["text"].split()[0]) for b in receiver.taken()) == 27, 60)
    first = receiver.taken()[0]
    assert first["text"].startswith("2") and "alerts, up to Notice" in first["text"]
    assert len(first["attachments"]) == 10 and first["attachments"][0]["title"] == "Notice: Made up"
    assert {"title": "hostname", "value": "here", "short": True} in first["attachments"][0]["fields"]
    receiver.stop()


class Mailbox(threading.Thread):
    """As much of an SMTP server as smtplib needs; the first mail is refused."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket, self.mails, self.refused = socket.create_server(("127.0.0.1", 0)), [], 0
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb", buffering=0) as stream:
                self.serve(stream)

    def serve(self, stream):
        stream.write(b"220 test\r\n")
        while line := stream.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                stream.write(b"354 go on\r\n")
                data = b"".join(iter(stream.readline, b".\r\n"))
                if not self.refused:
                    self.refused = 1
                    stream.write(b"451 not now\r\n")
                    continue
                self.mails.append(email.message_from_bytes(data, policy=email.policy.default))
            stream.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


def test_notifier_sends_mail(durable, start, tmp_path):
    server, box = durable(12), Mailbox()
    start(sys.executable, PYTHON / "notify.py", "--unix", server.unix, "--smtp",
          f"127.0.0.1:{box.socket.getsockname()[1]}", "--to", "ops@example.org", "--to", "b@example.org",
          "--from", "t@example.org", "--gather", "1", "--cursor", tmp_path / "c", stderr=subprocess.DEVNULL)
    until(lambda: box.mails, 60)
    mail = box.mails[0]
    assert mail["To"] == "ops@example.org, b@example.org" and mail["From"] == "t@example.org" and box.refused
    assert mail["Subject"] == "[Tiercel] 12 alerts, up to Notice: Made up"
    assert mail.get_content().count("Notice: Made up") == 10 and "and 2 more" in mail.get_content()
    box.socket.close()


def test_dashboard_as_text(durable, start):
    server = durable(20)
    board = start(sys.executable, PYTHON / "dashboard.py", "--unix", server.unix, "--plain", "--seconds", "5",
                  stdout=subprocess.PIPE)
    out, _ = board.communicate(timeout=60)
    assert board.returncode == 0 and "20 alerts" in out.splitlines()[0]
    assert re.search(r"^ +20 Made up +20 here$", out, re.M) and "Notice        Made up: alert number 20" in out


def test_dashboard_on_a_terminal(durable):
    server = durable(20)
    master, slave = pty.openpty()
    board = subprocess.Popen([sys.executable, str(PYTHON / "dashboard.py"), "--unix", server.unix], stdin=slave,
                             stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm", "LINES": "30", "COLUMNS": "100"})
    os.close(slave)
    seen, end = b"", time.monotonic() + 60
    while b"alert number 20" not in seen and time.monotonic() < end:
        if select.select([master], [], [], 1)[0]:
            seen += os.read(master, 65536)
    os.write(master, b"q")
    reader = threading.Thread(target=drain, args=(master,), daemon=True)
    reader.start()
    assert board.wait(60) == 0 and b"rules" in seen and b"alert number 20" in seen
    os.close(master)


def drain(fd):
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass

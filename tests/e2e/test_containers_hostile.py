# SPDX-License-Identifier: Apache-2.0
"""Runtimes that hang, talk nonsense, talk for ever or refuse: alerts come all the same, and the log stays short."""
import contextlib
import os
import socket
import threading
import time

import pytest

from engines import Podman, image_root, image_tar, remove_cgroups
from host import Actor, Sensor

RULES = """
- rule: marked
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and proc.args contains mark-
  output: "%container.id %container.name %container.image.repository"
  priority: NOTICE
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def hang(c):
    c.recv(4096)
    time.sleep(30)


def garbage(c):
    c.recv(4096)
    c.sendall(b"\x00\xff\x16\x03\x01 this is no HTTP\n" * 100)


def huge(c):
    c.recv(4096)
    c.sendall(OK + b"Content-Length: 99999999999\r\n\r\n")
    while True:
        c.sendall(b"[" * 65536)


def nested(c):
    c.recv(4096)
    body = b'{"Id":' + b"[" * 200000
    c.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def another(c):
    """Answers every question with a container nobody asked about."""
    c.recv(4096)
    body = b'{"Id":"' + b"0" * 64 + b'","Name":"/trusted","Config":{"Image":"trusted/image:1"}}'
    c.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


class Liar:
    def __init__(self, path, how):
        self.path, self.how = path, how
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                c, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        with c, contextlib.suppress(OSError):
            self.how(c)

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def podman(tmp_path):
    """Not yet started: what runs before the sensor does is out of its scope."""
    with contextlib.ExitStack() as ends:
        tag = f"tiercelbad{os.getpid()}"
        ends.callback(remove_cgroups, tag)
        actor = Actor()
        ends.callback(actor.stop)
        image_root(tmp_path / "rootfs")
        (tmp_path / "Podman").mkdir()
        p = Podman(actor, tmp_path / "Podman", tag)
        p.tar = image_tar(tmp_path / "rootfs")
        yield p
        p.stop()


def start(podman):
    podman.start()
    podman.load(podman.tar)


def test_hostile_runtimes(podman, tmp_path):
    liars = {how.__name__: Liar(tmp_path / f"{how.__name__}.sock", how)
             for how in (hang, garbage, huge, nested, another)}
    refused = Liar(tmp_path / "refused.sock", hang)
    refused.stop()
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    wrong = [str(liar.path) for liar in [*liars.values(), refused]]
    sensor = Sensor(tmp_path, [rules], f"pid:{podman.actor.pid}", config=f"""
container_engines:
  docker: {{enabled: true, sockets: [{", ".join(wrong)}]}}
  podman: {{enabled: true, sockets: [{", ".join(wrong[:3])}, {podman.socket}]}}
  cri: {{enabled: true, sockets: [{tmp_path}/not-there.sock, {tmp_path}/garbage.sock]}}
""").wait_ready()
    try:
        start(podman)
        sensor.wait_log(f"container runtime at {podman.socket}")
        for i in range(5):
            podman.api.run(["/bin/sh", "-c", f"id mark-{i}; sleep 60"], name=f"honest-{i}")
        found = sensor.wait_alert(lambda a: a["rule"] == "marked", 20, 5)
        assert {a["output_fields"]["container.name"] for a in found} == {f"honest-{i}" for i in range(5)}
        assert not any("trusted" in a["output"] for a in found)
        for path in wrong:
            assert len([line for line in sensor.log if path in line and "does not answer" in line]) <= 1
        with open(f"/proc/{sensor.proc.pid}/status", encoding="utf-8") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        assert peak < 300_000, "kilobytes"
    finally:
        assert sensor.stop() == 0
        for liar in liars.values():
            liar.stop()


def test_nobody_knows(podman, tmp_path):
    """Where no runtime answers, the alert waits its time and comes without a name; later ones do not wait again."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    liar = Liar(tmp_path / "hang.sock", hang)
    sensor = Sensor(tmp_path, [rules], f"pid:{podman.actor.pid}", config=f"""
container_engines:
  docker: {{enabled: false}}
  podman: {{enabled: true, sockets: [{liar.path}]}}
  cri: {{enabled: false}}
""").wait_ready()
    try:
        start(podman)
        ident = podman.api.run(["/bin/sh", "-c", "id mark-1; sleep 60"], name="unnamed")
        first = sensor.wait_alert(lambda a: a["rule"] == "marked", 20)[0]
        assert first["output_fields"]["container.id"] == ident[:12]
        assert first["output_fields"]["container.name"] is None
        podman.api.execute(ident, ["/bin/sh", "-c", "id mark-2"])
        sensor.wait_alert(lambda a: a["rule"] == "marked", 20, 2)
    finally:
        assert sensor.stop() == 0
        liar.stop()

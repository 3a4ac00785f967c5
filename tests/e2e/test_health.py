# SPDX-License-Identifier: Apache-2.0
"""Healthy only while events flow: an event of our own has to come back through the kernel; a watchdog hangs on it."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from conftest import any_free_port
from host import NOTHING


@pytest.fixture
def endpoint(sensor, actor, rules_file):
    port = any_free_port()
    s = sensor([rules_file(NOTHING)], f"pid:{actor.pid}",
               extra=["-o", "webserver.enabled=true", "-o", "webserver.listen_address=127.0.0.1", "-o",
                      f"webserver.listen_port={port}"])

    def get():
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        c.request("GET", "/healthz")
        answer = c.getresponse()
        return answer.status, answer.read().decode()

    return s, get


def until(get, wanted, seconds=60):
    end = time.monotonic() + seconds
    while (got := get())[0] != wanted:
        assert time.monotonic() < end, got
        time.sleep(0.2)
    return got[1]


def own_map(pid, name):
    """The number of a map this process holds."""
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as f:
            fields = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        if "map_id" in fields:
            shown = subprocess.run(["bpftool", "-j", "map", "show", "id", fields["map_id"]], capture_output=True,
                                   text=True, check=True).stdout
            if json.loads(shown).get("name") == name:
                return fields["map_id"]
    raise AssertionError(f"{pid} has no map {name}")


def test_a_hook_that_no_longer_delivers(endpoint):
    s, get = endpoint
    assert get() == (200, '{"status": "ok"}')
    bpftool = ["bpftool", "map", "delete", "id", own_map(s.proc.pid, "by_syscall"), "key", "hex"]
    subprocess.run([*bpftool, "ff", "01", "00", "00"], check=True)
    assert "no event comes from the kernel" in until(get, 503)
    s.wait_log("not healthy: no event comes from the kernel")


def test_an_engine_that_does_not_answer(endpoint):
    s, get = endpoint
    s.proc.send_signal(signal.SIGSTOP)
    try:
        assert "the engine does not answer" in until(get, 503)
    finally:
        s.proc.send_signal(signal.SIGCONT)
    assert until(get, 200) == '{"status": "ok"}'


def test_signs_of_life_for_a_watchdog(tmp_path, sensor, actor, rules_file, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        sensor([rules_file(NOTHING)], f"pid:{actor.pid}")
        said = [manager.recv(4096).decode() for _ in range(4)]
    assert any("READY=1" in text for text in said) and said.count("WATCHDOG=1") >= 2, said

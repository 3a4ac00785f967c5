# SPDX-License-Identifier: Apache-2.0
"""
Four subscribers of different kinds while everything is killed again and again: the network process five times, the
whole server twice, the subscribers twenty times. TIERCEL_TEST_CHAOS is how many alerts (the full size: 200000).
"""
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from chaos_client import name_of
from conftest import MESSAGES
from host import Sensor
from test_stream_live import RULES, grpc_config, network_pid

ALERTS = int(os.environ.get("TIERCEL_TEST_CHAOS", "16000"))
BURST = 400
HERE = pathlib.Path(__file__).resolve().parent
NETWORK_KILLS, SERVER_KILLS, CLIENT_KILLS = 5, 2, 20


class Subscriber:
    def __init__(self, kind, directory, where):
        self.kind, self.path = kind, directory / kind
        self.command = [sys.executable, str(HERE / "chaos_client.py"), kind, str(self.path), *where]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait(20)

    def restart(self):
        self.stop()
        self.start()

    def lines(self):
        text = self.path.read_text() if self.path.exists() else ""
        return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]

    def names(self):
        return {line[2] for line in self.lines() if line[0] == "at"}

    def until(self, names, timeout=120):
        """Polls slowly: the machine is busy and the file may be long."""
        end = time.monotonic() + timeout
        while missing := names - self.names():
            assert time.monotonic() < end, (self.kind, len(missing), sorted(missing)[:5])
            assert self.process.poll() is None, self.kind
            time.sleep(0.3)


class Stage:
    """The server, which comes again after it is killed, and the actor's deeds."""

    def __init__(self, tmp, rules, actor, config):
        self.tmp, self.rules, self.actor, self.config = tmp, rules, actor, config
        self.deeds, self.certain = 0, set()
        self.start()

    def start(self):
        self.sensor = Sensor(self.tmp, [self.rules], f"pid:{self.actor.pid}", config=self.config).wait_ready(60)

    def act(self, n, certain=True):
        first, self.deeds = self.deeds, self.deeds + n
        self.actor.do(f"exec('''import os\\nfor i in range({first}, {first + n}):\\n  try: os.open(\"/proc/self/mark%d\" % i, 0)"
                      "\\n  except OSError: pass''')")
        if certain:
            self.certain |= {f"/proc/self/mark{i}" for i in range(first, first + n)}

    def last(self, n):
        return {f"/proc/self/mark{i}" for i in range(self.deeds - n, self.deeds)}

    def kill_network(self):
        os.kill(network_pid(self.sensor), signal.SIGKILL)

    def wait_network(self, times):
        end = time.monotonic() + 60
        while sum("is started again" in line for line in self.sensor.log) < times:
            assert time.monotonic() < end, "\n".join(self.sensor.log)
            time.sleep(0.02)

    def kill_server(self):
        """Both processes, in the middle of deeds, which may be lost."""
        network = network_pid(self.sensor)
        deeds = threading.Thread(target=self.act, args=(BURST, False))
        deeds.start()
        time.sleep(random.random() * 0.01)
        os.kill(self.sensor.proc.pid, signal.SIGKILL)
        os.kill(network, signal.SIGKILL)
        self.sensor.proc.wait(20)
        deeds.join()
        while os.path.exists(f"/proc/{network}"):
            time.sleep(0.01)
        self.start()


def journal_rows(tmp):
    """(number, name) of all alerts, and all gaps."""
    with sqlite3.connect(f"file:{tmp}/state/journal/alerts.db?mode=ro", uri=True) as db:
        rows = []
        for seq, message in db.execute("SELECT seq, message FROM alerts ORDER BY seq"):
            r = MESSAGES["outputs"].response.FromString(message)
            rows.append((seq, name_of(r)))
        return rows, list(db.execute("SELECT first, last FROM gaps ORDER BY first"))


def lives(lines):
    """What came between one begin and the next."""
    parts = []
    for line in lines:
        if line[0] == "begin":
            parts.append([])
        elif parts:
            parts[-1].append(line)
    return parts


def check_durable(subscriber, rows):
    """Equal to the journal; contiguous but for what was told; repeated only behind the last confirmed ack."""
    got, told, acked = {}, set(), 0
    names = dict(rows)
    for life in lives(subscriber.lines()):
        following = None
        for word, *rest in life:
            assert word != "failed", rest
            if word == "acked":
                acked = max(acked, int(rest[0]))
                continue
            first, last = int(rest[0]), int(rest[1]) if word == "lost" else int(rest[0])
            assert following is None or first == following, (subscriber.kind, following, first)
            following = last + 1
            if word == "lost":
                told |= set(range(first, last + 1))
                continue
            if first in got:
                assert subscriber.kind == "durable" and first > acked, (subscriber.kind, first, acked)
            got[first] = rest[1]
    assert got == names, (subscriber.kind, set(got) ^ set(names))
    assert not told & set(got)
    return told


def check_legacy(subscriber, rows):
    """Within one life of the client without a hole: numbers are found by the names."""
    number = {name: i for i, (_, name) in enumerate(rows)}
    for life in lives(subscriber.lines()):
        before = None
        for word, *rest in life:
            at = number.get(rest[1]) if word == "at" else None
            if at is None:
                continue
            assert before is None or at <= before + 1, (subscriber.kind, rows[before], rows[at])
            before = at


@pytest.fixture
def subscribers():
    running = []
    yield running
    for s in running:
        s.stop()


def test_nothing_is_lost_in_chaos(tmp_path, actor, rules_file, certs, free_port, subscribers):
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    chance = random.Random(seed)
    config = f"  listen: [127.0.0.1:{free_port}]\n" + grpc_config(tmp_path, certs.path)
    stage = Stage(tmp_path, rules_file(RULES), actor, config)
    unix = ["unix", f"{tmp_path}/t.sock"]
    tls = ["tls", f"localhost:{free_port}", *(certs.client[k] for k in ("ca", "cert", "key"))]
    try:
        run_chaos(stage, chance, subscribers, [("durable", tls), ("cursor", unix), ("get", unix), ("sub", tls)])
        stage.act(10)
        for s in subscribers:  # legacy clients cannot say what they had not read yet when all was killed
            s.until(stage.certain if s.kind in ("durable", "cursor") else stage.last(10))
    finally:
        code = stage.sensor.stop()
    assert code == 0, "\n".join(stage.sensor.log)
    for s in subscribers:
        s.stop()
    rows, gaps = journal_rows(tmp_path)
    assert stage.certain <= {name for _, name in rows}
    wanted = {n for first, last in gaps for n in range(first, last + 1)}
    for s in subscribers:
        if s.kind in ("durable", "cursor"):
            assert check_durable(s, rows) == wanted
        else:
            check_legacy(s, rows)


def run_chaos(stage, chance, subscribers, kinds):
    subscribers += [Subscriber(kind, stage.tmp, where) for kind, where in kinds]
    stage.act(10)
    for s in subscribers:
        s.until(stage.certain)
    bursts = max(ALERTS // BURST, NETWORK_KILLS + SERVER_KILLS + 1)
    kills = ["network"] * NETWORK_KILLS + ["server"] * SERVER_KILLS + ["client"] * CLIENT_KILLS
    due = {}
    for kill in kills:
        due.setdefault(chance.randrange(bursts), []).append(kill)
    restarts = 0
    for burst in range(bursts):
        for kill in due.get(burst, []):
            if kill == "client":
                chance.choice(subscribers).restart()
            elif kill == "network":
                stage.kill_network()
                restarts += 1
                stage.act(BURST // 2)  # while nobody is there
                stage.wait_network(restarts)
            else:
                settle(stage, subscribers)
                stage.kill_server()
                restarts = 0
        stage.act(BURST)
        time.sleep(0.02)


def settle(stage, subscribers):
    """Until what was done is on disk, as somebody has got it."""
    next(s for s in subscribers if s.kind == "cursor").until(stage.certain)

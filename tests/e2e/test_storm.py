# SPDX-License-Identifier: Apache-2.0
"""
Many short lives at full speed: order, parents, exact counts, and nothing left behind.

TIERCEL_RACES and TIERCEL_LIVES make it longer; 100000 and 1000000 are the numbers it is meant for.
"""
import os
import subprocess
import time
import urllib.request

import pytest
from conftest import BUILD, any_free_port

STORM = os.path.join(BUILD, "tests", "e2e", "storm")
RACES = int(os.environ.get("TIERCEL_RACES", "2000"))
LIVES = int(os.environ.get("TIERCEL_LIVES", "10000"))
NTHREADS = 4
ADDED, REMOVED, THREADS = (f"falcosecurity_scap_n_{n}_total" for n in ("added_threads", "removed_threads", "threads"))

RULES = """
- rule: executed
  desc: d
  condition: evt.type=execve and evt.rawres=0 and proc.args startswith leaf
  output: "%proc.args[1] %proc.pid %proc.ppid %proc.apid[1] %proc.pname %proc.pcmdline %proc.aname[2]"
  priority: INFO
- rule: ended
  desc: d
  condition: evt.type=procexit and proc.pname=storm
  output: "%proc.pid %proc.ppid %proc.apid[1]"
  priority: INFO
"""


class Storm:
    """A process of the test that waits to be let go."""

    def __init__(self, *args):
        self.proc = subprocess.Popen([STORM, *(str(a) for a in args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, bufsize=1)
        self.pid = self.proc.pid

    def rage(self):
        self.proc.stdin.write("go\n")
        assert self.proc.stdout.readline() == "done\n"

    def stop(self):
        self.proc.stdin.close()
        self.proc.stdout.close()
        assert self.proc.wait(20) == 0


@pytest.fixture
def storm():
    started = []

    def start(*args):
        started.append(Storm(*args))
        return started[-1]

    yield start
    for s in started:
        s.stop()


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def metrics_when(port, ready):
    end = time.monotonic() + 60
    while not ready(now := metrics(port)):
        assert time.monotonic() < end, now
        time.sleep(0.2)
    return now


def resident(pid):
    """Of its own: the rings are the kernel's, and count when they are touched."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


@pytest.fixture
def counted(sensor, rules_file):
    """A sensor with metrics, and their port."""
    def start(pid):
        port = any_free_port()
        options = ["webserver.enabled=true", "webserver.listen_address=127.0.0.1", f"webserver.listen_port={port}",
                   "metrics.enabled=true", "metrics.interval=1h", "webserver.prometheus_metrics_enabled=true",
                   "metrics.state_counters_enabled=true", "metrics.kernel_event_counters_enabled=true"]
        return sensor([rules_file(RULES)], f"pid:{pid}", extra=[x for o in options for x in ("-o", o)]), port
    return start


def test_fork_here_and_exec_there(storm, counted):
    s = storm("race", RACES)
    watch, port = counted(s.pid)
    s.rage()
    mine = [a for a in watch.wait_alert(lambda a: a["rule"] == "executed", timeout=60 + RACES / 200, count=RACES)]
    seen = {}
    for a in mine:
        f = a["output_fields"]
        assert (f["proc.ppid"], f["proc.apid[1]"], f["proc.pname"]) == (s.pid, s.pid, "storm"), f
        assert f["proc.pcmdline"] == f"storm race {RACES}" and f["proc.aname[2]"].startswith("python3"), f
        seen[int(f["proc.args[1]"])] = f["proc.pid"]
    assert sorted(seen) == list(range(RACES)) and len(mine) == RACES
    # Each ends once, behind its own exec and under the same parent.
    ended = watch.wait_alert(lambda a: a["rule"] == "ended", timeout=60, count=RACES)
    assert len(ended) == RACES
    assert all((a["output_fields"]["proc.ppid"], a["output_fields"]["proc.apid[1]"]) == (s.pid, s.pid) for a in ended)
    first = {}
    for n, a in enumerate(watch.alerts):
        pid = a["output_fields"]["proc.pid"]
        assert a["rule"] == ("ended" if first.pop(pid, None) == "executed" else "executed"), (n, a)
        if a["rule"] == "executed":
            first[pid] = "executed"
    now = metrics_when(port, lambda m: m[THREADS] > 0)
    assert now["falcosecurity_scap_n_drops_total"] == 0
    print("races", RACES, "late records", now["tiercel_records_late_total"])


def test_lives_leave_nothing(storm, counted):
    s = storm("lives", LIVES, NTHREADS)
    watch, port = counted(s.pid)
    watched = watch.proc.pid
    before = metrics_when(port, lambda m: m[THREADS] > 0)
    sizes = []
    for turn in (1, 2):
        s.rage()
        ended = watch.wait_alert(lambda a: a["rule"] == "ended", timeout=60 + LIVES / 200, count=turn * LIVES)
        assert len(ended) == turn * LIVES
        now = metrics_when(port, lambda m: m[REMOVED] - before[REMOVED] >= turn * LIVES)
        sizes.append(resident(watched))
    change = {k: now[k] - before[k] for k in before if k in now}
    print("lives", 2 * LIVES, "resident", sizes, "KiB, late records", change["tiercel_records_late_total"])
    assert change[ADDED] == 2 * LIVES
    # Others of the machine, who ended unseen, may be found out by their numbers.
    assert change[REMOVED] >= 2 * LIVES and change[THREADS] <= 0
    assert now["falcosecurity_scap_n_drops_total"] == 0
    assert sizes[1] <= sizes[0] + 1024

# SPDX-License-Identifier: Apache-2.0
"""Starts the real program on real kernel events, confined in the kernel to an actor process of the test."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIERCEL = os.environ.get("TIERCEL", str(ROOT / "build" / "server" / "tiercel"))

ACTOR = r"""
import os, sys
for line in sys.stdin:
    try:
        exec(line)
        print("ok", flush=True)
    except BaseException as e:
        print("error", repr(e), flush=True)
"""


# A rule that no event matches.
NOTHING = """
- rule: nothing
  desc: d
  condition: evt.type = mkdir and fd.name = /no/such
  output: "o"
  priority: INFO
"""


class Actor:
    """A Python process that runs one-line statements; everything it and its children do is in scope."""

    def __init__(self):
        self.proc = subprocess.Popen([sys.executable, "-u", "-c", ACTOR], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.pid = self.proc.pid

    def do(self, statement):
        self.proc.stdin.write(statement + "\n")
        self.proc.stdin.flush()
        answer = self.proc.stdout.readline().strip()
        assert answer == "ok", f"{statement}: {answer}"

    def sh(self, command):
        self.do(f"import subprocess; subprocess.run({command!r}, shell=True, check=True, "
                "stdout=subprocess.DEVNULL)")

    def stop(self):
        self.proc.stdin.close()
        self.proc.wait(10)


class Sensor:
    """wrap: makes another command of the usual one."""

    def __init__(self, tmp, rules, scope, extra=(), config="", command=(), wrap=list):
        self.tmp = tmp
        self.alerts = []
        self.lines = []  # of standard output
        self.log = []
        # The network process is nobody, and its journal is below.
        for above in (tmp, *tmp.parents):
            if above.stat().st_uid == os.getuid() and "pytest" in str(above):
                above.chmod(above.stat().st_mode | 0o011)
        path = tmp / "falco.yaml"
        path.write_text("json_output: true\nlog_stderr: true\nstdout_output:\n  enabled: true\nwebserver:\n  enabled: false\n"
                        f"tiercel:\n  scope: {scope}\n  state_dir: {tmp}/state\n" + config)
        command = [TIERCEL, *command, "-c", str(path), *extra]
        for r in rules:
            command += ["-r", str(r)]
        self.proc = subprocess.Popen(wrap(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.threads = [threading.Thread(target=self._alerts, daemon=True),
                        threading.Thread(target=self._log, daemon=True)]
        for t in self.threads:
            t.start()

    def _alerts(self):
        for line in self.proc.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("{") and line.endswith("\n"):  # a killed one may end in the middle
                self.alerts.append(json.loads(line))

    def _log(self):
        for line in self.proc.stderr:
            self.log.append(line.rstrip("\n"))

    def wait_ready(self, timeout=20):
        self.wait_log("ready", timeout)
        return self

    def wait_log(self, text, timeout=20):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if any(text in line for line in self.log):
                return
            assert self.proc.poll() is None, "\n".join(self.log)
            time.sleep(0.01)
        raise AssertionError(f"no line with {text!r} in the log:\n" + "\n".join(self.log))

    def wait_alert(self, wanted, timeout=5, count=1):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = [a for a in self.alerts if wanted(a)]
            if len(found) >= count:
                return found
            time.sleep(0.005)
        raise AssertionError("no such alert; seen: " + json.dumps(self.alerts[-20:], indent=1) +
                             "\n".join(self.log))

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        try:
            code = self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise
        for t in self.threads:
            t.join(5)
        return code


@pytest.fixture
def actor():
    a = Actor()
    yield a
    a.stop()


@pytest.fixture
def sensor(tmp_path):
    started = []

    def start(rules, scope, **kw):
        s = Sensor(tmp_path, rules, scope, **kw)
        started.append(s)
        return s.wait_ready()

    yield start
    for s in started:
        if s.proc.poll() is None:
            assert s.stop() == 0, "\n".join(s.log)


@pytest.fixture
def rules_file(tmp_path):
    def write(text, name="rules.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write

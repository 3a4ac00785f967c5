# SPDX-License-Identifier: Apache-2.0
"""The same alerts through all six channels at once; texts an attacker chose; a channel that hangs; signals; the end."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from host import ROOT, Sensor
from test_http import Receiver

OPENED = """
- rule: opened
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name contains watched
  output: "opened %fd.name by %proc.cmdline and %proc.aname[3]"
  priority: WARNING
  tags: [one, two]
"""


class Syslog(threading.Thread):
    """/dev/log of a mount namespace: a directory that is bound over its /dev."""

    def __init__(self, tmp):
        super().__init__(daemon=True)
        self.dev = tmp / "dev"
        self.dev.mkdir()
        for name in ("null", "urandom", "zero"):
            (self.dev / name).touch()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(str(self.dev / "log"))
        os.chmod(self.dev / "log", 0o666)
        self.got = []
        self.start()

    def run(self):
        while data := self.socket.recv(1 << 20):
            self.got.append(data)

    def command(self, command):
        binds = "".join(f"mount --bind /dev/{n} {self.dev}/{n} && " for n in ("null", "urandom", "zero"))
        return ["unshare", "-m", "--propagation", "private", "sh", "-c",
                f'{binds}mount --rbind {self.dev} /dev && exec "$0" "$@"', *command]

    def lines(self):
        """Message and level of each, without the header."""
        out = []
        for data in list(self.got):
            m = re.match(rb"<(\d+)>(?:\w{3} +\d+ [\d:]+ )?falco(?:\[\d+\])?: ", data)
            if m:
                out.append((data[m.end():], int(m[1]) & 7))
        return out

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self.socket.close()


@pytest.fixture
def channels(tmp_path, actor):
    """channels(rules, config): a sensor with all six; its own lines by channel, as bytes."""
    made = []

    def start(rules, more="", json_output=True):
        log, receiver = Syslog(tmp_path), Receiver()
        made.extend([log, receiver])
        path = tmp_path / "rules.yaml"
        path.write_text(rules)
        config = (f"log_syslog: false\nsyslog_output: {{enabled: true}}\n"
                  f"file_output: {{enabled: true, keep_alive: true, filename: {tmp_path}/file.txt}}\n"
                  f"program_output: {{enabled: true, keep_alive: true, program: 'exec cat > {tmp_path}/program.txt'}}\n"
                  f"http_output: {{enabled: true, url: 'http://127.0.0.1:{receiver.port}/'}}\n"
                  f"grpc_output: {{enabled: true}}\ngrpc: {{enabled: true, bind_address: 'unix://{tmp_path}/t.sock'}}\n"
                  + more)
        s = Sensor(tmp_path, [path], f"pid:{actor.pid}", ["-o", f"json_output={str(json_output).lower()}"], config,
                   wrap=log.command)
        made.append(s)
        s.wait_ready()
        return s, log, receiver

    yield start
    for m in reversed(made):
        m.stop()


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def over_grpc(tmp_path, n):
    done = subprocess.run([sys.executable, str(ROOT / "client-examples/python/subscribe.py"), "--unix",
                           f"{tmp_path}/t.sock", "--count", str(n)], capture_output=True, text=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def collect(tmp_path, s, log, receiver, n):
    """What each local channel and HTTP has, as lists of lines."""
    def have(name):
        path = tmp_path / name
        return path.read_bytes().decode().split("\n")[:-1] if path.exists() else []

    until(lambda: len(s.lines) >= n and len(have("file.txt")) >= n and len(have("program.txt")) >= n
          and len(receiver.got) >= n and len(log.lines()) >= n)
    return {"stdout": s.lines, "file": have("file.txt"), "program": have("program.txt"), "http": receiver.got,
            "syslog": [text.decode() for text, _ in log.lines()]}


@pytest.mark.parametrize("json_output", [True, False])
def test_six_channels_say_the_same(channels, actor, tmp_path, json_output):
    s, log, receiver = channels(OPENED, json_output=json_output)
    for i in range(20):
        actor.do(f"open({str(tmp_path)!r} + '/watched{i}', 'w').close()")
    got = collect(tmp_path, s, log, receiver, 20)
    for name, lines in got.items():
        assert lines == got["file"], name
    assert {level for _, level in log.lines()} == {4}
    alerts = over_grpc(tmp_path, 20)
    if not json_output:
        assert [a["output"] for a in alerts] == got["file"]
        assert all(re.match(r"\d\d:\d\d:\d\d\.\d{9}: Warning opened ", line) for line in got["file"])
        return
    for line, alert in zip(map(json.loads, got["file"]), alerts):
        assert json.loads(alert["output"]) == line
        assert sorted(line) == ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"]
        assert (line["rule"], line["tags"], line["hostname"]) == (alert["rule"], alert["tags"], alert["hostname"])
        for key, value in line["output_fields"].items():
            assert key == "evt.time" or alert["output_fields"][key] == ("<NA>" if value is None else str(value))


NASTY = ["watched\n{\"rule\": \"forged\"}", "watched\r\x1b[31m\x07", "watched\"'`\\\\", "watched\t%n%s%p",
         "watched\u2028\u202e", "watched</script>"]


@pytest.mark.parametrize("json_output", [True, False])
def test_what_an_attacker_writes_stays_inside_its_alert(channels, actor, tmp_path, json_output):
    """Control characters, quotes, broken UTF-8 and 64 KiB of text: one alert is one well-formed line everywhere."""
    long = "".join(f" %proc.args" for _ in range(20))
    s, log, receiver = channels(OPENED + f"""
- rule: long
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name endswith .long
  output: "long{long}"
  priority: WARNING
""", json_output=json_output)
    names = [os.fsencode(f"{tmp_path}/") + n.encode() for n in NASTY if "/" not in n]
    names += [os.fsencode(f"{tmp_path}/") + b"watched\xff\xfe\xc3(\xf0\x9f"]
    for name in names:
        actor.do(f"open({name!r}, 'w').close()")
    actor.do("import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; open(sys.argv[2], \"w\").close()', "
             f"'x' * 3500, {str(tmp_path / 'a.long')!r}], check=True)")
    n = len(names) + 1
    got = collect(tmp_path, s, log, receiver, n)
    for name, lines in got.items():
        if name != "syslog":
            assert lines == got["file"] and len(lines) == n, name
    text = "\n".join(got["file"])
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
    assert max(map(len, got["file"])) > 64 << 10
    alerts = over_grpc(tmp_path, n)
    assert [a["output"] for a in alerts] == got["file"]
    if json_output:
        rules = [json.loads(line)["rule"] for line in got["file"]]
        assert rules == ["opened"] * len(names) + ["long"]
        assert json.loads(got["file"][0])["output_fields"]["fd.name"] == os.fsdecode(names[0])
        assert "\ufffd" in json.loads(got["file"][len(names) - 1])["output_fields"]["fd.name"]


def test_a_fifo_nobody_reads_is_told_and_bounded(sensor, actor, rules_file, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    out = tmp_path / "other.txt"
    s = sensor([rules_file(OPENED)], f"pid:{actor.pid}", extra=[
        "-o", f"tiercel.outputs[]={{name: other, type: file, filename: {out}}}", "-o", "output_timeout=300",
        "-o", "outputs_queue.capacity=2048"], config=f"file_output: {{enabled: true, filename: {tmp_path}/fifo}}\n")
    actor.do(f"[open({str(tmp_path)!r} + '/watched', 'w').close() for _ in range(1000)]")
    s.wait_log("output file: blocked for more than 300 ms")
    until(lambda: len(s.alerts) == 1000 and len(out.read_text().splitlines()) == 1000)
    began = time.monotonic()
    assert s.stop() == 0
    assert time.monotonic() - began < 15
    assert any("output file: hangs" in line for line in s.log)


def test_a_full_disk_is_waited_for(sensor, actor, rules_file, tmp_path):
    """A directory that is missing for a while: nothing is lost within output_timeout."""
    late = tmp_path / "late"
    s = sensor([rules_file(OPENED)], f"pid:{actor.pid}", extra=["-o", "output_timeout=20000"],
               config=f"file_output: {{enabled: true, filename: {late}/out.txt}}\n")
    actor.do(f"[open({str(tmp_path)!r} + '/watched%d' % n, 'w').close() for n in range(100)]")
    s.wait_log("trying again")
    late.mkdir()
    until(lambda: (late / "out.txt").exists() and len((late / "out.txt").read_text().splitlines()) == 100)
    s.wait_log("works again, 0 alerts were lost")


def test_sigusr1_opens_files_and_programs_anew(channels, actor, tmp_path):
    s, log, receiver = channels(OPENED)
    actor.do(f"open({str(tmp_path)!r} + '/watched1', 'w').close()")
    collect(tmp_path, s, log, receiver, 1)
    for name in ("file.txt", "program.txt"):
        (tmp_path / name).rename(tmp_path / ("old-" + name))
    s.proc.send_signal(signal.SIGUSR1)
    time.sleep(0.5)
    actor.do(f"open({str(tmp_path)!r} + '/watched2', 'w').close()")
    until(lambda: all((tmp_path / n).exists() and "watched2" in (tmp_path / n).read_text()
                      for n in ("file.txt", "program.txt")))
    assert all("watched2" not in (tmp_path / ("old-" + n)).read_text() for n in ("file.txt", "program.txt"))


def test_the_end(sensor, actor, rules_file, tmp_path):
    """-M, the pid file and the summary."""
    pid = tmp_path / "pid"
    s = sensor([rules_file(OPENED)], f"pid:{actor.pid}", extra=["-M", "4", "-P", str(pid)])
    assert pid.read_text() == str(s.proc.pid)
    actor.do(f"[open({str(tmp_path)!r} + '/watched', 'w').close() for _ in range(3)]")
    assert s.proc.wait(30) == 0
    s.stop()
    text = "\n".join(s.lines) + "\n"
    assert "Events detected: 3\n" in text and "   WARNING: 3\n" in text and "   opened: 3\n" in text
    assert any("dropped" in line for line in s.log)

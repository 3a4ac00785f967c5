# SPDX-License-Identifier: Apache-2.0
"""A recording replays to the alerts that were raised while it was made; cut or damaged ones say so."""
import json
import subprocess

from host import ROOT, TIERCEL

RULES = """
- rule: any
  desc: d
  condition: >
    evt.type in (openat, connect, keyctl, close, symlink, mkdir, setns, signaldeliver, procexit)
    or (evt.type in (execve, execveat) and evt.rawres = 0)
  output: "%evt.num %evt.rawtime %evt.type %evt.args %fd.name %proc.cmdline %proc.aname[2] %proc.cwd %user.name %fd.sip.name"
  priority: INFO
- rule: named
  desc: d
  condition: evt.type = connect and fd.sip.name = localhost
  output: "%fd.sip.name"
  priority: INFO
"""
DEEDS = [
    "import os, socket, subprocess, ctypes, signal, time; os.chdir({tmp!r})",
    "open('plain', 'w').close(); os.symlink('plain', 'link'); os.mkdir('dir')",
    "subprocess.run(['/bin/sh', '-c', '/bin/true; exit 0'])",
    "ctypes.CDLL(None).syscall(250, 0, -3, 0); ctypes.CDLL(None).setns(-1, 0)",
    "signal.signal(signal.SIGUSR1, lambda *a: None); os.kill(os.getpid(), signal.SIGUSR1)",
    "l = socket.create_server(('127.0.0.1', 0)); socket.create_connection(l.getsockname()).close()",
]


def replay(path, rules):
    done = subprocess.run([TIERCEL, "replay", str(path), "-r", str(rules), "-o", "json_output=true",
                           "-o", "stdout_output.enabled=true", "-o", "rule_matching=all"],
                          capture_output=True, text=True, timeout=60)
    return done, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def what(alerts):
    return [(a["rule"], a["output"], a["output_fields"]) for a in alerts]


def test_replay_raises_the_same_alerts(sensor, actor, rules_file, tmp_path):
    rules, path = rules_file(RULES), tmp_path / "afternoon.tcap"
    s = sensor([rules], f"pid:{actor.pid}", config="rule_matching: all\n", command=["record", str(path)])
    for deed in DEEDS:
        actor.do(deed.format(tmp=str(tmp_path)))
    for _ in range(100):
        if any(a["rule"] == "named" for a in s.alerts):
            break
        actor.do("time.sleep(0.1); " + DEEDS[-1])
    s.wait_alert(lambda a: a["rule"] == "named", timeout=20)
    assert s.stop() == 0
    done, alerts = replay(path, rules)
    assert done.returncode == 0, done.stderr
    assert what(alerts) == what(s.alerts)
    assert len({a["output_fields"]["evt.type"] for a in alerts if a["rule"] == "any"}) >= 9
    # Cut, or a byte is not what was written: what lies before is read, and where it ends is said.
    data, counts = path.read_bytes(), set()
    for back in (150000, 60000, 25000, 9000, 3000):
        at = max(len(data) - back, len(data) // 2) | 5
        cut, damaged = tmp_path / "cut.tcap", tmp_path / "damaged.tcap"
        cut.write_bytes(data[:at])
        done, before = replay(cut, rules)
        assert what(before) == what(alerts)[: len(before)] and "cut" in done.stderr, done.stderr
        counts.add(len(before))
        damaged.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:])
        done, before = replay(damaged, rules)
        assert done.returncode != 0 and "at byte " in done.stderr, done.stderr
        assert what(before) == what(alerts)[: len(before)]
    assert any(0 < n < len(alerts) for n in counts), counts


def test_an_old_recording_replays():
    """Made by an earlier version, with fewer parameters and extras."""
    done, alerts = replay(ROOT / "docs" / "demo.tcap", ROOT / "rules" / "tiercel_rules.yaml")
    assert done.returncode == 0, done.stderr
    assert len(alerts) > 5

# SPDX-License-Identifier: Apache-2.0
"""What an installed system has: the unit, what it tells a service manager, the configuration, completions."""
import os
import re
import socket
import subprocess

from host import ROOT, TIERCEL

UNIT = ROOT / "packaging" / "systemd" / "tiercel.service"
CAPS = sorted(c[len("CAP_"):].lower()
              for line in re.findall(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.M) for c in line.split())


def test_unit_is_sound(tmp_path):
    """With the program where the unit says, systemd has nothing to remark."""
    text = UNIT.read_text().replace("/usr/bin/tiercel", TIERCEL)
    text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
    (tmp_path / "tiercel.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / "tiercel.service")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "tiercel.service" not in done.stderr, done.stderr


def test_shipped_configuration_is_accepted(tmp_path):
    done = subprocess.run([TIERCEL, "run", "--dry-run", "-c", str(ROOT / "packaging" / "tiercel.yaml"),
                           "-r", str(ROOT / "rules")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "unknown key" not in done.stderr


def said_to(manager):
    """The next word that is not a sign of life."""
    while (said := manager.recv(4096).decode()) == "WATCHDOG=1":
        pass
    return said


def test_starts_with_the_units_capabilities_and_says_so(sensor, actor, rules_file, tmp_path, monkeypatch):
    """READY once events are watched, STOPPING at the end, and alerts with nothing but what the unit leaves."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(30)
    wrapper = tmp_path / "tiercel"
    bounding = ",".join(["-all"] + [f"+{c}" for c in CAPS])
    wrapper.write_text(f"#!/bin/sh\nNOTIFY_SOCKET={tmp_path}/notify exec setpriv --bounding-set {bounding} "
                       f"--inh-caps=-all --no-new-privs {TIERCEL} \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr("host.TIERCEL", str(wrapper))
    rules = rules_file("""
- rule: Shadow
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name = /etc/shadow
  output: "%fd.name"
  priority: ERROR
""")
    s = sensor([rules], f"pid:{actor.pid}")
    said = said_to(manager)
    assert said.startswith("READY=1\n") and "STATUS=watching events" in said
    with open(f"/proc/{s.proc.pid}/status", encoding="ascii") as f:
        effective = int(re.search(r"CapEff:\s*(\w+)", f.read()).group(1), 16)
    assert effective and bin(effective).count("1") == len(CAPS)
    actor.do("open('/etc/shadow').close()")
    s.wait_alert(lambda a: a["rule"] == "Shadow", timeout=30)
    assert s.stop() == 0, s.log
    assert said_to(manager).startswith("STOPPING=1\n")
    manager.close()


def complete(*words):
    script = f"""
source {ROOT}/packaging/completions/tiercel.bash
COMP_WORDS=({' '.join(repr(w) for w in words)}) COMP_CWORD={len(words) - 1}
compopt() {{ :; }}
_tiercel
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C"})
    return done.stdout.split()


def test_completion_knows_commands_options_and_settings():
    assert {"run", "check", "test", "explain", "list", "record", "replay", "certs", "tail", "status"} <= set(complete(TIERCEL, ""))
    assert complete(TIERCEL, "exp") == ["explain"]
    assert "--dry-run" in complete(TIERCEL, "--d")
    assert "json_output=" in complete(TIERCEL, "-o", "json_out")
    assert {"--follow", "--since", "-c"} <= set(complete(TIERCEL, "tail", "-"))
    assert "--since" not in complete(TIERCEL, "status", "--")
    assert set(complete(TIERCEL, "list", "")) >= {"fields", "events", "rules"}

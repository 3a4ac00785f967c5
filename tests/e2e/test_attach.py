# SPDX-License-Identifier: Apache-2.0
"""What is watched follows from the rules and `base_syscalls`, also when other rules are loaded."""
import time

import pytest


def rule(name, condition, output="seen"):
    return f"- {{rule: {name}, desc: d, priority: INFO, condition: '{condition}', output: '{output}'}}\n"


MADE = rule("made", "evt.type = mkdir", "%proc.cwd")
WROTE = rule("wrote", "evt.type = write and fd.name endswith /marked")
END = rule("end", "evt.type in (execve, execveat) and proc.name = true")
DEEDS = ("import os; os.chdir({tmp!r}); os.mkdir('by-name'); os.rmdir('by-name'); "
         "f = open('marked', 'w'); f.write('x'); f.close(); os.chdir('/')")

# base_syscalls, and the rules that are then seen.
CHOICES = {
    "nothing said": ("", {"made"}),
    "all": ("{custom_set: [], repair: false, all: true}", {"made", "wrote"}),
    "without": ("{custom_set: ['!mkdir'], repair: false, all: true}", {"wrote"}),
    "named": ("{custom_set: [openat], repair: false, all: true}", {"made", "wrote"}),
    "repaired": ("{custom_set: [openat], repair: true, all: true}", {"made", "wrote"}),
    "repaired beats without": ("{custom_set: ['!chdir', openat], repair: true, all: false}", {"made"}),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_base_syscalls(sensor, actor, rules_file, tmp_path, choice):
    said, seen = CHOICES[choice]
    s = sensor([rules_file(MADE + WROTE + END)], f"pid:{actor.pid}",
               config="rule_matching: all\n" + (f"base_syscalls: {said}\n" if said else ""))
    actor.do(DEEDS.format(tmp=str(tmp_path)))
    actor.do("import subprocess; subprocess.run(['/bin/true'])")
    s.wait_alert(lambda a: a["rule"] == "end", timeout=20)
    assert {a["rule"] for a in s.alerts} == seen | {"end"}
    lost = any("write" in line and "base_syscalls.all" in line for line in s.log)
    assert lost == ("wrote" not in seen)
    if "made" in seen:
        made = next(a for a in s.alerts if a["rule"] == "made")
        assert made["output_fields"]["proc.cwd"] == f"{tmp_path}/"


# What rules may ask for only after a reload: a described call, programs of their own, generic calls, the
# scheduler's, the processor's and the signals' hooks, a call of i386's number space, the start of close.
LATER = {
    "keyctl": "ctypes.CDLL(None).syscall(250, 0, -3, 0)",
    "close": "os.close(os.open('/dev/null', os.O_RDONLY))",
    "symlink": "os.symlink('x', '/nowhere/x')",
    "personality": "ctypes.CDLL(None).personality(0xffffffff)",
    "connect": "socket.socket().connect(('127.0.0.1', 1))",
    "signaldeliver": "signal.signal(signal.SIGUSR1, lambda *a: None); os.kill(os.getpid(), signal.SIGUSR1)",
    "page_fault": "bytearray(1 << 24)",
    "switch": "time.sleep(0.01)",
    "setns": "ctypes.CDLL(None).setns(-1, 0)",
}
TRY = "import ctypes, os, signal, socket, time\ntry: {}\nexcept OSError: pass"


def test_reload_attaches_more(sensor, actor, rules_file):
    path = rules_file(MADE)
    s = sensor([path], f"pid:{actor.pid}", config="rule_matching: all\n")
    for deed in LATER.values():
        actor.do(f"exec({TRY.format(deed)!r})")
    assert not s.alerts
    reloads = 0

    def load(text):
        nonlocal reloads
        reloads += 1
        path.write_text(text)
        end = time.monotonic() + 20
        while sum("loaded anew" in line for line in s.log) < reloads:
            assert time.monotonic() < end, "\n".join(s.log)
            time.sleep(0.02)

    load("".join(rule(name, f"evt.type = {name}") for name in LATER) + MADE)
    for name, deed in LATER.items():
        actor.do(f"exec({TRY.format(deed)!r})")
        s.wait_alert(lambda a, name=name: a["rule"] == name, timeout=20)
    load(MADE)
    time.sleep(0.2)
    s.alerts.clear()
    for deed in LATER.values():
        actor.do(f"exec({TRY.format(deed)!r})")
    actor.do(f"exec({TRY.format('os.mkdir(chr(47))')!r})")
    s.wait_alert(lambda a: a["rule"] == "made", timeout=20)
    assert {a["rule"] for a in s.alerts} == {"made"}

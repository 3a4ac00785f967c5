# SPDX-License-Identifier: Apache-2.0
"""Rules of the default policy, raised by what an intruder would really do (harmlessly, in a scratch directory)."""
import os
import sys
import time

import pytest

from host import ROOT

POLICY = ROOT / "rules"

# A statement of the actor (a Python process) for each rule. TMP is a directory of the test, named(NAME) a
# Python interpreter that the kernel knows as NAME.
DEEDS = {
    "Sensitive file read": "run(['cat', '/etc/shadow'])",
    "Sensitive file refused": "run(['cat', '/etc/shadow'], user=65534)",
    "Private keys searched for": "run(['find', TMP, '-name', 'id_rsa'])",
    "Set-user-id bit set": "open(TMP + '/s', 'w').close(); os.chmod(TMP + '/s', 0o4755)",
    "Symbolic link to a sensitive file": "os.symlink('/etc/shadow', TMP + '/l')",
    "Shell history removed": "open(TMP + '/.bash_history', 'w').close(); os.unlink(TMP + '/.bash_history')",
    "Hidden directory made in a temporary place": "d = '/tmp/.%d' % os.getpid(); os.mkdir(d); os.rmdir(d)",
    "Data wiped": "run(['shred', '--version'])",
    "Memory file made by a script": "m = os.memfd_create('x', 0)",
    "Program run from memory": "os.write(m, open('/bin/true', 'rb').read()); "
                               "run(['/proc/self/fd/%d' % m], pass_fds=[m])",
    "Program run from a temporary place": "p = '/dev/shm/%d' % os.getpid(); shutil.copy('/bin/true', p); "
                                          "run([p]); os.unlink(p)",
    "Shell started by a server": "named('nginx', 'import os; os.system(\":\")')",
    "Program started by a database": "named('postgres', 'import subprocess; subprocess.run([\"/bin/true\"])')",
    "Connection made standard input or output": "c = socket.create_connection(l.getsockname()); "
                                                "run(['true'], stdin=c)",
    "Network tool gives a shell away": "os.symlink('/bin/true', TMP + '/ncat'); run([TMP + '/ncat', '-e ', 'sh'])",
    "Script waits for connections": "named('nc', 'import socket; socket.create_server((\"127.0.0.1\", 0))')",
    "Process taken over with ptrace": "v = subprocess.Popen(['sleep', '9']); "
                                      "libc.ptrace(16, v.pid, 0, 0); v.kill(); v.wait()",
    "Program evades debuggers": "named('pet', 'import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)')",
    "Memory of another process written": "os.close(os.open('/proc/%d/mem' % os.getpid(), os.O_RDWR))",
    "Root taken by a user": "named('pet', 'import os; os.setgid(65534); os.setresuid(65534, 65534, 0); os.setresuid(0, 0, 0)')",
}

PRELUDE = f"""
import ctypes, os, shutil, socket, subprocess
libc = ctypes.CDLL(None)
l = socket.create_server(('127.0.0.1', 0))
def run(args, **kw): subprocess.run(args, stdout=-3, stderr=-3, timeout=20, **kw)
def named(name, code):
    path = TMP + '/' + name
    if not os.path.lexists(path): os.symlink({os.path.realpath(sys.executable)!r}, path)
    run([path, '-c', code])
"""


@pytest.fixture
def seen(sensor, actor, tmp_path):
    """What was raised when all deeds had been done."""
    actor.do(f"TMP = {str(tmp_path)!r}; exec({PRELUDE!r})")
    s = sensor([POLICY], f"pid:{actor.pid}", config="rule_matching: all\n")
    for deed in DEEDS.values():
        actor.do(deed)
    end = time.monotonic() + 5
    while missing(s.alerts) and time.monotonic() < end:
        time.sleep(0.01)
    return s.alerts


def missing(alerts):
    return set(DEEDS) - {alert["rule"] for alert in alerts}


def test_every_deed_is_seen(seen):
    assert missing(seen) == set()

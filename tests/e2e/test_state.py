# SPDX-License-Identifier: Apache-2.0
"""What is known of the host follows the host: accounts that come and go, processes older than the sensor."""
import os
import subprocess
import sys

import pytest

HOST = "root:x:0:0::/root:/bin/sh\n"


def of_rule(name):
    return lambda a: a["rule"] == name


@pytest.fixture
def host_root(tmp_path, monkeypatch):
    """A root with this machine's /proc and account files of its own."""
    root = tmp_path / "host"
    (root / "etc").mkdir(parents=True)
    (root / "proc").symlink_to("/proc")
    (root / "etc" / "passwd").write_text(HOST)
    (root / "etc" / "group").write_text("root:x:0:\n")
    monkeypatch.setenv("HOST_ROOT", str(root))
    return root


def replace(path, text):
    """As useradd and its kin do: a new file takes the old one's place."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def test_accounts_follow_their_files(sensor, actor, rules_file, host_root):
    rules = rules_file("""
- rule: account
  desc: d
  condition: evt.type in (useradded, userdeleted, groupadded, groupdeleted)
  output: "%evt.type %evt.arg.name %evt.is_async %evt.source"
  priority: INFO
- rule: opened
  desc: d
  condition: evt.type in (open, openat) and fd.name=/etc/hostname and user.uid=4242
  output: "%user.uid %user.name %user.homedir %user.shell %group.name"
  priority: INFO
""")
    s = sensor([rules], f"pid:{actor.pid}")
    def opened(n):
        code = "import os; os.setgid(4243); os.setuid(4242); open('/etc/hostname')"
        actor.do(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)")
        return s.wait_alert(of_rule("opened"), count=n)[n - 1]["output"].split(" ", 2)[2]

    def account(n):
        return [a["output"].split(" ", 2)[2] for a in s.wait_alert(of_rule("account"), count=n)]

    assert opened(1) == "4242 <NA> <NA> <NA> <NA>"
    replace(host_root / "etc" / "passwd", HOST + "eve:x:4242:4243::/home/eve:/bin/rbash\n")
    assert account(1) == ["useradded eve true syscall"]
    replace(host_root / "etc" / "group", "root:x:0:\nstaff:x:4243:\n")
    assert account(2)[1] == "groupadded staff true syscall"
    assert opened(2) == "4242 eve /home/eve /bin/rbash staff"
    # Renamed in place, as an editor may do it.
    (host_root / "etc" / "passwd").write_text(HOST + "adam:x:4242:4243::/home/adam:/bin/sh\n")
    assert account(3)[2] == "useradded adam true syscall"
    assert opened(3) == "4242 adam /home/adam /bin/sh staff"
    replace(host_root / "etc" / "passwd", HOST)
    replace(host_root / "etc" / "group", "root:x:0:\n")
    assert sorted(account(5)[3:]) == ["groupdeleted staff true syscall", "userdeleted adam true syscall"]
    assert opened(4) == "4242 <NA> <NA> <NA> <NA>"


CHAIN = r"""
import ctypes, os, sys
libc = ctypes.CDLL(None)
names = ["gen-five", "gen-four", "gen-three", "gen-two", "gen-one"]
def descend(left):
    libc.prctl(15, left[0].encode(), 0, 0, 0)
    if len(left) > 1:
        if os.fork() == 0:
            descend(left[1:])
        os.wait()
        os._exit(0)
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        if os.fork() == 0:
            libc.prctl(15, b"actor", 0, 0, 0)
            open(line.strip()).close()
            os._exit(0)
        os.wait()
    os._exit(0)
descend(names)
"""


def test_five_ancestors_older_than_the_sensor(sensor, rules_file):
    """Only the youngest is in scope, so nothing but the scan can have told of the others."""
    rules = rules_file("""
- rule: opened
  desc: d
  condition: evt.type in (open, openat) and fd.name=/etc/hostname and proc.aname = gen-four
  output: "%proc.aname[1] %proc.aname[2] %proc.aname[3] %proc.aname[4] %proc.aname[5] %proc.apid[1] %proc.aexepath[5] %proc.acmdline[5]"
  priority: INFO
""")
    old = subprocess.Popen([sys.executable, "-c", CHAIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           text=True)
    try:
        pid = int(old.stdout.readline().split()[1])
        s = sensor([rules], f"pid:{pid}")
        old.stdin.write("/etc/hostname\n")
        old.stdin.flush()
        line = s.wait_alert(of_rule("opened"))[0]["output"].split(" ", 2)[2].split(" ", 7)
        assert line[:5] == ["gen-one", "gen-two", "gen-three", "gen-four", "gen-five"]
        assert line[5] == str(pid)
        assert line[6] == os.path.realpath(f"/proc/{old.pid}/exe")
        assert line[7].startswith("gen-five -c")
    finally:
        old.stdin.close()
        old.wait(10)


def test_standard_descriptors(sensor, actor, rules_file):
    """A shell whose input is a connection, executed anew; its child's input is a pipe."""
    rules = rules_file("""
- rule: shell on a connection
  desc: d
  condition: evt.type=execve and proc.stdin.type=ipv4
  output: "%proc.name %proc.stdin.type %proc.stdout.type %proc.stdout.name %proc.stderr.type"
  priority: INFO
""")
    s = sensor([rules], f"pid:{actor.pid}")
    actor.do("import socket, subprocess; a = socket.socket(); a.bind(('127.0.0.1', 0)); a.listen(); "
             "b = socket.create_connection(a.getsockname()); "
             "subprocess.run(['/bin/sh', '-c', 'true; /bin/true </dev/null'], stdin=b, "
             "stdout=open('/dev/null', 'w'), stderr=subprocess.PIPE, check=True)")
    actor.do("subprocess.run(['/bin/true'])")
    found = s.wait_alert(of_rule("shell on a connection"))
    assert [a["output"].split(" ", 2)[2] for a in found] == ["sh ipv4 file /dev/null pipe"]

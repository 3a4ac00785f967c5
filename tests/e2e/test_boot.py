# SPDX-License-Identifier: Apache-2.0
"""
The package on a fresh Debian that systemd has booted (systemd-nspawn, in namespaces of its own): installed, started as
the unit says, an alert, purged. Debian 12 with the package of this tree; another by TIERCEL_SUITE and TIERCEL_PACKAGE.
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

import debian
from conftest import EXAMPLE_PY
from engines import remove_cgroups, wait_for
from test_package import CAPS

FINE = ("running", "degraded")
# What an installed and purged package may leave on any Debian.
OTHERS = ("/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd", "/var/log", "/var/tmp", "/etc/ld.so.cache",
          "/var/backups", "/tmp")


class Machine:
    """A booted root file system; `run` runs a command in it."""

    def __init__(self, root, tag, ends):
        self.root = root
        ends.callback(remove_cgroups, tag)
        self.log = open(f"{root}.log", "w+b")
        self.proc = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", root, "-b", "-M", tag, "--private-network", "--register=no", "--keep-unit",
             "--console=read-only", "--capability=CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf perf_event_open"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, preexec_fn=lambda: enter_cgroup(tag))
        ends.callback(self.stop)
        self.leader = wait_for(self.find_leader, 60)
        wait_for(lambda: self.try_run("systemctl", "is-system-running").stdout.strip() in FINE, 120, pause=0.2)

    def find_leader(self):
        assert self.proc.poll() is None, self.console()
        with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children", encoding="ascii") as file:
            for pid in file.read().split():
                with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:
                    if re.search(r"^NSpid:.*\t1$", status.read(), re.M):
                        return int(pid)
        return None

    def console(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-3000:]

    def try_run(self, *command):
        return subprocess.run(["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", *command],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=300, check=False, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C",
                                                             "DEBIAN_FRONTEND": "noninteractive"})

    def run(self, *command):
        done = self.try_run(*command)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{self.console()}"
        return done.stdout

    def files(self):
        return set(self.run("find", "/", "-xdev", "-path", "/run", "-prune", "-o", "-print").splitlines())

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.proc.wait(60)
        self.proc.kill()
        self.proc.wait(20)
        self.log.close()


def enter_cgroup(tag):
    """Below which nspawn makes its own, in the hierarchies that systemd looks at."""
    for base in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        if os.path.exists(f"{base}/cgroup.procs"):
            os.makedirs(f"{base}/{tag}-boot", exist_ok=True)
            with open(f"{base}/{tag}-boot/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(os.getpid()))


@pytest.fixture
def machine(tmp_path):
    deb = os.environ.get("TIERCEL_PACKAGE") or debian.package()
    root = debian.unpack(deb, str(tmp_path / "root"))
    shutil.copy(deb, f"{root}/root/tiercel.deb")
    with contextlib.ExitStack() as ends:
        yield Machine(root, f"tiercel{os.getpid()}", ends)
    shutil.rmtree(root)


def status_of(machine, pid):
    return dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)


def children(machine, pid):
    return machine.run("cat", f"/proc/{pid}/task/{pid}/children").split()


def confine(machine):
    """Its sight to the machine's own processes; the unit stays as it is otherwise."""
    where = f"{machine.root}/etc/systemd/system/tiercel.service.d"
    os.makedirs(where)
    with open(f"{where}/scope.conf", "w", encoding="ascii") as file:
        file.write("[Service]\nExecStart=\nExecStart=/usr/bin/tiercel run -c /etc/tiercel/tiercel.yaml "
                   f"-o tiercel.scope=pid:{machine.leader}\n")


def check_in_force(machine):
    """User, capabilities and filters of the unit, as the kernel has them."""
    main = machine.run("systemctl", "show", "-P", "MainPID", "tiercel").strip()
    sensor = status_of(machine, main)
    assert sensor["Uid"].split()[0] == "0" and sensor["NoNewPrivs"] == "1" and sensor["Seccomp"] == "2"
    bounding = machine.run("systemctl", "show", "-P", "CapabilityBoundingSet", "tiercel").split()
    assert sorted(bounding) == sorted("cap_" + c for c in CAPS)
    assert bin(int(sensor["CapBnd"], 16)).count("1") == len(CAPS)
    network, = children(machine, main)
    uid = machine.run("id", "-u", "_tiercel").strip()
    other = status_of(machine, network)
    assert set(other["Uid"].split()) == {uid} and int(other["CapEff"], 16) == 0 == int(other["CapPrm"], 16)
    there = ["nsenter", "-t", main, "-m", "touch"]
    assert "Read-only file system" in machine.try_run(*there, "/usr/bin/x").stdout
    machine.run(*there, "/var/log/tiercel/x")


def check_alert(machine):
    """The same alert in the journal and over gRPC."""
    socket = f"/proc/{machine.leader}/root/run/tiercel/tiercel.sock"
    client = subprocess.Popen([sys.executable, EXAMPLE_PY, "--unix", socket, "--count", "1"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def raised():
        machine.run("systemd-run", "--quiet", "--wait", "cat", "/etc/shadow")
        return client.poll() is not None

    try:
        wait_for(raised, 60, pause=0.5)
        assert "cat /etc/shadow" in client.stdout.read()
    finally:
        client.kill()
        client.communicate()
    assert "cat /etc/shadow" in machine.run("journalctl", "-u", "tiercel", "-o", "cat", "--no-pager")


def test_package_from_install_to_purge(machine):
    before = machine.files()
    confine(machine)
    machine.run("apt-get", "-q", "install", "-y", "--no-install-recommends", "/root/tiercel.deb")
    assert machine.run("systemctl", "is-active", "tiercel").strip() == "active"
    assert machine.run("systemctl", "is-enabled", "tiercel").strip() == "enabled"
    verified = machine.run("systemd-analyze", "verify", "--man=no", "tiercel.service")
    assert "tiercel" not in verified, verified
    check_in_force(machine)
    check_alert(machine)
    machine.run("systemctl", "reload", "tiercel")
    pages = machine.run("dpkg", "-L", "tiercel")
    for name in ("man1/tiercel.1.gz", "man5/tiercel.yaml.5.gz", "man5/tiercel-rules.5.gz"):
        assert f"/usr/share/man/{name}" in pages

    machine.run("apt-get", "-q", "purge", "-y", "tiercel")
    machine.run("apt-get", "-q", "autoremove", "-y", "--purge")
    shutil.rmtree(f"{machine.root}/etc/systemd/system/tiercel.service.d")
    # What other packages suggest stays, and is theirs.
    owned = set(machine.run("sh", "-c", "cat /var/lib/dpkg/info/*.list").splitlines())
    left = machine.files() - before - owned
    assert [p for p in left if "tiercel" in p.lower() and not p.startswith("/var/lib/dpkg/info/")] == []
    assert sorted(p for p in left if not p.startswith(OTHERS)) == []
    assert "tiercel" not in machine.run("dpkg-query", "-W")
    assert machine.try_run("id", "_tiercel").returncode != 0
    assert not os.path.exists(f"/proc/{machine.leader}/root/run/tiercel")
    assert "tiercel" not in machine.run("systemctl", "list-units", "--all", "--plain")

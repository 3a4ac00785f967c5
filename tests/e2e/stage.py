# SPDX-License-Identifier: Apache-2.0
"""
A stage: a process that does what it is told inside namespaces of its own. Its root is an overlay over this
machine's, so nothing it writes stays; its network has only a loopback with a few public addresses; its control
group makes it a container where one is wanted. Runs as a program: stage.py NAME DIRECTORY [CGROUP]. Inside of a
container that a runtime has made, which is stage enough, it is told by two pipes: stage.py inside DIRECTORY.
"""
import ctypes
import fcntl
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
MS_NOSUID, MS_BIND, MS_REC, MS_PRIVATE = 2, 4096, 16384, 1 << 18
MNT_DETACH = 2
SYS_PIVOT_ROOT = 155
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 1

ADDRESSES = ["8.8.8.8", "169.254.169.254", "10.96.0.1"]
PYTHON = os.path.realpath(sys.executable)
TMP = "/tmp/stage"


def must(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(what, where, kind=None, flags=0, data=None):
    text = [t.encode() if t else None for t in (what, where, kind, data)]
    must(libc.mount(text[0], text[1], text[2], flags, text[3]))


def build_root(directory):
    must(libc.unshare(CLONE_NEWNS | CLONE_NEWNET))
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", directory, "tmpfs")
    for name in ("upper", "work", "root"):
        os.mkdir(f"{directory}/{name}")
    root = f"{directory}/root"
    mount("overlay", root, "overlay",
          data=f"lowerdir=/,upperdir={directory}/upper,workdir={directory}/work")
    mount("/proc", root + "/proc", flags=MS_BIND | MS_REC)
    mount("tmpfs", root + "/dev", "tmpfs")
    for name in ("null", "zero", "urandom", "tty"):
        open(f"{root}/dev/{name}", "w").close()
        mount(f"/dev/{name}", f"{root}/dev/{name}", flags=MS_BIND)
    for name in ("shm", "pts"):
        os.mkdir(f"{root}/dev/{name}")
    mount("devpts", root + "/dev/pts", "devpts", data="newinstance,ptmxmode=0666")
    os.symlink("pts/ptmx", root + "/dev/ptmx")
    for name in ("tmp", "run"):
        mount("tmpfs", f"{root}/{name}", "tmpfs")
    os.mkdir(root + TMP)
    os.makedirs(root + "/old", exist_ok=True)
    must(libc.syscall(SYS_PIVOT_ROOT, root.encode(), (root + "/old").encode()))
    os.chdir("/")
    must(libc.umount2(b"/old", MNT_DETACH))


def raise_network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        def request(code, name, data):
            fcntl.ioctl(s, code, struct.pack("16s", name.encode()) + data.ljust(24, b"\0"))

        request(SIOCSIFFLAGS, "lo", struct.pack("H", IFF_UP))
        for i, address in enumerate(ADDRESSES):
            request(SIOCSIFADDR, f"lo:{i + 1}",
                    struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(address)))


# What deeds are made of.

def run(args, **kw):
    subprocess.run(args, stdin=-3, stdout=-3, stderr=-3, timeout=20, **kw)


def link(name, target):
    path = f"{TMP}/{name}"
    if not os.path.lexists(path):
        os.symlink(target, path)
    return path


def named(name, code, **kw):
    """Python code in a process that the kernel knows as NAME."""
    run([link(name, PYTHON), "-c", "import os, socket, subprocess, ctypes\n" + code], **kw)


def tool(name, *args, **kw):
    """A program of that name, which does nothing."""
    run([link(name, os.path.realpath("/bin/true")), *args], **kw)


def forked(deed):
    """In a child, which may ruin itself."""
    pid = os.fork()
    if pid == 0:
        deed()
        os._exit(0)
    os.waitpid(pid, 0)


def connect(address, port, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        if kind == socket.SOCK_STREAM:
            with socket.create_server((address, port)):
                s.connect((address, port))
        else:
            s.connect((address, port))
        return s


def first_process():
    """An exec by the first process of a pid namespace, as a runtime starts a container."""
    must(libc.unshare(CLONE_NEWPID))
    pid = os.fork()
    if pid == 0:
        os.execv("/bin/true", ["true"])
    os.waitpid(pid, 0)


def main(directory, cgroup=None):
    if cgroup:
        with open(cgroup + "/cgroup.procs", "w") as f:
            f.write("0")
    build_root(directory)
    raise_network()
    serve(sys.stdin, sys.stdout)


def inside(directory):
    os.makedirs(TMP, exist_ok=True)
    raise_network()
    with open(directory + "/in", encoding="utf-8") as told, open(directory + "/out", "w", encoding="utf-8") as answers:
        serve(told, answers)


def serve(told, answers):
    print("ok", file=answers, flush=True)
    names = dict(globals())
    for line in told:
        try:
            exec(line, names)
            print("ok", file=answers, flush=True)
        except BaseException as e:
            print("error", repr(e), file=answers, flush=True)


if __name__ == "__main__":
    (inside if sys.argv[1] == "inside" else main)(*sys.argv[2:])

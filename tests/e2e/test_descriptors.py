# SPDX-License-Identifier: Apache-2.0
"""What is said of descriptors is what the kernel says of them otherwise, wherever they come from."""
import os
import shutil
import socket
import struct
import tempfile

import pytest

from life import Life, Worker

MARK = 0x7471 # no device has such a request
FIELDS = """fd.num fd.type fd.typechar fd.name fd.ino fd.dev.major fd.dev.minor fd.directory fd.filename fd.l4proto
fd.sockfamily fd.is_server fd.connected fd.cip fd.sip fd.lip fd.rip fd.cport fd.sport fd.lport fd.rport
proc.fdopencount""".split()
RULES = f"""
- rule: marker
  desc: d
  condition: evt.type=ioctl and evt.rawarg.request={MARK}
  output: "%evt.arg.argument {' '.join('%' + f for f in FIELDS)} %fd.types"
  priority: INFO
- rule: socket call
  desc: d
  condition: evt.type in (connect, accept, accept4) and fd.num >= 0 and fd.sport > 0
  output: "%evt.type %evt.res {' '.join('%' + f for f in FIELDS)}"
  priority: INFO
"""
NONBLOCK = socket.SOCK_NONBLOCK


class Bench:
    """One worker, a sensor on it, and what the two say of descriptors."""

    def __init__(self, worker, sensor):
        self.worker, self.sensor, self.marks = worker, sensor, 0

    def call(self, *args):
        result = self.worker.call(*args)
        assert result >= 0, (args, result)
        return result

    def said(self, fd, by=None):
        """The fields of a descriptor at a call that changes nothing; what fstat says is checked."""
        by = by or self.worker
        self.marks += 1
        by.call("ioctl", fd, MARK, self.marks)
        mark = self.marks
        found = self.sensor.wait_alert(lambda a: a["rule"] == "marker" and int(a["output_fields"]["evt.arg.argument"], 16) == mark)
        fields = found[0]["output_fields"]
        st = os.stat(f"/proc/{by.pid}/fd/{fd}")
        assert (fields["fd.num"], fields["fd.ino"]) == (fd, st.st_ino)
        assert (fields["fd.dev.major"], fields["fd.dev.minor"]) == (os.major(st.st_dev), os.minor(st.st_dev))
        assert fields["proc.fdopencount"] == len(os.listdir(f"/proc/{by.pid}/fd"))
        return fields

    def socket_calls(self, count):
        found = self.sensor.wait_alert(lambda a: a["rule"] == "socket call", count=count)
        return [a["output_fields"] for a in found]


@pytest.fixture
def bench(sensor, rules_file):
    top = tempfile.mkdtemp(prefix="tiercel-fd-", dir="/tmp")
    life = Life(top, 0)
    try:
        yield Bench(life.root, sensor([rules_file(RULES)], f"pid:{life.process.pid}"))
    finally:
        life.stop()
        shutil.rmtree(top)


def pick(fields, names):
    return tuple(fields[f"fd.{n}"] for n in names.split())


def test_kinds(bench):
    made = {
        "file f": ("openat", -100, "str:/dev/null", os.O_RDWR, 0), "directory d": ("openat", -100, "str:/", 0, 0),
        "event e": ("eventfd2", 0, 0), "eventpoll l": ("epoll_create1", 0), "inotify i": ("inotify_init1", 0),
        "timerfd t": ("timerfd_create", 1, 0), "signalfd s": ("signalfd4", -1, "hex:0000000000000000", 8, 0),
        "memfd m": ("memfd_create", "str:ghost", 0), "pidfd P": ("pidfd_open", bench.worker.pid, 0),
        "netlink n": ("socket", 16, 3, 0), "unix u": ("socket", 1, 1, 0), "ipv4 4": ("socket", 2, 1, 0),
        "ipv6 6": ("socket", 10, 2, 0),
    }
    fds = {kind: bench.call(*how) for kind, how in made.items()}
    for kind, fd in fds.items():
        assert pick(bench.said(fd), "type typechar") == tuple(kind.split()), kind
    assert pick(bench.said(fds["file f"]), "name directory filename") == ("/dev/null", "/dev", "null")
    assert pick(bench.said(fds["directory d"]), "name directory filename") == ("/", "/", None)
    assert bench.said(fds["memfd m"])["fd.name"] == "memfd:ghost"
    assert bench.said(fds["ipv6 6"])["fd.l4proto"] == "udp"
    bench.call("pipe2", "buf:", 0)
    for end in bench.worker.first:
        assert pick(bench.said(end), "type typechar name") == ("pipe", "p", "")
    types = set(bench.said(fds["file f"])["fd.types"])
    assert types >= {kind.split()[0] for kind in fds} | {"pipe"}
    copy = bench.call("dup", fds["memfd m"])
    assert bench.said(copy)["fd.name"] == "memfd:ghost"


def address(at):
    return "hex:" + (struct.pack("<H", 2) + struct.pack(">H", at[1]) + socket.inet_aton(at[0]) + bytes(8)).hex()


def unix_address(path):
    return "hex:" + (struct.pack("<H", 1) + path.encode() + b"\0").hex()


def tuple_of(fields):
    return pick(fields, "cip cport sip sport lip lport rip rport is_server connected l4proto")


@pytest.mark.parametrize("flags", [0, NONBLOCK], ids=["blocking", "nonblocking"])
def test_client(bench, flags):
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = server.getsockname()
        fd = bench.call("socket", 2, socket.SOCK_STREAM | flags, 0)
        assert bench.worker.call("connect", fd, address(at), 16) in (0, -115)
        peer, own = server.accept()
        with peer:
            wanted = (*own, *at, *own, *at, False)
            first = bench.socket_calls(1)[0]
            assert tuple_of(first)[:9] == wanted and first["fd.l4proto"] == "tcp"
            assert tuple_of(bench.said(fd)) == (*wanted, True, "tcp")
            assert bench.said(fd)["fd.name"] == "%s:%d->%s:%d" % (*own, *at)


@pytest.mark.parametrize("flags", [0, NONBLOCK], ids=["blocking", "nonblocking"])
def test_server(bench, flags):
    fd = bench.call("socket", 2, socket.SOCK_STREAM, 0)
    bench.call("bind", fd, address(("127.0.0.1", 0)), 16)
    bench.call("listen", fd, 5)
    with socket.socket(fileno=os.dup(taken(bench.worker, fd))) as own:
        at = own.getsockname()
    assert pick(bench.said(fd), "name is_server sip sport connected") == ("%s:%d" % at, True, *at, False)
    with socket.create_connection(at) as client:
        peer = client.getsockname()
        accepted = bench.call("accept4", fd, 0, 0, flags)
        wanted = (*peer, *at, *at, *peer, True)
        assert tuple_of(bench.socket_calls(1)[0])[:9] == wanted
        # Later calls on it know as well who came to whom.
        assert tuple_of(bench.said(accepted)) == (*wanted, True, "tcp")
        assert bench.said(accepted)["fd.name"] == "%s:%d->%s:%d" % (*peer, *at)


def taken(worker, fd):
    """A copy of another process's descriptor."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(worker.pid)
    mine = libc.syscall(438, pidfd, fd, 0)
    os.close(pidfd)
    assert mine >= 0
    return mine


def test_unix_and_passed(bench, tmp_path):
    path = tempfile.mktemp(prefix="tiercel-", dir="/tmp")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        fd = bench.call("socket", 1, socket.SOCK_STREAM, 0)
        bench.call("connect", fd, unix_address(path), 110)
        peer, _ = server.accept()
        os.unlink(path)
        with peer:
            said = bench.said(fd)
            assert pick(said, "type sockfamily connected") == ("unix", "unix", True)
            own, far = said["fd.name"].split(" ")[0].split("->")
            assert int(own, 16) and int(far, 16)
            # The other end's addresses are the same, crosswise; a descriptor that was sent is the file it is.
            child = Worker()
            assert bench.worker.do("clone 0", child) > 0
            child.born()
            with open("/etc/hostname") as file, socket.create_server(("127.0.0.1", 0)) as listening:
                socket.send_fds(peer, [b"x"], [file.fileno(), listening.fileno(), peer.fileno()])
                got = received(child, fd)
                assert pick(bench.said(got[0], child), "type name") == ("file", "/etc/hostname")
                assert pick(bench.said(got[1], child), "type name is_server") == ("ipv4", "%s:%d" % listening.getsockname(), True)
                assert bench.said(got[2], child)["fd.name"].split(" ")[0] == f"{far}->{own}"
            child.close()


def received(worker, fd):
    """By recvmsg; the room of its answer is the message's own, so that descriptors are found as the new ones."""
    before = set(os.listdir(f"/proc/{worker.pid}/fd"))
    assert worker.do(f"take {fd}") == 1
    return sorted(int(n) for n in set(os.listdir(f"/proc/{worker.pid}/fd")) - before)

# SPDX-License-Identifier: Apache-2.0
"""A family of workers (worker.c) that does random things to itself, one at a time."""
import collections
import fcntl
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

import procfs
from conftest import BUILD

WORKER = os.path.join(BUILD, "tests", "e2e", "worker")
PROC_FD, EXE_FD, CHANNEL_FD = 201, 202, 300
CLONE = {"FS": 0x200, "FILES": 0x400, "PARENT": 0x8000, "NEWNS": 0x20000, "NEWCGROUP": 0x02000000,
         "NEWUTS": 0x04000000, "NEWIPC": 0x08000000, "NEWUSER": 0x10000000, "NEWPID": 0x20000000,
         "NEWNET": 0x40000000}
UIDS = (0, 1, 1001, 65534)
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000


def word(text):
    """A word of a command: blanks, % and bytes beyond ASCII are escaped."""
    data = text if isinstance(text, bytes) else text.encode()
    return "".join(chr(b) if 0x20 < b < 0x7f and b != 0x25 else f"%{b:02x}" for b in data) or "%00"


class Gone(Exception):
    pass


class Worker:
    """A thread that does what it is told. pid and tid are those of the host."""

    def __init__(self):
        self.sock, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = self.tid = None
        self.first = (0, 0)

    def alive(self):
        try:
            return procfs.stat(f"/proc/{self.pid}/task/{self.tid}")[3] not in "ZX"
        except OSError:
            return False

    def answer(self, timeout=20):
        """Its channel may live on with its children, so that its end is no end of that."""
        end = time.monotonic() + timeout
        while not select.select([self.sock], [], [], 0.02)[0]:
            if self.tid and not self.alive():
                raise Gone
            if time.monotonic() > end:
                raise TimeoutError(f"worker {self.pid}/{self.tid} says nothing")
        line = self.sock.recv(256).decode()
        if not line:
            raise Gone
        result, one, two, *who = line.split(" ")
        self.first = int(one), int(two)
        if who[0]:
            self.pid, self.tid = (int(n) for n in who[0].split("/task/"))
        return int(result)

    def tell(self, line, child=None):
        rights = [] if child is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", child.far.fileno()))]
        try:
            self.sock.sendmsg([line.encode()], rights)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def do(self, line, child=None):
        self.tell(line, child)
        return self.answer()

    def call(self, name, *args):
        return self.do(" ".join(["call", name, *(str(a) for a in args)]))

    def born(self):
        """Of a new one: its first words."""
        self.far.close()
        self.answer()
        return self

    def close(self):
        self.sock.close()
        self.far.close()


class Life:
    def __init__(self, top, seed):
        self.random, self.top = random.Random(seed), top
        self.workers, self.reaped, self.masters = [], [], []
        self.counts = collections.Counter()
        self.make_files()
        self.root = Worker()
        held = [(os.open("/proc", os.O_RDONLY), PROC_FD), (os.open(self.paths[0], os.O_PATH), EXE_FD),
                (self.root.far.fileno(), CHANNEL_FD)]
        self.held = [fcntl.fcntl(fd, fcntl.F_DUPFD, number) for fd, number in held]
        assert self.held == [PROC_FD, EXE_FD, CHANNEL_FD]
        for fd, _ in held[:2]:
            os.close(fd)
        self.process = subprocess.Popen([self.paths[0], "root"], env={"TIERCEL_CHANNEL": str(CHANNEL_FD)},
                                        pass_fds=self.held, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for fd in self.held:
            os.close(fd)
        self.root.born()
        self.workers.append(self.root)
        self.root.call("prctl", 36, 1) # PR_SET_CHILD_SUBREAPER: nobody is lost

    def make_files(self):
        os.chmod(self.top, 0o755)
        self.dirs = [os.fsencode(self.top) + b"/" + d for d in (b"a", b"a/b c", b"a/b c/\xff\xfe%", b"a/" + b"n" * 200)]
        for d in self.dirs:
            os.mkdir(d)
        names = ["life", "b c", "a/long-name-of-a-program-beyond-what-fits", "as-user"]
        self.paths = [f"{self.top}/{n}" for n in names]
        for path in self.paths:
            shutil.copy(WORKER, path)
        os.chown(self.paths[3], 1001, 1001)
        os.chmod(self.paths[3], 0o6755)
        self.paths.append(f"{self.top}/link")
        os.symlink("life", self.paths[-1])
        self.paths.append(f"{self.top}/script")
        with open(self.paths[-1], "w") as f:
            f.write(f"#!{self.paths[0]} -x\n")
        os.chmod(self.paths[-1], 0o755)

    def remove(self, w):
        self.workers.remove(w)
        w.close()

    def drop_dead(self):
        for w in [w for w in self.workers if not w.alive()]:
            self.remove(w)

    def await_end(self, w):
        end = time.monotonic() + 20
        while w.alive():
            assert time.monotonic() < end, procfs.status(f"/proc/{w.pid}/task/{w.tid}")
            time.sleep(0.001)
            self.drop_dead()
            # The first of a pid namespace waits for all in it, some of whom have parents outside.
            for pid in {x.pid for x in self.workers} - {w.pid}:
                self.reap(pid)
        self.drop_dead()

    def step(self):
        """Does one thing; who has to do with it."""
        op = self.random.choices(OPS, [o.weight for o in OPS])[0]
        w = self.random.choice(self.workers[1:] or self.workers)
        if w is self.root and not op.safe:
            op = fork
        self.counts[op.__name__] += 1
        try:
            found = op(self, w) or [w]
        except Gone:
            self.await_end(w)
            found = []
        self.drop_dead()
        return op.__name__, [x for x in found if x in self.workers]

    def reap(self, pid):
        """Whoever of that process listens takes its dead children away."""
        for w in [x for x in self.workers if x.pid == pid and x.alive()][:1]:
            try:
                while w.call("wait4", -1, 0, 1 | 0x40000000, 0) > 0: # WNOHANG, __WALL
                    pass
            except Gone:
                pass

    def others(self, w):
        return [x for x in self.workers[1:] if x.pid != w.pid]

    def stop(self):
        """Everyone ends who has nobody to listen to."""
        left, self.workers = self.workers, []
        for w in left:
            w.close()
        for fd in self.masters:
            os.close(fd)
        self.process.stdout.close()
        self.process.wait(20)
        for w in left:
            self.await_end(w)

OPS = []


def op(weight, safe=False):
    def note(f):
        f.weight, f.safe = weight, safe
        OPS.append(f)
        return f
    return note


MOST, PR_SET_NAME, PR_SET_CHILD_SUBREAPER, TIOCNOTTY = 24, 15, 36, 0x5422


@op(14, safe=True)
def fork(life, w, flags=0, tid=""):
    if len(life.workers) >= MOST:
        return leave(life, w)
    new = Worker()
    if w.do(f"clone {flags:#x} {tid}".rstrip(), new) <= 0:
        new.close()
        return [w]
    life.workers.append(new.born())
    return [w, new]


@op(8)
def clone(life, w):
    flags = 0
    for name in life.random.sample(sorted(CLONE), life.random.choice((1, 1, 2, 3))):
        flags |= CLONE[name]
    return fork(life, w, flags)


@op(5)
def fork_with_old_pid(life, w):
    return fork(life, w, 0, life.random.choice(life.reaped)) if life.reaped else [w]


@op(3)
def spawn(life, w):
    if len(life.workers) >= MOST:
        return [w]
    new = Worker()
    if w.do(f"spawn {word(life.paths[0])} spawned -- MARK=s", new) < 0:
        new.close()
        return [w]
    try:
        life.workers.append(new.born())
    except Gone: # it could not execute
        new.close()
        return [w]
    return [w, new]


@op(8)
def thread(life, w):
    if len(life.workers) >= MOST:
        return [w]
    new = Worker()
    if w.do("thread", new) < 0:
        new.close()
        return [w]
    life.workers.append(new.born())
    return [w, new]


def after_exec(life, w, line):
    """The other threads of its process are gone; the first one's number is its own now."""
    if w.do(line) == 0:
        for other in [x for x in life.workers if x.pid == w.pid and x is not w]:
            life.remove(other)
    return [w]


def arguments(life):
    argv = [life.random.choice(("zero", "a b", "\x00", "-sh", "x" * 60))] + life.random.choices(("one", "2", "th ree"), k=2)
    return " ".join(word(a) for a in argv) + f" -- MARK={life.random.randrange(1000)} B=2"


@op(10)
def execute(life, w):
    path = life.random.choice(life.paths)
    return after_exec(life, w, f"exec {AT_FDCWD} 0 {word(path)} {arguments(life)}")


@op(3)
def execute_descriptor(life, w):
    return after_exec(life, w, f"exec {EXE_FD} {AT_EMPTY_PATH} %00 {arguments(life)}")


@op(2)
def execute_memory(life, w):
    fd = w.call("memfd_create", "str:ghost", 0)
    if fd < 0:
        return [w]
    shutil.copy(WORKER, f"/proc/{w.pid}/task/{w.tid}/fd/{fd}")
    return after_exec(life, w, f"exec {fd} {AT_EMPTY_PATH} %00 {arguments(life)}")


@op(6)
def leave(life, w):
    """A thread or a whole process ends; who was its child is looked at."""
    if w is life.root:
        return [w]
    pid, heirs = w.pid, [x for x in life.others(w) if x.pid in children(w.pid)]
    parent = int(procfs.stat(f"/proc/{pid}")[4])
    how = life.random.choice(("exit 3", "call exit_group 4", None))
    if how:
        w.tell(how)
    else:
        os.kill(pid, signal.SIGKILL)
    life.await_end(w)
    # Its children have another parent when the last of its threads has ended.
    while how != "exit 3" and not ended(pid):
        time.sleep(0.001)
    life.reap(parent)
    if not os.path.exists(f"/proc/{pid}"):
        life.reaped.append(pid)
    return heirs + life.workers[:1]


@op(4, safe=True)
def change_directory(life, w):
    w.call("chdir", "str:" + word(life.random.choice(life.dirs + [b"/", b"/tmp", b"..", b"/proc/self", b"nonexistent"])))


@op(2)
def change_directory_by_descriptor(life, w):
    fd = w.call("openat", AT_FDCWD, "str:" + word(life.random.choice(life.dirs)), os.O_DIRECTORY | os.O_PATH, 0)
    w.call("fchdir", fd)
    w.call("close", fd)


@op(2)
def change_to_lost_directory(life, w):
    path = "str:" + word(os.fsencode(life.top) + b"/lost")
    w.call("mkdirat", AT_FDCWD, path, 0o755)
    w.call("chdir", path)
    w.call("unlinkat", AT_FDCWD, path, 0x200)


@op(1)
def change_root(life, w):
    w.call("chroot", "str:" + word(life.random.choice(life.dirs)))
    if life.random.random() < 0.5:
        w.call("chdir", "str:/")


@op(12)
def change_user(life, w):
    name, n = life.random.choice((("setuid", 1), ("setgid", 1), ("setreuid", 2), ("setregid", 2), ("setresuid", 3),
                                  ("setresgid", 3), ("setfsuid", 1), ("setfsgid", 1)))
    w.call(name, *(life.random.choice(UIDS + ((-1,) if n > 1 else ())) for _ in range(n)))


@op(3)
def change_capabilities(life, w):
    permitted = int(procfs.status(f"/proc/{w.pid}/task/{w.tid}")["CapPrm"][0], 16)
    few = permitted & ~(1 << life.random.randrange(41) | 1 << life.random.randrange(41))
    sets = few & ~(1 << life.random.randrange(41)), few, few & life.random.getrandbits(41)
    data = b"".join(struct.pack("<3I", *(s >> shift & 0xffffffff for s in sets)) for shift in (0, 32))
    w.call("capset", "hex:" + struct.pack("<Ii", 0x20080522, 0).hex(), "hex:" + data.hex())


@op(2)
def change_login(life, w):
    fd = w.call("openat", AT_FDCWD, "str:/proc/self/loginuid", os.O_WRONLY, 0)
    w.call("write", fd, "str:%d" % life.random.choice(UIDS[1:]), 1)
    w.call("close", fd)


@op(4)
def lead_session(life, w):
    w.call("setsid")


@op(4)
def change_group(life, w):
    choices = [0, vpid(w)] + [x.pid for x in life.workers[1:]]
    w.call("setpgid", life.random.choice(choices), life.random.choice(choices))


@op(5)
def change_name(life, w):
    w.call("prctl", PR_SET_NAME, "str:" + word(life.random.choice(("short", "dash", "x" * 30, "a b", "%"))))


@op(3)
def change_name_of_another_thread(life, w):
    other = life.random.choice([x for x in life.workers if x.pid == w.pid])
    fd = w.call("openat", AT_FDCWD, f"str:/proc/{w.pid}/task/{other.tid}/comm", os.O_WRONLY, 0)
    w.call("write", fd, "str:n%d" % life.random.randrange(100), 3)
    w.call("close", fd)
    return [w, other] + [x for x in life.others(w) if x.pid in children(w.pid)]


@op(2)
def take_orphans(life, w):
    w.call("prctl", PR_SET_CHILD_SUBREAPER, 1)


@op(4)
def terminal(life, w):
    """As a session leader that opens one; or it is given up."""
    if life.random.random() < 0.3:
        w.call("ioctl", w.call("openat", AT_FDCWD, "str:/dev/tty", os.O_RDWR, 0), TIOCNOTTY, 0)
        return
    master, slave = os.openpty()
    life.masters.append(master)
    w.call("setsid")
    w.call("close", w.call("openat", AT_FDCWD, "str:" + os.ttyname(slave), os.O_RDWR, 0))
    os.close(slave)


@op(5)
def separate(life, w):
    w.call("unshare", CLONE[life.random.choice(sorted(set(CLONE) - {"PARENT"}))])


@op(2)
def join(life, w):
    fd = w.call("pidfd_open", life.random.choice(life.workers).pid, 0)
    w.call("setns", fd, CLONE[life.random.choice(("NEWNS", "NEWUTS", "NEWIPC", "NEWNET", "NEWPID", "NEWUSER"))])
    w.call("close", fd)


@op(3)
def limit(life, w):
    value = life.random.randrange(600, 1024)
    w.call("prlimit64", life.random.choice((0, life.random.choice(life.workers[1:]).pid)), 7,
           "hex:" + struct.pack("<QQ", value, 4096).hex(), 0)


def make_descriptor(life, w):
    """Of any kind."""
    made = [("openat", AT_FDCWD, "str:/dev/null", os.O_RDWR, 0), ("openat", AT_FDCWD, "str:/", os.O_RDONLY, 0),
            ("pipe2", "buf:", 0), ("eventfd2", 0, 0), ("memfd_create", "str:memory", 0), ("epoll_create1", 0),
            ("socket", 2, 1, 0), ("socket", 10, 2, 0), ("socket", 1, 1, 0), ("socketpair", 1, 2, 0, "buf:"),
            ("inotify_init1", 0), ("timerfd_create", 1, 0)]
    name, *args = life.random.choice(made)
    result = w.call(name, *args)
    return w.first[0] if "buf:" in args and result == 0 else result


@op(5)
def descriptor(life, w):
    make_descriptor(life, w)


@op(10)
def standard_descriptor(life, w):
    """Replaced by dup, or by what comes lowest, or closed."""
    num = life.random.randrange(3)
    if life.random.random() < 0.6:
        w.call("dup3", make_descriptor(life, w), num, 0)
        return
    w.call("close", num)
    if life.random.random() < 0.7:
        make_descriptor(life, w)


@op(3)
def close_descriptors(life, w):
    """But those that workers need."""
    w.call("close_range", life.random.choice((1, 3, 5)), PROC_FD - 1, 0)


@op(3)
def memory(life, w):
    w.call("mmap", 0, life.random.randrange(1, 200) << 12, 3, 0x8022, -1, 0)


def ended(pid):
    try:
        return procfs.living(pid) == 0
    except OSError:
        return True


def vpid(w):
    return procfs.status(f"/proc/{w.pid}")["NSpid"][-1]


def children(pid):
    """Threads share them, but each has a list of its own."""
    found = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/children") as f:
            found += [int(p) for p in f.read().split()]
    return found


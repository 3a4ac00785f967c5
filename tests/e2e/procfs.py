# SPDX-License-Identifier: Apache-2.0
"""What /proc says of a thread, in the words of the fields."""
import os

CAPS = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
DELETED = b" (deleted)"


def read(path):
    with open(path, "rb") as f:
        return f.read()


def text(data):
    """As JSON has it: bytes that are no UTF-8 are replaced."""
    return data.decode("utf-8", "replace")


def without(data, end):
    return data[:-len(end)] if data.endswith(end) else data


def status(path):
    lines = (line.split(":", 1) for line in text(read(path + "/status")).split("\n") if line)
    return {k: v.split() for k, v in lines}


def stat(path):
    data = read(path + "/stat")
    return [None, None, None] + data[data.rindex(b")") + 2:].decode().split()


def comm(path):
    return text(read(path + "/comm")[:-1])


def caps(word):
    bits = int(word, 16)
    return " ".join("CAP_" + name for i, name in enumerate(CAPS) if bits >> i & 1)


def command(path):
    """proc.exe and proc.args"""
    exe, _, rest = read(path + "/cmdline").partition(b"\0")
    return text(exe), text(without(rest, b"\0").replace(b"\0", b" "))


def executable(path):
    path = without(os.readlink(path.encode() + b"/exe"), DELETED)
    return text(path[1:] if path.startswith(b"/memfd:") else path)


def directory(path):
    cwd = without(os.readlink(f"{path}/cwd".encode()), DELETED)
    return text(cwd if cwd.endswith(b"/") else cwd + b"/")


def ancestors(pid):
    """Process ids from the parent upwards."""
    found = []
    while (pid := int(stat(f"/proc/{pid}")[4])) != 0:
        found.append(pid)
    return found


KINDS = {"pipe": "pipe", "[eventfd]": "event", "[eventpoll]": "eventpoll", "inotify": "inotify",
         "[signalfd]": "signalfd", "[timerfd]": "timerfd", "[pidfd]": "pidfd"}


PROTOCOLS = {"TCP": "ipv4", "UDP": "ipv4", "TCPv6": "ipv6", "UDPv6": "ipv6", "UNIX": "unix", "UNIX-STREAM": "unix",
             "NETLINK": "netlink"}


def descriptor(path, num):
    """Kind and name; a socket's kind is not in /proc/PID/fd. None when it is closed."""
    link = f"{path}/fd/{num}"
    try:
        target = text(without(os.readlink(link.encode()), DELETED))
        mode = os.stat(link).st_mode
    except FileNotFoundError:
        return None
    if target.startswith("/memfd:"):
        return "memfd", target[1:]
    if target.startswith("/"):
        return ("directory" if mode & 0o170000 == 0o040000 else "pipe" if mode & 0o170000 == 0o010000 else "file",
                target)
    if target.startswith("socket:"):
        # Which it is, is told by its protocol; what it is called, by no file of /proc.
        protocol = text(os.getxattr(link, "system.sockprotoname")).rstrip("\0")
        return PROTOCOLS[protocol], None
    kind = target.split(":")[1] if target.startswith("anon_inode:") else target.split(":")[0]
    return KINDS[kind], ""


def living(pid):
    """Threads; a first one that has ended stays as a zombie."""
    n = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            n += stat(f"/proc/{pid}/task/{tid}")[3] not in "ZX"
        except OSError: # it has just ended
            pass
    return n


def loginshell(pid):
    shells = [p for p in [pid, *ancestors(pid)] if comm(f"/proc/{p}").endswith("sh")]
    return shells[-1] if shells else None


def facts(pid, tid):
    """Fields of a thread that can be told at any time."""
    own, task = f"/proc/{pid}", f"/proc/{pid}/task/{tid}"
    s, t, line, up = status(own), status(task), stat(own), ancestors(pid)
    exe, rest = command(task)
    name = comm(task)
    inode = os.stat(task + "/exe")
    sid, pgid = int(line[6]), int(line[5])
    found = {
        "proc.pid": pid, "thread.tid": tid, "proc.ppid": int(line[4]),
        "proc.vpid": int(s["NSpid"][-1]), "thread.vtid": int(t["NSpid"][-1]),
        "proc.name": name, "proc.exe": exe, "proc.args": rest, "proc.cmdline": name + (" " + rest if rest else ""),
        "proc.exepath": executable(task), "proc.cwd": directory(task),
        "proc.sid": sid, "proc.pgid": pgid, "proc.vpgid": int(s["NSpgid"][-1]),
        "proc.is_pgid_leader": pgid == pid, "proc.is_vpgid_leader": s["NSpgid"][-1] == s["NSpid"][-1],
        "proc.is_sid_leader": sid == pid,
        "proc.tty": int(line[7]), "proc.nthreads": living(pid),
        "user.uid": int(t["Uid"][1]), "group.gid": int(t["Gid"][1]),
        "thread.cap_effective": caps(t["CapEff"][0]), "thread.cap_permitted": caps(t["CapPrm"][0]),
        "thread.cap_inheritable": caps(t["CapInh"][0]),
        "proc.exe_ino": inode.st_ino, "proc.exe_ino.ctime": inode.st_ctime_ns, "proc.exe_ino.mtime": inode.st_mtime_ns,
        "proc.is_exe_from_memfd": os.readlink(task + "/exe").startswith("/memfd:"),
        "proc.env[MARK]": next((text(v[5:]) for v in read(task + "/environ").split(b"\0") if v.startswith(b"MARK=")),
                               ""),
        "proc.loginshellid": loginshell(pid), "thread.ismain": pid == tid,
    }
    # Other namespaces may make a container of what lies in a control group of two words.
    if all(os.readlink(f"{task}/ns/{n}") == os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "pid")):
        found["container.id"] = "host"
    loginuid = int(read(task + "/loginuid"))
    found["user.loginuid"] = -1 if loginuid == 0xffffffff else loginuid
    for n, p in enumerate(up[:5], 1):
        found[f"proc.aname[{n}]"], found[f"proc.apid[{n}]"] = comm(f"/proc/{p}"), p
    for n in range(len(up) + 1, 6):
        found[f"proc.aname[{n}]"] = found[f"proc.apid[{n}]"] = None
    parent = f"/proc/{up[0]}"
    found["proc.pname"], found["proc.pvpid"] = comm(parent), int(status(parent)["NSpid"][-1])
    if stat(parent)[3] != "Z": # its first thread has ended, with it what the links say
        found["proc.pexe"], rest = command(parent)
        found["proc.pcmdline"] = found["proc.pname"] + (" " + rest if rest else "")
        found["proc.pexepath"] = executable(parent)
    for field, leader in (("proc.sname", sid), ("proc.pgid.name", pgid)):
        if os.path.exists(f"/proc/{leader}"):
            found[field] = comm(f"/proc/{leader}")
    for num, word in enumerate(("stdin", "stdout", "stderr")):
        fd = descriptor(task, num)
        found[f"proc.{word}.type"] = fd and fd[0]
        if not fd or fd[1] is not None:
            found[f"proc.{word}.name"] = fd and fd[1]
    found["proc.fdlimit"] = next(int(line.split()[3]) for line in text(read(own + "/limits")).splitlines()
                                 if line.startswith("Max open files"))
    found["proc.fdopencount"] = len(os.listdir(task + "/fd"))
    found["proc.vmsize"] = int(t["VmSize"][0])
    return found

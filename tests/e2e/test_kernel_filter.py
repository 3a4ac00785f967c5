# SPDX-License-Identifier: Apache-2.0
"""
The kernel's filter never changes the set of alerts: two sensors watch the same process, one with it, one without,
under random rules and random operations, among them those that could make a learnt verdict untrue (renames of files
and directories, links, mounts, other working directories).

FILTER_RULESETS and FILTER_SEED make it longer and other.
"""
import os
import random
import signal
import time
import urllib.request

import pytest
from conftest import any_free_port
from host import Actor, Sensor

RULESETS = int(os.environ.get("FILTER_RULESETS", "34"))
SEED = int(os.environ.get("FILTER_SEED", "20260"))
OPERATIONS = 1500  # of each round, at least

NAMES = ["a", "b", "secret", "shadow", "id_rsa", "x.log", ".bash_history"]
PLAIN = ["plain", "c", "some-other.txt", "x.logs", "shadow-", "..x", "hadow", "README"]  # no rule asks for their ends, or nearly
DIRS = ["d0", "d1", ".ssh", "etc"]

# Run by the process that is watched.
OPERATE = r"""
def operate(root, seed, n):
    import os, random
    r = random.Random(seed)
    names, plain, dirs = NAMES, PLAIN, DIRS
    fds = []
    def place():
        return os.path.join(root, *[r.choice(dirs) for _ in range(r.choice([0, 1, 1, 2]))])
    def name():
        kind = r.random()
        leaf = r.choice(names + plain)
        if kind < 0.45:
            return os.path.join(place(), leaf), None
        if kind < 0.6:
            return leaf, None
        if kind < 0.7:
            return r.choice(["./", "../", "..//", "d0/../"]) + leaf, None
        if kind < 0.8 and fds:
            return leaf, r.choice(fds)
        if kind < 0.9:
            return "/proc/self/cwd/" + leaf, None
        return place(), None
    def attempt(f, *a, **k):
        try:
            return f(*a, **k)
        except OSError:
            return None
    flags = [os.O_RDONLY, os.O_RDONLY | os.O_CLOEXEC, os.O_WRONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
             os.O_RDONLY | os.O_DIRECTORY]
    for _ in range(n // 8):
        what = r.random()
        if what < 0.12:
            attempt(os.chdir, place())
        elif what < 0.2:
            attempt(os.rename, os.path.join(place(), r.choice(names)), os.path.join(place(), r.choice(names)))
        elif what < 0.28:
            attempt(os.rename, os.path.join(root, r.choice(dirs)), os.path.join(root, r.choice(dirs)))
        elif what < 0.32:
            attempt(os.symlink, os.path.join(place(), r.choice(names + plain)), os.path.join(place(), r.choice(names + plain)))
        elif what < 0.36:
            attempt(os.link, os.path.join(place(), r.choice(names)), os.path.join(place(), r.choice(names + plain)))
        elif what < 0.4:
            attempt(os.unlink, os.path.join(place(), r.choice(names)))
        elif what < 0.46:
            attempt(os.makedirs, place())
        elif what < 0.5:
            fd = attempt(os.open, place(), os.O_RDONLY | os.O_DIRECTORY)
            if fd is not None:
                fds.append(fd)
            if len(fds) > 4:
                os.close(fds.pop(0))
        path, base = name()
        how = r.choice(flags)
        for _ in range(r.choice([1, 3, 8, 30])):
            fd = attempt(os.open, path, how, 0o755, dir_fd=base)
            if fd is not None:
                os.close(fd)
    for fd in fds:
        os.close(fd)
    os.chdir("/")
"""


def atoms(r, root):
    where = [root, f"{root}/d0", f"{root}/.ssh", f"{root}/etc/", "/proc", "/"]
    leaf = r.choice(NAMES)
    return r.choice([
        "evt.type = openat", "evt.type in (open, openat, creat)", "evt.is_open_read = true", "evt.is_open_write = true",
        "evt.is_open_create = true", "evt.is_open_exec = true", "fd.num >= 0", "evt.failed = true", "evt.res = ENOENT",
        "evt.rawres < 0", "fd.typechar = f", "fd.typechar = d", "fd.type = directory", "evt.arg.flags contains O_TRUNC",
        f"fd.name startswith {r.choice(where)}", f"fd.name endswith /{leaf}", f"fd.name contains {r.choice(['ssh', 'etc', 'd1/'])}",
        f"fd.name in ({root}/{leaf}, {root}/.ssh/{leaf}, {root}/d0/etc/{leaf})", f"fd.name pmatch ({root}/etc, {root}/d1/.ssh)",
        f"fd.name glob {root}/*/{leaf}", f"fd.directory = {r.choice(where[:3])}", f"fd.filename = {leaf}",
        f"fd.filename in ({', '.join(r.sample(NAMES, 3))})", "fd.nameraw startswith ../", "fd.nameraw contains ..", "fd.nameraw contains ../", f"fd.name endswith {leaf[-3:]}",
        f"fd.name endswith {leaf}", f"fd.filename endswith {leaf[-4:]}", f"fd.filename != {leaf}", f"fd.name != {root}/{leaf}",
        f"fd.name contains /{leaf}", f"fd.filename startswith {leaf[:2]}", f"fd.name glob '{root}/d?/*'",
        f"fd.nameraw = {leaf}", f"fs.path.name startswith {root}/.ssh", "proc.name startswith python", "proc.name = nothing",
        "user.uid = 0", "container.id = host", "fd.name regex '.*/(shadow|secret)'",
    ])


def condition(r, root, depth=0):
    if depth > 2 or r.random() < 0.3:
        atom = atoms(r, root)
        return f"not {atom}" if r.random() < 0.2 else atom
    parts = [condition(r, root, depth + 1) for _ in range(r.choice([2, 2, 3]))]
    text = "(" + r.choice([" and ", " and ", " or "]).join(parts) + ")"
    return f"not {text}" if r.random() < 0.1 else text


def ruleset(r, root, done):
    rules = []
    for i in range(r.choice([1, 1, 2, 3])):
        text = f"evt.type in (open, openat, openat2, creat) and {condition(r, root)}"
        rules.append(f"- rule: r{i}\n  desc: d\n  condition: >\n    {text}\n"
                     f"  output: '%evt.type %fd.name %evt.arg.flags %evt.res'\n  priority: INFO\n")
    # The last alert of the last event: what came before it is all there is.
    rules.append(f"- rule: done\n  desc: d\n  condition: evt.type = openat and fd.name = {done}\n  output: done\n  priority: INFO\n")
    return "".join(rules)


def discarded(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("tiercel_kernel_discarded_total "):
                return int(line.split()[1])
    raise AssertionError("no such metric")


@pytest.fixture
def pair(tmp_path):
    """The process and both sensors: with the filter, without."""
    actor, port, sensors = Actor(), any_free_port(), []
    (tmp_path / "rules.yaml").write_text(ruleset(random.Random(0), str(tmp_path), "/none"))
    for on in ("true", "false"):
        options = [f"tiercel.kernel_filter={on}", "watch_config_files=false", "rule_matching=all"]
        if on == "true":
            options += ["webserver.enabled=true", "webserver.listen_address=127.0.0.1", f"webserver.listen_port={port}",
                        "metrics.enabled=true", "metrics.interval=1h", "webserver.prometheus_metrics_enabled=true"]
        place = tmp_path / on
        place.mkdir()
        sensors.append(Sensor(place, [tmp_path / "rules.yaml"], f"pid:{actor.pid}", [x for o in options for x in ("-o", o)]))
    for s in sensors:
        s.wait_ready()
    actor.do("exec(" + repr(OPERATE.replace("NAMES", repr(NAMES)).replace("PLAIN", repr(PLAIN)).replace("DIRS", repr(DIRS))) + ")")
    yield actor, sensors, port
    for s in sensors:
        s.stop()
    actor.stop()


def reload(sensors, times):
    for s in sensors:
        s.proc.send_signal(signal.SIGHUP)
    end = time.monotonic() + 30
    while any(sum("loaded anew" in line for line in s.log) < times for s in sensors):
        assert time.monotonic() < end and all(s.proc.poll() is None for s in sensors), sensors[0].log
        time.sleep(0.005)


def test_alerts_are_the_same(pair, tmp_path):
    actor, sensors, port = pair
    seen, alerts, taken = [0, 0], 0, 0
    for n in range(RULESETS):
        r = random.Random(SEED + n)
        root, done = str(tmp_path / f"root{n}"), str(tmp_path / f"done{n}")
        text = ruleset(r, root, done)
        (tmp_path / "rules.yaml").write_text(text)
        os.mkdir(root)
        reload(sensors, n + 1)
        actor.do(f"import os; os.chdir({root!r}); operate({root!r}, {SEED + n}, {OPERATIONS}); open({done!r}, 'w').close()")
        for i, s in enumerate(sensors):
            s.wait_alert(lambda a: a["rule"] == "done" and a["output_fields"] is not None, 30, n + 1)
        got = []
        for i, s in enumerate(sensors):
            new = s.alerts[seen[i]:]
            seen[i] += len(new)
            got.append([(a["rule"], a["output"].split(": ", 1)[-1]) for a in new])
        # The text begins with the time, which each sensor reckons by itself.
        plain = [[(rule, output.split(" ", 1)[-1]) for rule, output in g] for g in got]
        assert plain[0] == plain[1], f"seed {SEED + n}:\n{text}"
        alerts += len(plain[0])
        taken += 1
    assert taken == RULESETS and alerts > RULESETS
    time.sleep(1.1)
    assert discarded(port) > RULESETS * OPERATIONS // 50
    print(f"{RULESETS * OPERATIONS} pairs, {alerts} alerts, {discarded(port)} events discarded")

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Streaming in figures. What depends on the machine is a ratio to a bare C-core server, or to the same without the
thing in question, measured in turn within one run; of several rounds the best counts. Nothing here is a gate.
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from conftest import Server  # noqa: E402
from host import Actor, Sensor  # noqa: E402
from rawh2 import Connection, call  # noqa: E402
from run import cpu_seconds  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", HERE.parents[1] / "build"))
BENCH = str(BUILD / "tests" / "bench" / "bench-stream")
ROUNDS = 3
TOTAL = 400_000  # messages of a round, on all streams together
RULES = """
- rule: marked file
  desc: d
  condition: evt.type in (open, openat, creat) and fd.name startswith /proc/self/mark
  output: "File opened (file=%fd.name process=%proc.name pid=%proc.pid user=%user.name)"
  priority: INFO
"""


def resident(pid, kind="Rss"):
    """KiB. Pss: what is shared counts in parts, and the kernel's rings, which are mapped twice, once."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(kind + ":"))


def load(path, streams, messages):
    done = subprocess.run([BENCH, "load", path, str(streams), str(messages)], check=True, timeout=300,
                          stdout=subprocess.PIPE, text=True)
    return streams * messages / float(done.stdout)


class Bare:
    """A server that does nothing else, with as many bytes a message."""

    def __init__(self, directory, messages, size):
        self.path = f"{directory}/bare.sock"
        self.process = subprocess.Popen([BENCH, "bare", self.path, str(messages), str(size)],
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def stop(self):
        self.process.kill()
        self.process.wait()
        os.unlink(self.path)


def ours(directory, count, *extra):
    server = Server(f"unix://{directory}/ours.sock", count, extra=extra)
    server.status_until(alerts=count)
    return server


def throughput(directory):
    for size in (0, 8000):
        for streams in (1, 10, 100):
            messages = min(20_000 if not size else 3000, TOTAL // streams)
            server = ours(directory, messages, f"output_bytes={size}", "max_calls=4096", "max_calls_each=4096")
            bare = Bare(directory, messages, 300 + size)
            pairs = [(load(bare.path, streams, messages), load(server.unix, streams, messages)) for _ in range(ROUNDS)]
            server.stop()
            bare.stop()
            b, o = (max(rates) for rates in zip(*pairs))
            print(f"{streams:4} subscribers, {300 + size:5} bytes: bare {b:9.0f}/s  ours {o:9.0f}/s  x{o / b:.2f}",
                  flush=True)


def slow_beside_fast(directory):
    server = ours(directory, 4000)
    rates = {False: [], True: []}
    for _ in range(ROUNDS):
        for slow in rates:
            with Connection(server, "unix", settings=[(4, 1000)]) as c:
                if slow:
                    c.send(call(1))
                rates[slow].append(load(server.unix, 99, 4000))
    server.stop()
    without, beside = max(rates[False]), max(rates[True])
    print(f"99 fast beside a slow one: {without:9.0f}/s without, {beside:9.0f}/s with: {100 * (1 - beside / without):.1f} % less",
          flush=True)


def idle_streams(directory):
    server = ours(directory, 0, "max_calls=4096", "max_calls_each=4096")
    before, n = resident(server.pid), 1000
    client = subprocess.Popen([BENCH, "idle", server.unix, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    client.stdout.readline()
    server.status_until(streams=n)
    print(f"an idle stream: {(resident(server.pid) - before) / n:.1f} KiB", flush=True)
    client.stdin.close()
    client.wait(20)
    server.stop()


def journal_cost(directory):
    """CPU of the network process for each alert, with and without a journal."""
    n, used = 200_000, {}
    for extra in ((), (f"state={directory}/state",)):
        best = []
        for _ in range(ROUNDS):
            server = ours(directory, 0, *extra)
            before = cpu_seconds(server.pid)
            for _ in range(n // 10_000):
                server.say("more 10000")
                server.status()
                time.sleep(0.05)
            time.sleep(0.5)
            best.append((cpu_seconds(server.pid) - before) / n * 1e6)
            server.stop()
        used[extra] = min(best)
    without, with_ = used.values()
    print(f"an alert in the network process: {without:.2f} us, with a journal {with_:.2f} us: {with_ - without:.2f} us more",
          flush=True)


def acts(actor, first, n):
    actor.do(f"exec('''import os\\nfor i in range({first}, {first + n}):\\n  try: os.open(\"/proc/self/mark%d\" % i, 0)\\n"
             "  except OSError: pass''')")


def network_of(sensor):
    children = pathlib.Path(f"/proc/{sensor.proc.pid}/task/{sensor.proc.pid}/children").read_text().split()
    return next(int(c) for c in children if b"network" in pathlib.Path(f"/proc/{c}/cmdline").read_bytes())


def whole(directory):
    """The real sensor: latency, CPU for an alert in a file and at a subscriber, and size."""
    tmp = pathlib.Path(directory) / "pytest"
    tmp.mkdir()
    rules = tmp / "rules.yaml"
    rules.write_text(RULES)
    actor = Actor()
    config = (f"grpc_output: {{enabled: true}}\ngrpc: {{enabled: true, bind_address: 'unix://{tmp}/t.sock'}}\n"
              f"file_output: {{enabled: true, keep_alive: true, filename: {tmp}/out}}\n")
    sensor = Sensor(tmp, [rules], f"pid:{actor.pid}", config=config,
                    extra=["-o", "stdout_output.enabled=false"]).wait_ready()
    network = network_of(sensor)

    def size():
        return " MiB, ".join(f"{kind} {sum(resident(p, kind) for p in (sensor.proc.pid, network)) / 1024:.1f}"
                             for kind in ("Rss", "Pss"))

    time.sleep(1)
    print(f"both processes, idle: {size()} MiB", flush=True)
    acts(actor, 0, 20_000)
    time.sleep(6)
    print(f"after 20000 alerts nobody reads: {size()} MiB", flush=True)
    late, n = [], 2000
    for _ in range(ROUNDS):
        client = subprocess.Popen([BENCH, "late", f"{tmp}/t.sock", str(n)], stdout=subprocess.PIPE, text=True)
        client.stdout.readline()
        time.sleep(0.5)
        for i in range(n):
            acts(actor, i, 1)
        late.append([float(x) for x in client.stdout.readline().split()])
        client.wait(20)
    p50, p99 = min(late, key=lambda x: x[1])
    print(f"from the call to a subscriber: p50 {p50:.0f} us, p99 {p99:.0f} us", flush=True)
    used, n = [], 50_000
    for _ in range(ROUNDS):
        client = subprocess.Popen([BENCH, "load", f"{tmp}/t.sock", "1", str(10**9)], stdout=subprocess.PIPE)
        time.sleep(3)
        before = cpu_seconds(sensor.proc.pid) + cpu_seconds(network)
        for i in range(0, n, 1000):
            acts(actor, i, 1000)
            time.sleep(0.01)
        time.sleep(1)
        used.append((cpu_seconds(sensor.proc.pid) + cpu_seconds(network) - before) / n * 1e6)
        client.kill()
        client.wait()
    print(f"CPU of an alert raised, rendered, in a file and at a subscriber: {min(used):.1f} us", flush=True)
    sensor.proc.send_signal(signal.SIGTERM)
    sensor.proc.wait(20)
    actor.stop()


def main():
    for figure in (throughput, slow_beside_fast, idle_streams, journal_cost, whole):
        with tempfile.TemporaryDirectory(prefix="pytest-bench-") as directory:
            os.chmod(directory, 0o755)
            figure(directory)


if __name__ == "__main__":
    sys.exit(main())

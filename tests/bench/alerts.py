#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts under load: reloads that may lose no event, alerts to a file, a scrape of the metrics. Gates nothing."""
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from run import BENCH, LOOP, RULES, SHIPPED, TIERCEL, cpu_seconds, measure  # noqa: E402

OPENED = """
- rule: opened{}
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name = /tmp
  output: "opened %fd.name %proc.name"
  priority: WARNING
"""


class Sensor:
    def __init__(self, scope, directory, rules, *options):
        self.directory = pathlib.Path(directory)
        self.port = free_port()
        config = self.directory / "falco.yaml"
        config.write_text(f"log_stderr: true\nlog_syslog: false\nfile_output: {{enabled: true, keep_alive: true, filename: "
                          f"{directory}/out.txt}}\nwebserver: {{enabled: true, listen_address: 127.0.0.1, listen_port: {self.port}, "
                          f"prometheus_metrics_enabled: true}}\nmetrics: {{enabled: true, interval: 1h}}\n"
                          f"tiercel: {{scope: 'pid:{scope}', state_dir: {directory}/state, kernel_filter: false}}\n")
        command = [TIERCEL, "-c", config, *(x for r in rules for x in ("-r", r)), *(x for o in options for x in ("-o", o))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.log = ""
        self.wait("ready", 1)

    def wait(self, text, count, seconds=120):
        end = time.monotonic() + seconds
        while self.log.count(text) < count:
            self.log += (self.process.stderr.read() or b"").decode()
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"no {text!r}: {self.log}")
            time.sleep(0.002)

    def metrics(self):
        began = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            text = answer.read().decode()
        return time.monotonic() - began, text

    def counter(self, name):
        return int(sum(float(v) for v in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.metrics()[1], re.M)))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, log = self.process.communicate()
        self.log += log.decode()
        return out.decode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def loop(count):
    process = subprocess.Popen([LOOP, "open+close", str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    measure(process)
    return process


def bench_reload(seconds=14, rate=100_000):
    """A load of opens at a given rate, and 10 000 more rules loaded in the midst of it, twice."""
    chunk, times = rate // 50, []
    with tempfile.TemporaryDirectory() as directory:
        many, opened = pathlib.Path(directory) / "many.yaml", pathlib.Path(directory) / "opened.yaml"
        with many.open("w") as f:
            subprocess.run([BENCH / "bench-make-rules", "10000", *(SHIPPED or [RULES])], stdout=f, check=True)
        opened.write_text(OPENED.format(""))
        load = loop(chunk)
        s = Sensor(load.pid, directory, [opened, *(SHIPPED or [RULES]), many], "tiercel.alerts.rate=1", "tiercel.alerts.burst=1")

        def reload():
            for n in range(2):
                asked = time.monotonic()
                s.process.send_signal(signal.SIGHUP)
                s.wait("loaded anew", n + 1)
                times.append(time.monotonic() - asked)

        worker, sent, began = threading.Thread(target=reload), 0, time.monotonic()
        worker.start()
        while sent < seconds * rate or worker.is_alive():
            measure(load)
            sent += chunk
            ahead = began + sent / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
        took = time.monotonic() - began
        time.sleep(2)
        drops = s.counter("falcosecurity_scap_n_drops_total")
        matched = s.counter("falcosecurity_falco_rules_matches_total")
        s.stop()
        load.stdin.close()
        load.wait()
    print(f"reload       10 000 rules {max(times):.2f} s at most; {sent / took:9.0f} opens/s meanwhile, "
          f"{matched} of {sent} matched, {drops} dropped", flush=True)


def bench_file(seconds=20, rate=50_000):
    """Alerts to a file at a given rate; memory at the end of the first second and of the last."""
    chunk = rate // 20
    with tempfile.TemporaryDirectory() as directory:
        opened = pathlib.Path(directory) / "opened.yaml"
        opened.write_text(OPENED.format(""))
        load = loop(chunk)
        s = Sensor(load.pid, directory, [opened])
        rss, sent, began, cpu = [], 0, time.monotonic(), cpu_seconds(s.process.pid)
        scrapes = []
        while sent < seconds * rate:
            measure(load)
            sent += chunk
            if sent % rate == 0:
                scrapes.append(s.metrics()[0])
                rss.append(int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{s.process.pid}/status").read_text())[1]))
            ahead = began + sent / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
        took = time.monotonic() - began
        time.sleep(2)
        cpu = cpu_seconds(s.process.pid) - cpu
        dropped = s.counter("tiercel_output_dropped_total") + s.counter("falcosecurity_scap_n_drops_total")
        s.stop()
        with open(f"{directory}/out.txt", "rb") as f:
            lines = sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))
        load.stdin.close()
        load.wait()
    print(f"file         {sent / took:9.0f} alerts/s for {took:.0f} s: {lines} of {sent} in the file, {dropped} dropped, "
          f"{cpu / sent * 1e6:.2f} us of the sensor each, resident {rss[0]} to {rss[-1]} kB; "
          f"scrape {statistics.median(scrapes) * 1e3:.1f} ms median, {max(scrapes) * 1e3:.1f} ms at most", flush=True)


if __name__ == "__main__":
    bench_reload()
    bench_file()

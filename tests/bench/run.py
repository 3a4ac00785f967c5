#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: each figure bare and with the sensor, alternating within one run. Nothing here is a gate."""
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
TIERCEL = BUILD / "server" / "tiercel"
BENCH = BUILD / "tests" / "bench"
LOOP = BENCH / "bench-loop"
RULES = ROOT / "rules" / "tiercel_rules.yaml"
# Many people run these; where they are beside the tree they are measured, else only our own.
SHIPPED = next((files for up in ("../shared", "../../shared")
                if (files := sorted((ROOT / up / "falco-rules").glob("*.yaml")))), None)
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def start_sensor(scope, directory):
    config = pathlib.Path(directory) / "falco.yaml"
    config.write_text(f"log_stderr: true\nstdout_output:\n  enabled: true\nwebserver:\n  enabled: false\ntiercel:\n  scope: pid:{scope}\n")
    sensor = subprocess.Popen([TIERCEL, "-c", config, "-r", RULES], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    for line in sensor.stderr:
        if "ready" in line:
            return sensor
    raise SystemExit("the sensor did not start")


def measure(loop):
    loop.stdin.write("\n")
    loop.stdin.flush()
    return float(loop.stdout.readline())


def bench(operation, count, rounds=5):
    with tempfile.TemporaryDirectory() as directory:
        loop = subprocess.Popen([LOOP, operation, str(count)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        measure(loop)
        bare = [measure(loop) for _ in range(rounds)]
        sensor = start_sensor(loop.pid, directory)
        measure(loop)
        time.sleep(0.2)
        before = cpu_seconds(sensor.pid)
        on = [measure(loop) for _ in range(rounds)]
        time.sleep(0.3)
        used = cpu_seconds(sensor.pid) - before
        sensor.send_signal(signal.SIGTERM)
        text = sensor.stderr.read()
        sensor.wait(20)
        loop.stdin.close()
        loop.wait(5)
    b, o = statistics.median(bare), statistics.median(on)
    drops = [line.split(": ", 1)[1] for line in text.splitlines() if "dropped" in line]
    print(f"{operation:12} bare {b:9.1f} ns  with {o:9.1f} ns  x{o / b:.2f}  added {o - b:8.1f} ns  "
          f"sensor {used / (rounds * count) * 1e9:8.0f} ns each  {drops[-1] if drops else ''}", flush=True)


def bench_rules():
    """A few rules, and with them 10 000 more of the same kind."""
    files = SHIPPED or [RULES]
    print(f"rules of {', '.join(f.name for f in files)}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        many = pathlib.Path(directory) / "many.yaml"
        with many.open("w") as f:
            subprocess.run([BENCH / "bench-make-rules", "10000", *files], stdout=f, check=True)
        subprocess.run([BENCH / "bench-pipeline", ROOT / "docs" / "demo.tcap", "60", *files,
                        "--", *files, many], check=True)


def main():
    bench_rules()
    subprocess.run([BENCH / "bench-regex"], check=True)
    bench("getppid", 2_000_000)
    bench("open+close", 200_000)
    bench("stat", 500_000)
    bench("spawn", 300)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What is done when events are lost: the drop policy of the configuration, by simulated losses and by real ones."""
import re
import signal
import subprocess
import sys
import time

from host import NOTHING, ROOT, Sensor

RULE = "Falco internal: syscall event drop"
KEYS = sorted(["ebpf_enabled", "n_drops", "n_drops_buffer_total", "n_drops_bug", "n_drops_page_faults",
               "n_drops_scratch_map", "n_evts"] +
              [f"n_drops_buffer_{f}_exit" for f in ("clone_fork", "close", "connect", "dir_file", "execve", "open",
                                                    "other_interest", "proc")])
SIMULATE = "syscall_event_drops: {{simulate_drops: true, threshold: 1, rate: 100, max_burst: 100, actions: [{}]}}\n"


def is_drop(alert):
    return alert["rule"] == RULE


def test_alert_and_log(sensor, actor, rules_file, tmp_path):
    socket = f"unix://{tmp_path}/t.sock"
    s = sensor([rules_file(NOTHING)], f"pid:{actor.pid}",
               config=SIMULATE.format("log, alert") +
               f"grpc_output: {{enabled: true}}\ngrpc: {{enabled: true, bind_address: '{socket}'}}\n")
    alert = s.wait_alert(is_drop, timeout=20)[0]
    assert sorted(alert) == ["hostname", "output", "output_fields", "priority", "rule", "source", "time"]
    assert (alert["priority"], alert["source"]) == ("Debug", "internal")
    assert alert["output"] == f"{RULE}: 1 events dropped in the last second"
    assert sorted(alert["output_fields"]) == KEYS
    assert all(isinstance(v, str) for v in alert["output_fields"].values())
    assert alert["output_fields"]["n_drops"] == "1" and alert["output_fields"]["ebpf_enabled"] == "1"
    s.wait_log(f"{RULE}: 1 events dropped in the last second")
    client = subprocess.run([sys.executable, str(ROOT / "client-examples/python/subscribe.py"), "--unix",
                             f"{tmp_path}/t.sock", "--count", "1"], capture_output=True, text=True, timeout=60)
    assert RULE in client.stdout, client


def test_text_form(sensor, actor, rules_file, tmp_path):
    out = tmp_path / "alerts.txt"
    s = sensor([rules_file(NOTHING)], f"pid:{actor.pid}", extra=["-o", "json_output=false"],
               config=SIMULATE.format("alert") + f"file_output: {{enabled: true, filename: {out}}}\n")
    end = time.monotonic() + 20
    while not out.exists() or "\n" not in out.read_text():
        assert time.monotonic() < end, s.log
        time.sleep(0.1)
    line = out.read_text().splitlines()[0]
    assert re.match(r'\d\d:\d\d:\d\d\.\d{9}: Debug Falco internal: syscall event drop: 1 events dropped in the last '
                    r'second \(ebpf_enabled="1" n_drops="1" ', line), line
    assert not any(RULE in line for line in s.log)


def test_exit(tmp_path, actor, rules_file):
    s = Sensor(tmp_path, [rules_file(NOTHING)], f"pid:{actor.pid}", config=SIMULATE.format("exit"))
    assert s.proc.wait(30) == 1
    s.stop()
    assert any("syscall_event_drops.actions has exit" in line for line in s.log), s.log


def test_ignore(sensor, actor, rules_file):
    s = sensor([rules_file(NOTHING)], f"pid:{actor.pid}", config=SIMULATE.format("ignore"))
    time.sleep(2.5)
    assert not s.alerts and not any(RULE in line for line in s.log)


def test_real_losses_are_counted_and_told(sensor, actor, rules_file, tmp_path):
    """A ring of 64 KiB and a sensor that is held: more comes than fits."""
    rule = NOTHING.replace("fd.name = /no/such", "evt.rawres < 0")
    s = sensor([rules_file(rule)], f"pid:{actor.pid}",
               extra=["-o", "tiercel.ring_size=65536", "-o", "tiercel.kernel_filter=false"],
               config="syscall_event_drops: {rate: 1, max_burst: 1}\n")
    s.proc.send_signal(signal.SIGSTOP)
    actor.do("exec('for _ in range(3000):\\n try: os.mkdir(\"/\")\\n except OSError: pass')")
    s.proc.send_signal(signal.SIGCONT)
    fields = s.wait_alert(is_drop, timeout=30)[0]["output_fields"]
    assert int(fields["n_drops"]) > 0 and fields["n_drops"] == fields["n_drops_buffer_total"]
    assert int(fields["n_drops_buffer_dir_file_exit"]) > 0
    assert int(fields["n_evts"]) > int(fields["n_drops"])

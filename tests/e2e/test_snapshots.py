# SPDX-License-Identifier: Apache-2.0
"""Counters as regular snapshots: the internal alert and the file, with the names of Falco's."""
import json
import re
import time

RULE = "Falco internal: metrics snapshot"
RULES = """
- rule: A "hostile"  name!
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name endswith .watched
  output: "opened %fd.name"
  priority: WARNING
"""


def snapshots(s, wanted, timeout=20):
    return s.wait_alert(lambda a: a["rule"] == RULE and wanted(a["output_fields"]), timeout=timeout)


def metrics(more=""):
    return f"metrics: {{enabled: true, interval: 500ms, output_rule: true{more}}}\n"


def test_alert_and_file(sensor, actor, rules_file, tmp_path):
    out = tmp_path / "metrics.jsonl"
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", config=metrics(f", output_file: {out}"))
    actor.do(f"[open({str(tmp_path / 'x.watched')!r}, 'w').close() for _ in range(3)]")
    a = snapshots(s, lambda f: f.get("falco.rules.A_hostile_name") == 3)[0]
    assert (a["priority"], a["source"], a["output"]) == ("Informational", "internal", "Falco metrics snapshot")
    assert "tags" not in a
    f = snapshots(s, lambda f: f.get("falco.memory_rss_mb", 0) > 0 and "scap.n_evts_prev" in f)[0]["output_fields"]
    assert f["evt.source"] == "syscall" and f["evt.hostname"] == a["hostname"] and f["falco.version"]
    assert f["scap.engine_name"] == "modern_bpf" and f["falco.rules.matches_total"] == 3
    assert f["falco.start_ts"] > 10**18 and f["evt.time"] > f["falco.start_ts"] >= f["falco.host_boot_ts"]
    assert f["scap.n_evts"] >= f["scap.n_evts_prev"] > 0 and f["falco.num_evts"] >= 3
    assert "scap.n_drops" not in f  # zero
    end = time.monotonic() + 20
    while len(out.read_text().splitlines() if out.exists() else []) < 3:
        assert time.monotonic() < end
        time.sleep(0.1)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [x["sample"] for x in lines[:3]] == [1, 2, 3] and all(sorted(x) == ["output_fields", "sample"] for x in lines)
    assert lines[0]["output_fields"]["evt.source"] == "syscall"


def test_groups_units_and_zeros(sensor, actor, rules_file):
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", config=metrics(
        ", include_empty_values: true, convert_memory_to_mb: false, state_counters_enabled: false, "
        "kernel_event_counters_enabled: false, rules_counters_enabled: false"))
    f = snapshots(s, lambda f: f.get("falco.memory_rss_kb", 0) > 0)[0]["output_fields"]
    assert f["falco.outputs_queue_num_drops"] == 0 and "falco.memory_rss_mb" not in f
    assert not [k for k in f if re.match(r"falco\.(n_|rules)|scap\.n_", k)]


def test_an_interval_changes_while_it_runs(sensor, actor, rules_file, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("{}\n")
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", config=f"config_files: [{more}]\n")
    time.sleep(1)
    assert not [a for a in s.alerts if a["rule"] == RULE]
    (tmp_path / "fresh").write_text(metrics())
    (tmp_path / "fresh").rename(more)
    snapshots(s, lambda f: True)

# SPDX-License-Identifier: Apache-2.0
"""Rate limits and folding: options; what is held back is counted and told."""
RULES = """
- rule: first
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name contains watched1
  output: "opened %fd.name"
  priority: WARNING
- rule: second
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name contains watched2
  output: "opened %fd.name"
  priority: WARNING
"""
FOLDED = "Tiercel internal: repeated alerts"


def of(s, rule):
    return [a for a in s.alerts if a["rule"] == rule]


def test_a_bucket_for_each_rule(sensor, actor, rules_file, tmp_path):
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}",
               extra=["-o", "tiercel.alerts.rate=0.001", "-o", "tiercel.alerts.burst=5"])
    actor.do(f"[open({str(tmp_path)!r} + '/watched1.%d' % n, 'w').close() for n in range(50)]")
    actor.do(f"[open({str(tmp_path)!r} + '/watched2.%d' % n, 'w').close() for n in range(3)]")
    s.wait_alert(lambda a: a["rule"] == "second", count=3)
    assert [a["output_fields"]["fd.name"][-1] for a in of(s, "first")] == list("01234")
    assert s.stop() == 0
    assert len(of(s, "first")) == 5
    assert "   first: 50" in s.lines  # they matched all the same


def test_the_same_again_is_counted(sensor, actor, rules_file, tmp_path):
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", extra=["-o", "tiercel.alerts.fold=2s"])
    actor.do(f"[open({str(tmp_path)!r} + '/watched1', 'w').close() for n in range(50)]")
    actor.do(f"[open({str(tmp_path)!r} + '/watched1.%d' % n, 'w').close() for n in range(3)]")
    a = s.wait_alert(lambda a: a["rule"] == FOLDED, timeout=20)[0]
    fields = a["output_fields"]
    assert (fields["rule"], fields["count"], a["priority"]) == ("first", 49, "Warning")
    assert fields["message"] == f"opened {tmp_path}/watched1" and fields["since"] > 10**18
    assert len(of(s, "first")) == 4 and a["output"] == f"{FOLDED}: first, 49 more like the first"
    # At the end what was counted is told, too.
    actor.do(f"[open({str(tmp_path)!r} + '/watched2', 'w').close() for n in range(2)]")
    s.wait_alert(lambda a: a["rule"] == "second")
    assert s.stop() == 0
    assert [a["output_fields"]["count"] for a in of(s, FOLDED)] == [49, 1]

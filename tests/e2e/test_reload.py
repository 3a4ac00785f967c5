# SPDX-License-Identifier: Apache-2.0
"""Rules are replaced while events flow: by SIGHUP, by a save, by a ConfigMap's symbolic link; bad ones change nothing."""
import os
import signal
import threading
import time

FAILURE = "Falco internal: hot restart failure"


def text(name):
    return f"""
- rule: {name}
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name endswith .watched
  output: "{name} %fd.name"
  priority: WARNING
"""


def of_rule(name):
    return lambda a: a["rule"] == name


def open_until(actor, s, path, rule, seconds=20):
    """Opens the file again and again until the rule that is to be in force has seen it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        actor.do(f"open({str(path)!r}, 'w').close()")
        time.sleep(0.05)
        if any(a["rule"] == rule for a in s.alerts):
            return
    raise AssertionError(f"{rule} is not in force:\n" + "\n".join(s.log))


def replace(path, content):
    """As editors do: a new file takes the old one's name."""
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    fresh.rename(path)


def test_a_saved_file_counts_at_once(sensor, actor, rules_file, tmp_path):
    rules = rules_file(text("first"))
    s = sensor([rules], f"pid:{actor.pid}")
    open_until(actor, s, tmp_path / "a.watched", "first")
    replace(rules, text("second"))
    open_until(actor, s, tmp_path / "a.watched", "second")
    rules.write_text(text("third"))
    open_until(actor, s, tmp_path / "a.watched", "third")


def test_a_config_map_is_swapped(sensor, actor, tmp_path):
    """Kubernetes' layout: rules.d/x.yaml -> ..data/x.yaml, ..data -> a directory that changes."""
    top = tmp_path / "rules.d"
    for version, name in ("..1", "first"), ("..2", "second"):
        (top / version).mkdir(parents=True)
        (top / version / "x.yaml").write_text(text(name))
    (top / "..data").symlink_to("..1")
    (top / "x.yaml").symlink_to("..data/x.yaml")
    s = sensor([top], f"pid:{actor.pid}")
    open_until(actor, s, tmp_path / "a.watched", "first")
    (top / "..tmp").symlink_to("..2")
    (top / "..tmp").rename(top / "..data")
    open_until(actor, s, tmp_path / "a.watched", "second")


def test_bad_rules_change_nothing_and_are_told(sensor, actor, rules_file, tmp_path):
    rules = rules_file(text("first"))
    s = sensor([rules], f"pid:{actor.pid}")
    open_until(actor, s, tmp_path / "a.watched", "first")
    replace(rules, text("second").replace("endswith", "endswiht"))
    alert = s.wait_alert(of_rule(FAILURE), timeout=20)[0]
    assert alert["priority"] == "Critical" and alert["source"] == "internal"
    assert alert["output"].startswith(FAILURE + ": ") and str(rules) in alert["output"]
    assert alert["output_fields"] == {} and "tags" not in alert
    s.wait_log("the old rules stay in force")
    s.alerts.clear()
    open_until(actor, s, tmp_path / "a.watched", "first")
    replace(rules, text("second"))
    open_until(actor, s, tmp_path / "a.watched", "second")
    assert not any(a["rule"] == FAILURE for a in s.alerts)


def test_sighup_loads_what_is_not_watched(sensor, actor, rules_file, tmp_path):
    rules = rules_file(text("first"))
    s = sensor([rules], f"pid:{actor.pid}", config="watch_config_files: false\n")
    replace(rules, text("second"))
    open_until(actor, s, tmp_path / "a.watched", "first")
    s.alerts.clear()
    s.proc.send_signal(signal.SIGHUP)
    open_until(actor, s, tmp_path / "a.watched", "second")


def test_no_event_is_lost_by_reloads(sensor, actor, rules_file, tmp_path):
    """Each open is seen by the rules before or after the swap, never by none or both."""
    rules = rules_file(text("even"))
    s = sensor([rules], f"pid:{actor.pid}")
    stop = threading.Event()

    def reload():
        for i in range(1, 1000):
            replace(rules, text("odd" if i % 2 else "even"))
            if stop.wait(0.25):
                return

    worker = threading.Thread(target=reload)
    worker.start()
    try:
        for i in range(200):
            actor.do(f"[open({str(tmp_path)!r} + '/%d.watched' % n, 'w').close() "
                     f"for n in range({i * 20}, {i * 20 + 20})]")
            time.sleep(0.01)
    finally:
        stop.set()
        worker.join()
    s.wait_alert(lambda a: a["rule"] in ("odd", "even"), timeout=20, count=4000)
    names = [os.path.basename(a["output_fields"]["fd.name"]) for a in s.alerts]
    assert names == [f"{n}.watched" for n in range(4000)]
    assert {a["rule"] for a in s.alerts} == {"odd", "even"}

# SPDX-License-Identifier: Apache-2.0
"""Real syscalls raise the alerts that the rules ask for, with the right fields."""
import os
import pathlib
import time

from host import ROOT

POLICY = ROOT / "rules" / "tiercel_rules.yaml"


def of_rule(name):
    return lambda a: a["rule"] == name


def test_sensitive_file_within_100_ms(sensor, actor, rules_file):
    rules = rules_file("""
- rule: shadow read
  desc: d
  condition: evt.type in (open, openat, openat2) and evt.is_open_read=true and fd.name=/etc/shadow
  output: read %fd.name by %proc.cmdline user=%user.name parent=%proc.pname pid=%proc.pid
  priority: WARNING
  tags: [b, a]
""")
    s = sensor([rules], f"pid:{actor.pid}")
    actor.do("t0 = 0")
    before = time.time_ns()
    actor.sh("cat /etc/shadow")
    alert = s.wait_alert(of_rule("shadow read"))[0]
    assert time.time_ns() - before < 2_000_000_000
    fields = alert["output_fields"]
    assert fields["fd.name"] == "/etc/shadow"
    assert fields["proc.cmdline"] == "cat /etc/shadow"
    assert fields["user.name"] == "root"
    assert alert["tags"] == ["a", "b"]
    assert alert["priority"] == "Warning"
    assert alert["source"] == "syscall"


def test_evasion_by_symlink_is_seen(sensor, actor, rules_file, tmp_path):
    rules = rules_file("""
- rule: shadow read
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name=/etc/shadow
  output: "%fd.name"
  priority: WARNING
""")
    s = sensor([rules], f"pid:{actor.pid}")
    link = tmp_path / "innocent"
    link.symlink_to("/etc/shadow")
    actor.do(f"open({str(link)!r}).close()")
    actor.do("open('/proc/self/root/etc/shadow').close()")
    found = s.wait_alert(of_rule("shadow read"), count=2)
    assert [a["output_fields"]["fd.name"] for a in found] == [str(link), "/proc/self/root/etc/shadow"]


def test_blog_rules_fire(sensor, actor, tmp_path):
    blog = ROOT / "tests" / "e2e" / "data" / "blog-rules.yaml"
    s = sensor([ROOT / "rules", blog], f"pid:{actor.pid}", config="rule_matching: all\n")
    target = tmp_path / "file"
    target.write_text("x")
    actor.do(f"import os; os.chmod({str(target)!r}, 0o600)")
    actor.do(f"import os; fd = os.open({str(target)!r}, os.O_RDONLY); os.fchmod(fd, 0o640)")
    actor.do(f"import os; os.mkdir({str(tmp_path / 'dir')!r})")
    new_file = s.wait_alert(of_rule("Detect New File"), count=2)
    new_dir = s.wait_alert(of_rule("Detect New Directory"))
    grandparent = pathlib.Path(f"/proc/{parent_of(os.getpid())}/comm").read_text().strip()
    for a in new_file + new_dir:
        assert a["output_fields"]["proc.aname[2]"] == grandparent
        assert a["output_fields"]["user.name"] == "root"
    assert new_file[1]["output_fields"]["fd.name"] == str(target)


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_ancestors_older_than_the_sensor(sensor, actor, rules_file):
    rules = rules_file("""
- rule: spawned
  desc: d
  condition: evt.type in (execve, execveat) and proc.name=true
  output: "%proc.aname[1] %proc.aname[2] %proc.aname[3] %proc.apid[2] %proc.ppid"
  priority: INFO
""")
    s = sensor([rules], f"pid:{actor.pid}")
    actor.do("import subprocess; subprocess.run(['/bin/true'])")
    fields = s.wait_alert(of_rule("spawned"))[0]["output_fields"]
    pid = actor.pid
    assert fields["proc.ppid"] == pid
    for i in (1, 2, 3):
        assert fields[f"proc.aname[{i}]"] == pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        if i == 2:
            assert fields["proc.apid[2]"] == pid
        pid = parent_of(pid)
        if pid == 0:
            break


def test_every_exec_once_in_a_tree_of_200(sensor, actor, rules_file):
    rules = rules_file("""
- rule: spawned
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres=0
  output: "%proc.pid %proc.ppid %proc.args"
  priority: INFO
- rule: ended
  desc: d
  condition: evt.type=procexit
  output: "%proc.pid %proc.ppid"
  priority: INFO
""")
    s = sensor([rules], f"pid:{actor.pid}")
    # 10 shells with 19 children each; each prints its own pid and its parent's.
    actor.do("import subprocess; out = subprocess.run(['sh', '-c', "
             "'for i in 1 2 3 4 5 6 7 8 9 10; do sh -c \"for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; "
             "do /bin/true \\$\\$; done; exit 0\"; done; exit 0'])")
    spawned = s.wait_alert(of_rule("spawned"), count=201, timeout=20)
    ended = s.wait_alert(of_rule("ended"), count=201, timeout=20)
    time.sleep(0.3)
    spawned = [a["output_fields"] for a in s.alerts if a["rule"] == "spawned"]
    ended = [a["output_fields"] for a in s.alerts if a["rule"] == "ended"]
    assert len(spawned) == 201 and len({f["proc.pid"] for f in spawned}) == 201
    assert {f["proc.pid"] for f in ended} >= {f["proc.pid"] for f in spawned}
    assert len(ended) == len({f["proc.pid"] for f in ended})
    for f in spawned:
        if f["proc.args"] and f["proc.args"].isdigit():
            assert int(f["proc.args"]) == f["proc.ppid"]

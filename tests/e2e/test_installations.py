# SPDX-License-Identifier: Apache-2.0
"""
Configurations and command lines of Falco's installations, of every age: each starts and stops with exit status 0 and
the warnings that are documented, and no others. Falco's own files are taken where they lie beside the tree.
"""
import os
import re
import time

import pytest
from host import ROOT, Sensor

SHARED = next((d for up in ("..", "../..") if (d := ROOT / up / "shared" / "falco-config").is_dir()), None)
# Warnings: docs/configuration.md lists the keys of older versions.
FALCOS = {"falco-0.23.0.yaml": 4, "falco-0.33.0.yaml": 5, "falco-0.38.0.yaml": 0, "falco-0.43.1.yaml": 0}
SAMPLES = {"style-0.23.yaml": 4, "style-0.33.yaml": 6, "style-0.35.yaml": 2, "style-0.39.yaml": 0, "style-0.43.yaml": 0}
QUIET = ["-o", "webserver.enabled=false", "-o", "log_syslog=false", "-o", "log_stderr=true", "-o",
         "syslog_output.enabled=false", "-o", "config_files[0]=/nowhere", "-o", "log_level=info"]
RULES = """
- rule: opened
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name contains watched
  output: "opened %fd.name"
  priority: WARNING
  tags: [y]
"""


class Installed(Sensor):
    """As a user starts it: with a configuration of his own, called falco."""

    def __init__(self, tmp, rules, scope, config, args=()):
        falco = tmp / "falco"
        falco.symlink_to(os.environ.get("TIERCEL", str(ROOT / "build" / "server" / "tiercel")))
        (tmp / "own.yaml").write_text(config)

        def wrap(command):
            return [str(falco), "-c", str(tmp / "own.yaml"), *args, "-r", *map(str, rules), "-o",
                    f"tiercel.scope={scope}", "-o", f"tiercel.state_dir={tmp}/state"]

        Installed.last = self
        super().__init__(tmp, rules, scope, wrap=wrap)

    def warnings(self):
        return [re.sub(r"^.{24}: ", "", line) for line in self.log
                if re.search(r" is an old name|no effect|is ignored|removed|deprecated|instead", line)]


def run(tmp_path, actor, config, args=()):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    s = Installed(tmp_path, [rules], f"pid:{actor.pid}", config, args)
    try:
        s.wait_ready()
        actor.do(f"open({str(tmp_path)!r} + '/watched', 'w').close()")
        end = time.monotonic() + 20
        while not any("opened" in line for line in s.lines) and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        assert s.stop() == 0, s.log
    assert any("opened" in line for line in s.lines), s.log
    return s.warnings()


@pytest.mark.parametrize("file, warnings", FALCOS.items() if SHARED else [])
def test_falcos_own_files(tmp_path, actor, file, warnings):
    said = run(tmp_path, actor, (SHARED / file).read_text(), QUIET)
    assert len(said) == warnings and len(set(said)) == warnings, said


@pytest.mark.parametrize("file, warnings", SAMPLES.items())
def test_every_style(tmp_path, actor, file, warnings):
    said = run(tmp_path, actor, (ROOT / "tests" / "unit" / "config" / "samples" / file).read_text(), QUIET)
    assert len(said) == warnings, said


CONFIG = "stdout_output: {enabled: true}\nlog_stderr: true\nlog_syslog: false\njson_output: true\n"


@pytest.mark.parametrize("options, warnings, fields", [
    ("--cri /nowhere/containerd.sock -K /nowhere/token -k https://10.0.0.1 -pk", 4, ["container.id", "k8s.pod.name"]),
    ("-A -b -S 128 -U", 3, []),
    ("-D nonsense -t y", 2, []),
    ("--modern-bpf --disable-cri-async", 2, []),
    ("-pc", 1, ["container.id"]),
    ("--stats-interval 1000 -s /nowhere/stats -d", 3, []),
])
def test_old_command_lines(tmp_path, actor, options, warnings, fields):
    said = run(tmp_path, actor, CONFIG, options.split())
    assert len(said) == warnings and all("instead" in line or "older version" in line for line in said), said
    alert = Installed.last.alerts[0]
    assert all(f in alert["output_fields"] for f in fields), alert


BLOG = """
- rule: Delete or rename shell history
  desc: d
  condition: >
    (evt.type in (unlink, unlinkat, rename, renameat, renameat2) or (evt.type in (open, openat) and evt.arg.flags contains
    O_TRUNC)) and (evt.arg.name endswith ".bash_history" or evt.arg.path endswith ".bash_history" or evt.arg.oldpath
    endswith ".bash_history")
  output: >
    Shell history had been deleted or renamed (user=%user.name user_loginuid=%user.loginuid type=%evt.type
    command=%proc.cmdline fd.name=%fd.name name=%evt.arg.name path=%evt.arg.path oldpath=%evt.arg.oldpath
    %container.info)
  priority: WARNING
  tags: [process, mitre_defense_evasion]
"""


def test_a_deleted_shell_history(sensor, actor, rules_file, tmp_path):
    """The example of a well-known article: JSON with null for what has no value."""
    s = sensor([rules_file(BLOG)], f"pid:{actor.pid}", extra=["-o", "time_format_iso_8601=true"])
    path = tmp_path / ".bash_history"
    path.write_text("secret\n")
    actor.do(f"os.unlink({str(path)!r})")
    a = s.wait_alert(lambda a: a["rule"] == "Delete or rename shell history")[0]
    assert {"output", "priority", "rule", "source", "tags", "time", "output_fields"} <= set(a)
    assert (a["priority"], a["source"], a["tags"]) == ("Warning", "syscall", ["mitre_defense_evasion", "process"])
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+0000: Warning Shell history had been deleted or renamed ",
                    a["output"])
    assert a["time"] == a["output"][:29] + "Z"
    fields = a["output_fields"]
    assert fields["evt.type"] in ("unlink", "unlinkat") and fields["user.name"] == "root"
    assert str(path) in (fields["evt.arg.name"], fields["evt.arg.path"])
    assert fields["evt.arg.oldpath"] is None and isinstance(fields["user.loginuid"], int)
    assert isinstance(fields["evt.time.iso8601"], int)

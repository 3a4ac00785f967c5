# SPDX-License-Identifier: Apache-2.0
"""`./dev run`, as somebody meets the project first: it compiles, watches, says how to look; or shows a recording."""
import os
import re
import socket
import subprocess

from engines import wait_for
from host import ROOT, TIERCEL


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(tmp_path, *options, before=()):
    log = open(tmp_path / "said", "w+b")
    env = {**os.environ, "TIERCEL_STATE": str(tmp_path / "state")}
    return log, subprocess.Popen([*before, str(ROOT / "dev"), "run", *options], stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=subprocess.STDOUT, env=env, start_new_session=True)


def said(log):
    log.seek(0)
    return log.read().decode()


def test_first_alert_by_the_words_it_prints(tmp_path, actor):
    for above in (tmp_path, *tmp_path.parents):
        if "pytest" in str(above):
            above.chmod(above.stat().st_mode | 0o011)
    port = free_port()
    log, proc = start(tmp_path, "-o", f"tiercel.scope=pid:{actor.pid}", "-o", f"tiercel.listen[0]=127.0.0.1:{port}")
    try:
        wait_for(lambda: "ready: watching events" in said(log) or proc.poll() is not None, 600, pause=0.2)
        hints = re.findall(r"^dev:   (.*)$", said(log), re.M)
        unix, tls, raise_one = [h for h in hints if not h.startswith("#")]
        actor.sh(raise_one)
        wait_for(lambda: "Sensitive file read" in said(log), 30)
        for command in (unix, tls.replace("localhost:5060", f"localhost:{port}")):
            shown = subprocess.run(command.replace(" --follow", "").split(), capture_output=True, text=True, timeout=60,
                                   check=True).stdout
            assert "Sensitive file read" in shown and "/etc/shadow" in shown
            assert command.split()[0] == TIERCEL
    finally:
        server, = subprocess.run(["pgrep", "-P", str(proc.pid), "tiercel"], capture_output=True, text=True,
                                 check=True).stdout.split()
        os.kill(int(server), 15)
        assert proc.wait(60) == 0, said(log)
        log.close()


def test_without_ebpf_it_says_so_and_replays(tmp_path):
    log, proc = start(tmp_path, before=["setpriv", "--bounding-set=-bpf,-sys_admin,-perfmon"])
    assert proc.wait(600) == 0, said(log)
    text = said(log)
    log.close()
    assert re.search(r"^Error: .*(CAP_BPF|permi)", text, re.M), text
    after = text[text.index("dev: eBPF is not permitted here: replaying docs/demo.tcap instead"):]
    assert len(re.findall(r"Warning|Error|Critical|Notice", after)) >= 1 and "events" in after.lower(), after

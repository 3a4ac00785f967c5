# SPDX-License-Identifier: Apache-2.0
"""The whole house: kernel events to subscribers, through two processes; captures; bad input at the start."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from host import ROOT, TIERCEL

PY = ROOT / "client-examples" / "python" / "subscribe.py"
C = pathlib.Path(TIERCEL).parents[1] / "client-examples" / "c" / "tiercel-example-subscribe"

RULES = """
- rule: marked file
  desc: d
  condition: evt.type in (open, openat, creat) and fd.name startswith /proc/self/mark
  output: "%fd.name"
  priority: INFO
"""


def grpc_config(tmp, certs):
    return (f"grpc_output: {{enabled: true}}\ngrpc:\n  enabled: true\n  bind_address: unix://{tmp}/t.sock\n"
            f"  private_key: {certs}/server.key\n  cert_chain: {certs}/server.crt\n"
            f"  root_certs: {certs}/ca.crt\n")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    path = tmp_path_factory.mktemp("pki")
    subprocess.run([TIERCEL, "certs", str(path)], check=True)
    return path


def tls_options(pki):
    return ["--ca", f"{pki}/ca.crt", "--cert", f"{pki}/client.crt", "--key", f"{pki}/client.key"]


def subscriber(program, where, count):
    command = ([sys.executable] if str(program).endswith(".py") else []) + [str(program), *where,
                                                                           "--count", str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def listening_port(s):
    s.wait_log("gRPC server listens on")
    line = next(x for x in s.log if "gRPC server listens on" in x)
    return int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1))


def network_pid(s):
    pid = s.proc.pid
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"network" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return int(child)
    raise AssertionError("there is no network process")


def raise_alerts(actor, first, n):
    actor.do(f"exec('''import os\\nfor i in range({first}, {first + n}):\\n  try: os.open(\"/proc/self/mark%d\" % i, 0)"
             "\\n  except OSError: pass''')")


def names(process, timeout=60):
    out, _ = process.communicate(timeout=timeout)
    return [json.loads(line)["output_fields"]["fd.name"] for line in out.splitlines()]


def test_three_subscribers_get_all_of_10000(sensor, actor, rules_file, tmp_path, pki):
    n = 10000
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", extra=["-o", "tiercel.listen[]=127.0.0.1:0"],
               config=grpc_config(tmp_path, pki))
    port = listening_port(s)
    tls = ["--tls", f"localhost:{port}", *tls_options(pki)]
    clients = [subscriber(PY, ["--unix", f"{tmp_path}/t.sock"], n), subscriber(PY, tls, n),
               subscriber(C, tls, n)]
    raise_alerts(actor, 0, n)
    wanted = [f"/proc/self/mark{i}" for i in range(n)]
    threads_result = {}

    def collect(i):
        threads_result[i] = names(clients[i])

    threads = [threading.Thread(target=collect, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(90)
    for i in range(3):
        assert threads_result[i] == wanted


def test_killed_network_process_loses_nothing(sensor, actor, rules_file, tmp_path, pki):
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", config=grpc_config(tmp_path, pki))
    s.wait_log("gRPC server listens on")
    status = pathlib.Path(f"/proc/{network_pid(s)}/status").read_text()
    assert re.search(r"^Uid:\t65534\t65534\t65534", status, re.M)
    assert re.search(r"^CapEff:\t0+$", status, re.M)
    raise_alerts(actor, 0, 100)
    os.kill(network_pid(s), signal.SIGKILL)
    raise_alerts(actor, 100, 100)
    s.wait_log("is started again")
    got = names(subscriber(PY, ["--unix", f"{tmp_path}/t.sock"], 200))
    assert got == [f"/proc/self/mark{i}" for i in range(200)]


def test_replay_gives_the_same_lines(sensor, actor, rules_file, tmp_path):
    rules = rules_file(RULES)
    config = tmp_path / "r.yaml"
    config.write_text(f"json_output: true\nlog_stderr: true\nstdout_output: {{enabled: true}}\n"
                      f"tiercel: {{scope: 'pid:{actor.pid}'}}\n")
    capture = tmp_path / "x.tcap"
    live = subprocess.Popen([TIERCEL, "record", str(capture), "-c", str(config), "-r", str(rules)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in live.stderr:
        if "ready" in line:
            break
    raise_alerts(actor, 0, 50)
    time.sleep(0.5)
    live.send_signal(signal.SIGTERM)
    out, _ = live.communicate(timeout=20)
    assert live.returncode == 0
    lines = [x for x in out.splitlines() if x.startswith("{")]
    assert len(lines) == 50
    again = subprocess.run([TIERCEL, "replay", str(capture), "-c", str(config), "-r", str(rules)],
                           capture_output=True, text=True, check=True).stdout
    assert [x for x in again.splitlines() if x.startswith("{")] == lines
    # Cut in the middle it is replayed up to the cut; damaged it says where.
    data = capture.read_bytes()
    capture.write_bytes(data[:len(data) - 2000])
    cut = subprocess.run([TIERCEL, "replay", str(capture), "-c", str(config), "-r", str(rules)],
                         capture_output=True, text=True)
    assert cut.returncode == 0 and "cut" in cut.stderr
    broken = bytearray(data)
    broken[len(data) // 2] ^= 0xff
    capture.write_bytes(bytes(broken))
    bad = subprocess.run([TIERCEL, "replay", str(capture), "-c", str(config), "-r", str(rules)],
                         capture_output=True, text=True)
    assert bad.returncode == 1 and "at byte" in bad.stderr


@pytest.mark.parametrize("change, wanted", [
    ({"config": "stdout_output: [\n"}, r"falco\.yaml:\d+:\d+: "),
    ({"config": "priority: loud\n"}, r"falco\.yaml:1:\d+: .*loud"),
    ({"rules": "- rule: r\n  desc: d\n  condition: evt.typee=open\n  output: o\n  priority: INFO\n"},
     r"rules\.yaml:3:\d+: .*evt\.type"),
    ({"rules": "- rule: r\n  desc: [\n"}, r"rules\.yaml:\d+:\d+: "),
    ({"no_rules": True}, r"rules\.yaml"),
    ({"no_config": True}, r"falco\.yaml"),
    ({"break": "server.crt"}, r"server\.crt"),
    ({"break": "server.key"}, r"server\.key"),
    ({"remove": "ca.crt"}, r"ca\.crt"),
    ({"taken": True}, r"127\.0\.0\.1:\d+"),
])
def test_bad_input_is_one_line_and_exit_1(tmp_path, change, wanted, free_port):
    pki = tmp_path / "pki"
    subprocess.run([TIERCEL, "certs", str(pki)], check=True)
    config, rules = tmp_path / "falco.yaml", tmp_path / "rules.yaml"
    text = grpc_config(tmp_path, pki) + "stdout_output: {enabled: true}\n"
    text += f"tiercel: {{scope: 'pid:{os.getpid()}', listen: ['127.0.0.1:{free_port}']}}\n"
    rules.write_text(change.get("rules", RULES))
    config.write_text(change.get("config", text))
    holder = None
    if "break" in change:
        (pki / change["break"]).write_text("this is no PEM\n")
    if "remove" in change:
        (pki / change["remove"]).unlink()
    if "no_rules" in change:
        rules.unlink()
    if "no_config" in change:
        config.unlink()
    if "taken" in change:
        import socket
        holder = socket.socket()
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
    done = subprocess.run([TIERCEL, "-c", str(config), "-r", str(rules)], capture_output=True, text=True,
                          timeout=30)
    if holder:
        holder.close()
    assert done.returncode == 1, done.stderr
    errors = [x for x in done.stderr.splitlines() if x.startswith("Error: ")]
    assert len(errors) == 1, done.stderr
    assert re.search(wanted, errors[0]), errors[0]


def test_certificates_are_rotated_and_tls_1_3_can_be_demanded(sensor, actor, rules_file, tmp_path, pki):
    """The sensor itself: it watches the files, keeps the good ones, and raises an alert about bad ones."""
    mine = tmp_path / "pki"
    shutil.copytree(pki, mine)
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}", config=(
        f"  listen: [127.0.0.1:0]\n  tls: {{min_version: '1.3'}}\n" + grpc_config(tmp_path, mine)))
    port = listening_port(s)

    def shown(version):
        context = ssl.create_default_context(cafile=str(mine / "ca.crt"))
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(mine / "client.crt", mine / "client.key")
        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                return tls.getpeercert(binary_form=True)

    before = shown(ssl.TLSVersion.TLSv1_3)
    with pytest.raises(ssl.SSLError):
        shown(ssl.TLSVersion.TLSv1_2)
    good = (mine / "server.key").read_bytes()
    shutil.copy(mine / "client.key", mine / "server.key")
    (alert,) = s.wait_alert(lambda a: a["rule"] == "Tiercel internal: certificate failure", timeout=20)
    assert alert["source"] == "internal" and "server.key" in alert["output"]
    assert shown(ssl.TLSVersion.TLSv1_3) == before
    (mine / "server.key").write_bytes(good)
    subprocess.run([TIERCEL, "certs", str(mine)], check=True)
    end = time.monotonic() + 20
    while shown(ssl.TLSVersion.TLSv1_3) == before:
        assert time.monotonic() < end
        time.sleep(0.05)

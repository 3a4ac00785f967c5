# SPDX-License-Identifier: Apache-2.0
"""The web endpoint of a live sensor: health, versions, metrics, TLS, and what may not disturb it."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest
from conftest import Certs, any_free_port
from host import TIERCEL, Sensor, actor  # noqa: F401

RULES = """
- rule: opened
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name endswith .watched
  output: "opened %fd.name"
  priority: WARNING
  tags: [first, mitre_t1059]
- rule: a "hostile" name
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name endswith .hostile
  output: "opened %fd.name"
  priority: ERROR
"""


class Web:
    def __init__(self, port, tls=None):
        self.port, self.tls = port, tls

    def get(self, path, method="GET", body=None):
        c = (http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=10) if self.tls
             else http.client.HTTPConnection("127.0.0.1", self.port, timeout=10))
        c.request(method, path, body)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return answer.status, answer.headers["Content-Type"], text

    def metrics(self):
        status, kind, text = self.get("/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4")
        return parse(text)


def parse(text):
    values = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        m = re.fullmatch(r'([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)', line)
        assert m, line
        key = m[1] + (m[2] or "")
        assert key not in values, f"{key} twice"
        values[key] = float(m[3])
    return values


@pytest.fixture
def web(tmp_path, actor):  # noqa: F811
    sensors = []

    def start(*options, tls=None, config=""):
        port = any_free_port()
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES)
        settings = ["webserver.enabled=true", "webserver.listen_address=127.0.0.1", f"webserver.listen_port={port}",
                    *options]
        sensors.append(Sensor(tmp_path, [rules], f"pid:{actor.pid}",
                              [x for s in settings for x in ("-o", s)], config))
        sensors[-1].wait_ready()
        return sensors[-1], Web(port, tls)

    yield start
    for s in sensors:
        s.stop()


METRICS = ("metrics.enabled=true", "metrics.interval=1h", "webserver.prometheus_metrics_enabled=true")


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.1)
    raise AssertionError("it never came true")


def test_health_versions_and_faults(web):
    _, w = web()
    assert w.get("/healthz") == (200, "application/json", '{"status": "ok"}')
    status, kind, text = w.get("/versions")
    said = subprocess.run([TIERCEL, "--version", "-o", "json_output=true"], capture_output=True, text=True).stdout
    assert (status, kind, json.loads(text)) == (200, "application/json", json.loads(said))
    assert w.get("/metrics")[0] == 404  # metrics.enabled is not set
    assert w.get("/nothing")[0] == 404
    assert w.get("/healthz", "POST", "x" * 100000)[0] == 405
    assert w.get("/healthz", "HEAD") == (200, "application/json", "")


def test_other_path(web):
    _, w = web("webserver.k8s_healthz_endpoint=/alive")
    assert w.get("/alive")[0] == 200
    assert w.get("/healthz")[0] == 404


def test_metrics(web, actor, tmp_path):  # noqa: F811
    sensor, w = web(*METRICS)
    for i in range(7):
        actor.do(f"open({str(tmp_path / 'x.watched')!r}, 'w').close()")
    actor.do(f"open({str(tmp_path / 'x.hostile')!r}, 'w').close()")
    sensor.wait_alert(lambda a: a["rule"] == 'a "hostile" name')
    first = 'falcosecurity_falco_rules_matches_total{priority="4",rule_name="opened",source="syscall",' \
            'tag_first="true",tag_mitre_t1059="true"}'
    hostile = 'falcosecurity_falco_rules_matches_total{priority="3",rule_name="a \\"hostile\\" name",source="syscall"}'
    values = until(lambda: (m := w.metrics()).get(first) == 7 and m.get(hostile) == 1 and m)
    assert values['tiercel_alerts_total'] == 8
    assert values['falcosecurity_scap_n_evts_total'] >= 8
    assert values['falcosecurity_scap_n_drops_total'] == 0
    assert values['tiercel_output_delivered_total{output="stdout"}'] == 8
    assert values['falcosecurity_falco_version_info{version="0.1.0"}'] == 1
    assert values['falcosecurity_falco_memory_rss_bytes'] > 1 << 20
    assert 0 < values['falcosecurity_falco_host_cpu_usage_ratio'] <= 1
    assert values['tiercel_alert_latency_seconds_count'] == 8
    assert values['falcosecurity_falco_host_num_cpus_total'] == os.cpu_count()
    # Names that falco-compat.md fixes may be complained about; nothing else, and no parse error.
    said = subprocess.run(["promtool", "check", "metrics"], input=w.get("/metrics")[2], capture_output=True, text=True)
    odd = [x for x in (said.stdout + said.stderr).splitlines() if not x.startswith("falcosecurity_")]
    assert odd == [] and said.returncode in (0, 3), said


def test_groups(web):
    _, w = web(*METRICS, "metrics.resource_utilization_enabled=false", "metrics.state_counters_enabled=false")
    names = w.metrics()
    assert "falcosecurity_falco_memory_rss_bytes" not in names
    assert "falcosecurity_scap_n_threads_total" not in names
    assert "falcosecurity_scap_n_evts_total" in names


def test_counters_live_through_a_restart_of_the_network_process(web, actor, tmp_path):  # noqa: F811
    sensor, w = web(*METRICS)
    actor.do(f"open({str(tmp_path / 'x.watched')!r}, 'w').close()")
    sensor.wait_alert(lambda a: a["rule"] == "opened")
    until(lambda: w.metrics()["tiercel_alerts_total"] == 1)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(sensor.proc.pid)], capture_output=True, text=True)
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    sensor.wait_log("started again")
    values = until(lambda: (m := w.metrics())["tiercel_network_restarts_total"] == 1 and m)
    assert values["tiercel_alerts_total"] == 1


def test_tls(web, tmp_path):
    certs = Certs(tmp_path / "certs")
    both = tmp_path / "both.pem"
    both.write_text("".join(open(certs[name]).read() for name in ("server.crt", "server.key")))
    tls = ssl.create_default_context(cafile=certs.ca)
    tls.check_hostname = False
    _, w = web("webserver.ssl_enabled=true", f"webserver.ssl_certificate={both}", tls=tls)
    assert w.get("/healthz")[0] == 200
    with pytest.raises((http.client.HTTPException, OSError)):
        Web(w.port).get("/healthz")


def test_idle_connections_shut_nobody_out(web):
    """Those that say nothing are bounded in number and time; a neighbour is answered all the same."""
    _, w = web()
    idle = []
    for _ in range(40):
        s = socket.create_connection(("127.0.0.1", w.port), timeout=10)
        s.sendall(b"GET /he")
        idle.append(s)
    assert w.get("/healthz")[0] == 200
    for s in idle:
        s.sendall(b"\0\xff" * 30000 + b"\r\n")
        s.close()
    assert w.get("/healthz")[0] == 200


def test_taken_port_is_fatal(tmp_path, actor):  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as taken:
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES)
        port = taken.getsockname()[1]
        s = Sensor(tmp_path, [rules], f"pid:{actor.pid}",
                   ["-o", "webserver.enabled=true", "-o", "webserver.listen_address=127.0.0.1", "-o",
                    f"webserver.listen_port={port}"])
        assert s.proc.wait(20) == 1
        s.stop()
        assert any(str(port) in line and "webserver" in line for line in s.log), s.log

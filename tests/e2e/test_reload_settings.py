# SPDX-License-Identifier: Apache-2.0
"""Settings are changed while events flow: outputs, looks, web; what is wrong changes nothing and is told in full."""
import http.client
import os
import ssl
import subprocess
import sys
import threading
import time

import pytest
from conftest import Certs, any_free_port
from host import ROOT
from test_reload import FAILURE, of_rule, open_until, replace, text


class Settings:
    """A file beside the one the sensor was started with, which includes it by config_files."""

    def __init__(self, tmp):
        self.path = tmp / "more.yaml"
        self.path.write_text("{}\n")
        self.include = f"config_files: [{self.path}]\n"

    def set(self, content):
        replace(self.path, content)


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path)


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def count(s, what):
    return sum(what in line for line in s.log)


def test_outputs_come_and_go(sensor, actor, rules_file, tmp_path, settings):
    s = sensor([rules_file(text("r"))], f"pid:{actor.pid}", config=settings.include)
    open_until(actor, s, tmp_path / "a.watched", "r")
    out, cat = tmp_path / "out.txt", tmp_path / "cat.txt"
    settings.set(f"file_output: {{enabled: true, filename: {out}, keep_alive: true}}\n"
                 f"program_output: {{enabled: true, keep_alive: true, program: 'cat >> {cat}'}}\n")
    s.wait_log("loaded anew")
    actor.do(f"open({str(tmp_path / 'b.watched')!r}, 'w').close()")
    until(lambda: all(f.exists() and "b.watched" in f.read_text() for f in (out, cat)))
    settings.set("stdout_output: {enabled: true}\n")
    until(lambda: count(s, "loaded anew") == 2)
    actor.do(f"open({str(tmp_path / 'c.watched')!r}, 'w').close()")
    s.wait_alert(lambda a: a["output_fields"]["fd.name"].endswith("c.watched"))
    assert "c.watched" not in out.read_text() + cat.read_text()


def test_alerts_look_otherwise(sensor, actor, rules_file, tmp_path, settings):
    s = sensor([rules_file(text("r"))], f"pid:{actor.pid}", config=settings.include)
    open_until(actor, s, tmp_path / "a.watched", "r")
    assert "tags" in s.alerts[0] and "message" not in s.alerts[0] and "proc.pid" not in s.alerts[0]["output_fields"]
    settings.set("json_include_tags_property: false\njson_include_message_property: true\ntime_format_iso_8601: true\n"
                 "append_output: [{extra_fields: [proc.pid]}]\nlog_level: debug\n")
    s.wait_log("loaded anew")
    actor.do(f"open({str(tmp_path / 'b.watched')!r}, 'w').close()")
    a = s.wait_alert(lambda a: a["output_fields"]["fd.name"].endswith("b.watched"))[0]
    assert "tags" not in a and a["message"].startswith("r ") and a["output_fields"]["proc.pid"] == actor.pid
    assert "evt.time.iso8601" in a["output_fields"] and a["output"].startswith(a["time"][:10])
    assert s.log[-1].startswith(a["time"][:10])  # the own log, too


def test_other_rules_by_a_setting(sensor, actor, rules_file, tmp_path, settings):
    s = sensor([rules_file(text("one") + text("two"))], f"pid:{actor.pid}", config=settings.include)
    open_until(actor, s, tmp_path / "a.watched", "one")
    settings.set("rules: [{disable: {rule: one}}]\n")
    open_until(actor, s, tmp_path / "a.watched", "two")
    settings.set("rule_matching: all\n")
    s.wait_log("loaded anew")
    until(lambda: count(s, "loaded anew") == 2)
    s.alerts.clear()
    actor.do(f"open({str(tmp_path / 'b.watched')!r}, 'w').close()")
    s.wait_alert(lambda a: a["output_fields"]["fd.name"].endswith("b.watched"), count=2)


def test_calls_that_only_new_rules_need(sensor, actor, rules_file, tmp_path):
    rules = rules_file(text("first"))
    s = sensor([rules], f"pid:{actor.pid}")
    open_until(actor, s, tmp_path / "a.watched", "first")
    replace(rules, text("first") + """
- rule: linked
  desc: d
  condition: evt.type in (link, linkat) and evt.arg.oldpath endswith .watched
  output: "o"
  priority: INFO
""")
    s.wait_log("loaded anew")
    actor.do(f"os.link({str(tmp_path / 'a.watched')!r}, {str(tmp_path / 'l')!r})")
    s.wait_alert(of_rule("linked"))


@pytest.mark.parametrize("content, wanted", [
    ("json_output: maybe\n", ["more.yaml:1:", "json_output: expected true or false"]),
    ("webserver:\n  listen_port: 99999\n", ["more.yaml:2:", "listen_port: expected a whole number"]),
    ("file_output: {enabled: true}\n", ["more.yaml:1:", "needs file_output.filename"]),
    ("a: [\n", ["more.yaml:2:"]),
    ("config_files: [x]\n", ["more.yaml:1:", "config_files"]),
    ("base_syscalls: {custom_set: [nonsense]}\n", ["nonsense"]),
])
def test_a_bad_file_changes_nothing_and_is_told(sensor, actor, rules_file, tmp_path, settings, content, wanted):
    s = sensor([rules_file(text("r"))], f"pid:{actor.pid}", config=settings.include)
    open_until(actor, s, tmp_path / "a.watched", "r")
    settings.set(content)
    alert = s.wait_alert(of_rule(FAILURE), timeout=20)[0]
    assert alert["priority"] == "Critical"
    for part in wanted:
        assert part in alert["output"]
        s.wait_log(part)
    s.alerts.clear()
    open_until(actor, s, tmp_path / "a.watched", "r")


def test_what_cannot_change_is_told(sensor, actor, rules_file, settings):
    s = sensor([rules_file(text("r"))], f"pid:{actor.pid}", config=settings.include)
    settings.set("falco_libs: {snaplen: 200}\nengine: {modern_ebpf: {buf_size_preset: 2}}\noutput_timeout: 100\n")
    s.wait_log("counts from the next start on: engine.modern_ebpf.buf_size_preset, falco_libs.snaplen")


class Web:
    def __init__(self, port, tls=None):
        self.port, self.tls = port, tls

    def get(self, path):
        c = (http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=10) if self.tls
             else http.client.HTTPConnection("127.0.0.1", self.port, timeout=10))
        c.request("GET", path)
        return c.getresponse().status

    def answers(self, path, status=200):
        def look():
            try:
                return self.get(path) == status
            except OSError:
                return False
        until(look)


def web_settings(port, more="", metrics=False):
    return (f"webserver: {{enabled: true, listen_address: 127.0.0.1, listen_port: {port}, "
            f"prometheus_metrics_enabled: {str(metrics).lower()}{more}}}\n"
            f"metrics: {{enabled: {str(metrics).lower()}, interval: 1h}}\n")


def test_web_endpoint(sensor, actor, rules_file, tmp_path, settings):
    first, second = any_free_port(), any_free_port()
    settings.set(web_settings(first))
    s = sensor([rules_file(text("r"))], f"pid:{actor.pid}", config=settings.include)
    Web(first).answers("/healthz")
    settings.set(web_settings(first, ", k8s_healthz_endpoint: /alive", metrics=True))
    Web(first).answers("/alive")
    Web(first).answers("/metrics")
    settings.set(web_settings(second))
    Web(second).answers("/healthz")
    with pytest.raises(OSError):
        Web(first).get("/healthz")
    # A port that is taken: the old one goes on.
    settings.set(web_settings(s_port := taken(tmp_path)))
    assert str(s_port) in s.wait_alert(of_rule(FAILURE), timeout=20)[0]["output"]
    Web(second).answers("/healthz")
    settings.set("{}\n")
    until(lambda: count(s, "loaded anew") >= 4)
    with pytest.raises(OSError):
        Web(second).get("/healthz")


def taken(tmp_path, held=[]):
    import socket
    held.append(socket.create_server(("127.0.0.1", 0)))
    return held[-1].getsockname()[1]


def test_web_certificate(sensor, actor, rules_file, tmp_path, settings):
    port = any_free_port()
    pems = []
    for name in "first", "second":
        certs = Certs(tmp_path / name)
        pem = tmp_path / f"{name}.pem"
        pem.write_text("".join(open(certs[f]).read() for f in ("server.crt", "server.key")))
        tls = ssl.create_default_context(cafile=certs.ca)
        tls.check_hostname = False
        pems.append((pem, tls))
    bad = tmp_path / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")

    def use(pem):
        settings.set(web_settings(port, f", ssl_enabled: true, ssl_certificate: {pem}"))

    use(pems[0][0])
    s = sensor([rules_file(text("r"))], f"pid:{actor.pid}", config=settings.include)
    Web(port, pems[0][1]).answers("/healthz")
    use(bad)
    s.wait_alert(of_rule(FAILURE), timeout=20)
    Web(port, pems[0][1]).answers("/healthz")
    use(pems[1][0])
    Web(port, pems[1][1]).answers("/healthz")


def test_a_config_map_of_settings_under_load(sensor, actor, rules_file, tmp_path):
    """Kubernetes' layout for settings and rules at once; a gRPC stream lives through it and misses nothing."""
    top = tmp_path / "map"
    for i, name in enumerate(["even", "odd"] * 3):
        version = top / f"..{i}"
        version.mkdir(parents=True)
        (version / "rules.yaml").write_text(text(name))
        (version / "more.yaml").write_text(f"json_include_message_property: {'true' if i % 2 else 'false'}\n")
    (top / "..data").symlink_to("..0")
    for name in ("rules.yaml", "more.yaml"):
        (top / name).symlink_to(f"..data/{name}")
    socket = tmp_path / "t.sock"
    s = sensor([top / "rules.yaml"], f"pid:{actor.pid}",
               config=f"config_files: [{top / 'more.yaml'}]\ngrpc_output: {{enabled: true}}\n"
                      f"grpc: {{enabled: true, bind_address: 'unix://{socket}'}}\n")
    client = subprocess.Popen([sys.executable, str(ROOT / "client-examples/python/subscribe.py"), "--unix", str(socket),
                               "--count", "3000"], stdout=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(client.stdout))
    reader.start()
    try:
        for i in range(150):
            actor.do(f"[open({str(tmp_path)!r} + '/%d.watched' % n, 'w').close() "
                     f"for n in range({i * 20}, {i * 20 + 20})]")
            if i % 25 == 24 and i < 149:
                (top / "..tmp").symlink_to(f"..{i // 25 + 1}")
                (top / "..tmp").rename(top / "..data")
                began = time.monotonic()
                until(lambda: count(s, "loaded anew") == i // 25 + 1)
                assert time.monotonic() - began < 20
        s.wait_alert(lambda a: a["rule"] in ("odd", "even"), timeout=20, count=3000)
        reader.join(60)
    finally:
        client.kill()
        client.wait()
        reader.join()
    names = [os.path.basename(a["output_fields"]["fd.name"]) for a in s.alerts]
    assert names == [f"{n}.watched" for n in range(3000)]
    assert all(("message" in a) == (a["rule"] == "odd") for a in s.alerts)  # settings and rules change together
    assert len(lines) == 3000

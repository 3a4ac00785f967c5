# SPDX-License-Identifier: Apache-2.0
"""
Deeds on stages (stage.py), watched by a sensor: a stage of the host, one that is a container and one that is a
privileged container. Only the runtime that says who they are stands in for Docker.
"""
import contextlib
import http.server
import json
import pathlib
import secrets
import socketserver
import subprocess
import threading
import time

from host import Actor, Sensor

STAGE = pathlib.Path(__file__).with_name("stage.py")
HOST, CONTAINER, PRIVILEGED = "host", "container", "privileged"

PRELUDE = """
import subprocess, sys, time
class Stage:
    def __init__(self, *args):
        self.p = subprocess.Popen([sys.executable, '-u', %r, *args], stdin=-1, stdout=-1, text=True)
        assert self.p.stdout.readline() == 'ok\\n'
    def do(self, statement):
        self.p.stdin.write(statement + '\\n'); self.p.stdin.flush()
        answer = self.p.stdout.readline()
        assert answer == 'ok\\n', answer
    def stop(self):
        self.p.stdin.close(); self.p.wait(20)
stages = {}
""" % str(STAGE)


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers what a sensor asks Docker about a container."""
    daemon_threads = True

    def __init__(self, path, containers):
        self.containers = containers
        super().__init__(str(path), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    def do_GET(self):
        ident = self.path.split("/")[-2] if self.path.endswith("/json") else ""
        found = [c for i, c in self.server.containers.items() if ident and i.startswith(ident)]
        body = json.dumps(found[0]).encode() if found else b"{}"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def inspect(ident, name, privileged):
    return {"Id": ident, "Name": "/" + name, "Image": "sha256:" + "ab" * 32,
            "Config": {"Image": "example.org/shop/web:1",
                       "Labels": {"io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop"}},
            "HostConfig": {"Privileged": privileged}, "NetworkSettings": {}, "Mounts": []}


@contextlib.contextmanager
def cgroups(tmp, idents):
    """Control groups as Docker names them, in the default hierarchy."""
    top = tmp / "cgroup"
    top.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "none", str(top)], check=True)
    paths = [top / "docker" / i for i in idents]
    try:
        for path in paths:
            path.mkdir(parents=True)
        yield paths
    finally:
        for path in paths:
            with contextlib.suppress(OSError):
                path.rmdir()
        with contextlib.suppress(OSError):
            (top / "docker").rmdir()
        subprocess.run(["umount", "-l", str(top)], check=True)


class Stages:
    """A sensor with these rules, and the stages of an actor it watches; all end with the stack."""

    def __init__(self, tmp, ends, rules):
        idents = [secrets.token_hex(32) for _ in range(2)]
        docker = Docker(tmp / "docker.sock", {
            idents[0]: inspect(idents[0], "web", False), idents[1]: inspect(idents[1], "agent", True)})
        ends.callback(docker.server_close)
        ends.callback(docker.shutdown)
        groups = ends.enter_context(cgroups(tmp, idents))
        self.actor = Actor()
        ends.callback(self.actor.stop)
        self.sensor = Sensor(tmp, rules, f"pid:{self.actor.pid}", config=(
            "rule_matching: all\n"
            f"container_engines:\n  docker: {{enabled: true, sockets: [{tmp}/docker.sock]}}\n"
            "  podman: {enabled: false}\n  cri: {enabled: false}\n"))
        ends.callback(self.sensor.stop)
        self.sensor.wait_ready()
        self.actor.do(f"exec({PRELUDE!r})")
        for name, group in ((HOST, None), (CONTAINER, groups[0]), (PRIVILEGED, groups[1])):
            place = tmp / name
            place.mkdir()
            args = [name, str(place)] + ([str(group)] if group else [])
            self.actor.do(f"stages[{name!r}] = Stage(*{args!r})")
        ends.callback(self.actor.do, "[s.stop() for s in stages.values()]")

    def do(self, where, deed):
        self.actor.do(f"stages[{where!r}].do({deed!r})")

    def raised(self, rule):
        return sum(a["rule"] == rule for a in self.sensor.alerts)

    def does_raise(self, rule, where, deed, timeout=5):
        before = self.raised(rule)
        self.do(where, deed)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.raised(rule) > before:
                return True
            time.sleep(0.005)
        return False

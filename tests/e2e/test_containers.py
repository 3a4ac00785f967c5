# SPDX-License-Identifier: Apache-2.0
"""Alerts of containers that Docker, podman, containerd and (a stand-in for) CRI-O run say what the container is."""
import contextlib
import os
import signal
import threading
import time
import urllib.request
from concurrent import futures

import grpc
import pytest

from conftest import MESSAGES, any_free_port, subscribe
from engines import IMAGE, TAG, Docker, Podman, image_root, image_tar, remove_cgroups, wait_for
from engines_cri import Containerd, FakeCrio
from host import ROOT, Actor, Sensor

POLICY = ROOT / "rules"

FIELDS = ["container.id", "container.full_id", "container.name", "container.image", "container.image.repository",
          "container.image.tag", "container.image.id", "container.image.digest", "container.type",
          "container.privileged", "container.mounts", "container.mount[/etc]", "container.mount.dest[/etc]",
          "container.mount.source[/etc/h*]", "container.mount.mode[0]", "container.mount.rdwr[0]",
          "container.mount.propagation[0]", "container.label[tier]", "container.labels", "container.ip",
          "container.cni.json", "container.host_pid", "container.host_network", "container.host_ipc",
          "container.start_ts", "container.duration", "container.healthcheck", "k8s.pod.name", "k8s.ns.name",
          "k8s.pod.uid", "k8s.pod.id", "k8s.pod.sandbox_id", "k8s.pod.full_sandbox_id", "k8s.pod.label[app]",
          "k8s.pod.labels", "k8s.pod.ip", "k8s.pod.cni.json", "k8s.deployment.name", "proc.is_container_healthcheck",
          "proc.is_container_liveness_probe", "proc.is_container_readiness_probe", "user.name", "user.uid", "group.name",
          "proc.args", "evt.rawtime"]
# Kept for old rules, and never with a value.
NEVER = [f"k8s.{what}.{part}" for what in ("rc", "svc", "rs", "deployment") for part in ("name", "id", "label[x]", "labels")] + \
    ["k8s.ns.id", "k8s.ns.label[x]", "k8s.ns.labels"]
RULES = """
- rule: marked
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and proc.args contains mark-
  output: "FIELDS"
  priority: NOTICE
- rule: shell
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and container.id != host and proc.name = sh
  output: "LABELLED"
  priority: NOTICE
- rule: sensitive mount
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and container.mount.source[/etc/host] = /etc
  output: "LABELLED"
  priority: NOTICE
- rule: privileged
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and container.privileged = true
  output: "LABELLED"
  priority: NOTICE
- rule: by image
  desc: d
  condition: evt.type in (open, openat) and fd.name = /etc/shadow and container.image.repository = IMAGE
  output: shadow of %container.name opened by %user.name
  priority: ERROR
- rule: short
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and container.id != host and proc.args contains "sleep 0.05"
  output: short-lived %container.name of %container.image.repository:%container.image.tag with %proc.args
  priority: INFO
""".replace("FIELDS", " ".join("%" + f for f in [*FIELDS, *NEVER])).replace("IMAGE", IMAGE).replace(
    "LABELLED", "%container.label[tier] %proc.args")


class World:
    """All runtimes, and one sensor that was there before them."""

    def __init__(self, path, ends):
        self.tag, self.path, self.ends = f"tiercel{os.getpid()}", path, ends
        ends.callback(remove_cgroups, self.tag)
        self.actor = Actor()
        ends.callback(self.actor.stop)
        image_root(path / "rootfs")
        self.tar = image_tar(path / "rootfs")
        self.docker, self.podman, self.containerd, self.crio = (
            self.make(c) for c in (Docker, Podman, Containerd, FakeCrio))
        # What is told of a container is asserted whole: a runtime on a busy machine takes its time. Another sensor
        # waits as long as it does by default.
        self.sensor = self.watch(path, ["tiercel.containers.wait_ms=8000"])
        self.quick = self.watch(path / "quick")
        self.over_grpc = self.listen()
        for engine in (self.docker, self.podman, self.containerd, self.crio):
            ends.callback(engine.stop)
            engine.start()
            if engine is not self.crio:
                engine.load(self.tar)
            for sensor in (self.sensor, self.quick):
                sensor.wait_log(f"container runtime at {engine.socket}")

    def make(self, cls):
        (self.path / cls.__name__).mkdir()
        return cls(self.actor, self.path / cls.__name__, self.tag)

    def watch(self, path, config=()):
        path.mkdir(exist_ok=True)
        rules = path / "rules.yaml"
        rules.write_text(RULES)
        port = any_free_port()
        sensor = Sensor(path, [POLICY, rules], f"pid:{self.actor.pid}", config=f"""
rule_matching: all
append_output: [{{suggested_output: true}}]
container_engines:
  docker: {{enabled: true, sockets: [{self.docker.socket}]}}
  podman: {{enabled: true, sockets: [{self.podman.socket}]}}
  cri: {{enabled: true, sockets: [{self.containerd.socket}, {self.crio.socket}]}}
grpc: {{enabled: true, bind_address: "unix://{path}/grpc.sock"}}
grpc_output: {{enabled: true}}
metrics: {{enabled: true, interval: 1h}}
""", extra=[word for setting in ("webserver.enabled=true", "webserver.prometheus_metrics_enabled=true",
                                 "webserver.listen_address=127.0.0.1", f"webserver.listen_port={port}", *config)
            for word in ("-o", setting)]).wait_ready(120)
        sensor.port = port
        self.ends.callback(lambda: sensor.stop())
        return sensor

    def listen(self):
        """Rule, message, fields as a subscriber gets them."""
        got = []
        channel = subscribe.channel(unix=f"{self.path}/grpc.sock", options=[("grpc.use_local_subchannel_pool", 1)])
        self.ends.callback(channel.close)

        def read():
            with contextlib.suppress(grpc.RpcError, ValueError):
                for response in subscribe.Client(channel, MESSAGES).subscribe():
                    got.append(response)

        threading.Thread(target=read, daemon=True).start()
        return got

    @staticmethod
    def metrics(sensor):
        return World.metrics_at(sensor.port)

    @staticmethod
    def metrics_at(port):
        """What /metrics says of waiting and of asking."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            rows = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines()
                    if line.startswith(("tiercel_container_", "tiercel_runtime_"))]
        return {name: float(value) for name, value in rows}

    def alert(self, rule, text="", timeout=30):
        return self.sensor.wait_alert(lambda a: a["rule"] == rule and text in a["output"], timeout)[0]

    def on_grpc(self, rule, text):
        return wait_for(lambda: next((a for a in self.over_grpc if a.rule == rule and text in a.output), None), 30)

    def on_grpc_of(self, rule, name):
        return wait_for(lambda: next((a.output_fields for a in self.over_grpc
                                      if a.rule == rule and a.output_fields["container.name"] == name), None), 30)

    def fields(self, mark, timeout=30):
        return self.alert("marked", mark, timeout)["output_fields"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with contextlib.ExitStack() as ends:
        yield World(tmp_path_factory.mktemp("containers"), ends)


SHELL = "id mark-{}; cat /etc/shadow; sleep 60"


def check(fields, ident, name, kind):
    """What every container has."""
    assert fields["container.id"] == ident[:12] and fields["container.full_id"] == ident
    assert fields["container.name"] == name and fields["container.type"] == kind
    assert fields["container.image"] == f"{IMAGE}:{TAG}"
    assert fields["container.image.repository"] == IMAGE and fields["container.image.tag"] == TAG
    assert fields["container.start_ts"] and 0 < fields["container.duration"] < 60e9
    assert fields["container.privileged"] is False
    assert fields["k8s.deployment.name"] is None


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_docker_and_podman(world, engine):
    name = f"web-{engine}"
    ident = getattr(world, engine).api.run(["/bin/sh", "-c", SHELL.format(name)], name=name, User="1234",
                                           Labels={"tier": "front", "io.kubernetes.pod.name": "from-label"},
                                           HostConfig={"Binds": ["/etc:/etc/host:ro"]})
    fields = world.fields(f"mark-{name}")
    check(fields, ident, name, engine)
    assert fields["container.mount.dest[/etc]"] == "/etc/host" and fields["container.mount.rdwr[0]"] == "false"
    assert fields["container.mount.source[/etc/h*]"] == "/etc"
    assert fields["container.mounts"].startswith("/etc:/etc/host:")
    assert fields["container.label[tier]"] == "front" and "io.kubernetes" not in fields["container.labels"]
    assert len(fields["container.image.id"]) == 64
    assert fields["k8s.pod.name"] == "from-label" and fields["k8s.ns.name"] is None
    assert fields["container.host_network"] is False and fields["container.host_pid"] is False
    assert fields["user.uid"] == 1234 and fields["user.name"] == "app"
    assert world.alert("by image", f"shadow of {name} opened by app")
    over = world.on_grpc("marked", f"mark-{name}").output_fields
    assert over["container.id"] == ident[:12] and over["container.name"] == name
    assert over["container.image.tag"] == TAG and over["k8s.pod.name"] == "from-label"


def test_containerd_pod(world):
    pod = world.containerd.api.pod("shop-1", labels={"app": "shop"})
    ident = world.containerd.api.run(pod, "web", ["/bin/sh", "-c", SHELL.format("pod")], user=1234,
                                     labels={"tier": "back"}, mounts=[("/etc", "/etc/host", True)])
    fields = world.fields("mark-pod")
    check(fields, ident, "web", "containerd")
    assert fields["k8s.pod.name"] == "shop-1" and fields["k8s.ns.name"] == "shop"
    assert fields["k8s.pod.uid"] == fields["k8s.pod.id"] == "11111111-2222-3333-4444-555555555555"
    assert fields["k8s.pod.sandbox_id"] == pod[0][:12] and fields["k8s.pod.full_sandbox_id"] == pod[0]
    assert fields["k8s.pod.label[app]"] == "shop" and fields["container.label[tier]"] == "back"
    assert fields["container.ip"] == fields["k8s.pod.ip"] == "10.77.0.2"
    assert "10.77.0.2" in fields["container.cni.json"]
    assert fields["container.mount.dest[/etc]"] == "/etc/host"
    assert fields["user.name"] == "app"
    over = world.on_grpc("marked", "mark-pod").output_fields
    assert over["k8s.pod.name"] == "shop-1" and over["k8s.ns.name"] == "shop" and over["container.name"] == "web"
    world.containerd.api.execute(ident, ["/bin/apt-get", "true", "mark-install"])
    installed = world.alert("Package manager run in a container", "apt-get")["output_fields"]
    assert installed["k8s.pod.name"] == "shop-1" and installed["container.image.repository"] == IMAGE


def test_crio_pod(world):
    ident = world.crio.run(["/bin/sh", "-c", SHELL.format("crio")])
    fields = world.fields("mark-crio")
    check(fields, ident, "worker", "cri-o")
    assert fields["k8s.pod.name"] == "crio-pod" and fields["k8s.ns.name"] == "crio-ns"
    assert fields["container.host_network"] is True and fields["container.host_pid"] is False
    assert fields["container.image.digest"] == "sha256:" + "cd" * 32
    assert fields["k8s.pod.label[app]"] == "crio-app" and fields["container.ip"] == "10.88.0.9"
    assert fields["container.mount.propagation[0]"] == "rslave"


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_privileged_and_package_manager(world, engine):
    api = getattr(world, engine).api
    ident = api.run(["/bin/sh", "-c", "id mark-priv; sleep 60"], name=f"priv-{engine}", HostConfig={"Privileged": True})
    found = world.sensor.wait_alert(lambda a: a["rule"] == "marked" and
                                    a["output_fields"]["container.id"] == ident[:12])[0]["output_fields"]
    assert found["container.privileged"] is True
    api.execute(ident, ["/bin/apk", "true"])
    installed = world.sensor.wait_alert(lambda a: a["rule"] == "Package manager run in a container" and
                                        a["output_fields"]["container.id"] == ident[:12])[0]["output_fields"]
    assert installed["container.name"] == f"priv-{engine}" and installed["container.image.tag"] == TAG


def run_short(world, engine, i):
    """A container that lives 50 ms."""
    api, command = getattr(world, engine).api, ["/bin/sh", "-c", f"sleep 0.05 {engine}"]
    if engine == "containerd":
        api.run(world.short_pod, f"short-{engine}-{i}", command)
    else:
        api.run(command, name=f"short-{engine}-{i}", HostConfig={"AutoRemove": True})


@pytest.mark.parametrize("engine,count", [("docker", 200), ("podman", 200), ("containerd", 200)])
def test_short_lived(world, engine, count):
    """No alert of a container that lives 50 ms is without name and image."""
    sensor, before = world.quick, world.metrics(world.quick)
    if engine == "containerd":
        world.short_pod = world.containerd.api.pod("short")
    with futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda i: run_short(world, engine, i), range(count)))
    found = sensor.wait_alert(
        lambda a: a["rule"] == "short" and a["output_fields"]["proc.args"] == f"-c sleep 0.05 {engine}", 30, count)
    fields = [a["output_fields"] for a in found]
    assert len({f["container.id"] for f in fields}) == count
    lacking = [f for f in fields if not (f["container.name"] or "").startswith("short-") or
               f["container.image.repository"] != IMAGE or f["container.image.tag"] != TAG]
    time.sleep(2)  # they are counted once a second
    print(engine, {k: round(v - (0 if "longest" in k else before[k]), 3) for k, v in world.metrics(sensor).items()})
    assert not lacking, f"{len(lacking)} of {count}: {lacking[:3]}"


def test_runtime_killed_and_restarted(world):
    """Again and again, while podman makes containers all the time: those are told, and Docker's when it is back."""
    made, over = [], threading.Event()

    def load():
        while not over.is_set():
            run_short(world, "podman", f"load-{len(made)}")
            made.append(1)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for i in range(3):
            world.docker.daemon.stop(signal.SIGKILL)
            ident = world.podman.api.run(["/bin/sh", "-c", f"id mark-meanwhile-{i}; sleep 60"], name=f"meanwhile-{i}")
            assert world.fields(f"mark-meanwhile-{i}")["container.name"] == f"meanwhile-{i}"
            world.podman.api.remove(ident)
            world.docker.start()
            wait_for(lambda: named(world, f"again-{i}"), 40, 0.5)
    finally:
        over.set()
        thread.join()
    world.sensor.wait_alert(lambda a: a["rule"] == "short" and
                            (a["output_fields"]["container.name"] or "").startswith("short-podman-load-"), 30, len(made))


def named(world, word):
    mark = f"{word}-{time.monotonic_ns()}"
    ident = world.docker.api.run(["/bin/sh", "-c", f"id mark-{mark}; sleep 60"], name=mark)
    name = world.fields(f"mark-{mark}")["container.name"]
    world.docker.api.remove(ident)
    return name == mark

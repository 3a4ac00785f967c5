# SPDX-License-Identifier: Apache-2.0
"""
Falco's own rules that speak of containers: each is raised by its deed (test_falco_rules.py) done inside a container
that Docker runs, or is named here with the reason why it cannot be.
"""
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

from engines import Docker, image_root, image_tar, remove_cgroups
from host import TIERCEL, Actor, Sensor
from test_falco_rules import DEEDS, OVERRIDE, RULES

# What runtimes do, or start, themselves: a command of theirs inside, or the start of a container.
BY_RUNTIME = {
    "Terminal shell in container": lambda s: s.execute(["/bin/sh", "-c", ":"], tty=True),
    "Exfiltrating Artifacts via Kubernetes Control Plane": lambda s: (
        s.do("open(TMP + '/secret', 'w').write('x')"), s.execute(["/usr/bin/tar", "cf", "/tmp/x.tar", "/tmp/stage/secret"])),
    "Launch Privileged Container": lambda s: s.another(Privileged=True),
    "Launch Excessively Capable Container": lambda s: s.another(CapAdd=["SYS_ADMIN"]),
}

NOT_INSIDE = {
    "Launch Suspicious Network Tool on Host": "its condition holds on the host only",
    "Non sudo setuid": "its condition holds on the host only",
    "User mgmt binaries": "its condition holds on the host only",
}


class Stage:
    """A Python program that does what it is told, in a container: the image is a busybox, Python is the host's."""

    HOST = ["/usr/bin", "/usr/lib", "/lib64", "/lib/x86_64-linux-gnu"]
    CAPS = ["SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_MODULE", "SYS_PTRACE"]

    def __init__(self, docker, path, name, **host):
        self.docker, self.host, self.name = docker, host, name
        path.mkdir()
        for pipe in ("in", "out"):
            os.mkfifo(path / pipe)
        here = pathlib.Path(__file__).parent
        binds = [f"{os.path.realpath(d)}:{d}:ro" for d in self.HOST] + [f"{here}:/stage:ro", f"{path}:/control"]
        self.ident = docker.api.run(
            ["/usr/bin/python3", "/stage/stage.py", "inside", "/control"], name=name,
            Labels={"io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop"},
            HostConfig={"Binds": binds, "CapAdd": self.CAPS, "SecurityOpt": ["seccomp=unconfined"],
                        "Tmpfs": {"/dev/shm": "exec"}, **host})
        self.told = open(path / "in", "w", encoding="utf-8")
        self.answers = open(path / "out", encoding="utf-8")
        assert self.answers.readline() == "ok\n"

    def do(self, statement):
        print(statement, file=self.told, flush=True)
        answer = self.answers.readline()
        assert answer == "ok\n", answer

    def execute(self, command, tty=False):
        self.docker.api.execute(self.ident, command, tty)

    def another(self, **host):
        self.docker.api.run(["/bin/true"], HostConfig=host)

    def stop(self):
        self.told.close()
        self.answers.close()


def speak_of_containers():
    out = subprocess.run([TIERCEL, "-L", "-o", "json_output=true", *[w for r in RULES for w in ("-r", str(r))]],
                         capture_output=True, text=True, check=True).stdout
    return {r["info"]["name"] for r in json.loads(out)["rules"]
            if any(f.startswith(("container.", "k8s.")) for f in r["details"]["condition_fields"])}


def deed(rule, stages):
    """Does it, and says in which container."""
    where, statement = DEEDS[rule]
    stage = stages["privileged" if where == "privileged" else "container"]
    if rule in BY_RUNTIME:
        BY_RUNTIME[rule](stage)
    else:
        stage.do(statement)
    return stage


def is_of(alert, rule, stage):
    fields = alert["output_fields"]
    return alert["rule"] == rule and fields["container.id"] != "host" and \
        (rule.startswith("Launch") and "Container" in rule or fields["container.id"] == stage.ident[:12])


if all(path.exists() for path in RULES):
    @pytest.fixture(scope="module")
    def world(tmp_path_factory):
        path, tag = tmp_path_factory.mktemp("rules"), f"tiercel{os.getpid()}rules"
        with contextlib.ExitStack() as ends:
            ends.callback(remove_cgroups, tag)
            actor = Actor()
            ends.callback(actor.stop)
            image_root(path / "rootfs")
            for d in ("usr/bin", "usr/lib", "usr/local/bin", "lib64", "lib/x86_64-linux-gnu"):
                (path / "rootfs" / d).mkdir(parents=True)
            (path / "docker").mkdir()
            docker = Docker(actor, path / "docker", tag)
            override = path / "override.yaml"
            override.write_text(OVERRIDE)
            sensor = Sensor(path, [*RULES, override], f"pid:{actor.pid}", config=f"""
rule_matching: all
append_output: [{{suggested_output: true}}]
container_engines:
  docker: {{enabled: true, sockets: [{docker.socket}]}}
  podman: {{enabled: false}}
  cri: {{enabled: false}}
""", extra=["-o", "tiercel.containers.wait_ms=8000"]).wait_ready()
            ends.callback(sensor.stop)
            ends.callback(docker.stop)
            docker.start()
            docker.load(image_tar(path / "rootfs"))
            stages = {"container": Stage(docker, path / "plain", "web"),
                      "privileged": Stage(docker, path / "privileged", "agent", Privileged=True)}
            for stage in stages.values():
                ends.callback(stage.stop)
            yield sensor, stages

    def test_each_rule_is_raised_inside_or_named():
        wanted = speak_of_containers()
        assert wanted and not set(NOT_INSIDE) - wanted
        assert not wanted - set(NOT_INSIDE) - set(DEEDS)

    @pytest.mark.parametrize("rule", sorted(speak_of_containers() - set(NOT_INSIDE)))
    def test_rule(world, rule):
        sensor, stages = world
        stage = deed(rule, stages)
        alert = sensor.wait_alert(lambda a: is_of(a, rule, stage), 30)[0]
        fields = alert["output_fields"]
        assert fields["container.name"] and fields["container.image.repository"].endswith("/web")
        assert fields["container.image.tag"] == "1.2"

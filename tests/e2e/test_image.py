# SPDX-License-Identifier: Apache-2.0
"""
The image: its Dockerfile built by Docker on a Debian from debootstrap, since no registry is asked for one, and started with
what the chart's pod has and nothing more, and asked over mutual TLS.
"""
import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
import yaml

import debian
from conftest import EXAMPLE_PY
from engines import Docker, remove_cgroups, wait_for
from host import ROOT, Actor

GOLDEN = ROOT / "tests" / "chart" / "golden"
SECCOMP = ROOT / "charts" / "tiercel" / "files" / "seccomp.json"
IMAGE = "tiercel:test"
# Docker 20.10 cannot name two capabilities; the runtime below it is told the right one.
STAND_INS = {"BPF": "WAKE_ALARM", "PERFMON": "AUDIT_READ"}


def manifest(kind):
    return next(o for o in yaml.safe_load_all((GOLDEN / "defaults.yaml").read_text()) if o and o["kind"] == kind)


def container():
    return manifest("DaemonSet")["spec"]["template"]["spec"]["containers"][0]


def import_image(docker, name, tar):
    path = f"/images/create?fromSrc=-&repo={name}"
    docker.api.call("POST", path, raw=tar)


def package_image(deb):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(deb, arcname="package/" + os.path.basename(deb))
    return out.getvalue()


class World:
    """Docker, with the image, and an actor, all below the control group that the sensor's sight is confined to."""

    def __init__(self, path, ends):
        self.tag, self.path = f"tiercel{os.getpid()}", path
        ends.callback(remove_cgroups, self.tag)
        self.actor = Actor()
        ends.callback(self.actor.stop)
        unified = pathlib.Path("/sys/fs/cgroup/unified")
        self.scope = (unified if unified.exists() else unified.parent) / f"{self.tag}-scope"
        (self.scope / "actor").mkdir(parents=True)
        (self.scope / "actor" / "cgroup.procs").write_text(str(self.actor.pid))
        (path / "docker").mkdir()
        self.docker = Docker(self.actor, path / "docker", self.tag)
        self.docker.api.parent = f"/{self.tag}-scope/docker"
        runtime = path / "docker" / "runtime"
        runtime.write_text(runtime.read_text().replace("exec ", "[ -n \"$edit\" ] && sed -i " + " ".join(
            f"-e s/CAP_{known}/CAP_{name}/g" for name, known in STAND_INS.items()) + ' "$edit"\nexec '))
        ends.callback(self.docker.stop)
        self.docker.start()
        self.build()
        self.certs = self.directory("certs", 65534)
        self.state = self.directory("state")
        self.made_certs = self.once(["certs", "/made/certs", "localhost"], User="65534:65534", HostConfig={
            "CapDrop": ["ALL"], "Binds": [f"{self.certs}:/made"], "ReadonlyRootfs": True})
        for name in ("server.key", "server.crt", "ca.crt"):
            os.chown(self.certs / "certs" / name, 0, 0)

    def directory(self, name, owner=0):
        path = self.path / name
        path.mkdir(mode=0o755)
        os.chown(path, owner, owner)
        return path

    def build(self):
        deb = debian.package()
        with open(debian.root_tar(deb), "rb") as tar:
            import_image(self.docker, "base", tar.read())
        import_image(self.docker, "package", package_image(deb))
        self.built = debian.run(
            "/usr/bin/docker", "-H", f"unix://{self.docker.socket}", "build", "--progress=plain", "-t", IMAGE,
            "--build-arg", "BASE=base", "--build-arg", "PACKAGE=package", ROOT, timeout=600,
            env={**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(self.path)})

    def once(self, command, **config):
        """The exit status and what a container of the image says."""
        ident = self.docker.api.run(command, Image=IMAGE, Tty=True, **config)
        status = self.docker.api.wait(ident)
        said = self.docker.api.call("GET", f"/containers/{ident}/logs?stdout=1&stderr=1").decode()
        return status, said

    def start_as_the_chart_does(self, certs):
        """Docker's words for what the golden manifest of the defaults says."""
        pod, context = container(), container()["securityContext"]
        assert context["privileged"] is False and context["allowPrivilegeEscalation"] is False
        config = yaml.safe_load(manifest("ConfigMap")["data"]["falco.yaml"])
        config["tiercel"]["scope"] = "cgroup:/scope"
        (self.path / "config").mkdir(exist_ok=True)
        (self.path / "config" / "falco.yaml").write_text(yaml.safe_dump(config))
        binds = {"/etc/tiercel/config": f"{self.path}/config:ro", "/etc/falco/certs": f"{certs}:ro",
                 "/var/lib/tiercel": str(self.state), "/host/proc": "/proc:ro", "/host/etc": "/etc:ro",
                 "/host/var/run": f"{self.path}/docker:ro"}
        paths = {m["mountPath"] for m in pod["volumeMounts"]}
        assert binds.keys() <= paths
        binds["/scope"] = f"{self.scope}:ro"
        return self.docker.api.run(
            pod["args"], Image=IMAGE, Entrypoint=pod["command"], User=str(context["runAsUser"]),
            Env=[f"{e['name']}={e['value']}" for e in pod["env"] if "value" in e], WorkingDir=pod["workingDir"],
            HostConfig={
                "ReadonlyRootfs": context["readOnlyRootFilesystem"], "CapDrop": context["capabilities"]["drop"],
                "CapAdd": [STAND_INS.get(name, name) for name in context["capabilities"]["add"]],
                "SecurityOpt": ["no-new-privileges", "seccomp=" + SECCOMP.read_text()],
                "Tmpfs": {"/run/tiercel": "", "/tmp": ""},
                "Binds": [":".join([source.split(":")[0], path] + source.split(":")[1:])
                          for path, source in binds.items()],
            })

    def log(self, ident):
        return self.docker.api.call("GET", f"/containers/{ident}/logs?stdout=1&stderr=1").decode(errors="replace")

    def pid(self, ident):
        return json.loads(self.docker.api.call("GET", f"/containers/{ident}/json"))["State"]["Pid"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    path = tmp_path_factory.mktemp("image")
    for above in (path, *path.parents):  # what is mounted is entered by others than root
        if "pytest" in str(above):
            above.chmod(above.stat().st_mode | 0o011)
    with contextlib.ExitStack() as ends:
        yield World(path, ends)


def test_certificates_are_made_by_nobody_in_particular(world):
    """As the chart's Job does: no user of note, no capability, nothing but /work to write to."""
    assert world.made_certs[0] == 0, world.made_certs[1]
    for tool in ("curl", "base64", "tr", "cat"):
        assert world.once([tool], Entrypoint=["/bin/sh", "-c", 'command -v "$0"'])[0] == 0, tool


def test_falco_is_the_same_program(world):
    status, said = world.once(["--version"], Entrypoint=["/usr/bin/falco"])
    own = world.once(["--version"])[1]
    assert status == 0 and said == own.replace("Tiercel version", "Falco version") != own


def test_image_lists_what_is_in_it(world):
    status, said = world.once(["/usr/share/tiercel/sbom.spdx"], Entrypoint=["/bin/cat"])
    lines = said.replace("\r", "").splitlines()
    assert status == 0 and lines[0] == "SPDXVersion: SPDX-2.3"
    names = {line.split(": ")[1] for line in lines if line.startswith("PackageName: ")}
    assert {"tiercel", "libc6", "curl"} <= names and any(n.startswith("libgrpc") for n in names)
    ids = [line for line in lines if line.startswith("SPDXID: ")]
    assert len(ids) == len(set(ids)) == len(names) + 1
    assert all(re.fullmatch(r"SPDXID: SPDXRef-[A-Za-z0-9.-]+", i) for i in ids)
    assert any(re.fullmatch(r"ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/tiercel@0\.1\.0\?arch=\w+", line)
               for line in lines)


class Subscriber:
    """The example client, inside the container's network."""

    def __init__(self, world, ident):
        certs = world.certs / "certs"
        self.log = open(world.path / "subscriber", "w+b")
        self.proc = subprocess.Popen(
            ["nsenter", f"--net=/proc/{world.pid(ident)}/ns/net", sys.executable, EXAMPLE_PY, "--tls",
             "localhost:5060", "--ca", certs / "ca.crt", "--cert", certs / "client.crt", "--key",
             certs / "client.key"], stdout=self.log, stderr=subprocess.STDOUT)

    def text(self):
        self.log.seek(0)
        return self.log.read().decode()

    def alerts(self):
        return [json.loads(line) for line in self.text().splitlines() if line.startswith("{") and line.endswith("}")]

    def wait(self, wanted):
        return wait_for(lambda: next((a for a in self.alerts() if wanted(a)), None), 30)

    def stop(self):
        self.proc.kill()
        self.proc.wait(20)
        self.log.close()


def test_alerts_over_mutual_tls_with_the_charts_privileges(world):
    ident = world.start_as_the_chart_does(world.certs / "certs")
    wait_for(lambda: "ready" in world.log(ident) or not world.pid(ident), 60)
    assert world.pid(ident), world.log(ident)
    with open(f"/proc/{world.pid(ident)}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert bin(int(status["CapBnd"], 16)).count("1") == len(container()["securityContext"]["capabilities"]["add"])
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    client = Subscriber(world, ident)
    try:
        # What comes before the subscription is not there again, so both are done until they are seen.
        def outside(alert):
            return "/etc/shadow" in alert["output"] and alert["output_fields"]["container.id"] == "host"

        def inside(alert):
            return "/etc/shadow" in alert["output"] and alert["output_fields"]["container.id"] == ident[:12]

        def seen():
            world.actor.sh("cat /etc/shadow")
            world.docker.api.execute(ident, ["cat", "/etc/shadow"])
            return any(map(outside, client.alerts())) and any(map(inside, client.alerts()))

        wait_for(seen, 60, pause=0.5)
        for alert in (client.wait(outside), client.wait(inside)):
            assert alert["output_fields"]["proc.cmdline"].startswith("cat")
        assert client.wait(inside)["output_fields"]["container.image.repository"] == "tiercel"
        said = world.docker.api.execute(ident, ["curl", "-s", "http://127.0.0.1:8765/healthz"])
        assert b"ok" in said.lower(), said
    finally:
        client.stop()
    world.docker.api.call("POST", f"/containers/{ident}/stop?t=20")
    state = json.loads(world.docker.api.call("GET", f"/containers/{ident}/json"))["State"]
    assert state["ExitCode"] == 0, world.log(ident)


def test_a_wrong_key_is_said_in_the_last_words(world):
    """A pod's status quotes the end of the log (FallbackToLogsOnError), so the reason is seen there."""
    assert container()["terminationMessagePolicy"] == "FallbackToLogsOnError"
    wrong = world.certs / "wrong"
    shutil.copytree(world.certs / "certs", wrong)
    shutil.copy(wrong / "client.key", wrong / "server.key")
    ident = world.start_as_the_chart_does(wrong)
    status, said = world.docker.api.wait(ident), world.log(ident)
    assert status == 1
    assert "server.key: the key does not belong to the certificate" in said.strip().splitlines()[-1], said

# SPDX-License-Identifier: Apache-2.0
"""
Every field of containers and pods, against what the runtime itself says of the container; and the four alerts that
containers are watched for, from each runtime, as JSON and over gRPC.
"""
import datetime
import json
import subprocess

import pytest

from engines import IMAGE, TAG
from host import TIERCEL
from test_containers import FIELDS, NEVER, world  # noqa: F401 (a fixture)

PROBED = json.dumps({"spec": {"containers": [{
    "name": "probed", "livenessProbe": {"exec": {"command": ["id", "mark-live"]}},
    "readinessProbe": {"exec": {"command": ["/bin/sh", "-c", "id mark-ready"]}}}]}})
PROBES = ["proc.is_container_healthcheck", "proc.is_container_liveness_probe", "proc.is_container_readiness_probe"]


def test_no_field_is_left_out():
    listed = subprocess.run([TIERCEL, "--list", "-N"], capture_output=True, text=True, check=True).stdout.split()
    asked = {f.split("[")[0] for f in FIELDS}
    assert {f for f in listed if f.startswith(("container.", "k8s."))} <= asked


def inspect(api, ident):
    return json.loads(api.call("GET", f"/containers/{ident}/json"))


def from_inspection(c):
    host = c["HostConfig"]
    return {
        "container.id": c["Id"][:12], "container.full_id": c["Id"], "container.name": c["Name"].lstrip("/"),
        "container.image": c["Config"]["Image"], "container.image.id": c["Image"].removeprefix("sha256:"),
        "container.image.repository": IMAGE, "container.image.tag": TAG,
        "container.privileged": host["Privileged"], "container.host_pid": host["PidMode"] == "host",
        "container.host_network": host["NetworkMode"] == "host", "container.host_ipc": host["IpcMode"] == "host",
        "container.ip": c["NetworkSettings"]["IPAddress"] or next(
            (n["IPAddress"] for n in (c["NetworkSettings"]["Networks"] or {}).values() if n["IPAddress"]), ""),
    }


def mounts(c):
    return sorted(f"{m['Source']}:{m['Destination']}:{m['Mode']}:{str(m['RW']).lower()}:{m['Propagation']}"
                  for m in c["Mounts"])


CONFIGURATIONS = {
    "plain": {"User": "1234", "Labels": {"tier": "front", "a.b/c": "x y", "io.kubernetes.pod.name": "p"},
              "HostConfig": {"Binds": ["/etc:/etc/host:ro", "/usr:/srv/usr"]}},
    "host": {"HostConfig": {"NetworkMode": "host", "PidMode": "host", "IpcMode": "host"}},
    "mighty": {"HostConfig": {"Privileged": True}},
}


@pytest.mark.parametrize("how", CONFIGURATIONS)
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_as_inspected(world, engine, how):  # noqa: F811
    api, name = getattr(world, engine).api, f"{how}-{engine}"
    config = {**CONFIGURATIONS[how], "HostConfig": dict(CONFIGURATIONS[how]["HostConfig"])}
    ident = api.run(["/bin/sh", "-c", f"id mark-{name}; sleep 60"], name=name, **config)
    fields, c = world.fields(f"mark-{name}"), inspect(api, ident)
    wanted = from_inspection(c)
    assert {f: fields[f] for f in wanted} == wanted
    assert fields["container.type"] == engine
    assert sorted(filter(None, fields["container.mounts"].split(","))) == mounts(c)
    assert sorted(filter(None, fields["container.labels"].split(", "))) == sorted(
        f"{k}:{v}" for k, v in c["Config"]["Labels"].items() if not k.startswith("io.kubernetes."))
    # Docker lists them in another order each time it is asked.
    first = fields["container.mounts"].split(",")[0]
    for m in [m for m in c["Mounts"] if first.startswith(f"{m['Source']}:{m['Destination']}:")]:
        assert fields["container.mount.mode[0]"] == m["Mode"]
        assert fields["container.mount.rdwr[0]"] == str(m["RW"]).lower()
        assert fields["container.mount.propagation[0]"] == m["Propagation"]
    assert all(fields[f] is None for f in NEVER)
    if how != "host":
        begun = datetime.datetime.fromisoformat(c["State"]["StartedAt"][:19] + "+00:00").timestamp()
        assert abs(fields["container.start_ts"] / 1e9 - begun) < 30
        assert fields["container.duration"] == fields["evt.rawtime"] - fields["container.start_ts"]
    if how == "plain":
        assert fields["container.label[tier]"] == "front" and fields["k8s.pod.name"] == "p"
        assert fields["container.mount.dest[/etc]"] == "/etc/host" and fields["container.mount.source[/etc/h*]"] == "/etc"
        assert fields["container.mount[/etc]"] in fields["container.mounts"]
    api.remove(ident)


def test_docker_address_is_there_from_the_start(world):  # noqa: F811
    """Docker has it only when the container starts, and is asked again then."""
    api = world.docker.api
    ident = api.run(["/bin/sh", "-c", "id mark-bridge; sleep 60"], name="bridged", HostConfig={"NetworkMode": "bridge"})
    fields = world.fields("mark-bridge")
    address = from_inspection(inspect(api, ident))["container.ip"]
    assert address.startswith("172.31.99.") and fields["container.ip"] == fields["k8s.pod.ip"] == address
    api.remove(ident)


def test_docker_healthcheck(world):  # noqa: F811
    api = world.docker.api
    ident = api.run(["/bin/sleep", "60"], name="checked", Healthcheck={
        "Test": ["CMD-SHELL", "id mark-health"], "Interval": 10**9, "Timeout": 2 * 10**10})
    shell = world.alert("marked", "mark-health")["output_fields"]
    assert [shell[f] for f in PROBES] == [True, False, False]
    api.execute(ident, ["/bin/id", "mark-by-hand"])
    assert [world.fields("mark-by-hand")[f] for f in PROBES] == [False, False, False]
    api.remove(ident)


def test_probes_of_a_pod(world):  # noqa: F811
    """What a kubelet executes in the container is told from what it was told to by the pod's manifest."""
    api = world.containerd.api
    pod = api.pod("probed-1", annotations={"kubectl.kubernetes.io/last-applied-configuration": PROBED})
    ident = api.run(pod, "probed", ["/bin/sleep", "60"])
    for command, wanted in ((["id", "mark-live"], [False, True, False]),
                            (["/bin/sh", "-c", "id mark-ready"], [False, False, True]),
                            (["id", "mark-neither"], [False, False, False])):
        api.execute(ident, command)
        assert [world.fields(command[-1].split()[-1])[f] for f in PROBES] == wanted
    api.remove(ident)


def test_pod_on_the_host_network(world):  # noqa: F811
    api = world.containerd.api
    pod = api.pod("node-1", namespace="infra", uid="99999999-2222", labels={"app": "agent"}, node=True, privileged=True)
    api.run(pod, "agent", ["/bin/sh", "-c", "id mark-node; sleep 60"], privileged=True, labels={"tier": "x"})
    fields = world.fields("mark-node")
    assert fields["container.privileged"] is True and fields["container.host_network"] is True
    assert fields["k8s.ns.name"] == "infra" and fields["k8s.pod.uid"] == "99999999-2222"
    assert "app:agent" in fields["k8s.pod.labels"] and fields["container.label[tier]"] == "x"
    assert fields["k8s.pod.full_sandbox_id"] == pod[0]


@pytest.mark.parametrize("hostile", ["a\nb", "<script>", "%container.id", "x" * 99, "\u202e\u0007", "'; rm -rf /"])
def test_hostile_labels(world, hostile):  # noqa: F811
    api = world.podman.api
    mark = f"mark-label-{abs(hash(hostile))}"
    ident = api.run(["/bin/sh", "-c", f"id {mark}; sleep 60"], Labels={"tier": hostile})
    assert world.fields(mark)["container.label[tier]"] == hostile
    api.remove(ident)


def begin(world, engine, name):  # noqa: F811
    """A privileged container with the host's /etc and a shell; returns how to execute in it."""
    command = ["/bin/sh", "-c", f"id mark-{name}; sleep 60"]
    one = getattr(world, engine)
    if engine == "crio":
        one.run(command, name=name, privileged=True)
        return lambda words: one.execute(one.made[-1], words)
    if engine == "containerd":
        pod = one.api.pod(f"pod-{name}", labels={"app": "shop"}, privileged=True)
        ident = one.api.run(pod, name, command, privileged=True, labels={"tier": "front"}, mounts=[("/etc", "/etc/host", True)])
    else:
        ident = one.api.run(command, name=name, Labels={"tier": "front"},
                            HostConfig={"Privileged": True, "Binds": ["/etc:/etc/host:ro"]})
    return lambda words: one.api.execute(ident, words)


@pytest.mark.parametrize("engine", ["docker", "podman", "containerd", "crio"])
def test_four_alerts(world, engine):  # noqa: F811
    name = f"four-{engine}"
    execute = begin(world, engine, name)
    execute(["/bin/apk" if engine != "containerd" else "/bin/apt-get", "true", f"mark-{name}"])
    for rule in ("shell", "sensitive mount", "privileged", "Package manager run in a container"):
        def of_it(a):
            return a["rule"] == rule and a["output_fields"]["container.name"] == name
        fields = world.sensor.wait_alert(of_it, 30)[0]["output_fields"]
        over = world.on_grpc_of(rule, name)
        for f in ("container.id", "container.name", "container.image.repository", "container.image.tag"):
            assert fields[f] == over[f]
        assert fields["container.image.repository"] == IMAGE and fields["container.image.tag"] == TAG
        pod = {"containerd": (f"pod-{name}", "shop"), "crio": ("crio-pod", "crio-ns")}.get(engine, (None, None))
        assert (fields["k8s.pod.name"], fields["k8s.ns.name"]) == pod
        assert (over["k8s.pod.name"], over["k8s.ns.name"]) == tuple(p or "<NA>" for p in pod)
        if rule != "Package manager run in a container":
            assert fields["container.label[tier]"] == over["container.label[tier]"] == "front"

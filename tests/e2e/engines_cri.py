# SPDX-License-Identifier: Apache-2.0
"""Runtimes behind Kubernetes' container runtime interface: containerd itself, and a stand-in for CRI-O. See engines.py."""
import json
import os
import subprocess
import threading
from concurrent import futures

import grpc

from engines import IMAGE, PAUSE, TAG, Daemon, make_runtime, wait_for


def field(number, value):
    """One member of a protobuf message; a dict is a nested message or, with text keys, a map."""
    if isinstance(value, list):
        return b"".join(field(number, v) for v in value)
    if isinstance(value, dict) and value and all(isinstance(k, str) for k in value):
        return b"".join(field(number, {1: k, 2: v}) for k, v in value.items())
    if isinstance(value, (bool, int)):
        return varint(number << 3) + varint(int(value))
    data = message(value) if isinstance(value, dict) else value.encode()
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(n):
    out = b""
    while n >= 128:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def message(members):
    return b"".join(field(k, v) for k, v in members.items())


def first_text(data):
    """The first member, a short text: what all answers we read consist of."""
    return data[2:2 + data[1]].decode() if data else ""


class CRI:
    """As much of a kubelet as a pod with one container needs."""

    def __init__(self, path, parent):
        self.channel = grpc.insecure_channel(f"unix:{path}")
        self.parent, self.pods, self.made = parent, [], []

    def call(self, method, members, timeout=60):
        f = self.channel.unary_unary("/runtime.v1.RuntimeService/" + method, lambda m: m, lambda m: m)
        return f(message(members), timeout=timeout)

    def pod(self, name, namespace="shop", uid="11111111-2222-3333-4444-555555555555", labels=None, annotations=None,
            node=False, privileged=False):
        spaces = {1: 2, 2: 1} if node else {1: 0, 2: 1}
        config = {1: {1: name, 2: uid, 3: namespace}, 3: "/tmp",
                  6: {"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace,
                      "io.kubernetes.pod.uid": uid, **(labels or {})},
                  7: annotations or {}, 8: {1: self.parent, 2: {1: spaces, 6: privileged}}}
        if not node:
            config[2] = name
        ident = first_text(self.call("RunPodSandbox", {1: config}))
        self.pods.append(ident)
        return ident, config

    def create(self, pod, name, command, mounts=(), privileged=False, labels=None, user=None):
        ident, config = pod
        spaces = config[8][2][1]
        security = {2: privileged, 3: spaces}
        if user is not None:
            security[5] = {1: user}
        container = {1: {1: name}, 2: {1: f"{IMAGE}:{TAG}"}, 3: command,
                     7: [{1: to, 2: source, 3: ro} for source, to, ro in mounts],
                     9: {"io.kubernetes.container.name": name, "io.kubernetes.pod.name": config[1][1],
                         "io.kubernetes.pod.namespace": config[1][3], "io.kubernetes.pod.uid": config[1][2],
                         **(labels or {})}, 15: {2: security}}
        made = first_text(self.call("CreateContainer", {1: ident, 2: container, 3: config}))
        self.made.append(made)
        return made

    def run(self, pod, name, command, **kw):
        ident = self.create(pod, name, command, **kw)
        self.call("StartContainer", {1: ident})
        return ident

    def execute(self, ident, command):
        return self.call("ExecSync", {1: ident, 2: command, 3: 20})

    def remove(self, ident):
        self.call("StopContainer", {1: ident})
        self.call("RemoveContainer", {1: ident})
        if ident in self.made:
            self.made.remove(ident)

    def remove_all(self):
        for ident in list(self.made):
            self.remove(ident)
        for ident in self.pods:
            self.call("StopPodSandbox", {1: ident})
            self.call("RemovePodSandbox", {1: ident})
        self.pods = []


CNI = """#!/bin/sh
[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion":"0.4.0","interfaces":[{"name":"eth0","sandbox":"'$CNI_NETNS'"}],\
"ips":[{"version":"4","interface":0,"address":"10.77.0.2/24"}],"dns":{}}'
[ "$CNI_COMMAND" = VERSION ] && echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}'
exit 0
"""


class Containerd:
    """containerd, asked through its CRI service as a kubelet would."""

    def __init__(self, actor, path, tag):
        self.actor, self.path, self.tag = actor, path, tag
        self.socket = path / "containerd.sock"
        wrapper = make_runtime(path)
        for d in ("cni", "cnibin"):
            (path / d).mkdir()
        for name in ("loopback", "made-up"):
            (path / "cnibin" / name).write_text(CNI)
            (path / "cnibin" / name).chmod(0o755)
        (path / "cni" / "10.conflist").write_text(
            '{"cniVersion":"0.4.0","name":"made-up","plugins":[{"type":"made-up"}]}')
        cri = 'plugins."io.containerd.grpc.v1.cri"'
        (path / "config.toml").write_text(f"""
version = 2
root = "{path}/root"
state = "{path}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
	"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{path}/opt"
[{cri}]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [{cri}.cni]
    bin_dir = "{path}/cnibin"
    conf_dir = "{path}/cni"
  [{cri}.containerd]
    default_runtime_name = "safe"
    [{cri}.containerd.runtimes.safe]
      runtime_type = "io.containerd.runc.v2"
      [{cri}.containerd.runtimes.safe.options]
        BinaryName = "{wrapper}"
""")

    def start(self):
        p = self.path
        self.daemon = Daemon(self.actor, "containerd", ["containerd", "-c", f"{p}/config.toml"], p / "log")
        self.api = CRI(self.socket, f"/{self.tag}-pods")
        wait_for(self.answers, 60)

    def answers(self):
        """A new channel each time: one that failed waits for seconds."""
        self.api.channel.close()
        self.api = CRI(self.socket, self.api.parent)
        try:
            return self.api.call("Version", {}, timeout=5)
        except grpc.RpcError:
            return None

    def load(self, tar):
        self.ctr("-n", "k8s.io", "image", "import", "-", data=tar)

    def ctr(self, *words, data=None):
        return subprocess.run(["ctr", "-a", str(self.socket), *words], input=data, check=True,
                              capture_output=True, timeout=60).stdout

    def stop(self):
        self.api.remove_all()
        self.daemon.stop()
        self.api.channel.close()


class FakeCrio:
    """CRI-O's half of the interface, for processes that runc runs in control groups named as CRI-O names them."""

    SANDBOX = "5a" * 32

    def __init__(self, actor, path, tag):
        self.actor, self.path, self.tag = actor, path, tag
        self.socket = path / "crio.sock"
        self.containers, self.made, self.asked = {}, [], []
        self.bundle = path / "bundle"
        self.bundle.mkdir()

    def start(self):
        names = ["Version", "ContainerStatus", "PodSandboxStatus"]
        handlers = {n: grpc.unary_unary_rpc_method_handler(getattr(self, n)) for n in names}
        handlers["GetContainerEvents"] = grpc.unary_stream_rpc_method_handler(self.GetContainerEvents)
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("runtime.v1.RuntimeService", handlers),))
        self.events, self.ended = [], threading.Event()
        self.server.add_insecure_port(f"unix:{self.socket}")
        self.server.start()

    def Version(self, request, context):
        return message({1: "0.1.0", 2: "cri-o", 3: "1.28.0", 4: "v1"})

    def ContainerStatus(self, request, context):
        ident = first_text(request)
        self.asked.append(ident)
        if ident not in self.containers:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such container")
        c = self.containers[ident]
        status = {1: ident, 2: {1: c["name"]}, 8: {1: "ab" * 32}, 9: f"{IMAGE}@sha256:" + "cd" * 32,
                  12: {"io.kubernetes.container.name": c["name"], "tier": "front"},
                  13: {"io.kubernetes.cri-o.ImageName": f"{IMAGE}:{TAG}"},
                  14: [{1: "/etc/host", 2: "/etc", 3: True, 5: 1}]}
        info = {"sandboxID": self.SANDBOX, "pid": c["pid"], "privileged": c["privileged"],
                "runtimeSpec": {"process": {"user": {"uid": 1234}}}}
        return message({1: status, 2: {"info": json.dumps(info)}})

    def PodSandboxStatus(self, request, context):
        if first_text(request) != self.SANDBOX:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such pod")
        status = {1: self.SANDBOX, 2: {1: "crio-pod", 2: "uid-of-the-pod", 3: "crio-ns"}, 5: {1: "10.88.0.9"},
                  6: {1: {2: {1: 2, 2: 1, 3: 0}}}, 7: {"app": "crio-app"}}
        return message({1: status, 2: {"info": "{}"}})

    def GetContainerEvents(self, request, context):
        sent = 0
        while not self.ended.wait(0.01) and context.is_active():
            while sent < len(self.events):
                yield message({1: self.events[sent], 2: 1})
                sent += 1

    def run(self, command, name="worker", privileged=False, form="crio-{}"):
        """A container of the image's root, at once in its control group."""
        ident = os.urandom(32).hex()
        spec = json.loads(subprocess.run(["runc", "spec"], cwd=self.bundle, check=True, capture_output=True,
                                         text=True).stdout or (self.bundle / "config.json").read_text())
        (self.bundle / "config.json").unlink()
        bundle = self.path / ident[:12]
        bundle.mkdir()
        spec["root"] = {"path": str(self.path.parent / "rootfs"), "readonly": True}
        spec["process"].update(terminal=False, args=command)
        spec["process"].pop("rlimits", None)
        spec["linux"]["cgroupsPath"] = f"/{self.tag}-crio/" + form.format(ident)
        (bundle / "config.json").write_text(json.dumps(spec))
        self.containers[ident] = {"name": name, "pid": 0, "privileged": privileged}
        self.made.append(ident)
        self.runc("run", "-d", "-b", str(bundle), ident)
        return ident

    def runc(self, *words):
        self.actor.do("import subprocess; subprocess.run("
                      f"['runc', '--root', '{self.path}/runc', *{list(words)!r}], check=True, "
                      "stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)")

    def execute(self, ident, command):
        self.runc("exec", ident, *command)

    def remove_all(self):
        for ident in self.made:
            self.runc("delete", "-f", ident)
        self.made = []

    def stop(self):
        self.remove_all()
        self.ended.set()
        self.server.stop(None).wait(10)

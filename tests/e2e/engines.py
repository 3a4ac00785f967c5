# SPDX-License-Identifier: Apache-2.0
"""
Real container runtimes for the live tests, each with sockets, roots and control groups of its own. Their daemons are
children of an actor process, so that a sensor confined to the actor sees the containers and nothing else.
"""
import contextlib
import glob
import hashlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
import urllib.parse

IMAGE, TAG = "registry.example/team/web", "1.2"
PAUSE = "registry.example/pause:3"
# Programs of the image; all are one file.
APPLETS = ["sh", "ls", "cat", "sleep", "true", "id", "wget", "cp", "ln", "rm", "mkdir", "chmod", "nc", "mount", "dd",
           "find", "grep", "touch", "vi", "env", "echo", "kill", "tail", "chroot", "adduser", "su", "crond"]
# Tiny programs of names that rules know: a script each, which the kernel runs by its name.
SCRIPTS = ["apt-get", "apk", "nginx"]
PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1234:1234:an app:/home/app:/bin/sh\n"

# No capability that the machine itself may lack, and no limit it cannot raise.
WRAPPER = """#!/bin/sh
for word; do
	case $last in
	--bundle | -b) edit=$word/config.json ;;
	--process | -p) edit=$word ;;
	esac
	last=$word
done
[ -n "$edit" ] && sed -i -e 's/"CAP_SYS_RESOURCE",//g' -e 's/,"CAP_SYS_RESOURCE"//g' \\
	-e 's/"rlimits":\\[[^]]*\\],//' "$edit"
exec RUNTIME "$@"
"""


def make_runtime(path):
    wrapper = path / "runtime"
    wrapper.write_text(WRAPPER.replace("RUNTIME", "/usr/sbin/runc"))
    wrapper.chmod(0o755)
    return wrapper


def unmount(path):
    while subprocess.run(["umount", path], capture_output=True, check=False).returncode == 0:
        pass


def wait_for(what, timeout=30, pause=0.02):
    end = time.monotonic() + timeout
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(pause)


def image_root(path):
    """A root file system of one static program."""
    for d in ("bin", "etc", "tmp", "root", "home/app", "proc", "sys", "dev", "var/log"):
        (path / d).mkdir(parents=True)
    shutil.copy("/bin/busybox", path / "bin" / "busybox")
    for name in APPLETS:
        (path / "bin" / name).symlink_to("busybox")
    for name in SCRIPTS:
        script = path / "bin" / name
        script.write_text("#!/bin/busybox sh\n[ $# = 0 ] || \"$@\"\n")
        script.chmod(0o755)
    (path / "etc" / "passwd").write_text(PASSWD)
    (path / "etc" / "group").write_text("root:x:0:\napp:x:1234:\n")
    (path / "etc" / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    (path / "bin" / "su-root").write_bytes(b"#!/bin/busybox true\n")


def cgroups(tag):
    return [top for base in ("/sys/fs/cgroup/", "/sys/fs/cgroup/*/") for top in glob.glob(f"{base}{tag}-*")]


def end_processes(group):
    """Ours: the group is the run's own. podman's monitors of finished execs stay for minutes."""
    with open(os.path.join(group, "cgroup.procs"), encoding="ascii") as file:
        for pid in file.read().split():
            os.kill(int(pid), signal.SIGKILL)


def remove_cgroups(tag):
    """What is left of the control groups of a run, in every hierarchy, from the leaves up; a killed process takes time."""
    for _ in range(50):
        for top in cgroups(tag):
            for path, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    end_processes(path)
                    os.rmdir(path)
        if not cgroups(tag):
            return
        time.sleep(0.1)


def add_bytes(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def image_tar(root):
    """What `docker save` makes; every runtime loads it."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(root, arcname=".", filter=lambda i: i)
    data = layer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "config": {"Cmd": ["/bin/sleep", "600"], "Labels": {"maintainer": "tests"}},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add_bytes(tar, name, config)
        add_bytes(tar, "layer.tar", data)
        add_bytes(tar, "manifest.json", json.dumps(
            [{"Config": name, "RepoTags": [f"{IMAGE}:{TAG}", PAUSE], "Layers": ["layer.tar"]}]).encode())
    return out.getvalue()


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Daemon:
    """One process of the actor's, by a name of its own there."""

    def __init__(self, actor, name, command, log, env=None):
        self.actor, self.name = actor, name
        actor.do(f"import subprocess, os; {name} = subprocess.Popen({command!r}, stdout=open({str(log)!r}, 'ab'), "
                 f"stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=dict(os.environ, **{env or {}!r}))")

    def stop(self, sig=signal.SIGTERM):
        self.actor.do(f"{self.name}.send_signal({int(sig)}); "
                      f"{self.name}.wait(20)")


class DockerAPI:
    """The API that Docker and podman share."""

    def __init__(self, path, parent, extra=None):
        self.path, self.parent, self.extra = str(path), parent, extra or {}
        self.made = []

    def call(self, method, path, body=None, wanted=(200, 201, 204, 304), raw=None):
        c = UnixHTTP(self.path)
        try:
            data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
            headers = {"Content-Type": "application/x-tar" if raw is not None else "application/json"}
            c.request(method, path, body=data, headers=headers)
            r = c.getresponse()
            text = r.read()
            assert r.status in wanted, f"{method} {path}: {r.status} {text[:500]}"
            return text
        finally:
            c.close()

    def answers(self):
        try:
            return self.call("GET", "/_ping")
        except (OSError, AssertionError, http.client.HTTPException):
            return None

    def load(self, tar):
        self.call("POST", "/images/load", raw=tar)

    def create(self, command, name=None, **config):
        host = {"CgroupParent": self.parent, "NetworkMode": "none", **self.extra, **config.pop("HostConfig", {})}
        body = {"Image": f"{IMAGE}:{TAG}", "Cmd": command, "HostConfig": host, **config}
        query = "?name=" + urllib.parse.quote(name) if name else ""
        ident = json.loads(self.call("POST", "/containers/create" + query, body))["Id"]
        self.made.append(ident)
        return ident

    def run(self, command, name=None, **config):
        ident = self.create(command, name, **config)
        self.call("POST", f"/containers/{ident}/start")
        return ident

    def wait(self, ident):
        return json.loads(self.call("POST", f"/containers/{ident}/wait"))["StatusCode"]

    def execute(self, ident, command, tty=False):
        job = json.loads(self.call("POST", f"/containers/{ident}/exec",
                                   {"Cmd": command, "AttachStdout": True, "AttachStderr": True, "Tty": tty}))["Id"]
        return self.call("POST", f"/exec/{job}/start", {"Detach": False, "Tty": tty})

    def remove(self, ident):
        self.call("DELETE", f"/containers/{ident}?force=true&v=true", wanted=(200, 204, 404, 409, 500))

    def remove_all(self):
        for ident in self.made:
            self.remove(ident)
        self.made = []


class Docker:
    def __init__(self, actor, path, tag):
        self.actor, self.path = actor, path
        self.socket = path / "docker.sock"
        make_runtime(path)
        (path / "daemon.json").write_text("{}")
        self.api = DockerAPI(self.socket, f"/{tag}-docker")

    def start(self):
        p = self.path
        for stale in ("pid", "exec/containerd/containerd.pid"):  # of one that was killed
            (p / stale).unlink(missing_ok=True)
        command = ["unshare", "-n", "dockerd", "--data-root", f"{p}/root", "--exec-root", f"{p}/exec", "--pidfile",
                   f"{p}/pid", "-H", f"unix://{self.socket}", "--iptables=false", "--ip6tables=false",
                   "--ip-forward=false", "--ip-masq=false", "--bip=172.31.99.1/24", "--storage-driver=overlay2",
                   "--exec-opt", "native.cgroupdriver=cgroupfs", "--add-runtime", f"safe={p}/runtime",
                   "--default-runtime", "safe", "--config-file", f"{p}/daemon.json"]
        self.daemon = Daemon(self.actor, "dockerd", command, p / "log")
        wait_for(self.api.answers, 60)

    def load(self, tar):
        self.api.load(tar)

    def stop(self):
        self.api.remove_all()
        self.daemon.stop()
        unmount(self.path / "root")  # once for each daemon that was killed
        unmount(self.path / "exec/netns/default")


class Podman:
    def __init__(self, actor, path, tag):
        self.actor, self.path = actor, path
        self.socket = path / "podman.sock"
        wrapper = make_runtime(path)
        self.api = DockerAPI(self.socket, f"/{tag}-podman")
        (path / "containers.conf").write_text(
            '[containers]\ndefault_ulimits=["nofile=1024:20000","nproc=1024:4096"]\n'
            f'[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\nruntime="safe"\ntmp_dir="{path}/tmp"\n'
            f'events_logfile_path="{path}/events"\n'
            f'[engine.runtimes]\nsafe=["{wrapper}"]\n')
        (path / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        (path / "storage.conf").write_text(
            f'[storage]\ndriver="overlay"\ngraphroot="{path}/graph"\nrunroot="{path}/run"\n')

    def start(self):
        p = self.path
        self.daemon = Daemon(self.actor, "podman", ["podman", "system", "service", "-t", "0", f"unix://{self.socket}"],
                             p / "log", env={"CONTAINERS_CONF": f"{p}/containers.conf",
                                             "CONTAINERS_STORAGE_CONF": f"{p}/storage.conf",
                                             "CONTAINERS_POLICY": f"{p}/policy.json"})
        wait_for(self.api.answers, 60)

    def load(self, tar):
        self.api.load(tar)

    def stop(self):
        self.api.remove_all()
        self.daemon.stop()
        unmount(self.path / "graph" / "overlay")

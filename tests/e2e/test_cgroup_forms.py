# SPDX-License-Identifier: Apache-2.0
"""
Which container a process is in, by the path of its control group, in both kinds of hierarchies: the first program
that is executed there already says it. No runtime is asked; the groups are as runtimes make them.
"""
import contextlib
import os
import subprocess

import pytest

HEX = "0123456789abcdef" * 4
ID = HEX[:12]
POD = "pod11111111-2222-3333-4444-555555555555"

# Path of the group, and the container it tells, with the kind. In the test each form gets an id of its own: what a
# container's first path told stays.
FORMS = {
    f"docker/{HEX}": (ID, "docker"),
    f"system.slice/docker-{HEX}.scope": (ID, "docker"),
    f"kubepods/burstable/{POD}/{HEX}": (ID, "docker"),
    f"kubepods/besteffort/{POD}/{HEX}/system.slice/cron.service": (ID, "docker"),
    f"docker/{'f' * 64}/docker/{HEX}": (ID, "docker"),
    f"k8s.io/{HEX}": (ID, "docker"),
    f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{POD}.slice/cri-containerd-{HEX}.scope":
        (ID, "containerd"),
    f"system.slice/containerd.service/kubepods-burstable-{POD}.slice:cri-containerd:{HEX}": (ID, "containerd"),
    f"kubepods.slice/kubepods-{POD}.slice/crio-{HEX}.scope": (ID, "cri-o"),
    f"kubepods/{POD}/crio-{HEX}": (ID, "cri-o"),
    f"kubepods.slice/kubepods-{POD}.slice/crio-conmon-{HEX}.scope": ("host", "host"),
    f"machine.slice/libpod-{HEX}.scope": (ID, "podman"),
    f"machine.slice/libpod-{HEX}.scope/container": (ID, "podman"),
    f"user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{HEX}.scope": (ID, "podman"),
    f"machine.slice/libpod-payload-{HEX}": (ID, "podman"),
    f"machine.slice/libpod-conmon-{HEX}.scope": ("host", "host"),
    f"libpod_parent/libpod-{HEX}": (ID, "podman"),
    "lxc/web": ("web", "lxc"),
    "lxc.payload/web/init.scope": ("web", "lxc"),
    "lxc.payload.web": ("web", "lxc"),
    "lxc.monitor.web": ("host", "host"),
    "machine.slice/machine-lxc\\x2d42\\x2dvirt.scope": ("virt", "libvirt-lxc"),
    "libvirt/lxc/guest": ("guest", "libvirt-lxc"),
    "system.slice/bpm-job.scope": ("job", "bpm"),
    "machine.slice/systemd-nspawn@debian.service/payload": ("host", "host"),
    "machine.slice/machine-debian.scope": ("host", "host"),
    "system.slice/cron.service": ("host", "host"),
    "user.slice/user-1000.slice/session-1.scope": ("host", "host"),
}
# Two plain words may be anything: they count when a namespace that is not the host's bears witness.
DOUBTFUL = {"default/shop": ("shop", "containerd"), "moby/a-name-that-is-long": ("a-name-that-", "containerd")}

RULES = """
- rule: program
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and proc.name = true
  output: "%container.id %container.type %proc.args"
  priority: INFO
"""
ENTER = "import os, subprocess; p = subprocess.Popen({command!r}, preexec_fn=lambda: open({procs!r}, 'w').write('0')); p.wait(20)"


@contextlib.contextmanager
def hierarchy(kind, tmp):
    """Where groups of that kind can be made; none of this machine's own are touched."""
    top = tmp / "groups"
    top.mkdir()
    options = {"v2": ["-t", "cgroup2"], "v1": ["-t", "cgroup", "-o", "pids"]}[kind]
    made = subprocess.run(["mount", *options, "none", str(top)], check=False, capture_output=True)
    if made.returncode:
        pytest.fail(f"no hierarchy of kind {kind} can be mounted: {made.stderr}")
    try:
        yield top
    finally:
        subprocess.run(["umount", "-l", str(top)], check=True)


def remove(top, path):
    """The group and those above it that are empty."""
    while path != top:
        with contextlib.suppress(OSError):
            path.rmdir()
        path = path.parent


def run_in(actor, top, path, command):
    group = top / path
    group.mkdir(parents=True)
    try:
        actor.do(ENTER.format(command=command, procs=str(group / "cgroup.procs")))
    finally:
        remove(top, group)


def told(sensor, mark):
    alert = sensor.wait_alert(lambda a: a["output_fields"]["proc.args"] == mark, 20)[0]["output_fields"]
    return alert["container.id"], alert["container.type"]


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_forms(kind, sensor, actor, rules_file, tmp_path):
    s = sensor([rules_file(RULES)], f"pid:{actor.pid}",
               config="container_engines: {docker: {enabled: false}, podman: {enabled: false}, cri: {enabled: false}}\n")
    found, wanted = {}, {}
    with hierarchy(kind, tmp_path) as top:
        for i, (path, (ident, form)) in enumerate(FORMS.items()):
            own = f"{i:02x}" * 32
            run_in(actor, top, path.replace(HEX, own), ["/bin/true", f"form-{i}"])
            found[path], wanted[path] = told(s, f"form-{i}"), (ident.replace(ID, own[:12]), form)
        for i, (path, what) in enumerate(DOUBTFUL.items()):
            run_in(actor, top, path, ["/bin/true", f"host-{i}"])
            run_in(actor, top, path, ["unshare", "--pid", "--mount", "--fork", "/bin/true", f"foreign-{i}"])
            found[path], wanted[path] = (told(s, f"host-{i}"), told(s, f"foreign-{i}")), (("host", "host"), what)
    wrong = {path: (found[path], wanted[path]) for path in found if found[path] != wanted[path]}
    assert not wrong

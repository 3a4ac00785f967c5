# SPDX-License-Identifier: Apache-2.0
"""
Every command of the documents. A block marked `sh` is run in a freshly booted Debian that has the package beside it
(quickstart.md) or installed (the others); one marked `sh cluster` on the machine, with stand-ins for helm and kubectl
that know the rendered chart. The blocks of a kind in one document are run in order, in one place.
"""
import contextlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import debian
from host import ROOT, TIERCEL
from test_boot import Machine, confine

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```sh *(\w*)\n(.*?)^```$", re.M | re.S)
MACHINE = ["quickstart.md", "migration.md", "rules.md", "operations.md", "security.md"]
CLUSTER = ["quickstart.md", "chart.md"]


def scripts(name, kind):
    blocks = ["set -eux\n" + text for found, text in BLOCK.findall((DOCS / name).read_text()) if found == kind]
    assert blocks, f"{name} has no block of this kind"
    return blocks


def test_every_runnable_document_is_run():
    """A document with commands is in one of the lists, and a block is of a kind that is run."""
    for path in DOCS.glob("*.md"):
        for kind, _ in BLOCK.findall(path.read_text()):
            assert kind in ("", "cluster"), f"{path.name}: sh {kind}"
            assert path.name in (CLUSTER if kind else MACHINE), path.name


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What each document gets a copy of, and the package."""
    deb = debian.package()
    path = debian.unpack(deb, str(tmp_path_factory.mktemp("docs") / "root"))
    shutil.copy(deb, f"{path}/root/")
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("name", MACHINE)
def test_commands_on_a_host(root, name, tmp_path):
    here = str(tmp_path / "root")
    debian.run("cp", "-a", "--reflink=auto", root, here, timeout=300)
    with contextlib.ExitStack() as ends:
        machine = Machine(here, f"tiercel{os.getpid()}", ends)
        confine(machine)
        if name != "quickstart.md":
            machine.run("sh", "-c", "apt-get -q install -y --no-install-recommends /root/tiercel_*.deb")
            machine.run("sed", "-i", f"s/^tiercel:/tiercel:\\n  scope: pid:{machine.leader}/", "/etc/tiercel/tiercel.yaml")
        for text in scripts(name, ""):
            # As a new child of the machine's, so that what it does is seen.
            (pathlib.Path(here) / "root" / "commands").write_text(text)
            done = machine.try_run("systemd-run", "--quiet", "--wait", "--pipe", "--working-directory=/root",
                                   "bash", "/root/commands")
            assert done.returncode == 0, f"{name}:\n{done.stdout[-6000:]}"
    shutil.rmtree(here)


@pytest.fixture
def tools(tmp_path):
    """A PATH with the stand-ins, and a place to be in that looks like the tree."""
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("helm", "kubectl", "helmfile", "grpcurl"):
        (path / name).symlink_to(ROOT / "tests" / "docs" / "cluster.py")
    (path / "tiercel").write_text(f"#!/bin/sh\n[ \"$1\" != tail ] || exit 0\n[ \"$1\" != -r ] || set -- --dry-run \"$@\"\n"
                                  f"exec {TIERCEL} \"$@\"\n")
    (path / "tiercel").chmod(0o755)
    here = tmp_path / "here"
    here.mkdir()
    for name in ("charts", "docs", "rules"):
        (here / name).symlink_to(ROOT / name)
    return here, f"{path}:{os.environ['PATH']}"


@pytest.mark.parametrize("name", CLUSTER)
def test_commands_on_a_cluster(tools, name):
    here, path = tools
    for text in scripts(name, "cluster"):
        done = subprocess.run(["bash", "-c", text + "\nwait"], cwd=here, env={**os.environ, "PATH": path},
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{name}:\n{done.stdout}{done.stderr}"


def test_commands_of_the_readme_about_rules(tools):
    here, path = tools
    (here / "my_rules.yaml").write_text("- rule: Mine\n  desc: d\n  condition: evt.type = openat and fd.name = /x\n"
                                        "  output: seen %fd.name\n  priority: INFO\n")
    [text] = [text for _, text in BLOCK.findall((ROOT / "README.md").read_text()) if "tiercel check" in text]
    for line in text.splitlines():
        done = subprocess.run(["bash", "-ec", line], cwd=here, env={**os.environ, "PATH": path}, capture_output=True,
                              text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{line}:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("command", [
    "helm install falco charts/other --namespace x", "helm install falco charts/tiercel --set falco.jsonOuput=true",
    "kubectl -n gitlab-managed-apps logs -l app=other", "kubectl -n gitlab-managed-apps rollout status daemonset/other",
    "helm instal falco charts/tiercel", "kubectl -n default logs -l app=falco", "helm upgrade falco charts/tiercel -f no.yaml"])
def test_stand_ins_refuse_what_cannot_work(tools, command):
    here, path = tools
    done = subprocess.run(command.split(), cwd=here, env={**os.environ, "PATH": path}, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.startswith(command.split()[0] + ": "), done.stderr


def test_pictures_are_of_their_texts():
    spec = importlib.util.spec_from_file_location("svg", DOCS / "images" / "svg.py")
    svg = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(svg)
    texts = [p for p in (DOCS / "images").iterdir() if p.suffix in (".txt", ".draw")]
    assert len(texts) >= 2
    for path in texts:
        assert svg.picture(path) == path.with_suffix(".svg").read_text(), f"docs/images/svg.py {path}"

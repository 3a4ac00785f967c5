# SPDX-License-Identifier: Apache-2.0
"""Every line of docs/grpc.md, against a real server: the commands with a stand-in for grpcurl, the Python as it is."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from host import ROOT

DOC = (ROOT / "docs" / "grpc.md").read_text()
SOCKET = "/run/tiercel/tiercel.sock"
RULES = """
- rule: Example file opened
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name contains .example-
  output: "opened %fd.name"
  priority: WARNING
  tags: [files]
"""


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", DOC, re.M | re.S)


@pytest.fixture
def place(sensor, actor, rules_file, tmp_path):
    """A directory that looks like the tree, and where the socket of a running server is."""
    rules, socket = rules_file(RULES), tmp_path / "t.sock"
    s = sensor([rules], f"pid:{actor.pid}",
               config=f"grpc: {{enabled: true, bind_address: 'unix://{socket}'}}\ngrpc_output: {{enabled: true}}\n")
    for name in "one", "two", "three":
        actor.do(f"open({str(tmp_path)!r} + '/.example-{name}', 'w').close()")
    s.wait_alert(lambda a: a["rule"] == "Example file opened", count=3)
    here = tmp_path / "here"
    here.mkdir()
    (here / "proto").symlink_to(ROOT / "proto")
    (here / "mine.yaml").write_text(RULES)
    (here / "bin").mkdir()
    (here / "bin" / "grpcurl").write_text(f"#!/bin/sh\nPYTHONPATH={ROOT}/tests/e2e exec {sys.executable} -B "
                                          f"{ROOT}/tests/e2e/grpcurl.py \"$@\"\n")
    (here / "bin" / "grpcurl").chmod(0o755)
    (here / "bin" / "python3").symlink_to(sys.executable)
    return here, str(socket)


def run(command, here, timeout=240):
    env = {**os.environ, "PATH": f"{here}/bin:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_and_python(place):
    here, socket = place
    shown = [run(["bash", "-euxc", line.replace(SOCKET, socket)], here)
             for block in blocks("bash") for line in block.splitlines()]
    for text in ("tiercel.v1.Tiercel", "ValidateRules", "condition = 114", '"seq": "3"', ".example-one", '"matches": "3"',
                 '"identity": "uid:', '"valid": true', '"loaded": true', '"status": "SERVING"', '"condition": "evt.type in'):
        assert any(text in s for s in shown), text
    (here / "all.py").write_text("\n".join(blocks("python")).replace(SOCKET, socket))
    out = run([sys.executable, "all.py"], here)
    assert "Example file opened 3\n" in out and "3 opened /" in out and "missing" not in out
    assert '{"fd.name":' in out and "True" in out.splitlines()[-3]


def test_every_call_is_documented():
    """Each method of each service of ours has a line of both kinds."""
    for name, package in (("outputs", "falco.outputs"), ("version", "falco.version"), ("tiercel", "tiercel.v1")):
        text = pathlib.Path(ROOT / "proto" / f"{name}.proto").read_text()
        for method in re.findall(r"^  rpc (\w+)\(", text, re.M):
            assert any(f".{method}(" in b for b in blocks("python")), method
            assert method == "sub" or any(f"/{method}\n" in b for b in blocks("bash")), method
        assert f"package {package};" in text

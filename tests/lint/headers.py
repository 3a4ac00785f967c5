#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every header of the server compiles on its own, with the flags of a build directory."""
import json
import os
import shlex
import subprocess
import sys

from tree import files, finish

DATABASE = "build/compile_commands.json"


def flags():
    with open(DATABASE) as f:
        for entry in json.load(f):
            if "/server/base/" in entry["file"] and entry["file"].endswith(".c"):
                words = shlex.split(entry["command"])
                where = entry["directory"]
                return [os.path.join(where, w[2:]).join(("-I", "")) if w.startswith("-I") else w
                        for w in words if w.startswith(("-I", "-D", "-isystem", "-std"))]
    return []


def main():
    if not os.path.exists(DATABASE):
        print(f"no {DATABASE} (./dev build): headers not compiled")
        return
    common = ["gcc", "-fsyntax-only", "-x", "c", *flags()]
    faults = []
    for name in files("server/*.h", "probe/abi/*.h"):
        done = subprocess.run([*common, "-include", name, "/dev/null"], capture_output=True, text=True)
        if done.returncode:
            faults.append((name, 1, "is not self-contained: " + done.stderr.strip()))
    finish(faults)


sys.exit(main())

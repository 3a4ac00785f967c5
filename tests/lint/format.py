#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file is as clang-format leaves it (./dev format)."""
import re
import subprocess

from tree import files, finish

done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files("*.c", "*.h")],
                      capture_output=True, text=True)
places = re.findall(r"^([^:\n]+):(\d+):\d+: error", done.stderr, re.M)
faults = [(name, int(line), "not as ./dev format leaves it") for name, line in dict.fromkeys(places)]
if done.returncode and not faults:
    faults = [("clang-format", 0, done.stderr.strip())]
finish(faults)

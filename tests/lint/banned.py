#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that CONVENTIONS.md does not allow; base/ has the checked versions."""
import re

from tree import code, files, finish

BANNED = "strcpy strcat sprintf vsprintf strtok atoi atol atoll strtol strtoul strtoll strtoull gets " \
         "system popen rand srand signal".split()
# A member of that name (ops->signal(...)) is something else.
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")

faults = []
for name in files("*.c", "*.h", "*.cc", "*.cpp"):
    for number, line in enumerate(code(name).splitlines(), 1):
        for match in CALL.finditer(line):
            faults.append((name, number, f"{match.group(1)} is banned"))
finish(faults)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that CONVENTIONS.md does not allow; base/ has the checked versions.

Example clients are programs of their own without base/, so the numbers they read from a command line may
go through the strto family.
"""
import re

from tree import code, files, finish

BANNED = "strcpy strcat sprintf vsprintf strtok atoi atol atoll gets system popen rand srand signal"
NUMBERS = "strtol strtoul strtoll strtoull"


def calls(words):
    # A member of that name (ops->signal(...)) is something else.
    return re.compile(r"(?<![\w.>])(" + words.replace(" ", "|") + r")\s*\(")


EVERYWHERE, IN_THE_SERVER = calls(BANNED), calls(BANNED + " " + NUMBERS)

faults = []
for name in files("*.c", "*.h", "*.cc", "*.cpp"):
    for number, line in enumerate(code(name).splitlines(), 1):
        banned = EVERYWHERE if name.startswith("client-examples/") else IN_THE_SERVER
        for match in banned.finditer(line):
            faults.append((name, number, f"{match.group(1)} is banned"))
finish(faults)

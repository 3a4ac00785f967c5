#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What must hold of every file and of the event table.

 - events.def: codes ascend without a hole (ours from 512 on), ids are unique, parameters have unique
   names, and a dirfd names an earlier or later parameter that exists
 - a C file starts with its licence and a comment that says what it is for; probe/ is dual-licensed,
   because its programs run in the kernel
 - no C file is longer than 900 lines, and nothing is left to be done later in a comment
"""
import re

from tree import files, finish, text

EVENTS = "probe/abi/events.def"
OURS = 512
LONGEST = 900
LATER = re.compile(r"\b(" + "TO" "DO|" "FIX" r"ME)\b")
EVENT = re.compile(r'^EVENT\((\d+), (\w+), "([^"]*)"')
PARAM = re.compile(r"\bP[FD]?\((\w+), \w+, \w+(?:, (\w+))?\)")
DIRFD = re.compile(r"\bPD\((\w+), \w+, \w+, (\d+)\)")


def event_rows():
    """(line, code, id, text of the row)"""
    rows = []
    for number, line in enumerate(text(EVENTS).splitlines(), 1):
        match = EVENT.match(line)
        if match:
            rows.append([number, int(match.group(1)), match.group(2), line])
        elif line.startswith("EVENT("):
            rows.append([number, -1, "", line])
        elif rows and line[:1] in (" ", "\t"):
            rows[-1][3] += line
    return rows


def event_faults():
    wanted, ids = 0, {}
    for number, code, name, row in event_rows():
        if code == OURS and wanted < OURS:
            wanted = OURS
        if code != wanted:
            yield EVENTS, number, f"code {code} where {wanted} is next"
        wanted = code + 1
        if name in ids:
            yield EVENTS, number, f"{name} is already in line {ids[name]}"
        ids[name] = number
        names = [p[0] for p in PARAM.findall(row)]
        for twice in sorted({n for n in names if names.count(n) > 1}):
            yield EVENTS, number, f"two parameters are called {twice}"
        for path, dirfd in DIRFD.findall(row):
            if int(dirfd) >= len(names):
                yield EVENTS, number, f"{path} is relative to parameter {dirfd}, which does not exist"


def head_faults(name):
    lines = text(name).splitlines()
    licence = "(GPL-2.0 OR MIT)" if name.startswith("probe/") else "Apache-2.0"
    if not lines or not re.match(rf"(/\*|//) SPDX-License-Identifier: {re.escape(licence)}", lines[0]):
        yield name, 1, f"does not start with SPDX-License-Identifier: {licence}"
    elif not any(line.startswith(("/*", "//")) for line in lines[1:3]):
        yield name, 2, "has no opening comment that says what it is for"
    if len(lines) > LONGEST and not name.endswith(".def"):
        yield name, len(lines), f"is longer than {LONGEST} lines: split it"


def later_faults(name):
    for number, line in enumerate(text(name).splitlines(), 1):
        match = LATER.search(line)
        if match:
            yield name, number, f"{match.group()}: do it now or open an issue"


faults = list(event_faults())
for name in files("*.c", "*.h", "*.cc", "*.cpp", "*.def"):
    faults.extend(head_faults(name))
for name in files("*.c", "*.h", "*.cc", "*.cpp", "*.def", "*.py", "*.proto", "*meson.build", "dev",
                  "rules/*.yaml"):
    faults.extend(later_faults(name))
finish(faults)

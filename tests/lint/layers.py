#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A directory of server/ includes only from itself and from those before it.

The order is that of server/meson.build. Two directories are stricter: base/ knows libc and nothing
else, filter/ is a pure language and knows base/ only. probe/ knows nothing of server/.
"""
import re

from tree import files, finish, text

ORDER = re.findall(r"^subdir\('(\w+)'\)", text("server/meson.build"), re.M)
ONLY = {"base": {"base"}, "filter": {"base", "filter"}}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
FOREIGN = re.compile(r"^(uv|yaml|sqlite3|jansson|seccomp|cap-ng|microhttpd)\.h$|"
                     r"^(bpf|grpc|google|openssl|protobuf-c|curl|systemd|re2)/")
PURE = {"base", "filter"}


def allowed(directory):
    return ONLY.get(directory, set(ORDER[:ORDER.index(directory) + 1]))


def faults_of(name):
    top, directory = name.split("/")[:2]
    for number, line in enumerate(text(name).splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        first = target.split("/")[0]
        if quote == "<":
            # regex.cc is filter/'s face of RE2, the one library the language is defined by
            if directory in PURE and FOREIGN.match(target) and not target.startswith("re2/"):
                yield name, number, f"{directory}/ uses libc only, not <{target}>"
        elif ".." in target.split("/"):
            yield name, number, f"write the path from server/, not {target}"
        elif top == "probe" and first in ORDER:
            yield name, number, f"probe/ includes {target} of the server"
        elif directory == "filter" and first in ("probe", "proto"):
            yield name, number, f"filter/ knows no events, but includes {target}"
        elif top == "server" and "/" in target and first in ORDER and first not in allowed(directory):
            yield name, number, f"{directory}/ comes before {first}/ and must not include {target}"


def main():
    faults = []
    for name in files("server/*/*.c", "server/*/*.h", "server/*/*.cc", "server/*/*.cpp",
                      "probe/*.c", "probe/*.h"):
        top, directory = name.split("/")[:2]
        if top == "server" and directory not in ORDER:
            faults.append((name, 1, f"server/{directory}/ is not in server/meson.build"))
        else:
            faults.extend(faults_of(name))
    finish(faults)


main()

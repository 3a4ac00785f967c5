# SPDX-License-Identifier: Apache-2.0
"""settings.py TEMPLATE PROGRAM OUT: the template with `@SETTINGS@` replaced by what the program lists."""
import re
import subprocess
import sys


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text))


def main():
    template, program, out = sys.argv[1:]
    listing = subprocess.run([program, "list", "settings", "--markdown"], check=True, capture_output=True,
                             text=True).stdout
    rows = [[c.strip() for c in re.split(r"(?<!\\)\|", line)] for line in listing.splitlines()
            if line.startswith("`") and line.count("|") >= 3]
    assert len(rows) > 80, "the form of the listing has changed"
    lines = []
    for key, values, default, meaning in rows:
        default = default.strip("`")
        note = f"{values}; default {default}" if default else values
        lines += [".TP", f".B {roff(key.strip('`'))}", f"{roff(meaning)}", f"({roff(note)})"]
    with open(template, encoding="utf-8") as f:
        text = f.read().replace("@SETTINGS@", "\n".join(lines).replace("\\|", "|"))
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)


main()

# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the files of the tree, C text without comments and strings, reporting."""
import fnmatch
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)


def _all_files():
    try:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                             capture_output=True, text=True).stdout
        names = out.splitlines()
    except (OSError, subprocess.CalledProcessError):  # an exported tree
        names = [os.path.relpath(os.path.join(d, f), ".") for d, _, fs in os.walk(".") for f in fs
                 if not d.startswith("./build")]
    return sorted(n for n in names if os.path.isfile(n))


def files(*patterns):
    """Names of the tree's own files that match one of the patterns (`*` crosses slashes)."""
    return [n for n in _all_files() if any(fnmatch.fnmatch(n, p) for p in patterns)]


def text(name):
    with open(name, encoding="utf-8", errors="replace") as f:
        return f.read()


_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(name):
    """C text with comments and literals blanked, lines kept."""
    return _TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text(name))


def finish(faults):
    """Print faults (file, line, text), exit 1 if there are any."""
    for name, line, what in faults:
        print(f"{name}:{line}: {what}")
    sys.exit(1 if faults else 0)

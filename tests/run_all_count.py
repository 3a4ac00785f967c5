#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Count the tests of one report: prints "passed failed skipped".

Reads meson's testlog.json (one JSON object per line) and pytest's JUnit XML. A report that is absent,
empty or broken means that its tests did not run, so it counts as one failure: a step that dies early
must never look like success.
"""
import json
import sys
import xml.etree.ElementTree as ElementTree

GOOD = {"OK", "EXPECTEDFAIL"}


def count_meson(path):
    results = [json.loads(line)["result"] for line in open(path) if line.strip()]
    passed = sum(r in GOOD for r in results)
    skipped = sum(r == "SKIP" for r in results)
    return passed, len(results) - passed - skipped, skipped


def count_junit(path):
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            failed += 1
        elif "skipped" in outcomes:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    path = sys.argv[1]
    try:
        counts = count_junit(path) if path.endswith(".xml") else count_meson(path)
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as e:
        print(f"{path}: no usable report: {e}", file=sys.stderr)
        counts = 0, 0, 0
    print(*(counts if any(counts) else (0, 1, 0)))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which test proves which event and field: docs/coverage.md, written anew with UPDATE_GOLDEN=1.

An event is proven by a test of the probe (tests/bpf) that asserts its parameters after doing the call; a field by a row of
PROOFS or an assertion about a live alert (tests/e2e). What the rules of this tree use must be proven, and of all that
have values 95 in a hundred.
"""
import ast
import os
import pathlib
import re
import sys

from tree import ROOT, files, finish, text

DOCUMENT = "docs/coverage.md"
LEAST = 0.95
EVENT = re.compile(r'^EVENT\(\d+, (\w+), "([^"]*)", (\w+), CURRENT, \w+, (SYSCALL|TRACEPOINT),', re.M)
SEEN = re.compile(r"(?:\{|watch_get\(&?w,|type [!=]=|fault_at\(&?w,) ?EV_(\w+)")
FIELD = re.compile(r'^FIELD\("([^"]+)",\s*"([^"]+)",\s*\w+,[^;]*?\b(x_\w+),[^"]*"([^"]*)', re.M)
FALCO = ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"]


def events():
    """Id and name of all that the kernel can tell."""
    return [(ident, name) for ident, name, direction, kind in EVENT.findall(text("probe/abi/events.def"))
            if kind == "TRACEPOINT" or direction == "EXIT"]


def fields():
    """Names of all that can have a value, and of those that never have one."""
    rows = FIELD.findall(text("server/fields/fields.def"))
    never = [n for n, _, fn, words in rows if fn == "x_none" or "never has a value" in words]
    return [n for n, *_ in rows if n not in never], never


def event_proofs():
    proofs = {}
    for name in files("tests/bpf/test_*.c"):
        for ident in SEEN.findall(text(name)):
            proofs.setdefault(ident, name)
    return proofs


def plain(field):
    """Without its argument."""
    field = re.sub(r"\[.*", "", field)
    for with_argument in ("evt.arg", "evt.rawarg", "evt.type.is", "evt.abspath", "thread.cgroup"):
        if field.startswith(with_argument + "."):
            return with_argument
    return field


def keys(tree):
    """Texts that are keys of dictionaries, and conditions in lists."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
        if isinstance(node, ast.List):
            for item in node.elts:
                if isinstance(item, ast.Constant) and isinstance(item.value, str):
                    yield from re.findall(r"^\w[\w.]+", item.value)


def field_proofs(known):
    proofs = {}
    for name in files("tests/e2e/test_*fields.py"):
        for key in keys(ast.parse(text(name))):
            proofs.setdefault(plain(key), name)
    for name in files("tests/e2e/test_*.py"):
        for line in text(name).splitlines():
            if "assert" in line:
                for key in re.findall(r'\["([a-z0-9_]+\.[^"]+)"\]', line):
                    proofs.setdefault(plain(key), name)
    return {f: name for f, name in proofs.items() if f in known}


def used(known_events, known_fields):
    """Names in this tree's rules, and in Falco's where they are at hand."""
    paths = [pathlib.Path(ROOT, n) for n in files("rules/*.yaml")]
    paths += [p for p in (pathlib.Path(ROOT, "..", "shared", "falco-rules", n) for n in FALCO) if p.exists()]
    words = set()
    for path in paths:
        words |= set(re.findall(r"[a-z0-9_][\w.]*", re.sub(r"^\s*#.*", "", path.read_text(), flags=re.M)))
    return ([i for i, n in known_events if n in words], [f for f in known_fields if f in {plain(w) for w in words}])


def table(head, rows):
    return [f"| {head} | proven by |", "|---|---|", *(f"| `{name}` | {proof or '-'} |" for name, proof in rows), ""]


def document(known_events, proven_events, known, never, proven):
    count = sum(i in proven_events for i, _ in known_events)
    lines = ["# What is proven", "", "Made by `tests/lint/coverage.py`. A proof is a live event whose value is compared with what "
             "is known otherwise:", "the arguments of the call, `/proc`, what the container runtime says.", "",
             f"Events: {count} of {len(known_events)}. Fields: {len(proven)} of {len(known)}; {len(never)} more are known but never "
             "have a value", "([fields.md](fields.md) says why).", "", "## Events", ""]
    lines += table("event", [(f"{n}` `{i}", proven_events.get(i)) for i, n in known_events])
    lines += ["## Fields", ""]
    lines += table("field", [(f, proven.get(f)) for f in known])
    lines += ["## Fields without values", "", ", ".join(f"`{f}`" for f in never) + "", ""]
    return "\n".join(lines)


def main():
    known_events, (known, never) = events(), fields()
    proven_events, proven = event_proofs(), field_proofs(known)
    now = document(known_events, proven_events, known, never, proven)
    if os.environ.get("UPDATE_GOLDEN"):
        pathlib.Path(DOCUMENT).write_text(now, encoding="utf-8")
    faults = []
    if not os.path.exists(DOCUMENT) or text(DOCUMENT) != now:
        faults.append((DOCUMENT, 1, "is stale: UPDATE_GOLDEN=1 tests/lint/coverage.py"))
    used_events, used_fields = used(known_events, known)
    faults += [(DOCUMENT, 1, f"{n} is used by rules and not proven")
               for n in [i for i in used_events if i not in proven_events] + [f for f in used_fields if f not in proven]]
    for what, part, all_of in (("events", sum(i in proven_events for i, _ in known_events), known_events),
                               ("fields", len(proven), known)):
        if part < LEAST * len(all_of):
            faults.append((DOCUMENT, 1, f"only {part} of {len(all_of)} {what} are proven"))
    finish(faults)


sys.dont_write_bytecode = True
main()

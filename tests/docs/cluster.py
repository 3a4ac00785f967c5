#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
helm, kubectl, helmfile and grpcurl where there is no cluster, for the commands of the documents. Called by one of
these names it refuses what could not work on the chart: unknown commands and flags, files that are not there, values
that the chart does not know, and objects that are not in the rendered manifests.
"""
import base64
import os
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "tiercel"
GOLDEN = ROOT / "tests" / "chart" / "golden"
NAMESPACE = "gitlab-managed-apps"
COMMANDS = {
    "helm": {"install", "upgrade", "template", "lint", "uninstall"},
    "kubectl": {"logs", "get", "rollout", "port-forward", "run", "create", "delete", "describe"},
    "helmfile": {"apply", "template"},
    "grpcurl": {"localhost:5060"},
}
# Flags, and whether a value follows.
FLAGS = {
    "helm": {"--namespace": 1, "-n": 1, "--create-namespace": 0, "-f": 1, "--values": 1, "--set": 1, "--set-file": 1,
             "--version": 1, "--install": 0, "--strict": 0, "--wait": 0, "--atomic": 0},
    "kubectl": {"-n": 1, "--namespace": 1, "-l": 1, "-f": 0, "-o": 1, "--tail": 1, "--rm": 0, "-i": 0, "--restart": 1,
                "--image": 1, "--from-file": 1, "--cascade": 1},
    "helmfile": {"--file": 1, "-f": 1, "--suppress-secrets": 0},
    "grpcurl": {"-cacert": 1, "-cert": 1, "-key": 1, "-d": 1},
}


def refuse(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


def parse(tool, words):
    """Words that are no flags, and [(flag, value)]."""
    plain, flags = [], []
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if not word.startswith("-"):
            plain.append(word)
            continue
        name, given, value = word.partition("=")
        if name not in FLAGS[tool]:
            refuse(f"unknown flag {name}")
        if FLAGS[tool][name] and not given:
            value = words.pop(0)
        flags.append((name, value))
    return plain, flags


def objects():
    for path in sorted(GOLDEN.glob("*.yaml")):
        yield from (o for o in yaml.safe_load_all(path.read_text()) if o)


def known_value(path):
    known = yaml.safe_load((CHART / "files" / "known.yaml").read_text())
    camel = yaml.safe_load((CHART / "files" / "camel.yaml").read_text())
    for name in path.split("."):
        if known == "any":
            return
        name = name if name in known else camel.get(name, name)
        if name not in known:
            refuse(f"the chart does not know the value {path}")
        known = known[name]


def leaves(tree, path=""):
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


def file_there(path):
    if not os.path.isfile(path):
        refuse(f"{path} is not there")
    return path


def helm(plain, flags):
    for name, value in flags:
        if name in ("-f", "--values"):
            with open(file_there(value), encoding="utf-8") as file:
                for leaf in leaves(yaml.safe_load(file) or {}):
                    known_value(leaf)
        elif name in ("--set", "--set-file"):
            key, _, what = value.partition("=")
            known_value(key.replace("\\.", "/"))
            if name == "--set-file":
                file_there(what)
    for word in plain[1:]:
        if "/" in word and not (ROOT / word / "Chart.yaml").is_file():
            refuse(f"{word} is no chart")


def secret(name):
    """The Job makes what the manifests do not have; its script names the keys."""
    mounted = [v["secret"]["secretName"] for o in objects() if o["kind"] in ("DaemonSet", "Deployment")
               for v in o["spec"]["template"]["spec"]["volumes"] if "secret" in v]
    if name not in mounted + ["falco-client-certs"]:
        refuse(f"no secret {name}")


def kubectl(plain, flags):
    flags = dict(flags)
    if plain[0] not in ("run", "create") and flags.get("-n", flags.get("--namespace")) != NAMESPACE:
        refuse(f"in which namespace? The documents are about {NAMESPACE}")
    if "-l" in flags:
        key, _, value = flags["-l"].partition("=")
        if not any(o["spec"]["template"]["metadata"]["labels"].get(key) == value
                   for o in objects() if o["kind"] == "DaemonSet"):
            refuse(f"no pod has the label {flags['-l']}")
    for name, value in flags.items():
        if name == "--from-file":
            file_there(value.partition("=")[2] or value)
    if plain[0] == "get" and plain[1] == "secret":
        secret(plain[2])
        print(base64.b64encode(b"-----").decode(), end="")
        return
    if plain[0] not in ("rollout", "port-forward", "delete", "describe"):
        return
    kind, _, name = ("/".join(plain[1:3]) if plain[0] == "delete" else plain[-2 if plain[0] == "port-forward" else -1]).partition("/")
    if not any(
            o["kind"].lower() == kind and o["metadata"]["name"] == name for o in objects()):
        refuse(f"no {kind} {name}")


def helmfile(_, flags):
    for name, value in flags:
        if name in ("--file", "-f"):
            file_there(value)


def grpcurl(plain, flags):
    for name, value in flags:
        if name.startswith(("-ca", "-ce", "-k")):
            file_there(value)
    service, _, method = plain[1].partition("/")
    if not any(f"service service" in p.read_text() and method in p.read_text() for p in (ROOT / "proto").glob("*.proto")):
        refuse(f"no method {service}/{method}")


def main():
    tool = pathlib.Path(sys.argv[0]).name
    plain, flags = parse(tool, sys.argv[1:])
    if not plain or plain[0] not in COMMANDS[tool]:
        refuse(f"unknown command {plain[:1]}")
    {"helm": helm, "kubectl": kubectl, "helmfile": helmfile, "grpcurl": grpcurl}[tool](plain, flags)


if __name__ == "__main__":
    main()

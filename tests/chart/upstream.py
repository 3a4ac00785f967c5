# SPDX-License-Identifier: Apache-2.0
"""
upstream.py HELM VALUES...: what this chart makes of every value that a values.yaml of another chart has. Each is
changed alone, and the render compared with one where it is as it was. Prints rows of the file that
tests/chart/README.md names: the value, and "changes" (the manifests), "refused" or "noted" with what is said.
"""
import concurrent.futures
import copy
import csv
import os
import pathlib
import re
import subprocess
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parents[2] / "charts" / "tiercel"
# What must be on before a value below has a meaning, here as in the other charts.
CONTEXT = {
    "metrics": {"metrics": {"enabled": True}},
    "serviceMonitor": {"metrics": {"enabled": True}, "serviceMonitor": {"create": True}},
    "grafana": {"grafana": {"dashboards": {"enabled": True, "configMaps": {"falco": {"folder": "a"}}}}},
    "controller.deployment": {"controller": {"kind": "deployment"}},
    "certs": {"certs": {"server": {"key": "k", "crt": "c"}, "ca": {"crt": "a"}, "client": {"key": "k", "crt": "c"}}},
    "falcosidekick": {"falcosidekick": {"enabled": True}},
    "fakeEventGenerator": {"fakeEventGenerator": {"enabled": True}},
    **{f"integrations.{name}": {"integrations": {name: {"enabled": True}}}
       for name in ("gcscc", "natsOutput", "snsOutput", "pubsubOutput")},
}
# Values that are already on here where the other chart has them off, or that take words of a list only.
GIVEN = {
    "image.pullPolicy": "Always", "controller.kind": "deployment", "metrics.interval": "5m",
    "serviceMonitor.scheme": "https", "driver.kind": "kmod", "metrics.service.type": "NodePort",
    "imagePullSecrets": [{"name": "registry"}], "services": [{"name": "s", "ports": [{"port": 1}]}],
    "extra.env": [{"name": "A", "value": "b"}], "customRules": {"mine.yaml": "[]"},
    "falco.plugins": [{"name": "json", "library_path": "libjson.so"}], "falco.rule_matching": "all",
    "ebpf.enabled": False, "driver.modernEbpf.leastPrivileged": False,
    "falco.syscall_event_drops.threshold": 0.5,
    **{name: True for name in (
        "metrics.enabled", "serviceMonitor.create", "grafana.dashboards.enabled", "driver.loader.enabled",
        "falcosidekick.enabled", "fakeEventGenerator.enabled", "falcoctl.artifact.install.enabled",
        "falcoctl.artifact.follow.enabled")},
    **{f"falco.{name}": value for name, value in {
        "priority": "error", "logLevel": "error", "log_level": "error", "timeFormatISO8601": False,
        "time_format_iso_8601": False, "logSyslog": True, "log_syslog": True, "syslogOutput.enabled": True,
        "syslog_output.enabled": True, "grpc.enabled": False, "grpcOutput.enabled": False}.items()},
}


def leaves(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, path + (key,))
        else:
            yield path + (key,), value


def another(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, list):
        return value + [copy.deepcopy(value[0]) if value else "another"]
    if isinstance(value, dict):
        return {"another": "value"}
    return (value or "") + "another"


def context_of(name):
    found = [tree for prefix, tree in CONTEXT.items() if name == prefix or name.startswith(prefix + ".")]
    return copy.deepcopy(found[0]) if found else {}


def render(helm, tree):
    """The manifests, and what is said of the values."""
    command = [helm, "template", "falco", str(CHART), "--kube-version", "1.27.0", "--api-versions",
               "security.openshift.io/v1", "-f", "-"]
    done = subprocess.run(command, input=yaml.safe_dump(tree), capture_output=True, text=True, check=False)
    if done.returncode:
        return None, [line.strip(" -") for line in done.stderr.splitlines() if line.strip()][-1:]
    return re.sub(r"^ *# note: .*\n", "", done.stdout, flags=re.M), re.findall(r"^ *# note: (.*)", done.stdout, re.M)


def effect(helm, path, value):
    name = ".".join(path)
    tree = context_of(name)
    at = tree
    for key in path[:-1]:
        at = at.setdefault(key, {})
    at.pop(path[-1], None)
    manifests_before, said_before = render(helm, tree)
    at[path[-1]] = GIVEN[name] if name in GIVEN else another(value)
    manifests, said = render(helm, tree)
    if manifests is None:
        return name, "refused", said[0]
    # First what only this value makes it say, then what is said of the part of the values that it is in.
    about = [s for s in said if same_branch(s.split(":")[0].removesuffix(".enabled"), name)]
    new = [s for s in about if s not in said_before]
    if not new and manifests != manifests_before:
        return name, "changes", ""
    return (name, "noted", (new or about)[0]) if about else (name, "ignored", "")


def same_branch(one, other):
    """Whether one name lies below the other, however it is spelt."""
    one, other = ([re.sub("[^a-z0-9]", "", part.lower()) for part in n.split(".")] for n in (one, other))
    return one[:len(other)] == other or other[:len(one)] == one


def rows(helm, paths):
    values = [leaf for path in paths for leaf in leaves(yaml.safe_load(pathlib.Path(path).read_text()))]
    unique = {".".join(path): (path, value) for path, value in values}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sorted(pool.map(lambda leaf: effect(helm, *leaf), unique.values()))


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["value", "effect", "said"])
    writer.writerows(rows(sys.argv[1], sys.argv[2:]))

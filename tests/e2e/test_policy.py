# SPDX-License-Identifier: Apache-2.0
"""The default policy loads without a warning, does what its tests say, and carries old custom rules."""
import collections
import functools
import json
import os
import subprocess

import pytest
import yaml

import policies
from host import ROOT, TIERCEL

POLICY = [ROOT / "rules" / name for name in policies.FILES.values()]
TESTS = sorted((ROOT / "rules" / "tests").glob("*_test.yaml"))
BLOG = ROOT / "tests" / "e2e" / "data" / "blog-rules.yaml"


def tiercel(*args):
    return subprocess.run([TIERCEL, *map(str, args)], cwd=ROOT, capture_output=True, text=True, timeout=60)


def issues(done):
    """Errors and warnings of `check`, as (file, code, message)."""
    report = json.loads(done.stdout)
    return [(r["name"], i["code"], i["message"]) for r in report["falco_load_results"]
            for i in r["errors"] + r["warnings"]]


@functools.cache
def rules():
    return {item["rule"]: item for path in POLICY for item in yaml.safe_load(path.read_text()) if "rule" in item}


@pytest.mark.parametrize("files", [POLICY[:1], POLICY, [*POLICY, BLOG]],
                         ids=["stable level", "all levels", "beside custom rules"])
def test_loads_without_a_word(files):
    done = tiercel("check", "--json", *files)
    assert issues(done) == []
    assert done.returncode == 0, done.stderr


def test_a_directory_is_loaded_in_order():
    assert sorted(path.name for path in (ROOT / "rules").glob("*.yaml")) == [path.name for path in POLICY]
    done = tiercel("-L", "--json", "-r", ROOT / "rules")
    assert {r["info"]["name"] for r in json.loads(done.stdout)["rules"]} == set(rules()), done.stderr


def test_every_rule_is_tagged_described_and_fitted():
    assert len(rules()) >= 60
    for name, rule in rules().items():
        levels = [t for t in rule["tags"] if t.startswith("maturity_")]
        assert len(levels) == 1 and levels[0][len("maturity_"):] in policies.LEVELS, name
        assert tactic(rule) in policies.TACTICS and rule["desc"].strip() and rule["exceptions"], name
    for path, level in zip(POLICY, policies.LEVELS):
        assert {t for i in yaml.safe_load(path.read_text()) if "rule" in i for t in i["tags"] if "maturity" in t} \
            == {f"maturity_{level}"}


def tactic(rule):
    return next(t for t in rule["tags"] if t.startswith("mitre_"))[len("mitre_"):]


def test_every_rule_has_a_match_and_two_near_misses():
    seen = collections.Counter()
    for path in TESTS:
        for test in yaml.safe_load(path.read_text()):
            if "test" in test:
                seen[test["rule"], test["expect"]] += 1
                assert tactic(rules()[test["rule"]]) == path.name.removesuffix("_test.yaml"), test
    assert [r for r in rules() if seen[r, True] < 1 or seen[r, False] < 2] == []


def test_rules_do_what_they_say():
    done = tiercel("test", "--json", "rules")
    result = json.loads(done.stdout)
    assert [t for t in result["tests"] if not t["ok"]] == []
    assert result["failed"] == 0 and result["passed"] >= 180
    assert done.returncode == 0


def test_a_wrong_expectation_fails(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(f"- rules: [{POLICY[0]}]\n"
                     "- test: ls is no wiping tool\n"
                     "  rule: Data wiped\n"
                     "  event: {evt.type: execve, evt.res: SUCCESS, proc.name: ls}\n"
                     "  expect: true\n")
    done = tiercel("test", "--json", wrong)
    assert json.loads(done.stdout)["failed"] == 1
    assert done.returncode == 1


def test_an_exception_of_ones_own_silences(tmp_path):
    """As docs/policies.md shows it."""
    own = tmp_path / "own.yaml"
    example = policies.INTRODUCTION.format(total=0, stable=0, incubating=0, sandbox=0).split("```yaml\n")[2]
    own.write_text(example.split("```")[0])
    event = "{evt.type: openat, fd.num: 3, fd.typechar: f, evt.is_open_read: true, fd.name: /etc/shadow, " \
            "proc.name: backup, proc.exepath: %s}"
    test = tmp_path / "own_test.yaml"
    test.write_text(f"- rules: [{POLICY[0]}, {own}]\n"
                    "- {test: ours, rule: Sensitive file read, expect: false, event: "
                    + event % "/usr/local/bin/backup" + "}\n"
                    "- {test: another, rule: Sensitive file read, expect: true, event: "
                    + event % "/tmp/backup" + "}\n")
    done = tiercel("test", test)
    assert done.returncode == 0, done.stdout


def test_the_table_of_rules_is_current():
    described = json.loads(tiercel("-L", "--json", "-r", ROOT / "rules").stdout)
    page = policies.page(described, {name: tactic(rule) for name, rule in rules().items()})
    path = ROOT / "docs" / "policies.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(page)
    assert path.read_text() == page, "UPDATE_GOLDEN=1 writes it anew"

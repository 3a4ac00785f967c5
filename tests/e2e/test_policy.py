# SPDX-License-Identifier: Apache-2.0
"""The default policy loads without a warning, does what its tests say, and carries old custom rules."""
import json
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIERCEL = os.path.abspath(os.environ.get("TIERCEL", os.path.join(ROOT, "build/server/tiercel")))
POLICY = "rules/tiercel_rules.yaml"
POLICY_TESTS = "rules/tests/tiercel_rules_test.yaml"
BLOG = "tests/e2e/data/blog-rules.yaml"


def tiercel(*args):
    return subprocess.run([TIERCEL, *args], cwd=ROOT, capture_output=True, text=True, timeout=60)


def issues(done):
    """Errors and warnings of `check`, as (file, code, message)."""
    report = json.loads(done.stdout)
    return [(r["name"], i["code"], i["message"]) for r in report["falco_load_results"]
            for i in r["errors"] + r["warnings"]]


@pytest.mark.parametrize("files", [[POLICY], [POLICY, BLOG]], ids=["default policy", "beside custom rules"])
def test_loads_without_a_word(files):
    done = tiercel("check", "--json", *files)
    assert issues(done) == []
    assert done.returncode == 0, done.stderr


def test_every_rule_is_tested():
    with open(os.path.join(ROOT, POLICY)) as f:
        rules = {line[len("- rule: "):].strip() for line in f if line.startswith("- rule: ")}
    with open(os.path.join(ROOT, POLICY_TESTS)) as f:
        tested = {line[len("  rule: "):].strip() for line in f if line.startswith("  rule: ")}
    assert rules - tested == set()


def test_rules_do_what_they_say():
    done = tiercel("test", "--json", POLICY_TESTS)
    result = json.loads(done.stdout)
    assert [t for t in result["tests"] if not t["ok"]] == []
    assert result["failed"] == 0 and result["passed"] > 100
    assert done.returncode == 0


def test_a_wrong_expectation_fails(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(f"- rules: [{ROOT}/{POLICY}]\n"
                     "- test: ls is no wiping tool\n"
                     "  rule: Data wiped\n"
                     "  event: {evt.type: execve, evt.res: SUCCESS, proc.name: ls}\n"
                     "  expect: true\n")
    done = tiercel("test", "--json", str(wrong))
    assert json.loads(done.stdout)["failed"] == 1
    assert done.returncode == 1

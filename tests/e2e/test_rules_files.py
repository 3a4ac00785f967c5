# SPDX-License-Identifier: Apache-2.0
"""Rules files as users check them: what is printed where, and files made to hurt."""
import json
import os
import pathlib
import subprocess

import pytest

TIERCEL = pathlib.Path(os.environ["TIERCEL"])
GOOD = "- rule: seen\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: INFO\n"
RULE = "- rule: r\n  desc: d\n  condition: '%s'\n  output: o\n  priority: INFO\n"


def tiercel(*words, timeout=60):
    return subprocess.run([TIERCEL, *words], capture_output=True, timeout=timeout, check=False)


@pytest.fixture(name="write")
def fixture_write(tmp_path):
    def write(content, name="rules.yaml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write


def test_results_and_description_in_one_object(write):
    path = write(GOOD)
    for words in (["-V", path, "-L", "-o", "json_output=true"], ["check", path, "-L", "--json"]):
        answer = tiercel(*words)
        assert answer.returncode == 0
        said = json.loads(answer.stdout)
        assert [r["successful"] for r in said["falco_load_results"]] == [True]
        assert [r["info"]["name"] for r in said["falco_describe_results"]["rules"]] == ["seen"]
    assert "falco_describe_results" not in json.loads(tiercel("check", path, "--json").stdout)


def test_description_alone(write):
    path = write(GOOD)
    said = json.loads(tiercel("-L", "-r", path, "-o", "json_output=true").stdout)
    assert said["rules"][0]["details"]["condition_compiled"] == "evt.type = open"
    lines = tiercel("-l", "seen", "-r", path).stdout.decode().splitlines()
    assert [line.split() for line in lines] == [["Rule", "Description"], ["----", "-----------"], ["seen", "d"]]
    answer = tiercel("-l", "unseen", "-r", path)
    assert answer.returncode == 1 and b'"unseen" is not loaded' in answer.stderr


def test_every_file_has_a_result(write):
    answer = tiercel("-V", write("- a: [", "a.yaml"), "-V", write("- list: l\n  items: []\n", "b.yaml"),
                     "-V", write("- rule: x\n", "c.yaml"))
    assert answer.returncode == 1
    said = answer.stdout.decode()
    assert [line.rsplit("/", 1)[1] for line in said.splitlines() if line.startswith("/")
            and not "LOAD_" in line] == ["a.yaml: Invalid", "b.yaml: Ok, with warnings", "c.yaml: Invalid"]
    assert "LOAD_ERR_YAML_PARSE" in said and "LOAD_ERR_YAML_VALIDATE" in said
    assert answer.stderr.decode() == "Error: " + said


def test_warnings_are_explained_in_the_log(write):
    answer = tiercel("check", write("- list: l\n  items: []\n"))
    assert answer.returncode == 0
    assert answer.stdout.endswith(b": Ok, with warnings\n") and b"LOAD_UNUSED_LIST" in answer.stderr


def doubling(kind, first, more, n):
    return first + "".join(f"- {kind}: {kind[0]}{i}\n  {more.format(i - 1)}\n" for i in range(1, n))


HOSTILE = {
    "aliases": "- &a0 [x, x]\n" + "".join(f"- &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)),
    "macros": doubling("macro", "- macro: m0\n  condition: proc.name=a\n", "condition: m{0} and m{0}", 60),
    "sequences": "[" * 1_000_000,
    "mappings": "{a: " * 1_000_000,
    "parentheses": RULE % ("(" * 100_000 + "proc.name=a" + ")" * 100_000),
    "transformers": RULE % ("tolower(" * 100_000 + "proc.name" + ")" * 100_000 + "=a"),
    "repetitions": RULE % ('proc.name regex "(' + "a{1000}" * 30 + '){1000}"'),
    "long": RULE % " or ".join(["proc.name=a"] * 500_000),
    "list": '- list: l\n  items: ["' + "x" * (30 << 20) + '"]\n',
    "bytes": b"- rule: r\xff\n  desc: d\n",
    "control": b"- rule: r\0\n  desc: d\n",
    "exceptions": GOOD + "".join(f"- rule: seen\n  exceptions: [{{name: e{i}, fields: proc.name, values: [x]}}]\n"
                                 "  override: {exceptions: append}\n" for i in range(10_005)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_a_place(write, name):
    path = write(HOSTILE[name])
    answer = tiercel("check", "--json", path, timeout=120)
    assert answer.returncode == 1
    error = json.loads(answer.stdout)["falco_load_results"][0]["errors"][0]
    assert error["code"].startswith("LOAD_ERR_") and error["message"]
    assert error["context"]["locations"][-1]["position"]["line"] >= 0


def test_many_of_everything_is_no_hang(write):
    many = 20_000
    path = write("".join(f"- list: l{i}\n  items: [a{i}]\n- macro: m{i}\n  condition: proc.name in (l{i})\n"
                         f"- rule: r{i}\n  desc: d\n  condition: evt.type=open and m{i}\n  output: o\n"
                         f"  priority: INFO\n" for i in range(many))
                 + "".join(f"- rule: r0\n  tags: [t{i}]\n  override: {{tags: append}}\n" for i in range(many))
                 + "- rule: r1\n  tags: [" + ", ".join(f"t{i}" for i in range(10 * many)) + "]\n"
                 "  override: {tags: append}\n")
    assert tiercel("check", path, timeout=120).stdout.endswith(b": Ok\n")


def test_bytes_that_are_no_text_never_break_the_json(write):
    path = write(b'- rule: "r\\xff"\n  desc: "\\x80"\n  condition: "proc.name=\\"\\\\xff\\" and evt.type=open"\n'
                 b'  output: "o \\xf0 %proc.name"\n  priority: INFO\n')
    answer = tiercel("check", "-L", "--json", path)
    assert answer.returncode == 0
    json.loads(answer.stdout.decode("utf-8"))


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as f:
        f.truncate((128 << 20) + 1)
    error = json.loads(tiercel("check", "--json", path).stdout)["falco_load_results"][0]["errors"][0]
    assert error["code"] == "LOAD_ERR_FILE_READ"


def test_rule_tests_below_a_directory(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name, expect in (("deep/a_test.yaml", "true"), ("deep/er/b_test.yml", "false")):
        (tmp_path / name).write_text(f"- test: {name}\n  condition: proc.name = x\n"
                                     f"  event: {{proc.name: x}}\n  expect: {expect}\n")
    (tmp_path / "rules.yaml").write_text("- not: a test\n")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    said = json.loads(tiercel("test", "--json", tmp_path).stdout)
    assert [(t["test"], t["ok"]) for t in said["tests"]] == [("deep/a_test.yaml", True), ("deep/er/b_test.yml", False)]
    answer = tiercel("test", tmp_path / "deep" / "er", tmp_path / "deep" / "a_test.yaml")
    assert answer.returncode == 1 and b"1 passed, 1 failed" in answer.stdout
    (tmp_path / "empty").mkdir()
    answer = tiercel("test", tmp_path / "empty")
    assert answer.returncode == 1 and b"*_test.yaml" in answer.stderr


def test_tested_rules_may_need_the_container_plugin(write):
    rules = write("- required_plugin_versions: [{name: container, version: 0.4.0}]\n" + GOOD)
    tests = write(f"- rules: [{rules}]\n- test: t\n  rule: seen\n  event: {{evt.type: open}}\n  expect: true\n",
                  "t.yaml")
    assert tiercel("test", tests).stdout == b"1 passed, 0 failed\n"

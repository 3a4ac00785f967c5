# SPDX-License-Identifier: Apache-2.0
"""docs/policies.md: a table of the default policy's rules, made of what the program says about them."""
import re

TACTICS = ["initial_access", "execution", "persistence", "privilege_escalation", "defense_evasion", "credential_access",
           "discovery", "lateral_movement", "collection", "command_and_control", "exfiltration", "impact"]
LEVELS = ["stable", "incubating", "sandbox"]
FILES = {"stable": "tiercel_rules.yaml", "incubating": "tiercel_rules_incubating.yaml",
         "sandbox": "tiercel_rules_sandbox.yaml"}

INTRODUCTION = """# The default policy

Made of `rules/` by `UPDATE_GOLDEN=1 pytest tests/e2e/test_policy.py`; do not edit.

{total} rules, grouped by the tactic of MITRE ATT&CK that they are about, in three levels:

| level | rules | file | meaning |
|---|---|---|---|
| stable | {stable} | `tiercel_rules.yaml` | raised by what ordinary software seldom does; on after installation |
| incubating | {incubating} | `tiercel_rules_incubating.yaml` | seen in attacks, and in administration: fit it to the host first |
| sandbox | {sandbox} | `tiercel_rules_sandbox.yaml` | of use where what it sees is unusual |

The files are loaded in this order, by `rules_files` or `-r`; a directory that holds them does it too. Each rule has the
tag `maturity_` and its level, so that `rules:` in the configuration can switch a level on and off:

```yaml
rules:
  - disable: {{tag: maturity_sandbox}}
```

A rule is fitted to a host in a file of one's own that is loaded behind them. Every rule has exceptions to append to:

```yaml
- rule: Sensitive file read
  exceptions:
    - name: program_and_file
      values:
        - [/usr/local/bin/backup, /etc/shadow]
  override: {{exceptions: append}}

- list: server_binaries
  items: [my-server]
  override: {{items: append}}

- macro: expected_config_write
  condition: proc.name = my-agent
```
"""


def cell(words):
    return ", ".join(f"`{w}`" for w in words) or "none"


def tuning(rule):
    details = rule["details"]
    macros = [m for m in details["macros"] if m.startswith("expected_") or m == "modules_watched"]
    return details["exception_names"] + macros + details["lists"]


def row(rule):
    info = rule["info"]
    techniques = [t for t in info["tags"] if re.fullmatch(r"T\d{4}(\.\d{3})?", t)]
    return (f"| {info['name']} | {level(rule)} | {info['priority']} | {', '.join(techniques)} "
            f"| {info['description'].strip()} | {cell(tuning(rule))} |")


def level(rule):
    return next(t for t in rule["info"]["tags"] if t.startswith("maturity_"))[len("maturity_"):]


def page(described, tactic_of):
    """The document; tactic_of: the first tactic each rule names (in a description tags have no order)."""
    rules = described["rules"]
    counts = {name: sum(level(r) == name for r in rules) for name in LEVELS}
    text = [INTRODUCTION.format(total=len(rules), **counts)]
    for tactic in TACTICS:
        mine = sorted((r for r in rules if tactic_of[r["info"]["name"]] == tactic),
                      key=lambda r: (LEVELS.index(level(r)), r["info"]["name"]))
        text.append(f"## {tactic.replace('_', ' ').capitalize()}\n\n"
                    "| rule | level | priority | technique | what it sees, and what an attacker gains | fitted by |\n"
                    "|---|---|---|---|---|---|\n" + "\n".join(row(r) for r in mine) + "\n")
    return "\n".join(text)

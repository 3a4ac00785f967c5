# SPDX-License-Identifier: Apache-2.0
"""What is said of processes is what /proc says of them, whatever they do to themselves."""
import os
import shutil
import tempfile

import pytest

import procfs
from life import CLONE, Life, fork

OPS = int(os.environ.get("TIERCEL_LIFE_OPS", "2000"))
SEED = int(os.environ.get("TIERCEL_LIFE_SEED", "1"))
RULE = """
- rule: marker
  desc: d
  condition: evt.type=openat and evt.arg.name startswith /marker/
  output: "%evt.arg.name {}"
  priority: INFO
"""
# All that is ever compared: of this very process some cannot be told, such as the name of a leader that has ended.
FIELDS = sorted({*procfs.facts(os.getpid(), os.getpid()), *(f"proc.{k}[{n}]" for k in ("aname", "apid") for n in range(1, 6)),
                 "container.id", "proc.sname", "proc.pgid.name", "proc.pexe", "proc.pcmdline", "proc.pexepath",
                 *(f"proc.{word}.name" for word in ("stdin", "stdout", "stderr"))})


@pytest.fixture
def life():
    top = tempfile.mkdtemp(prefix="tiercel-life-", dir="/tmp")
    family = Life(top, SEED)
    yield family
    family.stop()
    shutil.rmtree(top)


class Book:
    """What /proc said at each marker."""

    def __init__(self):
        self.pages = []

    def look_at(self, w, why):
        self.pages.append((why, procfs.facts(w.pid, w.tid)))
        w.call("openat", -100, f"str:/marker/{len(self.pages) - 1}", 0, 0)

    def compare(self, alerts):
        """Both must have the same markers, once each; what differs at them."""
        said = {int(a["output_fields"]["evt.arg.name"].rpartition("/")[2]): a["output_fields"] for a in alerts}
        assert len(said) == len(alerts)
        wrong = []
        for n, (why, page) in enumerate(self.pages):
            where = f"{n} after {why}, {page['proc.pid']}/{page['thread.tid']}: "
            if n not in said:
                wrong.append(where + "no alert")
                continue
            wrong += [where + f"{field} is {said[n].get(field)!r}, /proc says {page[field]!r}"
                      for field in page if said[n].get(field) != page[field]]
        return wrong


def test_random_lives(life, sensor, rules_file):
    print("seed", SEED)
    for _ in range(20): # some are older than the sensor
        life.step()
    s = sensor([rules_file(RULE.format(" ".join("%" + f for f in FIELDS)))], f"pid:{life.process.pid}")
    book = Book()
    for w in life.workers:
        book.look_at(w, "the start")
    for _ in range(OPS):
        why, touched = life.step()
        for w in touched + [life.random.choice(life.workers)]:
            if w in life.workers:
                book.look_at(w, why)
    book.look_at(life.root, "the end")
    last = f"/marker/{len(book.pages) - 1}"
    s.wait_alert(lambda a: a["output_fields"]["evt.arg.name"] == last, timeout=60)
    wrong = book.compare(s.alerts)
    print(life.counts, len(book.pages))
    assert not wrong, f"{len(wrong)} of {len(book.pages)}:\n" + "\n".join(wrong[:400])


def test_ancestors_across_namespaces(life, sensor, rules_file):
    """Five generations older than the sensor, in pid namespaces within each other; only the youngest is in scope."""
    w = life.root
    for n, spaces in enumerate((["NEWPID"], [], ["NEWPID", "NEWNS"], ["NEWPID", "NEWUSER"], [])):
        w.call("prctl", 15, f"str:gen-{n}")
        w = fork(life, w, sum(CLONE[s] for s in spaces))[1]
    s = sensor([rules_file(RULE.format(" ".join("%" + f for f in FIELDS)))], f"pid:{w.pid}")
    book = Book()
    book.look_at(w, "the start")
    book.look_at(fork(life, w)[1], "a fork")
    alerts = s.wait_alert(lambda a: a["rule"] == "marker", timeout=20, count=2)
    wrong = book.compare(alerts)
    assert not wrong, "\n".join(wrong)
    said = alerts[0]["output_fields"]
    assert [said[f"proc.aname[{n}]"] for n in range(1, 6)] == [f"gen-{n}" for n in (4, 3, 2, 1, 0)]
    assert (said["proc.vpid"], said["proc.pid"]) == (2, w.pid)

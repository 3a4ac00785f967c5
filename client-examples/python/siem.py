#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Forwards alerts to a SIEM: as ECS or OCSF (JSON) or CEF, into a file or as RFC 5424 syslog over TLS.

    siem.py --unix /run/falco/falco.sock --format ecs --file alerts.ndjson --cursor siem.cursor
    siem.py --unix /run/falco/falco.sock --format cef --syslog siem.example:6514 --syslog-ca ca.crt \\
            --cursor siem.cursor

Syslog has no acknowledgements: what was written to a connection that breaks within the next seconds may be
lost. The position is therefore saved some seconds late, and after a break everything behind it is sent again;
each record has an id by which a SIEM can drop what it has already.
"""

import collections
import json
import socket
import ssl
import sys
import time

import resume
import subscribe

VERSION = "0.1.0"
SURE_AFTER = 5  # seconds
SYSLOG_AUDIT = 13  # the facility "log audit" (RFC 5424, 6.2.1)
NIL = "-"

# By our number, Emergency first.
OCSF_SEVERITY = [6, 6, 5, 4, 3, 2, 1, 1]
CEF_SEVERITY = [10, 10, 9, 8, 6, 4, 2, 1]


class Alert:
    """What the formats are made from."""

    def __init__(self, response, name):
        self.time, self.lost = response.time, response.HasField("lost")
        self.epoch, self.seq = response.position.epoch, response.position.seq
        self.id = f"{self.epoch:x}-{self.seq}" + ("-lost" if self.lost else "")
        self.host, self.tags, self.source = response.hostname, list(response.tags), response.source
        self.rule, self.number = response.rule, response.priority
        self.message = response.message or response.output
        self.fields = json.loads(response.output_fields_json or "{}") or dict(response.output_fields)
        if self.lost:
            self.rule, self.number, self.source = "Tiercel internal: alerts lost", 4, "internal"
            self.message = f"{response.lost.count} alerts did not reach the forwarder"
            self.fields = {"n_lost": response.lost.count}
        self.priority = name(self.number)

    def field(self, *names):
        """The first of these fields that has a value."""
        return next((self.fields[n] for n in names if self.fields.get(n) not in (None, "", "<NA>")), None)

    def milliseconds(self):
        return self.time.ToMilliseconds()


def without_nothing(value):
    """Members that have no value are left out, and what is empty by that."""
    if not isinstance(value, dict):
        return value
    kept = {k: without_nothing(v) for k, v in value.items()}
    return {k: v for k, v in kept.items() if v not in (None, {}, [], "")}


def ecs(a):
    """Elastic Common Schema 8.11."""
    return json.dumps(without_nothing({
        "@timestamp": a.time.ToJsonString(),
        "ecs": {"version": "8.11.0"},
        "message": a.message,
        "tags": a.tags,
        "log": {"level": a.priority.lower()},
        "event": {"id": a.id, "kind": "alert", "category": ["intrusion_detection"], "type": ["info"],
                  "module": "tiercel", "dataset": "tiercel.alerts", "provider": a.source,
                  "action": a.field("evt.type"), "severity": 7 - a.number, "sequence": a.seq},
        "rule": {"name": a.rule, "ruleset": a.source},
        "host": {"name": a.host},
        "observer": {"vendor": "Tiercel", "product": "Tiercel", "type": "ids"},
        "process": {"name": a.field("proc.name"), "pid": a.field("proc.pid"),
                    "executable": a.field("proc.exepath"), "command_line": a.field("proc.cmdline"),
                    "parent": {"name": a.field("proc.pname"), "pid": a.field("proc.ppid")}},
        "user": {"name": a.field("user.name"), "id": text(a.field("user.uid"))},
        "file": {"path": a.field("fd.name", "evt.arg.path") if a.field("fd.typechar") in (None, "f") else None},
        "source": {"ip": a.field("fd.cip"), "port": a.field("fd.cport")},
        "destination": {"ip": a.field("fd.sip"), "port": a.field("fd.sport")},
        "container": {"id": a.field("container.id"), "name": a.field("container.name"),
                      "image": {"name": a.field("container.image.repository")}},
        "orchestrator": {"namespace": a.field("k8s.ns.name"), "resource": {"name": a.field("k8s.pod.name")}},
        "tiercel": {"fields": a.fields},
    }))


def ocsf(a):
    """Open Cybersecurity Schema Framework 1.3: a Detection Finding."""
    process = {"name": a.field("proc.name"), "pid": a.field("proc.pid"), "cmd_line": a.field("proc.cmdline"),
               "file": {"path": a.field("proc.exepath"), "name": a.field("proc.name"), "type_id": 1}
               if a.field("proc.exepath") else None,
               "parent_process": {"name": a.field("proc.pname"), "pid": a.field("proc.ppid")},
               "user": {"name": a.field("user.name"), "uid": text(a.field("user.uid"))}}
    return json.dumps(without_nothing({
        "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "category_name": "Findings",
        "activity_id": 1, "activity_name": "Create", "type_uid": 200401, "status_id": 1,
        "severity_id": OCSF_SEVERITY[a.number], "severity": a.priority, "time": a.milliseconds(),
        "message": a.message,
        "metadata": {"version": "1.3.0", "uid": a.id, "sequence": a.seq, "labels": a.tags,
                     "product": {"name": "Tiercel", "vendor_name": "Tiercel", "version": VERSION}},
        "finding_info": {"uid": a.id, "title": a.rule, "desc": a.message, "types": a.tags,
                         "created_time": a.milliseconds(), "analytic": {"name": a.rule, "type_id": 1, "type": "Rule"}},
        "device": {"hostname": a.host, "type_id": 0, "type": "Unknown",
                   "container": {"uid": a.field("container.id"), "name": a.field("container.name")}},
        "evidences": [e] if (e := without_nothing({"process": process})) else None,
        "unmapped": {f"fields.{k}": text(v) for k, v in a.fields.items()},
    }))


def text(value):
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def cef_header(value):
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("\r", " ")


def cef_value(value):
    value = text(value).replace("\\", "\\\\").replace("=", "\\=")
    return value.replace("\r", "\\r").replace("\n", "\\n")


def cef(a):
    """ArcSight Common Event Format, version 0."""
    extension = {
        "rt": a.milliseconds(), "externalId": a.id, "dvchost": a.host, "msg": a.message, "cat": a.source,
        "act": a.field("evt.type"), "suser": a.field("user.name"), "suid": a.field("user.uid"),
        "sproc": a.field("proc.cmdline", "proc.name"), "spid": a.field("proc.pid"), "filePath": a.field("fd.name"),
        "src": a.field("fd.cip"), "dst": a.field("fd.sip"), "dpt": a.field("fd.sport"),
        "cs1": ",".join(a.tags) or None, "cs1Label": "tags",
        "cs2": a.field("container.id"), "cs2Label": "container",
        "cs3": a.field("k8s.ns.name"), "cs3Label": "namespace", "cs4": a.field("k8s.pod.name"), "cs4Label": "pod",
    }
    for n in range(1, 5):
        if extension[f"cs{n}"] is None:
            del extension[f"cs{n}Label"]
    pairs = " ".join(f"{k}={cef_value(v)}" for k, v in extension.items() if v is not None)
    head = "|".join(cef_header(v) for v in ("Tiercel", "Tiercel", VERSION, a.rule, a.rule))
    return f"CEF:0|{head}|{CEF_SEVERITY[a.number]}|{pairs}"


FORMATS = {"ecs": ecs, "ocsf": ocsf, "cef": cef}


class File:
    """Lines appended to a file."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def send(self, alert, record):
        self.file.write(record + "\n")
        self.file.flush()

    sure_after = 0


class Syslog:
    """RFC 5424 messages, each with its length in front (RFC 5425), over TLS."""

    def __init__(self, address, ca, cert, key):
        host, port = address.rsplit(":", 1)
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, key)
        self.socket = context.wrap_socket(socket.create_connection((host, int(port)), 20), server_hostname=host)

    @staticmethod
    def word(value, longest):
        """Printable ASCII without blanks (RFC 5424, 6)."""
        return "".join(c if "!" <= c <= "~" else "_" for c in value)[:longest] or NIL

    def message(self, alert, record):
        pri = SYSLOG_AUDIT * 8 + alert.number
        when = alert.time.ToDatetime().isoformat(timespec="microseconds") + "Z"
        host, rule = self.word(alert.host, 255), self.word(alert.rule, 32)
        # 32473 is the number for examples (RFC 5612); put your own enterprise's here.
        data = f'[tiercel@32473 id="{alert.id}" priority="{alert.priority}"]'
        return f"<{pri}>1 {when} {host} tiercel {NIL} {rule} {data} \ufeff{record}".encode()

    def send(self, alert, record):
        message = self.message(alert, record)
        self.socket.sendall(b"%d " % len(message) + message)

    sure_after = SURE_AFTER


class Saver:
    """Saves positions once what was sent before them can be taken for received."""

    def __init__(self, cursor, sure_after):
        self.cursor, self.sure_after = cursor, sure_after
        self.waiting = collections.deque()

    def note(self, response):
        if response.HasField("position"):
            self.waiting.append((time.monotonic(), (response.position.epoch, response.position.seq)))
        sure = None
        while self.waiting and time.monotonic() - self.waiting[0][0] >= self.sure_after:
            sure = self.waiting.popleft()[1]
        if sure:
            self.cursor.save(sure)


def target(options):
    if options.file:
        return File(options.file)
    return Syslog(options.syslog, options.syslog_ca, options.syslog_cert, options.syslog_key)


def forward(options, messages, cursor):
    """Until the receiver breaks (an OSError)."""
    name, make = subscribe.priority_names(messages), FORMATS[options.format]
    to = target(options)
    saver = Saver(cursor, to.sure_after)
    fields = resume.request_fields(options, messages)
    for response in resume.follow(options, messages, cursor.load(), **fields):
        if not response.bookmark:
            alert = Alert(response, name)
            to.send(alert, make(alert))
        saver.note(response)


def main():
    parser = subscribe.arguments(__doc__.splitlines()[0])
    parser.add_argument("--format", choices=FORMATS, required=True)
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--file", help="append lines to it")
    to.add_argument("--syslog", metavar="HOST:PORT", help="send RFC 5424 messages there, over TLS")
    parser.add_argument("--syslog-ca", help="who signed the receiver's certificate; default: the system's CAs")
    parser.add_argument("--syslog-cert", help="our certificate, if the receiver wants one")
    parser.add_argument("--syslog-key", help="and its key")
    parser.add_argument("--cursor", required=True, metavar="FILE", help="where the position is kept")
    resume.add_filters(parser)
    options = parser.parse_args()
    messages, wait = subscribe.load(), 0.5
    cursor = resume.Cursor(options.cursor)
    while True:
        began = time.monotonic()
        try:
            forward(options, messages, cursor)
        except OSError as error:
            print(f"{options.file or options.syslog}: {error}; trying again", file=sys.stderr, flush=True)
        wait = 0.5 if time.monotonic() - began > 30 else min(wait * 2, 30)
        time.sleep(wait)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tells people: posts alerts to a Slack-compatible webhook, or sends them by e-mail.

    notify.py --unix /run/falco/falco.sock --priority critical --webhook https://hooks.example/T0/B0/x \\
              --cursor notify.cursor
    notify.py --unix /run/falco/falco.sock --priority critical --smtp mail.example:587 --starttls \\
              --user tiercel --password-file secret --from tiercel@example.org --to ops@example.org \\
              --cursor notify.cursor

What comes within --gather seconds is one message with the first alerts in full and the rest counted: a storm
must not become a storm of messages. The position is saved when a message was taken; one that is not taken is
tried again, with what came meanwhile.
"""

import email.message
import email.utils
import json
import queue
import smtplib
import ssl
import sys
import threading
import time
import urllib.request

import resume
import subscribe

COLORS = ["#8b0000", "#8b0000", "#c00000", "#e03c31", "#f2a900", "#2d9cdb", "#6fcf97", "#bdbdbd"]
SHOWN = 10  # alerts in full in one message
TELLING = ("hostname", "k8s.ns.name", "k8s.pod.name", "container.name", "proc.cmdline", "user.name", "fd.name")


def facts(alert):
    """A few fields that tell most, as pairs."""
    fields = {"hostname": alert.hostname, **alert.output_fields}
    return [(key, fields[key]) for key in TELLING if fields.get(key) not in (None, "", "<NA>")]


def headline(alerts, lost, name):
    worst = min((a.priority for a in alerts), default=4)
    text = f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}, up to {name(worst)}" if alerts else ""
    if lost:
        text += f"{', ' if text else ''}{lost} not seen"
    return text


class Webhook:
    def __init__(self, options):
        self.url = options.webhook

    def send(self, alerts, lost, name):
        shown = [{
            "color": COLORS[a.priority], "title": f"{name(a.priority)}: {a.rule}", "text": a.message or a.output,
            "ts": a.time.seconds, "fallback": f"{name(a.priority)}: {a.rule}",
            "fields": [{"title": key, "value": value, "short": len(value) < 40} for key, value in facts(a)],
        } for a in alerts[:SHOWN]]
        body = {"text": headline(alerts, lost, name), "attachments": shown}
        if len(alerts) > SHOWN:
            body["text"] += f"; the first {SHOWN} of them"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20):
            pass


class Mail:
    def __init__(self, options):
        self.options = options
        self.password = None
        if options.password_file:
            with open(options.password_file, encoding="utf-8") as file:
                self.password = file.read().strip()

    def message(self, alerts, lost, name):
        mail = email.message.EmailMessage()
        first = f": {alerts[0].rule}" if alerts else ""
        mail["Subject"] = " ".join(f"[Tiercel] {headline(alerts, lost, name)}{first}".split())
        mail["From"], mail["To"] = self.options.sender, ", ".join(self.options.to)
        mail["Date"], mail["Message-ID"] = email.utils.formatdate(localtime=True), email.utils.make_msgid("tiercel")
        mail["Auto-Submitted"] = "auto-generated"
        parts = ["\n".join([f"{a.time.ToJsonString()} {name(a.priority)}: {a.rule}", f"  {a.message or a.output}",
                            *(f"  {key} = {value}" for key, value in facts(a))]) for a in alerts[:SHOWN]]
        if len(alerts) > SHOWN:
            parts.append(f"and {len(alerts) - SHOWN} more")
        if lost:
            parts.append(f"{lost} more alerts did not reach this program")
        mail.set_content("\n\n".join(parts) + "\n")
        return mail

    def send(self, alerts, lost, name):
        o = self.options
        host, _, port = o.smtp.partition(":")
        context = ssl.create_default_context(cafile=o.smtp_ca)
        kind = (lambda *a, **k: smtplib.SMTP_SSL(*a, context=context, **k)) if o.smtps else smtplib.SMTP
        with kind(host, int(port or (465 if o.smtps else 25)), timeout=20) as server:
            if o.starttls:
                server.starttls(context=context)
            if o.user:
                server.login(o.user, self.password or "")
            server.send_message(self.message(alerts, lost, name))


def collect(options, messages, position, into):
    for response in resume.follow(options, messages, position, **resume.request_fields(options, messages)):
        into.put(response)


def gather(arriving, seconds):
    """The responses of so long, from the first alert on."""
    got, until = [], None
    while until is None or time.monotonic() < until:
        try:
            got.append(arriving.get(timeout=None if until is None else max(0, until - time.monotonic())))
        except queue.Empty:
            break
        if until is None and not got[-1].bookmark:
            until = time.monotonic() + seconds
        elif until is None:
            break
    return got


def run(options, messages, channel):
    name = subscribe.priority_names(messages)
    cursor = resume.Cursor(options.cursor)
    arriving = queue.Queue(10000)
    threading.Thread(target=collect, args=(options, messages, cursor.load(), arriving), daemon=True).start()
    got, wait = [], 1
    while True:
        got += gather(arriving, options.gather)
        alerts = [r for r in got if not r.bookmark and not r.HasField("lost")]
        lost = sum(r.lost.count for r in got if r.HasField("lost"))
        try:
            if alerts or lost:
                channel.send(alerts, lost, name)
        except (OSError, smtplib.SMTPException) as error:
            print(f"{error}; trying again", file=sys.stderr, flush=True)
            time.sleep(wait)
            wait = min(wait * 2, 60)
            continue
        wait = 1
        positions = [r.position for r in got if r.HasField("position")]
        if positions:
            cursor.save((positions[-1].epoch, positions[-1].seq))
        got = []


def main():
    parser = subscribe.arguments(__doc__.splitlines()[0])
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--webhook", metavar="URL", help="post to it in Slack's form")
    to.add_argument("--smtp", metavar="HOST[:PORT]", help="send mail by this server")
    security = parser.add_mutually_exclusive_group()
    security.add_argument("--starttls", action="store_true")
    security.add_argument("--smtps", action="store_true", help="TLS from the start")
    parser.add_argument("--smtp-ca", help="who signed the server's certificate; default: the system's CAs")
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    parser.add_argument("--from", dest="sender", default="tiercel@localhost")
    parser.add_argument("--to", action="append", default=[], help="repeatable")
    parser.add_argument("--gather", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--cursor", required=True, metavar="FILE", help="where the position is kept")
    resume.add_filters(parser)
    options = parser.parse_args()
    if options.smtp and not options.to:
        parser.error("--smtp needs --to")
    run(options, subscribe.load(), Webhook(options) if options.webhook else Mail(options))


if __name__ == "__main__":
    main()

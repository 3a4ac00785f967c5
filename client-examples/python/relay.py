#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Posts every alert to falcosidekick, or to whatever takes its HTTP form.

    relay.py --unix /run/falco/falco.sock --to http://localhost:2801/ --cursor relay.cursor

An alert counts as delivered when the receiver has said 2xx; then its position is saved. What the receiver
cannot take now (no connection, 429, 5xx) is tried again until it can; what it refuses for good (other 4xx) is
told on standard error and passed over. After a crash the newest alert may be posted twice, and none is missing.
"""

import json
import sys
import time
import urllib.error
import urllib.request

import resume
import subscribe

WAIT_MAX = 30
MUST_BE_TEXT = ("k8s.ns.name", "k8s.pod.name")


def body_of(response, name):
    """The object falcosidekick wants; a loss is an alert too, since somebody should know."""
    if response.HasField("lost"):
        count = response.lost.count
        return {"time": response.time.ToJsonString(), "priority": "Warning", "source": "internal",
                "rule": "Tiercel internal: alerts lost", "hostname": response.hostname, "tags": [],
                "output": f"{count} alerts did not reach the relay", "output_fields": {"n_lost": count}}
    body = subscribe.as_dict(response, name)
    fields = json.loads(response.output_fields_json or "{}") or body["output_fields"]
    for key in MUST_BE_TEXT:
        if fields.get(key) is not None:
            fields[key] = str(fields[key])
    # It takes none without fields.
    body["output_fields"] = fields or {"rule": body["rule"]}
    return body


def post(url, body, headers):
    """None when delivered, or refused for good; otherwise why not."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {
        "Content-Type": "application/json", "User-Agent": "tiercel-relay", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20):
            return None
    except urllib.error.HTTPError as error:
        if error.code == 429 or error.code >= 500:
            return f"status {error.code}"
        print(f"refused with status {error.code}: {json.dumps(body)}", file=sys.stderr, flush=True)
        return None
    except OSError as error:
        return str(error)


def deliver(url, body, headers):
    wait = 0.2
    while why := post(url, body, headers):
        print(f"{url}: {why}; trying again in {wait:.1f} s", file=sys.stderr, flush=True)
        time.sleep(wait)
        wait = min(wait * 2, WAIT_MAX)


def main():
    parser = subscribe.arguments(__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="URL", help="who takes the alerts")
    parser.add_argument("--cursor", required=True, metavar="FILE", help="where the position is kept")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="repeatable")
    resume.add_filters(parser)
    options = parser.parse_args()
    headers = dict(h.split(":", 1) for h in options.header)
    messages = subscribe.load()
    name = subscribe.priority_names(messages)
    cursor = resume.Cursor(options.cursor)
    for response in resume.follow(options, messages, cursor.load(),
                                  **resume.request_fields(options, messages)):
        if not response.bookmark:
            deliver(options.to, body_of(response, name), headers)
        if response.HasField("position"):
            cursor.save((response.position.epoch, response.position.seq))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Following the alert stream for ever: what the other clients here build on.

Every response has a position (epoch and sequence number). Who keeps the last one it has dealt with, and asks
for what comes after it, gets each alert once, whatever crashed in between. Where the server keeps an alert no
longer it says so by a response with `lost`.
"""

import json
import os
import sys
import time

import grpc

import subscribe

# What another try does not mend.
HOPELESS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED,
            grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}


class Cursor:
    """A position in a file, replaced as a whole so that a crash leaves the old one or the new one."""

    def __init__(self, path):
        self.path = path

    def load(self):
        try:
            with open(self.path, encoding="ascii") as file:
                saved = json.load(file)
            return saved["epoch"], saved["seq"]
        except FileNotFoundError:
            return None

    def save(self, position):
        fresh = self.path + ".new"
        with open(fresh, "w", encoding="ascii") as file:
            json.dump({"epoch": position[0], "seq": position[1]}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)


def add_filters(parser):
    """Options by which the server sends less; pass the parsed ones to request_fields."""
    parser.add_argument("--priority", help="this urgent or more")
    parser.add_argument("--rule", action="append", default=[], help="shell pattern of rules; repeatable")
    parser.add_argument("--tag", action="append", default=[], help="with any of these tags; repeatable")
    parser.add_argument("--condition", default="", help="a condition over the alert's fields")


def request_fields(options, messages):
    allow = messages["outputs"].filter(rule=options.rule, tags=options.tag)
    if options.priority:
        allow.min_priority = messages["schema"].priority.Value(options.priority.lower())
    return {"allow": [allow] if allow.ByteSize() else [], "condition": options.condition}


def follow(options, messages, position=None, **fields):
    """Yields every response behind the position, for ever: alerts, `lost`, bookmarks. Connects again when it
    must. What a caller was given counts as dealt with when it asks for the next."""
    outputs, wait = messages["outputs"], 0.1
    while True:
        request = outputs.request(follow=True, control=True, **fields)
        request.heartbeat.seconds = 5
        if position:
            request.after.epoch, request.after.seq = position
        options_of_channel = [("grpc.use_local_subchannel_pool", 1)]
        try:
            with subscribe.channel(options.unix, options.tls, options.ca, options.cert, options.key,
                                   options_of_channel) as over:
                for response in subscribe.Client(over, messages).subscribe(iter([request])):
                    yield response
                    wait = 0.1
                    if response.HasField("position"):
                        position = response.position.epoch, response.position.seq
        except grpc.RpcError as error:
            if error.code() in HOPELESS:
                sys.exit(f"{error.code().name}: {error.details()}")
            print(f"{error.code().name}: {error.details()}; trying again", file=sys.stderr)
        time.sleep(wait)
        wait = min(wait * 2, 5)


def as_line(response, name):
    """A response as a dictionary with its position; None for one that is only a position."""
    if response.bookmark:
        return None
    if response.HasField("lost"):
        line = {"lost": {"count": response.lost.count, "reason": response.lost.reason}}
    else:
        line = subscribe.as_dict(response, name)
    if response.HasField("position"):
        line["position"] = {"epoch": response.position.epoch, "seq": response.position.seq}
    return line


def last_position(file):
    """Of a file of lines as above; half a line, from a crash while it was written, is cut off."""
    size = file.seek(0, os.SEEK_END)
    tail = b""
    while size and tail.count(b"\n") < 2:
        size = max(0, size - 65536)
        file.seek(size)
        tail = file.read()
    whole = tail.rfind(b"\n") + 1
    file.truncate(size + whole)
    file.seek(0, os.SEEK_END)
    for line in reversed(tail[:whole].splitlines()):
        if at := json.loads(line).get("position"):
            return at["epoch"], at["seq"]
    return None


def into_file(options, messages, path, name):
    with open(path, "a+b", buffering=0) as file:
        position, count = last_position(file), 0
        for response in follow(options, messages, position):
            line = as_line(response, name)
            if line:
                file.write(json.dumps(line).encode() + b"\n")
                count += "rule" in line
            if options.count and count >= options.count:
                return

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A subscriber of test_chaos.py: chaos_client.py KIND FILE unix SOCKET | tls ADDRESS CA CERT KEY. It may be killed at any time:
what it has got is in FILE, line by line, before it asks for more.

	at SEQ NAME	an alert; legacy kinds do not know its number: at 0 NAME
	lost FIRST LAST	numbers that will not come
	acked SEQ	the server has on disk that we have everything up to there
	begin EPOCH	a new life or a new connection
"""
import os
import sys
import time

import grpc
from google.protobuf.duration_pb2 import Duration

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "client-examples",
                                "python"))
import subscribe  # noqa: E402

MESSAGES = subscribe.load()
Request, Cursor = MESSAGES["outputs"].request, MESSAGES["outputs"].cursor
ACK_EVERY = 50


class Book:
    """The file: opened behind its last whole line."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with open(path, "rb") as f:
            text = f.read()
        whole = text[: text.rfind(b"\n") + 1]
        os.ftruncate(self.file, len(whole))
        os.lseek(self.file, 0, os.SEEK_END)
        self.epoch = self.last = None
        for line in whole.decode().splitlines():
            word, *rest = line.split()
            if word == "begin":
                self.epoch = int(rest[0])
            elif word == "at":
                self.last = int(rest[0])
            elif word == "lost":
                self.last = int(rest[1])

    def note(self, *words):
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())


def name_of(alert):
    """Its file; an alert about the server itself has none."""
    return alert.output_fields.get("fd.name") or alert.rule.replace(" ", "_")


def follow(client, book, first, ack=False):
    """A client that knows of numbers; with ack a durable consumer."""
    wanted, done = [], []

    def requests():
        yield Request(control=True, follow=True, heartbeat=Duration(seconds=1), **first)
        while not done:
            if wanted:
                yield Request(ack=wanted.pop())
                wanted.clear()
            else:
                time.sleep(0.005)

    got = 0
    try:
        for n, r in enumerate(client._sub(requests() if ack else iter([next(requests())]))):
            if n == 0:
                book.note("begin", r.position.epoch)
            if r.bookmark:
                if r.acked.seq:
                    book.note("acked", r.acked.seq)
            elif r.HasField("lost"):
                book.note("lost", r.lost.first.seq, r.lost.last.seq)
            else:
                book.note("at", r.position.seq, name_of(r))
                got += 1
                if got % ACK_EVERY == 0:
                    wanted.append(r.position)
    finally:
        done.append(True)


def durable(client, book):
    follow(client, book, {"consumer": "chaos"}, ack=True)


def cursor(client, book):
    """Goes on behind the last line of its file."""
    known = Book(sys.argv[2])
    follow(client, book, {"after": Cursor(epoch=known.epoch, seq=known.last)} if known.last else {})


def note_legacy(book, call):
    for r in call:
        assert not r.HasField("position")
        book.note("at", 0, name_of(r))


def legacy_get(client, book):
    book.note("begin", 0)
    while True:
        note_legacy(book, client.get())
        time.sleep(0.1)


def legacy_sub(client, book):
    """Polls as Falco's clients do."""
    book.note("begin", 0)

    def requests():
        while True:
            yield Request()
            time.sleep(0.1)

    note_legacy(book, client._sub(requests()))


KINDS = {"durable": durable, "cursor": cursor, "get": legacy_get, "sub": legacy_sub}


def main(kind, path, how, where, ca=None, cert=None, key=None):
    book = Book(path)
    while True:
        with subscribe.channel(unix=where if how == "unix" else None, tls=where if how == "tls" else None,
                               ca=ca, cert=cert, key=key) as over:
            try:
                KINDS[kind](subscribe.Client(over, MESSAGES), book)
            except grpc.RpcError as error:
                # A whole server killed under a call may look like the peer's own cancellation.
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    book.note("failed", error.code().name, *error.details().split())
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])

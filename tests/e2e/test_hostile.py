# SPDX-License-Identifier: Apache-2.0
"""
Clients that do what no client should. Their own calls or connections end with the right status; who subscribes
beside them gets every alert, and the server's memory stays bounded, while it happens and afterwards.
"""
import struct
import threading
import time

import grpc
import pytest

from conftest import MESSAGES, subscribe
from rawh2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, PING, PREFACE, PRIORITY,
                   PUSH, RST_STREAM, SETTINGS, SUB, WINDOW_UPDATE, Connection, call, frame, head, literal, message)
from test_access import Follower, until

CODES = grpc.StatusCode
REQUEST = MESSAGES["outputs"].request
MIB = 1 << 20
PEAK, AFTER = 320 * MIB, 64 * MIB  # it begins with some 20; 10000 calls are 10 KiB each inside gRPC


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmRSS"))


class Watch:
    """The largest size of the network process while something happens."""

    def __init__(self, pid):
        self.pid, self.largest, self.over = pid, 0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def look(self):
        while not self.over.wait(0.02):
            self.largest = max(self.largest, resident(self.pid))

    def __exit__(self, *exception):
        self.over.set()
        self.thread.join()


def refusal(connection, stream=None):
    """The code of the RST_STREAM or GOAWAY that comes, None when the connection just ends."""
    for kind, _, of, payload in connection.frames():
        if kind == GOAWAY:
            return int.from_bytes(payload[4:8], "big")
        if kind == RST_STREAM and stream in (None, of):
            return int.from_bytes(payload[:4], "big")
    return None


def flood(connection, data, times):
    """True: the server cut us off before it had all."""
    return not all(connection.send(data, 5) for _ in range(times)) or connection.closed()


def one(open_, data):
    with open_() as c:
        c.send(data)
        assert c.closed() or refusal(c) is not None


def nothing_but_garbage(open_):
    with open_(greet=False) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        assert c.closed()


def rapid_reset(open_):
    for _ in range(3):
        with open_() as c:
            numbers = range(1, 100001, 2)
            assert flood(c, b"".join(call(n) + frame(RST_STREAM, 0, n, struct.pack(">I", 8)) for n in numbers), 1)


def many_streams(open_):
    """10000, over 40 connections: those over the limits are refused one by one."""
    connections = [open_() for _ in range(40)]
    for c in connections:
        c.send(b"".join(call(n) for n in range(1, 501, 2)))
    time.sleep(1)
    for c in connections:
        c.socket.close()


def never_reads(open_):
    """Neither the socket nor, with a window of 0, what HTTP/2 would let through."""
    connections = [open_(settings=settings) for settings in ((), [(4, 0)]) for _ in range(20)]
    for c in connections:
        c.send(b"".join(call(n, data=REQUEST(last=1000, follow=True).SerializeToString()) for n in (1, 3, 5)))
    yield
    for c in connections:
        c.socket.close()


def ping_flood(open_):
    with open_() as c:
        assert flood(c, frame(PING, 0, 0, b"pingpong") * 100, 1000) or refusal(c) == 11


def settings_flood(open_):
    with open_() as c:
        # Each is answered, and as much as is read of the answers may come again.
        c.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 200000, 5)


def window_flood(open_):
    with open_() as c:
        assert flood(c, call(1) + frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)) * 100, 2000)


def priority_flood(open_):
    with open_() as c:
        assert flood(c, frame(PRIORITY, 0, 1, struct.pack(">IB", 3, 1)) * 100, 2000)


def empty_data_flood(open_):
    with open_() as c:
        c.send(call(1))
        assert flood(c, frame(DATA, 0, 1) * 100, 2000)


def endless_headers(open_):
    with open_() as c:
        c.send(frame(HEADERS, 0, 1, head(SUB)))
        assert flood(c, frame(CONTINUATION, 0, 1, b"".join(literal(f"x-{n}", "v" * 100) for n in range(140))), 3000)


def large_headers(open_):
    with open_() as c:
        block = head(SUB, *((f"x-{n}", "v" * 100) for n in range(300)))
        parts = [block[n:n + 16000] for n in range(0, len(block), 16000)]
        c.send(frame(HEADERS, 0, 1, parts[0]) +
               b"".join(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1]) +
               frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
        assert any(kind in (HEADERS, RST_STREAM, GOAWAY) for kind, *_ in c.frames())


def half_frames(open_):
    """Cut in the middle of everything."""
    whole = PREFACE + frame(SETTINGS) + call(1) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1000))
    for n in range(0, len(whole), 7):
        with open_(greet=False) as c:
            c.send(whole[:n])


def half_closed_at_once(open_):
    with open_() as c:
        c.send(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, n, head(path))
                        for n, path in ((1, SUB), (3, GET), (5, "/none"), (7, ""))))
        ended = set()
        for kind, flags, stream, _ in c.frames():
            if kind == RST_STREAM or flags & END_STREAM and kind in (HEADERS, DATA):
                ended.add(stream)
            if len(ended) == 4:
                return
        assert False, ended


def silent_connections(open_):
    connections = [open_(greet=False) for _ in range(300)]
    yield
    for c in connections:
        c.socket.close()


# What is wrong in itself: the connection ends, or the stream.
WRONG = {
    "frame too large": frame(DATA, 0, 1, b"x" * 100000),
    "bad settings": frame(SETTINGS, 0, 0, b"12345"),
    "settings ack with content": frame(SETTINGS, ACK, 0, b"123456"),
    "bad hpack": frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    "hpack table bomb": frame(HEADERS, END_HEADERS, 1, b"\x3f\xff\xff\xff\xff\x07" + head(SUB)),
}

# gRPC's C core lets these pass, and nothing follows from them.
IGNORED = {
    "message longer than all": frame(HEADERS, END_HEADERS, 1, head(SUB)) +
                               frame(DATA, 0, 1, b"\0\xff\xff\xff\xff" + b"x" * 1000),
    "compressed without saying so": frame(HEADERS, END_HEADERS, 1, head(SUB)) +
                                    frame(DATA, 0, 1, b"\1" + message(b"xx")[1:]),
    "data on no stream": frame(DATA, 0, 0, b"x"),
    "data without headers": frame(DATA, 0, 9, b"x"),
    "even stream": call(2),
    "push": frame(PUSH, END_HEADERS, 1, struct.pack(">I", 2) + head(SUB)),
    "huge window": frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7fffffff)) * 2,
}

ATTACKS = [nothing_but_garbage, rapid_reset, many_streams, never_reads, ping_flood, settings_flood, window_flood,
           priority_flood, empty_data_flood, endless_headers, large_headers, half_frames, half_closed_at_once,
           silent_connections]


@pytest.fixture
def beside(serve, connect, tmp_path):
    """A server, and a check that two who subscribe beside it all get everything and its size is what it was."""
    server = serve(0, extra=[f"state={tmp_path}/state", "max_calls=1000", "max_calls_each=900"])
    followers = [Follower(connect(server, "unix")), Follower(connect(server, "tls"))]
    server.status_until(streams=2)
    sent = 0

    def more(n):
        nonlocal sent
        server.say(f"more {n}")
        sent += n
        for follower in followers:
            until(lambda f=follower: len(f.got) >= sent or not f.thread.is_alive(), 60)
            assert follower.got == list(range(1, sent + 1)), (follower.code, follower.details)

    pid = server.pid
    with Watch(pid) as watch:
        yield server, more
        more(100)
    assert server.pid == pid and server.status()["lost"] == 0
    until(lambda: resident(pid) < AFTER, 60)
    assert watch.largest < PEAK, watch.largest / MIB


@pytest.mark.parametrize("how", ["unix", "tls"])
def test_nobody_else_notices(beside, certs, how):
    server, more = beside
    for attack in ATTACKS:
        print(attack.__name__)
        going = attack(lambda **more_: Connection(server, how, certs, **more_))
        for _ in going or ():
            more(3000)
        more(10)
        server.status_until(60, streams=2, calls=2)


@pytest.mark.parametrize("how", ["unix", "tls"])
def test_what_is_wrong_ends(beside, certs, how):
    server, more = beside
    for name, data in WRONG.items():
        with Connection(server, how, certs) as c:
            c.send(data)
            assert ends(c), name
    for data in IGNORED.values():
        with Connection(server, how, certs) as c:
            c.send(data + frame(PING, 0, 0, b"and now?"))
            ends(c)
    more(10)


def ends(c):
    """Whether a stream or the connection does, before a ping is answered."""
    for kind, flags, *_ in c.frames():
        if kind in (GOAWAY, RST_STREAM) or kind == HEADERS and flags & END_STREAM:
            return True
        if kind == PING and flags & ACK:
            return False
    return c.closed(0.1)


def raw(server, method, data, **options):
    with subscribe.channel(unix=server.unix) as channel:
        return list(channel.unary_stream("/falco.outputs.service/" + method)(data, timeout=20, **options))


LIES = [
    (b"\xff", CODES.INVALID_ARGUMENT),
    (b"\x0a\xff\xff\xff\xff\x0f", CODES.INVALID_ARGUMENT),
    (b"\x0a\x05ab", CODES.INVALID_ARGUMENT),
    (b"\x32\x02\xff\xff", None),  # a field that is not known
    (b"\xfa\xff\xff\xff\x0f\x03abc", None),  # nor the highest one
    (b"x" * 100000, CODES.RESOURCE_EXHAUSTED),
    (REQUEST(condition="alert.rule regex '" + "(a{0,200}){0,200}" * 4 + "'").SerializeToString(),
     CODES.INVALID_ARGUMENT),
    (REQUEST(condition="alert.rule regex '(a+)+$'").SerializeToString(), None),
    (REQUEST(condition="not " * 15000 + "alert.rule = x").SerializeToString(), None),
    (REQUEST(condition="(" * 30000).SerializeToString(), CODES.INVALID_ARGUMENT),
    (REQUEST(condition="alert.rule in (" + ",".join(f"r{n}" for n in range(8000)) + ")").SerializeToString(), None),
    (REQUEST(tags=[""] * 30000).SerializeToString(), CODES.INVALID_ARGUMENT),
    (REQUEST(fields=["x" * 30000]).SerializeToString(), CODES.INVALID_ARGUMENT),
    (REQUEST(allow=[MESSAGES["outputs"].filter(rule=["*a" * 2000])]).SerializeToString(), None),
]


def test_bad_messages_end_their_own_call(beside):
    server, more = beside
    for data, wanted in LIES:
        more(10)
        code = None
        try:
            raw(server, "get", data)
        except grpc.RpcError as error:
            code = error.code()
        assert code == wanted, data[:100]

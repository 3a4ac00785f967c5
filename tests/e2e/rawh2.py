# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand (RFC 9113), for what no library would send."""
import os
import select
import socket
import ssl
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
SUB, GET, VERSION = "/falco.outputs.service/sub", "/falco.outputs.service/get", "/falco.version.service/version"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """One header without an index and without Huffman coding (RFC 7541, 6.2.2)."""
    return b"\0" + b"".join(length(len(text)) + text for text in (name.encode(), value.encode()))


def length(n):
    if n < 127:
        return bytes([n])
    out, n = b"\x7f", n - 127
    while n >= 128:
        out, n = out + bytes([n % 128 + 128]), n // 128
    return out + bytes([n])


def head(path, *more):
    rows = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", "application/grpc"), *more]
    return b"".join(literal(*row) for row in rows)


def message(data=b""):
    return b"\0" + struct.pack(">I", len(data)) + data


def call(stream, path=SUB, data=b"", end=False):
    """Headers and one request."""
    return (frame(HEADERS, END_HEADERS, stream, head(path)) +
            frame(DATA, END_STREAM if end else 0, stream, message(data)))


class Connection:
    """One connection; greets unless told not to. settings: number to value."""

    def __init__(self, server, how, certs=None, greet=True, settings=()):
        if how == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(server.unix)
        else:
            host, port = server.tcp.rsplit(":", 1)
            context = ssl.create_default_context(cafile=certs.ca)
            context.load_cert_chain(certs.client["cert"], certs.client["key"])
            context.set_alpn_protocols(["h2"])
            raw = socket.create_connection((host, int(port)), 20)
            self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.pending = b""
        if greet:
            self.send(PREFACE + frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *s) for s in settings)))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def send(self, data, seconds=20):
        """As much as the server takes in that time; False: it has closed, or takes no more."""
        self.socket.settimeout(seconds)
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def frames(self, seconds=20):
        """(kind, flags, stream, payload) until nothing comes any more."""
        end = time.monotonic() + seconds
        while True:
            while len(self.pending) >= 9:
                size = int.from_bytes(self.pending[:3], "big")
                if len(self.pending) < 9 + size:
                    break
                kind, flags, stream = self.pending[3], self.pending[4], int.from_bytes(self.pending[5:9], "big")
                payload, self.pending = self.pending[9:9 + size], self.pending[9 + size:]
                yield kind, flags, stream, payload
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.pending += data

    def closed(self, seconds=20):
        """Whether the server ends the connection."""
        for _ in self.frames(seconds):
            pass
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

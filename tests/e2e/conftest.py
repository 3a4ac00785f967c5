# SPDX-License-Identifier: Apache-2.0
"""What the streaming tests share: certificates, a server that makes alerts up, clients."""

import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = os.environ.get(
    "TIERCEL_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
)
BUILD = os.environ.get("TIERCEL_BUILD_ROOT", os.path.join(ROOT, "build"))
SOURCE = os.path.join(BUILD, "tests", "e2e", "alert_source")
EXAMPLE_C = os.path.join(BUILD, "client-examples", "c", "tiercel-example-subscribe")
HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["LSAN_OPTIONS"] = f"suppressions={HERE}/lsan.supp:print_suppressions=0"
EXAMPLE_PY = os.path.join(ROOT, "client-examples", "python", "subscribe.py")

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(EXAMPLE_PY))
import subscribe  # noqa: E402

MESSAGES = subscribe.load()

from host import actor, rules_file, sensor  # noqa: E402,F401 (fixtures of the live tests)


class Certs:
    """A CA with a server and a client pair; more clients that must be refused."""

    def __init__(self, path):
        self.path = str(path)
        subprocess.run([SOURCE, "certs", self.path], check=True)
        self.ca, self.ca_key = self["ca.crt"], self["ca.key"]
        self.server = [self["server.crt"], self["server.key"], self.ca]
        self.client = {"ca": self.ca, "cert": self["client.crt"], "key": self["client.key"]}

    def __getitem__(self, name):
        return os.path.join(self.path, name)

    def issue(self, name, days=5, san=None):
        """Another client of our CA, valid for so many days (negative: expired)."""
        request = self[name + ".csr"]
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", self[name + ".key"], "-out", request,
                     "-subj", "/CN=" + name)
        extensions = self[name + ".ext"]
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={san}\n" if san else "")
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key,
                     "-set_serial", str(time.time_ns()), "-days", str(days),
                     "-extfile", extensions, "-out", self[name + ".crt"])
        return {"ca": self.ca, "cert": self[name + ".crt"], "key": self[name + ".key"]}

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Server:
    """alert_source serve: the sensor's half and a network process."""

    def __init__(self, addresses, count=0, rate=0, certs=(), extra=(), log=None):
        self.log_path = log
        with open(log or os.devnull, "ab") as errors:
            self.process = subprocess.Popen(
                [SOURCE, "serve", addresses, str(count), str(rate), *certs, *extra],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0,
            )
        self.pending, self.faults = b"", []
        self.answer = self.line()
        self.ok = self.answer.startswith("ready ")
        if self.ok:
            self.note_ready(self.answer)

    def note_ready(self, line):
        _, listed, pid = line.split()
        self.addresses, self.pid = listed.split(","), int(pid)
        tcp = [a for a in self.addresses if not a.startswith("unix:")]
        unix = [a[len("unix://"):] for a in self.addresses if a.startswith("unix:")]
        self.tcp = "localhost:" + tcp[0].rsplit(":", 1)[1] if tcp else None
        self.unix = unix[0] if unix else None

    def line(self, timeout=30):
        """The next answer; faults of certificates and policy, which come at any time, are put aside."""
        while (line := self.any_line(timeout)).startswith("fault "):
            self.faults.append(line)
        return line

    def fault(self):
        """The next fault, put aside or to come."""
        while not self.faults:
            self.faults.append(self.any_line(30))
            assert self.faults[-1].startswith("fault "), self.faults
        return self.faults.pop(0)

    def any_line(self, timeout):
        until = time.monotonic() + timeout
        while b"\n" not in self.pending:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError("the server says nothing")
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                raise EOFError("the server is gone")
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")

    def status(self):
        self.say("status")
        return {k: int(v) for k, v in (p.split("=") for p in self.line().split()[1:])}

    def status_until(self, timeout=20, **wanted):
        until = time.monotonic() + timeout
        while True:
            now = self.status()
            if all(now[k] == v for k, v in wanted.items()):
                return now
            assert time.monotonic() < until, now
            time.sleep(0.05)

    def kill_network(self):
        os.kill(self.pid, signal.SIGKILL)
        self.note_ready(self.line())

    def kill_sensor(self):
        """Only the half that makes alerts; the other one is left to find out."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        self.ok = False

    def kill_all(self):
        """Both processes at once, as the kernel would; returns when they are gone."""
        os.kill(self.process.pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(20)
        while os.path.exists(f"/proc/{self.pid}"):
            time.sleep(0.01)
        self.ok = False

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            if self.ok:
                assert self.line() == "stopped 0"
        return self.process.wait(30)


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return Certs(tmp_path_factory.mktemp("certs") / "pki")


@pytest.fixture
def serve(tmp_path, certs):
    """serve(count, …): a server on a unix socket and on TCP, stopped in the end."""
    running = []

    def start(count=0, rate=0, addresses=None, tls=True, extra=()):
        unix = tmp_path / "made" / "here" / "f.sock"
        addresses = addresses or f"unix://{unix}" + (",127.0.0.1:0" if tls else "")
        server = Server(addresses, count, rate, certs.server if tls else (), extra,
                        str(tmp_path / "log"))
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


def node_packages():
    """Installs what tests/e2e/node names into the build directory, once for each state of the list."""
    where = os.path.join(BUILD, "node")
    os.makedirs(where, exist_ok=True)
    with open(os.path.join(HERE, "node", "package.json"), encoding="utf-8") as file:
        wanted = file.read()
    with open(os.path.join(where, "installed"), "a+", encoding="utf-8") as installed:
        fcntl.flock(installed, fcntl.LOCK_EX)
        installed.seek(0)
        if installed.read() != wanted:
            installed.truncate(0)
            shutil.copy(os.path.join(HERE, "node", "package.json"), where)
            subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund",
                            "--ignore-scripts", "--prefix", where], check=True, timeout=200)
            installed.write(wanted)
    return os.path.join(where, "node_modules")


@pytest.fixture(scope="session")
def node():
    """node(script, arguments…): a finished run of a script, with packages to require."""
    env = {**os.environ, "NODE_PATH": node_packages()}

    def run(script, *arguments, timeout=120):
        return subprocess.run(["node", script, *arguments], capture_output=True, text=True,
                              timeout=timeout, env=env)

    return run


@pytest.fixture
def connect(certs):
    """connect(server, "unix" | "tls", **other certificates): a client; channels close in the end."""
    channels = []

    def over(server, how, **pki):
        options = [("grpc.use_local_subchannel_pool", 1)]
        if how == "unix":
            channel = subscribe.channel(unix=server.unix, options=options)
        else:
            channel = subscribe.channel(tls=server.tcp, options=options, **(pki or certs.client))
        channels.append(channel)
        return subscribe.Client(channel, MESSAGES)

    yield over
    for channel in channels:
        channel.close()


def until(function, seconds=20):
    """What function returns once it is true."""
    end = time.monotonic() + seconds
    while not (found := function()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def any_free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def free_port():
    return any_free_port()

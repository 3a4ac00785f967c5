# SPDX-License-Identifier: Apache-2.0
"""Who may come in: certificates replaced under live streams, revocation, identities, policy and limits."""

import grp
import os
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time

import grpc
import pytest

from conftest import MESSAGES, SOURCE, Certs, Server, subscribe, until

CODES = grpc.StatusCode


@pytest.fixture
def place(tmp_path, certs):
    """Certificates of our own to replace, and a place for the policy."""
    for name in os.listdir(certs.path):
        shutil.copy(certs[name], tmp_path / name)
    return tmp_path


@pytest.fixture
def own(place):
    """A Certs over the copied files."""
    mine = Certs.__new__(Certs)
    mine.path = str(place)
    mine.ca, mine.ca_key = mine["ca.crt"], mine["ca.key"]
    mine.server = [mine["server.crt"], mine["server.key"], mine.ca]
    mine.client = {"ca": mine.ca, "cert": mine["client.crt"], "key": mine["client.key"]}
    return mine


@pytest.fixture
def start(place, own):
    running = []

    def run(count=0, *extra, tls=True):
        address = f"unix://{place}/a.sock" + (",127.0.0.1:0" if tls else "")
        server = Server(address, count, 0, own.server if tls else (), extra, str(place / "log"))
        running.append(server)
        assert server.ok, server.answer
        return server

    yield run
    for server in running:
        server.stop()


class Follower:
    """A stream that is read on a thread until it ends."""

    def __init__(self, client):
        self.call, self.got, self.code, self.details = client.subscribe(), [], None, ""
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for alert in self.call:
                self.got.append(int(alert.output_fields["evt.num"]))
        except grpc.RpcError as error:
            self.code, self.details = error.code(), error.details()

    def has(self, numbers):
        until(lambda: self.got == numbers or not self.thread.is_alive())
        assert self.got == numbers, (self.got, self.code, self.details)

    def ended(self, within=5):
        self.thread.join(within)
        assert not self.thread.is_alive()
        return self.code


def shown(server, pki):
    """The certificate the server shows now, in DER."""
    context = ssl.create_default_context(cafile=pki["ca"])
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(pki["cert"], pki["key"])
    context.set_alpn_protocols(["h2"])
    host, port = server.tcp.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as raw:
        with context.wrap_socket(raw) as tls:
            return tls.getpeercert(binary_form=True)


def refused(client, method="version"):
    with pytest.raises(grpc.RpcError) as error:
        client.version(timeout=10) if method == "version" else list(client.get(timeout=10))
    return error.value.code()


def new_server_pair(own):
    """Key and certificate replaced one after the other, as everybody does it."""
    pair = own.issue("next-server", san="DNS:localhost,IP:127.0.0.1")
    os.replace(pair["key"], own["server.key"])
    time.sleep(0.05)
    os.replace(pair["cert"], own["server.crt"])


def test_rotation_cuts_no_stream(start, connect, own):
    server = start()
    streams = [Follower(connect(server, "tls", **own.client)) for _ in range(20)]
    server.status_until(streams=20)
    server.say("more 5")
    for stream in streams:
        stream.has([1, 2, 3, 4, 5])
    before = shown(server, own.client)
    new_server_pair(own)
    until(lambda: shown(server, own.client) != before)
    server.say("more 5")
    for stream in streams:
        stream.has(list(range(1, 11)))
    assert connect(server, "tls", **own.client).version(timeout=10).engine_major == 0


def test_streams_of_a_removed_ca_end(start, connect, own, place):
    server = start()
    old = Follower(connect(server, "tls", **own.client))
    local = Follower(connect(server, "unix"))
    server.status_until(streams=2)
    subprocess.run([SOURCE, "certs", str(place / "other")], check=True)
    theirs = Certs.__new__(Certs)
    theirs.path = str(place / "other")
    # Both are trusted for a while, as a rotation goes.
    with open(own["ca.crt"], "a", encoding="ascii") as ca, open(theirs["ca.crt"], encoding="ascii") as more:
        ca.write(more.read())
    new = {"ca": own.ca, "cert": theirs["client.crt"], "key": theirs["client.key"]}
    until(lambda: connected(connect(server, "tls", **new)))
    assert old.thread.is_alive()
    both = str(place / "both.crt")
    shutil.copy(own["ca.crt"], both)
    new["ca"] = both
    stays = Follower(connect(server, "tls", **new))
    server.status_until(streams=3)
    began = time.monotonic()
    os.replace(theirs["ca.crt"], own["ca.crt"])
    assert old.ended() == CODES.UNAUTHENTICATED
    assert time.monotonic() - began < 3  # asked for is one second; this machine may be busy
    assert not connected(connect(server, "tls", **{**own.client, "ca": both}))
    server.say("more 1")
    stays.has([1])
    local.has([1])


def connected(client):
    try:
        client.version(timeout=10)
        return True
    except grpc.RpcError:
        return False


@pytest.mark.parametrize("fault", ["mismatch", "junk", "missing", "ca"])
def test_a_bad_set_keeps_the_old_one(start, connect, own, fault):
    server = start()
    stream = Follower(connect(server, "tls", **own.client))
    server.status_until(streams=1)
    before = shown(server, own.client)
    name = "ca.crt" if fault == "ca" else "server.key"
    kept = open(own[name], "rb").read()
    ca = str(own["kept-ca.crt"])
    shutil.copy(own["ca.crt"], ca)
    if fault == "missing":
        os.unlink(own[name])
    elif fault == "mismatch":
        shutil.copy(own["client.key"], own[name])
    else:
        with open(own[name], "w", encoding="ascii") as file:
            file.write("no PEM\n")
    assert server.fault()
    client = {**own.client, "ca": ca}
    assert shown(server, client) == before
    assert connected(connect(server, "tls", **client))
    with open(own[name], "wb") as file:
        file.write(kept)
    new_server_pair(own)
    until(lambda: shown(server, client) != before)
    server.say("more 1")
    stream.has([1])


def revoke(own, *names):
    """ca.crl with these clients of our CA in it."""
    config, index = own["crl.cnf"], own["index.txt"]
    with open(config, "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={index}\ndefault_md=sha256\n"
                   f"private_key={own.ca_key}\ncertificate={own.ca}\ndefault_crl_days=30\n")
    open(index, "a", encoding="ascii").close()
    for name in names:
        own.openssl("ca", "-config", config, "-revoke", own[name + ".crt"])
    own.openssl("ca", "-config", config, "-gencrl", "-out", own["new.crl"])
    os.replace(own["new.crl"], own["ca.crl"])


def test_revoked_clients_end(start, connect, own):
    bad, good = own.issue("bad"), own.issue("good")
    revoke(own)
    server = start(0, "crl=" + own["ca.crl"])
    streams = [Follower(connect(server, "tls", **pki)) for pki in (bad, good)]
    server.status_until(streams=2)
    revoke(own, "bad")
    assert streams[0].ended() == CODES.UNAUTHENTICATED
    assert "revoked" in streams[0].details
    assert refused(connect(server, "tls", **bad)) == CODES.UNAUTHENTICATED
    server.say("more 1")
    streams[1].has([1])


def test_an_expired_certificate_ends_its_streams(start, connect, own):
    soon = own.issue("soon")
    config, index = own["ca.cnf"], own["ca-index.txt"]
    with open(config, "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={index}\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n"
                   f"new_certs_dir={own.path}\nprivate_key={own.ca_key}\ncertificate={own.ca}\n"
                   "[p]\ncommonName=supplied\n")
    open(index, "w", encoding="ascii").close()
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 6))
    own.openssl("ca", "-batch", "-config", config, "-in", own["soon.csr"], "-out", soon["cert"],
                "-startdate", "20200101000000Z", "-enddate", end, "-notext")
    server = start()
    stream = Follower(connect(server, "tls", **soon))
    other = Follower(connect(server, "tls", **own.client))
    server.status_until(streams=2)
    assert stream.ended(30) == CODES.UNAUTHENTICATED
    assert "expired" in stream.details
    server.say("more 1")
    other.has([1])


def write_policy(place, text):
    path = place / "policy.yaml"
    (place / "policy.new").write_text(text)
    os.replace(place / "policy.new", path)
    return "policy=" + str(path)


IDENTITIES = [
    ("spiffe:spiffe://example.org/a/*", "URI:spiffe://example.org/a/b", 0),
    ("dns:*.example.org", "DNS:x.example.org,DNS:y.example.net", 0),
    ("spiffe:*", "URI:spiffe://example.org/a,DNS:x.example.org", 0),
    ("cn:named", None, 1),
    ("cert:*", None, 0),
]


@pytest.mark.parametrize("identity, san, common", IDENTITIES)
def test_identities(start, connect, own, place, identity, san, common):
    policy = write_policy(place, f"policy: [{{identity: '{identity}', methods: [version]}}]\n")
    server = start(0, policy, f"common_names={common}")
    pki = own.issue("named", san=san)
    client = connect(server, "tls", **pki)
    assert client.version(timeout=10).engine_major == 0
    assert refused(client, "get") == CODES.PERMISSION_DENIED
    for other in ("DNS:x.example.net", "URI:spiffe://example.com/a/b"):
        if not (identity == "spiffe:*" and other.startswith("URI")):
            stranger = connect(server, "tls", **own.issue("stranger", san=other))
            assert refused(stranger) == CODES.PERMISSION_DENIED
    assert refused(connect(server, "unix")) == CODES.PERMISSION_DENIED


@pytest.mark.parametrize("identity", ["uid:0", "gid:0", "uid:*", "*"])
def test_local_identities(start, connect, place, identity):
    server = start(0, write_policy(place, f"policy: [{{identity: '{identity}', methods: '*'}}]\n"), tls=False)
    assert connect(server, "unix").version(timeout=10).engine_major == 0


def test_supplementary_groups_count(start, place):
    """A member of the group, not its owner, may connect and call; others may not."""
    policy = write_policy(place, "policy: [{identity: 'gid:12345', methods: [version]}]\n")
    server = start(0, policy, "socket_mode=438", tls=False)
    os.chmod(place, 0o755)
    program = ("import os, sys; os.setgroups(eval(sys.argv[2])); os.setgid(65534); os.setuid(65534)\n"
               "import grpc\n"
               "c = grpc.insecure_channel('unix:' + sys.argv[1])\n"
               "c.unary_unary('/falco.version.service/version')(b'', timeout=10)")
    for parent in place.parents:
        if str(parent).startswith("/tmp/pytest-of"):
            os.chmod(parent, 0o755)
    for groups, allowed in (("[12345, 7]", True), ("[7]", False)):
        done = subprocess.run(["/usr/bin/python3", "-c", program, server.unix, groups],
                              capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == allowed, done.stderr
        assert allowed or "PERMISSION_DENIED" in done.stderr


def test_policy_filters_what_an_identity_sees(start, connect, own, place):
    """The alerts of this server are of priority Notice."""
    text = ("policy:\n- {identity: 'uid:0', methods: [sub, get], filter: {priority: warning}}\n"
            "- {identity: '*', methods: [sub, get], filter: {priority: notice, rule: [Made*], "
            "fields: {evt.num: '[1-5]'}}}\n")
    server = start(10, write_policy(place, text))
    server.status_until(alerts=10)
    numbers = lambda call: [int(a.output_fields["evt.num"]) for a in call]
    assert numbers(connect(server, "unix").get(timeout=10)) == []
    assert numbers(connect(server, "tls", **own.client).get(timeout=10)) == [1, 2, 3, 4, 5]
    wide = MESSAGES["outputs"].request(last=100)
    wide.allow.add().rule.append("*")
    client = connect(server, "tls", **own.client)
    assert numbers(client._get(wide, timeout=10)) == [1, 2, 3, 4, 5]
    assert numbers(connect(server, "unix")._get(wide, timeout=10)) == []
    assert refused(client) == CODES.PERMISSION_DENIED


def test_a_changed_policy_reaches_live_streams(start, connect, own, place):
    entry = "policy: [{identity: 'uid:0', methods: '%s'}, {identity: 'dns:*', methods: [sub]}]\n"
    server = start(0, write_policy(place, entry % "falco.outputs.service/*"))
    pki = own.issue("dns", san="DNS:a.example.org")
    local, remote = Follower(connect(server, "unix")), Follower(connect(server, "tls", **pki))
    server.status_until(streams=2)
    write_policy(place, entry % "*")  # permits as much, and is another entry: to be asked for anew
    assert local.ended() == CODES.UNAVAILABLE
    local = Follower(connect(server, "unix"))
    server.status_until(streams=2)
    write_policy(place, entry % "version")
    assert local.ended() == CODES.PERMISSION_DENIED
    server.say("more 1")
    remote.has([1])
    write_policy(place, "policy: [{identity: 'uid:0', method: x}]\n")
    assert "method" in server.fault()
    assert connected(connect(server, "unix"))


BAD_POLICIES = [
    ("", "is empty"),
    ("policy: x", "policy:"),
    ("policies: []", "policy:"),
    ("policy: []\nmore: 1", "nothing but"),
    ("policy: [x]", "entry"),
    ("policy: [{methods: '*'}]", "identity"),
    ("policy: [{identity: '*'}]", "methods"),
    ("policy: [{identity: root, methods: '*'}]", "uid:N"),
    ("policy: [{identity: '*', methods: []}]", "methods"),
    ("policy: [{identity: '*', methods: [[x]]}]", "methods"),
    ("policy: [{identity: '*', methods: '*', filter: {prioritty: warning}}]", "prioritty"),
    ("policy: [{identity: '*', methods: '*', filter: {priority: 9}}]", "priority"),
    ("policy: [{identity: '*', methods: '*', filter: {}}]", "filter"),
    ("policy: [{identity: '*', methods: '*', filter: {fields: [a]}}]", "fields"),
    ("policy: [{identity: '*', methods: '*', max_calls: 0}]", "max_calls"),
    ("policy: [{identity: '*', methods: '*', colour: red}]", "colour"),
    ("policy: [", "policy.yaml:"),
]


@pytest.mark.parametrize("text, word", BAD_POLICIES)
def test_bad_policies_are_refused(place, text, word):
    policy = write_policy(place, text)
    answer = Server(f"unix://{place}/b.sock", extra=[policy]).answer
    assert answer.startswith(f"failed {place}/policy.yaml") and word in answer


def test_limits_per_identity(start, connect, own, place):
    policy = write_policy(place, "policy: [{identity: 'uid:0', methods: '*', max_calls: 3}, "
                                 "{identity: '*', methods: '*'}]\n")
    server = start(5, policy, "max_calls_each=6", "max_calls=8")
    client = connect(server, "unix")
    calls = [client.subscribe() for _ in range(3)]
    for call in calls:
        next(call)
    assert refused(client) == CODES.RESOURCE_EXHAUSTED
    remote = connect(server, "tls", **own.client)
    more = [remote.subscribe() for _ in range(5)]
    for call in more:
        next(call)
    other = connect(server, "tls", **own.issue("other", san="DNS:other"))
    assert refused(other) == CODES.RESOURCE_EXHAUSTED  # the ninth of all
    calls[0].cancel()
    server.status_until(calls=7)
    assert other.version(timeout=10).engine_major == 0
    assert server.status()["refused"] == 2
    for call in calls + more:
        call.cancel()


def test_socket_mode_and_group(start, connect, place):
    group = grp.getgrnam("daemon").gr_gid
    server = start(0, "socket_mode=384", f"socket_group={group}", tls=False)
    found = os.stat(server.unix)
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o600, group)


def test_message_size_and_compression(start, connect, place):
    server = start(1, "message_bytes=2048", tls=False)
    with grpc.insecure_channel("unix:" + server.unix) as channel:
        get = channel.unary_stream("/falco.outputs.service/get")
        with pytest.raises(grpc.RpcError) as error:
            list(get(b"\x0a\x7e" + b"x" * 126 + b"\0" * 3000, timeout=10))
        assert error.value.code() == CODES.RESOURCE_EXHAUSTED
        # A bomb is refused before it is unpacked.
        with pytest.raises(grpc.RpcError) as error:
            list(get(b"\0" * 100000, timeout=10, compression=grpc.Compression.Gzip))
        assert error.value.code() in (CODES.UNIMPLEMENTED, CODES.INTERNAL, CODES.RESOURCE_EXHAUSTED)
    assert [a.rule for a in connect(server, "unix").get(timeout=10)] == ["Made up"]


def test_handshakes_have_a_time(start, connect, own):
    server = start(0, "handshake_ms=500")
    host, port = server.tcp.rsplit(":", 1)
    idle = [socket.create_connection((host, int(port)), 10) for _ in range(20)]
    for s in idle:
        s.settimeout(20)
        assert s.recv(100) == b""
        s.close()
    assert connected(connect(server, "tls", **own.client))

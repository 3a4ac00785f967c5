# SPDX-License-Identifier: Apache-2.0
"""What new clients can ask for: places, filters, durable consumers; and what survives which crash."""

import fcntl
import itertools
import os
import queue
import sqlite3
import threading
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from conftest import MESSAGES

OUTPUTS = MESSAGES["outputs"]
Request, Filter, Cursor = OUTPUTS.request, OUTPUTS.filter, OUTPUTS.cursor
CAUSE = OUTPUTS.loss


def number(alert):
    return int(alert.output_fields["evt.num"])


def numbers(alerts):
    return [number(a) for a in alerts]


def is_alert(response):
    return not response.bookmark and not response.HasField("lost")


def take(call, n):
    return numbers(itertools.islice((r for r in call if is_alert(r)), n))


def accounted(responses):
    """The numbers that came or were told as lost, in order."""
    seqs = []
    for r in responses:
        if r.HasField("lost"):
            seqs += range(r.lost.first.seq, r.lost.last.seq + 1)
        elif not r.bookmark:
            seqs.append(r.position.seq)
    return seqs


class Stream:
    """A sub call whose requests are sent one by one."""

    def __init__(self, client, **first):
        self.requests = queue.Queue()
        self.send(**first)
        self.call = client.subscribe(iter(self.requests.get, None))

    def send(self, **fields):
        self.requests.put(Request(**fields))

    def half_close(self):
        self.requests.put(None)

    def __iter__(self):
        return self.call

    def __next__(self):
        return next(self.call)

    def cancel(self):
        self.call.cancel()
        self.half_close()


@pytest.fixture
def state(tmp_path):
    return [f"state={tmp_path}/state"]


@pytest.fixture
def journal(tmp_path):
    """All rows of the journal, from a copy so that nothing is touched."""

    def read(table="alerts", columns="seq"):
        with sqlite3.connect(f"file:{tmp_path}/state/journal/alerts.db?mode=ro", uri=True) as db:
            return list(db.execute(f"SELECT {columns} FROM {table} ORDER BY 1"))

    return read


def get(client, **fields):
    return client._get(Request(**fields), timeout=20)


def test_every_start(serve, connect, state):
    server = serve(100, extra=state)
    client = connect(server, "unix")
    server.status_until(alerts=100)
    all_ = list(get(client, control=True))
    assert numbers(all_) == list(range(1, 101))
    epoch = all_[0].position.epoch
    assert [r.position.seq for r in all_] == list(range(1, 101))
    assert {r.position.epoch for r in all_} == {epoch} and epoch
    assert numbers(get(client, after=Cursor(epoch=epoch, seq=90))) == list(range(91, 101))
    assert numbers(get(client, last=7)) == list(range(94, 101))
    assert numbers(get(client, last=100000)) == list(range(1, 101))
    assert numbers(get(client, since=all_[0].time)) == list(range(1, 101))
    middle = all_[49].time
    assert numbers(get(client, since=middle))[-1] == 100
    assert all(a.time.ToNanoseconds() >= middle.ToNanoseconds() for a in get(client, since=middle))
    until = [a for a in get(client, until=middle)]
    assert until and all(a.time.ToNanoseconds() <= middle.ToNanoseconds() for a in until)
    assert numbers(get(client, now=True)) == []
    now = client.subscribe(now=True, control=True, heartbeat=Duration(seconds=1))
    dict(now.initial_metadata())
    assert next(now).bookmark  # it has begun
    server.say("more 3")
    assert take(now, 3) == [101, 102, 103]
    now.cancel()


def test_a_foreign_cursor_is_told_and_goes_on(serve, connect, state):
    server = serve(10, extra=state)
    client = connect(server, "unix")
    server.status_until(alerts=10)
    first, *rest = get(client, control=True, after=Cursor(epoch=1, seq=5))
    assert first.lost.reason == CAUSE.EPOCH and first.lost.count == 0
    assert numbers(rest) == list(range(1, 11))
    # Without control it is an alert like any other.
    first, *rest = get(client, after=Cursor(epoch=1, seq=5))
    assert first.source == "internal" and numbers(rest) == list(range(1, 11))


@pytest.mark.parametrize("fields, text", [
    ({"condition": "alert.rule = "}, "condition:1:14:"),
    ({"condition": "proc.nam = x"}, "condition:1:1:"),
    ({"condition": "alert.rule = x and\n  proc.pid = abc"}, "condition:2:"),
    ({"condition": "alert.rule regex '('"}, "condition:1:"),
    ({"condition": " or ".join(["alert.rule regex 'a'"] * 5)}, "too many regular expressions"),
    ({"condition": "alert.rule regex '" + "a" * 250 + "'" * 0 + "'" + " and " + "(" * 200},
     "condition:1:"),
    ({"allow": [Filter(), Filter(min_priority=9)]}, "allow[1].min_priority"),
    ({"deny": [Filter(rule=["x" * 5000])]}, "deny[0].rule[0]"),
    ({"allow": [Filter()] * 300}, "allow: too many"),
    ({"tags": ["x"] * 5000}, "too many patterns"),
    ({"heartbeat": Duration(seconds=1)}, "heartbeat"),
    ({"control": True, "heartbeat": Duration()}, "heartbeat"),
    ({"consumer": "x" * 201}, "consumer"),
    ({"ack": Cursor(seq=1)}, "ack"),
])
def test_bad_requests_say_where(serve, connect, state, fields, text):
    client = connect(serve(1, tls=False, extra=state), "unix")
    with pytest.raises(grpc.RpcError) as error:
        list(get(client, **fields))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert text in error.value.details()


def test_bookmarks_let_a_filtered_client_advance(serve, connect, state):
    server = serve(0, tls=False, extra=state)
    client = connect(server, "unix")
    call = client.subscribe(control=True, heartbeat=Duration(nanos=200_000_000),
                            condition="evt.num = 50")
    server.say("more 500")
    got = []
    for response in call:
        got.append(response)
        if response.bookmark and response.position.seq == 500:
            break
    assert numbers(r for r in got if is_alert(r)) == [50]
    call.cancel()


def test_fields_are_selected(serve, connect, state):
    client = connect(serve(3, tls=False, extra=state), "unix")
    assert [dict(a.output_fields) for a in get(client, fields=["nothing"])] == [{}] * 3
    whole = list(get(client, fields=["evt.num"]))
    assert numbers(whole) == [1, 2, 3] and whole[0].rule == "Made up" and whole[0].position.seq == 1


def test_a_consumer_goes_on_behind_its_last_ack(serve, connect, state):
    server = serve(100, tls=False, extra=state)
    client = connect(server, "unix")
    first = Stream(client, consumer="siem", control=True, follow=True)
    got = list(itertools.islice(first, 100))
    first.send(ack=got[41].position)
    confirmed = next(r for r in first if r.bookmark)
    assert confirmed.acked.seq == 42
    first.cancel()
    for crash in (lambda: None, server.kill_network):
        crash()
        client = connect(server, "unix")
        again = Stream(client, consumer="siem", control=True, follow=True, now=True)
        assert take(again, 58) == list(range(43, 101))
        again.cancel()
    # Another name and another identity begin for themselves.
    assert numbers(get(client, consumer="other")) == list(range(1, 101))
    # An ack of what was never sent is a fault.
    bad = Stream(client, consumer="siem", ack=Cursor(epoch=got[0].position.epoch, seq=10**9))
    with pytest.raises(grpc.RpcError) as error:
        next(bad)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    bad.half_close()


def test_a_consumer_has_one_stream(serve, connect, state):
    server = serve(10, tls=False, extra=state)
    old = Stream(connect(server, "unix"), consumer="one", follow=True)
    assert take(old, 10) == list(range(1, 11))
    new = Stream(connect(server, "unix"), consumer="one", follow=True)
    with pytest.raises(grpc.RpcError) as error:
        next(old)
    assert error.value.code() == grpc.StatusCode.ABORTED
    assert take(new, 10) == list(range(1, 11))
    new.cancel()
    old.half_close()


def test_max_outstanding(serve, connect, state):
    server = serve(100, tls=False, extra=state)
    stream = Stream(connect(server, "unix"), consumer="few", max_outstanding=10, follow=True,
                    control=True, heartbeat=Duration(nanos=200_000_000))
    got = []
    for response in stream:
        if is_alert(response):
            got.append(response)
        elif response.position.seq == 10:
            break  # a heartbeat came, no eleventh alert
    assert numbers(got) == list(range(1, 11))
    stream.send(ack=got[4].position)
    for response in stream:
        if is_alert(response):
            got.append(response)
        elif response.position.seq == 15:
            break
    assert numbers(got) == list(range(1, 16))
    stream.cancel()


def test_older_alerts_come_from_the_journal(serve, connect, state):
    server = serve(0, tls=False, extra=state + ["stream_alerts=100"])
    server.say("more 20000")
    server.status_until(alerts=20000)
    client = connect(server, "unix")
    assert numbers(get(client)) == list(range(1, 20001))
    assert numbers(get(client, last=15000)) == list(range(5001, 20001))
    assert server.status()["lost"] == 0 and server.status()["kept"] == 100


def test_what_is_too_old_is_told(serve, connect, state):
    server = serve(0, tls=False, extra=state + ["stream_alerts=100", "journal_bytes=1048576"])
    client = connect(server, "unix")
    call = client.subscribe(control=True)
    server.say("more 1")
    first = next(call)
    epoch = first.position.epoch
    call.cancel()
    for n in range(20):
        server.say("more 1000")
        server.status_until(alerts=1 + (n + 1) * 1000)
    end = time.monotonic() + 30
    while True:  # what was read is about to be written, and then the oldest goes
        got = list(get(client, control=True, after=Cursor(epoch=epoch, seq=1)))
        lost = got[0].lost
        if lost.count > 10000 or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert lost.reason == CAUSE.EXPIRED and lost.first.seq == 2
    assert lost.count == lost.last.seq - 1 and lost.count > 10000
    assert accounted(got) == list(range(2, 20002))


def test_a_server_killed_as_a_whole_goes_on(serve, connect, state, journal):
    first = serve(500, tls=False, extra=state)
    stream = Stream(connect(first, "unix"), consumer="c", control=True, follow=True)
    got = [next(stream) for _ in range(500)]
    stream.send(ack=got[399].position)
    assert next(r for r in stream if r.bookmark).acked.seq == 400
    first.kill_all()
    stream.half_close()
    second = serve(10, tls=False, extra=state)
    client = connect(second, "unix")
    again = Stream(client, consumer="c", control=True, follow=True)
    assert take(again, 100) == list(range(401, 501))
    lost = next(again)
    # Numbers were reserved on disk before they were sent; the new run begins behind them.
    assert lost.lost.reason == CAUSE.RESTART and lost.lost.first.seq == 501
    begin = lost.lost.last.seq + 1
    assert take(again, 10) == list(range(begin, begin + 10))
    again.cancel()
    assert [s for (s,) in journal()] == list(range(1, 501)) + list(range(begin, begin + 10))
    # After a clean end there is no gap.
    second.stop()
    third = serve(10, tls=False, extra=state)
    assert numbers(get(connect(third, "unix"))) == list(range(begin + 10, begin + 20))


def test_legacy_clients_miss_nothing_over_a_restart(serve, connect, state):
    server = serve(100, tls=False, extra=state)
    call = connect(server, "unix").get(timeout=20)
    assert numbers(call) == list(range(1, 101))
    server.stop()
    server = serve(50, tls=False, extra=state)
    server.status_until(alerts=50)
    assert numbers(connect(server, "unix").get(timeout=20)) == list(range(101, 151))
    server.say("more 20")
    server.status_until(alerts=70)
    server.stop()
    server = serve(0, tls=False, extra=state)
    assert numbers(connect(server, "unix").get(timeout=20)) == list(range(151, 171))


def test_a_second_server_does_without_the_journal(serve, connect, state, tmp_path):
    serve(5, tls=False, extra=state)
    second = serve(5, addresses=f"unix://{tmp_path}/second.sock", extra=state)
    assert numbers(connect(second, "unix").get(timeout=20)) == [1, 2, 3, 4, 5]
    assert "another server uses this journal; alerts are kept in memory only" in second.log()


@pytest.mark.parametrize("time", range(int(os.environ.get("TIERCEL_TEST_REPEAT", "3"))))
def test_a_killed_sensor_is_followed_at_once(serve, connect, state, time):
    """Its network process writes down what it still has, and the next server waits for that."""
    first = serve(0, tls=False, extra=state)
    stream = Stream(connect(first, "unix"), control=True, follow=True)
    first.say("more 1000")
    assert take(stream, 1) == [1]
    first.kill_sensor()
    second = serve(10, tls=False, extra=state)
    second.status_until(alerts=10)
    assert numbers(get(connect(second, "unix"), last=2000)) == list(range(1, 1011))
    stream.cancel()


def test_a_server_waits_for_the_one_before_to_write(serve, connect, state, tmp_path):
    serve(5, tls=False, extra=state).stop()
    with open(tmp_path / "state" / "journal" / "lock", "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX, 1, 1)  # as one that ends: its files, but no service
        threading.Timer(5, fcntl.lockf, (lock, fcntl.LOCK_UN, 1, 1)).start()
        server = serve(5, tls=False, extra=state)
        server.status_until(alerts=5)
    assert numbers(get(connect(server, "unix"), last=100)) == list(range(1, 11))


def test_a_damaged_file_is_put_aside(serve, connect, state, tmp_path):
    server = serve(50, tls=False, extra=state)
    server.status_until(alerts=50)
    server.stop()
    path = tmp_path / "state" / "journal" / "alerts.db"
    data = bytearray(path.read_bytes())
    data[:100] = os.urandom(100)
    path.write_bytes(bytes(data))
    server = serve(5, tls=False, extra=state)
    assert numbers(connect(server, "unix").get(timeout=20)) == [1, 2, 3, 4, 5]
    assert (path.parent / "alerts.db.damaged").exists()
    assert "alert 0: the file was damaged" in server.log()


class LegacyPoller:
    """A sub of a client of Falco's that polls with empty requests, is cut off, and comes again."""

    def __init__(self, connect, server, how, every, idle=0.0):
        self.connect, self.server, self.how = connect, server, how
        self.every, self.idle = every, idle
        self.got, self.gone = [], threading.Event()
        self.start()

    def poll(self, gone):
        yield Request()
        while not gone.wait(self.every):
            yield Request()

    def start(self):
        self.gone = threading.Event()
        self.call = self.connect(self.server, self.how)._sub(self.poll(self.gone))
        self.thread = threading.Thread(target=self.read, args=(self.call,), daemon=True)
        self.thread.start()

    def read(self, call):
        try:
            for alert in call:
                self.got.append(alert)
        except grpc.RpcError:
            pass

    def stop(self):
        self.gone.set()
        self.call.cancel()
        self.thread.join(20)

    def restart(self):
        self.stop()
        self.start()

    def until(self, wanted, timeout=60):
        end = time.monotonic() + timeout
        while not wanted <= {number(a) for a in list(self.got)}:
            assert time.monotonic() < end, sorted(wanted - {number(a) for a in self.got})[:20]
            time.sleep(0.05)


def test_legacy_pollers_that_restart_in_turn_miss_none(serve, connect, state):
    """Two identities (a local user and a certificate), polling every 100 ms and every second."""
    server = serve(0, extra=state)
    pollers = [LegacyPoller(connect, server, "unix", 0.1), LegacyPoller(connect, server, "tls", 1.0)]
    for part in range(20):
        server.say("more 500")
        pollers[part % 2].restart()
    for p in pollers:
        p.until(set(range(1, 10001)))
        assert not any(a.HasField("position") or a.bookmark or a.HasField("lost") for a in p.got)
        p.stop()


def test_legacy_pollers_that_stay_get_everything_once(serve, connect, state):
    server = serve(0, extra=state)
    pollers = [LegacyPoller(connect, server, "unix", 0.1), LegacyPoller(connect, server, "tls", 1.0)]
    for _ in range(10):
        server.say("more 300")
        time.sleep(0.1)
    for p in pollers:
        p.until(set(range(1, 3001)))
        p.stop()
        assert numbers(p.got) == list(range(1, 3001))


class IdlePoller(LegacyPoller):
    """Sends an empty request after so long without an alert, as client-go and the event-generator do."""

    def poll(self, gone):
        yield Request()
        seen, since = 0, time.monotonic()
        while not gone.wait(0.02):
            if len(self.got) != seen:
                seen, since = len(self.got), time.monotonic()
            elif time.monotonic() - since >= self.idle:
                since = time.monotonic()
                yield Request()


def test_the_cadences_of_falcos_clients(serve, connect, state):
    """Every 100 ms whatever comes, after 100 ms and after 1 s without an alert: all get everything, once."""
    server = serve(0, tls=False, extra=state)
    pollers = [LegacyPoller(connect, server, "unix", 0.1), IdlePoller(connect, server, "unix", 0, 0.1),
               IdlePoller(connect, server, "unix", 0, 1.0)]
    server.status_until(streams=3)
    for pause in (0.05, 0.3, 1.5, 0.05, 1.2):
        server.say("more 200")
        time.sleep(pause)
    for p in pollers:
        p.until(set(range(1, 1001)))
        assert numbers(p.got) == list(range(1, 1001))
    now = server.status_until(streams=3, calls=3)
    assert now["sent"] == 3000  # polling is not answered
    for p in pollers:
        p.stop()


def test_overlapping_legacy_streams_of_one_user_lose_none(serve, connect, state):
    server = serve(0, tls=False, extra=state)
    old, seen = LegacyPoller(connect, server, "unix", 0.1), []
    for _ in range(10):
        server.say("more 300")
        new = LegacyPoller(connect, server, "unix", 0.1)  # before the old one is gone
        old.stop()
        server.say("more 200")
        seen += old.got
        old = new
    old.until(set(range(1, 5001)) - set(numbers(seen)))
    old.stop()

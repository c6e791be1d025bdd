"""What a store of the tests can be made to suffer beside a kill: loss of power, a full disk, a clock that jumps."""

import random
import threading
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from wall_clock import Clock

pytestmark = pytest.mark.long  # a round of a campaign is in every run

#: So many acknowledged writes, and so many losses of power among them.
WRITES = 1_000
LOSSES = 4

#: Commands of one pipeline; each number is written by two of them.
BATCH = 32


def client_of(server):
    return redis.Redis(port=server.port, socket_timeout=10.0, retry=Retry(NoBackoff(), 0))


class Writer:
    """Counts in the store, in pipelines, until the store goes away."""

    def __init__(self, server, *, pause_s=0.0):
        self.server = server
        self.pause_s = pause_s
        self.acknowledged = 0
        self.sent = 0

    def run(self):
        with client_of(self.server) as client:
            while True:
                numbers = range(self.sent + 1, self.sent + 1 + BATCH // 2)
                self.sent = numbers[-1]
                pipeline = client.pipeline(transaction=False)
                for number in numbers:
                    pipeline.incr("count").set(f"number:{number}", number)
                try:
                    pipeline.execute()
                except redis.RedisError:
                    return
                self.acknowledged = self.sent
                time.sleep(self.pause_s)

    def until_power_fails(self, *, more, lose):
        """Writes until `more` numbers are acknowledged, and on until `lose` has ended the store."""
        thread = threading.Thread(target=self.run)
        wanted = self.acknowledged + more
        thread.start()
        while self.acknowledged < wanted:
            assert thread.is_alive(), self.server.log()
            time.sleep(0.0005)
        lost = lose()
        thread.join()
        return lost

    def adopt(self):
        """Goes on from what the store has; which must be a prefix of what was sent. Returns the last number there."""
        with client_of(self.server) as client:
            count = int(client.get("count") or 0)
            there = {int(key.split(b":")[1]) for key in client.scan_iter(match="number:*", count=1_000)}
        assert there in ({*range(1, count + 1)}, {*range(1, count)}), "not a prefix"
        assert count <= self.sent
        self.sent = self.acknowledged = count - (count not in there)
        if count not in there and count:
            with client_of(self.server) as client:
                client.set("count", self.sent)
        return self.sent


@pytest.mark.parametrize("seed", [1, 2])
def test_no_loss_of_power_takes_what_was_acknowledged_with_always(new_valkey, show, seed):
    chance = random.Random(seed)
    server = new_valkey(appendfsync="always", power_fails=True)
    writer, lost = Writer(server), 0
    for _ in range(LOSSES):
        more = chance.randint(WRITES // LOSSES, WRITES // LOSSES + 100)
        keep = chance.random()
        lost += writer.until_power_fails(more=more, lose=lambda keep=keep: server.lose_power(keep))
        promised = writer.acknowledged
        server.restart()
        assert writer.adopt() >= promised
    assert writer.acknowledged >= WRITES
    show(f"{LOSSES} losses of power, always: {writer.acknowledged} writes acknowledged, {lost} bytes of others lost")


def test_a_loss_of_power_takes_the_end_of_what_was_acknowledged_with_everysec(new_valkey, show):
    server = new_valkey(appendfsync="everysec", power_fails=True)
    writer, forgotten = Writer(server, pause_s=0.01), 0
    for keep in (0.0, 0.6):
        since = time.monotonic()

        def lose(keep=keep, since=since):
            while time.monotonic() - since < 1.2:  # a second, in which the disk is told once
                time.sleep(0.01)
            return server.lose_power(keep)

        assert writer.until_power_fails(more=500, lose=lose) > 0
        promised = writer.acknowledged
        server.restart()
        forgotten += promised - min(promised, writer.adopt())
    show(f"2 losses of power, everysec: {writer.acknowledged} acknowledged writes kept, {forgotten} lost")
    assert forgotten > 0
    assert writer.acknowledged > 0


def test_what_was_never_synced_is_gone_and_what_was_lost_once_stays_lost(new_valkey):
    server = new_valkey(appendfsync="no", power_fails=True)
    with client_of(server) as client:
        client.set("first", "x" * 1_000)
        client.set("second", "x" * 1_000)
    assert server.lose_power(0.7) > 0
    server.restart()
    with client_of(server) as client:
        assert client.keys() == [b"first"]
        client.set("third", "x" * 1_000)
    assert server.lose_power() > 0
    server.restart()
    with client_of(server) as client:
        assert client.keys() == [b"first"], "what the disk had after one loss of power it has after the next"


def test_a_disk_that_lied_forgets_even_what_always_has_synced(new_valkey):
    server = new_valkey(appendfsync="always", power_fails=True)
    with client_of(server) as client:
        client.set("old", "x")
        since, said = time.monotonic(), 0
        while time.monotonic() - since < 0.8:
            said = client.incr("count")
            time.sleep(0.005)
    assert server.lose_power(synced=False, back_s=0.3) > 0
    server.restart()
    with client_of(server) as client:
        assert client.get("old") == b"x"
        assert int(client.get("count") or 0) < said


def test_a_store_with_always_ends_when_its_disk_is_full_and_comes_back_with_all_that_it_had_said(new_valkey):
    server = new_valkey(appendfsync="always")
    with client_of(server) as client:
        client.set("before", "x")
        server.fill_disk()
        with pytest.raises(redis.RedisError):
            client.set("during", "x" * 1_000)
    assert server._process.wait(timeout=20) == 1, "it ends by its own will, not by a signal"
    server.free_disk()
    with client_of(server) as client:
        client.set("after", "x")
        assert sorted(client.keys()) == [b"after", b"before"]


def test_a_store_with_everysec_lives_on_a_full_disk_refuses_all_and_takes_writes_when_there_is_room(new_valkey):
    server = new_valkey(appendfsync="everysec")
    pid = server.pid
    with client_of(server) as client:
        client.set("before", "x")
        server.fill_disk()
        client.set("during", "x" * 1_000)  # said before the disk was asked, as everysec does
        refused = ""
        while "MISCONF" not in refused:
            try:
                client.set("later", "x")
            except redis.ResponseError as error:
                refused = str(error)
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.ping()
        assert client.get("before") == b"x"
        server.free_disk()
        client.set("after", "x")
        assert {b"after", b"before", b"during"} <= set(client.keys())
    server.restart()
    assert server.pid != pid
    with client_of(server) as client:
        assert {b"after", b"before", b"during"} <= set(client.keys())


def test_a_frozen_store_says_nothing_and_goes_on_where_it_was(new_valkey):
    server = new_valkey()
    with client_of(server) as client:
        client.set("before", "x")
        server.freeze()
        impatient = redis.Redis(port=server.port, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))
        with impatient, pytest.raises(redis.TimeoutError):
            impatient.ping()
        server.thaw()
        assert client.get("before") == b"x"
    server.freeze()
    server.restart()
    assert server.running


@pytest.mark.parametrize("seconds", [60, -60])
def test_the_time_of_a_store_jumps_while_it_runs_and_again_after_a_loss_of_power(new_valkey, tmp_path, seconds):
    clock = Clock(tmp_path)
    server = new_valkey(appendfsync="always", clock=clock, power_fails=True)

    def comes_to(wanted_s):
        """Whether the time of the store becomes so; it asks its machine once for all that one turn of it does."""
        deadline = time.monotonic() + 20
        with client_of(server) as client:
            while time.monotonic() < deadline:
                at, micros = client.time()
                if abs(at + micros / 1e6 - time.time() - wanted_s) < 5:
                    return True
        return False

    assert comes_to(0)
    clock.jump(seconds)
    assert comes_to(seconds)
    with client_of(server) as client:
        client.set("written", "x")
    server.lose_power()
    server.restart()
    assert comes_to(seconds)
    clock.set_ahead(0)
    assert comes_to(0)
    with client_of(server) as client:
        assert client.get("written") == b"x"

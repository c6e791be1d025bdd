"""What only a frontier in a store has: outages, pages too large for one call, pauses, a store that is full."""

from __future__ import annotations

import asyncio
import itertools

import msgspec
import pytest
from clocked_store import ClockedStore
from msgspec.structs import replace

from crawler.frontier.codec import Undecodable, decode
from crawler.frontier.contract import MOST_NEEDED, Fate, FrontierRequest, PageCommit, Reply, Row, RowFate
from crawler.frontier.redis import _CLOSE, _COMMIT, _ENQUEUE, _STAGE, RedisFrontier, SyncRenewal
from crawler.jobs.rows import NOTE
from crawler.store import Store, SyncStore, connect, connect_sync

START = FrontierRequest(id=1, host="", body=b"")


@pytest.fixture
def store(valkey):
    store = ClockedStore(valkey.url)
    yield store
    store.close()


@pytest.fixture
def frontier(store):
    return store.face(RedisFrontier(store.store, job="j", ttl_s=60))


@pytest.fixture
def take(frontier):
    numbers = itertools.count(1)

    def take(limit=100, *, worker="w1"):
        return frontier.lease(worker=worker, call=next(numbers), limit=limit, ttl_s=60)

    return take


def requests(first, last, **kwargs):
    return [FrontierRequest(id=number, host="a", body=b"x", **kwargs) for number in range(first, last)]


def check(frontier):
    counted, kept = frontier.audit(), frontier.ledger()
    assert counted == kept
    assert counted.balanced
    return counted


# --- outages ---


def test_leases_outlive_an_outage_of_the_store(store, frontier, take):
    frontier.enqueue(requests(10, 12))
    (held, _) = take().leases
    store.clock.pass_(300)
    store.clock.restart_server()
    assert take(worker="w2").leases == ()
    store.clock.pass_(59)
    assert take(worker="w2").leases == ()
    (reply,) = frontier.commit([PageCommit(lease=held, outcome="ok")])
    assert reply.reply is Reply.OK
    store.clock.pass_(2)
    assert [lease.request.id for lease in take(worker="w2").leases] == [11]


def test_leases_of_workers_that_died_together_are_due_when_the_store_was_up_all_the_time(store, frontier, take):
    frontier.enqueue(requests(10, 12))
    take()
    store.clock.pass_(300)
    assert len(take(1, worker="w2").leases) == 1


def test_a_short_outage_gives_no_grace(store, frontier, take):
    frontier.enqueue(requests(10, 11))
    take()
    store.clock.restart_server()
    for _ in range(4):
        store.clock.pass_(19)
        frontier.promote()
    assert len(take(worker="w2").leases) == 1


# --- suspects and workers that are never without pages ---


@pytest.fixture
def busy(store, frontier, take):
    """Two workers that always hold something, and a suspect: the page 10, whose holder has died."""
    frontier.enqueue(requests(10, 100))
    take(1, worker="dead")
    held = {worker: take(2, worker=worker).leases for worker in ("w1", "w2")}
    store.clock.pass_(40)
    for worker, leases in held.items():
        frontier.renew(worker=worker, leases=leases, ttl_s=60)
    store.clock.pass_(21)
    frontier.promote()
    return held


def settle_one(frontier, held, worker):
    lease, *rest = held[worker]
    frontier.commit([PageCommit(lease=lease, outcome="ok")])
    held[worker] = tuple(rest)


def test_a_suspect_waits_for_a_ttl_for_a_worker_that_holds_nothing(store, frontier, take, busy):
    for _ in range(2):
        assert [lease.suspect for lease in take(1, worker="w1").leases] == [False]
        store.clock.pass_(29)
    assert take(1, worker="w3").leases[0].request.id == 10


def test_then_one_of_the_busy_workers_is_given_nothing_else_until_it_is_free_for_it(store, frontier, take, busy):
    store.clock.pass_(30)
    for worker in ("w1", "w2"):
        frontier.renew(worker=worker, leases=busy[worker], ttl_s=60)
    store.clock.pass_(31)
    for _ in range(2):
        assert take(1, worker="w1").leases == ()
        assert len(take(1, worker="w2").leases) == 1
        settle_one(frontier, busy, "w1")
    (suspect,) = take(5, worker="w1").leases
    assert (suspect.request.id, suspect.suspect) == (10, True)
    assert take(1, worker="w1").leases == ()
    frontier.commit([PageCommit(lease=suspect, outcome="ok")])
    assert len(take(5, worker="w1").leases) == 5
    check(frontier)


def test_another_gives_way_if_the_first_one_does_not_come_back_for_it(store, frontier, take, busy):
    store.clock.pass_(30)
    for worker in ("w1", "w2"):
        frontier.renew(worker=worker, leases=busy[worker], ttl_s=60)
    store.clock.pass_(31)
    assert take(1, worker="w1").leases == ()
    for _ in range(2):
        frontier.renew(worker="w2", leases=busy["w2"], ttl_s=60)
        store.clock.pass_(31)
    assert take(1, worker="w2").leases == ()
    settle_one(frontier, busy, "w2")
    settle_one(frontier, busy, "w2")
    assert [lease.suspect for lease in take(5, worker="w2").leases] == [True]


# --- pages that are too large for one call ---


def test_a_page_with_thousands_of_links_is_committed_whole(frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    children = tuple(requests(100, 3_100))
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=children)])
    assert set(reply.children) == {Fate.STAGED}
    assert frontier.ledger().staged == 3_000
    found = []
    for _ in range(100):
        found += [lease.request.id for lease in take(1_000).leases]
        if len(found) == 3_000:
            break
    assert found == [child.id for child in children]


@pytest.mark.parametrize("max_rows", [None, 150])
def test_a_note_on_a_page_with_very_many_rows_is_kept_behind_them_and_takes_no_room(store, max_rows):
    frontier = store.face(RedisFrontier(store.store, job="j", ttl_s=60, max_rows=max_rows))
    frontier.enqueue([START])
    (start,) = frontier.lease(worker="w1", call=1, limit=1, ttl_s=60).leases
    note = Row(item=NOTE, body=b"note")
    rows = (note, *(Row(item="book", body=b"row %d" % number, key=number + 1) for number in range(500)), note)
    frontier.commit([PageCommit(lease=start, outcome="ok", rows=rows)])
    while frontier.promote() == 0:
        pass
    assert check(frontier).rows == {"book": max_rows or 500}
    kept = [row.body for row in frontier.read_rows(limit=1000)]
    assert kept == [row.body for row in (*rows[: 1 + (max_rows or 500)], note)]


def test_staged_links_keep_the_job_open_until_they_are_unfolded(frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    frontier.commit([PageCommit(lease=start, outcome="ok", children=tuple(requests(100, 500)))])
    reply = take(0)
    assert reply.open > 0
    assert reply.due_in_s == 0
    while frontier.promote() == 0:
        pass
    books = check(frontier)
    assert (books.accepted, books.ready, books.staged) == (401, 400, 0)


def stage(store, frontier, lease, number, *words):
    return store.run(frontier.target._call(_STAGE, lease.request.id, lease.token, number, *words))


@pytest.mark.parametrize("reason", ["limits.requests", "cancelled"])
def test_rows_of_a_large_page_count_also_if_the_job_ends_before_anybody_looks_at_them(frontier, take, reason):
    frontier.enqueue([START])
    (start,) = take().leases
    rows = tuple(Row(item="book", body=b"row %d" % number, key=number + 1) for number in range(1_000))
    children = tuple(requests(100, 400))
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=children, rows=rows)])
    assert set(reply.rows) == {RowFate.STAGED}
    assert frontier.close(reason) is Reply.OK
    books = check(frontier)
    assert (books.rows, books.settled) == ({"book": 1_000}, {"ok": 1, "cancelled": 300})
    assert [row.body for row in frontier.read_rows(limit=2_000)] == [row.body for row in rows]


def test_a_job_that_is_said_to_be_finished_is_not_while_a_large_page_is_not_looked_at(frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    rows = tuple(Row(item="book", body=b"x") for _ in range(1_000))
    frontier.commit([PageCommit(lease=start, outcome="ok", rows=rows)])
    assert frontier.close("finished") is Reply.STALE
    while frontier.promote() == 0:
        pass
    assert frontier.close("finished") is Reply.OK
    assert frontier.ledger().rows == {"book": 1_000}


def test_a_part_that_comes_before_another_is_refused_and_not_taken_for_known(store, frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    second = (1, "c", 501, "a", 0, b"\0y")
    assert stage(store, frontier, start, *second) == 2
    assert stage(store, frontier, start, 0, "c", 500, "a", 0, b"\0x") == 1
    assert stage(store, frontier, start, *second) == 1
    assert stage(store, frontier, start, *second) == 1  # again: it is there
    frontier.commit([PageCommit(lease=start, outcome="ok")])
    assert [lease.request.id for lease in take().leases + take().leases] == [500, 501]


def test_a_large_page_is_whole_also_if_its_first_part_had_to_be_sent_again(store):
    class Forgetful:
        """The server does not know the script when the first part comes; another worker loads it meanwhile."""

        prefix = store.store.prefix
        refused = 0

        async def call(self, script, keys, args):
            if script is _STAGE and args[4] == 0 and not self.refused:
                self.refused += 1
                await asyncio.sleep(0.05)
            return await store.store.call(script, keys, args)

        async def command(self, *words):
            return await store.store.command(*words)

    frontier = store.face(RedisFrontier(Forgetful(), job="j", ttl_s=60))
    frontier.enqueue([START])
    (start,) = frontier.lease(worker="w1", call=1, limit=1, ttl_s=60).leases
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=tuple(requests(100, 3_100)))])
    assert reply.reply is Reply.OK
    while frontier.promote() == 0:
        pass
    books = check(frontier)
    assert (books.accepted, books.ready) == (3_001, 3_000)


class Rewound:
    """A store that has lost the end of its log with its power: before some calls of a script, parts are gone."""

    def __init__(self, store, *, before, losses):
        self.prefix = store.store.prefix
        self.calls = 0
        self._store = store.store
        self._before = before
        self._losses = losses  # by number of the call: how many parts are left

    async def call(self, script, keys, args):
        if script is self._before:
            self.calls += 1
            if self.calls in self._losses:
                await self._lose(self._losses[self.calls])
        return await self._store.call(script, keys, args)

    async def command(self, *words):
        return await self._store.command(*words)

    async def _lose(self, left):
        (stage,) = await self._store.command("KEYS", f"{self.prefix}:{{j}}:stage:*")
        await (self._store.command("LTRIM", stage, 0, left - 1) if left else self._store.command("DEL", stage))
        await self._store.command("HSET", f"{self.prefix}:{{j}}:books", "staging:1", min(200 * left, 700))


@pytest.mark.parametrize("losses", [{1: 0}, {1: 3}, {1: 2, 2: 0, 3: 6}], ids=["all", "the last", "again and again"])
def test_parts_that_the_store_loses_before_their_page_is_settled_are_staged_anew(store, losses):
    rewound = Rewound(store, before=_COMMIT, losses=losses)
    frontier = store.face(RedisFrontier(rewound, job="j", ttl_s=60))
    frontier.enqueue([START])
    (start,) = frontier.lease(worker="w1", call=1, limit=1, ttl_s=60).leases
    children = tuple(requests(100, 800))
    rows = tuple(Row(item="book", body=b"row %d" % number, key=number + 1) for number in range(500))
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=children, rows=rows)])
    assert (reply.reply, len(reply.children), len(reply.rows)) == (Reply.OK, 700, 500)
    assert rewound.calls == 1 + len(losses)
    while frontier.promote() == 0:
        pass
    books = check(frontier)
    assert (books.accepted, books.rows, books.staged, books.settled) == (701, {"book": 500}, 0, {"ok": 1})
    assert [row.body for row in frontier.read_rows(limit=500)] == [row.body for row in rows]


def test_a_page_is_staged_anew_when_the_store_loses_parts_between_others(store):
    rewound = Rewound(store, before=_STAGE, losses={21: 4})  # 20 are on their way at once
    frontier = store.face(RedisFrontier(rewound, job="j", ttl_s=60))
    frontier.enqueue([START])
    (start,) = frontier.lease(worker="w1", call=1, limit=1, ttl_s=60).leases
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=tuple(requests(100, 5_100)))])
    assert reply.reply is Reply.OK
    while frontier.promote() == 0:
        pass
    books = check(frontier)
    assert (books.accepted, books.ready, books.staged) == (5_001, 5_000, 0)


def test_a_page_whose_parts_are_lost_each_time_is_not_settled_and_comes_back(store):
    rewound = Rewound(store, before=_COMMIT, losses=dict.fromkeys(range(1, 100), 1))
    frontier = store.face(RedisFrontier(rewound, job="j", ttl_s=60))
    frontier.enqueue([START])
    (start,) = frontier.lease(worker="w1", call=1, limit=1, ttl_s=60).leases
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=tuple(requests(100, 800)))])
    assert (reply.reply, rewound.calls) == (Reply.STALE, 5)
    assert check(frontier).leased == 1
    store.clock.pass_(61)
    assert [lease.request.id for lease in frontier.lease(worker="w2", call=1, limit=9, ttl_s=60).leases] == [1]


class Undone:
    """A store that loses a call of a script with its power when it has answered it."""

    def __init__(self, store, *, undone):
        self.prefix = store.store.prefix
        self._store = store.store
        self._undone = undone

    async def call(self, script, keys, args):
        if script is not self._undone:
            return await self._store.call(script, keys, args)
        before = {name: await self.command("DUMP", name) for name in await self.command("KEYS", f"{self.prefix}:*")}
        answer = await self._store.call(script, keys, args)
        await self.command("DEL", *await self.command("KEYS", f"{self.prefix}:*"))
        for name, content in before.items():
            await self.command("RESTORE", name, 0, content)
        return answer

    async def command(self, *words):
        return await self._store.command(*words)


def test_a_job_whose_end_the_store_loses_still_knows_all_of_its_pages(store, frontier, take):
    frontier.enqueue([START, *requests(100, 700)])
    while leases := take().leases:
        frontier.commit([PageCommit(lease=lease, outcome="ok") for lease in leases])
    forgetful = store.face(RedisFrontier(Undone(store, undone=_CLOSE), job="j", ttl_s=60))
    assert forgetful.close("finished") is Reply.OK
    assert check(frontier).closed == ""
    assert set(frontier.enqueue([START, *requests(100, 700)])) == {Fate.SEEN}
    assert frontier.close("finished") is Reply.OK
    left = store.run(store.store.command("KEYS", "crawlery:{j}:*"))
    assert not [name for name in left if b":set:" in name or b":ready:" in name or b":held:" in name]


def test_a_start_page_begins_again_if_its_store_did_and_may_have_lost_what_it_had_found(store, frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    store.clock.pass_(2)
    ended = PageCommit(lease=start, outcome="ok", handed_in=True)
    forgetful = store.face(RedisFrontier(Undone(store, undone=_ENQUEUE), job="j", ttl_s=60))
    assert forgetful.enqueue(requests(100, 101)) == (Fate.ENQUEUED,)
    store.clock.restart_server()
    store.clock.pass_(1)
    assert frontier.commit([ended])[0].reply is Reply.STALE
    assert frontier.close("finished") is Reply.STALE
    (again,) = take().leases
    assert (again.request.id, check(frontier).released) == (1, 1)
    assert frontier.enqueue(requests(100, 101)) == (Fate.ENQUEUED,)
    assert frontier.commit([replace(ended, lease=again)])[0].reply is Reply.OK
    assert (check(frontier).settled, check(frontier).ready) == ({"ok": 1}, 1)


def test_a_store_that_has_just_been_started_settles_a_start_page_that_has_seen_no_other_start_of_it(new_valkey):
    """Such a store says for a second that it has been up for no time."""

    async def crawl(job, *, restarted):
        store = Store(connect({"url": valkey.url}))
        frontier = RedisFrontier(store, job=job, ttl_s=60)
        await frontier.enqueue([START])
        (start,) = (await frontier.lease(worker="w1", call=1, limit=9, ttl_s=60)).leases
        await frontier.enqueue(requests(100, 101))
        await asyncio.sleep(0.02)
        if restarted:
            valkey.kill()
            await asyncio.to_thread(valkey.restart)
        (end,) = await frontier.commit([PageCommit(lease=start, outcome="ok", handed_in=True)])
        await store.close()
        return end.reply

    valkey = new_valkey(appendfsync="always")
    assert asyncio.run(crawl("first", restarted=False)) is Reply.OK
    assert asyncio.run(crawl("second", restarted=True)) is Reply.STALE


def test_a_start_page_that_has_found_nothing_or_whose_store_ran_all_the_time_is_settled(store, frontier, take):
    store.clock.restart_server()
    store.clock.pass_(5)
    frontier.enqueue([START])
    (start,) = take().leases
    frontier.enqueue(requests(100, 101))
    store.clock.pass_(3)
    assert frontier.commit([PageCommit(lease=start, outcome="ok", handed_in=True)])[0].reply is Reply.OK
    other = store.face(RedisFrontier(store.store, job="other", ttl_s=60))
    other.enqueue([START])
    (start,) = other.lease(worker="w1", call=1, limit=9, ttl_s=60).leases
    store.clock.pass_(3)
    store.clock.restart_server()
    assert other.commit([PageCommit(lease=start, outcome="ok")])[0].reply is Reply.OK


@pytest.mark.parametrize("links", [1, 200, 500], ids=["small", "as large as a call may be", "staged"])
def test_only_a_page_with_parts_costs_a_look_at_them(store, frontier, take, links):
    frontier.enqueue([START])
    (start,) = take().leases
    store.run(store.store.command("CONFIG", "RESETSTAT"))
    frontier.commit([PageCommit(lease=start, outcome="ok", children=tuple(requests(100, 100 + links)))])
    stats = store.run(store.store.command("INFO", "commandstats")).decode()
    looks = [line for line in stats.splitlines() if line.startswith("cmdstat_llen:")]
    assert len(looks) == (links > 200)


def test_what_a_lost_lease_has_staged_never_appears(store, frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    stage(store, frontier, start, 0, "c", 500, "a", 0, b"\0x")
    store.clock.pass_(61)
    (again,) = take(worker="w2").leases
    frontier.commit([PageCommit(lease=again, outcome="ok")])
    books = check(frontier)
    assert (books.accepted, books.staged, books.settled) == (1, 0, {"ok": 1})


def test_a_large_commit_of_a_lost_lease_is_stale_and_leaves_nothing(store, frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    store.clock.pass_(61)
    (again,) = take(worker="w2").leases
    children = tuple(requests(100, 600))
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", children=children)])
    assert reply.reply is Reply.STALE
    frontier.commit([PageCommit(lease=again, outcome="ok")])
    assert check(frontier).accepted == 1


def test_a_list_page_with_thousands_of_marks_still_knows_whether_it_shows_something_new(frontier, take):
    frontier.enqueue([START])

    def read(marks, number):
        (lease,) = take(1).leases
        following = FrontierRequest(id=number, host="a", body=b"", chain="list", on_progress=True)
        commit = PageCommit(lease=lease, outcome="ok", chain="list", marks=frozenset(marks), children=(following,))
        (reply,) = frontier.commit([commit])
        while frontier.promote() == 0:
            pass
        return reply.children[0]

    assert read(range(1_000, 3_000), 50) is Fate.ENQUEUED
    assert read(range(1_500, 3_001), 51) is Fate.ENQUEUED
    assert read(range(1_000, 3_001), 52) is Fate.STALLED


def test_rows_of_a_large_page_are_kept_once_each(frontier, take):
    frontier.enqueue([START])
    (start,) = take().leases
    rows = tuple(Row(item="book", body=b"%d" % (number % 900), key=1 + number % 900) for number in range(1_000))
    (reply,) = frontier.commit([PageCommit(lease=start, outcome="ok", rows=rows)])
    assert len(reply.rows) == 1_000
    while frontier.promote() == 0:
        pass
    bodies, after = [], ""
    while part := frontier.read_rows(after=after, limit=100):
        bodies += [row.body for row in part]
        after = part[-1].position
    assert sorted(bodies) == sorted(b"%d" % number for number in range(900))
    assert check(frontier).duplicates == 100


# --- growing sets ---


def test_seen_grows_in_shards_and_forgets_nothing(store, frontier):
    ids = [int.from_bytes(__import__("hashlib").blake2b(b"%d" % n, digest_size=8).digest()) for n in range(5_000)]
    page = [FrontierRequest(id=number, host="a", body=b"x") for number in ids]
    assert set(frontier.enqueue(page)) == {Fate.ENQUEUED}
    assert set(frontier.enqueue(page)) == {Fate.SEEN}
    shards = int(store.run(store.store.command("HGET", "crawlery:{j}:sets", "seen:n")))
    sizes = [store.run(store.store.command("SCARD", f"crawlery:{{j}}:set:seen:{k}")) for k in range(shards)]
    assert (sum(sizes), shards >= 25, max(sizes) <= 512) == (5_000, True, True)
    encodings = {
        store.run(store.store.command("OBJECT", "ENCODING", f"crawlery:{{j}}:set:seen:{k}")) for k in range(shards)
    }
    assert encodings == {b"intset"}


# --- pause, cancel, a store that is full ---


def test_a_paused_job_gives_nothing_out_and_takes_everything_in(store, frontier, take):
    frontier.enqueue(requests(10, 13))
    (held,) = take(1).leases
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "paused"))
    reply = take()
    assert (reply.reply, reply.leases, reply.open) == (Reply.PAUSED, (), 3)
    (committed,) = frontier.commit([PageCommit(lease=held, outcome="ok", children=tuple(requests(20, 21)))])
    assert committed.children == (Fate.ENQUEUED,)
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "running"))
    assert len(take().leases) == 3


def test_what_is_parked_is_tried_again_after_a_pause(store, frontier, take):
    frontier.enqueue(requests(10, 110))
    for lease in take().leases:
        frontier.park(lease, needs=MOST_NEEDED)
    assert (frontier.promote(), check(frontier).parked) == (None, 100)
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "paused"))
    frontier.promote()
    frontier.promote()
    assert (check(frontier).parked, check(frontier).ready) == (0, 100)
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "running"))
    assert len(take().leases) == 100


def test_it_is_known_what_parked_pages_wait_for(frontier, take):
    assert frontier.parked_for() is None
    frontier.enqueue(requests(10, 12))
    for lease, needs in zip(take().leases, (MOST_NEEDED, 3), strict=True):
        frontier.park(lease, needs=needs)
    assert frontier.parked_for() == 3


def test_nothing_is_left_of_parked_pages_when_the_job_has_ended(store, frontier, take):
    frontier.enqueue(requests(10, 12))
    for lease in take().leases:
        frontier.park(lease, needs=2)
    assert frontier.close("cancelled") is Reply.OK
    assert store.run(store.store.command("EXISTS", "crawlery:{j}:parked")) == 0
    assert check(frontier).settled == {"cancelled": 2}


def test_facts_that_a_later_release_adds_to_a_request_are_no_hindrance(store, frontier, take):
    frontier.enqueue(requests(10, 11))
    facts = msgspec.msgpack.encode((2, "list", True, ["more"]))
    store.run(store.store.command("HSET", "crawlery:{j}:body", "10", bytes((0x80, len(facts))) + facts + b"body"))
    (lease,) = take().leases
    assert lease.request == FrontierRequest(id=10, host="a", body=b"body", priority=2, chain="list", on_progress=True)


@pytest.mark.parametrize("garbage", [b"", b"\x80", b"\x80\x03\xc1\xc1\xc1", b"\xff\xffx", b"garbage"])
def test_bytes_that_are_no_stored_request_are_given_out_all_the_same_for_the_holder_to_judge(
    store, frontier, take, garbage
):
    frontier.enqueue(requests(10, 11))
    store.run(store.store.command("HSET", "crawlery:{j}:body", "10", garbage))
    (lease,) = take().leases
    with pytest.raises(Undecodable):
        decode(lease.request.body)


def test_a_cancelled_job_gives_nothing_out(store, frontier, take):
    frontier.enqueue(requests(10, 13))
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "running", "intended", "cancel"))
    assert take().reply is Reply.CLOSED


def test_closing_moves_the_job_to_finishing_and_keeps_what_was_intended(store, frontier):
    frontier.enqueue(requests(10, 13))
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "running"))
    assert frontier.close("cancelled") is Reply.OK
    fields = store.run(store.store.command("HMGET", "crawlery:{j}:job", "state", "intended"))
    assert fields == [b"finishing", b"cancel"]
    assert frontier.close("finished") is Reply.CLOSED


def test_the_last_worker_of_a_cancelled_job_ends_it_as_cancelled(store, frontier, take):
    frontier.enqueue(requests(10, 13))
    (held,) = take(1).leases
    store.run(store.store.command("HSET", "crawlery:{j}:job", "state", "running", "intended", "cancel"))
    assert frontier.close("finished") is Reply.STALE
    frontier.commit([PageCommit(lease=held, outcome="ok")])
    assert frontier.close("finished") is Reply.OK
    books = check(frontier)
    assert (books.closed, books.settled) == ("cancelled", {"ok": 1, "cancelled": 2})
    assert store.run(store.store.command("HGET", "crawlery:{j}:job", "state")) == b"finishing"


def test_a_closed_frontier_leaves_only_its_books(store, frontier, take):
    frontier.enqueue(requests(10, 300))
    (lease,) = take(1).leases
    frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(Row(item="book"),))])
    frontier.close("limits.requests")
    keys = sorted(store.run(store.store.command("KEYS", "crawlery:{j}:*")))
    names = [key.decode().rsplit(":", 1)[1] for key in keys]
    assert names == ["books", "rowcount", "rows", "sets", "settled"]


def test_a_store_that_is_three_quarters_full_gives_nothing_out_but_takes_what_is_finished(store, frontier, take):
    frontier.enqueue(requests(10, 13))
    (lease,) = take(1).leases
    store.clock.pass_(2)
    used = dict(
        line.split(":", 1)
        for line in store.run(store.store.command("INFO", "memory")).decode().splitlines()
        if ":" in line
    )["used_memory"]
    store.run(store.store.command("CONFIG", "SET", "maxmemory", int(int(used) * 1.1)))
    try:
        assert take().reply is Reply.FULL
        (reply,) = frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(Row(item="book", body=b"x"),))])
        assert (reply.reply, reply.rows) == (Reply.OK, (RowFate.STORED,))
    finally:
        store.run(store.store.command("CONFIG", "SET", "maxmemory", 0))
    store.clock.pass_(2)
    assert len(take().leases) == 2


# --- the thread that renews, lost scripts, lost connections ---


def test_a_thread_renews_over_a_connection_of_its_own(store, valkey, frontier, take):
    from clocked_store import CLOCK_LUA

    frontier.enqueue(requests(10, 12))
    kept, lost = take().leases
    frontier.commit([PageCommit(lease=lost, outcome="ok")])
    client = connect_sync({"url": valkey.url})
    renewal = SyncRenewal(SyncStore(client, clock=CLOCK_LUA), job="j", worker="w1", ttl_s=60)
    store.clock.pass_(50)
    assert renewal.renew([kept, lost]) == (lost,)
    store.clock.pass_(50)
    assert take(worker="w2").leases == ()
    client.close()


def test_scripts_that_the_server_has_forgotten_are_loaded_again(store, frontier):
    frontier.enqueue(requests(10, 12))
    store.run(store.store.command("SCRIPT", "FLUSH"))
    assert frontier.enqueue(requests(11, 13)) == (Fate.SEEN, Fate.ENQUEUED)


def test_calls_wait_for_a_store_that_is_away_and_lose_nothing(new_valkey):
    server = new_valkey(appendfsync="always")

    async def crawl():
        store = Store(connect({"url": server.url}))
        frontier = RedisFrontier(store, job="j")
        await frontier.enqueue(requests(10, 20))
        server.kill()
        leasing = asyncio.ensure_future(frontier.lease(worker="w", call=1, limit=100, ttl_s=60))
        await asyncio.sleep(0.1)
        assert not leasing.done()
        await asyncio.to_thread(server.restart)
        reply = await leasing
        again = await frontier.lease(worker="w", call=1, limit=100, ttl_s=60)
        await store.close()
        return reply, again, store.counters.outages

    reply, again, outages = asyncio.run(crawl())
    assert len(reply.leases) == 10
    assert reply.leases == again.leases
    assert outages == 1


def test_calls_of_one_turn_share_a_round_trip(valkey):
    async def crawl():
        store = Store(connect({"url": valkey.url}))
        frontier = RedisFrontier(store, job="j")
        await frontier.enqueue(requests(10, 20))  # the scripts are loaded at their first call
        await frontier.promote()
        await frontier.lease(worker="v", call=1, limit=0, ttl_s=60)
        before = store.counters.round_trips
        await asyncio.gather(
            frontier.enqueue(requests(20, 30)),
            frontier.promote(),
            frontier.lease(worker="w", call=1, limit=5, ttl_s=60),
        )
        await store.close()
        return store.counters.round_trips - before

    assert asyncio.run(crawl()) == 1


# --- several workers ---


def test_a_worker_that_comes_late_gets_its_share_of_a_host(store):
    frontier = store.face(RedisFrontier(store.store, job="j", per_host=8))
    frontier.enqueue(requests(10, 60))
    assert len(frontier.lease(worker="w1", call=1, limit=32, ttl_s=60).leases) == 8
    assert frontier.lease(worker="w2", call=1, limit=32, ttl_s=60).leases == ()
    held = list(frontier.lease(worker="w1", call=1, limit=32, ttl_s=60).leases)
    for lease in held[:6]:
        frontier.commit([PageCommit(lease=lease, outcome="ok")])
    assert len(frontier.lease(worker="w1", call=2, limit=32, ttl_s=60).leases) == 2
    assert len(frontier.lease(worker="w2", call=2, limit=32, ttl_s=60).leases) == 4
    store.clock.pass_(1.5)
    assert len(frontier.lease(worker="w2", call=3, limit=32, ttl_s=60).leases) == 0
    for lease in held[6:]:
        frontier.commit([PageCommit(lease=lease, outcome="ok")])
    assert len(frontier.lease(worker="w2", call=4, limit=32, ttl_s=60).leases) == 2
    assert check(frontier).leased == 8

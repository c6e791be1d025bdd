"""What only the memory back end does; what it shares with others is in `tests/contract/frontier`."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from crawler.frontier import memory
from crawler.frontier.contract import Fate, FrontierRequest, PageCommit, Row
from crawler.frontier.memory import MemoryFrontier


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def requests(*numbers: int) -> list[FrontierRequest]:
    return [FrontierRequest(id=number, host="a", body=b"") for number in numbers]


def run(coroutine):
    return asyncio.run(coroutine)


def lease(frontier, call=1, limit=100, ttl_s=60.0):
    return run(frontier.lease(worker="w", call=call, limit=limit, ttl_s=ttl_s)).leases


def test_tokens_come_from_the_given_source(clock):
    frontier = MemoryFrontier(clock=clock, new_token=iter([11, 22]).__next__)
    run(frontier.enqueue(requests(7, 8)))
    assert [lease.token for lease in lease(frontier)] == [11, 22]


def test_tokens_are_not_guessed_from_one_another():
    frontier = MemoryFrontier()
    run(frontier.enqueue(requests(*range(10, 110))))
    tokens = sorted(lease.token for lease in lease(frontier))
    assert len(set(tokens)) == 100
    assert min(after - before for before, after in itertools.pairwise(tokens)) > 1


def test_a_crawl_that_writes_its_own_files_has_its_rows_counted_and_not_kept(clock):
    frontier = MemoryFrontier(clock=clock)
    run(frontier.enqueue(requests(7)))
    run(frontier.commit([PageCommit(lease=lease(frontier)[0], outcome="ok", rows=(Row(item="book", body=b"x"),))]))
    assert run(frontier.ledger()).rows == {"book": 1}
    assert run(frontier.read_rows(limit=10)) == ()


def test_only_so_many_failures_are_kept_and_the_others_counted(clock, monkeypatch):
    monkeypatch.setattr(memory, "MAX_FAILURES_KEPT", 2)
    frontier = MemoryFrontier(clock=clock)
    run(frontier.enqueue(requests(7, 8, 9)))
    run(frontier.commit([PageCommit(lease=held, outcome="timeout", url="u") for held in lease(frontier)]))
    books = run(frontier.ledger())
    assert (len(books.failures), books.settled) == (2, {"timeout": 3})


def test_what_is_remembered_of_ended_leases_goes_with_their_time(clock):
    frontier = MemoryFrontier(clock=clock)
    for call in range(1, 1001):
        run(frontier.enqueue(requests(10 + call)))
        (held,) = lease(frontier, call)
        run(frontier.renew(worker="w", leases=[held], ttl_s=60))
        run(frontier.commit([PageCommit(lease=held, outcome="ok")]))
        clock.now += 1
    assert len(frontier._pages._deadlines) < 70


@pytest.mark.parametrize(
    ("child", "fate"),
    [
        (None, Fate.ENQUEUED),
        (FrontierRequest(id=20, host="a", body=b"", chain="other"), Fate.ENQUEUED),
        (FrontierRequest(id=7, host="a", body=b"", chain="list"), Fate.ENQUEUED),  # it is known: no page comes of it
        (FrontierRequest(id=20, host="a", body=b"", chain="list"), Fate.STALLED),
    ],
    ids=["nothing", "another list", "a page that is known", "its next page"],
)
def test_what_a_list_has_shown_is_forgotten_unless_a_page_of_it_follows(child, fate):
    frontier = MemoryFrontier()
    run(frontier.enqueue(requests(7, 8)))
    first, second = lease(frontier)
    shown = {"outcome": "ok", "chain": "list", "marks": frozenset({1})}
    run(frontier.commit([PageCommit(lease=first, children=() if child is None else (child,), **shown)]))
    later = FrontierRequest(id=30, host="a", body=b"", chain="list", on_progress=True)
    [reply] = run(frontier.commit([PageCommit(lease=second, children=(later,), **shown)]))
    assert reply.children == (fate,)

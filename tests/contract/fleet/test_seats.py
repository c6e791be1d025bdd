"""A node with a free slot gets a seat in the job whose turn it is, and a seat that is not kept is free again."""

from __future__ import annotations

import msgspec
import pytest

from crawler.frontier.contract import FrontierRequest, PageCommit
from crawler.jobs.model import Intended, Priority, State
from crawler.jobs.seats import PAGES_PER_WORKER, RedisSeats, SeatReply


def request(number: int, host: str = "a.example") -> FrontierRequest:
    return FrontierRequest(id=number, host=host, body=b"x")


def start(frontier, pages: int, *, leased: int = 0) -> None:
    """The job's start page has been read and has led to so many pages; so many of them are leased."""
    frontier.enqueue([request(1)])
    (lease,) = frontier.lease(worker="first", call=1, limit=1, ttl_s=60).leases
    children = tuple(request(number) for number in range(2, 2 + pages))
    frontier.commit([PageCommit(lease=lease, outcome="ok", children=children)])
    if leased:
        frontier.lease(worker="first", call=2, limit=leased, ttl_s=60)


def test_a_job_that_nobody_has_begun_has_one_seat(seats, a_job, clock):
    a_job(max_workers=4)
    seat = seats.take("node-1", ttl_s=30)
    assert (seat.job, seat.node, seat.worker) == ("j", "node-1", "")
    assert seat.expires_ms - seat.since_ms == 30_000
    assert seats.take("node-2", ttl_s=30) is None


def test_there_is_no_seat_without_a_job(seats):
    assert seats.take("node-1") is None
    assert seats.wanted() == ()


def test_more_workers_come_as_pages_are_found_and_no_more_than_the_job_may_have(seats, a_job, frontier_of):
    a_job(max_workers=3)
    start(frontier_of("j"), PAGES_PER_WORKER + 1)
    assert [wanted.count for wanted in seats.wanted()] == [2]
    taken = [seats.take("node-1") for _ in range(3)]
    assert [seat is not None for seat in taken] == [True, True, False]
    for seat in taken[:2]:
        assert seats.keep("j", seat.token, worker=f"w-{seat.token}") is SeatReply.KEPT
    assert seats.take("node-1") is not None, "those who have begun are at work, and there is still more to do"
    assert seats.take("node-1") is None, "it may have three"


def test_pages_that_others_have_in_hand_want_no_worker(seats, a_job, frontier_of):
    a_job(max_workers=4)
    start(frontier_of("j"), 3, leased=3)
    assert seats.take("node-1") is None


def test_pages_of_workers_that_died_want_one_when_their_leases_are_over(seats, a_job, frontier_of, clock):
    a_job(max_workers=4)
    start(frontier_of("j"), 3, leased=3)
    clock.pass_(61)
    assert seats.take("node-1") is not None


def test_a_seat_whose_worker_is_silent_is_free_again(seats, a_job, clock):
    a_job()
    first = seats.take("node-1", ttl_s=30)
    clock.pass_(29)
    assert seats.take("node-2", ttl_s=30) is None
    clock.pass_(2)
    second = seats.take("node-2", ttl_s=30)
    assert second is not None
    assert seats.keep("j", first.token, worker="late", ttl_s=30) is SeatReply.GONE
    assert [seat.token for seat in seats.of("j")] == [second.token]


def test_a_seat_that_is_kept_stays(seats, a_job, clock):
    a_job()
    seat = seats.take("node-1", ttl_s=30)
    for _ in range(4):
        clock.pass_(20)
        assert seats.keep("j", seat.token, worker="w", ttl_s=30) is SeatReply.KEPT
    assert seats.take("node-2", ttl_s=30) is None
    assert [seat.worker for seat in seats.of("j")] == ["w"]


def test_seats_outlive_a_store_that_was_away(seats, a_job, clock, clocked):
    a_job()
    seat = seats.take("node-1", ttl_s=30)
    clock.pass_(600)
    clocked.clock.restart_server()
    assert seats.take("node-2", ttl_s=30) is None
    assert seats.keep("j", seat.token, worker="w", ttl_s=30) is SeatReply.KEPT


def test_a_seat_that_is_left_is_free_at_once(seats, a_job):
    a_job()
    seat = seats.take("node-1")
    seats.leave("j", seat.token)
    seats.leave("j", seat.token)
    assert seats.take("node-2") is not None


def test_who_is_asked_to_yield_hears_it(seats, a_job):
    a_job()
    seat = seats.take("node-1")
    assert seats.ask_to_yield("j", seat.token)
    assert seats.keep("j", seat.token, worker="w") is SeatReply.YIELD
    assert not seats.ask_to_yield("j", "another")


@pytest.mark.parametrize("state", ["paused", "finishing"])
def test_a_job_that_gives_out_no_pages_has_no_seat(seats, jobs, a_job, state):
    a_job()
    jobs.move("j", State(state), intended=Intended.CANCEL if state == "finishing" else None)
    assert seats.take("node-1") is None


def test_a_job_that_is_to_end_has_no_seat(seats, jobs, a_job):
    a_job()
    jobs.intend("j", Intended.CANCEL)
    assert seats.take("node-1") is None


def test_the_client_that_has_less_comes_first(seats, a_job):
    for name, client in (("a1", "acme"), ("a2", "acme"), ("b1", "bolt")):
        a_job(name, client=client)
    assert [seats.take("node").job for _ in range(3)] == ["a1", "b1", "a2"]


def test_within_a_client_priority_counts_and_idle_jobs_come_last_of_all(seats, a_job):
    a_job("idle", client="new", priority=Priority.IDLE)
    a_job("normal", client="acme")
    a_job("low", client="acme", priority=Priority.LOW)
    a_job("high", client="acme", priority=Priority.HIGH)
    assert [seats.take("node").job for _ in range(4)] == ["high", "normal", "low", "idle"]


def test_a_job_whose_workers_are_started_by_hand_is_left_to_them(seats, a_job):
    a_job(by_hand=True)
    assert seats.take("node") is None
    assert seats.wanted() == ()


def test_jobs_that_have_ended_are_not_looked_at(jobs, a_job):
    a_job("one")
    a_job("two")
    assert jobs.live() == ("one", "two")
    jobs.move("one", State.FINISHING, intended=Intended.CANCEL)
    jobs.move("one", State.CANCELLED, outcome="empty")
    assert jobs.live() == ("two",)


def park(frontier, pages: int) -> None:
    """So many of the job's pages need a worker that reads 2."""
    start(frontier, pages)
    for lease in frontier.lease(worker="first", call=2, limit=pages, ttl_s=60).leases:
        frontier.park(lease, needs=2)


def test_parked_pages_want_no_worker_that_cannot_read_them(seats, a_job, frontier_of):
    a_job(max_workers=4)
    park(frontier_of("j"), 3)
    assert seats.take("node-1") is None
    assert seats.wanted() == ()


def test_they_do_not_make_the_pages_that_are_ready_more(seats, a_job, frontier_of):
    a_job(max_workers=4)
    frontier = frontier_of("j")
    park(frontier, 3 * PAGES_PER_WORKER)
    frontier.enqueue([request(99)])
    assert [wanted.count for wanted in seats.wanted()] == [1]


def test_parked_pages_want_workers_that_can(seats, clocked, a_job, frontier_of):
    a_job(max_workers=4)
    park(frontier_of("j"), PAGES_PER_WORKER + 1)
    newer = clocked.face(RedisSeats(clocked.store, reads=2))
    assert [wanted.count for wanted in newer.wanted()] == [2]
    assert newer.take("node-2") is not None


def test_a_seat_to_which_a_later_release_has_added_something_is_read(seats, clocked, a_job):
    a_job()
    record = msgspec.msgpack.encode(["node-9", 1.0, 2.0, "w", 0, "more"])
    clocked.run(clocked.store.command("HSET", "crawlery:{j}:seats", "t", record))
    (seat,) = seats.of("j")
    assert (seat.node, seat.since_ms, seat.expires_ms, seat.worker) == ("node-9", 1, 2, "w")

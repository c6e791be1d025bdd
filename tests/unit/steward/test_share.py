"""Whose worker gives up its seat in a fleet that has none free."""

from __future__ import annotations

from crawler.jobs.model import Job, Priority
from crawler.jobs.seats import Seat, Wanted
from crawler.steward.share import Sitting, seat_to_yield

NOW = 1_000_000


def a_job(name: str, client: str = "acme", priority: Priority = Priority.NORMAL) -> Job:
    return Job(id=name, client=client, priority=priority, spider="s", secret=b"0123456789abcdef")


def sitting(job: Job, *ages_s: float) -> Sitting:
    seats = [
        Seat(job=job.id, token=f"{job.id}-{age:g}", node="n", since_ms=int(NOW - age * 1000), expires_ms=NOW)
        for age in ages_s
    ]
    return Sitting(job=job, seats=tuple(seats))


def asked(all_sitting, *waiting: Job) -> str:
    seat = seat_to_yield(all_sitting, [Wanted(job=job, count=1) for job in waiting], now_ms=NOW)
    return "" if seat is None else seat.token


def test_a_client_with_many_gives_its_newest_seat_to_one_that_has_none():
    assert asked([sitting(a_job("a"), 100, 60, 200)], a_job("b", client="bolt")) == "a-60"


def test_nobody_is_asked_for_a_client_that_has_as_much_but_one():
    bolt = sitting(a_job("b", client="bolt"), 100)
    assert asked([sitting(a_job("a"), 100, 60), bolt], a_job("b2", client="bolt")) == ""


def test_a_worker_that_has_just_begun_is_left_alone():
    assert asked([sitting(a_job("a"), 5, 6, 7)], a_job("b", client="bolt")) == ""


def test_an_idle_job_gives_way_to_any_other_even_of_its_own_client():
    idle = sitting(a_job("idle", priority=Priority.IDLE), 40)
    assert asked([idle, sitting(a_job("a"), 100)], a_job("b")) == "idle-40"


def test_nobody_gives_way_to_an_idle_job():
    assert asked([sitting(a_job("a"), 100, 60, 200)], a_job("i", client="bolt", priority=Priority.IDLE)) == ""


def test_a_client_is_not_asked_for_another_job_of_its_own():
    assert asked([sitting(a_job("a"), 100, 60, 200)], a_job("a2")) == ""

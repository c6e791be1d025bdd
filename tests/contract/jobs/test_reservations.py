"""Of the jobs of a client no more are reserved than it may have, and every place comes back."""

from __future__ import annotations

import pytest

from crawler.errors import InvalidJob
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.store_contract import RESERVED_MS


def end(jobs, name: str) -> None:
    jobs.move(name, State.FINISHING, intended=Intended.CANCEL)
    jobs.move(name, State.CANCELLED, outcome=Outcome.EMPTY)


def test_of_fifty_that_reserve_at_once_just_ten_get_a_place(jobs, at_once):
    answers = at_once(lambda store: [store.reserve("acme", f"j{n:02}", 10) for n in range(50)])
    assert answers.count(True) == 10
    assert answers.count(False) == 40
    assert len(jobs.live_of("acme")) == 10


def test_of_fifty_that_reserve_at_once_when_three_have_ended_just_three_get_a_place(jobs, a_job, at_once):
    for n in range(10):
        jobs.create(a_job(f"old{n}", client="acme"))
    for n in range(3):
        end(jobs, f"old{n}")
    answers = at_once(lambda store: [store.reserve("acme", f"j{n:02}", 10) for n in range(50)])
    assert answers.count(True) == 3
    assert len(jobs.live_of("acme")) == 10


def test_a_job_that_has_a_place_has_it_however_often_it_asks(jobs, a_job):
    assert jobs.reserve("acme", "j", 1)
    assert jobs.reserve("acme", "j", 1)
    assert not jobs.reserve("acme", "k", 1)
    jobs.create(a_job(client="acme"))
    assert jobs.reserve("acme", "j", 1)
    assert jobs.live_of("acme") == ("j",)


def test_each_client_has_places_of_its_own(jobs):
    assert jobs.reserve("acme", "j", 1)
    assert jobs.reserve("other", "k", 1)
    assert (jobs.live_of("acme"), jobs.live_of("other"), jobs.live_of("third")) == (("j",), ("k",), ())


def test_a_place_that_is_released_is_free_and_releasing_again_does_no_harm(jobs):
    jobs.reserve("acme", "j", 1)
    for _ in range(2):
        jobs.release("acme", "j")
    assert jobs.live_of("acme") == ()
    assert jobs.reserve("acme", "k", 1)


def test_a_job_that_has_ended_gives_its_place_back(jobs, a_job):
    assert jobs.reserve("acme", "a", 1)
    jobs.create(a_job("a", client="acme"))
    jobs.move("a", State.RUNNING)
    assert not jobs.reserve("acme", "b", 1)
    jobs.move("a", State.FINISHING, intended=Intended.SUCCEED)
    assert not jobs.reserve("acme", "b", 1)
    jobs.move("a", State.SUCCEEDED, outcome=Outcome.COMPLETE)
    assert jobs.live_of("acme") == ()
    assert jobs.reserve("acme", "b", 1)


def test_a_job_that_is_ended_as_its_manifest_says_gives_its_place_back(jobs, in_state):
    in_state("j", "finishing")
    assert not jobs.reserve("local", "k", 1)
    jobs.adopt("j", State.SUCCEEDED, outcome=Outcome.COMPLETE)
    assert jobs.reserve("local", "k", 1)


def test_a_process_that_died_before_its_job_was_accepted_holds_a_place_for_a_minute(jobs, clock):
    assert jobs.reserve("acme", "dead", 1)
    clock.pass_(RESERVED_MS / 1000 - 0.001)
    assert not jobs.reserve("acme", "j", 1)
    assert jobs.live_of("acme") == ("dead",)
    clock.pass_(0.001)
    assert jobs.live_of("acme") == ()
    assert jobs.reserve("acme", "j", 1)
    assert not jobs.reserve("acme", "dead", 1)
    assert jobs.live_of("acme") == ("j",)


def test_a_reservation_that_is_repeated_counts_anew(jobs, clock):
    jobs.reserve("acme", "j", 1)
    clock.pass_(59)
    jobs.reserve("acme", "j", 1)
    clock.pass_(59)
    assert not jobs.reserve("acme", "k", 1)


def test_a_job_that_was_accepted_keeps_its_place_for_as_long_as_it_lives(jobs, a_job, clock):
    jobs.reserve("acme", "j", 1)
    jobs.create(a_job(client="acme"))
    clock.pass_(1_000_000)
    assert not jobs.reserve("acme", "k", 1)
    assert jobs.live_of("acme") == ("j",)


def test_a_job_that_was_accepted_without_a_reservation_is_counted_too(jobs, a_job):
    jobs.reserve("acme", "a", 1)
    jobs.create(a_job("b", client="acme"))
    assert jobs.live_of("acme") == ("a", "b")
    jobs.release("acme", "a")
    assert not jobs.reserve("acme", "c", 1)
    assert jobs.reserve("acme", "c", 2)


def test_an_ended_job_that_is_ordered_again_is_not_counted(jobs, in_state, a_job):
    in_state("j", "failed")
    jobs.create(a_job())
    assert jobs.live_of("local") == ()


@pytest.mark.parametrize("limit", [0, -1])
def test_where_nothing_is_allowed_nothing_gets_a_place(jobs, limit):
    assert not jobs.reserve("acme", "j", limit)
    assert jobs.live_of("acme") == ()


def test_without_a_limit_all_get_a_place_and_are_counted(jobs, at_once):
    assert all(at_once(lambda store: [store.reserve("acme", f"j{n}", None) for n in range(20)]))
    assert len(jobs.live_of("acme")) == 20


def test_reindexing_counts_what_was_lost_and_forgets_what_has_ended(jobs, a_job, in_state):
    in_state("ended", "failed")
    jobs.create(a_job("live"))
    jobs.release("local", "live")
    assert jobs.live_of("local") == ()
    jobs.reindex()
    assert jobs.live_of("local") == ("live",)


@pytest.mark.parametrize("call", [lambda jobs: jobs.reserve("a", "a b", 1), lambda jobs: jobs.release("a", "a b")])
def test_what_is_no_id_gets_no_place(jobs, call):
    with pytest.raises(InvalidJob, match="is no id of a job"):
        call(jobs)

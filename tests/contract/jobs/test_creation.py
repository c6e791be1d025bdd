"""One id is one job, which never changes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from crawler.errors import InvalidJob, NoSuchJob
from crawler.jobs.model import Intended, JobStatus, Limits, Priority, State


def test_a_new_job_is_queued_at_the_time_of_the_store(jobs, a_job, clock):
    stored, is_new = jobs.create(a_job())
    assert is_new
    assert stored == a_job(created_ms=round(clock.now * 1000))
    assert jobs.status("j") == JobStatus(state=State.QUEUED, queued_ms=round(clock.now * 1000))
    assert jobs.get("j") == (stored, jobs.status("j"))


def test_a_job_that_is_taken_up_again_keeps_the_time_at_which_it_was_accepted(jobs, a_job, clock):
    stored, _ = jobs.create(a_job(created_ms=12))
    assert stored.created_ms == 12
    assert jobs.get("j").job.created_ms == 12
    assert jobs.status("j").queued_ms == round(clock.now * 1000)


def test_every_field_comes_back(jobs, a_job):
    job = a_job(
        client="acme",
        generation=3,
        spider="",
        recipe="shop@7",
        recipe_text="name: shop",
        inputs={"price": Decimal("2.50"), "since": dt.date(2026, 11, 22), "sizes": (1, [2])},
        priority=Priority.HIGH,
        max_workers=4,
        limits=Limits(requests=1, items=2, bytes=3, duration_s=4.5, browser_s=5.5, queue_timeout_s=6.5),
        tags=("nightly", "b"),
        webhook="https://example.com/hook",
        request_sha256="0f" * 32,
        created_ms=99,
        secret=bytes(range(64)),
    )
    assert jobs.create(job) == (job, True)
    assert jobs.get("j").job == job
    assert repr(jobs.get("j").job.inputs) == repr(job.inputs)


def test_a_second_job_of_the_same_id_is_answered_with_the_first_which_stays_as_it_is(jobs, a_job, clock):
    first, _ = jobs.create(a_job(client="first", inputs={"a": 1}))
    jobs.move("j", State.RUNNING)
    before = jobs.get("j")
    clock.pass_(1)
    assert jobs.create(a_job(client="second", secret=b"x" * 16)) == (first, False)
    assert jobs.create(a_job(client="first", inputs={"a": 1})) == (first, False)
    assert jobs.get("j") == before


def test_of_many_that_create_at_once_one_has_made_it_and_all_have_the_same(jobs, a_job, at_once):
    answers = at_once(lambda store: [store.create(a_job(secret=bytes([n]) * 16)) for n in range(20)])
    assert [is_new for _, is_new in answers].count(True) == 1
    assert len({job.secret for job, _ in answers}) == 1
    (made,) = [job for job, is_new in answers if is_new]
    assert jobs.get("j").job == made


def test_ids_that_differ_only_in_case_are_two_jobs(jobs, a_job):
    assert [jobs.create(a_job(name))[1] for name in ("a", "A")] == [True, True]


def test_a_caller_cannot_change_a_job_afterwards(jobs, a_job):
    inputs = {"a": [1]}
    stored, _ = jobs.create(a_job(inputs=inputs))
    inputs["a"].append(2)
    stored.inputs["a"].append(3)
    jobs.get("j").job.inputs.clear()
    assert jobs.get("j").job.inputs == {"a": [1]}


def test_what_cannot_be_stored_is_refused_and_leaves_nothing(jobs, a_job):
    with pytest.raises(InvalidJob, match=r"inputs\.a: object is no plain value"):
        jobs.create(a_job(inputs={"a": object()}))
    assert jobs.get("j") is None
    assert jobs.newest().jobs == ()


def test_an_unknown_id_has_no_job(jobs):
    assert jobs.get("j") is None
    assert jobs.status("j") is None
    assert not jobs.set_why("j", "x")


def test_whose_job_it_is_stays_what_it_was_when_it_was_accepted(jobs, a_job):
    jobs.create(a_job("a", client="acme"))
    jobs.create(a_job("a", client="other"))
    jobs.create(a_job("b"))
    assert [jobs.owner(name) for name in ("a", "b", "c")] == ["acme", "local", None]


def test_an_unknown_job_cannot_be_moved(jobs):
    with pytest.raises(NoSuchJob, match=r"^there is no job j$"):
        jobs.move("j", State.RUNNING)
    with pytest.raises(NoSuchJob, match=r"^there is no job j$"):
        jobs.intend("j", Intended.CANCEL)
    assert jobs.status("j") is None


@pytest.mark.parametrize(
    "call",
    [
        lambda jobs, name: jobs.get(name),
        lambda jobs, name: jobs.status(name),
        lambda jobs, name: jobs.owner(name),
        lambda jobs, name: jobs.move(name, State.RUNNING),
        lambda jobs, name: jobs.intend(name, Intended.CANCEL),
        lambda jobs, name: jobs.set_why(name, "x"),
        lambda jobs, name: jobs.delete(name),
    ],
)
def test_what_is_no_id_is_refused_by_every_call(jobs, call):
    with pytest.raises(InvalidJob, match="is no id of a job"):
        call(jobs, "a}:b{")

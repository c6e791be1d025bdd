"""Workers of a job learn why it is to end, and only from each other."""

from __future__ import annotations

import asyncio

import pytest

from crawler.jobs.intention import JobIntention
from crawler.jobs.memory import MemoryJobStore
from crawler.jobs.model import Intended, Job, State


@pytest.fixture
def jobs():
    store = MemoryJobStore()
    asyncio.run(store.create(Job(id="j1", spider="s", secret=b"k" * 16)))
    return store


def said(jobs, *reasons, intended=None, why=None):
    async def go():
        if intended is not None:
            await jobs.intend("j1", intended, why=why)
        intention = JobIntention(jobs, "j1")
        for reason in reasons:
            await intention.say(reason)
        return await intention.reason(), (await jobs.status("j1")).intended

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("reason", "intended"),
    [
        ("limits.items", Intended.SUCCEED),
        ("limits.duration", Intended.EXPIRE),
        ("enough of it", Intended.SUCCEED),
        ("cancelled", Intended.CANCEL),
    ],
)
def test_what_one_says_the_others_read(jobs, reason, intended):
    assert said(jobs, reason) == (reason, intended)


def test_nothing_was_said_at_first(jobs):
    assert said(jobs) == ("", None)


def test_the_first_word_counts(jobs):
    assert said(jobs, "limits.items", "limits.duration", "enough") == ("limits.items", Intended.SUCCEED)


def test_an_operators_word_is_no_reason_of_a_worker_and_is_not_changed_by_one(jobs):
    assert said(jobs, "limits.items", intended=Intended.CANCEL, why="wrong site") == ("", Intended.CANCEL)


def test_a_job_that_has_ended_or_is_not_there_is_left_alone(jobs):
    async def go():
        await jobs.move("j1", State.FINISHING, intended=Intended.SUCCEED)
        await JobIntention(jobs, "j1").say("limits.duration")
        nowhere = JobIntention(jobs, "j2")
        await nowhere.say("limits.items")
        return await nowhere.reason(), (await jobs.status("j1")).intended

    assert asyncio.run(go()) == ("", Intended.SUCCEED)

"""Each change of a job is kept, so that nobody who looks later has missed one."""

from __future__ import annotations

import pytest

from crawler.jobs.history import Change, history_of
from crawler.jobs.model import Intended, JobStatus, Outcome, State
from crawler.wire import Undecodable


def told(history):
    return [(each.version, each.state, each.intended, each.outcome) for each in history.changes]


def test_a_job_tells_each_change_and_when_it_was(jobs, a_job, clock):
    start_ms = round(clock.now * 1000)
    jobs.create(a_job())
    for to in (State.RUNNING, State.PAUSED, State.RUNNING):
        clock.pass_(1)
        jobs.move("j", to)
    clock.pass_(1)
    jobs.intend("j", Intended.CANCEL, why="asked for")
    clock.pass_(1)
    jobs.move("j", State.FINISHING)
    clock.pass_(1)
    jobs.move("j", State.CANCELLED, outcome=Outcome.PARTIAL)
    history = jobs.history("j")
    assert told(history) == [
        (1, "queued", None, None),
        (2, "running", None, None),
        (3, "paused", None, None),
        (4, "running", None, None),
        (5, "running", "cancel", None),
        (6, "finishing", "cancel", None),
        (7, "cancelled", "cancel", "partial"),
    ]
    assert [each.at_ms - start_ms for each in history.changes] == [0, 1000, 2000, 3000, 4000, 5000, 6000]
    assert history.status == jobs.status("j")


def test_what_changes_nothing_is_no_change(jobs, a_job):
    jobs.create(a_job())
    jobs.create(a_job())
    jobs.set_why("j", "no free slot")
    jobs.move("j", State.RUNNING)
    jobs.move("j", State.RUNNING)
    assert [each.version for each in jobs.history("j").changes] == [1, 2]
    assert jobs.history("another") is None


def test_an_end_that_the_manifest_says_is_kept_too(jobs, in_state):
    in_state("j", "finishing", intended="succeed")
    jobs.adopt("j", State.EXPIRED, outcome=Outcome.PARTIAL)
    assert told(jobs.history("j"))[-1] == (3, "expired", "expire", "partial")


def test_of_many_changes_the_newest_are_kept(jobs, in_state):
    in_state("j", "running")
    for _ in range(130):
        jobs.move("j", State.PAUSED)
        jobs.move("j", State.RUNNING)
    versions = [each.version for each in jobs.history("j").changes]
    assert versions == list(range(versions[0], 263))
    assert len(versions) >= 100


def test_a_job_of_a_time_when_changes_were_not_kept_has_come_to_where_it_is():
    status = JobStatus(state=State.PAUSED, version=3, queued_ms=1, started_ms=5)
    (only,) = history_of(status, None).changes
    assert only == Change(version=3, state=State.PAUSED, at_ms=5)
    then = JobStatus(state=State.RUNNING, version=4, queued_ms=1, started_ms=5)
    assert [each.version for each in history_of(then, b"4:running:::9").changes] == [4]


@pytest.mark.parametrize("kept", [b"x", b"4:asleep:::9", b"4:running:::soon", b"\xff"])
def test_what_is_no_change_is_told(kept):
    with pytest.raises(Undecodable, match="no change of a job"):
        history_of(JobStatus(state=State.PAUSED, version=3, queued_ms=1), kept)

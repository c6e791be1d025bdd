"""Books of a job as the API tells them."""

from __future__ import annotations

import pytest

from control_api.jobs.dump import accepted, progress, summary
from crawler.frontier.contract import Ledger
from crawler.jobs.model import Intended, Job, JobStatus, Limits, State
from crawler.jobs.store_contract import StoredJob

JOB = Job(id="j", client="alice", spider="s", secret=b"0" * 16, limits=Limits(requests=7), created_ms=5)


def stored(**status):
    return StoredJob(JOB, JobStatus(**{"state": State.RUNNING, "queued_ms": 1_000, "started_ms": 11_000, **status}))


def test_an_accepted_job_is_told_by_its_order_alone():
    assert (accepted(JOB)["state"], accepted(JOB)["created_at"]) == ("queued", 5)
    assert accepted(JOB)["links"]["self"] == "/v1/jobs/j"


def test_only_limits_that_are_set_are_told():
    assert summary(stored())["limits"] == {"requests": 7}


def test_pages_a_second_are_those_since_the_job_began_and_the_rest_is_estimated_from_them():
    books = Ledger(accepted=60, ready=20, delayed=5, leased=5, settled={"ok": 28, "http_404": 2}, rows={"product": 9})
    told = progress(stored().status, books, now_ms=41_000)
    assert (told["settled"], told["failed"], told["pages_per_s"], told["eta_s"]) == (30, 2, 1.0, 30.0)


@pytest.mark.parametrize(
    "status",
    [
        {"started_ms": None, "state": State.QUEUED},
        {"state": State.PAUSED},
        {"intended": Intended.CANCEL},
        {"state": State.SUCCEEDED, "finished_ms": 21_000},
    ],
)
def test_a_job_that_does_not_run_on_has_no_estimate(status):
    assert (
        progress(stored(**status).status, Ledger(accepted=2, ready=1, settled={"ok": 1}), now_ms=31_000)["eta_s"]
        is None
    )


def test_the_pace_of_a_job_that_has_ended_does_not_fall_any_more():
    ended = stored(state=State.SUCCEEDED, finishing_ms=21_000, finished_ms=22_000)
    books = Ledger(accepted=10, settled={"ok": 10})
    assert progress(ended.status, books, now_ms=31_000)["pages_per_s"] == 1.0
    assert progress(ended.status, books, now_ms=99_000)["pages_per_s"] == 1.0


def test_pages_that_were_never_asked_for_make_no_pace():
    books = Ledger(accepted=100, settled={"ok": 10, "cancelled": 80, "robots": 5, "filtered": 5})
    assert (
        progress(stored(state=State.SUCCEEDED, finishing_ms=21_000).status, books, now_ms=31_000)["pages_per_s"] == 1.0
    )


def test_a_job_that_began_this_very_moment_has_no_pace():
    assert progress(stored().status, Ledger(accepted=1, leased=1), now_ms=11_000)["pages_per_s"] is None

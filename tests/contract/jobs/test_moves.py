"""A job moves from state to state by the rules only, and its end never changes."""

from __future__ import annotations

import itertools

import pytest

from crawler.errors import TransitionRefused
from crawler.jobs.model import Intended, Outcome, State

#: As the documents have it, not taken from the code.
DRAWN = {
    "queued": "running paused finishing",
    "running": "paused finishing",
    "paused": "running finishing",
    "finishing": "succeeded failed cancelled expired",
    "succeeded": "",
    "failed": "",
    "cancelled": "",
    "expired": "",
}
MEANT = {"succeeded": "succeed", "failed": "fail", "cancelled": "cancel", "expired": "expire"}


def asked_for(to: str) -> dict:
    if to == "finishing":
        return {"intended": Intended.SUCCEED}
    return {"outcome": Outcome.COMPLETE} if to in MEANT else {}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(DRAWN, DRAWN)))
def test_every_pair_of_states(jobs, in_state, clock, state, to):
    before = in_state("j", state, intended=MEANT.get(to, "") if state == "finishing" else "")
    assert before.state == state
    clock.pass_(1)
    if to == state:
        assert jobs.move("j", State(to)) == before
    elif to in DRAWN[state].split():
        after = jobs.move("j", State(to), **asked_for(to))
        assert (after.state, after.version) == (to, before.version + 1)
        assert jobs.status("j") == after
        return
    else:
        with pytest.raises(TransitionRefused, match=f"^job j is {state}: ") as raised:
            jobs.move("j", State(to), **asked_for(to))
        assert raised.value.state == state
    assert jobs.status("j") == before


def test_a_whole_life_is_timed_by_the_clock_of_the_store(jobs, a_job, clock):
    start = round(clock.now * 1000)
    jobs.create(a_job())
    for to in ("running", "paused", "running", "finishing", "succeeded"):
        clock.pass_(1)
        jobs.move("j", State(to), **asked_for(to))
    status = jobs.status("j")
    assert (status.queued_ms, status.started_ms) == (start, start + 1_000)
    assert (status.finishing_ms, status.finished_ms) == (start + 4_000, start + 5_000)
    assert (status.intended, status.outcome, status.version, status.epoch) == ("succeed", "complete", 6, 1)


@pytest.mark.parametrize("end", MEANT)
def test_rows_that_are_not_what_was_asked_for_make_any_end_a_failure(jobs, in_state, end):
    in_state("j", "finishing", intended=MEANT[end])
    if end != "failed":
        with pytest.raises(TransitionRefused, match=f"so it ends failed and not {end}"):
            jobs.move("j", State(end), outcome=Outcome.QUALITY_FAILED)
    assert jobs.move("j", State.FAILED, outcome=Outcome.QUALITY_FAILED).outcome == "quality_failed"


def test_only_the_version_that_was_seen_is_moved(jobs, in_state):
    seen = in_state("j", "running").version
    assert jobs.move("j", State.PAUSED, version=seen).version == seen + 1
    with pytest.raises(TransitionRefused, match=f"changed since version {seen}, to version {seen + 1}") as raised:
        jobs.move("j", State.RUNNING, version=seen)
    assert raised.value.state == "paused"
    assert jobs.move("j", State.PAUSED, version=seen).version == seen + 1
    assert jobs.move("j", State.RUNNING, version=seen + 1).state == "running"


def test_of_many_that_end_a_job_at_once_one_does_and_the_others_hear_how(jobs, in_state, at_once):
    in_state("j", "running")
    intentions = [Intended.SUCCEED, Intended.CANCEL, Intended.FAIL, Intended.EXPIRE]
    answers = at_once(lambda store: [store.move("j", State.FINISHING, intended=each) for each in intentions])
    assert [type(answer) for answer in answers].count(TransitionRefused) == 3
    (done,) = [answer for answer in answers if not isinstance(answer, Exception)]
    assert jobs.status("j") == done
    assert {answer.state for answer in answers} == {"finishing"}


# --- why ---


def test_why_is_one_short_sentence(jobs, in_state):
    before = in_state("j", "queued")
    assert jobs.set_why("j", "waiting for a\nfree slot on 2 nodes \ud800" + "x" * 1_000)
    status = jobs.status("j")
    assert status.why.startswith("waiting for a free slot on 2 nodes ?xxx")
    assert len(status.why) == 500
    assert status.version == before.version
    assert jobs.set_why("j", "other")
    assert jobs.set_why("j", "other")
    assert jobs.status("j").why == "other"
    assert jobs.set_why("j", "")
    assert jobs.status("j") == before


def test_a_sentence_about_a_version_that_is_past_is_not_said(jobs, in_state):
    before = in_state("j", "running")
    assert jobs.set_why("j", "slow site", version=before.version)
    jobs.intend("j", Intended.SUCCEED, why="limits.items")
    assert not jobs.set_why("j", "waiting for 3 pages", version=before.version)
    assert jobs.status("j").why == "limits.items"


def test_a_move_keeps_the_sentence_unless_it_brings_one_or_the_job_runs(jobs, in_state):
    in_state("j", "queued")
    jobs.set_why("j", "no free slot")
    assert jobs.move("j", State.RUNNING).why == ""
    assert jobs.move("j", State.PAUSED, why="paused by\nacme").why == "paused by acme"
    assert jobs.move("j", State.FINISHING, intended=Intended.CANCEL).why == "paused by acme"
    assert jobs.move("j", State.CANCELLED, outcome=Outcome.EMPTY, why="").why == ""


@pytest.mark.parametrize("end", MEANT)
def test_an_end_keeps_its_sentence(jobs, in_state, end):
    before = in_state("j", end)
    assert not jobs.set_why("j", "later thoughts")
    assert jobs.move("j", State(end), why="later thoughts") == before
    assert jobs.status("j") == before


# --- a manifest ---


@pytest.mark.parametrize("end", MEANT)
@pytest.mark.parametrize("intended", MEANT.values())
def test_a_job_that_is_finishing_ends_as_its_manifest_says_whatever_was_intended(jobs, in_state, intended, end):
    in_state("j", "finishing", intended=intended)
    ended = jobs.adopt("j", State(end), outcome=Outcome.PARTIAL, why="1 page gave up")
    assert (ended.state, ended.intended, ended.outcome, ended.why) == (end, MEANT[end], "partial", "1 page gave up")
    assert ended.finished_ms is not None
    assert jobs.adopt("j", State(end), outcome=Outcome.PARTIAL) == ended == jobs.status("j")


def test_rows_that_are_not_what_was_asked_for_say_nothing_of_what_was_intended(jobs, in_state):
    in_state("j", "finishing", intended="cancel")
    assert jobs.adopt("j", State.FAILED, outcome=Outcome.QUALITY_FAILED).intended == "cancel"


@pytest.mark.parametrize("state", ["queued", "running", "paused", "cancelled"])
def test_a_job_that_is_not_finishing_adopts_nothing(jobs, in_state, state):
    before = in_state("j", state)
    with pytest.raises(TransitionRefused):
        jobs.adopt("j", State.SUCCEEDED, outcome=Outcome.COMPLETE)
    assert jobs.status("j") == before


# --- what is intended ---


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_a_job_can_be_told_what_it_is_to_come_to_before_it_gets_there(jobs, in_state, state):
    before = in_state("j", state)
    told = jobs.intend("j", Intended.CANCEL, why="the client asked")
    assert (told.state, told.intended, told.why, told.version) == (
        state,
        "cancel",
        "the client asked",
        1 + before.version,
    )
    assert jobs.intend("j", Intended.CANCEL, why="again") == told == jobs.status("j")
    for to in {"running", "paused"} - {state}:
        with pytest.raises(TransitionRefused, match=f"it is to cancel, so it cannot be {to} any more"):
            jobs.move("j", State(to))
    finishing = jobs.move("j", State.FINISHING, intended=Intended.SUCCEED)
    assert (finishing.intended, finishing.why) == ("cancel", "the client asked")


def test_what_was_said_needs_not_be_said_again(jobs, in_state):
    in_state("j", "running")
    jobs.set_why("j", "slow site")
    assert jobs.intend("j", Intended.EXPIRE).why == "slow site"
    assert jobs.move("j", State.FINISHING).intended == "expire"


@pytest.mark.parametrize("state", ["finishing", *MEANT])
def test_it_is_too_late_to_intend_something_else(jobs, in_state, state):
    before = in_state("j", state)
    other = Intended.FAIL if state != "failed" else Intended.CANCEL
    with pytest.raises(TransitionRefused, match=f"^job j is {state}: .* so it cannot {other}$") as raised:
        jobs.intend("j", other)
    assert raised.value.state == state
    assert jobs.intend("j", before.intended) == before == jobs.status("j")


def test_what_was_intended_first_holds(jobs, in_state):
    in_state("j", "running")
    before = jobs.intend("j", Intended.EXPIRE)
    with pytest.raises(TransitionRefused, match="job j is running: it is to expire already, so it cannot cancel"):
        jobs.intend("j", Intended.CANCEL)
    assert jobs.status("j") == before


# --- the end of an end ---


@pytest.mark.parametrize("state", ["queued", "running", "paused", "finishing"])
def test_a_job_that_has_not_ended_cannot_be_deleted(jobs, in_state, state):
    before = in_state("j", state)
    with pytest.raises(TransitionRefused, match=f"job j is {state}: only a job that has ended can be") as raised:
        jobs.delete("j")
    assert raised.value.state == state
    assert jobs.status("j") == before
    assert len(jobs.newest().jobs) == 1


@pytest.mark.parametrize("state", MEANT)
def test_a_job_that_has_ended_is_forgotten(jobs, in_state, a_job, state):
    in_state("j", state)
    jobs.delete("j")
    assert jobs.get("j") is None
    assert jobs.newest().jobs == ()
    jobs.delete("j")
    assert jobs.create(a_job())[1]
    assert jobs.status("j").state == "queued"

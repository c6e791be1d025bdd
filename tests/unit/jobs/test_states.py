from __future__ import annotations

import itertools

import pytest

from crawler.errors import CrawleryError, TransitionRefused
from crawler.jobs.model import MAX_WHY_CHARACTERS, Intended, JobStatus, Outcome, State
from crawler.jobs.states import (
    MOVES,
    TERMINAL,
    delete_refused,
    intend,
    intent_refused,
    terminal_state,
    transition,
    transition_refused,
)

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
ENDS = {"succeeded": "succeed", "failed": "fail", "cancelled": "cancel", "expired": "expire"}


def a_status(state: str, **values) -> JobStatus:
    meant = {"finishing": Intended.SUCCEED}.get(state) or (Intended(ENDS[state]) if state in ENDS else None)
    outcome = Outcome.COMPLETE if state in ENDS else None
    return JobStatus(**{"state": State(state), "intended": meant, "outcome": outcome, "queued_ms": 5, **values})


def moved(status: JobStatus, to: str, **values) -> JobStatus:
    return transition(status, State(to), **{"now_ms": 1_000, **values})


def test_the_table_of_moves_is_the_one_that_is_drawn():
    assert {state.value: set(MOVES[state]) for state in State} == {
        state: set(following.split()) for state, following in DRAWN.items()
    }
    assert {state.value for state in TERMINAL} == set(ENDS)


@pytest.mark.parametrize(("state", "to"), list(itertools.product(DRAWN, DRAWN)))
def test_every_pair_of_states(state, to):
    intended = Intended(ENDS.get(to, "succeed"))
    status = a_status(state, **({"intended": intended} if state == "finishing" else {}))
    asked = {"intended": intended} if to == "finishing" else {"outcome": Outcome.PARTIAL} if to in ENDS else {}
    if to == state:
        assert transition(status, State(to), now_ms=9) is status
    elif to in DRAWN[state].split():
        after = moved(status, to, **asked)
        assert (after.state, after.version) == (to, status.version + 1)
    else:
        with pytest.raises(TransitionRefused, match=f"^the job is {state}: ") as raised:
            moved(status, to, **asked)
        assert raised.value.state == state


def test_the_beginning_is_timed_once():
    running = moved(a_status("queued"), "running", now_ms=10)
    paused = moved(running, "paused", now_ms=20)
    again = moved(paused, "running", now_ms=30)
    assert [status.started_ms for status in (running, paused, again)] == [10, 10, 10]


def test_finishing_and_the_end_are_timed():
    finishing = moved(a_status("running"), "finishing", now_ms=10, intended=Intended.CANCEL)
    cancelled = moved(finishing, "cancelled", now_ms=20, outcome=Outcome.PARTIAL)
    assert (finishing.intended, finishing.finishing_ms, finishing.outcome) == ("cancel", 10, None)
    assert (cancelled.intended, cancelled.finishing_ms, cancelled.finished_ms) == ("cancel", 10, 20)
    assert (cancelled.outcome, cancelled.started_ms, cancelled.queued_ms) == ("partial", None, 5)


@pytest.mark.parametrize(
    ("intended", "outcome", "end"),
    [
        *((meant, outcome, end) for end, meant in ENDS.items() for outcome in ("complete", "partial", "empty")),
        *((meant, "quality_failed", "failed") for meant in ENDS.values()),
    ],
)
def test_a_job_ends_as_was_intended_unless_its_rows_are_not_what_was_asked_for(intended, outcome, end):
    assert terminal_state(Intended(intended), Outcome(outcome)) == end
    finishing = a_status("finishing", intended=Intended(intended))
    for to in ENDS:
        if to == end:
            assert moved(finishing, to, outcome=Outcome(outcome)).state == end
        else:
            with pytest.raises(TransitionRefused, match=f"it is to {intended}, .* so it ends {end} and not {to}"):
                moved(finishing, to, outcome=Outcome(outcome))


@pytest.mark.parametrize(
    ("status", "to", "asked", "message"),
    [
        (a_status("queued"), "succeeded", {}, "it cannot be succeeded next, only finishing, paused, running"),
        (a_status("failed"), "running", {}, "that is its end, which never changes"),
        (a_status("running"), "finishing", {}, "nothing is intended; say succeed, cancel, fail or expire"),
        (a_status("running"), "paused", {"intended": Intended.CANCEL}, "said on the way to finishing, not to paused"),
        (a_status("finishing"), "succeeded", {"intended": Intended.SUCCEED}, "not to succeeded"),
        (a_status("queued"), "running", {"outcome": Outcome.EMPTY}, "an outcome is for the end, not for running"),
        (
            a_status("running"),
            "finishing",
            {"intended": Intended.FAIL, "outcome": Outcome.EMPTY},
            "an outcome is for the end, not for finishing",
        ),
        (a_status("finishing"), "succeeded", {}, "to be succeeded needs an outcome; say complete, partial, empty or"),
        (a_status("finishing", intended=None), "failed", {"outcome": Outcome.EMPTY}, "only a damaged record says"),
        (a_status("finishing"), "finishing", {"intended": Intended.CANCEL}, "it is to succeed, .* and that stays"),
        (a_status("failed"), "failed", {"outcome": Outcome.EMPTY}, "with outcome complete, and that stays"),
        (a_status("failed"), "failed", {"intended": Intended.CANCEL}, "it is to fail, "),
        (a_status("running"), "paused", {"version": 7}, "changed since version 7, to version 1; read it again"),
        (a_status("running", intended=Intended.CANCEL), "paused", {}, "it is to cancel, so it cannot be paused any"),
        (a_status("paused", intended=Intended.FAIL), "running", {}, "it is to fail, so it cannot be running any more"),
    ],
)
def test_a_refusal_says_why(status, to, asked, message):
    with pytest.raises(TransitionRefused, match=message) as raised:
        moved(status, to, job="job x", **asked)
    assert str(raised.value).startswith(f"job x is {status.state}: ")
    assert isinstance(raised.value, CrawleryError)
    rest = {"intended": None, "outcome": None, "version": None, **asked}
    assert str(transition_refused(status, State(to), job="job x", **rest)) == str(raised.value)


@pytest.mark.parametrize("state", DRAWN)
def test_the_move_into_the_state_that_it_is_in_changes_nothing_whatever_the_version(state):
    status = a_status(state, version=3)
    asked = {"intended": status.intended, "outcome": status.outcome}
    assert moved(status, state, version=1, why="again", **asked) == status


def test_a_move_of_the_version_that_was_seen_is_done():
    assert moved(a_status("running", version=3), "paused", version=3).version == 4


# --- why ---


def test_what_kept_a_job_from_running_is_over_when_it_runs():
    assert moved(a_status("queued", why="no free slot"), "running").why == ""
    assert moved(a_status("paused", why="S3 refuses writes"), "running", why="S3 is back").why == "S3 is back"


def test_other_moves_keep_the_sentence_unless_they_bring_one():
    status = a_status("running", why="slow site")
    assert moved(status, "paused").why == "slow site"
    assert moved(status, "paused", why="").why == ""
    assert moved(status, "finishing", intended=Intended.CANCEL, why="cancelled by\nacme").why == "cancelled by acme"
    assert len(moved(status, "paused", why="x" * 1_000).why) == MAX_WHY_CHARACTERS


# --- what is intended ---


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
@pytest.mark.parametrize("intended", Intended)
def test_a_job_that_takes_pages_can_be_told_what_it_is_to_come_to(state, intended):
    status = a_status(state, why="old")
    told = intend(status, intended, why="the client\nasked")
    assert (told.state, told.intended, told.version, told.why) == (state, intended, 2, "the client asked")
    assert intend(status, intended).why == "old"
    assert intend(told, intended, why="again") is told
    finishing = moved(told, "finishing", intended=Intended.SUCCEED)
    assert finishing.intended == intended
    assert moved(told, "finishing") == finishing


@pytest.mark.parametrize("state", ["finishing", *ENDS])
def test_the_same_intention_is_no_change_afterwards_and_another_is_refused(state):
    status = a_status(state)
    assert intend(status, status.intended) is status
    other = next(each for each in Intended if each is not status.intended)
    with pytest.raises(TransitionRefused, match=f"^job x is {state}: .*, so it cannot {other}$") as raised:
        intend(status, other, job="job x")
    assert raised.value.state == state
    assert str(intent_refused(status, other, job="job x")) == str(raised.value)


def test_what_was_intended_first_holds():
    with pytest.raises(TransitionRefused, match="the job is running: it is to expire already, so it cannot cancel"):
        intend(a_status("running", intended=Intended.EXPIRE), Intended.CANCEL)


def test_an_end_is_not_changed_even_if_its_record_is_damaged():
    with pytest.raises(TransitionRefused, match="that is its end"):
        intend(a_status("failed", intended=None), Intended.FAIL)


def test_deleting_what_has_not_ended_is_refused_with_the_state():
    refused = delete_refused(a_status("running"), job="job x")
    assert str(refused) == "job x is running: only a job that has ended can be deleted; cancel it first"
    assert refused.state == "running"

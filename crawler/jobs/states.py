"""What a job may become: its states, the moves between them, and what its end is called.

    queued > running | paused | finishing        running <> paused
    running | paused > finishing                 finishing > succeeded | failed | cancelled | expired

A job that is to end is first told what is intended: from then on it gives out no more pages, and can only go to
`finishing`, which it does when no page is on its way any more. There it composes what it has; then it ends. An end
never changes. `lua/states.lua` says the same to the scripts of a store; the tests compare the two for every pair of
states.

Pure: knows no store and no clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crawler.errors import TransitionRefused
from crawler.jobs.model import Intended, JobStatus, Outcome, State, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

#: States that a job never leaves.
TERMINAL: Final = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED})

#: From each state to those that may come next.
MOVES: Final[Mapping[State, frozenset[State]]] = {
    State.QUEUED: frozenset({State.RUNNING, State.PAUSED, State.FINISHING}),
    State.RUNNING: frozenset({State.PAUSED, State.FINISHING}),
    State.PAUSED: frozenset({State.RUNNING, State.FINISHING}),
    State.FINISHING: TERMINAL,
    **dict.fromkeys(TERMINAL, frozenset()),
}

_TAKES_PAGES: Final = frozenset({State.QUEUED, State.RUNNING, State.PAUSED})

_ENDS: Final[Mapping[Intended, State]] = {
    Intended.SUCCEED: State.SUCCEEDED,
    Intended.CANCEL: State.CANCELLED,
    Intended.FAIL: State.FAILED,
    Intended.EXPIRE: State.EXPIRED,
}


#: What a job comes to by the reason for which it is closed; anything else means that it has what was asked for.
_INTENDED: Final[Mapping[str, Intended]] = {
    "cancelled": Intended.CANCEL,
    "failed": Intended.FAIL,
    "expired": Intended.EXPIRE,
    "limits.duration": Intended.EXPIRE,
}


def intended_by(reason: str) -> Intended:
    """What is intended with a job that is closed for this reason."""
    return _INTENDED.get(reason, Intended.SUCCEED)


def terminal_state(intended: Intended, outcome: Outcome) -> State:
    """How a job ends: as it was intended - but rows that are not what was asked for are a failure in any case."""
    return State.FAILED if outcome is Outcome.QUALITY_FAILED else _ENDS[intended]


def meant_by(end: State) -> Intended:
    """What is intended with a job that ends so.

    Raises:
        ValueError: that is no end.
    """
    for intended, state in _ENDS.items():
        if state is end:
            return intended
    raise ValueError(f"{end} is no end of a job")


def adopted(
    status: JobStatus, end: State, *, now_ms: int, outcome: Outcome, why: str | None = None, job: str = "the job"
) -> JobStatus:
    """The status of a job that is finishing and has a manifest, which says how it has ended.

    A store that was rewound may have heard something else of the job since; what was intended then gives way.

    Args:
        status: as it is.
        end: as the manifest says.
        now_ms: ms since 1970.
        outcome: as the manifest says.
        why: the new sentence; None keeps the old one.
        job: what messages call it.

    Raises:
        TransitionRefused: it is not finishing, and has not ended so.
    """
    if status.state is State.FINISHING and status.intended and terminal_state(status.intended, outcome) is not end:
        status = replace(status, intended=meant_by(end))
    return transition(status, end, now_ms=now_ms, outcome=outcome, why=why, job=job)


def transition(
    status: JobStatus,
    to: State,
    *,
    now_ms: int,
    intended: Intended | None = None,
    outcome: Outcome | None = None,
    why: str | None = None,
    version: int | None = None,
    job: str = "the job",
) -> JobStatus:
    """The status after a move. A move into the state that the job is in already changes nothing.

    Args:
        status: as it is.
        to: the state it is to have.
        now_ms: ms since 1970.
        intended: for `finishing` only, and needed there unless it was said before; what was said first holds.
        outcome: for a terminal state only, and needed there.
        why: the new sentence; None keeps the old one - but what kept a job from running is over when it runs.
        version: the one that the caller has seen; None = any.
        job: what messages call it.

    Raises:
        TransitionRefused: the rules do not allow it, or it has changed meanwhile; the message names the state.
    """
    problem = _problem(status, to, intended, outcome, version)
    if problem is not None:
        raise _refused(status, problem, job)
    if to is status.state:
        return status
    moved = replace(status, state=to, version=status.version + 1)
    if why is not None or to is State.RUNNING:
        moved = replace(moved, why=sentence(why or ""))
    if to is State.RUNNING and status.started_ms is None:
        moved = replace(moved, started_ms=now_ms)
    elif to is State.FINISHING:
        moved = replace(moved, intended=status.intended or intended, finishing_ms=now_ms)
    elif to in TERMINAL:
        moved = replace(moved, outcome=outcome, finished_ms=now_ms)
    return moved


def intend(status: JobStatus, intended: Intended, *, why: str | None = None, job: str = "the job") -> JobStatus:
    """The status of a job that is to end, while its last pages are still on their way. Repeating changes nothing.

    Raises:
        TransitionRefused: it has ended, or is to come to something else.
    """
    problem = _intent_problem(status, intended)
    if problem is not None:
        raise _refused(status, problem, job)
    if status.intended is intended:
        return status
    kept = status.why if why is None else sentence(why)
    return replace(status, intended=intended, why=kept, version=status.version + 1)


def transition_refused(
    status: JobStatus,
    to: State,
    *,
    intended: Intended | None,
    outcome: Outcome | None,
    version: int | None,
    job: str,
) -> TransitionRefused:
    """What `transition` raises, for a store that has refused the move itself."""
    return _refused(status, _problem(status, to, intended, outcome, version), job)


def intent_refused(status: JobStatus, intended: Intended, *, job: str) -> TransitionRefused:
    """What `intend` raises, for a store that has refused it itself."""
    return _refused(status, _intent_problem(status, intended), job)


def delete_refused(status: JobStatus, *, job: str) -> TransitionRefused:
    """For a job that is to be deleted and has not ended."""
    return _refused(status, "only a job that has ended can be deleted; cancel it first", job)


def _refused(status: JobStatus, problem: str | None, job: str) -> TransitionRefused:
    return TransitionRefused(f"{job} is {status.state}: {problem}", state=status.state)


def _problem(
    status: JobStatus, to: State, intended: Intended | None, outcome: Outcome | None, version: int | None
) -> str | None:
    """Why a move is refused; None if it is not."""
    state = status.state
    if to is state:
        if intended in (None, status.intended) and outcome in (None, status.outcome):
            return None
        return f"it is to {status.intended}, with outcome {status.outcome}, and that stays"
    if version not in (None, status.version):
        return f"it has changed since version {version}, to version {status.version}; read it again"
    if to not in MOVES[state]:
        return _not_next(state, to)
    if to is not State.FINISHING and intended is not None:
        return f"what is intended is said on the way to finishing, not to {to}"
    if to in TERMINAL:
        return _end_problem(status.intended, to, outcome)
    if outcome is not None:
        return f"an outcome is for the end, not for {to}"
    if to is State.FINISHING:
        return None if status.intended or intended else "nothing is intended; say succeed, cancel, fail or expire"
    return None if status.intended is None else f"it is to {status.intended}, so it cannot be {to} any more"


def _not_next(state: State, to: State) -> str:
    if state in TERMINAL:
        return "that is its end, which never changes"
    return f"it cannot be {to} next, only {', '.join(sorted(MOVES[state]))}"


def _intent_problem(status: JobStatus, intended: Intended) -> str | None:
    if status.intended is intended or (status.intended is None and status.state in _TAKES_PAGES):
        return None
    meant = "that is its end" if status.state in TERMINAL else f"it is to {status.intended} already"
    return f"{meant}, so it cannot {intended}"


def _end_problem(intended: Intended | None, to: State, outcome: Outcome | None) -> str | None:
    if outcome is None:
        return f"to be {to} needs an outcome; say complete, partial, empty or quality_failed"
    if intended is None:
        return "nothing is intended, which only a damaged record says"
    end = terminal_state(intended, outcome)
    return None if to is end else f"it is to {intended}, and its outcome is {outcome}, so it ends {end} and not {to}"

"""What a job has become, change by change: so that whoever has looked away for a while can be told of each.

A store keeps the newest changes beside the status, as `lua/states.lua` says; here they are read. Knows no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.jobs.model import Intended, JobStatus, Outcome, State
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARTS: Final = ("version", "state", "intended", "outcome", "at_ms")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a job has become by one change.

    Attributes:
        version: of its status, from 1.
        state: where it was from then on.
        intended: what it was to come to; None while it took pages.
        outcome: what its files are worth; None before its end.
        at_ms: when, ms of the store's clock since 1970.
    """

    version: int
    state: State
    intended: Intended | None = None
    outcome: Outcome | None = None
    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A status and the changes that led to it, the oldest first: all, or the newest of many. The last one made it."""

    status: JobStatus
    changes: tuple[Change, ...]


def changed(status: JobStatus, at_ms: int) -> Change:
    """The change by which a job came to a status."""
    return Change(
        version=status.version, state=status.state, intended=status.intended, outcome=status.outcome, at_ms=at_ms
    )


def history_of(status: JobStatus, kept: bytes | None) -> History:
    """The history from what a store keeps of it. Jobs that are older than this record have a short one.

    Raises:
        Undecodable: it holds something else.
    """
    changes = tuple(_read(kept.decode(errors="replace"))) if kept else ()
    if (changes[0].version if changes else status.version + 1) == 2:  # only the first one is not kept
        changes = (Change(version=1, state=State.QUEUED, at_ms=status.queued_ms), *changes)
    if not changes or changes[-1].version != status.version:
        since_ms = status.finished_ms or status.finishing_ms or status.started_ms or status.queued_ms
        changes = (*changes, changed(status, since_ms))
    return History(status=status, changes=changes)


def _read(kept: str) -> Iterator[Change]:
    for text in kept.split(" "):
        parts = dict(zip(_PARTS, text.split(":"), strict=False))
        try:
            yield msgspec.convert({name: part for name, part in parts.items() if part}, Change, strict=False)
        except msgspec.ValidationError as error:
            raise Undecodable(f"{text[:80]!r} is no change of a job: {error}") from error

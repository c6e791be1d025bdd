"""`GET /v1/jobs/ID/events`: a job as server-sent events, for a minute at most; then its watcher comes again.

    id: 3-1767322922678
    event: state
    data: {"state":"paused","intended":null,"outcome":null,"at":"2026-01-02T03:02:02.678Z"}

An id is the version of the job's status and the time of that change. Whoever sends the last one that he has seen in
`Last-Event-ID` is told each change behind it; one that a store does not know any more, since it was restored from an
older copy, leads to all changes that are kept.
"""

from __future__ import annotations

import json
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import marshmallow as ma
from flask import Response

from control_api.fields import Choice, Instant, Schema, Text, about, written
from control_api.gate import bearer
from control_api.jobs.lookup import own_job
from control_api.jobs.schemas import ProgressSchema
from control_api.problems import not_found, unavailable
from control_api.services import ask, services
from crawler.access.model import Scope
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from control_api.jobs.feeds import Feed, Seen
    from crawler.jobs.history import Change, History
    from crawler.store import Store

CONTENT_TYPE: Final = "text/event-stream"

#: A stream lives so long, in seconds: the server cuts a call that has lasted for 60.
LIVE_S: Final = 55.0

#: How often it tells what was seen, says that it is still there, and asks whether its key is.
_TICK_S: Final = 1.0
_COMMENT_S: Final = 15.0
_CHECK_S: Final = 4.0

#: Watchers come again after 500 to 2,000 ms, so that those of a process that was replaced do not come together.
_RETRY_MS: Final = (500, 2000)

#: When to come again if there is no room, in seconds.
_FULL_S: Final = (1, 4)

_ID: Final = "3-1767322922678"


#: What the description says of the body. Without a type: tools that know streams of events hold it against each event.
TEXT: Final = {
    "description": "Blocks of the lines `id`, `event` and `data`, as the HTML standard has them. `data` is JSON.",
    "example": f'id: {_ID}\nevent: state\ndata: {{"state":"running","intended":null,"outcome":null,'
    '"at":"2026-01-02T03:02:02.678Z"}\n\n',
}


class EventsHeadersSchema(Schema):
    """Where a watcher goes on."""

    last_event_id = Text(
        "[!-~]+",
        least=1,
        most=100,
        data_key="Last-Event-ID",
        error="must be the id of an event",
        metadata=about(
            "Id of the last event that was seen: each change of state behind it is told; all, if it is not known.", _ID
        ),
    )


class StateEventSchema(Schema):
    """Data of an event `state`: what a job has become by a change."""

    state = Choice(State, required=True, metadata=about("Where it is. The last four are its end.", "running"))
    intended = Choice(
        Intended, required=True, allow_none=True, metadata=about("What it will come to; null while it takes pages.")
    )
    outcome = Choice(
        Outcome, required=True, allow_none=True, metadata=about("What its files are worth; null before its end.")
    )
    at = Instant(required=True, metadata=about("When it has changed."))


class ProgressEventSchema(Schema):
    """Data of an event `progress`: how far a job is."""

    state = Choice(State, required=True, metadata=about("Where it is.", "running"))
    why = ma.fields.String(
        required=True, metadata=about("What it waits for, in a sentence; may be empty.", "waiting for a node")
    )
    progress = ma.fields.Nested(ProgressSchema, required=True, metadata=about("The books of its pages and rows."))


class EventStream(Response):
    """An answer that is written while its caller reads it. Nobody may make a list of it, to see how long it is."""

    implicit_sequence_conversion = False
    default_mimetype = CONTENT_TYPE


def watched(job_id: str, last: str) -> Response:
    """The events of a job behind the one with the id `last`; "" = from its present state on.

    204, without any, if it has ended and there are none: so browsers know that they need not come again.

    Raises:
        Problem: there is no such job, or no room for another stream.
    """

    async def look(store: Store) -> History:
        await own_job(store, job_id)
        history = await RedisJobStore(store).history(job_id)
        if history is None:
            raise not_found("job")
        return history

    history = ask(look)
    if history.status.state in TERMINAL and last == _id(history.changes[-1]):
        return Response(status=204)
    feeds = services().feeds
    feed = feeds.enter(job_id)
    if feed is None:
        raise unavailable(
            "There is no room for another stream of events now; come again, or ask for the job itself.",
            retry_after_s=_between(*_FULL_S),
        )
    told = _Told(feed, last, partial(feeds.keys.may, bearer(), Scope.JOBS_READ))
    answer = EventStream(told.blocks(), headers={"X-Accel-Buffering": "no"})
    held = [feed]
    answer.call_on_close(lambda: feeds.leave(held.pop()) if held else None)  # an answer may be closed twice
    return answer


class _Told:
    """One stream: what its watcher was told, and what comes next."""

    def __init__(self, feed: Feed, last: str, may_still_watch: Callable[[], bool]) -> None:
        self._feed = feed
        self._last = last  # id of the last change that was told
        self._version = 0
        self._number = 0
        self._has_ended = False
        self._may_still_watch = may_still_watch

    def blocks(self) -> Iterator[bytes]:
        """Until the job has ended, the time is over, the key is, or the process is to go."""
        began = time.monotonic()
        tick, comment, check = began, began + _COMMENT_S, began + _CHECK_S
        yield f"retry: {_between(*_RETRY_MS)}\n\n".encode()  # at once, so that the headers leave
        while not self._feed.is_over and time.monotonic() - began < LIVE_S:
            block = "".join(self._news())
            if time.monotonic() >= comment:
                comment = time.monotonic() + _COMMENT_S
                block += ": still there\n\n"
            if block:
                yield block.encode()
            if self._has_ended:
                return
            if time.monotonic() >= check:
                check = time.monotonic() + _CHECK_S
                if not self._may_still_watch():
                    break
            while tick <= time.monotonic():
                tick += _TICK_S
            self._feed.wait(self._version, tick - time.monotonic())
        yield f": come again\nretry: {_between(*_RETRY_MS)}\n\n".encode()

    def _news(self) -> Iterator[str]:
        seen = self._feed.seen
        if seen is None or seen.number == self._number:
            return
        self._number = seen.number
        new = self._changes(seen)
        self._version, self._has_ended = seen.version, seen.has_ended
        at = len(new) - (1 if seen.has_ended and new else 0)  # who hears of the end has heard the last of the books
        yield from map(self._state, new[:at])
        yield self._block("progress", seen.progress)
        yield from map(self._state, new[at:])

    def _state(self, change: Change) -> str:
        self._last = _id(change)
        said = {
            "state": change.state,
            "intended": change.intended,
            "outcome": change.outcome,
            "at": written(change.at_ms),
        }
        return self._block("state", json.dumps(said, separators=(",", ":")))

    def _block(self, event: str, data: str) -> str:
        at = f"id: {self._last}\n" if self._last else ""
        return f"{at}event: {event}\ndata: {data}\n\n"

    def _changes(self, seen: Seen) -> tuple[Change, ...]:
        """Those that the watcher was not told yet; at the beginning only the last one, unless he has been here."""
        changes = seen.history.changes
        if seen.version == self._version:
            return ()
        if not self._last:
            return changes[-1:]
        known = next((at for at, change in enumerate(changes) if _id(change) == self._last), -1)
        return changes[known + 1 :]


def _id(change: Change) -> str:
    return f"{change.version}-{change.at_ms}"


def _between(least: int, most: int) -> int:
    return least + secrets.randbelow(most - least + 1)

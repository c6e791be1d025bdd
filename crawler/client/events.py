"""A job as the API tells it while it goes on: streams of server-sent events, one after another, as one.

Reads lines; how they travel is `connection`.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.client.connection import PASSING
from crawler.client.model import ENDED, Job, JobEvent
from crawler.errors import ApiError, ApiUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from crawler.client.connection import Connection

#: The API tells so often how far a job is, in seconds.
EVERY_S: Final = 1.0

#: When to come again if a stream has not said it, in seconds.
_RETRY_S: Final = 1.0

#: Progress may come so much sooner than it is asked for, and be shown all the same.
_EARLY: Final = 0.9

#: While a stream tells it, the job itself is asked for so often, in seconds.
_ASK_S: Final = 3.0

_KINDS: Final = frozenset({"state", "progress"})
_NO_CONTENT: Final = 204


class EventReader:
    """Reads streams of one job, one after another. `last`: id of the event that was read last; `retry_s`: the pause."""

    def __init__(self, last: str = "") -> None:
        self.last = last
        self.retry_s = _RETRY_S

    @property
    def headers(self) -> dict[str, str]:
        """Of the next stream."""
        going_on = {"Last-Event-ID": self.last} if self.last else {}
        return {"Accept": "text/event-stream, application/problem+json", **going_on}

    def read(self, lines: Iterable[str]) -> Iterator[JobEvent]:
        """The events of a stream. One that was cut off is left out, and so are kinds that are not known here.

        Raises:
            ApiUnreachable: somebody else must have written them.
        """
        said: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            if line:
                said[name] = value.removeprefix(" ")
                continue
            if said.get("retry", "").isdecimal():
                self.retry_s = int(said["retry"]) / 1000
            if said.get("event") in _KINDS:
                yield self._event(said)
            said = {}

    def _event(self, said: dict[str, str]) -> JobEvent:
        try:
            event = msgspec.json.decode(said.get("data", ""), type=JobEvent)
        except msgspec.DecodeError as error:
            raise ApiUnreachable(f"what comes as an event of a job is none ({error})") from error
        self.last = said.get("id", self.last)
        return msgspec.structs.replace(event, id=self.last, kind=said["event"])


def told(connection: Connection, path: str, *, after: str, patience_s: float) -> Iterator[JobEvent]:
    """See `Jobs.events`. `path`: of the events."""
    reader, answered = EventReader(after), time.monotonic()
    while True:
        wait_s = 0.0
        try:
            with connection.opened(path, headers=reader.headers) as (status, lines):
                if status == _NO_CONTENT:
                    return
                for event in reader.read(lines):
                    yield event
                    answered = time.monotonic()
                    if event.is_end:
                        return
        except ApiUnreachable:
            if time.monotonic() - answered > patience_s:
                raise
        except ApiError as error:
            if error.status not in PASSING or time.monotonic() - answered > patience_s:
                raise
            wait_s = error.retry_after_s or 0.0
        time.sleep(max(reader.retry_s, wait_s))


def followed(
    connection: Connection, get: Callable[[], Job], path: str, *, every_s: float, patience_s: float
) -> Iterator[Job]:
    """See `Jobs.follow`. `get` asks for the job; `path`: of its events."""
    answered, reader = time.monotonic(), EventReader()
    may_watch_at = answered if every_s >= EVERY_S else math.inf
    while True:
        try:
            seen = get()
        except ApiUnreachable:
            if time.monotonic() - answered > patience_s:
                raise
        else:
            yield seen
            answered = time.monotonic()
            if seen.has_ended:
                return
            if answered >= may_watch_at:
                wait_s = yield from _watched(connection, seen, get, reader, path=path, every_s=every_s)
                answered = time.monotonic()
                may_watch_at = answered + wait_s
                if not wait_s:
                    continue
        time.sleep(every_s)


def _watched(
    connection: Connection, seen: Job, get: Callable[[], Job], reader: EventReader, *, path: str, every_s: float
) -> Generator[Job, None, float]:
    """The job as one stream tells it; then the seconds until another one may be opened, 0 if the job has ended.

    Events do not tell who works on it: now and then the job itself is asked for.
    """
    shown_at = asked_at = time.monotonic()
    try:
        with connection.opened(path, headers=reader.headers) as (status, lines):
            for event in reader.read(lines):
                if event.state in ENDED:
                    return 0.0  # what it has come to is in the job itself, which is asked for next
                seen = _as_told(seen, event)
                if event.kind == "state" or time.monotonic() - shown_at >= every_s * _EARLY:
                    shown_at = time.monotonic()
                    if shown_at - asked_at >= _ASK_S:
                        asked_at, seen = shown_at, get()
                        if seen.has_ended:
                            return 0.0
                    yield seen
    except ApiUnreachable:
        return reader.retry_s  # whoever asks for the job next finds out whether that is so
    except ApiError as error:
        return error.retry_after_s or (reader.retry_s if error.status in PASSING else math.inf)
    return 0.0 if status == _NO_CONTENT else reader.retry_s


def _as_told(job: Job, event: JobEvent) -> Job:
    """The job, now that this was told of it."""
    if event.kind == "state":
        return msgspec.structs.replace(job, state=event.state, intended=event.intended, outcome=event.outcome)
    return msgspec.structs.replace(job, state=event.state, why=event.why, progress=event.progress)

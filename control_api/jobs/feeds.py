"""Jobs that somebody watches: each is looked at once a second in this process, however many watch it.

A stream of events waits in a thread of the server, so there may be only so many of them that calls find threads too.
A key that is used for minutes may be revoked meanwhile, so it is looked at again, too. Knows no HTTP: `events` writes
what is seen.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from control_api import metrics
from control_api.jobs import dump
from crawler.access.store import AccessStore
from crawler.errors import CrawleryError
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL

if TYPE_CHECKING:
    from concurrent.futures import Future

    from control_api.store_thread import StoreThread
    from crawler.access.model import Scope
    from crawler.jobs.history import History
    from crawler.peppers import Peppers
    from crawler.store import Store

logger: Final = logging.getLogger(__name__)

#: How often a job is looked at, in seconds.
EVERY_S: Final = 1.0

#: So many threads are kept for calls that are answered at once; of few threads, streams may have a quarter.
_KEPT_THREADS: Final = 30
_SHARE: Final = 4


#: What one stream has found out of a key is good for the others for so long, in seconds; patience to find it out.
_CHECKED_S: Final = 1.0
_PATIENCE_S: Final = 2.0


def most_streams(threads: int) -> int:
    """How many streams a process may have that has so many threads."""
    return max(threads - _KEPT_THREADS, threads // _SHARE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A job as it was at a look.

    Attributes:
        number: of the look, from 1.
        history: its status and changes.
        progress: JSON of its state, `why` and books.
    """

    number: int
    history: History
    progress: str

    @property
    def version(self) -> int:
        """Of its status."""
        return self.history.status.version

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.history.status.state in TERMINAL


class Feed:
    """One job that is watched. `seen` is the last look; None before the first one, and when there is no such job."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.watchers = 0
        self.seen: Seen | None = None
        self.is_over = False  # nothing comes any more: there is no such job, or the process is to go
        self._news = threading.Condition()

    def wait(self, version: int, timeout_s: float) -> None:
        """Until the status has another version than this one, or nothing comes any more, or the time is over."""
        with self._news:
            self._news.wait_for(lambda: self.is_over or self._version != version, timeout_s)

    @property
    def _version(self) -> int:
        return 0 if self.seen is None else self.seen.version

    def tell(self, seen: Seen) -> None:
        """What was seen; wakes those that wait only if the state has changed, lest hundreds run at once each second."""
        with self._news:
            is_new = self._version != seen.version
            self.seen = seen
            if is_new:
                self._news.notify_all()

    def end(self) -> None:
        """Nothing comes any more."""
        with self._news:
            self.is_over = True
            self._news.notify_all()

    async def follow(self, store: Store) -> None:
        """Looks until the job has ended. A store that is away is waited for."""
        jobs, frontier, number = RedisJobStore(store), RedisFrontier(store, job=self.job), 0
        while True:
            began = time.monotonic()
            try:
                history, books = await asyncio.gather(jobs.history(self.job), frontier.ledger(failures=False))
                if history is None:
                    self.end()
                    return
                number += 1
                status = history.status
                said = {
                    "state": status.state,
                    "why": status.why,
                    "progress": dump.progress(status, books, now_ms=time.time_ns() // 1_000_000),
                }
                self.tell(Seen(number=number, history=history, progress=json.dumps(said, separators=(",", ":"))))
                if status.state in TERMINAL:
                    return
            except Exception:  # the border of a task: one that ended would leave its watchers with what it saw last
                logger.exception("Job %s cannot be looked at for those who watch it", self.job)
            await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


class KeyChecks:
    """Whether keys may still be used, for streams: of one key once a second, however many ask."""

    def __init__(self, store: StoreThread, peppers: Peppers) -> None:
        self._store = store
        self._peppers = peppers
        self._known: dict[bytes, tuple[float, bool]] = {}  # hash of a key -> until when this is known, what

    def may(self, key: str, scope: Scope) -> bool:
        """Whether a key has a scope still. Not, if nobody can tell: then its owner may ask again."""
        digest, now = hashlib.sha256(f"{scope} {key}".encode()).digest(), time.monotonic()
        until, said = self._known.get(digest, (0.0, False))
        if until > now:
            return said
        try:
            caller = self._store.ask(
                lambda store: AccessStore(store, self._peppers).authenticate(key), within_s=_PATIENCE_S
            )
            said = caller.may(scope)
        except CrawleryError:
            said = False
        self._known = {each: found for each, found in list(self._known.items()) if found[0] > now}
        self._known[digest] = (time.monotonic() + _CHECKED_S, said)
        return said


class Feeds:
    """Those of a process."""

    def __init__(self, store: StoreThread, peppers: Peppers, *, most: int) -> None:
        """`store` of jobs and keys; `peppers` of the keys; `most` streams may be there at a time."""
        self.keys = KeyChecks(store, peppers)
        self._most = most
        self._store = store
        self._lock = threading.Lock()
        self._feeds: dict[str, tuple[Feed, Future[None]]] = {}
        self._streams = 0
        self._is_over = False

    def enter(self, job: str) -> Feed | None:
        """The feed of a job for one stream more, which must `leave` it; None if there is no room, or no time."""
        with self._lock:
            if self._is_over or self._streams >= self._most:
                return None
            if job not in self._feeds:
                made = Feed(job)
                self._feeds[job] = (made, self._store.begin(made.follow))
            feed, _ = self._feeds[job]
            feed.watchers += 1
            self._streams += 1
        metrics.STREAMS.inc()
        return feed

    def leave(self, feed: Feed) -> None:
        """A stream has ended. The last one of a job ends the looking, too."""
        with self._lock:
            self._streams -= 1
            feed.watchers -= 1
            if not feed.watchers:
                _, looking = self._feeds.pop(feed.job)
                looking.cancel()
        metrics.STREAMS.dec()

    def watched(self) -> list[str]:
        """The jobs that are looked at."""
        with self._lock:
            return list(self._feeds)

    def end(self) -> None:
        """Ends all streams, and takes no more. May be called by whoever handles a signal."""
        threading.Thread(target=self._end, name="end of streams", daemon=True).start()

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            feeds = [feed for feed, _ in self._feeds.values()]
        for feed in feeds:
            feed.end()

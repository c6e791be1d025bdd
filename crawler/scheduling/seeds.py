"""Seeds become pages of the job, a few at a time, for as long as the spider is open.

The worker that looks at a seed hands its requests in and takes the seed off when the frontier has them; if it dies
before that, another does the same again, and the requests have the ids that they had. A seed that is none goes to the
dead with the reason, and the others of its batch go on.

A spider with seeds is never idle by itself. It closes, and the job with it, when nothing has happened in the *job* for
as long as it was told; and when somebody else has ended the job.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scrapy import Request

from crawler.frontier.contract import Fate
from crawler.frontier.identity import Occurrences
from crawler.scheduling.engine_hands import EngineHands
from crawler.spiders.requests import CannotTravel

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import Crawler

    from crawler.frontier.contract import FrontierRequest, Ledger
    from crawler.scheduler import Scheduler
    from crawler.scheduling.seed_store import Seed, SeedStore

logger = logging.getLogger(__name__)

#: An empty key is looked into so often, in seconds.
POLL_S: Final = 0.5

#: While enough pages wait, it is asked so often whether they still do.
_BUSY_S: Final = 0.05

#: An idle worker looks into the books of the job so often, in seconds.
_LOOK_S: Final = 1.0

#: Before a job is closed for being idle, nobody takes seeds for so long, and all who were at it have handed in theirs.
_LAST_LOOK_S: Final = 1.0
_HOLD_S: Final = 3.0


@dataclass(slots=True)
class _Made:
    """What was made of a seed; `problem` if it is none."""

    seed: Seed
    requests: list[tuple[FrontierRequest, Request]] = field(default_factory=list)
    problem: str = ""
    occurrences: Occurrences = field(default_factory=Occurrences)


class Seeds:
    """Takes the seeds of one spider."""

    def __init__(
        self,
        crawler: Crawler,
        scheduler: Scheduler,
        store: SeedStore,
        *,
        make: Callable[[bytes], Any],
        batch: int,
        max_idle_s: float,
    ) -> None:
        """The seeds of a spider that has been opened.

        Args:
            crawler: the crawl.
            scheduler: of the crawl; shared.
            store: where seeds are.
            make: makes a request of a seed's bytes, several, or none; may raise anything.
            batch: seeds that are taken at once, while no more pages than that wait.
            max_idle_s: the spider closes when nothing has happened in the job for so long; 0 = never.
        """
        self._crawler = crawler
        self._scheduler = scheduler
        self._store = store
        self._make = make
        self._batch = batch
        self._max_idle_s = max_idle_s
        self._engine = EngineHands(crawler)
        self._mark = (0, 0)
        self._active_at = self._look_at = 0.0
        self._closing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the spider closes.

        Raises:
            StoreError: the key of the seeds holds no seeds.
        """
        self._touch()
        while not self._engine.leaving:
            if self._scheduler.waiting > self._batch:
                self._touch()
                await asyncio.sleep(_BUSY_S)
            elif await self._take_some():
                self._touch()
            elif asyncio.get_running_loop().time() >= self._look_at and await self._is_over():
                engine = self._crawler.engine
                self._closing = asyncio.get_running_loop().create_task(engine.close_spider_async(reason="finished"))
                return
            else:
                await asyncio.sleep(POLL_S)

    def _touch(self) -> None:
        self._active_at = asyncio.get_running_loop().time()

    # --- seeds ---

    async def _take_some(self) -> bool:
        """One batch; whether anything was taken off."""
        made = [self._made(seed) for seed in await self._store.peek(self._batch)]
        if not made:
            return False
        fates = iter(await self._scheduler.outbox.hand_in([pair for each in made for pair in each.requests]))
        taken: list[tuple[Seed, str]] = []
        for each in made:
            mine = [next(fates) for _ in each.requests]
            if Fate.CLOSED not in mine:  # the job has ended: they are left to the next one
                taken.append((each.seed, each.problem))
        count = await self._store.take(taken) if taken else 0
        self._crawler.stats.inc_value("seeds/taken", count)
        return bool(taken)

    def _made(self, seed: Seed) -> _Made:
        made = _Made(seed)
        try:
            given = self._make(seed.data)
            requests = [given] if isinstance(given, Request) else list(given or ())
        except Exception as error:  # noqa: BLE001 - whatever a project's own code raises, it is this seed that is bad
            made.problem = f"{type(error).__name__}: {error}"
        else:
            made.problem = "" if requests else "make_request_from_data made no request of it"
            for request in requests:
                made.problem = self._add(made, request) or made.problem
        if made.problem:
            logger.error("Seed %s is not read, and lies in %s: %s", _shown(seed), self._store.dead, made.problem)
            self._crawler.stats.inc_value("seeds/dead")
        return made

    def _add(self, made: _Made, request: Any) -> str:
        """Packs one request; what is wrong with it, or ""."""
        if not isinstance(request, Request):
            return f"make_request_from_data made {type(request).__name__} of it, no request"
        try:
            packed = self._scheduler.codec.pack(request, parent=made.seed.number, occurrences=made.occurrences)
        except CannotTravel as error:
            return str(error)
        if not self._scheduler.harvest.announce(request):
            return f"{request.url} is refused, as requests off the spider's sites are"
        made.requests.append((packed, request))
        return ""

    # --- the end ---

    async def _is_over(self) -> bool:
        """Whether there is nothing to do any more: the job has ended, or has been idle for long enough."""
        books = await self._scheduler.books()
        if books.closed or self._scheduler.ending.has_begun:
            return True
        now = asyncio.get_running_loop().time()
        self._look_at = now + _LOOK_S
        if self._is_busy(books):
            self._touch()
        idle_s = now - self._active_at
        if not self._max_idle_s or idle_s < self._max_idle_s:
            return False
        await self._store.hold(seconds=_HOLD_S)
        await asyncio.sleep(_LAST_LOOK_S)
        if not self._is_busy(await self._scheduler.books()) and not await self._store.count():
            logger.info("Nothing has happened in the job for %g s: it ends", idle_s)
            return True
        await self._store.let_go()
        self._touch()
        return False

    def _is_busy(self, books: Ledger) -> bool:
        """Whether anything is open, or has come and gone since the last look."""
        before, self._mark = self._mark, (books.accepted, sum(books.settled.values()))
        unfinished = self._scheduler.waiting or books.open or books.staged
        return bool(unfinished) or self._mark != before


def _shown(seed: Seed) -> str:
    text = seed.data.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 200 else f"{text[:200]}...")

"""The steward: looks at every job that has not ended, once a tick, and does what its duties ask for.

It keeps nothing that matters: who acts for a job is a hold in the store, and what has been done is there, too. Any
number of stewards may run; one that dies is replaced when its holds end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError, StoreError
from crawler.jobs.holds import Holds
from crawler.jobs.states import TERMINAL
from crawler.steward.audit import Audit
from crawler.steward.export import Export
from crawler.steward.finish import Finish
from crawler.steward.promote import promote
from crawler.steward.recipe_checks import RecipeChecks
from crawler.steward.reimport import reimport
from crawler.steward.reimport_recipes import reimport_recipes
from crawler.steward.replays import prepare
from crawler.steward.retention import retain
from crawler.steward.share import Share
from crawler.steward.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: Jobs whose files are worked on side by side. What concerns the store alone waits for none of them.
_AT_ONCE: Final = 16

#: What concerns no single job is done so often, in seconds.
_HOUSEKEEPING_S: Final = 600.0

#: Whether the store is another process than before is looked at so often; then it is done at once.
_LOOK_S: Final = 1.0

_RUN_ID: Final = re.compile(rb"^run_id:(\w+)", re.MULTILINE)

#: Entries of the audit wait so long for their seals, in seconds.
_SEAL_S: Final = 0.5

#: A steward that ends has so long for its last anchor, in seconds.
_LAST_ANCHOR_S: Final = 3.0

#: The store may take so long to hear that a duty is let go, in seconds.
_LET_GO_S: Final = 1.0


class Steward:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._holds = Holds(ground.store)
        self._export = Export(ground)
        self._finish = Finish(ground, self._export)
        self._watchdog = Watchdog(ground)
        self._share = Share(ground)
        self._audit = Audit(ground)
        self._recipe_checks = RecipeChecks(ground)
        self._at_work: dict[tuple[str, str], asyncio.Task[None]] = {}  # by duty and job
        self._seen: set[str] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._live_jobs = 1
        self._complaints: dict[str, str] = {}
        self._problem = ""  # of the last tick, apart from single jobs

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then ends what it has begun as soon as it can be left."""
        loop = asyncio.get_running_loop()
        beside = [
            loop.create_task(self._keep_house()),
            loop.create_task(self._keep_audit("seal", self._audit.seal)),
            loop.create_task(self._keep_audit("anchor", self._audit.store)),
            loop.create_task(self._check_recipes()),
        ]
        try:
            while not stop.is_set():
                await self._careful_tick()
                try:
                    await asyncio.wait_for(stop.wait(), timeout=self._ground.settings.tick_s)
                except TimeoutError:
                    continue
        finally:
            tasks = [*beside, *self._at_work.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end_audit()

    @property
    def remembered(self) -> frozenset[str]:
        """Jobs of which it keeps something in memory."""
        return self._watchdog.remembered.union(self._complaints)

    async def _careful_tick(self) -> None:
        """A tick; what goes wrong with it is said once, and the next one may go well."""
        problem = ""
        for duty in (self._share_seats, self._tick):
            try:
                await duty()
            except CrawleryError as error:
                problem = problem or str(error)
        if problem and problem != self._problem:
            logger.error("This round has failed: %s", problem)
        self._problem = problem

    async def _share_seats(self) -> None:
        if await self._holds.hold("share", ttl_s=self._ground.settings.hold_s):
            await self._share.run()

    async def _tick(self) -> None:
        live = await self._ground.jobs.live()
        self._live_jobs = len(live)
        for job in self._seen.difference(live):
            self._forget(job)
        self._seen = {*live, *(job for _, job in self._at_work)}
        for job in live:
            self._begin("watch", job, partial(self._watch, job))
            self._begin("files", job, partial(self._files, job), room=self._room)

    def _begin(
        self, duty: str, job: str, work: Callable[[], Awaitable[None]], *, room: asyncio.Semaphore | None = None
    ) -> None:
        """Begins a round of a duty, unless the one before still goes on."""
        if (duty, job) not in self._at_work:
            task = asyncio.get_running_loop().create_task(self._look_after(duty, job, work, room))
            self._at_work[duty, job] = task
            task.add_done_callback(partial(self._left, duty, job))

    def _forget(self, job: str) -> None:
        """It has ended, whoever has ended it."""
        self._watchdog.forget(job)
        self._export.forget(job)
        self._finish.forget(job)
        self._complaints.pop(job, None)

    def _left(self, duty: str, job: str, task: asyncio.Task[None]) -> None:
        self._at_work.pop((duty, job), None)
        if not task.cancelled() and task.exception() is not None:
            logger.error("Job %s: this round has failed", job, exc_info=task.exception())

    async def _look_after(
        self, duty: str, job: str, work: Callable[[], Awaitable[None]], room: asyncio.Semaphore | None
    ) -> None:
        """One round for one job. What goes wrong with it is said, and keeps no other job waiting."""
        async with room or contextlib.nullcontext():
            try:
                await self._held(duty, work, job=job)
            except (CrawleryError, OSError) as error:
                await self._complain(job, error)

    async def _held(self, duty: str, work: Callable[[], Awaitable[object]], *, job: str = "") -> None:
        """Does the work if no other steward has the duty, and says all the while that we do."""
        hold_s = self._ground.settings.hold_s
        if not await self._holds.hold(duty, ttl_s=hold_s, job=job):
            return
        keeping = asyncio.get_running_loop().create_task(self._keep_hold(duty, job))
        try:
            await work()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            # It ends by itself; a store that is away must not keep a steward that is told to go.
            with contextlib.suppress(TimeoutError, StoreError):
                async with asyncio.timeout(_LET_GO_S):
                    await self._holds.let_go(duty, job=job)

    async def _keep_hold(self, duty: str, job: str) -> None:
        hold_s = self._ground.settings.hold_s
        while True:
            await asyncio.sleep(hold_s / 3)
            await self._holds.hold(duty, ttl_s=hold_s, job=job)

    async def _watch(self, job: str) -> None:
        """What concerns the store alone: pages and workers that are due, ends, why the job does not move."""
        stored = await self._ground.jobs.get(job)
        if stored is None:
            return
        if stored.status.state in TERMINAL:
            await self._ground.jobs.move(job, stored.status.state)  # whoever has ended it did not take it off the list
            return
        watchdog = self._watchdog
        seats = await watchdog.live_seats(job)
        await watchdog.expire(stored)
        await watchdog.fail(stored)
        await watchdog.lose_attempts(job, seats)
        if await promote(self._ground, stored, has_workers=await watchdog.has_workers(stored, seats)):
            return
        await self._export.keep_limit(stored.job, live_jobs=self._live_jobs)
        await watchdog.say_why(stored, seats, storage_problem=self._export.problem)

    async def _files(self, job: str) -> None:
        """What concerns the storage of files, too: segments, and in the end the files themselves."""
        stored = await self._ground.jobs.get(job)
        if stored is None or stored.status.state in TERMINAL or self._finish.is_put_off(job):
            return
        if not await prepare(self._ground, stored):
            return
        if not await self._finish.run(stored):
            await self._export.run(stored.job, flush=False)
        self._complaints.pop(job, None)

    async def _complain(self, job: str, error: Exception) -> None:
        """Says what went wrong, once: in the log, and as the `why` of a job that nothing else is said of."""
        text = str(error)
        if self._complaints.get(job) == text:
            return
        self._complaints[job] = text
        logger.error("Job %s: %s", job, text)
        try:
            status = await self._ground.jobs.status(job)
            if status is not None and status.finishing_ms is not None and status.finished_ms is None:
                await self._ground.jobs.set_why(job, f"its files cannot be composed yet: {text}")
        except CrawleryError:
            logger.debug("Nor can that be said in the store", exc_info=True)

    async def _keep_house(self) -> None:
        swept: set[str] = set()
        duties = {
            "reimport": partial(reimport, self._ground),
            "reimport-recipes": partial(reimport_recipes, self._ground),
            "retain": partial(retain, self._ground, swept=swept),
        }
        while True:
            server = await self._server()
            for name, duty in duties.items():
                try:
                    await self._held(name, duty)
                except (CrawleryError, OSError) as error:
                    logger.warning("%s: %s", name, error)
            due = time.monotonic() + _HOUSEKEEPING_S
            while time.monotonic() < due:
                await asyncio.sleep(_LOOK_S)
                if await self._server() != server:
                    break  # started anew, it may have lost its last second, and what was accepted in it

    async def _keep_audit(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """One part of the audit, again and again, for as long as the duty is ours. None of them waits for the other."""
        settings, problem = self._ground.settings, ""
        while True:
            try:
                if await self._holds.hold("audit", ttl_s=settings.hold_s):
                    await work()
                problem = ""
            except (CrawleryError, OSError) as error:
                if str(error) != problem:
                    problem = str(error)
                    logger.error("The audit (%s): %s", name, problem)  # noqa: TRY400 - what it says is enough
            await asyncio.sleep(min(settings.tick_s, _SEAL_S))

    async def _end_audit(self) -> None:
        """Leaves an anchor behind, if the duty is ours, and lets it go."""
        try:
            async with asyncio.timeout(_LAST_ANCHOR_S):
                if await self._holds.hold("audit", ttl_s=self._ground.settings.hold_s):
                    await self._audit.end()
                    await self._holds.let_go("audit")
        except (CrawleryError, OSError) as error:
            logger.warning("The audit is not anchored at the end: %s", str(error) or type(error).__name__)

    async def _check_recipes(self) -> None:
        """Recipes that clients have pushed, as soon as they are there."""
        problem = ""
        while True:
            try:
                if await self._recipe_checks.are_due():
                    await self._held("recipes", self._recipe_checks.run)
                problem = ""
            except (CrawleryError, OSError) as error:
                if str(error) != problem:
                    logger.warning("Recipes are not checked: %s", error)
                problem = str(error)
            await asyncio.sleep(self._ground.settings.tick_s)

    async def _server(self) -> str:
        """Which process the store is; "" if it does not say."""
        try:
            facts: bytes = await self._ground.store.command("INFO", "server")
        except StoreError:
            return ""
        found = _RUN_ID.search(facts)
        return found[1].decode() if found else ""

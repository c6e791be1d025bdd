"""Checks the recipes that clients have pushed: two at a time, each in a process that can do nothing else.

What comes of it is kept only if the version is still the one that was checked, and would replace what it was checked
against, so it does no harm when a steward that stood still goes on beside the next one.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import threading
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.catalog.model import CheckReport, RecipeFacts, RecipeVersion, Standing, TestOutcome, precedence
from crawler.catalog.objects import forget_version, keep_version, read_pages
from crawler.catalog.store import Catalog
from crawler.errors import CrawleryError, NoSuchObject
from crawler.origin import Origin
from crawler.recipe.approval import MODULE, PAGES_FILE
from crawler.recipe.confinement import ConfinedLimits, Ended, run_confined
from crawler.recipe.contract_changes import Promise
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from collections.abc import Collection

    from crawler.catalog.store import Current, Pending
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: Checks that run side by side: each may use a processor for as long as it may take at all.
AT_ONCE: Final = 2

#: What was pushed meanwhile is looked for so often, in seconds.
_LOOK_S: Final = 0.5


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What `crawler.recipe.approval` writes."""

    standing: Standing
    problems: tuple[str, ...] = ()
    tests: tuple[TestOutcome, ...] = ()
    untested: tuple[str, ...] = ()
    facts: RecipeFacts | None = None


class RecipeChecks:
    """See the module."""

    def __init__(self, ground: Ground, *, limits: ConfinedLimits | None = None) -> None:
        """`limits`: of each check."""
        self._ground = ground
        self._catalog = Catalog(ground.store, origin=Origin(by="steward", source=ground.settings.name))
        self._limits = limits or ConfinedLimits()
        self._said: dict[Pending, str] = {}  # why it is checked later

    async def are_due(self) -> bool:
        """Whether something is to be checked."""
        return bool(await self._catalog.pending(1))

    async def run(self) -> int:
        """Checks all that is to be checked, what is pushed meanwhile too; answers how many were.

        Raises:
            StoreError: the store refuses us.
        """
        at_work: dict[Pending, asyncio.Task[None]] = {}
        put_off: set[Pending] = set()
        stop, done = threading.Event(), 0
        try:
            while True:
                due = [each for each in _in_turn(await self._catalog.pending()) if each not in put_off]
                for pending in _next(due, at_work):
                    at_work[pending] = asyncio.get_running_loop().create_task(self._check(pending, stop))
                if not at_work:
                    return done
                await asyncio.wait(at_work.values(), return_when=asyncio.FIRST_COMPLETED, timeout=_LOOK_S)
                for pending in [each for each, task in at_work.items() if task.done()]:
                    try:
                        at_work.pop(pending).result()
                    except (CrawleryError, OSError) as error:
                        put_off.add(pending)
                        self._put_off(pending, str(error))
                    except Exception as error:  # noqa: BLE001 - of what a stranger has pushed: others must not wait for it
                        put_off.add(pending)
                        self._put_off(pending, f"{type(error).__name__}: {error}", error)
                    else:
                        done += 1
                        self._said.pop(pending, None)
        finally:
            stop.set()
            await asyncio.gather(*at_work.values(), return_exceptions=True)

    def _put_off(self, pending: Pending, why: str, unexpected: Exception | None = None) -> None:
        if self._said.get(pending) != why:
            self._said[pending] = why
            logger.warning(
                "Recipe %s of %s is checked later: %s", pending.name, pending.client, why, exc_info=unexpected
            )

    async def _check(self, pending: Pending, stop: threading.Event) -> None:
        version = await self._catalog.version(pending.client, pending.name, pending.version)
        if version is None:
            await self._catalog.drop(pending)
            return
        seen, before = await self._before(version)
        text = await self._catalog.text_of(version.sha256)
        try:
            ended = await in_thread(self._ended, version, text, before, stop)
        except NoSuchObject:
            ended = Ended(why_not="its saved pages are not in the storage any more; push it again")
        if ended.is_stopped:
            return
        judged, facts = _judged(version, ended)
        judged = replace(judged, checked_ms=await self._ground.now_ms())
        await in_thread(keep_version, self._ground.objects, judged, facts)  # a store that is lost gets it back
        if await self._catalog.judge(version, judged, facts, seen=seen):
            logger.info("Recipe %s %s of %s: %s", version.name, version.version, version.client, judged.standing)
        else:
            await self._write_down(version)

    async def _write_down(self, version: RecipeVersion) -> None:
        """What the store has of a push, in place of what came of a check that does not count.

        Of one that another has followed nothing is known any more but that it was not to be used.
        """
        there = await self._catalog.version(version.client, version.name, version.version)
        if there is None or there.pushed_ms != version.pushed_ms:
            await in_thread(forget_version, self._ground.objects, version)
        else:
            facts = await self._catalog.facts_of([there.sha256])
            await in_thread(keep_version, self._ground.objects, there, facts.get(there.sha256))

    async def _before(self, version: RecipeVersion) -> tuple[Current | None, Promise | None]:
        """What is current, and what the version that this one follows has promised: the highest below it."""
        seen = await self._catalog.current(version.client, version.name)
        for each in await self._catalog.versions(version.client, version.name):
            if each.standing is Standing.PASSED and precedence(each.version) < precedence(version.version):
                facts = (await self._catalog.facts_of([each.sha256])).get(each.sha256)
                if facts is None:
                    break
                return seen, Promise(version=each.version, items=facts.items, files=facts.files)
        return seen, None

    def _ended(self, version: RecipeVersion, text: str, before: Promise | None, stop: threading.Event) -> Ended:
        """How the process of a check has ended; in a folder that is removed whatever it has written there."""
        folder = Path(tempfile.mkdtemp(prefix="recipe-", dir=self._ground.settings.folder))
        try:
            (folder / f"{version.name}.yaml").write_text(text, encoding="utf-8", newline="")
            if version.pages_sha256:
                (folder / PAGES_FILE).write_bytes(read_pages(self._ground.objects, version.pages_sha256))
            order = {
                "name": version.name,
                "may_be_untested": version.forced,
                "before": None if before is None else asdict(before),
            }
            return run_confined(MODULE, order, folder=folder, limits=self._limits, stop=stop)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _judged(version: RecipeVersion, ended: Ended) -> tuple[RecipeVersion, RecipeFacts | None]:
    why_not = ended.why_not and f"checking it has come to no end: {ended.why_not}"
    if not why_not:
        try:
            found = msgspec.json.decode(ended.answer, type=_Found)
        except (msgspec.DecodeError, ValueError) as error:
            why_not = f"checking it has come to no end: the report cannot be read: {error}"
        else:
            report = CheckReport(problems=found.problems, tests=found.tests, untested=found.untested)
            return replace(version, standing=found.standing, report=report), found.facts
    if ended.complaint:
        logger.error("The check of recipe %s of %s has failed: %s", version.name, version.client, ended.complaint)
    return replace(version, standing=Standing.REJECTED, report=CheckReport(problems=(why_not,))), None


def _next(due: list[Pending], at_work: Collection[Pending]) -> list[Pending]:
    """What is begun now; of one recipe one version at a time, for each is checked against the one that it follows."""
    begun: list[Pending] = []
    for each in due:
        if len(at_work) + len(begun) == AT_ONCE:
            break
        if (each.client, each.name) not in {(other.client, other.name) for other in (*at_work, *begun)}:
            begun.append(each)
    return begun


def _in_turn(pending: tuple[Pending, ...]) -> list[Pending]:
    """The first of each client, then the second of each: one with hundreds of recipes keeps nobody waiting for long."""
    before: Counter[str] = Counter()
    places = []
    for each in pending:
        places.append((before[each.client], each))
        before[each.client] += 1
    return [each for _, each in sorted(places, key=lambda place: place[0])]

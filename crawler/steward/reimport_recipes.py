"""Brings recipes of clients back that the store has forgotten: what was pushed is still in the storage of files.

What has happened to a version is done again in its order, as its records say it, by the same rules as when it happened:
nothing is checked anew that was checked, what was refused stays so, and what the store knows already, or knows better,
is left alone.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

from crawler.catalog.model import Standing
from crawler.catalog.objects import kept_pushes, read_text, read_version, what_holds
from crawler.catalog.store import Catalog
from crawler.errors import CrawleryError, ObjectStoreError, StoreError, VersionTaken
from crawler.origin import Origin
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.catalog.model import RecipeVersion
    from crawler.catalog.objects import Kept, Push
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)


async def reimport_recipes(ground: Ground) -> int:
    """One round over all that is written down; answers how many versions are back. One that cannot be used is logged.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files is away, or cannot be listed.
    """
    catalog = Catalog(ground.store, origin=Origin(by="steward", source=ground.settings.name))
    back = 0
    for (client, name), versions in (await in_thread(kept_pushes, ground.objects)).items():
        known = {each.version: each for each in await catalog.versions(client, name)}
        for version, pushes in versions.items():
            if not _misses(known.get(version), pushes):
                continue
            try:
                back += await _restored(ground, catalog, known.get(version), pushes)
            except CrawleryError as error:
                if isinstance(error, StoreError) or (isinstance(error, ObjectStoreError) and error.passing):
                    raise
                logger.warning("Recipe %s %s of %s cannot be brought back: %s", name, version, client, error)
    return back


def _misses(there: RecipeVersion | None, pushes: list[Push]) -> bool:
    """Whether there may be something that the store does not know."""
    if there is None or there.pushed_ms < pushes[-1].pushed_ms:
        return there is None or there.standing is not Standing.PASSED
    return there.standing is Standing.CHECKING


async def _restored(ground: Ground, catalog: Catalog, there: RecipeVersion | None, pushes: list[Push]) -> bool:
    """Whether something of a version was unknown to the store, and is not any more."""
    since_ms = 0 if there is None else there.pushed_ms
    kept: list[Kept] = [
        await in_thread(read_version, ground.objects, push.key) for push in pushes if push.pushed_ms >= since_ms
    ]
    is_back = False
    for each in what_holds(kept):
        version = each.version
        text = await in_thread(read_text, ground.objects, version.sha256)
        with contextlib.suppress(VersionTaken):  # it was refused then, too
            is_back |= await catalog.restore(version, text, each.facts)
    if is_back:
        of = kept[-1].version
        logger.warning("Recipe %s %s of %s is back: the store had forgotten it", of.name, of.version, of.client)
    return is_back

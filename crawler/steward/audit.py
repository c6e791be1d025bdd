"""Seals what scripts have noted, anchors the seals in the storage of files, and puts old entries away there.

One steward at a time seals; two that both believe to have the duty cannot fork the chain, since the store takes seals
only behind the last one. Nothing is sealed before the anchors were seen: a store that was rewound, or whose end was
taken away, goes on behind the last anchor, so that what is missing stays a gap that everybody can see.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from crawler.audit.anchors import anchors, pieces, put_anchor, put_piece, read_piece
from crawler.audit.chain import NO_SEAL, anchored, is_genuine, sealed
from crawler.audit.store import BATCH, AuditStore
from crawler.steward.ground import in_thread

if TYPE_CHECKING:
    from crawler.audit.chain import Anchor, Seal
    from crawler.steward.ground import Ground

logger: Final = logging.getLogger(__name__)

#: Without a key nothing is sealed, and the store keeps about so many entries: there is nowhere else for them.
MOST_UNSEALED: Final = 100_000


class Audit:
    """See the module. The duty of one steward; what it remembers of the chain is no more than a suspicion."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._audit = AuditStore(ground.store)
        self._key = ground.settings.audit_key
        self._seen: Seal | None = None  # the last seal as this steward has left it, or found it
        self._anchor: Anchor | None = None  # the one that has seen most, as far as we know
        self._anchored_s = time.monotonic()
        self._said = ""

    async def seal(self) -> Seal:
        """Seals all entries that are not; the last seal then.

        Raises:
            StoreError: the store refuses us.
            ObjectStoreError: the storage of files does not say how far the chain had come when we began.
        """
        if not self._key:
            self._say("There is no AUDIT_KEY: entries of the audit are kept, and not sealed")
            await self._audit.trim_unsealed(MOST_UNSEALED)
            return NO_SEAL
        kept = await self._audit.head()
        head = await self._continued(kept)
        while entries := await self._audit.entries(after=kept.id if kept.number else ""):
            seals = sealed(self._key, head, entries)
            if not await self._audit.seal(kept, seals):
                self._say("Another steward has sealed entries of the audit meanwhile; this one looks again")
                self._seen = None
                return await self._audit.head()
            kept = head = seals[-1]
            if len(entries) < BATCH:
                break
        self._seen = kept
        return kept

    async def store(self) -> None:
        """Anchors what is sealed, if it is time, and puts away what is too much for the store.

        Raises:
            StoreError: the store refuses us.
            ObjectStoreError: the storage of files does.
            AuditDamaged: the last piece there cannot be read, so nothing may follow it.
        """
        if self._seen is None:  # nothing was sealed yet
            return
        settings = self._ground.settings
        is_too_much = await self._audit.size() >= settings.audit_entries + settings.audit_piece
        if is_too_much or time.monotonic() - self._anchored_s >= settings.anchor_every_s:
            await self._put_anchor(self._seen)
        if is_too_much:
            await self._put_away()

    async def end(self) -> None:
        """Seals and anchors what there is; for a steward that ends.

        Raises:
            StoreError: the store refuses us.
            ObjectStoreError: the storage of files does.
        """
        if self._key:
            await self._put_anchor(await self.seal())

    async def _continued(self, kept: Seal) -> Seal:
        """The seal behind which the chain goes on: the last one of the store, unless an anchor has seen a later one."""
        seen = self._seen
        if seen is not None and (kept.number < seen.number or (kept.number == seen.number and kept != seen)):
            await self._put_anchor(seen)  # it is the last witness of what was there
            self._seen = seen = None
        if seen is None:
            self._anchor = await self._newest_anchor()
        newest = NO_SEAL if self._anchor is None else self._anchor.head
        if newest.number <= kept.number:
            return kept
        self._say(
            f"The store has {kept.number:,} sealed entries of the audit, and an anchor has seen {newest.number:,}: it"
            f" was rewound, or somebody has taken their end away; the next entry is number {newest.number + 1:,}"
        )
        return newest

    async def _newest_anchor(self) -> Anchor | None:
        """The genuine anchor that has seen most."""
        found = await in_thread(anchors, self._ground.objects)
        genuine = [anchor for anchor in found if is_genuine(self._key, anchor)]
        return max(genuine, key=lambda anchor: anchor.head.number, default=None)

    async def _put_anchor(self, head: Seal) -> None:
        """Anchors the chain up to a seal, if that is news."""
        if head.number > (0 if self._anchor is None else self._anchor.head.number):
            anchor = anchored(self._key, head, at_ms=await self._ground.now_ms())
            await in_thread(put_anchor, self._ground.objects, anchor)
            self._anchor = anchor
        self._anchored_s = time.monotonic()

    async def _put_away(self) -> None:
        """Moves the oldest entries into the storage of files; an anchor has seen them."""
        settings, objects = self._ground.settings, self._ground.objects
        await self._trim_put_away()
        while await self._audit.size() >= settings.audit_entries + settings.audit_piece:
            entries = await self._audit.entries(limit=settings.audit_piece)
            seals = await self._audit.seals(limit=settings.audit_piece)
            if [entry.id for entry in entries] != [seal.id for seal in seals]:
                self._keep_all(f"entries and seals from {entries[0].id} on do not belong together")
                return
            piece = await in_thread(put_piece, objects, entries, seals)
            if await in_thread(read_piece, objects, piece) != (entries, seals):
                self._keep_all(f"{piece.key} is not what was put there")
                return
            await self._audit.trim(piece.last_id)
            logger.info("Entries %d to %d of the audit are in the storage of files", piece.first, piece.last)

    async def _trim_put_away(self) -> None:
        """Takes off what is in the last piece already: the steward that has put it there did not come to that."""
        objects = self._ground.objects
        put_away = await in_thread(pieces, objects)
        if put_away:
            _, seals = await in_thread(read_piece, objects, put_away[-1])
            known = await self._audit.seals_between(seals[0].id, seals[-1].id)
            if known == {seal.id: seal for seal in seals}:
                await self._audit.trim(seals[-1].id)

    def _keep_all(self, why: str) -> None:
        self._say(f"The audit is not put away, since {why}; `crawlery audit verify` says more")

    def _say(self, what: str) -> None:
        """Warns, once until there is something else to say."""
        if what != self._said:
            self._said = what
            logger.warning(what)

"""Verifies the audit of a deployment: its pieces in the storage of files, its entries in the store, its anchors."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from crawler.audit.anchors import anchors, pieces, read_piece
from crawler.audit.chain import Verification
from crawler.audit.store import AuditStore
from crawler.errors import AuditDamaged

if TYPE_CHECKING:
    from crawler.audit.anchors import Piece
    from crawler.audit.chain import Report
    from crawler.exports.objects import ObjectStore
    from crawler.store import Caller


logger: Final = logging.getLogger(__name__)

#: A steward puts a piece away while it is looked at: then all is looked at again.
_ATTEMPTS: Final = 5


async def verified(store: Caller, objects: ObjectStore, *, key: bytes) -> Report:
    """What is wrong with all that was ever sealed.

    Args:
        store: of jobs, clients and keys.
        objects: the storage of files.
        key: of the seals.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does not answer.
    """
    put_away = await asyncio.to_thread(pieces, objects)
    for attempt in range(_ATTEMPTS):
        report = await _walked(store, objects, put_away, key)
        before, put_away = put_away, await asyncio.to_thread(pieces, objects)
        if put_away == before or attempt == _ATTEMPTS - 1:
            break
    return report


async def _walked(store: Caller, objects: ObjectStore, put_away: list[Piece], key: bytes) -> Report:
    """One walk from the first entry to the one that was the last sealed one when it began."""
    audit = AuditStore(store)
    # Anchors before the head, and the head before the seals: whatever an anchor names must be there.
    vouching = await asyncio.to_thread(anchors, objects)
    head = await audit.head()
    verification = Verification(vouching, key=key, head=head)
    for piece in put_away:
        await asyncio.to_thread(_add, verification, objects, piece)
    walked = 0
    async for entries, seals in audit.parts(head.id):
        verification.add(entries, seals)
        walked += len(entries)
    return verification.report(unsealed=max(0, await audit.size() - walked))


def _add(verification: Verification, objects: ObjectStore, piece: Piece) -> None:
    """What is in a piece. One that cannot be read is a gap, which is a finding."""
    try:
        entries, seals = read_piece(objects, piece)
    except AuditDamaged as error:
        logger.error("%s", error)  # noqa: TRY400 - what it says is enough
        return
    verification.add(entries, seals)

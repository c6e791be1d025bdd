"""The audit as it is read: entries as events, the newest first, from the store and then from the storage of files.

What is read may have been written by anybody: an entry that cannot be read is shown as one, not left out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.audit.anchors import pieces, read_piece
from crawler.audit.store import BATCH, AuditStore, place_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crawler.audit.chain import Entry
    from crawler.exports.objects import ObjectStore
    from crawler.store import Caller

#: One call looks at so many entries of the store, or at one piece.
MAX_SCANNED: Final = 2_000

MAX_PAGE: Final = 200

#: What an entry is called that nobody can read.
UNREADABLE: Final = "unreadable"


class _Words(msgspec.Struct, frozen=True):
    v: int
    action: str
    object: str = ""
    of: str = ""
    by: str = ""
    client: str = ""
    key: str = ""
    source: str = ""
    request: str = ""
    before: Any = None
    after: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An entry of the audit.

    Attributes:
        id: of the entry: its place.
        number: among all that are sealed; 0 while it is not.
        at_ms: when it happened, ms since 1970 of the store's clock.
        action: what was done, such as `key.revoked`; `UNREADABLE` of an entry that is none.
        object: to what: the id of a job, a key, a client.
        client: whose that is.
        by: what it came through: `api`, `command`, `steward`.
        actor: the client whose key was used; "" without one.
        key: the id of the key.
        source: the address of the caller; of a command, user and machine.
        request: the id of the request.
        before: how it was; None = it was not there.
        after: how it is since.
    """

    id: str
    number: int = 0
    at_ms: int
    action: str
    object: str = ""
    client: str = ""
    by: str = ""
    actor: str = ""
    key: str = ""
    source: str = ""
    request: str = ""
    before: Any = None
    after: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFilter:
    """Which events are wanted; what is empty or None is not asked for.

    Attributes:
        client: who has done it, or whose it was done to.
        action: what was done; of `key`, everything that begins with `key.`.
        after_ms: not before this time, in ms.
        before_ms: before this time.
    """

    client: str = ""
    action: str = ""
    after_ms: int | None = None
    before_ms: int | None = None

    def wants(self, event: Event) -> bool:
        """Whether it is one of them."""
        return (
            (not self.client or self.client in (event.client, event.actor))
            and (not self.action or f"{event.action}.".startswith(f"{self.action}."))
            and (self.after_ms is None or event.at_ms >= self.after_ms)
            and (self.before_ms is None or event.at_ms < self.before_ms)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """Events, the newest first. `next` is where to go on; "" at the end. A page may be short, even empty."""

    events: tuple[Event, ...]
    next: str = ""


def event_of(entry: Entry, number: int = 0) -> Event:
    """What an entry says."""
    found = dict(zip(entry.fields[::2], entry.fields[1::2], strict=False))
    try:
        words = msgspec.json.decode(found.get(b"words", b""), type=_Words)
        before, after = (_given(found.get(name)) for name in (b"before", b"after"))
        of = found.get(b"of", b"").decode()
    except (msgspec.DecodeError, ValueError):
        return Event(id=entry.id, number=number, at_ms=entry.at_ms, action=UNREADABLE)
    return Event(
        id=entry.id,
        number=number,
        at_ms=entry.at_ms,
        action=words.action,
        object=words.object,
        client=words.of or of,
        by=words.by,
        actor=words.client,
        key=words.key,
        source=words.source,
        request=words.request,
        before=words.before if before is None else before,
        after=words.after if after is None else after,
    )


async def newest(
    store: Caller, objects: ObjectStore, wanted: EventFilter, *, after: str = "", limit: int = 50
) -> EventPage:
    """A page of events.

    Args:
        store: of jobs, clients and keys.
        objects: the storage of files, for what has left the store.
        wanted: which of them.
        after: `next` of the page before; "" = from the newest on.
        limit: of the page, up to `MAX_PAGE`.

    Raises:
        StoreError: the store refuses us.
        ObjectStoreError: the storage of files does not answer.
        AuditDamaged: a piece there cannot be read.
    """
    found: list[Event] = []
    scanned = 0
    async for event in _backwards(store, objects, _from(after, wanted)):
        if wanted.after_ms is not None and event.at_ms < wanted.after_ms:
            return EventPage(events=tuple(found))
        scanned += 1
        if wanted.wants(event):
            found.append(event)
        if len(found) == min(limit, MAX_PAGE) or scanned == MAX_SCANNED:
            return EventPage(events=tuple(found), next=event.id)
    return EventPage(events=tuple(found))


def _from(after: str, wanted: EventFilter) -> str:
    """The id before which to begin."""
    if wanted.before_ms is None:
        return after
    until = f"{wanted.before_ms}-0"
    return min((after, until), key=place_of) if after else until


async def _backwards(store: Caller, objects: ObjectStore, before: str) -> AsyncIterator[Event]:
    """All events before an id, the newest first."""
    audit = AuditStore(store)
    while True:
        entries = await audit.entries_before(before)
        seals = await audit.seals_between(entries[-1].id, entries[0].id) if entries else {}
        for entry in entries:
            seal = seals.get(entry.id)
            yield event_of(entry, 0 if seal is None else seal.number)
        if len(entries) < BATCH:
            before = entries[-1].id if entries else before
            break
        before = entries[-1].id
    for piece in reversed(await asyncio.to_thread(pieces, objects)):
        put_away, put_seals = await asyncio.to_thread(read_piece, objects, piece)
        for entry, seal in zip(reversed(put_away), reversed(put_seals), strict=True):
            if not before or place_of(entry.id) < place_of(before):
                yield event_of(entry, seal.number)


def _given(text: bytes | None) -> Any:
    return msgspec.json.decode(text) if text else None

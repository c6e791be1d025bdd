"""The entries of the audit and their seals, in a store of Redis or Valkey.

    PREFIX:{audit}:entries   stream: what scripts have noted, see `crawler.origin`
    PREFIX:{audit}:seals     stream: the seal of each entry under the id of the entry: number, mac
    PREFIX:{audit}:head      hash: number, id and mac of the last seal

Whoever writes to the store can write here, too: what is read may be anything, and `crawler.audit.chain` says what is
wrong with it. Knows no key.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crawler.audit.chain import NO_SEAL, Entry, Seal
from crawler.origin import NOTING, entries_key
from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from crawler.origin import Origin
    from crawler.store import Caller, Word

#: Read together, and sealed together: some hundred KiB.
BATCH: Final = 500

_REPEATED_MS: Final = 600_000

_ID: Final = re.compile(r"[0-9]{1,19}-[0-9]{1,19}", re.ASCII)

_LUA: Final = Path(__file__).parent / "lua"
_SEAL, _TRIM = load_script(_LUA, "seal.lua"), load_script(_LUA, "trim.lua")
_NOTE_LINKS = load_script(_LUA, "note_links.lua", preludes=(NOTING,))


class AuditStore:
    """See the module."""

    def __init__(self, store: Caller) -> None:
        """`store`: where it lies."""
        self._store = store
        self._base = f"{store.prefix}:{{audit}}"
        self._entries, self._seals, self._head = entries_key(store.prefix), f"{self._base}:seals", f"{self._base}:head"

    async def note_links(self, origin: Origin, object_id: str, *, client: str, after: Mapping[str, Any]) -> None:
        """Notes that links to the files of a job, or to the saved pages of a recipe, are issued.

        Raises:
            StoreError: the store refuses us; then they must not be.
        """
        words = origin.words("links.issued", object_id, client=client, after=after)
        token = f"{self._base}:noted:{secrets.token_hex(8)}"
        await self._store.call(_NOTE_LINKS, [token, self._entries], [_REPEATED_MS, words])

    async def note_publication(self, origin: Origin, job: str, *, client: str, after: Mapping[str, Any]) -> None:
        """Notes that the files of a job are published although they are not what its recipe asks for.

        Raises:
            StoreError: the store refuses us; then they must not be.
        """
        words = origin.words("results.published", job, client=client, before={"withheld": True}, after=after)
        token = f"{self._base}:noted:{secrets.token_hex(8)}"
        await self._store.call(_NOTE_LINKS, [token, self._entries], [_REPEATED_MS, words])

    async def head(self) -> Seal:
        """The last seal; `NO_SEAL` if there is none."""
        number, entry_id, mac = await self._store.command("HMGET", self._head, "number", "id", "mac")
        if mac is None:
            return NO_SEAL
        text = (entry_id or b"").decode(errors="backslashreplace")
        return Seal(number=_number(number), id=text if _ID.fullmatch(text) else NO_SEAL.id, mac=mac)

    async def entries(self, *, after: str = "", limit: int = BATCH) -> list[Entry]:
        """Entries behind the one of an id, the oldest first; of an empty id, from the beginning."""
        return [_entry(*each) for each in await self._range(self._entries, after, limit)]

    async def entries_before(self, before: str = "", *, limit: int = BATCH) -> list[Entry]:
        """Entries before the one of an id, the newest first; of an empty id, from the end."""
        found = await self._store.command(
            "XREVRANGE", self._entries, f"({before}" if before else "+", "-", "COUNT", limit
        )
        return [_entry(*each) for each in found]

    async def seals(self, *, after: str = "", limit: int = BATCH) -> list[Seal]:
        """Seals behind the one of an id, the oldest first."""
        return [_seal(*each) for each in await self._range(self._seals, after, limit)]

    async def seals_between(self, first: str, last: str) -> dict[str, Seal]:
        """Seals of the entries from one id to another, by id."""
        found = await self._store.command("XRANGE", self._seals, first, last)
        return {seal.id: seal for seal in (_seal(*each) for each in found)}

    async def parts(self, last: str) -> AsyncIterator[tuple[list[Entry], list[Seal]]]:
        """All up to the entry of an id, the oldest first, a few hundred at a time: entries, and seals as far."""
        after = ""
        while True:
            entries = [_entry(*each) for each in await self._range(self._entries, after, BATCH, last=last)]
            seals = [_seal(*each) for each in await self._range(self._seals, after, BATCH, last=last)]
            until = min((each[-1].id for each in (entries, seals) if len(each) == BATCH), key=place_of, default=last)
            yield (
                [entry for entry in entries if place_of(entry.id) <= place_of(until)],
                [seal for seal in seals if place_of(seal.id) <= place_of(until)],
            )
            if until == last:
                return
            after = until

    async def seal(self, before: Seal, seals: Sequence[Seal]) -> bool:
        """Keeps seals behind `before`; False if something else is the last seal by now.

        Raises:
            StoreError: the store refuses us.
        """
        arguments: list[Word] = [b"" if before.number == 0 else before.mac]
        for seal in seals:
            arguments += (seal.number, seal.id, seal.mac)
        return bool(await self._store.call(_SEAL, [self._seals, self._head], arguments))

    async def trim(self, last: str) -> int:
        """Takes entries off up to the one of this id, with their seals; answers how many."""
        return int(await self._store.call(_TRIM, [self._entries, self._seals], [last]))

    async def trim_unsealed(self, most: int) -> None:
        """Keeps the newest entries only, of a deployment that seals none."""
        await self._store.command("XTRIM", self._entries, "MAXLEN", "~", most)

    async def size(self) -> int:
        """How many entries there are."""
        return int(await self._store.command("XLEN", self._entries))

    async def _range(self, key: str, after: str, limit: int, *, last: str = "+") -> list[Any]:
        first = f"({after}" if after else "-"
        found: list[Any] = await self._store.command("XRANGE", key, first, last, "COUNT", limit)
        return found


def _entry(entry_id: bytes, fields: list[bytes] | None) -> Entry:
    return Entry(id=entry_id.decode(), fields=tuple(fields or ()))


def _seal(entry_id: bytes, fields: list[bytes] | None) -> Seal:
    found = dict(zip((fields or ())[::2], (fields or ())[1::2], strict=False))
    return Seal(number=_number(found.get(b"number")), id=entry_id.decode(), mac=found.get(b"mac", b""))


def _number(text: bytes | None) -> int:
    """A number of a seal; 0, which none has, if it is none."""
    return int(text) if text is not None and text.isdigit() and len(text) <= 15 else 0


def place_of(entry_id: str) -> tuple[int, int]:
    """An id of an entry as it is ordered."""
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number)

"""Clients' recipes, in a store of Redis or Valkey: each version a record that changes only as it was read.

    PREFIX:{catalog}:versions:CLIENT:NAME   version -> record
    PREFIX:{catalog}:names:CLIENT           the names that a client has
    PREFIX:{catalog}:current:CLIENT         name -> version and text that jobs get which name no version
    PREFIX:{catalog}:texts                  SHA-256 -> text; of whoever pushes it first, for all who push the same
    PREFIX:{catalog}:facts                  SHA-256 -> what is shown of the text, once it was checked
    PREFIX:{catalog}:checks                 what is to be checked -> since when, in ms

A version never changes; one that was rejected may be pushed anew, for nobody could use it. Whoever asks names the
client, and gets nothing of another one's. What is pushed, and what becomes current, is noted in the audit by the script
that does it. Knows nothing of how a recipe is checked, nor of saved pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crawler.catalog.model import (
    MAX_NAMES,
    MAX_VERSIONS,
    CheckReport,
    RecipeFacts,
    RecipeState,
    RecipeVersion,
    Standing,
    check_name,
    precedence,
)
from crawler.errors import CatalogFull, StoreError, VersionTaken
from crawler.exports.keys import check_client
from crawler.origin import NOTING, entries_key
from crawler.scripts import load_script
from crawler.wire import decode_record, encode_record

if TYPE_CHECKING:
    from collections.abc import Collection

    from crawler.origin import Origin
    from crawler.store import Caller, Word

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: A change that somebody else's comes before is made anew so many times.
_ATTEMPTS: Final = 100

_LUA: Final = Path(__file__).parent / "lua"
_PUSH = load_script(_LUA, "recipe_push.lua", preludes=(NOTING,))
_JUDGE = load_script(_LUA, "recipe_judge.lua", preludes=(NOTING,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Current:
    """What jobs get that name no version: which it is, and the SHA-256 of its text."""

    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A version that is to be checked."""

    client: str
    name: str
    version: str


class Catalog:
    """See the module."""

    def __init__(self, store: Caller, *, origin: Origin | None = None) -> None:
        """`store`: where it lies. `origin`: who asks for changes, for the audit; None for who only reads."""
        self._store = store
        self._origin = origin
        self._entries = entries_key(store.prefix)
        base = f"{store.prefix}:{{catalog}}"
        self._base = base
        self._texts, self._facts, self._checks = f"{base}:texts", f"{base}:facts", f"{base}:checks"

    # --- what there is ---

    async def version(self, client: str, name: str, version: str) -> RecipeVersion | None:
        """One version of a client's recipe; None if there is none."""
        record = await self._store.command("HGET", self._versions(client, name), version)
        return None if record is None else decode_record(record, RecipeVersion, version=VERSION)

    async def versions(self, client: str, name: str) -> tuple[RecipeVersion, ...]:
        """All versions of a client's recipe, the highest first."""
        records = await self._store.command("HVALS", self._versions(client, name))
        found = (decode_record(record, RecipeVersion, version=VERSION) for record in records)
        return tuple(sorted(found, key=lambda each: precedence(each.version), reverse=True))

    async def current(self, client: str, name: str) -> Current | None:
        """What jobs of the client get by this name; None if no version has passed."""
        record = await self._store.command("HGET", self._current(client), name)
        return None if record is None else decode_record(record, Current, version=VERSION)

    async def all_current(self, client: str) -> dict[str, Current]:
        """The same of every name of the client, in their order."""
        answer: dict[bytes, bytes] | list[bytes] = await self._store.command("HGETALL", self._current(client))
        # Of an older protocol, the server answers a list.
        pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
        found = {name.decode(): decode_record(record, Current, version=VERSION) for name, record in pairs}
        return dict(sorted(found.items()))

    async def state(self, version: RecipeVersion) -> RecipeState:
        """How a version is shown."""
        return shown_state(version, await self.current(version.client, version.name))

    async def text(self, client: str, name: str, version: str) -> str | None:
        """The text of one version of a client's recipe, whatever came of its check; None if there is none."""
        found = await self.version(client, name, version)
        return None if found is None else await self.text_of(found.sha256)

    async def text_of(self, sha256: str) -> str:
        """The text of a hash that a record of the caller's client names.

        Raises:
            StoreError: it is not there.
        """
        text = await self._store.command("HGET", self._texts, sha256)
        if text is None:
            raise StoreError(f"the store has lost the text {sha256} of a recipe; push it again")
        return str(text.decode())

    async def facts_of(self, sha256s: Collection[str]) -> dict[str, RecipeFacts]:
        """What is shown of texts, by their hashes; those that were never checked to an end are left out."""
        if not sha256s:
            return {}
        records = await self._store.command("HMGET", self._facts, *sha256s)
        return {
            sha256: decode_record(record, RecipeFacts, version=VERSION)
            for sha256, record in zip(sha256s, records, strict=True)
            if record is not None
        }

    # --- pushing ---

    async def planned(self, new: RecipeVersion) -> RecipeVersion | None:
        """The version that a push comes to, to be written down and pushed; None if it is there already.

        Raises:
            VersionTaken: another text or other pages have this version.
        """
        there = await self.version(new.client, new.name, new.version)
        if there is not None and not _may_follow(new, there):
            return None
        return replace(new, standing=Standing.CHECKING, pushed_ms=await self._now_ms())

    async def push(self, new: RecipeVersion, text: str) -> RecipeVersion:
        """Keeps a version that is to be checked; answers what is there now. The same push again changes nothing.

        One that was rejected is checked anew; so is one without tests when an administrator forces it.

        Args:
            new: as `planned` has it; otherwise it is pushed now.
            text: of it.

        Raises:
            VersionTaken: another text or other pages have this version.
            CatalogFull: there are as many as there may be.
        """
        new = replace(new, standing=Standing.CHECKING, pushed_ms=new.pushed_ms or await self._now_ms())
        keys = [self._versions(new.client, new.name), self._names(new.client), self._texts, self._checks, self._entries]
        for _ in range(_ATTEMPTS):
            record = await self._store.command("HGET", keys[0], new.version)
            there = None if record is None else decode_record(record, RecipeVersion, version=VERSION)
            if there is not None and not _may_follow(new, there):
                return there
            args = [new.version, record or b"", encode_record(new, version=VERSION), new.name, new.sha256, text]
            action = "recipe.forced" if new.forced else "recipe.pushed"
            words = self._words(action, new, before=None if there is None else _facts(there), after=_facts(new))
            answer = await self._store.call(_PUSH, keys, [*args, _member(new), MAX_VERSIONS, MAX_NAMES, words])
            if answer == 1:
                return new
            if answer < 0:
                what = f"{MAX_VERSIONS} versions of {new.name}" if answer == -1 else f"{MAX_NAMES} recipes"
                raise CatalogFull(f"client {new.client} has {what}, as many as there may be")
        raise StoreError(f"recipe {new.name} is being changed by others all the time")

    async def restore(self, kept: RecipeVersion, text: str, facts: RecipeFacts | None) -> bool:
        """Brings a version back as it was written down; whether the store did not know of it, or of what came of it.

        Raises:
            VersionTaken: another one was pushed meanwhile, and is not to be replaced.
            CatalogFull: there are as many as there may be.
        """
        there = await self.version(kept.client, kept.name, kept.version)
        if there is not None and (there.pushed_ms, there.standing is not Standing.CHECKING) >= (kept.pushed_ms, True):
            return False
        pushed = replace(kept, standing=Standing.CHECKING, checked_ms=None, report=CheckReport())
        if await self.push(pushed, text) != pushed:
            return False
        if kept.standing is Standing.CHECKING:
            return there != pushed
        for _ in range(_ATTEMPTS):
            seen = await self.current(kept.client, kept.name)
            if await self.judge(pushed, kept, facts, seen=seen):
                return True
            if await self.version(kept.client, kept.name, kept.version) != pushed:
                return False  # somebody has checked it meanwhile
        raise StoreError(f"recipe {kept.name} is being changed by others all the time")

    # --- checking ---

    async def pending(self, limit: int = 1000) -> tuple[Pending, ...]:
        """What is to be checked, the oldest first."""
        members = await self._store.command("ZRANGE", self._checks, 0, limit - 1)
        parts = (member.decode().split(" ") for member in members)
        return tuple(Pending(client=client, name=name, version=version) for client, name, version in parts)

    async def drop(self, pending: Pending) -> None:
        """Takes off the list what is not to be checked any more: there is no such version."""
        await self._store.command("ZREM", self._checks, f"{pending.client} {pending.name} {pending.version}")

    async def judge(
        self, read: RecipeVersion, judged: RecipeVersion, facts: RecipeFacts | None, *, seen: Current | None
    ) -> bool:
        """Keeps what came of a check. One that has passed becomes current, unless a higher version is.

        Args:
            read: the version as it was read before it was checked.
            judged: the same with what came of it; of no `checked_ms`, that is now.
            facts: what is shown of its text, if it could be read.
            seen: what was current then: of what follows it, it was checked that it may.

        Returns:
            Whether it is kept. It is not if the version was pushed anew meanwhile, was judged by another, or something
            else has become current that it would replace: then it is to be checked again.
        """
        judged = judged if judged.checked_ms is not None else replace(judged, checked_ms=await self._now_ms())
        rises = judged.standing is Standing.PASSED and (
            seen is None or precedence(judged.version) > precedence(seen.version)
        )
        current = Current(version=judged.version, sha256=judged.sha256)
        keys = [self._versions(read.client, read.name), self._current(read.client), self._facts, self._checks]
        args: list[Word] = [
            *(read.version, encode_record(read, version=VERSION), encode_record(judged, version=VERSION)),
            *(read.name, b"" if seen is None else encode_record(seen, version=VERSION)),
            encode_record(current, version=VERSION) if rises else b"",
            *(read.sha256, b"" if facts is None else encode_record(facts, version=VERSION), _member(read)),
            self._words(
                "recipe.current", judged, before=seen and _facts_of_current(seen), after=_facts(judged, "current")
            ),
        ]
        return int(await self._store.call(_JUDGE, [*keys, self._entries], args)) == 1

    # --- keys, and words for the audit ---

    def _words(self, action: str, version: RecipeVersion, *, before: Any, after: Any) -> bytes:
        if self._origin is None:
            return b""
        object_id = f"{version.name}@{version.version}"
        return self._origin.words(action, object_id, client=version.client, before=before, after=after)

    def _versions(self, client: str, name: str) -> str:
        return f"{self._base}:versions:{check_client(client)}:{check_name(name)}"

    def _names(self, client: str) -> str:
        return f"{self._base}:names:{check_client(client)}"

    def _current(self, client: str) -> str:
        return f"{self._base}:current:{check_client(client)}"

    async def _now_ms(self) -> int:
        seconds, micros = await self._store.command("TIME")
        return int(seconds) * 1000 + int(micros) // 1000


def _may_follow(new: RecipeVersion, there: RecipeVersion) -> bool:
    """Whether a push takes the place of what is there; False if it is what is there.

    Raises:
        VersionTaken: it is another one, and may not.
    """
    if there.standing is Standing.REJECTED:
        return True
    if not new.is_same_push(there):
        raise VersionTaken(
            f"version {new.version} of {new.name} is there with another text or other pages; versions do not change:"
            " write a higher one"
        )
    return new.forced and there.standing is Standing.UNTESTED


def shown_state(version: RecipeVersion, current: Current | None) -> RecipeState:
    """How a version is shown beside the one that is current."""
    if version.standing is Standing.PASSED and current is not None and current.version == version.version:
        return RecipeState.CURRENT
    return RecipeState(version.standing.value)


def _facts(version: RecipeVersion, state: str = "") -> dict[str, Any]:
    """What the audit has of a version."""
    return {
        "version": version.version,
        "state": state or version.standing,
        "sha256": version.sha256,
        "pages_sha256": version.pages_sha256 or None,
        "forced": version.forced,
    }


def _facts_of_current(current: Current) -> dict[str, Any]:
    return {"version": current.version, "state": RecipeState.CURRENT, "sha256": current.sha256}


def _member(version: RecipeVersion) -> str:
    return f"{version.client} {version.name} {version.version}"

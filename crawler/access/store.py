"""Clients and keys, in a store of Redis or Valkey: records in hashes, changed only as they were read.

    PREFIX:{access}:clients      client -> record
    PREFIX:{access}:keys         id of a key -> record
    PREFIX:{access}:owners       id of a key -> client
    PREFIX:{access}:used         id of a key -> when it was used last, in ms; at most once a minute
    PREFIX:{access}:day:CLIENT   jobs that the client has submitted in the last 24 hours

Nothing is remembered from call to call: a key that is revoked is refused by every process from its next call on.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crawler.access.keys import KeyText, new_key, read_key
from crawler.access.model import ApiKey, Client, Principal, Scope
from crawler.errors import ClientExists, Contended, InvalidAccess, KeyRefused, QuotaExceeded
from crawler.origin import NOTING, Origin, entries_key
from crawler.scripts import load_script
from crawler.wire import decode_record, encode_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from crawler.peppers import Peppers
    from crawler.store import Caller, Word

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

_DAY_MS: Final = 24 * 3600 * 1000
_USED_EVERY_MS: Final = 60_000

#: A change that somebody else's comes before is made anew so many times.
_ATTEMPTS: Final = 100

_REFUSED: Final = "this key is not valid: unknown, mistyped, expired or revoked"

_LUA: Final = Path(__file__).parent / "lua"
_FIND, _DAY = load_script(_LUA, "find.lua"), load_script(_LUA, "day.lua")
_ADD_CLIENT = load_script(_LUA, "add_client.lua", preludes=(NOTING,))
_ADD_KEY = load_script(_LUA, "add_key.lua", preludes=(NOTING,))
_CHANGE = load_script(_LUA, "change.lua", preludes=(NOTING,))


#: Whose a key is whose client is gone.
_NOBODY: Final = encode_record(Client(id="nobody", disabled=True), version=VERSION)

#: What keys can do usually.
_USUAL: Final = frozenset(Scope) - {Scope.ADMIN, Scope.SUPPORT_READ, Scope.RESULTS_OVERRIDE}


#: Of changes of which nobody says who asks for them.
_UNKNOWN: Final = Origin(by="unknown")


@cache
def _decoy(pepper: str) -> bytes:
    """What is read and compared in place of a key that does not exist: there already, and as long as others."""
    digest = secrets.token_bytes(32)
    key = ApiKey(id="a" * 8, client="nobody", scopes=_USUAL, created_ms=1, pepper=pepper, digest=digest)
    return encode_record(key, version=VERSION)


class AccessStore:
    """See the module."""

    def __init__(self, store: Caller, peppers: Peppers, *, origin: Origin | None = None) -> None:
        """`store`: where it lies. `peppers`: what digests of keys are made with. `origin`: who asks, for the audit."""
        self._store = store
        self._origin = origin or _UNKNOWN
        self._peppers = peppers
        base = f"{store.prefix}:{{access}}"
        self._base = base
        self._keys, self._owners, self._clients = f"{base}:keys", f"{base}:owners", f"{base}:clients"
        self._used = f"{base}:used"
        self._entries = entries_key(store.prefix)
        self._decoy = _decoy(peppers.current)

    # --- who is calling ---

    async def authenticate(self, text: str) -> Principal:
        """Whose key it is, in one round trip. One that is not known costs as much as one that is wrong.

        Raises:
            KeyRefused: it may not be used; says not why.
        """
        given = read_key(text)
        if given is None:
            raise KeyRefused("send Authorization: Bearer and an API key" if not text else _REFUSED)
        keys = [self._keys, self._owners, self._clients]
        key_record, client_record, now = await self._store.call(_FIND, keys, [given.id])
        key = decode_record(key_record or self._decoy, ApiKey, version=VERSION)
        if not hmac.compare_digest(self._peppers.digest(key.pepper, given.secret), key.digest):
            raise KeyRefused(_REFUSED)  # before anything is read whose size tells that there is such a key
        client = decode_record(client_record or _NOBODY, Client, version=VERSION)
        now_ms = int(now)
        is_over = (key.expires_ms or now_ms + 1) <= now_ms or key.revoked_ms is not None
        if is_over or client.disabled or key.client != client.id:
            raise KeyRefused(_REFUSED)
        if key.pepper != self._peppers.current:
            key = await self._repeppered(key, given, key_record)
        return Principal(client=client, key=key, now_ms=now_ms)

    async def _repeppered(self, key: ApiKey, given: KeyText, record: bytes) -> ApiKey:
        """The key with the digest that new ones have; so an old pepper can go when its keys have been used."""
        pepper = self._peppers.current
        new = replace(key, pepper=pepper, digest=self._peppers.digest(pepper, given.secret))
        # The same key in the same hands: nothing that the audit would have to note.
        arguments: list[Word] = [key.id, record, encode_record(new, version=VERSION), b""]
        await self._store.call(_CHANGE, [self._keys, self._entries], arguments)
        return new

    async def note_use(self, principal: Principal) -> None:
        """Keeps when a key was used last, once a minute."""
        used = await self._store.command("HGET", self._used, principal.key.id)
        if int(used or 0) < principal.now_ms - _USED_EVERY_MS:
            await self._store.command("HSET", self._used, principal.key.id, principal.now_ms)

    # --- clients ---

    async def create_client(self, client: Client) -> Client:
        """Keeps a new client; answers it with the time.

        Raises:
            ClientExists: there is one of that id.
        """
        client = replace(client, created_ms=await self._now_ms())
        words = self._origin.words("client.created", client.id, client=client.id, after=_client_facts(client))
        arguments: list[Word] = [client.id, encode_record(client, version=VERSION), words]
        if not await self._store.call(_ADD_CLIENT, [self._clients, self._entries], arguments):
            raise ClientExists(f"there is a client {client.id} already")
        return client

    async def client(self, client_id: str) -> Client | None:
        """The client of an id; None if there is none."""
        record = await self._store.command("HGET", self._clients, client_id)
        return None if record is None else decode_record(record, Client, version=VERSION)

    async def clients(self) -> tuple[Client, ...]:
        """All clients, by id."""
        records = await self._store.command("HVALS", self._clients)
        found = (decode_record(record, Client, version=VERSION) for record in records)
        return tuple(sorted(found, key=lambda client: client.id))

    async def change_client(self, client_id: str, change: Callable[[Client], Client]) -> Client | None:
        """The client as `change` makes it of what it is; None if there is none.

        Raises:
            Contended: others change it all the time.
            InvalidAccess: `change` refuses.
        """
        for _ in range(_ATTEMPTS):
            record = await self._store.command("HGET", self._clients, client_id)
            if record is None:
                return None
            old = decode_record(record, Client, version=VERSION)
            new = change(old)
            words = self._origin.words(
                "client.changed", client_id, client=client_id, before=_client_facts(old), after=_client_facts(new)
            )
            arguments = [client_id, record, encode_record(new, version=VERSION), words]
            if await self._store.call(_CHANGE, [self._clients, self._entries], arguments):
                return new
        raise Contended(f"client {client_id} is being changed by others; try again")

    # --- keys ---

    async def create_key(
        self, client_id: str, scopes: Collection[Scope], *, note: str = "", expires_ms: int | None = None
    ) -> tuple[ApiKey, str] | None:
        """A new key of a client, and its text, which is kept nowhere; None if there is no such client."""
        while True:
            parts, text = new_key()
            key = self._new(parts, client=client_id, scopes=scopes, note=note, expires_ms=expires_ms)
            key = replace(key, created_ms=await self._now_ms())
            words = self._origin.words("key.created", key.id, client=client_id, after=_key_facts(key))
            keys = [self._keys, self._owners, self._clients, self._entries]
            arguments: list[Word] = [key.id, encode_record(key, version=VERSION), client_id, words]
            added = await self._store.call(_ADD_KEY, keys, arguments)
            if added >= 0:
                return (key, text) if added else None

    def _new(
        self,
        parts: KeyText,
        *,
        client: str,
        scopes: Collection[Scope],
        note: str = "",
        expires_ms: int | None = None,
    ) -> ApiKey:
        pepper = self._peppers.current
        digest = self._peppers.digest(pepper, parts.secret)
        return ApiKey(
            id=parts.id,
            client=client,
            scopes=frozenset(scopes),
            note=note,
            expires_ms=expires_ms,
            pepper=pepper,
            digest=digest,
        )

    async def key(self, key_id: str) -> ApiKey | None:
        """The key of an id; None if there is none."""
        record = await self._store.command("HGET", self._keys, key_id)
        return None if record is None else decode_record(record, ApiKey, version=VERSION)

    async def keys(self, *, client: str = "") -> tuple[ApiKey, ...]:
        """All keys, or those of a client, the newest first."""
        records = await self._store.command("HVALS", self._keys)
        found = (decode_record(record, ApiKey, version=VERSION) for record in records)
        return tuple(
            sorted(
                (key for key in found if not client or key.client == client), key=lambda key: (-key.created_ms, key.id)
            )
        )

    async def last_used_ms(self, key_ids: Collection[str]) -> dict[str, int]:
        """When keys were used last, to the minute; those that never were are left out."""
        if not key_ids:
            return {}
        used = await self._store.command("HMGET", self._used, *key_ids)
        return {key: int(when) for key, when in zip(key_ids, used, strict=True) if when is not None}

    async def revoke(self, key_id: str) -> ApiKey | None:
        """The key, refused from now on; None if there is none. Repeated, it stays as it was revoked first."""
        now_ms = await self._now_ms()
        return await self._change_key(
            key_id,
            lambda key: key if key.revoked_ms is not None else replace(key, revoked_ms=now_ms),
            action="key.revoked",
        )

    async def rotate(self, key_id: str, *, grace_ms: int) -> tuple[ApiKey, str] | None:
        """A new key like an old one, and its text; the old one ends after a while. None if there is none.

        Raises:
            InvalidAccess: it is refused already, so there is nothing to hand over.
        """
        old, now_ms = await self.key(key_id), await self._now_ms()
        if old is None:
            return None
        if old.revoked_ms is not None or (old.expires_ms or now_ms + 1) <= now_ms:
            raise InvalidAccess(f"key {key_id} is not valid any more; create a new one")
        made = await self.create_key(old.client, old.scopes, note=old.note, expires_ms=old.expires_ms)
        ends_ms = now_ms + grace_ms
        await self._change_key(
            key_id,
            lambda key: replace(key, expires_ms=min(key.expires_ms or ends_ms, ends_ms)),
            action="key.rotated",
        )
        return made

    async def _change_key(self, key_id: str, change: Callable[[ApiKey], ApiKey], *, action: str) -> ApiKey | None:
        for _ in range(_ATTEMPTS):
            record = await self._store.command("HGET", self._keys, key_id)
            if record is None:
                return None
            old = decode_record(record, ApiKey, version=VERSION)
            new = change(old)
            words = self._origin.words(action, key_id, client=old.client, before=_key_facts(old), after=_key_facts(new))
            arguments = [key_id, record, encode_record(new, version=VERSION), words]
            if await self._store.call(_CHANGE, [self._keys, self._entries], arguments):
                return new
        raise Contended(f"key {key_id} is being changed by others; try again")

    # --- quotas ---

    async def count_job(self, client: Client, job: str) -> None:
        """Counts a job against what its client may submit in 24 hours; the same job counts once.

        Raises:
            QuotaExceeded: it has submitted as many.
        """
        quota = client.quotas.jobs_per_day
        if quota is None:
            quota = 10**12  # counted all the same: a quota that is set later begins with what was
        taken, wait_ms = await self._store.call(_DAY, [self._day(client.id)], [job, quota, _DAY_MS])
        if not taken:
            raise QuotaExceeded(
                f"client {client.id} may submit {quota:,} jobs in 24 hours, and has", quota="jobs_per_day",
                retry_after_s=wait_ms / 1000,
            )  # fmt: skip

    async def jobs_today(self, client_id: str) -> int:
        """How many jobs a client has submitted in the last 24 hours."""
        since = await self._now_ms() - _DAY_MS
        return int(await self._store.command("ZCOUNT", self._day(client_id), f"({since}", "+inf"))

    async def jobs_of_today(self, client_id: str) -> tuple[str, ...]:
        """Which they are, the first one first."""
        since = await self._now_ms() - _DAY_MS
        jobs = await self._store.command("ZRANGE", self._day(client_id), f"({since}", "+inf", "BYSCORE")
        return tuple(job.decode() for job in jobs)

    def _day(self, client_id: str) -> str:
        return f"{self._base}:day:{client_id}"

    async def _now_ms(self) -> int:
        seconds, micros = await self._store.command("TIME")
        return int(seconds) * 1000 + int(micros) // 1000


def _client_facts(client: Client) -> dict[str, Any]:
    """What the audit has of a client."""
    return {
        "name": client.name,
        "quotas": client.quotas,
        "rate_limit": client.rate_limit,
        "disabled": client.disabled,
    }


def _key_facts(key: ApiKey) -> dict[str, Any]:
    """What the audit has of a key: nothing that its secret or its digest could be told from."""
    return {
        "client": key.client,
        "scopes": sorted(key.scopes),
        "note": key.note,
        "expires_ms": key.expires_ms,
        "revoked_ms": key.revoked_ms,
    }

"""Clients with keys for tests of the control API, made in the store as `crawlery keys bootstrap` does."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.access.model import Client, Quotas, Scope
from crawler.access.store import AccessStore
from crawler.errors import ClientExists
from crawler.peppers import Peppers
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

#: Of tests only; production refuses one that is as short.
PEPPERS = "tests:a-pepper-of-tests"

#: What entries of the audit are sealed with there.
AUDIT_KEY = "a-key-of-tests-that-seals-the-audit"

#: What a client's key may do that is no administrator's.
USUAL = frozenset(Scope) - {Scope.ADMIN, Scope.SUPPORT_READ}


@dataclass(frozen=True)
class People:
    """Who calls: keys by what they are for. `alice` and `bob` are clients, `root` has every scope but support:read."""

    alice: str
    bob: str
    root: str


def in_store(url: str, ask: Callable[[AccessStore, Store], Coroutine], *, peppers: str = PEPPERS):
    """What `ask` answers of the clients and keys of a store."""

    async def run():
        store = Store(connect({"url": url}))
        try:
            return await ask(AccessStore(store, Peppers.of(peppers)), store)
        finally:
            await store.close()

    return asyncio.run(run())


def new_key(
    url: str,
    client: str,
    scopes: Collection[Scope] = USUAL,
    *,
    expires_ms: int | None = None,
    quotas: Quotas | None = None,
    rate_limit: str = "",
) -> str:
    """A key of a client, which is made if it is not there."""

    async def ask(access: AccessStore, _store: Store) -> str:
        with contextlib.suppress(ClientExists):
            await access.create_client(Client(id=client, quotas=quotas or Quotas(), rate_limit=rate_limit))
        made = await access.create_key(client, scopes, expires_ms=expires_ms)
        assert made is not None
        return made[1]

    return in_store(url, ask)


def new_people(url: str, *, rate_limit: str = "100000/second") -> People:
    """The usual ones, whom no limit keeps from calling."""
    return People(
        alice=new_key(url, "alice", rate_limit=rate_limit),
        bob=new_key(url, "bob", rate_limit=rate_limit),
        root=new_key(url, "root", frozenset(Scope) - {Scope.SUPPORT_READ}, rate_limit=rate_limit),
    )

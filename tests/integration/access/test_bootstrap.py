"""The first key of a deployment, made in the store itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from crawler.access.bootstrap import first_key
from crawler.access.model import Scope
from crawler.access.store import AccessStore
from crawler.errors import InvalidAccess, InvalidJob
from crawler.peppers import Peppers
from crawler.store import Store, connect


@pytest.fixture
def ask(valkey):
    def run(question):
        async def once():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(AccessStore(store, Peppers.of("a:pepper")))
            finally:
                await store.close()

        return asyncio.run(once())

    return run


def test_the_first_key_may_all_but_read_rows_of_others_and_a_second_one_is_another(ask):
    async def twice(access):
        texts = [await first_key(access, client_id="admin", note="first") for _ in range(2)]
        return [await access.authenticate(text) for text in texts]

    callers = ask(twice)
    assert len({caller.key.id for caller in callers}) == 2
    for caller in callers:
        assert (caller.client.id, caller.key.note, caller.key.expires_ms) == ("admin", "first", None)
        assert caller.key.scopes == frozenset(Scope) - {Scope.SUPPORT_READ}


def test_a_disabled_client_gets_none(ask):
    async def disabled(access):
        await first_key(access, client_id="admin", note="")
        await access.change_client("admin", lambda client: replace(client, disabled=True))
        with pytest.raises(InvalidAccess, match="client admin is disabled"):
            await first_key(access, client_id="admin", note="")
        return await access.keys()

    assert len(ask(disabled)) == 1


def test_an_id_that_is_none_makes_nothing(ask):
    async def wrong(access):
        with pytest.raises(InvalidJob):
            await first_key(access, client_id="a/b", note="")
        return await access.clients()

    assert ask(wrong) == ()


def test_a_client_that_goes_meanwhile_gets_none(ask, monkeypatch):
    async def gone(*_, **__):
        return None

    async def make(access):
        monkeypatch.setattr(access, "create_key", gone)
        with pytest.raises(InvalidAccess, match="does not exist any more; try again"):
            await first_key(access, client_id="admin", note="")

    ask(make)

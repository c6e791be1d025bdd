"""What is changed is noted by the script that changes it: once, with who asked for it, and without secrets."""

from __future__ import annotations

import asyncio
import json
import secrets

import pytest
import redis

from crawler.access.model import Client, Scope
from crawler.access.store import AccessStore
from crawler.audit.listing import event_of
from crawler.audit.store import AuditStore
from crawler.errors import ClientExists, InvalidAccess, TransitionRefused
from crawler.jobs.model import Intended, Job, State
from crawler.jobs.redis import RedisJobStore
from crawler.origin import Origin
from crawler.peppers import Peppers
from crawler.store import Store, connect

ROOT = Origin(by="api", client="root", key="k7m2p4q6", source="192.0.2.7", request="r-1")
READ = frozenset({Scope.JOBS_READ})


@pytest.fixture
def ask(valkey):
    """What a question to the store answers."""

    def run(question):
        async def once():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(once())

    return run


@pytest.fixture
def noted(ask):
    """The entries there are, the oldest first."""
    return lambda: [event_of(entry) for entry in ask(lambda store: AuditStore(store).entries())]


def access(store: Store) -> AccessStore:
    return AccessStore(store, Peppers.of("a:pepper"), origin=ROOT)


def jobs(store: Store) -> RedisJobStore:
    return RedisJobStore(store, origin=ROOT)


def order(name: str = "j") -> Job:
    return Job(
        id=name,
        client="acme",
        recipe="shop",
        recipe_text="x",
        inputs={"password": "hush"},
        secret=secrets.token_bytes(32),
    )


def test_what_happens_to_clients_and_keys_is_noted_with_who_asked_and_how_it_was_before(ask, noted):
    ask(lambda store: access(store).create_client(Client(id="acme", name="Acme")))
    ask(lambda store: access(store).change_client("acme", lambda _: Client(id="acme", name="Acme & Sons")))
    old, text = ask(lambda store: access(store).create_key("acme", READ, note="first"))
    new, _ = ask(lambda store: access(store).rotate(old.id, grace_ms=1000))
    ask(lambda store: access(store).revoke(new.id))
    ask(lambda store: access(store).authenticate(text))
    events = noted()
    assert [(event.action, event.object, event.client) for event in events] == [
        ("client.created", "acme", "acme"),
        ("client.changed", "acme", "acme"),
        ("key.created", old.id, "acme"),
        ("key.created", new.id, "acme"),
        ("key.rotated", old.id, "acme"),
        ("key.revoked", new.id, "acme"),
    ]
    assert {(each.by, each.actor, each.key, each.source, each.request) for each in events} == {
        ("api", "root", "k7m2p4q6", "192.0.2.7", "r-1")
    }
    assert (events[0].before, events[0].after["name"]) == (None, "Acme")
    assert (events[1].before["name"], events[1].after["name"]) == ("Acme", "Acme & Sons")
    assert events[4].before["expires_ms"] is None
    assert events[4].after["expires_ms"] > events[4].at_ms
    assert events[5].before["revoked_ms"] is None
    assert abs(events[5].after["revoked_ms"] - events[5].at_ms) < 60_000


def test_what_is_asked_for_again_and_what_is_refused_is_not_noted(ask, noted):
    ask(lambda store: access(store).create_client(Client(id="acme")))
    key, _ = ask(lambda store: access(store).create_key("acme", READ))
    ask(lambda store: jobs(store).create(order()))
    for _ in range(2):
        ask(lambda store: access(store).revoke(key.id))
        ask(lambda store: jobs(store).create(order()))
        ask(lambda store: jobs(store).intend("j", Intended.CANCEL))
        with pytest.raises(ClientExists):
            ask(lambda store: access(store).create_client(Client(id="acme", name="another")))
        with pytest.raises(TransitionRefused):
            ask(lambda store: jobs(store).move("j", State.RUNNING))
        with pytest.raises(InvalidAccess):
            ask(lambda store: access(store).rotate(key.id, grace_ms=0))
        assert ask(lambda store: access(store).create_key("nobody", READ)) is None
    assert [event.action for event in noted()] == [
        "client.created", "key.created", "job.created", "key.revoked", "job.cancelled",
    ]  # fmt: skip


def test_a_call_whose_answer_was_lost_is_noted_once(ask, noted):
    async def twice(store: Store) -> None:
        class Repeated:
            prefix, command = store.prefix, store.command

            @staticmethod
            async def call(*words):
                await store.call(*words)
                return await store.call(*words)

        again, people = RedisJobStore(Repeated, origin=ROOT), AccessStore(Repeated, Peppers.of("a:p"), origin=ROOT)
        await people.create_client(Client(id="acme"))
        key, _ = await people.create_key("acme", READ)
        await people.revoke(key.id)
        await again.create(order())
        await again.move("j", State.PAUSED)
        await again.move("j", State.RUNNING)
        await again.intend("j", Intended.CANCEL)
        await AuditStore(Repeated).note_links(ROOT, "j", client="acme", after={"files": 1})

    ask(twice)
    assert [event.action for event in noted()] == [
        "client.created", "key.created", "key.revoked",
        "job.created", "job.paused", "job.resumed", "job.cancelled", "links.issued",
    ]  # fmt: skip


def test_what_is_done_to_a_job_is_noted_with_its_client_and_its_states(ask, noted):
    ask(lambda store: jobs(store).create(order()))
    ask(lambda store: RedisJobStore(store).move("j", State.RUNNING))  # a node has begun: nobody has asked for that
    ask(lambda store: jobs(store).move("j", State.PAUSED))
    ask(lambda store: jobs(store).intend("j", Intended.CANCEL))
    created, paused, cancelled = noted()
    assert created.after["recipe"] == "shop"
    assert (paused.client, paused.before, paused.after) == ("acme", {"state": "running"}, {"state": "paused"})
    assert cancelled.after == {"state": "paused", "intended": "cancel"}


def test_no_entry_holds_a_secret(ask):
    async def everything(store: Store) -> tuple[str, Job, list]:
        people, job = access(store), order()
        await people.create_client(Client(id="acme"))
        key, text = await people.create_key("acme", READ)
        await people.rotate(key.id, grace_ms=0)
        await jobs(store).create(job)
        return text, job, await AuditStore(store).entries()

    text, job, entries = ask(everything)
    said = json.dumps([[field.decode() for field in entry.fields] for entry in entries])
    assert len(entries) == 5
    for secret in (text, text.split("_")[3][:43], "hush", job.secret.hex(), "digest"):
        assert secret not in said


def test_whoever_ends_a_job_or_fetches_its_files_gets_through_to_a_full_store_and_is_noted(new_valkey):
    async def run(url: str) -> list[str]:
        store = Store(connect({"url": url}))
        await jobs(store).create(order())
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", 1)
        async with asyncio.timeout(10):
            await jobs(store).intend("j", Intended.CANCEL)
            await AuditStore(store).note_links(ROOT, "j", client="acme", after={"files": 1})
            entries = await AuditStore(store).entries()
        await store.close()
        return [event_of(entry).action for entry in entries]

    assert asyncio.run(run(new_valkey().url)) == ["job.created", "job.cancelled", "links.issued"]

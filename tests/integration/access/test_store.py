"""Clients and keys in a real store: made, used, changed by many at once, handed over, refused."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest
import redis

from crawler.access.keys import new_key as never_stored
from crawler.access.model import Client, Quotas, Scope
from crawler.access.store import AccessStore
from crawler.errors import ClientExists, Contended, InvalidAccess, KeyRefused, QuotaExceeded
from crawler.peppers import Peppers
from crawler.store import Store, connect

OLD, NEW = "old:pepper-of-then", "new:pepper-of-now"
READ = frozenset({Scope.JOBS_READ})
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def ask(valkey):
    """What a question to the store answers: `ask(lambda access: access.clients())`."""

    def run(question, *, peppers=OLD):
        async def once():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(AccessStore(store, Peppers.of(peppers)))
            finally:
                await store.close()

        return asyncio.run(once())

    return run


@pytest.fixture
def raw(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def acme(ask):
    return ask(lambda access: access.create_client(Client(id="acme", name="Acme")))


def made(ask, **given):
    key, text = ask(lambda access: access.create_key("acme", given.pop("scopes", READ), **given))
    return key, text


def test_a_key_says_whose_it_is_and_what_it_may(ask, acme):
    key, text = made(ask, note="for tests")
    caller = ask(lambda access: access.authenticate(text))
    assert (caller.client, caller.key) == (acme, key)
    assert abs(caller.now_ms - time.time() * 1000) < 60_000
    assert caller.may(Scope.JOBS_READ)
    assert not caller.may(Scope.ADMIN)


def test_neither_a_secret_nor_a_key_lies_in_the_store(ask, acme, raw):
    _, text = made(ask)
    secret = text.split("_")[3]
    for name in raw.scan_iter():
        if raw.type(name) == b"stream":
            kept = [value for _, fields in raw.xrange(name) for value in fields.values()]
        else:
            kept = raw.hgetall(name).values()
        assert not [value for value in kept if secret[:43].encode() in value or b"pepper-of" in value]


def test_all_keys_that_are_refused_are_refused_in_the_same_words(ask, acme):
    key, text = made(ask)
    other, other_text = made(ask)
    parts = text.split("_")
    wrong = [
        never_stored()[1],
        "ck_live_nonsense",
        text[:-1],
        f"ck_live_{other.id}_{parts[3]}",
        made(ask, expires_ms=1)[1],
    ]
    ask(lambda access: access.revoke(other.id))
    wrong.append(other_text)
    told = set()
    for given in wrong:
        with pytest.raises(KeyRefused) as refused:
            ask(lambda access, given=given: access.authenticate(given))
        told.add(str(refused.value))
    assert told == {"this key is not valid: unknown, mistyped, expired or revoked"}
    with pytest.raises(KeyRefused, match="send Authorization: Bearer"):
        ask(lambda access: access.authenticate(""))
    assert ask(lambda access: access.authenticate(text)).key.id == key.id


def test_an_unknown_key_costs_the_store_what_a_known_one_does(ask, acme, raw):
    _, text = made(ask)
    costs = []
    for given in (text, never_stored()[1]):

        async def try_it(access, given=given):
            for _ in range(2):  # the first one loads the script
                raw.config_resetstat()
                with contextlib.suppress(KeyRefused):
                    await access.authenticate(given)

        ask(try_it)
        stats = raw.info("commandstats")
        costs.append(
            {name: stat["calls"] for name, stat in stats.items() if name in ("cmdstat_evalsha", "cmdstat_hget")}
        )
    assert costs[0] == costs[1] == {"cmdstat_evalsha": 1, "cmdstat_hget": 3}


def test_a_key_is_refused_from_the_moment_that_it_expires(ask, acme):
    soon = int(time.time() * 1000) + 60
    _, text = made(ask, expires_ms=soon)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            caller = ask(lambda access: access.authenticate(text))
        except KeyRefused:
            break
        assert caller.now_ms < soon
    else:
        raise AssertionError("it never expired")


def test_a_revoked_key_stays_as_it_was_revoked_first(ask, acme):
    key, text = made(ask)
    first = ask(lambda access: access.revoke(key.id))
    assert first.revoked_ms is not None
    assert ask(lambda access: access.revoke(key.id)) == first == ask(lambda access: access.key(key.id))
    with pytest.raises(KeyRefused):
        ask(lambda access: access.authenticate(text))


def test_keys_of_a_client_that_is_disabled_are_refused_until_it_is_not(ask, acme):
    _, text = made(ask)
    ask(lambda access: access.change_client("acme", lambda client: replace(client, disabled=True)))
    with pytest.raises(KeyRefused, match="this key is not valid"):
        ask(lambda access: access.authenticate(text))
    ask(lambda access: access.change_client("acme", lambda client: replace(client, disabled=False)))
    assert ask(lambda access: access.authenticate(text)).client.id == "acme"


def test_a_rotated_key_works_beside_the_new_one_for_a_while_and_no_longer(ask, acme):
    later = int(time.time() * 1000) + 10**9
    key, text = made(ask, scopes=frozenset(Scope), note="n", expires_ms=later)
    new, new_text = ask(lambda access: access.rotate(key.id, grace_ms=60_000))
    assert (new.client, new.scopes, new.note, new.expires_ms) == ("acme", frozenset(Scope), "n", later)
    assert new.id != key.id
    assert {ask(lambda access, t=t: access.authenticate(t)).client.id for t in (text, new_text)} == {"acme"}
    old = ask(lambda access: access.key(key.id))
    assert old.expires_ms is not None
    assert abs(old.expires_ms - time.time() * 1000 - 60_000) < 30_000
    ask(lambda access: access.rotate(new.id, grace_ms=0))
    with pytest.raises(KeyRefused):
        ask(lambda access: access.authenticate(new_text))


def test_a_rotation_never_makes_a_key_live_longer(ask, acme):
    soon = int(time.time() * 1000) + 30_000
    key, _ = made(ask, expires_ms=soon)
    new, _ = ask(lambda access: access.rotate(key.id, grace_ms=10**9))
    assert new.expires_ms == soon == ask(lambda access: access.key(key.id)).expires_ms


def test_a_key_that_is_over_is_not_handed_over(ask, acme):
    revoked, _ = made(ask)
    ask(lambda access: access.revoke(revoked.id))
    expired, _ = made(ask, expires_ms=1)
    for key in (revoked, expired):
        with pytest.raises(InvalidAccess, match="is not valid any more; create a new one"):
            ask(lambda access, key=key: access.rotate(key.id, grace_ms=1))
    assert len(ask(lambda access: access.keys())) == 2


def test_what_is_not_there_is_none(ask):
    assert ask(lambda access: access.create_key("acme", READ)) is None
    assert ask(lambda access: access.client("acme")) is None
    assert ask(lambda access: access.change_client("acme", lambda client: client)) is None
    assert ask(lambda access: access.key("aaaaaaaa")) is None
    assert ask(lambda access: access.revoke("aaaaaaaa")) is None
    assert ask(lambda access: access.rotate("aaaaaaaa", grace_ms=1)) is None
    assert ask(lambda access: access.last_used_ms([])) == {}
    assert ask(lambda access: access.keys()) == ask(lambda access: access.clients()) == ()


def test_a_client_is_made_once(ask, acme):
    with pytest.raises(ClientExists, match="there is a client acme already"):
        ask(lambda access: access.create_client(Client(id="acme", name="another")))
    assert ask(lambda access: access.client("acme")) == acme
    assert acme.created_ms > 0


def test_keys_are_listed_the_newest_first_and_by_client(ask, acme):
    ask(lambda access: access.create_client(Client(id="other")))
    keys = [made(ask)[0] for _ in range(3)]
    ask(lambda access: access.create_key("other", READ))
    found = ask(lambda access: access.keys(client="acme"))
    assert {key.id for key in found} == {key.id for key in keys}
    assert [key.created_ms for key in found] == sorted((key.created_ms for key in keys), reverse=True)
    assert len(ask(lambda access: access.keys())) == 4
    assert [client.id for client in ask(lambda access: access.clients())] == ["acme", "other"]


def test_changes_of_many_at_once_lose_nothing(ask, acme):
    async def all_at_once(access):
        def quota(name, value):
            return lambda client: replace(client, quotas=replace(client.quotas, **{name: value}))

        def member(name, value):
            return lambda client: replace(client, **{name: value})

        changes = [
            *(quota(name, n + 1) for name in Quotas.__slots__ for n in range(12)),
            *(member("name", f"name {n}") for n in range(12)),
            *(member("rate_limit", f"{n + 1}/second") for n in range(12)),
        ]
        return await asyncio.gather(*(access.change_client("acme", change) for change in changes))

    answers = ask(all_at_once)
    client = ask(lambda access: access.client("acme"))
    assert client in answers  # the last one holds what all have changed
    assert None not in (client.quotas.running_jobs, client.quotas.jobs_per_day, client.quotas.requests_per_day)
    assert client.name.startswith("name ")
    assert client.rate_limit.endswith("/second")
    assert client.created_ms == acme.created_ms


def test_a_client_that_others_change_all_the_time_is_refused_in_the_end(ask, acme):
    async def never_quiet(access):
        class Disturbed:
            prefix, command = access._store.prefix, access._store.command

            @staticmethod
            async def call(*_):
                return 0  # somebody has been faster

        key, _ = await access.create_key("acme", READ)
        busy = AccessStore(Disturbed, access._peppers)
        with pytest.raises(Contended, match="client acme is being changed by others; try again"):
            await busy.change_client("acme", lambda client: client)
        with pytest.raises(Contended, match="is being changed by others; try again"):
            await busy.revoke(key.id)

    ask(never_quiet)


def test_a_key_is_given_the_new_pepper_when_it_is_used_and_then_the_old_one_can_go(ask, acme):
    used, used_text = made(ask)
    _, unused_text = made(ask)
    both = f"{NEW},{OLD}"
    assert used.pepper == "old"
    caller = ask(lambda access: access.authenticate(used_text), peppers=both)
    assert caller.key.pepper == "new"
    assert ask(lambda access: access.key(used.id)) == caller.key != used
    assert ask(lambda access: access.authenticate(used_text), peppers=NEW).key == caller.key
    with pytest.raises(KeyRefused):
        ask(lambda access: access.authenticate(unused_text), peppers=NEW)
    with pytest.raises(KeyRefused):
        ask(lambda access: access.authenticate(used_text), peppers="new:another-secret")
    assert ask(lambda access: access.authenticate(unused_text), peppers=both).key.pepper == "new"


def test_a_wrong_secret_changes_no_pepper(ask, acme):
    key, text = made(ask)
    other, _ = made(ask)
    with pytest.raises(KeyRefused):
        ask(lambda access: access.authenticate(text.replace(key.id, other.id)), peppers=f"{NEW},{OLD}")
    assert {each.pepper for each in ask(lambda access: access.keys())} == {"old"}


def test_a_revocation_that_comes_between_is_not_undone_by_a_new_pepper(ask, acme):
    key, text = made(ask)

    async def between(access):
        stored = access._store
        script = stored.call

        class Slow:
            prefix, command = stored.prefix, stored.command
            revoked = False

            @classmethod
            async def call(cls, what, keys, args):
                if what.name == "change.lua" and not cls.revoked:  # the change of the pepper
                    cls.revoked = True
                    await access.revoke(key.id)
                return await script(what, keys, args)

        await AccessStore(Slow, access._peppers).authenticate(text)

    ask(between, peppers=f"{NEW},{OLD}")
    assert ask(lambda access: access.key(key.id)).revoked_ms is not None
    with pytest.raises(KeyRefused):
        ask(lambda access: access.authenticate(text), peppers=f"{NEW},{OLD}")


def test_when_a_key_was_used_is_kept_once_a_minute(ask, acme, raw):
    key, text = made(ask)
    assert ask(lambda access: access.last_used_ms([key.id])) == {}

    async def use(access):
        caller = await access.authenticate(text)
        await access.note_use(caller)
        await access.note_use(replace(caller, now_ms=caller.now_ms + 59_000))
        first = await access.last_used_ms([key.id, "aaaaaaaa"])
        await access.note_use(replace(caller, now_ms=caller.now_ms + 60_001))
        return caller.now_ms, first, await access.last_used_ms([key.id])

    now, first, second = ask(use)
    assert (first, second) == ({key.id: now}, {key.id: now + 60_001})


def test_a_client_submits_as_many_jobs_in_a_day_as_it_may(ask, acme, raw):
    client = replace(acme, quotas=Quotas(jobs_per_day=2))

    async def submit(access):
        for job in ("a", "b", "a", "b"):  # a job that is counted again counts once
            await access.count_job(client, job)
        with pytest.raises(QuotaExceeded) as over:
            await access.count_job(client, "c")
        return over.value

    over = ask(submit)
    assert over.quota == "jobs_per_day"
    assert 0 < over.retry_after_s <= DAY_MS / 1000
    assert ask(lambda access: access.jobs_today("acme")) == 2
    (day,) = raw.scan_iter("*:day:acme")
    raw.zincrby(day, -DAY_MS - 1, "a")
    assert ask(lambda access: access.jobs_today("acme")) == 1
    ask(lambda access: access.count_job(client, "c"))
    assert ask(lambda access: access.jobs_today("acme")) == 2


def test_without_a_quota_jobs_are_counted_all_the_same(ask, acme):
    ask(lambda access: access.count_job(acme, "a"))
    assert ask(lambda access: access.jobs_today("acme")) == 1

"""Clients' recipes in a real store: pushed and judged by many at once, and by whoever comes too late."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from crawler.audit.listing import event_of
from crawler.audit.store import AuditStore
from crawler.catalog import store as catalog_store
from crawler.catalog.model import CheckReport, RecipeFacts, RecipeVersion, Standing, precedence
from crawler.catalog.objects import text_sha256
from crawler.catalog.store import Catalog
from crawler.errors import CatalogFull, InvalidRecipeName, VersionTaken
from crawler.origin import Origin
from crawler.store import Store, connect

FACTS = RecipeFacts(description="goods")


@pytest.fixture
def ask(valkey):
    """What a question to the catalog answers: `ask(lambda catalog: catalog.pending())`."""

    def run(question):
        async def once():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(Catalog(store))
            finally:
                await store.close()

        return asyncio.run(once())

    return run


def a_version(version="1.0.0", *, text="text", client="alice", **values):
    return RecipeVersion(client=client, name="goods", version=version, sha256=text_sha256(text), **values)


def pushed(ask, version="1.0.0", **values):
    return ask(lambda catalog: catalog.push(a_version(version, **values), values.get("text", "text")))


def judged(ask, read, standing=Standing.PASSED, facts=FACTS):
    async def judge(catalog):
        seen = await catalog.current(read.client, read.name)
        return await catalog.judge(read, replace(read, standing=standing), facts, seen=seen)

    return ask(judge)


def current(ask, client="alice"):
    found = ask(lambda catalog: catalog.current(client, "goods"))
    return found and found.version


def test_what_was_pushed_waits_until_it_is_judged(ask):
    kept = pushed(ask)
    assert kept.standing is Standing.CHECKING
    assert kept.pushed_ms > 0
    assert [each.version for each in ask(lambda catalog: catalog.pending())] == ["1.0.0"]
    assert current(ask) is None
    assert pushed(ask) == kept
    assert judged(ask, kept)
    assert ask(lambda catalog: catalog.pending()) == ()
    assert current(ask) == "1.0.0"
    assert pushed(ask).standing is Standing.PASSED
    assert ask(lambda catalog: catalog.text("alice", "goods", "1.0.0")) == "text"
    assert ask(lambda catalog: catalog.text("bob", "goods", "1.0.0")) is None
    assert ask(lambda catalog: catalog.facts_of([kept.sha256])) == {kept.sha256: FACTS}


def test_what_is_current_never_falls_and_never_becomes_one_that_has_not_passed(ask):
    for version in ("1.9.0", "2.0.0-alpha", "1.10.0", "1.2.0", "1.10.0-beta"):
        judged(ask, pushed(ask, version))
    assert current(ask) == "2.0.0-alpha"
    for version, standing in (("3.0.0", Standing.REJECTED), ("3.1.0", Standing.UNTESTED)):
        judged(ask, pushed(ask, version), standing)
    assert current(ask) == "2.0.0-alpha"
    found = [each.version for each in ask(lambda catalog: catalog.versions("alice", "goods"))]
    assert found == ["3.1.0", "3.0.0", "2.0.0-alpha", "1.10.0", "1.10.0-beta", "1.9.0", "1.2.0"]


def test_a_judgement_of_what_was_pushed_anew_meanwhile_does_not_count(ask):
    first = pushed(ask)
    judged(ask, first, Standing.REJECTED, None)
    second = pushed(ask, text="mended")
    assert not judged(ask, first)
    assert current(ask) is None
    assert ask(lambda catalog: catalog.version("alice", "goods", "1.0.0")) == second
    assert [each.version for each in ask(lambda catalog: catalog.pending())] == ["1.0.0"]


def test_what_was_checked_against_something_that_is_current_no_more_is_checked_again(ask):
    first, second = pushed(ask, "1.1.0"), pushed(ask, "1.2.0")
    judged(ask, first)
    late = replace(second, standing=Standing.PASSED)
    assert not ask(lambda catalog: catalog.judge(second, late, FACTS, seen=None))
    assert current(ask) == "1.1.0"
    assert [each.version for each in ask(lambda catalog: catalog.pending())] == ["1.2.0"]
    assert judged(ask, second)
    assert current(ask) == "1.2.0"


def test_another_text_or_other_pages_cannot_have_a_version_that_is_there(ask):
    pushed(ask)
    for other in ({"text": "other"}, {"pages_sha256": "0" * 64}):
        with pytest.raises(VersionTaken):
            pushed(ask, **other)
    assert pushed(ask, client="bob", text="other").standing is Standing.CHECKING


def test_of_many_that_push_one_version_at_once_one_text_is_kept(valkey):
    async def race():
        store = Store(connect({"url": valkey.url}))
        catalog = Catalog(store)
        texts = [f"text {number}" for number in range(20)]
        pushes = (catalog.push(a_version(text=text), text) for text in texts)
        answers = await asyncio.gather(*pushes, return_exceptions=True)
        kept = await catalog.text("alice", "goods", "1.0.0")
        await store.close()
        return kept, [each for each in answers if not isinstance(each, Exception)], answers

    kept, won, answers = asyncio.run(race())
    assert [each.sha256 for each in won] == [text_sha256(kept)]
    assert sum(isinstance(each, VersionTaken) for each in answers) == 19


def test_both_scripts_are_safe_to_repeat_and_note_what_they_do_once(valkey, monkeypatch):
    async def twice():
        store = Store(connect({"url": valkey.url}))
        calls = []

        async def call(script, keys, args, *, once=store.call):
            answer = await once(script, keys, args)
            assert await once(script, keys, args) == answer == 1
            calls.append(script.name)
            return answer

        monkeypatch.setattr(store, "call", call)
        catalog = Catalog(store, origin=Origin(by="api", client="root"))
        kept = await catalog.push(a_version(), "text")
        assert await catalog.judge(kept, replace(kept, standing=Standing.PASSED), FACTS, seen=None)
        noted = await AuditStore(store).entries()
        await store.close()
        return calls, [event_of(entry).action for entry in noted]

    calls, noted = asyncio.run(twice())
    assert calls == ["recipe_push.lua", "recipe_judge.lua"]
    assert noted == ["recipe.pushed", "recipe.current"]
    assert len(asyncio.run(_versions(valkey.url))) == 1


async def _versions(url):
    store = Store(connect({"url": url}))
    found = await Catalog(store).versions("alice", "goods")
    await store.close()
    return found


def test_so_many_versions_and_no_more(ask, monkeypatch):
    monkeypatch.setattr(catalog_store, "MAX_VERSIONS", 2)
    pushed(ask, "1.0.0")
    kept = pushed(ask, "1.0.1")
    with pytest.raises(CatalogFull, match="2 versions of goods"):
        pushed(ask, "1.0.2")
    assert pushed(ask, "1.0.1") == kept


@pytest.mark.parametrize("values", [{"name": "Goods"}, {"name": "a b"}, {"name": "a:b"}, {"version": "1"}])
def test_what_is_no_name_and_no_version_is_refused(values):
    with pytest.raises(InvalidRecipeName):
        replace(a_version(), **values)


def test_versions_are_in_the_order_of_semver():
    order = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.10"]
    assert sorted(set(order), key=precedence) == order


def test_a_report_comes_back_as_it_was_kept(ask):
    kept, report = pushed(ask), CheckReport(problems=("too slow",), untested=("good",))
    rejected = replace(kept, standing=Standing.REJECTED, report=report)
    ask(lambda catalog: catalog.judge(kept, rejected, None, seen=None))
    assert ask(lambda catalog: catalog.version("alice", "goods", "1.0.0")).report == report

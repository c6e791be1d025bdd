"""The duty of checking recipes: what goes wrong with one keeps no other one waiting."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

from recipe_pushes import PAGE, goods, tar

from crawler.catalog.model import RecipeVersion, Standing
from crawler.catalog.objects import keep_pages, keep_text, keep_version
from crawler.catalog.store import Catalog
from crawler.exports.objects_folder import FolderObjectStore
from crawler.steward.recipe_checks import RecipeChecks
from crawler.steward.reimport_recipes import reimport_recipes
from crawler.store import Store, connect


class Surprising(FolderObjectStore):
    """Fails as nobody has thought of, for the pages of one recipe."""

    broken = ""

    def get(self, key: str) -> bytes:
        if self.broken in key:
            raise RuntimeError("nobody has thought of this")
        return super().get(key)


def push(bench, text, name="goods", version="1.0.0", *, pages=b"") -> RecipeVersion:
    sha256 = keep_pages(bench.objects, io.BytesIO(pages or tar({"good.html": PAGE})))
    of = {"client": "alice", "name": name, "version": version, "pages_sha256": sha256}
    return bench.run(Catalog(bench.store).push(RecipeVersion(sha256=keep_text(bench.objects, text), **of), text))


def standings(bench, name="goods"):
    return [(each.version, each.standing) for each in bench.run(Catalog(bench.store).versions("alice", name))]


def test_versions_of_one_recipe_are_checked_one_after_the_other_each_against_the_one_before(bench):
    two = goods().replace("{name: h1}", "{name: h1, size: h2}")
    two = two.replace("{type: string, required: true}", "{type: string}, size: {type: string}")
    push(bench, two)
    push(bench, goods(version="1.1.0"), version="1.1.0")
    push(bench, two.replace('"1.0.0"', '"1.2.0"'), version="1.2.0")
    assert bench.run(RecipeChecks(bench.ground()).run()) == 3
    assert standings(bench) == [
        ("1.2.0", Standing.PASSED), ("1.1.0", Standing.REJECTED), ("1.0.0", Standing.PASSED),
    ]  # fmt: skip


class Overtaken(FolderObjectStore):
    """Lets somebody else be faster, once: when a version is written down as passed."""

    then = None

    def put(self, key, body, **how):
        if self.then is not None and key.startswith("-recipes/versions/") and b'"passed"' in body:
            then, self.then = self.then, None
            asyncio.run(then())
        return super().put(key, body, **how)


def test_what_a_steward_finds_that_stood_still_is_not_what_a_lost_store_gets_back(bench, valkey, tmp_path):
    """It finds that the version passes, and another has rejected it meanwhile, for whatever reason."""
    bench.objects = Overtaken(tmp_path / "objects")
    first, mended = push(bench, goods()), goods(css="body > h1")

    async def be_faster():
        store = Store(connect({"url": valkey.url}))
        catalog = Catalog(store)
        rejected = replace(first, standing=Standing.REJECTED, checked_ms=1)
        keep_version(bench.objects, rejected)
        assert await catalog.judge(first, rejected, None, seen=None)
        second = replace(first, sha256=keep_text(bench.objects, mended), pushed_ms=first.pushed_ms + 1)
        keep_version(bench.objects, second)
        await catalog.push(second, mended)
        await store.close()

    bench.objects.then = be_faster
    checks = RecipeChecks(bench.ground())
    bench.run(checks.run())
    assert bench.objects.then is None
    before = bench.run(Catalog(bench.store).versions("alice", "goods"))
    assert standings(bench) == [("1.0.0", Standing.PASSED)]
    bench.run(bench.store.command("FLUSHDB"))
    bench.run(reimport_recipes(bench.ground()))
    assert bench.run(Catalog(bench.store).versions("alice", "goods")) == before
    assert bench.run(Catalog(bench.store).text("alice", "goods", "1.0.0")) == mended


def test_a_check_that_fails_as_nobody_has_thought_of_is_put_off_and_the_others_go_on(bench, tmp_path, caplog):
    bench.objects, catalog = Surprising(tmp_path / "objects"), Catalog(bench.store)
    for name in ("first", "second", "third"):
        pushed = push(bench, goods(name), name, pages=tar({"good.html": PAGE, name: b""}))
        bench.objects.broken = bench.objects.broken or pushed.pages_sha256
    assert bench.run(RecipeChecks(bench.ground()).run()) == 2
    assert sorted(bench.run(catalog.all_current("alice"))) == ["second", "third"]
    assert [each.name for each in bench.run(catalog.pending())] == ["first"]
    assert "nobody has thought of this" in caplog.text
    bench.objects.broken = "nothing"
    assert bench.run(RecipeChecks(bench.ground()).run()) == 1
    assert sorted(bench.run(catalog.all_current("alice"))) == ["first", "second", "third"]

"""What a crawl knows of earlier runs, and what it notes for the next one; no site is asked."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from types import SimpleNamespace

import pytest
from changing_site import BY_SITEMAP, RECIPE
from msgspec import structs
from scrapy import Request
from scrapy.http import HtmlResponse

from crawler.errors import ConfigError, NoSuchObject
from crawler.exports import series_store
from crawler.exports.keys import SeriesKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.page_notes import PageNote, unpacked_ids
from crawler.exports.series import recipe_digest
from crawler.exports.series_state import Comparison, KnownPages, RunState, StateMeta
from crawler.exports.series_store import Pointer
from crawler.extensions.incremental import Incremental, _carried, _id_of, cached_state, page_id
from crawler.middlewares import conditional
from crawler.recipe.incremental import LAST_RUN
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageRequest, PageResult, Reject, Row
from crawler.recipe.sitemap_place import SitemapPlace
from crawler.spiders.page_children import encoded_children

NOW = 1_800_000_000.0
URL = "https://a.example/good/1"
LEADS_TO = PageRequest(url="https://a.example/good/1/more", page="good")
ROW = Row(item="good", values={"sku": "1"}, key=("1",))


def request(url=URL, **facts):
    return Request(url, meta={"recipe": {"page": "good", **facts}})


def page():
    return SimpleNamespace(known=None, note=None)


@pytest.fixture
def make(tmp_path):
    """`make(text)`: of a recipe; the page at URL was read a day before NOW, as `known` says."""

    def make(text=RECIPE, *, whole_ms=int(NOW * 1000), **known) -> Incremental:
        recipe = load_recipe_text(text)
        crawler = SimpleNamespace(stats=SimpleNamespace(inc_value=lambda *_: None))
        made = Incremental(crawler, recipe, SeriesKeys("local", "0" * 32), now=NOW)
        digest = recipe_digest(recipe.resolved)
        facts = {"etag": '"e"', "modified": "m", "lastmod": "2026-11-01", "fetched_ms": int((NOW - 86400) * 1000)}
        children = encoded_children(PageResult(page="good", outcome="ok", requests=(LEADS_TO,)))
        with RunState(tmp_path / "state", keys={"good": ("sku",)}, comparison=Comparison()) as state:
            state.add_row("good", {"sku": "1"}, page=1)
            note = PageNote(page=_id_of(request()), rows=1, children=children, **{**facts, **known})
            state.add_note(note, page=1)
            state.all_here(recipe=digest)
            state.settle(StateMeta(order=1, recipe=digest, whole_ms=whole_ms), is_whole=True, gone_after=1)
            state.finish()
        made._known = KnownPages(tmp_path / "state", recipe=digest)
        return made

    return make


def test_a_page_has_the_same_id_as_a_request_of_scrapy_and_as_one_of_a_recipe():
    written = "https://a.example/good/ä b?z=1&a=2#top"
    assert page_id(PageRequest(url=written, page="good")) == _id_of(request(written))
    assert page_id(PageRequest(url=written, page="list")) != _id_of(request(written))


def test_a_page_that_is_known_is_asked_for_with_what_the_recipe_believes(make):
    known = make()
    assert known.conditions(known.to_ask_for(request())) == {"If-None-Match": '"e"', "If-Modified-Since": "m"}
    known = make(RECIPE.replace("[sitemap_lastmod, etag, last_modified]", "[last_modified]"))
    assert known.conditions(known.to_ask_for(request())) == {"If-Modified-Since": "m"}
    assert (
        make(RECIPE.replace("[sitemap_lastmod, etag, last_modified]", "[sitemap_lastmod]")).to_ask_for(request())
        is None
    )


@pytest.mark.parametrize(
    "other",
    [
        request("https://a.example/good/2"),
        request(carried={"shelf": "2"}),
        request(page="list"),
        request(sitemap={"entry": 0}),
        request(waiting={"url": "x"}),
        Request(URL, method="POST", meta={"recipe": {"page": "good"}}),
        Request(URL),
    ],
    ids=["another", "carried", "type", "sitemap", "waiting", "POST", "foreign"],
)
def test_any_other_page_is_not(make, other):
    assert make().to_ask_for(other) is None


def test_a_page_is_read_again_when_it_was_read_too_long_ago(make):
    text = RECIPE.replace("gone_after: 1", "gone_after: 1\n  recrawl: {every: 2d}")
    assert make(text).to_ask_for(request()) is not None
    assert make(text.replace("2d", "1h")).to_ask_for(request()) is None


def test_a_page_that_is_unchanged_leads_where_it_has_led(make):
    known, opened = make(), page()
    opened.known = known.to_ask_for(request())
    assert known.unchanged(opened, request(lastmod="2026-11-02")) == ([LEADS_TO], None)
    assert opened.note == PageNote(page=_id_of(request()), lastmod="2026-11-02", unchanged=True)


def read(known, result, *, headers=None, asked=None):
    opened = page()
    asked = asked or request("https://a.example/good/2", lastmod="l")
    response = HtmlResponse(asked.url, headers=headers or {"ETag": ' "n" ', "Last-Modified": "m"}, request=asked)
    known.read(opened, asked, response, result)
    return opened.note


def good(**more):
    return PageResult(page="good", outcome="ok", rows=(ROW,), **more)


def test_a_page_that_was_read_is_noted_with_all_that_was_said_of_it(make):
    asked = request("https://a.example/good/2", lastmod="l", carried={"shelf": "1"})
    note = read(make(), good(requests=(LEADS_TO,)), asked=asked)
    assert replace(note, fetched_ms=0) == PageNote(
        page=_id_of(asked),
        etag='"n"',
        modified="m",
        lastmod="l",
        carried=_carried(asked),
        rows=1,
        children=encoded_children(good(requests=(LEADS_TO,))),
    )
    assert note.fetched_ms > 0


REJECT = Reject(item="good", url="u", reasons=(), values={})


@pytest.mark.parametrize(
    "result",
    [
        good(rejects=(REJECT,)),
        structs.replace(good(), rows=(structs.replace(ROW, key=()),)),
        structs.replace(good(), rows=(structs.replace(ROW, key=(None,)),)),
        structs.replace(good(), outcome="dropped"),
        structs.replace(good(), outcome="empty"),
        good(follow_ups=(LEADS_TO,), requests=(LEADS_TO,)),
    ],
    ids=["reject", "no key", "empty key", "dropped", "empty", "follow-up"],
)
def test_a_page_that_must_be_read_each_time_is_not_kept_and_one_that_was_known_is_forgotten(make, result):
    known = make()
    assert read(known, result) is None
    assert read(known, result, asked=request()) == PageNote(page=_id_of(request()))


def test_a_page_whose_row_goes_on_over_several_is_not_kept(make):
    text = RECIPE.replace("{item: good, ", "{item: good, paginate: {next: a.more, append: [price]}, ")
    assert read(make(text), good()) is None


def test_only_a_page_that_was_got_is_kept(make):
    posted = Request("https://a.example/good/2", method="POST", meta={"recipe": {"page": "good"}})
    assert read(make(), good(), asked=posted) is None


def test_a_page_of_which_nothing_was_said_is_not_noted(make):
    assert read(make(), good(), headers={"X": "y"}, asked=request("https://a.example/good/2")) is None
    long = {"ETag": '"' + "x" * 2000 + '"'}
    assert read(make(), good(), headers=long, asked=request("https://a.example/good/2")) is None


def sitemap(known, *entries, passed_over=(), since=""):
    opened = page()
    result = PageResult(page="sitemap:0", outcome="ok", requests=entries, passed_over=tuple(passed_over))
    place = SitemapPlace(entry=0, since=since)
    found = known.without_known(opened, request("https://a.example/sitemap.xml"), result, place)
    skipped = [] if opened.note is None else list(unpacked_ids(opened.note.skipped))
    return list(found.requests), skipped


KNOWN = PageRequest(url=URL, page="good", lastmod="2026-11-01")
NEW = PageRequest(url="https://a.example/good/9", page="good", lastmod="2020-01-01")


def test_what_its_sitemap_says_is_unchanged_is_not_asked_for_and_what_it_has_led_to_is(make):
    known = make(BY_SITEMAP)
    assert sitemap(known, KNOWN, NEW) == ([NEW, LEADS_TO], [page_id(KNOWN)])
    changed = structs.replace(KNOWN, lastmod="2026-11-02")
    assert sitemap(known, changed, structs.replace(KNOWN, lastmod="")) == (
        [changed, structs.replace(KNOWN, lastmod="")],
        [],
    )
    known = make(BY_SITEMAP.replace("sitemap_lastmod, ", ""))
    assert sitemap(known, KNOWN) == ([KNOWN], [])


def test_what_was_carried_to_a_page_is_nothing_that_a_sitemap_knows(make):
    assert sitemap(make(BY_SITEMAP, carried="x"), KNOWN) == ([KNOWN], [])


def test_what_is_older_than_the_last_run_is_not_asked_for_if_it_is_known(make):
    text = BY_SITEMAP.replace("sitemap_lastmod, ", "")
    older = structs.replace(KNOWN, lastmod="2026-12-31")  # NOW is in January
    assert sitemap(make(text), older, NEW, since=LAST_RUN) == ([NEW, LEADS_TO], [page_id(KNOWN)])
    younger = structs.replace(KNOWN, lastmod="2027-02-01")
    assert sitemap(make(text), younger, since=LAST_RUN) == ([younger], [])
    assert sitemap(make(text, whole_ms=0), older, since=LAST_RUN) == ([older], [])


def test_what_is_too_old_to_be_wanted_counts_as_seen_if_it_is_known(make):
    known = make(BY_SITEMAP)
    assert sitemap(known, passed_over=[KNOWN, NEW]) == ([LEADS_TO], [page_id(KNOWN)])


def test_the_question_stands_in_the_request_only_while_it_is_asked(make, monkeypatch):
    opened, known = page(), make()
    monkeypatch.setattr(conditional, "open_page", lambda *_: opened)
    middleware = conditional.ConditionalMiddleware(None, known)
    asked = request()
    before = asked.copy()
    middleware.process_request(asked)
    assert asked.headers.to_unicode_dict() == {"If-None-Match": '"e"', "If-Modified-Since": "m"}
    assert (asked.meta["handle_httpstatus_list"], asked.meta["dont_cache"]) == ([304], True)
    middleware.process_response(asked, HtmlResponse(URL, status=304))
    assert opened.known is not None
    middleware.process_response(asked, HtmlResponse(URL, status=301))
    assert (opened.known, asked.headers, asked.meta) == (None, before.headers, before.meta)
    middleware.process_request(asked)
    middleware.process_exception(asked, OSError())
    assert (opened.known, asked.headers, asked.meta) == (None, before.headers, before.meta)


def test_a_question_that_the_recipe_asks_itself_is_left_to_it(make, monkeypatch):
    opened = page()
    monkeypatch.setattr(conditional, "open_page", lambda *_: opened)
    asked = request()
    asked.headers["If-None-Match"] = '"own"'
    conditional.ConditionalMiddleware(None, make()).process_request(asked)
    assert opened.known is None


KEYS = SeriesKeys("local", "0" * 32)


def kept(objects, tmp_path, order, text):
    path = tmp_path / "made"
    path.write_bytes(text)
    key = series_store.put(objects, KEYS, "j", path)
    series_store.advance(objects, KEYS, Pointer(order=order, job="j", state=key))


def test_the_newest_state_is_fetched_once_for_a_machine_and_old_ones_go(tmp_path):
    objects, cache = FolderObjectStore(tmp_path / "objects"), tmp_path / "cache"
    assert cached_state(objects, KEYS, cache) is None
    kept(objects, tmp_path, 1, b"first")
    first = cached_state(objects, KEYS, cache)
    assert first.read_bytes() == b"first"
    first.write_bytes(b"is not fetched again")
    assert cached_state(objects, KEYS, cache).read_bytes() == b"is not fetched again"
    kept(objects, tmp_path, 2, b"second")
    assert cached_state(objects, KEYS, cache).read_bytes() == b"second"
    assert first.exists(), "somebody may have just begun"
    os.utime(first, (0, 0))
    cached_state(objects, KEYS, cache)
    assert len(list(cache.iterdir())) == 1
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_state_that_cannot_be_had_leaves_nothing_half_there(tmp_path):
    objects, cache = FolderObjectStore(tmp_path / "objects"), tmp_path / "cache"
    series_store.advance(objects, KEYS, Pointer(order=1, job="j", state=KEYS.new_state("j")))
    with pytest.raises(NoSuchObject):
        cached_state(objects, KEYS, cache)
    assert list(cache.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    objects = FolderObjectStore(tmp_path / "objects")
    kept(objects, tmp_path, 1, b"x")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(ConfigError, match="is somebody else's"):
        cached_state(objects, KEYS, tmp_path / "cache")


def test_what_can_no_longer_be_read_is_not_known_any_more_and_the_crawl_goes_on(make, tmp_path, caplog):
    made = make()
    assert made.to_ask_for(request()) is not None
    made._known._base.execute("PRAGMA query_only = OFF")
    broken = sqlite3.connect(":memory:")
    made._known._base.close()
    made._known._base = broken
    assert made.to_ask_for(request()) is None
    assert made._known is None
    assert "cannot be read" in caplog.text

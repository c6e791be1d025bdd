"""`crawlery state`: what is known of series on this machine, shown and forgotten."""

from __future__ import annotations

import pytest

from crawler.cli import exits
from crawler.cli.main import run
from crawler.exports import series_store
from crawler.exports.keys import SeriesKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.page_notes import PageNote
from crawler.exports.series_state import Comparison, RunState, StateMeta
from crawler.exports.series_store import Pointer

SHOP, OTHER = "1" * 32, "2" * 32


@pytest.fixture
def objects(tmp_path, monkeypatch):
    """What two crawls have left: of the recipe `shop` of `local`, and of `news` of `acme`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORAGE_URL", "")
    monkeypatch.setenv("CRAWLERY_DATA_DIR", str(tmp_path / "data"))
    objects = FolderObjectStore(tmp_path / "data" / "states")
    for client, series, recipe in (("local", SHOP, "shop"), ("acme", OTHER, "news")):
        keys, path = SeriesKeys(client, series), tmp_path / recipe
        with RunState(path, keys={"good": ("sku",)}, comparison=Comparison()) as state:
            state.add_row("good", {"sku": "1"}, page=1)
            state.add_note(PageNote(page=1, etag="e", rows=1), page=1)
            state.all_here(recipe="r")
            state.settle(StateMeta(order=1, job="j", recipe="r", whole_ms=0), is_whole=False, gone_after=1)
            state.finish()
        key = series_store.put(objects, keys, "j", path)
        pointer = Pointer(order=1, job="j", state=key, recipe=recipe, made_ms=1_800_000_000_000)
        series_store.advance(objects, keys, pointer)
    return objects


def said(capsys, *words, code=exits.OK):
    assert run(["state", *words]) == code
    found = capsys.readouterr()
    return found.out + found.err


def test_the_series_there_are_are_listed(objects, capsys):
    listed = said(capsys, "list")
    assert SHOP in listed
    assert OTHER in listed
    assert "2027-01-15 08:00 UTC" in listed
    assert SHOP not in said(capsys, "list", "--client", "acme")
    assert "nothing is known of any recipe" in said(capsys, "list", "--client", "nobody")


def test_what_is_known_of_a_recipe_is_told(objects, capsys):
    told = said(capsys, "show", "shop")
    for words in (f"shop, series {SHOP} of local", "whole  never", "pages  1 that", "rows   good 1"):
        assert words in told


def test_a_recipe_or_one_series_of_it_is_forgotten(objects, capsys):
    assert f"shop: series {SHOP} of local is forgotten" in said(capsys, "forget", "shop")
    assert "nothing is known of shop" in said(capsys, "forget", "shop", code=exits.USAGE)
    said(capsys, "forget", OTHER)
    assert list(objects.list("-series/")) == []


def test_jobs_are_meant_where_the_storage_of_files_is_known(objects, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("STORAGE_URL", (tmp_path / "empty").as_uri())
    assert "nothing is known of any recipe" in said(capsys, "list")
    assert SHOP in said(capsys, "list", "--local")

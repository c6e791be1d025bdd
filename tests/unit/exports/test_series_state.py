"""One run of a series after the other, on the file that knows what they have seen."""

import errno
import sqlite3
from decimal import Decimal

import pytest

from crawler.errors import StateDamaged
from crawler.exports.page_notes import PageNote, packed_ids
from crawler.exports.series_state import Comparison, KnownPages, RunState, StateMeta, told_of

KEYS = {"good": ("sku",), "note": ()}


class Series:
    """Runs on one file. A page is given as its rows; the number of a page is the same in all runs."""

    def __init__(self, path, **comparison) -> None:
        self.path = path
        self.comparison = Comparison(**{name: frozenset(fields) for name, fields in comparison.items()})

    def run(self, pages, *, whole=True, gone_after=1, recipe="r", unchanged=(), skipped=(), notes=True, given=None):
        """Signs by key, keys that are gone, and how many were carried. `pages`: values of rows by number of page."""
        with RunState(self.path, keys=KEYS, comparison=self.comparison) as state:
            signs = {}
            for page, rows in pages.items():
                for values in rows:
                    signs[values["sku"]] = state.add_row("good", values, page=page + 1000)
                if notes:
                    count = len(rows) if given is None else given
                    state.add_note(PageNote(page=page, etag=f"e{page}", rows=count), page=page + 1000)
            for page in unchanged:
                state.add_note(PageNote(page=page, unchanged=True), page=page + 1000)
            if skipped:
                state.add_note(PageNote(page=77, skipped=packed_ids(skipped)), page=1077)
            carried = state.all_here(recipe=recipe)
            meta = StateMeta(order=state.order, job="j", recipe=recipe, whole_ms=5 if whole else 0)
            count = state.settle(meta, is_whole=whole, gone_after=gone_after)
            gone = {key["sku"] for _, key in state.gone()}
            assert count == len(gone)
            state.finish()
        return "".join(signs[key] for key in sorted(signs)), gone, carried.rows.total()

    def known(self, page, *, recipe="r"):
        pages = KnownPages(self.path, recipe=recipe)
        try:
            return pages.page(page)
        finally:
            pages.close()


@pytest.fixture
def series(tmp_path):
    return Series(tmp_path / "state")


def good(sku, price="1.00", **more):
    return {"sku": sku, "price": Decimal(price), **more}


def test_rows_are_new_then_the_same_and_changed_when_a_field_is(series):
    assert series.run({1: [good("a"), good("b")]})[0] == "++"
    assert series.run({1: [good("a"), good("b", "2.00")]})[0] == "=~"
    assert series.run({1: [good("a"), good("b", "2.00")]})[0] == "=="


def test_a_field_that_is_missing_is_as_one_that_is_not_there(series):
    series.run({1: [good("a", brand=None)]})
    assert series.run({1: [good("a")]})[0] == "="
    assert series.run({1: [good("a", brand="x")]})[0] == "~"


@pytest.mark.parametrize(
    ("comparison", "signs"), [({"ignore": ["price"]}, "=~"), ({"only": ["price"]}, "~="), ({}, "~~")]
)
def test_only_the_fields_that_are_compared_make_a_row_a_changed_one(tmp_path, comparison, signs):
    series = Series(tmp_path / "state", **comparison)
    series.run({1: [good("a", brand="x"), good("b", brand="x")]})
    assert series.run({1: [good("a", "2.00", brand="x"), good("b", brand="y")]})[0] == signs


def test_a_row_is_gone_when_so_many_whole_runs_have_missed_it_in_a_row(series):
    both = {1: [good("a")], 2: [good("b")]}
    series.run(both, gone_after=2)
    assert series.run({1: [good("a")]}, gone_after=2)[1] == set()
    assert series.run({1: [good("a")]}, gone_after=2, whole=False)[1] == set(), "a partial run misses nothing"
    assert series.run(both, gone_after=2)[0] == "==", "it was there again"
    assert series.run({1: [good("a")]}, gone_after=2)[1] == set()
    assert series.run({1: [good("a")]}, gone_after=2)[1] == {"b"}
    assert series.run(both, gone_after=2)[0] == "=+"


def test_rows_of_a_page_that_is_unchanged_count_as_seen(series):
    series.run({1: [good("a")], 2: [good("b"), good("c")]})
    assert series.run({1: [good("a")]}, unchanged=[2]) == ("=", set(), 2)
    assert series.run({}, skipped=[1, 2]) == ("", set(), 3)
    assert series.run({}, unchanged=[1]) == ("", {"b", "c"}, 1)


def test_a_row_that_its_page_has_lost_is_not_carried_on_with_the_page(series):
    series.run({1: [good("a"), good("b")]}, gone_after=2)
    assert series.run({1: [good("a")]}, gone_after=2)[1] == set()
    assert series.run({}, unchanged=[1], gone_after=2) == ("", {"b"}, 1)


def test_a_row_that_has_moved_to_another_page_is_carried_with_that(series):
    series.run({1: [good("a")], 2: []})
    series.run({1: [], 2: [good("a")]})
    assert series.run({}, unchanged=[2]) == ("", set(), 1)


def test_a_page_whose_rows_count_as_those_of_another_has_to_be_read_again(series):
    series.run({1: [good("a")]}, given=2)
    assert series.known(1) is None


def test_pages_are_known_to_the_same_recipe_only_and_rows_to_all(series):
    series.run({1: [good("a")]})
    assert series.known(1).etag == "e1"
    assert series.known(1, recipe="another") is None
    assert series.run({2: [good("a")]}, recipe="another", whole=False)[0] == "="
    assert (series.known(1, recipe="another"), series.known(2, recipe="another").etag) == (None, "e2")


def test_a_page_that_a_whole_run_has_not_seen_is_forgotten_and_a_partial_one_forgets_none(series):
    series.run({1: [good("a")], 2: [good("b")]})
    series.run({1: [good("a")]}, whole=False)
    assert series.known(2) is not None
    series.run({1: [good("a")]}, gone_after=3)
    assert series.known(2) is None, "its rows would be lost when it comes back unchanged"


def test_a_page_that_can_no_longer_be_kept_is_read_again(series):
    series.run({1: [good("a")]})
    with RunState(series.path, keys=KEYS, comparison=Comparison()) as state:
        state.add_row("good", good("a"), page=1)
        state.add_note(PageNote(page=1), page=1)
        state.all_here(recipe="r")
        state.settle(StateMeta(order=2, recipe="r"), is_whole=False, gone_after=1)
        state.finish()
    assert series.known(1) is None


def test_a_page_that_the_newest_state_does_not_know_is_not_carried_on(series):
    series.run({1: [good("a")], 2: [good("b")]})
    series.run({1: [good("a")]}, gone_after=3)
    assert series.run({}, unchanged=[1, 2, 9], gone_after=3) == ("", set(), 1)
    assert (series.known(2), series.known(9)) == (None, None)


def test_the_sitemaps_word_on_an_unchanged_page_is_noted(series):
    series.run({1: [good("a")]})
    with RunState(series.path, keys=KEYS, comparison=Comparison()) as state:
        state.add_note(PageNote(page=1, unchanged=True, lastmod="2026-11-02"), page=1)
        state.all_here(recipe="r")
        state.settle(StateMeta(order=2, recipe="r"), is_whole=True, gone_after=1)
        state.finish()
    assert (series.known(1).lastmod, series.known(1).etag) == ("2026-11-02", "e1")


def test_a_row_without_a_key_is_new_each_time(series):
    with RunState(series.path, keys=KEYS, comparison=Comparison()) as state:
        signs = [state.add_row("note", {"text": "x"}, page=1), state.add_row("good", {"sku": None}, page=1)]
    assert signs == ["+", "+"]


def test_64_bit_ids_of_pages_are_told_apart(series):
    series.run({(1 << 64) - 1: [good("a")], (1 << 63): [good("b")]})
    assert series.known((1 << 64) - 1).etag.endswith("615")
    assert series.known(1) is None


def test_what_is_no_state_is_said_to_be_none(tmp_path):
    (tmp_path / "state").write_bytes(b"no database, but long enough to be taken for one" * 100)
    with pytest.raises(StateDamaged, match="it is no state of a series"):
        KnownPages(tmp_path / "state", recipe="r")


def test_a_state_of_a_later_version_is_not_read(series):
    series.run({1: [good("a")]})
    with RunState(series.path, keys=KEYS, comparison=Comparison()) as state:
        state._base.execute("UPDATE meta SET value = '9' WHERE name = 'format'")
        state.finish()
    with pytest.raises(StateDamaged, match="version 9 of a state; this reader knows 1"):
        KnownPages(series.path, recipe="r")


def test_what_is_carried_on_is_told_with_its_fields_and_the_pages_that_nobody_was_asked_for(tmp_path):
    def cover(item, values):
        return f"{item}{int(values['price'] is not None)}"

    path = tmp_path / "state"
    for number in range(2):
        with RunState(path, keys=KEYS, comparison=Comparison(), cover=cover) as state:
            if number == 0:
                for page, price in enumerate((Decimal(1), None, Decimal(2), None)):
                    state.add_row("good", {"sku": str(page), "price": price}, page=page + 1000)
                    state.add_note(PageNote(page=page, etag="e", rows=1), page=page + 1000)
            else:
                state.add_note(PageNote(page=77, skipped=packed_ids([0, 1, 3])), page=1077)
                state.add_note(PageNote(page=3, unchanged=True), page=1003)  # listed, and asked for all the same
                state.add_note(PageNote(page=2, unchanged=True), page=1002)
            carried = state.all_here(recipe="r")
            meta = StateMeta(order=state.order, job="j", recipe="r", whole_ms=5)
            state.settle(meta, is_whole=True, gone_after=1)
            state.finish()
    assert carried.rows == {"good": 4}
    assert sorted(carried.covers) == [("good", "good0", 2), ("good", "good1", 2)]
    assert carried.pages == 2


def passing(path, *, passed=(), recipe="r", in_part=False, skipped=()):
    """A run that has read page 0 again, and passes others over; how many rows it says are gone, and what it carries."""
    with RunState(path, keys=KEYS, comparison=Comparison()) as state:
        state.add_row("good", good("0"), page=1000)
        state.add_note(PageNote(page=0), page=1000)
        note = PageNote(page=77, passed=packed_ids(passed), skipped=packed_ids(skipped), in_part=in_part)
        state.add_note(note, page=1077)
        carried = state.all_here(recipe=recipe)
        meta = StateMeta(order=state.order, job="j", recipe=recipe)
        gone = state.settle(meta, is_whole=not carried.unknown, gone_after=1)
        state.finish()
    return gone, carried


@pytest.mark.parametrize("recipe", ["r", "another"])
def test_rows_of_pages_that_are_passed_over_are_not_gone_whatever_is_known_of_the_pages(series, recipe):
    series.run({page: [good(str(page))] for page in range(4)}, notes=True)
    gone, carried = passing(series.path, passed=[1, 2], recipe=recipe)
    assert (gone, carried.rows, carried.unknown) == (1, {"good": 2}, 0)


def test_pages_that_are_said_to_be_unchanged_and_are_not_known_keep_a_run_from_being_whole(series):
    series.run({page: [good(str(page))] for page in range(4)})
    gone, carried = passing(series.path, skipped=[1, 2], recipe="another")
    assert (gone, carried.rows, carried.unknown) == (0, {}, 2)


def test_a_sitemap_that_was_read_in_part_does_too(series):
    series.run({page: [good(str(page))] for page in range(4)})
    gone, carried = passing(series.path, in_part=True)
    assert (gone, carried.unknown) == (0, 1)


def test_what_sqlite_says_is_told_as_what_it_is(tmp_path):
    path = tmp_path / "state"
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(StateDamaged, match="crawlery state forget"), told_of(path):
        RunState(path, keys=KEYS, comparison=Comparison())
    base = sqlite3.connect(":memory:")
    base.execute("PRAGMA max_page_count = 1")
    with pytest.raises(OSError, match="full") as caught, told_of(path):
        base.execute("CREATE TABLE a (b)")
    assert caught.value.errno == errno.ENOSPC

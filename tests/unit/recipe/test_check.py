"""A recipe's own tests: what passes, what differs, and how the difference is named."""

from decimal import Decimal

import pytest

from crawler.recipe.check import SnapshotUnreadable, run_tests, snapshot_body, value_differences
from crawler.recipe.loader import load_recipe
from crawler.recipe.values import MISSING

RECIPE = """\
schema_version: 1
name: shop
version: "1.0.0"
start: [{urls: "https://x.example/", page: listing}]
pages:
  listing:
    follow: [{links: li a, page: book}]
    paginate: {next: a.next}
    drop_if: {css: .gone}
  book:
    item: book
    drop_if: {css: .gone}
    fields:
      title: h1
      price: {css: .price, process: [price]}
      tags: {css: .tag, all: true}
items:
  book:
    version: 1
    fields:
      title: {type: string, required: true}
      price: {type: decimal}
      tags: {type: array}
tests:
"""
LISTING = '<ul><li><a href="/1">A</a><li><a href="/2">B</a></ul><a class=next href="?page=2">Next</a>'
BOOK = "<h1>Oak</h1><p class=price>£5.00</p><b class=tag>a</b><b class=tag>b</b>"


@pytest.fixture
def verdicts(tmp_path):
    """Runs one test of RECIPE: its page type, its page, its `expect` as YAML."""

    def run(page, body, expect, extra=""):
        folder = tmp_path / "shop"
        folder.mkdir(exist_ok=True)
        (folder / "page.html").write_text(body, encoding="utf-8")
        entry = f"  - {{page: {page}, snapshot: page.html, url: 'https://x.example/', expect: {expect}{extra}}}\n"
        (tmp_path / "shop.yaml").write_text(RECIPE + entry, encoding="utf-8")
        (verdict,) = run_tests(load_recipe(tmp_path / "shop.yaml"))
        return verdict

    return run


@pytest.mark.parametrize(
    ("page", "body", "expect"),
    [
        ("book", BOOK, "{title: Oak}"),
        ("book", BOOK, '{title: Oak, price: "5.00", tags: [a, b]}'),
        ("book", BOOK, "{price: 5, tags: {count: 2, first: a, last: b}}"),
        ("book", BOOK, "{rows: 1}"),
        ("book", BOOK, "{rows: [{title: Oak}]}"),
        ("book", "<h1>Oak</h1>", "{price: null, tags: null}"),
        ("book", "<p>", "{rejects: 1}"),
        ("book", "<p>", "{rows: 0, rejects: {count: 1}}"),
        ("book", "<p class=gone>gone", "{outcome: dropped}"),
        ("listing", LISTING, "{follow: {book: 2}}"),
        ("listing", LISTING, "{follow: {book: ['https://x.example/1', 'https://x.example/2']}}"),
        ("listing", LISTING, "{follow: {book: {first: 'https://x.example/1'}}, next: 'https://x.example/?page=2'}"),
        ("listing", "<ul><li><a href=/1>A</a></ul>", "{next: null}"),
    ],
)
def test_a_page_that_gives_what_is_expected_passes(verdicts, page, body, expect):
    verdict = verdicts(page, body, expect)
    assert verdict.passed, verdict
    assert verdict.checked > 0


@pytest.mark.parametrize(
    ("page", "body", "expect", "paths"),
    [
        ("book", BOOK, "{title: Elm, price: 6}", ["title", "price"]),
        ("book", BOOK, "{tags: [a]}", ["tags", "tags[1]"]),
        ("book", BOOK, "{tags: {count: 3, last: c}}", ["tags", "tags.last"]),
        ("book", BOOK, "{title: null}", ["title"]),
        ("book", BOOK, "{rows: 2}", ["rows"]),
        ("book", "<p>", "{title: Oak}", ["rejected: title", "title"]),
        ("book", BOOK, "{outcome: dropped}", ["outcome"]),
        ("listing", LISTING, "{follow: {book: 3}}", ["follow.book"]),
        ("listing", LISTING, "{next: null}", ["next"]),
        ("listing", LISTING, "{follow: 2}", ["follow"]),
        ("listing", LISTING, "{rows: 1}", ["rows"]),
    ],
)
def test_every_difference_is_named_by_its_path(verdicts, page, body, expect, paths):
    verdict = verdicts(page, body, expect)
    assert not verdict.passed
    assert [difference.path for difference in verdict.differences] == paths


def test_a_page_that_cannot_be_read_is_an_error_and_no_exception(verdicts):
    verdict = verdicts("book", "<!DOCTYPE html>" + "<b>" * 2000, "{title: Oak}")
    assert not verdict.passed
    assert "ParseRefused" in verdict.error


def test_a_saved_page_outside_the_folder_is_refused(verdicts, tmp_path):
    verdicts("book", BOOK, "{title: Oak}")
    recipe = load_recipe(tmp_path / "shop.yaml")
    with pytest.raises(SnapshotUnreadable, match="lies outside"):
        snapshot_body(recipe, "../shop.yaml")
    with pytest.raises(SnapshotUnreadable, match="crawlery recipe record"):
        snapshot_body(recipe, "none.html")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1290.00", Decimal("1290.00")),
        ("1290", Decimal("1290.00")),
        (5, Decimal("5.0")),
        ("cafe\u0301", "caf\u00e9"),
        (None, MISSING),
        (None, []),
        ("", None),
        ({"a": 1}, {"a": 1, "b": 2}),
        ([{"a": "1"}], [{"a": "1", "b": "2"}]),
        ({"count": 2}, ["x", "y"]),
        (True, True),
        ({"count": 3}, {"count": 3}),
    ],
)
def test_equal_values_have_no_difference(expected, actual):
    assert list(value_differences("f", expected, actual)) == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("5", 5),
        (1, True),
        (True, "true"),
        ("abc", Decimal(5)),
        ("a", "A"),
        (0, None),
        ("x", None),
        (None, "x"),
        ({"a": 1}, {"b": 1}),
        ([], ["a"]),
        ("a", ["a"]),
        ({"count": 1}, ["x", "y"]),
    ],
)
def test_different_values_are_told_apart(expected, actual):
    assert list(value_differences("f", expected, actual))


def test_a_number_that_looks_like_the_expected_text_says_so():
    (difference,) = value_differences("stock", "5", 5)
    assert difference.note == "expected text, got a number"

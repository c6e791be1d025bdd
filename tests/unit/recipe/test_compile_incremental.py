"""`incremental`, `changes` and `modified_since: last_run`: what they become, and what is refused at load."""

import pytest
from changing_site import BY_SITEMAP, RECIPE

from crawler.errors import RecipeError
from crawler.recipe.incremental import GONE_AFTER, Incremental
from crawler.recipe.loader import load_recipe_text

BLOCK = """incremental:
  skip_unchanged: [sitemap_lastmod, etag, last_modified]
  emit: changed
  gone_after: 1
"""


def recipe(block="", *, text=RECIPE):
    assert BLOCK in text
    return load_recipe_text(text.replace(BLOCK, block))


def wrong(block="", *, text=RECIPE):
    with pytest.raises(RecipeError) as refused:
        recipe(block, text=text)
    return str(refused.value)


def test_every_key_is_taken_over():
    plan = recipe(
        "incremental:\n"
        "  skip_unchanged: [etag]\n"
        "  emit: new\n"
        "  compare: {ignore: [price]}\n"
        "  recrawl: {every: 7d}\n"
        "  gone_after: 5\n"
    )
    assert plan.incremental == Incremental(
        skip_unchanged=frozenset({"etag"}),
        emit="new",
        ignore=frozenset({"price"}),
        recrawl_every_s=7 * 86400.0,
        gone_after=5,
    )
    assert plan.exports[0].changes == "column"


def test_an_empty_block_compares_and_reads_everything():
    plan = recipe("incremental: {}\n")
    assert plan.incremental == Incremental(emit="changed", gone_after=GONE_AFTER)


def test_only_is_the_other_way_to_compare():
    assert recipe("incremental: {compare: {only: [price, sku]}}\n").incremental.only == {"price", "sku"}


def test_a_recipe_without_the_block_is_of_no_series():
    plan = load_recipe_text(RECIPE.replace(BLOCK, "").replace(", changes: column", ""))
    assert (plan.incremental, plan.exports[0].changes) == (None, "")


def test_last_run_is_a_moment_that_is_known_when_pages_are_fetched():
    text = BY_SITEMAP.replace("page: good}", "modified_since: last_run, page: good}", 1)
    sitemap = load_recipe_text(text).start[0].sitemap
    assert (sitemap.last_run, sitemap.modified_since) == (True, None)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("incremental: {skip_unchanged: [etags]}\n", "did you mean 'etag'"),
        ("incremental: {skip_unchanged: etag}\n", "must be a list of sitemap_lastmod, etag, last_modified"),
        ("incremental: {emit: changes}\n", "did you mean 'changed'"),
        ("incremental: {compare: {ignore: [prize]}}\n", "no item has a field 'prize'; did you mean 'price'"),
        ("incremental: {compare: {only: [price], ignore: [sku]}}\n", "'ignore' and 'only' exclude each other"),
        ("incremental: {compare: {}}\n", "one of ignore or only is missing"),
        ("incremental: {recrawl: {every: 7 days}}\n", "write 500ms, 30s, 10m, 2h or 7d"),
        ("incremental: {recrawl: {}}\n", "the key 'every' is missing"),
        ("incremental: {gone_after: 0}\n", "gone_after"),
        ("incremental: {skip: [etag]}\n", "unknown key 'skip'"),
        ("", "exports[0].changes: only a recipe with `incremental` knows what has changed"),
    ],
)
def test_what_is_wrong_is_found_at_load(block, says):
    assert says in wrong(block)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("changes: column", "changes: columns", "did you mean 'column'"),
        ("changes: column", "changes: column, profile: woocommerce-core@1", "has columns of its own"),
        ("sku: {type: string, required: true}", "sku: {type: string}, change: {type: string}", "has a field 'change'"),
        ("    key: [sku]\n", "", "without a `key` of its item every row is new each time"),
        (
            "changes: column}",
            "changes: file}\n  - {name: goods-changes, item: good, format: csv}",
            "another export is called goods-changes already",
        ),
    ],
)
def test_changes_must_fit_their_export(before, after, says):
    assert before in RECIPE
    assert says in wrong(BLOCK, text=RECIPE.replace(before, after))


def test_last_run_needs_to_know_a_last_run():
    text = BY_SITEMAP.replace("page: good}", "modified_since: last_run, page: good}", 1).replace(
        ", changes: column", ""
    )
    assert "start[0].modified_since: only a recipe with `incremental` knows when its last run was" in wrong(text=text)

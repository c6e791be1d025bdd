from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from crawler.exports.figures import Covered, Figures
from crawler.exports.quality import JobBooks, failed_pages, judge_job, quality_missed
from crawler.jobs.model import Intended, Outcome
from crawler.jobs.outcomes import HARMLESS, OUTCOMES
from crawler.recipe.quality_plan import CoverageBound, Quality, Step
from crawler.recipe.quantities import share

sys.path.insert(0, str(Path(__file__).parent))

from composing import recipe

STRICT = Quality(items_minimum=10, items_maximum=20, rejected_maximum=3, rejected_maximum_share=0.1)


def books(rows=12, **values):
    return JobBooks(**{"settled": {"ok": 5}, "rows": {"product": rows}, "closed": "finished"} | values)


def verdict(given, quality=None):
    judged = judge_job(structs.replace(recipe(), quality=quality), given)
    return judged.outcome, judged.withheld, judged.sentences


def test_a_job_whose_pages_were_all_read_is_complete():
    assert verdict(books()) == (Outcome.COMPLETE, False, ())
    assert verdict(books(settled=dict.fromkeys(HARMLESS, 3))) == (Outcome.COMPLETE, False, ())
    assert verdict(books(), STRICT) == (Outcome.COMPLETE, False, ())


@pytest.mark.parametrize("outcome", sorted(set(OUTCOMES) - HARMLESS))
def test_a_page_that_failed_makes_it_partial(outcome):
    assert verdict(books(settled={"ok": 9, outcome: 1})) == (
        Outcome.PARTIAL,
        False,
        (f"1 page: {outcome} ({OUTCOMES[outcome]})",),
    )


def test_outcomes_of_a_newer_version_are_failures_too():
    assert failed_pages({"melted": 2, "ok": 1, "timeout": 0}) == ["2 pages: melted (an outcome that is not known here)"]


@pytest.mark.parametrize("limit", ["limits.requests", "limits.items", "finished", "enough"])
def test_pages_beyond_what_was_asked_for_are_not_missed(limit):
    assert verdict(books(settled={"ok": 5, "cancelled": 7}, closed=limit))[0] is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("closed", "intended", "says"),
    [
        ("limits.duration", Intended.EXPIRE, "limits.duration"),
        ("limits.stop_after_errors", Intended.SUCCEED, "limits.stop_after_errors"),
        ("cancelled by its client", Intended.CANCEL, "cancelled by its client"),
        ("", Intended.CANCEL, "cancel"),
        ("", Intended.FAIL, "fail"),
    ],
)
def test_a_job_that_ended_before_its_pages_were_fetched_is_partial(closed, intended, says):
    given = books(settled={"ok": 5, "cancelled": 7}, closed=closed, intended=intended)
    assert verdict(given) == (Outcome.PARTIAL, False, (f"the job ended ({says}) with 7 pages never fetched",))
    assert verdict(replace(given, settled={"ok": 5}))[0] is Outcome.COMPLETE


def test_pages_that_are_not_settled_make_it_partial():
    assert verdict(books(open=1)) == (Outcome.PARTIAL, False, ("1 page not settled",))


def test_a_recipe_without_rows_is_empty_whatever_its_pages_say():
    assert verdict(books(rows=0)) == (Outcome.EMPTY, False, ("there is no row",))
    given = books(rows=0, rejected=1_200, settled={"ok": 1, "timeout": 2})
    assert verdict(given) == (
        Outcome.EMPTY,
        False,
        ("there is no row; 1,200 were rejected", "2 pages: timeout (no answer in time, and not retried)"),
    )


def test_an_ordinary_spider_need_not_give_a_row():
    assert judge_job(None, books(rows=0)).outcome is Outcome.COMPLETE
    assert judge_job(None, books(rows=0, settled={"timeout": 1})).outcome is Outcome.PARTIAL


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (books(rows=9), "quality.items.minimum is 10; there are 9 rows"),
        (books(rows=0), "quality.items.minimum is 10; there are 0 rows"),
        (books(rows=21), "quality.items.maximum is 20; there are 21 rows"),
        (books(rows=20, rejected=4), "quality.rejected.maximum is 3; 4 rows were rejected"),
        (books(rows=10, rejected=2), "quality.rejected.maximum is 10.0%; 16.7% of the rows were rejected (2)"),
    ],
)
def test_rows_that_are_not_what_the_recipe_asks_for_are_withheld(given, says):
    outcome, withheld, sentences = verdict(replace(given, settled={"http_404": 1}), STRICT)
    assert (outcome, withheld) == (Outcome.QUALITY_FAILED, True)
    assert sentences[0] == says
    assert sentences[-1] == "1 page: http_404 (404 or 410: the page does not exist)"


@pytest.mark.parametrize("given", [books(rows=10), books(rows=20), books(rows=18, rejected=2)])
def test_bounds_themselves_are_kept(given):
    assert verdict(given, STRICT)[0] is Outcome.COMPLETE


def test_a_cancelled_job_may_have_fewer_rows_but_not_worse_ones():
    cancelled = books(rows=5, settled={"ok": 1, "cancelled": 3}, intended=Intended.CANCEL)
    assert verdict(cancelled, STRICT)[0] is Outcome.PARTIAL
    assert verdict(replace(cancelled, rejected=4), STRICT)[0] is Outcome.QUALITY_FAILED


def test_without_quality_nothing_is_missed():
    assert quality_missed(None, Figures(rejected=99)) == []
    assert quality_missed(Quality(), Figures()) == []


PRICE = CoverageBound(name="price", item="product", steps=(Step("price"),), minimum_share=0.98)
OFFERS = CoverageBound(
    name="offers[].price", item="product", steps=(Step("offers", each=True), Step("price")), minimum_share=1.0
)


def covered(filled, places, field="price"):
    return Covered(item="product", field=field, places=places, filled=filled)


def test_a_field_that_too_few_rows_have_is_named_with_its_share_and_its_bound():
    quality = Quality(coverage=(PRICE, OFFERS))
    given = books(coverage=(covered(9_320, 10_000), covered(2_999, 3_000, "offers[].price")))
    outcome, withheld, sentences = verdict(given, quality)
    assert (outcome, withheld) == (Outcome.QUALITY_FAILED, True)
    assert sentences == (
        "quality.coverage.price is 98.0%; 93.2% of the 10,000 rows of product have it (680 lack it)",
        "quality.coverage.offers[].price is 100.0%; 99.9% of the 3,000 members of offers have it (1 lack it)",
    )


@pytest.mark.parametrize("found", [covered(98, 100), covered(0, 0), covered(100, 100)])
def test_a_field_in_as_many_rows_as_are_asked_for_or_in_rows_that_there_are_not_is_no_failure(found):
    assert verdict(books(coverage=(found,)), Quality(coverage=(PRICE,)))[0] is Outcome.COMPLETE


@pytest.mark.parametrize("number", range(101))
def test_a_share_that_is_just_reached_is_reached(number):
    bound = CoverageBound(name="price", item="product", steps=(Step("price"),), minimum_share=share(f"{number}%"))
    assert quality_missed(Quality(coverage=(bound,)), Figures(coverage=(covered(number, 100),))) == []


def test_pages_that_the_site_answered_with_an_error_are_counted_among_those_that_it_was_asked_for():
    settled = {"ok": 90, "http_404": 6, "timeout": 4, "robots": 500, "filtered": 80, "redirected": 9, "cancelled": 7}
    given = books(settled=settled)
    by_share = verdict(given, Quality(http_errors_maximum_share=0.09))
    by_count = verdict(given, Quality(http_errors_maximum=9))
    assert by_share[2][0] == (
        "quality.http_errors.maximum is 9.0%; 10.0% of 100 pages came to an error (http_404 6, timeout 4)"
    )
    assert by_count[2][0] == "quality.http_errors.maximum is 9; 10 pages came to an error (http_404 6, timeout 4)"
    assert verdict(given, Quality(http_errors_maximum_share=0.1, http_errors_maximum=10))[0] is Outcome.PARTIAL


def test_what_makes_the_first_requests_is_no_page_of_the_site():
    given = books(settled={"ok": 1 + 9, "http_404": 1}, with_start=True)
    assert given.figures.fetched == 10
    assert verdict(given, Quality(http_errors_maximum_share=0.1))[0] is Outcome.PARTIAL


def test_a_run_without_pages_has_no_errors():
    assert verdict(books(settled={}), Quality(http_errors_maximum_share=0.0))[0] is Outcome.COMPLETE

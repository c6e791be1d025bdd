from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.exports.quality import JobBooks, failed_pages, judge_job, quality_missed
from crawler.jobs.model import Intended, Outcome
from crawler.jobs.outcomes import HARMLESS, OUTCOMES
from crawler.recipe.model import Quality

sys.path.insert(0, str(Path(__file__).parent))

from composing import recipe

STRICT = Quality(items_minimum=10, items_maximum=20, rejected_maximum=3, rejected_maximum_share=0.1)


def books(rows=12, **values):
    return JobBooks(**{"settled": {"ok": 5}, "rows": {"product": rows}, "closed": "finished"} | values)


def verdict(given, quality=None):
    judged = judge_job(replace(recipe(), quality=quality), given)
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
    assert quality_missed(None, 0, 99) == []
    assert quality_missed(Quality(), 0, 0) == []

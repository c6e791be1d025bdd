from __future__ import annotations

import json
from dataclasses import replace

import pytest

from crawler.extensions.crawl_summary import CrawlFacts, FieldFill, JobFacts, judge
from crawler.recipe.quality_plan import Quality

GOOD = CrawlFacts(
    name="books", is_recipe=True, recipe_version="1.0.0", outcomes={"ok": 10, "redirected": 2}, rows={"book": 8}
)


def summary(quality: Quality | None = None, **facts):
    return judge(replace(GOOD, **facts), quality)


def test_a_crawl_that_read_everything_is_complete():
    found = summary()
    assert (found.outcome, found.exit_code, found.why, found.cause, found.pages) == ("complete", 0, (), "", 12)


@pytest.mark.parametrize("outcome", ["robots", "filtered", "not_modified", "cancelled"])
def test_pages_that_were_left_out_on_purpose_do_not_make_it_partial(outcome):
    assert summary(outcomes={"ok": 3, outcome: 2}).outcome == "complete"


@pytest.mark.parametrize("outcome", ["http_404", "http_4xx", "http_5xx", "timeout", "gave_up", "page_error", "poison"])
def test_a_failed_page_makes_it_partial_and_no_error(outcome):
    found = summary(outcomes={"ok": 3, outcome: 2})
    assert (found.outcome, found.exit_code) == ("partial", 0)
    assert found.why[0].startswith(f"2 pages: {outcome} (")


def test_a_lost_list_page_has_its_own_exit_status():
    found = summary(outcomes={"ok": 3, "gave_up": 1}, lost_lists={"http://a/?page=2": "gave_up"})
    assert (found.outcome, found.exit_code) == ("partial", 3)
    assert found.why[0] == "a list page was lost (gave_up): http://a/?page=2"


def test_many_lost_list_pages_are_counted():
    found = summary(lost_lists={f"http://a/{number}": "robots" for number in range(9)})
    assert found.why[5] == "4 more list pages were lost"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"item_errors": 3}, "3 rows were lost because a pipeline failed"),
        ({"limit": "limits.duration", "outcomes": {"ok": 1, "cancelled": 9}}, "9 pages not visited"),
        ({"limit": "limits.stop_after_errors"}, "limits.stop_after_errors ended the crawl"),
        ({"finish_reason": "scheduler_failed"}, "the crawl ended by an error (scheduler_failed)"),
    ],
)
def test_other_losses_make_it_partial(facts, words):
    found = summary(**facts)
    assert found.outcome == "partial"
    assert any(words in sentence for sentence in found.why)


def test_rows_that_could_not_be_written_are_an_error():
    found = summary(export_failed="No space left on device", finish_reason="export_failed")
    assert (found.outcome, found.exit_code) == ("partial", 1)
    assert found.why == ("rows could not be written: No space left on device",)


@pytest.mark.parametrize("limit", ["limits.items", "limits.requests"])
def test_a_limit_that_was_asked_for_is_only_noted(limit):
    found = summary(limit=limit, outcomes={"ok": 5, "cancelled": 1})
    assert (found.outcome, found.pages) == ("complete", 5)
    assert f"note      {limit} ended the crawl; 1 page not visited" in found.text()


@pytest.mark.parametrize("reason", ["shutdown", "cancelled"])
def test_a_crawl_that_was_stopped_is_cancelled_whatever_it_has(reason):
    found = summary(finish_reason=reason, rows={})
    assert (found.outcome, found.exit_code) == ("cancelled", 130)


def test_no_rows_without_quality_is_empty():
    found = summary(rows={"book": 0})
    assert (found.outcome, found.exit_code) == ("empty", 4)


def test_an_ordinary_spider_may_give_no_items():
    found = summary(is_recipe=False, rows={})
    assert (found.outcome, found.exit_code, found.cause) == ("complete", 0, "")


@pytest.mark.parametrize(
    ("quality", "facts", "words"),
    [
        (Quality(items_minimum=9), {}, "quality.items.minimum is 9; there are 8 rows"),
        (Quality(items_maximum=7), {}, "quality.items.maximum is 7; there are 8 rows"),
        (
            Quality(rejected_maximum=1),
            {"rejected_rows": {"book": 2}},
            "quality.rejected.maximum is 1; 2 rows were rejected",
        ),
        (
            Quality(rejected_maximum_share=0.1),
            {"rejected_rows": {"book": 2}},
            "10.0%; 20.0% of the rows were rejected (2)",
        ),
        (Quality(items_minimum=1), {"rows": {}}, "quality.items.minimum is 1; there are 0 rows"),
    ],
)
def test_quality_that_is_missed_fails_the_run(quality, facts, words):
    found = summary(quality, **facts)
    assert (found.outcome, found.exit_code) == ("quality_failed", 4)
    assert words in found.why[0]


def test_quality_that_is_met_is_silent():
    quality = Quality(items_minimum=8, items_maximum=8, rejected_maximum=1, rejected_maximum_share=0.2)
    assert summary(quality, rejected_rows={"book": 1}).outcome == "complete"


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"start_failed": "start() failed: x"}, "start() failed: x"),
        ({"outcomes": {"robots": 1}}, "robots.txt forbids it"),
        (
            {
                "outcomes": {"http_4xx": 1},
                "failures": {"http_4xx": ("http://a/",)},
                "reasons": {"http://a/": "status 403"},
            },
            "no page could be read; http://a/: status 403",
        ),
        (
            {"rejected_rows": {"book": 7}, "rejects": {"book": {"price: type": 6, "upc: required": 7}}},
            "all 7 rows were rejected: upc: required (7), price: type (6)",
        ),
        ({"causes": ("listing: `a` matched 0 on 1 page",)}, "listing: `a` matched 0 on 1 page"),
        ({"offsite": 4, "unreached": ("book",)}, "4 links were refused as off-site"),
        ({"unreached": ("book",)}, "no page of type book was reached"),
        ({}, "pages were read, but none gave a row"),
    ],
)
def test_an_empty_result_has_a_likely_cause(facts, cause):
    assert cause in summary(rows={}, **facts).cause


def test_the_json_has_what_scripts_need():
    found = summary(
        elapsed_s=1.23456,
        outcomes={"ok": 3, "http_404": 1},
        failures={"http_404": ("http://a/gone",)},
        rejects={"book": {"price: type": 2}},
        alternatives={"book.price": {"2: .old": 3}},
        stalled_lists=("http://a/?page=9",),
    )
    read = json.loads(json.dumps(found.as_dict()))
    assert read["outcome"] == "partial"
    assert read["pages"] == 4
    assert read["rows"] == {"book": 8}
    assert read["rejects"] == {"book": {"price: type": 2}}
    assert read["failures"] == {"http_404": ["http://a/gone"]}
    assert read["alternatives"] == {"book.price": {"2: .old": 3}}
    assert read["elapsed_s"] == 1.235
    assert read["stalled_lists"] == ["http://a/?page=9"]


def test_the_text_names_what_a_person_wants_to_know():
    text = summary(
        outcomes={"ok": 1_200, "http_404": 7, "gave_up": 1},
        failures={"http_404": tuple(f"http://a/{number}" for number in range(7)), "gave_up": ("http://a/bad",)},
        reasons={"http://a/bad": "500 (given up after 4 tries)"},
        rejected_rows={"book": 2},
        rejects={"book": {"price: type": 2}},
        duplicates={"book": 3},
        alternatives={"book.price": {"2: .old": 3}},
        stalled_lists=tuple(f"http://a/?page={number}" for number in range(7)),
        retries=5,
        offsite=2,
        files=("out/books.csv",),
        rejects_file="out/books.rejects.jsonl",
    ).text()
    for words in (
        "books: partial in 0.0 s",
        "pages     1,208 (ok 1,200, http_404 7, gave_up 1)",
        "rows      book 8, 2 rejected, 3 duplicates",
        "rejected  book.price: type: 2",
        "http_404  ... and 2 more",
        "gave_up   http://a/bad (500 (given up after 4 tries))",
        "list      stalled: http://a/?page=0",
        "list      stalled: ... and 2 more",
        "by rule   book.price: 2: .old x 3",
        "retries   5",
        "off-site  2",
        "file      out/books.csv",
        "file      out/books.rejects.jsonl",
    ):
        assert words in text, words


def test_the_text_says_how_well_each_field_is_filled_and_where_to_look():
    fields = {
        "title": FieldFill(filled=8),
        "brand": FieldFill(filled=5, missing=3, reason="css: .b", example="http://a/1"),
    }
    text = summary(fields={"book": fields}).text()
    assert "fields    book: 1 of 2 are filled in every row" in text
    assert "missing   book.brand in 3 of 8; css: .b\n            e.g. http://a/1" in text
    assert summary(fields={"book": fields}).as_dict()["fields"]["book"]["brand"]["filled"] == 5


def test_a_rule_is_worth_a_line_only_if_it_is_not_always_the_first():
    text = summary(
        alternatives={"book.a": {"1: h1": 8}, "book.b": {"2: h2": 8}, "book.c": {"1: a": 7, "2: b": 1}}
    ).text()
    assert "book.a" not in text
    assert "by rule   book.b: 2: h2 x 8" in text
    assert "by rule   book.c: 1: a x 7, 2: b x 1" in text


def test_cells_that_were_guarded_are_told():
    assert "2 cells begin with '" in summary(cells_guarded=2).text()
    assert "cells begin" not in summary().text()


def test_many_fields_with_gaps_are_counted():
    fields = {f"f{number}": FieldFill(filled=1, missing=7, example="http://a/1") for number in range(9)}
    text = summary(fields={"book": fields}).text()
    assert text.count("e.g.") == 6
    assert "missing   book: 3 more fields, named in the summary file" in text


JOB = JobFacts(id="j1", worker="a/1/ff", ended="finished", accepted=13, settled={"ok": 13}, rows={"book": 8})


def part(quality: Quality | None = None, **facts):
    return summary(quality, **{"job": JOB, **facts})


def test_a_worker_without_rows_is_no_failure_because_others_may_have_them():
    found = part(Quality(items_minimum=900), outcomes={}, rows={"book": 0}, unreached=("book",))
    assert (found.outcome, found.exit_code, found.why, found.cause) == ("complete", 0, (), "")


@pytest.mark.parametrize(
    ("facts", "outcome", "code", "words"),
    [
        ({"outcomes": {"ok": 3, "http_404": 1}}, "partial", 0, "1 page: http_404"),
        ({"lost_lists": {"http://a/?page=2": "gave_up"}}, "partial", 3, "a list page was lost"),
        ({"finish_reason": "shutdown"}, "cancelled", 130, ""),
        ({"finish_reason": "scheduler_failed"}, "partial", 1, "ended by an error"),
        ({"start_failed": "start() failed: no"}, "partial", 1, "start() failed: no"),
        ({"export_failed": "No space left on device"}, "partial", 1, "No space left"),
        ({"job": replace(JOB, answered=False)}, "partial", 1, "the store did not answer when this worker left"),
    ],
)
def test_a_worker_judges_what_it_has_done_itself(facts, outcome, code, words):
    found = part(**facts)
    assert (found.outcome, found.exit_code) == (outcome, code)
    assert words in "; ".join(found.why)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (JOB, "j1 has ended\n"),
        (replace(JOB, ended="", open=1), "j1 had 1 page open when this worker left\n"),
        (replace(JOB, ended="cancelled", settled={"cancelled": 2}), "j1 has ended: cancelled, 2 pages not fetched\n"),
        (replace(JOB, settled={"ok": 11, "cancelled": 2}), "j1 has ended: 2 pages not fetched\n"),
        (JOB, "13 pages found, with `start`; ok 13\n"),
        (JOB, "rows: book 8; `crawlery job rows j1 -o rows.csv` writes them"),
        (replace(JOB, stale=2), "stale     2 pages: others have them"),
        (replace(JOB, answered=False), "  job       j1\n"),
    ],
)
def test_a_worker_tells_the_books_of_the_job(job, words):
    text = part(job=job).text()
    assert text.startswith("books: ")
    assert ", this worker's part in" in text.splitlines()[0]
    assert words in f"{text}\n"


def test_a_limit_of_the_job_names_the_pages_that_nobody_visited():
    job = replace(JOB, ended="limits.duration", settled={"ok": 4, "cancelled": 9})
    found = part(limit="limits.duration", outcomes={"ok": 1}, job=job)
    assert found.why == ("limits.duration ended the crawl; 9 pages not visited",)


def test_only_a_shared_crawl_has_a_job_in_its_json():
    assert "job" not in summary().as_dict()
    assert part().as_dict()["job"] | {"id": "j1", "open": 0, "stale": 0} == part().as_dict()["job"]
    assert json.dumps(part().as_dict())

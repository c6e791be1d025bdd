"""The checker fails on every kind of defect, one page of two thousand at a time."""

import json

import pytest
from big_site import BigSite
from checker import KINDS, check, not_ended

SITE = BigSite(products=1900)
URL = "http://site.test"


@pytest.fixture
def crawl():
    """A crawl without any fault, to be spoilt."""
    expected = SITE.rows(URL)
    pages = list(SITE.links())
    return {
        "expected": expected,
        "pages": pages,
        "rows": [dict(row) for row in expected.values()],
        "fetches": dict.fromkeys(pages, 1),
        "settled": {"ok": len(pages) + 1},
        "leases_lost": 0,
    }


def test_a_faultless_crawl_passes(crawl):
    findings = check(**crawl)
    assert findings.problems == []
    assert findings.pages > 2000
    assert findings.rows == 1900


def test_a_lost_page_is_found(crawl):
    lost = crawl["rows"].pop(700)
    findings = check(**crawl)
    assert findings.lost == 1
    assert findings.problems == [f"1 lost: {[lost['url']]}"]


def test_a_doubled_row_is_found(crawl):
    crawl["rows"].append(dict(crawl["rows"][3]))
    crawl["rows"].append(dict(crawl["rows"][3]))
    findings = check(**crawl)
    assert findings.doubled == 2
    assert len(findings.problems) == 1


@pytest.mark.parametrize(
    "change", [{"url": f"{URL}/product/99999"}, {"price": "1.00"}, {"name": ""}, {"more": "than the site has"}]
)
def test_an_unexpected_row_is_found(crawl, change):
    crawl["rows"].append({**crawl["rows"][0], **change})
    findings = check(**crawl)
    assert findings.unexpected == 1
    assert "unexpected" in findings.problems[-1]


def test_a_poison_page_is_found(crawl):
    crawl["settled"] = {"ok": crawl["settled"]["ok"] - 1, "poison": 1}
    assert check(**crawl).problems == ["1 poison: None"]


@pytest.mark.parametrize("outcome", ["gave_up", "cancelled", "http_404", "page_error"])
def test_a_page_that_ended_otherwise_is_found(crawl, outcome):
    crawl["settled"] = {"ok": crawl["settled"]["ok"] - 1, outcome: 1}
    assert check(**crawl).problems == [f"1 unsettled: ['{outcome}: 1']"]


@pytest.mark.parametrize("difference", [-1, 1])
def test_books_that_count_too_few_or_too_many_pages_are_found(crawl, difference):
    crawl["settled"] = {"ok": crawl["settled"]["ok"] + difference}
    assert check(**crawl).unsettled == 1


def test_a_page_that_was_never_asked_for_is_found(crawl):
    del crawl["fetches"]["/product/10"]
    assert check(**crawl).problems == ["1 unread: ['/product/10']"]


def test_a_page_may_be_fetched_again_for_each_lease_that_was_lost(crawl):
    crawl["fetches"]["/product/1"] = 3
    crawl["leases_lost"] = 2
    assert check(**crawl).problems == []
    crawl["leases_lost"] = 1
    assert check(**crawl).problems == ["2 pages fetched again, but only 1 leases lost"]


@pytest.mark.parametrize("kind", ["expired", "left_behind", "changed"])
def test_what_was_seen_while_the_job_ran_is_a_problem_of_its_kind(crawl, kind):
    findings = check(**crawl, **{kind: 2})
    assert findings.kinds == (kind,)
    assert findings.problems == [f"2 {kind}: None"]


@pytest.mark.parametrize("missing", [-1, 1])
def test_books_that_do_not_balance_are_a_problem_either_way(crawl, missing):
    assert check(**crawl, unbalanced=missing).problems == ["1 unbalanced: None"]


def test_a_job_that_does_not_end_is_a_problem_of_its_own_and_says_why(crawl):
    del crawl["fetches"]["/product/10"]
    findings = not_ended(pages=crawl["pages"], fetches=crawl["fetches"], why="waiting for a node")
    assert findings.kinds == ("unfinished",)
    assert findings.problems == ["1 unfinished: ['waiting for a node']"]
    assert findings.examples["unread"] == ["/product/10"]


def test_a_problem_has_the_kind_that_its_sentence_names(crawl):
    crawl["rows"].pop(3)
    crawl["fetches"]["/product/1"] = 2
    assert check(**crawl).kinds == ("lost", "refetched")
    assert "refetched" not in KINDS, "it is no count that must be zero"


def test_a_report_is_json_that_says_what_is_wrong(crawl):
    crawl["rows"].pop()
    report = json.loads(check(**crawl).as_json())
    assert report["lost"] == 1
    assert report["problems"]


def test_a_system_without_books_is_judged_by_its_rows(crawl):
    assert check(**{**crawl, "settled": None}).problems == []


@pytest.mark.parametrize("products", [40, 60, 300, 480, 600, 700, 1900])
def test_every_page_of_the_site_can_be_reached_and_some_by_one_link_only(products):
    links = BigSite(products=products).links()
    ways = dict.fromkeys(links, 0)
    for targets in links.values():
        for target in targets:
            ways[target] += 1
    assert ways["/"] == 0
    assert min(count for path, count in ways.items() if path != "/") == 1
    assert max(ways.values()) > 1
    assert ways["/product/10"] == 1
    found, waiting = {"/"}, ["/"]
    while waiting:
        fresh = set(links[waiting.pop()]) - found
        found |= fresh
        waiting += fresh
    assert found == set(links)

"""A crawl is judged by what its rows have, by how its site has answered, and by what earlier crawls were like."""

from __future__ import annotations

import pytest
from loopback import html

from crawler.exports.coverage import CountedRows
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.segments import SegmentRow, write_segment
from crawler.jobs.rows import encode_row
from crawler.recipe.loader import load_recipe_text

RECIPE = """
schema_version: 1
name: lamps
version: "1.0.0"
inputs: {{site: {{type: string, format: uri}}}}
start: [{{urls: "{{{{ inputs.site }}}}/", page: listing}}]
limits: {{obey_robots: false}}
fetch: {{retry: {{times: 0}}}}
pages:
  listing:
    follow: [{{links: a, page: lamp}}]
  lamp:
    item: lamp
    fields:
      name: h1
      price: {{css: .price, process: [price]}}
      bulbs:
        each: li
        fields:
          watt: {{css: .watt, process: [integer]}}
          base: .base
items:
  lamp:
    version: 1
    fields:
      name: {{type: string, required: true}}
      price: {{type: decimal}}
      bulbs:
        type: array
        items: {{type: object, properties: {{watt: {{type: integer}}, base: {{type: string}}}}}}
quality: {quality}
"""


def lamp(number, *, price=True, watts=(5, 7)):
    bulbs = "".join(f"<li><b class=base>E27</b>{f'<i class=watt>{watt}</i>' if watt else ''}" for watt in watts)
    return f"<h1>Lamp {number}</h1>{'<b class=price>9.50</b>' if price else ''}<ul>{bulbs}</ul>"


@pytest.fixture
def lamps(site):
    """Ten lamps: one has no price, one of its bulbs no watt, and one has no bulbs."""
    site["/"] = "".join(f'<a href="/l/{number}">Lamp {number}</a>' for number in range(10))
    for number in range(10):
        site[f"/l/{number}"] = lamp(number)
    site["/l/3"] = lamp(3, price=False, watts=(5, None))
    site["/l/4"] = lamp(4, watts=())
    return site


@pytest.fixture
def judged(lamps, crawl):
    """`judged("{coverage: ...}")`: the summary of a crawl."""

    def run(quality):
        return crawl(RECIPE.format(quality=quality), site=lamps.url).summary

    return run


def test_a_field_that_too_few_rows_have_fails_the_crawl_and_is_named(judged):
    missed = judged('{coverage: {name: 100%, price: 95%, bulbs: 90%, "bulbs[].watt": 95%}}')
    assert (missed.outcome, missed.exit_code) == ("quality_failed", 4)
    assert missed.why == (
        "quality.coverage.price is 95.0%; 90.0% of the 10 rows of lamp have it (1 lack it)",
        "quality.coverage.bulbs[].watt is 95.0%; 94.4% of the 18 members of bulbs have it (1 lack it)",
    )
    assert "coverage  lamp.bulbs[].watt: 94.4% of 18" in missed.text()
    assert missed.as_dict()["coverage"][1] == {"item": "lamp", "field": "price", "places": 10, "filled": 9}
    assert judged('{coverage: {price: 90%, bulbs: 90%, "bulbs[].watt": 94%}}').outcome == "complete"


def test_pages_that_the_site_has_not_given_fail_the_crawl(judged, lamps):
    lamps["/l/8"] = html("gone", status=404)
    lamps["/l/9"] = html("broken", status=500)
    missed = judged("{http_errors: {maximum: 10%}}")
    assert missed.outcome == "quality_failed"
    assert missed.why[0] == (
        "quality.http_errors.maximum is 10.0%; 18.2% of 11 pages came to an error (http_404 1, gave_up 1)"
    )
    assert judged("{http_errors: {maximum: 2}}").outcome == "partial"


def test_a_crawl_is_held_against_those_before_it(judged, lamps, tmp_path):
    for _ in range(3):
        assert judged("{bands: {minimum_runs: 3}}").outcome == "complete"
    for number in range(4):
        lamps[f"/l/{number}"] = lamp(number, price=False)
    missed = judged("{bands: {minimum_runs: 3}}")
    assert missed.outcome == "quality_failed"
    (said,) = missed.why
    assert said == (
        "quality.bands: 60.0% coverage of lamp.price; the last 3 whole runs had 90.0% (median), so at least 89.0%"
        " is expected"
    )
    assert len(list((tmp_path / "out" / ".history").rglob("*-crawl-*.json"))) == 3


def test_a_fleet_counts_what_a_laptop_counts(lamps, crawl, tmp_path):
    """The same rows by both ways: accepted one by one, and read back from segments while files are made."""
    text = RECIPE.format(quality='{coverage: {price: 1%, bulbs: 1%, "bulbs[].watt": 1%}, bands: learned}')
    result = crawl(text, site=lamps.url)
    objects, keys = FolderObjectStore(tmp_path / "objects"), JobKeys("acme", "j")
    rows = [SegmentRow(page=1, item="lamp", body=encode_row(dict(item))) for item in result.items]
    segment = write_segment(objects, keys, rows, number=1, previous="", last="1-1")
    read = CountedRows(objects, [(segment,)], recipe=load_recipe_text(text))
    assert len(list(read)) == 10
    assert read.covered == result.summary.facts.coverage
    assert {each.field for each in read.covered} == {"name", "price", "bulbs", "bulbs[].watt"}

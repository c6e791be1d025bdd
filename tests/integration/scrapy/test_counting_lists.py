"""Lists by parameter: gaps, ends and circles."""

from __future__ import annotations

from loopback import html, jsonp

API = """
schema_version: 1
name: api
version: "1.0.0"
inputs:
  site: {type: string, format: uri}
start:
  - urls: ["{{ inputs.site }}/api?page=1"]
    page: list
pages:
  list:
    parse: json
    paginate: {param: page, start: 1, step: 1}
    each: {jmespath: "items[*]"}
    item: thing
    fields:
      sku: sku
items:
  thing:
    version: 1
    key: [sku]
    fields:
      sku: {type: string, required: true}
"""


def test_a_json_page_whose_path_is_gone_fails_and_the_list_goes_on_past_it(site, crawl):
    site["/api?page=1"] = jsonp({"items": [{"sku": "a"}]})
    site["/api?page=2"] = jsonp({"error": "try later"})
    site["/api?page=3"] = jsonp({"items": [{"sku": "c"}]})
    site["/api?page=4"] = jsonp({"items": []})
    result = crawl(API, site=site.url)
    assert [item["sku"] for item in result.items] == ["a", "c"]
    assert result.outcomes == {"ok": 3, "page_error": 1}
    assert result.summary.facts.lost_lists == {f"{site.url}/api?page=2": "page_error"}
    assert "PathGone" in result.summary.facts.reasons[f"{site.url}/api?page=2"]
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)


def test_a_site_that_has_changed_is_asked_three_times_and_no_more(site, crawl):
    site["/api"] = jsonp({"moved": True})
    result = crawl(API, site=site.url)
    assert result.outcomes == {"page_error": 3}
    assert result.summary.outcome == "empty"
    assert result.summary.exit_code == 4


def test_a_404_past_the_end_of_a_counting_list_is_its_end(site, crawl):
    site["/api?page=1"] = jsonp({"items": [{"sku": "a"}]})
    result = crawl(API, site=site.url)
    assert result.outcomes == {"ok": 1, "http_404": 1}
    assert not result.summary.facts.lost_lists
    assert result.summary.exit_code == 0


def test_a_counting_list_steps_over_a_lost_page(site, crawl):
    site["/api?page=1"] = jsonp({"items": [{"sku": "a"}]})
    site["/api?page=2"] = html("no", status=403)
    site["/api?page=3"] = jsonp({"items": [{"sku": "c"}]})
    site["/api?page=4"] = jsonp({"items": []})
    result = crawl(API, site=site.url)
    assert [item["sku"] for item in result.items] == ["a", "c"]
    assert result.summary.facts.lost_lists == {f"{site.url}/api?page=2": "http_4xx"}


def test_a_site_that_gives_its_last_page_for_every_number_is_stalled(site, crawl):
    site["/api?page=1"] = jsonp({"items": [{"sku": "a"}]})
    site["/api"] = jsonp({"items": [{"sku": "b"}]})
    result = crawl(API, site=site.url)
    assert [item["sku"] for item in result.items] == ["a", "b"]
    assert site.hits["/api?page=3"] == 1
    assert site.hits["/api?page=4"] == 0
    assert result.summary.facts.stalled_lists == (f"{site.url}/api?page=3",)
    assert result.summary.facts.duplicates == {"thing": 1}


def test_a_list_of_rows_that_are_all_rejected_goes_on(site, crawl):
    for number in (1, 2, 3):
        site[f"/api?page={number}"] = jsonp({"items": [{"sku": number}, {"other": 1}]})
    site["/api?page=4"] = jsonp({"items": [{"sku": "good"}]})
    site["/api?page=5"] = jsonp({"items": []})
    strict = API.replace("type: string, required: true", "type: string, required: true, pattern: '^[a-z]+$'")
    result = crawl(strict, site=site.url)
    assert [item["sku"] for item in result.items] == ["good"]
    assert site.hits["/api?page=5"] == 1

"""Recipes as spiders: what they promise about lists, rows, limits and files, on a site that does not behave."""

from __future__ import annotations

import asyncio
import csv
import json

import pytest
from loopback import HttpResponse, html, jsonp, links, redirect, text
from scrapy import signals

RECIPE = """
schema_version: 1
name: goods
version: "1.0.0"
inputs:
  site: {{type: string, format: uri}}
  top: {{type: integer, default: 1000}}
{head}
start:
  - urls: ["{{{{ inputs.site }}}}/"]
    page: listing
pages:
  listing:
    follow:
      - links: a.l
        page: good
      - links: a.category
        page: listing
    paginate: {{next: a.next}}
  good:
    item: good
    fields:
      url: {{response: url}}
      name: h1
      price: [b.sale, b.price]
items:
  good:
    version: 1
    key: [url]
    fields:
      url: {{type: string, format: uri, required: true}}
      name: {{type: string, required: true}}
      price: {{type: decimal, minimum: 0}}
{tail}
"""


def recipe(head: str = "", tail: str = "") -> str:
    return RECIPE.format(head=head, tail=tail)


def good(name: str, price: str = "1.50") -> str:
    return f'<h1>{name}</h1><b class="price">{price}</b>'


def listing(*paths: str, following: str = "", categories: tuple[str, ...] = ()) -> str:
    more = f'<a class="next" href="{following}">next</a>' if following else ""
    return links(*paths) + more + "".join(f'<a class="category" href="{path}">c</a>' for path in categories)


@pytest.fixture
def goods(site):
    site["/"] = listing("/g/1", "/g/2", following="?page=2")
    site["/?page=2"] = listing("/g/3", "/g/4", following="?page=3")
    site["/?page=3"] = listing("/g/5")
    for number in range(1, 9):
        site[f"/g/{number}"] = good(f"Good {number}", f"{number}.50")
    return site


@pytest.fixture
def run(goods, crawl):
    return lambda text=None, settings=None, **inputs: crawl(text or recipe(), settings, **{"site": goods.url, **inputs})


def names(result):
    return sorted(item["name"] for item in result.items)


def test_every_good_of_every_page_becomes_a_row(run):
    result = run()
    assert names(result) == [f"Good {number}" for number in range(1, 6)]
    assert result.summary.as_dict()["rows"] == {"good": 5}
    assert (result.summary.outcome, result.summary.exit_code) == ("complete", 0)
    assert result.outcomes == {"ok": 8}
    assert result.ledger.rows == {"good": 5}


# --- lists ---


def test_a_list_page_that_fails_three_times_loses_nothing(goods, run):
    failed = html("oops", status=500)
    goods["/?page=2"] = [failed, failed, failed, goods.pages["/?page=2"]]
    result = run(recipe("fetch: {retry: {times: 3, backoff: 10ms..20ms}}"))
    assert len(result.items) == 5
    assert result.summary.outcome == "complete"


def test_a_list_page_that_always_fails_makes_the_result_partial_and_is_named(goods, run):
    goods["/?page=2"] = html("oops", status=500)
    result = run(recipe("fetch: {retry: {times: 1, backoff: 10ms..20ms}}"))
    assert len(result.items) == 2
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)
    assert dict(result.summary.facts.lost_lists) == {f"{goods.url}/?page=2": "gave_up"}
    assert f"a list page was lost (gave_up): {goods.url}/?page=2" in result.summary.text()
    assert goods.hits["/?page=2"] == 2


def test_a_good_that_is_gone_makes_the_result_partial_and_that_is_all(goods, run):
    del goods.pages["/g/2"]
    result = run()
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 0)
    assert result.summary.as_dict()["failures"] == {"http_404": [f"{goods.url}/g/2"]}
    assert not result.summary.facts.lost_lists


def test_a_next_link_that_leads_back_ends_the_list_as_stalled(goods, run):
    goods["/?page=3"] = listing("/g/5", following="?page=2")
    result = run()
    assert len(result.items) == 5
    assert result.summary.facts.stalled_lists == (f"{goods.url}/?page=3",)
    assert result.summary.outcome == "complete"
    assert sum(goods.hits.values()) == 8


def test_a_list_without_end_that_shows_nothing_new_is_left(goods, run):
    def endless(request):
        number = int(request.parameters.get("page", "1"))
        return html(listing("/g/1", "/g/2", following=f"?page={number + 1}"))

    goods.pages = {"/": endless, "/g/1": good("One"), "/g/2": good("Two")}
    result = run()
    assert goods.hits["/?page=2"] == 1
    assert goods.hits["/?page=3"] == 0
    assert result.summary.facts.stalled_lists == (f"{goods.url}/?page=2",)


def test_categories_that_overlap_entirely_lose_nothing(goods, run):
    goods["/"] = listing(categories=("/a", "/b", "/sale"))
    goods["/a"] = listing("/g/1", "/g/2", following="/a?page=2")
    goods["/a?page=2"] = listing("/g/3")
    goods["/b"] = listing("/g/4", "/g/5")
    goods["/sale"] = listing("/g/1", "/g/2", following="/sale?page=2")
    goods["/sale?page=2"] = listing("/g/3", "/g/4", following="/sale?page=3")
    goods["/sale?page=3"] = listing("/g/5", "/g/8")
    result = run()
    assert names(result) == [f"Good {number}" for number in (1, 2, 3, 4, 5, 8)]
    assert not result.summary.facts.stalled_lists
    assert all(count == 1 for count in goods.hits.values())


def test_two_lists_that_run_into_one_are_no_fault(goods, run):
    goods["/"] = listing(categories=("/a", "/b"))
    goods["/a"] = listing("/g/1", following="/more")
    goods["/b"] = listing("/g/2", following="/more")
    goods["/more"] = listing("/g/3")
    result = run()
    assert len(result.items) == 3
    assert (result.ledger.joined, result.ledger.stalled) == (1, 0)
    assert result.summary.outcome == "complete"


def test_a_list_is_cut_at_max_pages_and_says_so(goods, run):
    result = run(recipe().replace("paginate: {next: a.next}", "paginate: {next: a.next, max_pages: 2}"))
    assert len(result.items) == 4
    assert result.summary.facts.cut_lists == (f"{goods.url}/?page=2",)


def test_a_list_page_that_is_redirected_keeps_its_place(goods, run):
    goods["/?page=2"] = redirect("/second")
    goods["/second"] = listing("/g/3", "/g/4", following="/?page=3")
    result = run()
    assert len(result.items) == 5
    assert result.outcomes["redirected"] == 1


def test_a_list_page_that_is_redirected_to_its_first_page_is_stalled(goods, run):
    goods["/?page=3"] = redirect("/")
    result = run()
    assert len(result.items) == 4
    assert result.summary.facts.stalled_lists == (f"{goods.url}/?page=3",)
    assert goods.hits["/"] == 1


def test_a_list_page_that_robots_txt_forbids_is_a_lost_list(goods, run):
    goods["/robots.txt"] = text("User-agent: *\nDisallow: /?page=2")
    result = run()
    assert result.outcomes["robots"] == 1
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)


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


# --- rows ---


def test_rejected_rows_are_counted_by_field_and_rule_and_kept_beside_the_output(goods, run, tmp_path):
    goods["/g/2"] = "<p>no name</p>"
    goods["/g/3"] = good("Three", "-1")
    goods["/g/4"] = good("Four", "cheap")
    output = tmp_path / "goods.csv"
    result = run(settings={"FEEDS": {str(output): {"format": "csv", "overwrite": True}}})
    assert len(result.items) == 2
    assert result.stats["recipe/rejected/good/name/required"] == 1
    assert result.summary.as_dict()["rejects"] == {"good": {"name: required": 1, "price: minimum": 1, "price: type": 1}}
    kept = [json.loads(line) for line in (tmp_path / "goods.rejects.jsonl").read_text().splitlines()]
    assert {reject["url"] for reject in kept} == {f"{goods.url}/g/{number}" for number in (2, 3, 4)}
    assert kept[0]["item"] == "good"
    assert {"field", "rule", "message"} == kept[0]["reasons"][0].keys()
    assert str(tmp_path / "goods.rejects.jsonl") in result.summary.text()


def test_there_is_no_rejects_file_without_rejects(run, tmp_path):
    run(settings={"FEEDS": {str(tmp_path / "goods.csv"): {"format": "csv"}}})
    assert [path.name for path in tmp_path.iterdir()] == ["goods.csv"]


def test_a_row_whose_key_was_there_is_dropped_and_counted(goods, run):
    goods["/g/2"] = good("Good 1")
    result = run(recipe().replace("key: [url]", "key: [name]"))
    assert len(result.items) == 4
    assert result.summary.facts.duplicates == {"good": 1}
    assert result.stats["recipe/duplicates/good"] == 1


def test_a_unique_value_that_was_there_is_a_reject(goods, run):
    unique = "name: {type: string, required: true, unique: true}"
    goods["/g/2"] = good("Good 1", "7")
    result = run(recipe().replace("name: {type: string, required: true}", unique))
    assert len(result.items) == 4
    assert result.summary.as_dict()["rejects"] == {"good": {"name: unique": 1}}
    assert result.rejects[0].values["price"]


def test_alternatives_that_won_are_in_the_summary(goods, run):
    goods["/g/2"] = '<h1>Good 2</h1><b class="sale">1</b><b class="price">2</b>'
    result = run()
    assert result.summary.as_dict()["alternatives"] == {"good.price": {"1: b.sale": 1, "2: b.price": 4}}
    assert result.stats["recipe/alternative/good/price/2"] == 4
    assert str(next(item for item in result.items if item["name"] == "Good 2")["price"]) == "1"


def test_what_drop_if_drops_is_no_row_and_no_failure(goods, run):
    goods["/g/2"] = '<p class="gone">404</p>'
    result = run(recipe().replace("  good:\n    item: good\n", "  good:\n    drop_if: p.gone\n    item: good\n"))
    assert len(result.items) == 4
    assert result.outcomes == {"ok": 7, "filtered": 1}
    assert result.summary.outcome == "complete"
    assert result.summary.facts.dropped_pages == {"good": 1}


# --- files ---


def test_declared_exports_are_written_when_no_feed_is_given(run, tmp_path):
    tail = "exports:\n  - {name: all, item: good, format: csv}\n  - {name: lines, item: good, format: jsonl}\n"
    result = run(recipe(tail=tail))
    with (tmp_path / "out" / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["url", "name", "price"]
    assert sorted(row["price"] for row in rows) == ["1.50", "2.50", "3.50", "4.50", "5.50"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "lines.jsonl").read_text().splitlines()]
    assert len(lines) == 5
    assert len(result.summary.facts.files) == 2


def test_with_a_feed_the_declared_exports_are_not_written(run, tmp_path):
    tail = "exports:\n  - {name: all, item: good, format: csv}\n"
    run(recipe(tail=tail), {"FEEDS": {str(tmp_path / "mine.jsonl"): {"format": "jsonl"}}})
    assert not (tmp_path / "out").exists()
    assert len((tmp_path / "mine.jsonl").read_text().splitlines()) == 5


def test_a_file_has_its_header_even_without_rows(goods, run, tmp_path):
    goods["/"] = "<p>nothing here</p>"
    path = tmp_path / "goods.csv"
    result = run(settings={"FEEDS": {str(path): {"format": "csv"}}})
    assert path.read_text() == "url,name,price\n"
    assert result.summary.outcome == "empty"


def test_appending_writes_no_second_header(run, tmp_path):
    path = tmp_path / "goods.csv"
    for _ in range(2):
        run(settings={"FEEDS": {str(path): {"format": "csv", "overwrite": False}}})
    lines = path.read_text().splitlines()
    assert (len(lines), lines.count("url,name,price")) == (11, 1)


def test_other_feed_formats_of_scrapy_still_work(run, tmp_path):
    path = tmp_path / "goods.json"
    run(settings={"FEEDS": {str(path): {"format": "json"}}})
    assert {row["name"] for row in json.loads(path.read_text())} == {f"Good {number}" for number in range(1, 6)}


# --- limits, headers, inputs ---


def test_limits_of_the_recipe_count_items_and_requests(run):
    result = run(recipe('limits: {items: "{{ inputs.top }}"}'), top="3")
    assert len(result.items) == 3
    assert result.summary.facts.limit == "limits.items"
    assert result.summary.outcome == "complete"
    result = run(recipe("limits: {requests: 4}"))
    assert result.summary.pages == 4


def test_limits_of_the_recipe_are_applied_only_where_they_are_gentler(run):
    result = run(recipe("limits: {delay: 20ms, concurrency_per_domain: 1, obey_robots: false, autothrottle: false}"))
    settings = result.crawler.settings
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    assert settings.getfloat("DOWNLOAD_DELAY") == 0.0  # the command line's word
    assert settings.getbool("ROBOTSTXT_OBEY")
    assert settings.getbool("AUTOTHROTTLE_ENABLED")


def test_depth_counts_links_and_not_the_pages_of_a_list(goods, run):
    goods["/"] = listing("/g/1", following="?page=2", categories=("/deep",))
    goods["/deep"] = listing("/g/6")
    result = run(recipe("limits: {depth: 1}"))
    assert names(result) == ["Good 1", "Good 3", "Good 4", "Good 5"]
    assert result.stats["recipe/depth_limited"] == 1


def test_headers_and_encoding_of_fetch_are_used(goods, run):
    goods["/g/1"] = HttpResponse(body="<h1>Größe</h1>".encode("latin-1"), content_type="text/html; charset=utf-8")
    head = 'fetch: {headers: {Accept-Language: "he-IL", X-Site: "{{ inputs.site }}"}, encoding: latin-1, timeout: 5s}'
    result = run(recipe(head))
    assert "Größe" in names(result)
    seen = next(entry.headers for entry in goods.server.log if entry.path == "/g/2")
    assert (seen["accept-language"], seen["x-site"]) == ("he-IL", goods.url)
    assert seen["user-agent"].startswith("Crawlery/")


def test_links_off_site_are_not_followed_and_the_inputs_host_is_allowed(goods, run):
    goods["/"] = listing("/g/1", "http://localhost:9/g/2")
    result = run(recipe("allowed_domains: [shop.example]"))
    assert names(result) == ["Good 1"]
    assert result.summary.facts.offsite == 1


# --- the end ---


def test_too_few_rows_or_too_many_rejects_fail_the_quality(goods, run):
    result = run(recipe(tail="quality: {items: {minimum: 6}}"))
    assert (result.summary.outcome, result.summary.exit_code) == ("quality_failed", 4)
    assert "quality.items.minimum is 6; there are 5 rows" in result.summary.why
    goods["/g/2"] = "<p>no name</p>"
    result = run(recipe(tail="quality: {rejected: {maximum: 10%}}"))
    assert result.summary.outcome == "quality_failed"
    assert "20.0% of the rows were rejected (1)" in result.summary.why[0]
    assert run(recipe(tail="quality: {rejected: {maximum: 1}}")).summary.outcome == "complete"


def test_an_empty_result_names_its_likely_cause(goods, run):
    goods["/"] = '<script src="app.js"></script><div id="root"></div>'
    result = run()
    assert result.summary.outcome == "empty"
    assert "listing: `a.l` matched 0 on 1 page (status 200" in result.summary.cause
    assert "probably rendered by JavaScript" in result.summary.cause


def test_an_empty_result_because_of_the_start_page_says_so(goods, run):
    goods["/"] = html("no", status=403)
    result = run()
    assert "no page could be read" in result.summary.cause
    assert "status 403" in result.summary.cause


def test_an_empty_result_because_of_rejects_says_so(goods, run):
    for number in range(1, 6):
        goods[f"/g/{number}"] = "<p>no name</p>"
    assert "all 5 rows were rejected: name: required (5)" in run().summary.cause


def test_the_summary_is_written_as_json(goods, run, tmp_path):
    path = tmp_path / "deep" / "summary.json"
    run(settings={"SUMMARY_FILE": str(path)})
    summary = json.loads(path.read_text())
    assert summary["outcome"] == "complete"
    assert summary["pages"] == 8
    assert summary["rows"] == {"good": 5}
    assert {"rejects", "failures", "alternatives", "elapsed_s", "recipe_version"} <= summary.keys()


def test_a_cancelled_crawl_keeps_its_rows_and_says_so(goods, run, tmp_path):
    path = tmp_path / "goods.jsonl"
    stopped = []

    class Stopper:
        def __init__(self, crawler):
            self.crawler = crawler
            crawler.signals.connect(self.item_scraped, signal=signals.item_scraped)

        @classmethod
        def from_crawler(cls, crawler):
            return cls(crawler)

        def item_scraped(self):
            if not stopped:
                stopped.append(asyncio.get_running_loop().create_task(self.crawler.stop_async()))

    settings = {"FEEDS": {str(path): {"format": "jsonl"}}, "EXTENSIONS": {Stopper: 1}}
    result = run(settings=settings)
    assert (result.summary.outcome, result.summary.exit_code) == ("cancelled", 130)
    assert len(path.read_text().splitlines()) == len(result.items) >= 1
    assert result.outcomes.get("cancelled", 0) >= 1

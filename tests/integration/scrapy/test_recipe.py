"""A recipe as a spider: rows, limits, headers, inputs."""

from __future__ import annotations

from loopback import HttpResponse, good, goods_recipe, listing, names, redirect


def test_every_good_of_every_page_becomes_a_row(run):
    result = run()
    assert names(result) == [f"Good {number}" for number in range(1, 6)]
    assert result.summary.as_dict()["rows"] == {"good": 5}
    assert (result.summary.outcome, result.summary.exit_code) == ("complete", 0)
    assert result.outcomes == {"ok": 8}
    assert result.ledger.rows == {"good": 5}


def test_what_drop_if_drops_is_no_row_and_no_failure(goods, run):
    goods["/g/2"] = '<p class="gone">404</p>'
    result = run(goods_recipe().replace("  good:\n    item: good\n", "  good:\n    drop_if: p.gone\n    item: good\n"))
    assert len(result.items) == 4
    assert result.outcomes == {"ok": 7, "filtered": 1}
    assert result.summary.outcome == "complete"
    assert result.summary.facts.dropped_pages == {"good": 1}


def test_limits_of_the_recipe_count_items_and_requests(run):
    result = run(goods_recipe('limits: {items: "{{ inputs.top }}"}'), top="3")
    assert len(result.items) == 3
    assert result.summary.facts.limit == "limits.items"
    assert result.summary.outcome == "complete"
    result = run(goods_recipe("limits: {requests: 4}"))
    assert result.summary.pages == 4


def test_limits_of_the_recipe_are_applied_only_where_they_are_gentler(run):
    result = run(
        goods_recipe("limits: {delay: 20ms, concurrency_per_domain: 1, obey_robots: false, autothrottle: false}")
    )
    settings = result.crawler.settings
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    assert settings.getfloat("DOWNLOAD_DELAY") == 0.0  # the command line's word
    assert settings.getbool("ROBOTSTXT_OBEY")
    assert settings.getbool("AUTOTHROTTLE_ENABLED")


def test_headers_and_encoding_of_fetch_are_used(goods, run):
    goods["/g/1"] = HttpResponse(body="<h1>Größe</h1>".encode("latin-1"), content_type="text/html; charset=utf-8")
    head = 'fetch: {headers: {Accept-Language: "he-IL", X-Site: "{{ inputs.site }}"}, encoding: latin-1, timeout: 5s}'
    result = run(goods_recipe(head))
    assert "Größe" in names(result)
    seen = next(entry.headers for entry in goods.server.log if entry.path == "/g/2")
    assert (seen["accept-language"], seen["x-site"]) == ("he-IL", goods.url)
    assert seen["user-agent"].startswith("Crawlery/")


def test_links_off_site_are_not_followed_and_the_inputs_host_is_allowed(goods, run):
    goods["/"] = listing("/g/1", "http://localhost:9/g/2")
    result = run(goods_recipe("allowed_domains: [shop.example]"))
    assert names(result) == ["Good 1"]
    assert result.summary.facts.offsite == 1


def test_a_rule_can_read_the_url_that_was_asked_for_before_redirects(goods, run):
    goods["/g/2"] = redirect("/g/two")
    goods["/g/two"] = good("Good 2")
    result = run(goods_recipe().replace("name: h1", "name: {response: request_url}"))
    assert f"{goods.url}/g/2" in names(result)
    assert f"{goods.url}/g/two" not in names(result)

"""Redirects are pages; cookie walls are passed, circles are given up."""

from __future__ import annotations

from loopback import HttpResponse, html, links, redirect, spider_for


def test_a_cookie_wall_is_passed_in_place(site, crawl):
    def wall(request):
        if "consent" in request.cookies:
            return html("<h1>in</h1>")
        return redirect("/page", Set_Cookie="consent=1; Path=/")

    site["/"] = links("/page")
    site["/page"] = wall
    result = crawl(spider_for(site))
    assert {"url": f"{site.url}/page"} in result.items
    assert result.outcomes == {"ok": 2}
    assert site.hits["/page"] == 2


def test_a_cookie_wall_on_a_page_of_its_own_is_passed_too(site, crawl):
    def guarded(request):
        return html("<h1>in</h1>") if "consent" in request.cookies else redirect("/wall?back=/page")

    site["/"] = links("/page", "/other")
    site["/page"] = site["/other"] = guarded
    site["/wall"] = lambda request: redirect(request.parameters["back"], Set_Cookie="consent=1; Path=/")
    result = crawl(spider_for(site), {"CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert {"url": f"{site.url}/page"} in result.items
    assert {"url": f"{site.url}/other"} in result.items
    assert result.summary.outcome == "complete"


def test_a_page_that_only_redirects_to_itself_is_given_up(site, crawl):
    site["/"] = redirect("/")
    result = crawl(spider_for(site))
    assert result.outcomes == {"blocked": 1}
    assert site.hits["/"] == 4 * 6  # four tries
    assert "redirected to itself 6 times (given up after 4 tries)" in result.summary.text()
    assert result.summary.outcome == "partial"


def test_two_pages_that_redirect_to_each_other_are_given_up(site, crawl):
    site["/"] = links("/a")
    site["/a"], site["/b"] = redirect("/b"), redirect("/a")
    result = crawl(spider_for(site))
    assert result.outcomes["blocked"] == 1
    assert "circle" in "".join(result.summary.facts.reasons.values())
    assert sum(site.hits.values()) < 15


def test_an_endless_chain_of_redirects_is_given_up(site, crawl):
    site["/"] = redirect("/0")
    for number in range(40):
        site[f"/{number}"] = redirect(f"/{number + 1}")
    result = crawl(spider_for(site))
    assert result.outcomes == {"redirected": 20, "blocked": 1}


def test_the_target_of_a_redirect_is_a_page_that_is_fetched_once(site, crawl):
    site["/"] = links("/old", "/older", "/new")
    site["/old"] = site["/older"] = redirect("/new", 301)
    site["/new"] = "x"
    result = crawl(spider_for(site))
    assert site.hits["/new"] == 1
    assert result.outcomes == {"ok": 2, "redirected": 2}


def test_a_redirect_off_site_is_dropped_and_named_as_filtered(site, crawl):
    site["/"] = links("/away")
    site["/away"] = redirect("http://localhost:9/elsewhere")
    result = crawl(spider_for(site, allowed_domains=["127.0.0.1"]))
    assert result.outcomes == {"ok": 1, "filtered": 1}
    assert result.summary.outcome == "complete"


def test_a_meta_refresh_is_a_redirect(site, crawl):
    site["/"] = '<meta http-equiv="refresh" content="0; url=/there">'
    site["/there"] = "<h1>there</h1>"
    result = crawl(spider_for(site))
    assert result.items == [{"url": f"{site.url}/there"}]
    assert result.outcomes == {"redirected": 1, "ok": 1}


def test_a_meta_refresh_in_utf_16_is_one_too(site, crawl):
    page = '<html><head><meta http-equiv="REFRESH" content="0; url=/there"></head></html>'
    site["/"] = HttpResponse(body=page.encode("utf-16"), content_type="text/html")
    site["/there"] = "<h1>there</h1>"
    assert crawl(spider_for(site)).outcomes == {"redirected": 1, "ok": 1}


def test_a_redirect_to_another_host_waits_in_that_hosts_queue(site, crawl):
    port = site.url.rpartition(":")[2]
    site["/"] = redirect(f"http://localhost:{port}/there")
    site["/there"] = "x"
    slots = []

    def parse(self, response):
        slots.append(response.meta["download_slot"])

    crawl(spider_for(site, parse=parse))
    assert slots == ["localhost"]

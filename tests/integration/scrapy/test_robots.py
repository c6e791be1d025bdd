"""robots.txt: what it forbids, and what an unreadable one means."""

from __future__ import annotations

from loopback import html, links, spider_for, text


def bad(status: int = 500, **headers: str):
    return html(
        "oops", status=status, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items())
    )


def test_pages_that_robots_txt_forbids_are_settled_as_robots_and_no_failure(site, crawl):
    site["/robots.txt"] = text("User-agent: Crawlery\nDisallow: /private\n\nUser-agent: *\nDisallow: /")
    site["/"] = links("/private", "/public")
    site["/public"] = "x"
    result = crawl(spider_for(site))
    assert result.outcomes == {"ok": 2, "robots": 1}
    assert result.summary.outcome == "complete"
    assert "/private" not in site.hits


def test_a_robots_txt_that_cannot_be_read_forbids_everything(site, crawl):
    site["/robots.txt"] = bad(500)
    site["/"] = "x"
    result = crawl(spider_for(site), {"RETRY_TIMES": 0})
    assert result.outcomes == {"robots": 1}
    assert not site.hits


def test_an_error_page_at_robots_txt_is_no_set_of_rules(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nDisallow: /", status=404)
    site["/"] = "x"
    assert crawl(spider_for(site)).outcomes == {"ok": 1}

"""How fast a site is asked, and that a slow one holds up no other."""

from __future__ import annotations

import itertools

from loopback import html, links, spider_for, text


def test_crawl_delay_is_kept_between_requests_whatever_autothrottle_thinks(site, crawl):
    pages = [f"/p/{number}" for number in range(12)]
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 0.1")
    site["/"] = links(*pages)
    for page in pages:
        site[page] = "x"
    crawl(spider_for(site))
    times = sorted(time for path in site.hits for time in site.times(path))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) == 12
    assert sum(gaps) >= 12 * 0.1 - 0.1  # the site, in this process, may note the first one late
    assert min(gaps) >= 0.05  # a start may be used a little late


def test_a_host_that_asked_for_silence_holds_up_no_other(site, crawl):
    port = site.url.rpartition(":")[2]
    others = [f"http://localhost:{port}/other/{number}" for number in range(5)]
    site["/"] = links("/p/0", "/p/1", "/p/2", "/p/3", *others)
    site["/p/0"] = [html("no", status=429, headers=(("Retry-After", "1"),)), "x"]
    site.pages.update({f"/p/{number}": "x" for number in (1, 2, 3)})
    site.pages.update({f"/other/{number}": "x" for number in range(5)})
    crawl(spider_for(site), {"CONCURRENT_REQUESTS": 1})
    refused, again = site.times("/p/0")
    assert again - refused >= 0.95
    assert all(refused < site.times(f"/other/{number}")[0] < again for number in range(5))


def test_crawl_delay_counts_up_to_the_deployments_maximum(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 86400")
    site["/"] = links("/p/1")
    site["/p/1"] = "x"
    result = crawl(spider_for(site), {"CRAWL_DELAY_MAX": 0.1})
    assert result.outcomes == {"ok": 2}
    assert result.stats["robotstxt/crawl_delay_s"] == 0.1


def test_no_more_requests_of_a_host_are_open_than_allowed(site, crawl):
    site["/"] = links(*(f"/p/{number}" for number in range(12)))
    for number in range(12):
        site[f"/p/{number}"] = html("x", delay_s=0.05)
    crawl(spider_for(site), {"CONCURRENT_REQUESTS_PER_DOMAIN": 2, "AUTOTHROTTLE_ENABLED": False})
    assert max(entry.concurrent for entry in site.server.log) == 2


def test_a_slow_host_never_blocks_another(site, crawl):
    port = site.url.rpartition(":")[2]
    slow = [f"http://localhost:{port}/slow/{number}" for number in range(40)]
    fast = [f"/fast/{number}" for number in range(10)]
    site["/"] = links(*slow, *fast)
    for number in range(40):
        site[f"/slow/{number}"] = html("x", delay_s=0.05)
    for page in fast:
        site[page] = "x"
    crawl(spider_for(site), {"AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    last_fast = max(site.times(page)[0] for page in fast)
    slow_before = sum(site.times(f"/slow/{number}")[0] < last_fast for number in range(40))
    assert slow_before < 20


def test_the_end_does_not_wait_for_pages_that_wait_for_their_delay(site, crawl):
    site["/robots.txt"] = text("User-agent: *\nCrawl-delay: 30")
    site["/"] = links("/p/1", "/p/2", "/p/3")
    result = crawl(spider_for(site), {"DURATION_LIMIT": 0.5})
    assert result.outcomes == {"cancelled": 1}  # it waits since robots.txt was read
    assert result.summary.facts.elapsed_s < 2

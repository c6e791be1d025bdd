"""A crawl ends when it has run long enough, asked enough or failed too often."""

from __future__ import annotations

import pytest
from loopback import links, spider_for


@pytest.fixture
def endless(site):
    site.pages.update({f"/{number}": links(f"/{number + 1}") for number in range(1, 500)})
    site["/"] = links("/1")
    return site


def test_no_more_pages_are_fetched_than_the_limit_and_the_rest_is_counted(endless, crawl):
    endless["/"] = links("/1", "/100", "/200")
    result = crawl(spider_for(endless), {"REQUESTS_LIMIT": 5})
    assert sum(endless.hits.values()) == 5
    assert result.outcomes["cancelled"] >= 1
    assert result.summary.facts.limit == "limits.requests"
    assert result.summary.outcome == "complete"
    assert "limits.requests ended the crawl" in result.summary.text()


def test_a_crawl_ends_after_its_duration(endless, crawl):
    result = crawl(spider_for(endless), {"DURATION_LIMIT": 0.3, "DOWNLOAD_DELAY": 0.05})
    assert (result.reason, result.summary.outcome) == ("limits.duration", "partial")
    assert result.outcomes["cancelled"] == 1


def test_a_crawl_ends_after_so_many_failed_pages(site, crawl):
    site["/"] = links(*(f"/gone/{number}" for number in range(100)))
    result = crawl(spider_for(site), {"ERRORS_LIMIT": 3, "CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert result.reason == "limits.stop_after_errors"
    assert 3 <= result.outcomes["http_404"] <= 5
    assert result.outcomes["cancelled"] > 90

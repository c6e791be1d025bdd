"""Where recipes begin: sitemaps, and sites that have several addresses."""

from __future__ import annotations

import asyncio
import gzip

from fleet import Shared, rows_of
from loopback import good, goods_recipe, html, names, text

from crawler.sample_shop.httpd import HttpResponse

HEAD, _, REST = goods_recipe().partition("start:")
TAIL = REST[REST.index("pages:") :]


def recipe(entry: str) -> str:
    return f"{HEAD}start:\n  - {entry}\n{TAIL}".replace("  listing:", "  unused:").replace(
        "page: listing", "page: unused"
    )


def of_sitemap(keys: str = "") -> str:
    entry = f'sitemap: "{{{{ inputs.site }}}}/robots.txt"\n    page: good\n{keys}'
    return recipe(entry)[: recipe(entry).index("  unused:")] + TAIL[TAIL.index("  good:") :]


def xml(body: str) -> HttpResponse:
    return HttpResponse(body=body.encode(), content_type="application/xml")


def urlset(*urls: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{url}</loc></url>' for url in urls)}</urlset>"


def sitemaps(site) -> None:
    site["/robots.txt"] = text(f"User-agent: *\nDisallow: /robots\nSitemap: {site.url}/sitemap.xml")
    site["/sitemap.xml"] = xml(
        "<sitemapindex>"
        + "".join(f"<sitemap><loc>{site.url}/{name}</loc></sitemap>" for name in ("a.xml", "b.xml.gz", "sitemap.xml"))
        + "</sitemapindex>"
    )
    site["/a.xml"] = xml(urlset(f"{site.url}/g/1", f"{site.url}/g/2", f"{site.url}/other"))
    packed = gzip.compress(urlset(f"{site.url}/g/2", f"{site.url}/g/3", "http://localhost:9/g/9").encode())
    site["/b.xml.gz"] = HttpResponse(body=packed, content_type="application/gzip")
    for number in range(1, 4):
        site[f"/g/{number}"] = good(f"Good {number}")


def test_the_pages_that_sitemaps_list_are_crawled_once_each(site, crawl):
    sitemaps(site)
    result = crawl(of_sitemap("    allow: /g/"), site=site.url)
    assert names(result) == ["Good 1", "Good 2", "Good 3"]
    assert result.summary.outcome == "complete"
    assert set(site.hits.values()) == {1}
    assert result.outcomes == {"ok": 7}  # robots.txt, the index (which lists itself), two sitemaps, three goods


def test_workers_share_the_sitemaps_of_a_job(site, crawl_together):
    sitemaps(site)
    frontier = Shared()
    ended = crawl_together(of_sitemap("    allow: /g/"), frontier=frontier, site=site.url)
    assert {result.reason for result in ended.values()} == {"finished"}
    assert set(site.hits.values()) == {1}
    rows = asyncio.run(rows_of(frontier))
    assert sorted(values["name"] for _, values in rows) == ["Good 1", "Good 2", "Good 3"]


def test_a_sitemap_that_is_lost_or_broken_makes_the_crawl_partial(site, crawl):
    sitemaps(site)
    del site.pages["/b.xml.gz"]
    result = crawl(of_sitemap("    allow: /g/"), site=site.url)
    assert names(result) == ["Good 1", "Good 2"]
    assert result.summary.outcome == "partial"
    assert result.summary.why[0] == f"a list page was lost (http_404): {site.url}/b.xml.gz"
    site["/b.xml.gz"] = xml(urlset(f"{site.url}/g/3")[:-8])
    result = crawl(of_sitemap("    allow: /g/"), site=site.url)
    assert names(result) == ["Good 1", "Good 2", "Good 3"]
    assert result.summary.why == (f"a list page was lost (sitemap read in part): {site.url}/b.xml.gz",)
    site["/b.xml.gz"] = html("<h1>Sorry</h1>")
    result = crawl(of_sitemap("    allow: /g/"), site=site.url)
    assert result.summary.why[0] == f"a list page was lost (page_error): {site.url}/b.xml.gz"


def test_a_robots_txt_without_sitemaps_says_what_to_do(site, crawl_broken):
    site["/robots.txt"] = text("User-agent: *")
    result = crawl_broken(of_sitemap(), site=site.url)
    assert result.summary.outcome == "empty"
    assert "name the sitemap itself in `start`" in result.summary.cause


def test_the_first_mirror_that_answers_is_crawled(sites, crawl):
    one, two, three = sites[:3]
    one["/"] = html("away", status=503)
    for site in (two, three):
        site["/"] = '<a class="l" href="/g/1">x</a>'
        site["/g/1"] = good("Good 1")
    entry = f'urls: {{any: ["http://127.0.0.9:9/", "{one.url}/", "{two.url}/", "{three.url}/"]}}\n    page: listing'
    result = crawl(f"{HEAD}start:\n  - {entry}\n{TAIL}", site=one.url)
    assert names(result) == ["Good 1"]
    assert dict(two.hits) == {"/": 1, "/g/1": 1}
    assert not three.hits
    assert result.summary.outcome == "complete"
    assert result.outcomes == {"redirected": 2, "ok": 2}


def test_no_mirror_that_answers_is_a_list_that_is_lost(sites, crawl_broken):
    one, two = sites[:2]
    entry = f'urls: {{any: ["{one.url}/", "{two.url}/"]}}\n    page: listing'
    result = crawl_broken(f"{HEAD}start:\n  - {entry}\n{TAIL}", site=one.url)
    assert result.summary.facts.lost_lists == {f"{two.url}/": "http_404"}

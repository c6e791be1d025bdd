"""What the sitemaps of `start` lead to, and that they come to an end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.errors import InputError, PageMismatch, RecipeError
from crawler.recipe import sitemap_pages
from crawler.recipe.extract import after_loss, extract_page, start_requests
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.sitemap_pages import MAX_LEVELS, MAX_SITEMAPS, since_of
from tests.unit.recipe.engine import recipe_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SITE = "https://shop.test"


def recipe(keys: str = "", *, inputs: str = "", start: str = f"sitemap: {SITE}/robots.txt"):
    return recipe_of(
        f"{inputs}\nstart:\n  - {start}\n    page: page\n{keys}\n"
        "pages:\n  page:\n    item: thing\n    fields:\n      name: h1\n"
        "items:\n  thing:\n    version: 1\n    fields:\n      name: {type: string}\n"
    )


def read(plan, body: str, request: PageRequest | None = None, **inputs):
    asked = request or start_requests(plan, plan.inputs.resolve(inputs), now=NOW)[0]
    return extract_page(plan, PageInput(request=asked, url=asked.url, body=body.encode()))


def urlset(*entries: str) -> str:
    return f"<urlset>{''.join(f'<url>{entry}</url>' for entry in entries)}</urlset>"


def index(*urls: str) -> str:
    return f"<sitemapindex>{''.join(f'<sitemap><loc>{url}</loc></sitemap>' for url in urls)}</sitemapindex>"


def below(plan) -> PageRequest:
    """The request of a sitemap that robots.txt names."""
    return read(plan, f"Sitemap: {SITE}/sitemap.xml").requests[0]


def test_robots_txt_leads_to_sitemaps_and_those_to_pages_of_the_type_that_start_names():
    plan = recipe()
    sitemap = below(plan)
    assert (sitemap.url, sitemap.sitemap.level) == (f"{SITE}/sitemap.xml", 1)
    child = read(plan, index(f"{SITE}/1.xml.gz", "/2.xml"), sitemap).requests
    assert [request.url for request in child] == [f"{SITE}/1.xml.gz", f"{SITE}/2.xml"]
    result = read(plan, urlset("<loc>/p/1</loc>", f"<loc>{SITE}/p/2#x</loc>", "<loc>mailto:a@b</loc>"), child[0])
    assert [(request.url, request.page, request.sitemap) for request in result.requests] == [
        (f"{SITE}/p/1", "page", None),
        (f"{SITE}/p/2", "page", None),
    ]
    assert result.stats == {"recipe/sitemap/urls": 2, "recipe/link_ignored": 1}


def test_allow_and_deny_choose_pages_and_not_sitemaps():
    plan = recipe("    allow: /p/\n    deny: ['/p/gift', 'x=']")
    assert len(read(plan, index(f"{SITE}/1.xml"), below(plan)).requests) == 1
    body = urlset("<loc>/p/1</loc>", "<loc>/q/1</loc>", "<loc>/p/gift</loc>", "<loc>/p/2?x=1</loc>")
    result = read(plan, body, below(plan))
    assert [request.url for request in result.requests] == [f"{SITE}/p/1"]
    assert result.stats["recipe/sitemap/not_allowed"] == 3


def test_other_languages_of_a_page_are_fetched_where_they_are_asked_for():
    body = urlset('<loc>/p/1</loc><link rel="alternate" href="/de/p/1"/>')
    assert len(read(recipe(), body, below(recipe())).requests) == 1
    plan = recipe("    alternate_links: true")
    assert [request.url for request in read(plan, body, below(plan)).requests] == [f"{SITE}/p/1", f"{SITE}/de/p/1"]


def test_what_has_not_changed_since_then_is_left_out_and_what_does_not_say_when_is_not():
    body = urlset(
        "<loc>/old</loc><lastmod>2026-10-31</lastmod>",
        "<loc>/that-day</loc><lastmod>2026-11-01</lastmod>",
        "<loc>/new</loc><lastmod>2026-11-20T10:00:00Z</lastmod>",
        "<loc>/unsaid</loc>",
        "<loc>/nonsense</loc><lastmod>soon</lastmod>",
    )
    for since in ("2026-11-01", "28d", "2026-11-01T00:00:00+00:00"):
        plan = recipe(f"    modified_since: {since}")
        result = read(plan, body, below(plan))
        assert [request.url.removeprefix(SITE) for request in result.requests] == [
            "/that-day",
            "/new",
            "/unsaid",
            "/nonsense",
        ]
        assert result.stats["recipe/sitemap/unchanged"] == 1
    plan = recipe("    modified_since: 1d")
    old = "<sitemapindex><sitemap><loc>/1.xml</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"
    assert read(plan, old, below(plan)).requests == ()


def test_the_caller_may_say_since_when():
    plan = recipe('    modified_since: "{{ inputs.since }}"', inputs="inputs: {since: {type: string, required: false}}")
    assert start_requests(plan, {}, now=NOW)[0].sitemap.since == ""
    assert start_requests(plan, {"since": "1d"}, now=NOW)[0].sitemap.since == "2026-11-28T12:00:00+00:00"
    with pytest.raises(InputError, match=r"start\[0\]: `modified_since: .*` gives no date and no duration"):
        start_requests(plan, {"since": "last week"})


def test_a_sitemap_that_lists_itself_comes_to_an_end():
    plan = recipe()
    request = start_requests(plan, {}, now=NOW)[0]
    levels = 0
    while request is not None:
        levels += 1
        robots = request.url.endswith("robots.txt")
        result = read(plan, f"Sitemap: {SITE}/s.xml" if robots else index(f"{SITE}/s.xml"), request)
        request = next(iter(result.requests), None)
    assert levels == MAX_LEVELS
    assert result.stats["recipe/sitemap/too_many"] == 1


def test_so_many_sitemaps_are_read_however_they_are_nested(monkeypatch):
    monkeypatch.setattr(sitemap_pages, "MAX_SITEMAPS", 100)
    plan = recipe(start=f"sitemap: {SITE}/s.xml")
    waiting, reads = [start_requests(plan, {}, now=NOW)[0]], 0
    while waiting:
        request = waiting.pop()
        reads += 1
        waiting += read(plan, index(*(f"{request.url}/{number}" for number in range(9))), request).requests
    assert 80 < reads <= 100
    assert MAX_SITEMAPS == 10_000


def test_a_file_that_is_none_fails_and_an_empty_one_says_why():
    plan = recipe()
    with pytest.raises(PageMismatch):
        read(plan, "<html>oops</html>", below(plan))
    result = read(plan, "User-agent: *")
    assert result.outcome == "empty"
    assert result.cause.sentence() == (
        "sitemap:0: `Sitemap:` matched 0 on 1 page (status 200, 13 bytes: name the sitemap itself in `start`)"
    )


def test_sitemaps_take_inputs_and_lists_and_for_each():
    plan = recipe(
        "    for_each: {lang: [de, en]}",
        inputs="inputs: {site: {type: string, format: uri}}",
        start='sitemap: ["{{ inputs.site }}/{{ lang }}.xml", "https://shop.test/all.xml"]',
    )
    found = start_requests(plan, {"site": SITE}, now=NOW)
    assert [request.url.removeprefix(SITE) for request in found] == ["/de.xml", "/all.xml", "/en.xml", "/all.xml"]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("modified_since: last_run", "only a recipe with `incremental` knows when its last run was"),
        ("modified_since: soon", "'soon' is no date such as 2026-11-01, and no duration such as 7d"),
        ("allow: '('", "the regular expression does not compile"),
        ("alow: x", "unknown key 'alow'; did you mean 'allow'"),
        ("request: {url: 'https://a.example/'}", "an entry of `start` has `urls`, `request` or `sitemap`"),
        ("alternate_links: perhaps", "must be true or false"),
    ],
)
def test_what_is_wrong_is_found_at_load(keys, says):
    with pytest.raises(RecipeError) as refused:
        recipe(f"    {keys}")
    assert says in str(refused.value)


def test_the_keys_of_sitemaps_belong_to_no_other_entry():
    with pytest.raises(RecipeError, match="'allow' does not belong here; it goes with `sitemap`"):
        recipe("    allow: x", start=f"urls: {SITE}/")
    with pytest.raises(RecipeError, match=r"`ftp://a/b` is no|'ftp://a/b' is no http\(s\) URL"):
        recipe(start="sitemap: ftp://a/b")


def test_a_moment_is_a_date_a_time_or_a_duration():
    assert since_of("2026-11-01", now=NOW) == "2026-11-01T00:00:00+00:00"
    assert since_of("12h", now=NOW) == "2026-11-29T00:00:00+00:00"
    assert since_of("2026-11-01T10:00:00+02:00", now=NOW) == "2026-11-01T10:00:00+02:00"
    with pytest.raises(ValueError, match="no date"):
        since_of("x", now=NOW)


# --- mirrors ---------------------------------------------------------------------------------------------------------


def mirrored(*urls: str, inputs: str = ""):
    return recipe(start=f"urls: {{any: [{', '.join(urls)}]}}", inputs=inputs)


def test_mirrors_are_one_request_and_the_next_is_asked_when_one_is_lost():
    plan = mirrored("https://a.test/", "https://b.test/", "https://c.test/")
    [first] = start_requests(plan, {})
    assert (first.url, first.mirrors) == ("https://a.test/", ("https://b.test/", "https://c.test/"))
    [second] = after_loss(plan, first, {}).requests
    assert (second.url, second.page, second.mirrors) == ("https://b.test/", "page", ("https://c.test/",))
    [third] = after_loss(plan, second, {}).requests
    assert after_loss(plan, third, {}).requests == ()


def test_a_mirror_that_an_input_leaves_out_is_none():
    plan = mirrored(
        '"{{ inputs.own }}"',
        "https://b.test/",
        "https://b.test/",
        inputs="inputs: {own: {type: string, required: false}}",
    )
    [only] = start_requests(plan, {})
    assert (only.url, only.mirrors) == ("https://b.test/", ())
    assert start_requests(plan, {"own": "https://a.test/"})[0].mirrors == ("https://b.test/",)


def test_one_mirror_is_no_choice():
    with pytest.raises(RecipeError, match="start"):
        mirrored("https://a.test/")

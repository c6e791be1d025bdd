"""Files that list pages: what is read of them, and what they may cost."""

from __future__ import annotations

import gzip
import resource
import zlib
from datetime import UTC, datetime

import pytest

from crawler.errors import PageMismatch, ParseRefused
from crawler.recipe import sitemaps
from crawler.recipe.sitemaps import SitemapEntry, latest_moment, read_sitemap

NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'


def urls(body: bytes | str, *, robots: bool = False) -> list[str]:
    file = read_sitemap(body.encode() if isinstance(body, str) else body, robots=robots)
    return [entry.url for entry in file.entries]


def urlset(*entries: str) -> str:
    return f'<?xml version="1.0"?>\n<urlset {NS}>{"".join(f"<url>{entry}</url>" for entry in entries)}</urlset>'


def test_a_urlset_gives_addresses_with_their_dates_and_languages():
    body = urlset(
        "<loc>\n https://a.example/1 </loc><lastmod>2026-01-02</lastmod><priority>0.5</priority>",
        '<loc>https://a.example/2</loc><xhtml:link rel="alternate" hreflang="de" href="https://a.example/de/2"/>'
        '<xhtml:link rel="canonical" href="https://a.example/no"/>',
    )
    file = read_sitemap(body.encode())
    assert not file.sitemaps
    assert not file.damaged
    assert file.entries == (
        SitemapEntry(url="https://a.example/1", modified="2026-01-02"),
        SitemapEntry(url="https://a.example/2", alternates=("https://a.example/de/2",)),
    )


def test_an_index_says_that_its_entries_are_sitemaps():
    file = read_sitemap(
        f"<sitemapindex {NS}><sitemap><loc>https://a.example/1.xml</loc></sitemap></sitemapindex>".encode()
    )
    assert file.sitemaps
    assert [entry.url for entry in file.entries] == ["https://a.example/1.xml"]


def test_a_compressed_file_is_unpacked_whatever_it_is_called():
    one, two = (gzip.compress(part.encode()) for part in (urlset("<loc>https://a.example/1</loc>")[:60], ""))
    assert urls(gzip.compress(urlset("<loc>https://a.example/1</loc>").encode())) == ["https://a.example/1"]
    rest = gzip.compress(urlset("<loc>https://a.example/1</loc>")[60:].encode())
    assert urls(one + two + rest) == ["https://a.example/1"]


def test_a_compressed_file_may_be_made_of_many_but_not_of_any_number():
    text = urlset("".join(f"<loc>https://a.example/{number}</loc>" for number in range(3))).encode()
    many = b"".join(gzip.compress(text[start : start + 1]) for start in range(len(text)))
    assert urls(many) == urls(text)
    numbers = [zlib.crc32(str(number).encode()) for number in range(20_000)]
    long = urlset(*(f"<loc>https://a.example/{number}</loc>" for number in numbers)).encode()
    assert len(urls(gzip.compress(long))) == len(numbers)
    with pytest.raises(ParseRefused, match="made of more than 10,000"):
        read_sitemap(gzip.compress(text) + gzip.compress(b"") * 200_000)


def test_robots_txt_names_sitemaps_and_its_other_lines_count_for_nothing():
    body = "User-agent: *\nDisallow: /x\nsitemap : https://a.example/a.xml\r\n Sitemap:https://a.example/b.xml # here"
    assert urls(body, robots=True) == ["https://a.example/a.xml", "https://a.example/b.xml"]
    assert urls("<html>not found</html>", robots=True) == []


def test_a_list_of_lines_is_a_sitemap():
    assert urls("\ufeffhttps://a.example/1\n\nhttps://a.example/2\r\n") == [
        "https://a.example/1",
        "https://a.example/2",
    ]


def test_an_ampersand_that_should_have_been_written_otherwise_stays_in_the_address():
    body = urlset("<loc>https://a.example/?a=1&b=2&amp;c=3&#38;d</loc>")
    assert urls(body) == ["https://a.example/?a=1&b=2&c=3&d"]
    split = urlset(*(f"<loc>https://a.example/?a={number}&b=2</loc>" for number in range(5_000)))
    assert urls(split) == [f"https://a.example/?a={number}&b=2" for number in range(5_000)]
    assert urls(urlset("<loc><![CDATA[https://a.example/?a&b]]></loc>")) == ["https://a.example/?a&b"]


def test_utf_16_is_read():
    body = f'<?xml version="1.0" encoding="utf-16"?><urlset {NS}><url><loc>https://a.example/é</loc></url></urlset>'
    assert urls(body.encode("utf-16")) == ["https://a.example/é"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<!doctype html><html><body>Not found</body></html>", "it is an HTML page"),
        ("<rss><channel/></rss>", "it begins with <rss>"),
        ('{"error": 1}', "it has the line '{\"error\": 1}'"),
        ("", "there is nothing in it"),
        ("<", "there is no element in it"),
    ],
)
def test_what_is_no_sitemap_is_told_apart_from_an_empty_one(body, says):
    with pytest.raises(PageMismatch, match=says):
        read_sitemap(body.encode())
    assert urls(f"<urlset {NS}/>") == []


def test_a_file_that_is_broken_gives_what_it_has_and_says_so():
    body = urlset(*(f"<loc>https://a.example/{number}</loc>" for number in range(100)))
    for broken, least in ((body[:2000], 30), (body.replace("</loc></url>", "</url>", 1), 1), (f"{body}<b>", 100)):
        file = read_sitemap(broken.encode())
        assert file.damaged
        assert len(file.entries) >= least


def test_of_more_entries_than_a_sitemap_may_have_the_first_are_read(monkeypatch):
    monkeypatch.setattr(sitemaps, "MAX_ENTRIES", 10)
    ten = [f"https://a.example/{number}" for number in range(10)]
    for count, cut in ((10, False), (11, True)):
        lines = [f"https://a.example/{number}" for number in range(count)]
        for body in (urlset(*(f"<loc>{url}</loc>" for url in lines)), "\n".join(lines)):
            file = read_sitemap(body.encode())
            assert ([entry.url for entry in file.entries], file.cut) == (ten, cut)


BOMBS = {
    "an unpacked file without end": gzip.compress(b"<urlset>" + b"<a/>\n" * 11_000_000, 1),
    "blanks": gzip.compress(b"<urlset>" + b" " * 60_000_000, 1),
    "lines": gzip.compress(b"https://a.example/" + b"a" * 60_000_000, 1),
    "depth": b"<urlset>" + b"<a>" * 1_000_000,
    "an entry with a million elements": b"<urlset><url>" + b"<a/>" * 1_000_000,
    "elements that are no entries": b"<urlset>" + b"<a/>" * 8_000_000,
    "a text without end": b"<urlset><url><loc>" + b"x" * 30_000_000,
    "attributes": b"<urlset " + b" ".join(b'a%d="1"' % number for number in range(1_000_000)) + b"/>",
    "a comment": b"<urlset><!--" + b"x" * 30_000_000 + b"--></urlset>",
    "entities": b'<!DOCTYPE x [<!ENTITY a "bbbbbbbb"><!ENTITY b "&a;&a;&a;">]><urlset>&b;</urlset>',
    "half a file": gzip.compress(urlset("<loc>https://a.example/1</loc>").encode())[:-10],
    "damage": b"\x1f\x8b" + b"x" * 100,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_is_made_to_cost_much_is_refused(name, monkeypatch):
    monkeypatch.setattr(sitemaps, "_MAX_ELEMENTS", 100_000)  # a tenth of it, for the time of this test
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ParseRefused):
        read_sitemap(BOMBS[name])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 100 * 1024


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2024-02", datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-12", datetime(2025, 1, 1, tzinfo=UTC)),
        (" 2024-02-29 ", datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-02-03T10:00:00Z", datetime(2024, 2, 3, 10, tzinfo=UTC)),
        ("2024-02-03T10:00:00.5+02:00", datetime(2024, 2, 3, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-02-03T10:00", datetime(2024, 2, 3, 10, tzinfo=UTC)),
        ("2024-02-30", None),
        ("2024-13", None),
        ("9999", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_means_its_whole_day_month_or_year(written, moment):
    assert latest_moment(written) == moment

"""XML pages: names without namespaces, no DTD, no entities, clear refusals."""

from __future__ import annotations

import pytest

from crawler.errors import ParseRefused
from crawler.recipe.documents import parse_document
from crawler.recipe.queries import compile_css, compile_jmespath, compile_xpath
from crawler.recipe.query_error import QueryFailed

RSS = """<?xml version="1.0" encoding="windows-1255"?>
<rss xmlns:media="urn:media" xmlns:dc="urn:dc" version="2.0"><channel><title>Feed</title>
<!-- c --><?pi x?>
<item><title>One &amp; <![CDATA[<b>two</b>]]></title><link>https://x.example/1</link><dc:creator>A</dc:creator>
  <media:content url="i.png"><media:title>Image</media:title></media:content></item>
<item xml:lang="he" media:lang="x"><title>  כיסא
 רחב </title><guid isPermaLink="false">7</guid></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>E</title>
<link href="/e" rel="alternate"/></entry></feed>"""


def rss():
    return parse_document(RSS.encode("cp1255"), kind="xml", url="https://x.example/feed").root


@pytest.mark.parametrize(
    ("css", "xpath", "found"),
    [
        ("item > title", "//item/title", ["One & <b>two</b>", "כיסא רחב"]),
        ("item title", "//item//title", ["One & <b>two</b>", "Image", "כיסא רחב"]),
        ("creator", "//creator", ["A"]),
        ("content::attr(url)", "//content/@url", ["i.png"]),
        ("guid[isPermaLink=false]", "//guid[@isPermaLink='false']", ["7"]),
        ("guid[ispermalink]", "//guid[@ispermalink]", []),
        ("ITEM", "//ITEM", []),
        ("item[lang=he] > title", "//item[@lang='he']/title", ["כיסא רחב"]),
        ("item:nth-of-type(2) guid", "//item[2]/guid", ["7"]),
        ("item:not(:has(guid)) > link", "//item[not(guid)]/link", ["https://x.example/1"]),
        ("rss > channel > title", "/rss/channel/title", ["Feed"]),
        ("title::text", "//title/text()", ["Feed", "One & <b>two</b>", "Image", "כיסא\n רחב"]),
    ],
)
def test_css_and_xpath_read_names_without_their_prefixes(css, xpath, found):
    by_xpath = rss().values(compile_xpath(xpath))
    assert by_xpath == found
    assert [" ".join(value.split()) for value in by_xpath] == rss().values(compile_css(css))


def test_a_default_namespace_is_no_obstacle():
    root = parse_document(ATOM, kind="xml", url="https://x.example/feed").root
    assert root.values(compile_css("entry > title")) == ["E"]
    assert root.values(compile_xpath("//entry/title")) == ["E"]
    assert root.links(compile_css("entry link")) == ["/e"]


def test_rows_and_links_of_a_feed():
    rows = rss().rows(compile_css("item"))
    assert [row.values(compile_css("> title", row=True)) for row in rows] == [["One & <b>two</b>"], ["כיסא רחב"]]
    assert rss().links(compile_css("item > link")) == ["https://x.example/1"]
    assert rows[1].preceding(compile_css("channel > title")).own() == "Feed"
    assert rows[0].preceding(compile_css("channel")) is None  # around the row, not before it


def test_markup_is_xml_and_remove_leaves_the_page_whole():
    root = rss()
    (item,) = root.rows(compile_css("item:nth-of-type(2)"))
    kept = item.own(as_="html", remove=[compile_css("title")])
    assert kept.startswith("<item")
    assert "<guid" in kept
    assert "title" not in kept
    assert len(root.values(compile_css("item > title"))) == 2


def test_removed_elements_leave_the_text_behind_them():
    root = parse_document(b"<a>1<b>x</b>2<c><b>y</b>3</c></a>", kind="xml", url="u").root
    assert root.values(compile_css("a"), remove=[compile_css("b")]) == ["123"]


def test_a_miss_shows_the_longest_part_that_matches():
    assert rss().longest_prefix(compile_css("channel item price")) == ("channel item", 2)
    assert rss().longest_prefix(compile_xpath("//channel/item/price")) == ("//channel/item", 2)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<a><b></a>", "no XML"),
        ("", "no XML"),
        ("plain", "no XML"),
        ("<a>&nbsp;</a>", "no XML"),
        ("<a>\x00</a>", "no XML"),
        ("<a>" * 300 + "</a>" * 300, "no XML"),
        ("<a>" + "<b/>" * 100_001 + "</a>", "100,000 elements"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "DTD of its own"),
        ('<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>', "DTD of its own"),
    ],
)
def test_what_is_no_xml_or_a_trap_is_refused(xml, message):
    with pytest.raises(ParseRefused, match=message):
        parse_document(xml.encode(), kind="xml", url="u")


def test_an_outer_dtd_is_not_fetched():
    root = parse_document(b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a>x</a>', kind="xml", url="u").root
    assert root.own() == "x"


def test_jmespath_on_xml_says_what_to_write_instead():
    with pytest.raises(QueryFailed, match="`css:` or `xpath:`"):
        rss().values(compile_jmespath("a"))


def test_xml_has_no_base_and_no_meta():
    document = rss().document
    assert (document.base_url, document.meta("x"), document.kind) == ("https://x.example/feed", [], "xml")
    assert document.encoding == "cp1255"

"""Microdata: items as the standard makes them, and pages that would make too many."""

import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.recipe import microdata
from crawler.recipe.microdata import read_microdata

BASE = "https://shop.test/p/"
PRODUCT = 'itemscope itemtype="http://schema.org/Product"'


def read(html):
    return list(read_microdata(LexborHTMLParser(html), base_url=BASE).items)


def product(inside):
    [item] = read(f"<div {PRODUCT}>{inside}</div>")
    return {name: value for name, value in item.items() if name != "@type"}


@pytest.mark.parametrize(
    ("html", "item"),
    [
        ("<b itemprop=name> Oak \n chair </b>", {"name": "Oak chair"}),
        ("<p itemprop=name>a<br>b", {"name": "a\nb"}),
        ("<meta itemprop=sku content=A-1>", {"sku": "A-1"}),
        ("<b itemprop=price content=51.77>€51,77</b>", {"price": "51.77"}),
        ("<a itemprop=url href='../x'>here</a>", {"url": "https://shop.test/x"}),
        ("<img itemprop=image src=a.jpg>", {"image": "https://shop.test/p/a.jpg"}),
        (
            "<link itemprop=availability href='http://schema.org/InStock'>",
            {"availability": "http://schema.org/InStock"},
        ),
        ("<time itemprop=date datetime=2024-03-05>5 March</time>", {"date": "2024-03-05"}),
        ("<time itemprop=date>5 March</time>", {"date": "5 March"}),
        ("<data itemprop=n value=5>five</data><meter itemprop=m value=2>two</meter>", {"n": "5", "m": "2"}),
        ("<i itemprop=a>1</i><i itemprop=a>2</i><i itemprop='a b'>3</i>", {"a": ["1", "2", "3"], "b": "3"}),
        ("<i itemprop='http://schema.org/name'>x</i>", {"name": "x"}),
        ("<i itemprop=empty></i><img itemprop=image><meta itemprop=x><i itemprop>x</i>", {}),
        ("<p itemprop=o itemscope><i itemprop=price>5</i></p>", {"o": {"price": "5"}}),
        ("<p itemscope><i itemprop=price>5</i></p>", {}),
        ("<div><div><i itemprop=deep>x</i></div></div>", {"deep": "x"}),
    ],
)
def test_properties_are_read_as_the_standard_says(html, item):
    found = read(f"<div {PRODUCT}>{html}</div>")[0]
    assert found == {"@type": "Product", **item}


def test_items_have_types_and_an_id():
    [item] = read(
        "<p itemscope itemtype='https://schema.org/Book https://x.test/Novel' itemid='#b'><i itemprop=a>1</i>"
    )
    assert item == {"@type": ["Book", "https://x.test/Novel"], "@id": "https://shop.test/p/#b", "a": "1"}


def test_only_items_that_are_no_property_stand_outside():
    html = (
        f"<div {PRODUCT}><p itemprop=offers itemscope></p></div><p itemscope><i itemprop=x>1</i></p><i itemprop=y>2</i>"
    )
    assert read(html) == [{"@type": "Product", "offers": {}}, {"x": "1"}]


def test_itemref_adds_what_stands_elsewhere():
    html = (
        f"<div {PRODUCT} itemref='a b none'><i itemprop=name>x</i></div><p id=a itemprop=sku>A-1</p>"
        "<div id=b><i itemprop=colour>red</i><p itemprop=offers itemscope><i itemprop=price>5</i></p></div>"
    )
    assert read(html) == [{"@type": "Product", "name": "x", "sku": "A-1", "colour": "red", "offers": {"price": "5"}}]


def test_items_that_hold_each_other_end():
    html = (
        "<p itemscope itemref=a></p><div id=a itemprop=x itemscope itemref=b></div>"
        "<div id=b itemprop=y itemscope itemref=a></div>"
    )
    assert read(html) == [{"x": {"y": {}}}]


HOSTILE = {
    "items in items": "<div itemscope itemprop=a>" * 450,
    "properties in properties": "<div itemscope>" + "<div itemprop=a>" * 400 + "x" * 200_000,
    "many properties": "<div itemscope>" + "<i itemprop=a>x</i>" * 19_000,
    "many properties, deep": "<div itemscope>" + "<div>" * 400 + "<i itemprop=a>x</i>" * 19_000,
    "many items that share all": "<div id=a>"
    + "<i itemprop=x>1</i>" * 5_000
    + "</div>"
    + "<p itemscope itemref=a>" * 10_000,
    "a doubling": "<p itemscope itemref='n0'></p>"
    + "".join(
        f"<p id=n{n}><b itemscope itemprop=a itemref=n{n + 1}></b><b itemscope itemprop=a itemref=n{n + 1}></b></p>"
        for n in range(38)
    ),
    "many names": f"<p itemscope itemref='{' '.join(f'i{n}' for n in range(9_000))}'></p>"
    + "".join(f"<i id=i{n} itemprop=a>x</i>" for n in range(9_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_page_takes_long_or_much(name):
    parser = LexborHTMLParser(HOSTILE[name])
    started = time.process_time()
    found = read_microdata(parser, base_url=BASE)
    assert time.process_time() - started < 8
    properties, text = 0, 0
    waiting = list(found.items)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            properties += len(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            properties += len(value)
            waiting.extend(value)
        else:
            text += len(value)
    assert properties <= 2 * microdata.MAX_PROPERTIES
    assert text <= microdata.MAX_TEXT


@pytest.mark.parametrize("name", ["properties in properties", "a doubling", "many names", "many items that share all"])
def test_what_was_cut_is_said(name):
    assert read_microdata(LexborHTMLParser(HOSTILE[name]), base_url=BASE).cut

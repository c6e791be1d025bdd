"""The guard refuses bombs before they are parsed, and never an ordinary page."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.errors import ParseRefused
from crawler.recipe import tree_guard
from crawler.recipe.tree_guard import MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_SIBLINGS, _Scan, check_tree

BOMBS = {
    "nested div": ("<div>" * 600, "deeper"),
    "nested div with text": ("<div>x" * 600 + "</div>" * 600, "deeper"),
    "nested span": ("<span>" * 600, "deeper"),
    "nested b": ("<b>" * 600, "deeper"),
    "nested table": ("<table><tr><td>" * 200, "deeper"),
    "nested list": ("<ul><li>" * 300, "deeper"),
    "nested unknown": ("<x-y>" * 600, "deeper"),
    "nested svg": ("<svg>" + "<g>" * 600, "deeper"),
    "hidden in an svg style": ("<svg><style>" + "<g>" * 600, "deeper"),
    "misnested": ("<b><div></b>" * 600, "deeper"),
    "closed by what is no end tag": ("<p>" + "".join(f"<b id={i}></x>" for i in range(9000)) + "<p>x" * 2000, "deeper"),
    "in upper case": ("<DIV>" * 600, "deeper"),
    "with attributes": ("<div class=\"a>b\" title='<p>'>" * 600, "deeper"),
    "behind an empty comment": ("<!-->" + "<div>" * 600 + "-->", "deeper"),
    "behind a quote in a name": ('<a ">' + "<div>" * 600 + '">', "deeper"),
    "behind an equals sign": ('<a ="x>' + "<div>" * 600 + '">', "deeper"),
    "behind an unquoted value": ('<a b=c="d>' + "<div>" * 600 + '">', "deeper"),
    "a megabyte of div": ("<div>" * 200_000, "deeper"),
    "repeated formatting": ("<p>" + "".join(f"<i id={i}>" for i in range(400)) + "<p>x" * 2000, "elements"),
    "repeated formatting in disguise": (
        "<p>" + "".join(f"<b id={i}></x>" for i in range(300)) + "<p></x>x" * 7_000,
        "elements",
    ),
    "many siblings": ("<div>" + "<br>" * (MAX_SIBLINGS + 1), "children"),
    "many rows": ("<table>" + "<tr><td>x" * (MAX_SIBLINGS + 1), "children"),
    "many attributes": ("<p " + " ".join(f"a{i}" for i in range(20_000)) + ">", "attributes"),
    "many attributes with values": ("<p " + " ".join(f"a{i}=1" for i in range(20_000)) + ">", "attributes"),
    "over all": ("".join(f"<div>{'<p>x' * 10_000}</div>" for _ in range(11)), "elements"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_linear_time(name):
    html, reason = BOMBS[name]
    before = time.process_time()
    with pytest.raises(ParseRefused, match=reason):
        check_tree(html.encode())
    assert time.process_time() - before < 3


SLOPPY = {
    "unclosed paragraphs": "<p>x" * 5000,
    "unclosed paragraphs in divs": "<div><p>x<p>y</div>" * 2000,
    "unclosed list items": "<ul>" + "<li>x<br>" * 5000 + "</ul>",
    "lists in lists": "<ul>" + "<li>x<ul><li>y<li>z</ul>" * 2000 + "</ul>",
    "unclosed cells": "<table>" + "<tr><td>a<td>b<th>c" * 3000,
    "tables without rows": "<table><td>a<td>b</table>" * 1500,
    "unclosed options": "<select>" + "<option>x" * 5000,
    "groups of options": "<select>" + "<optgroup label=x><option>x<option>y" * 2000,
    "unclosed terms": "<dl>" + "<dt>x<dd>y" * 3000,
    "void elements": "<br><img src=x><input><hr><wbr>" * 2000,
    "void elements that close themselves": "<br/><img src=x /><input/><hr />" * 2000,
    "drawings": "<svg>" + '<path d="M0 0"/><circle r=1 />' * 3000 + "</svg>",
    "unclosed spans in closed divs": "<div><span>x</div>" * 3000,
    "unclosed bold in paragraphs": "<p><b>x" * 3000,
    "unclosed links": "<a href=x>y" * 3000,
    "unclosed fonts": "<p><font color=red>x" * 3000,
    "closed more than opened": "</div></p></span>x" * 3000,
    "markup in scripts": "<script>" + 'document.write("<div>");' * 2000 + "</script>",
    "markup in comments": "<!-- " + "<div>" * 2000 + " -->",
    "markup in attributes": f'<div data-x="{"<div>" * 2000}">x</div>',
    "comments": "<!-- x --><p>y</p>" * 2000,
    "many small divs": "<div><p>x</p></div>" * 4000,
    "a long script": "<script>" + "x" * 100_000 + "</script>",
    "a long attribute": f'<div data-json="{"x" * 100_000}" class=y>z</div>',
    "nothing": "",
    "no markup": "x" * 10_000 + "<" * 3000,
}


@pytest.mark.parametrize("name", SLOPPY)
def test_an_ordinary_sloppy_page_is_never_refused(name):
    check_tree(SLOPPY[name].encode())


def _depth(html: str) -> int:
    depths: dict[int, int] = {}
    for node in LexborHTMLParser(html).css("*"):
        depths[node.mem_id] = 1 + (depths.get(node.parent.mem_id, 0) if node.parent else 0)
    return max(depths.values())


def test_followed_tag_by_tag_what_passes_is_at_most_twice_as_deep_as_allowed():
    rng = random.Random(11)
    names = [
        "div",
        "p",
        "span",
        "b",
        "i",
        "ul",
        "li",
        "table",
        "tr",
        "td",
        "a",
        "form",
        "h1",
        "button",
        "svg",
        "g",
        "dd",
    ]
    refused = 0
    for _ in range(40):
        few = rng.sample(names, 4)
        html = "".join(
            f"<{'/' if rng.random() < 0.25 else ''}{rng.choice(few)}{rng.choice(['', ' a=1', '/'])}>{rng.choice('x ')}"
            for _ in range(3000)
        )
        try:
            _Scan().run(html)
        except ParseRefused:
            refused += 1
        else:
            assert _depth(html) <= 2 * MAX_DEPTH
    assert 0 < refused < 40


@pytest.mark.parametrize("html", ["<div>" * (MAX_DEPTH - 3), "<p>x" * 19_000, "<a " + "b " * MAX_ATTRIBUTES + ">"])
def test_just_below_the_limits_a_page_passes(html):
    check_tree(html.encode())


def test_the_limits_are_those_of_the_language():
    assert (MAX_ELEMENTS, MAX_DEPTH, MAX_SIBLINGS) == (100_000, 512, 20_000)


@pytest.mark.parametrize("piece", ["<a ", "<!--", '<a b="', "<a b='", "<script>", "</", "<a b=", "<p\n"])
def test_unfinished_tags_take_linear_time(piece):
    before = time.process_time()
    check_tree((piece * (400_000 // len(piece))).encode())
    assert time.process_time() - before < 3


@pytest.mark.parametrize(
    "void", ["<img src=a>", "<br>", "<br/>", "<hr>", "<input name=a>", "<meta name=a>", "<source src=a>"]
)
def test_void_elements_are_no_nesting_and_need_no_second_look(void, monkeypatch):
    monkeypatch.setattr(tree_guard, "_Scan", None)
    check_tree((f"<div>{void}</div>" * 1_500).encode())


def test_void_elements_hide_no_nesting():
    for void in ("<img src=a>", "<br>", "<input name=a>", "<source src=a>"):
        with pytest.raises(ParseRefused):
            check_tree(f"<div>{void}".encode() * 520)


def test_what_is_void_in_html_only_counts_where_there_is_svg(monkeypatch):
    def looked(_scan, _text):
        raise ParseRefused("followed")

    monkeypatch.setattr(_Scan, "run", looked)
    check_tree(b"<p>" + b"<source src=a>" * 520)
    with pytest.raises(ParseRefused, match="followed"):
        check_tree(b"<svg>" + b"<source src=a>" * 520)


@pytest.mark.parametrize(
    ("html", "most"),
    [
        (b"<div>" * 1_000_000, MAX_DEPTH),
        ((b"<div>" * 500 + b"</div>" * 500) * 900, MAX_ELEMENTS + 1),
        (b"<b>" * 1_600_000, MAX_DEPTH),
        (b"<i></i>" * 700_000, MAX_SIBLINGS + 1),
    ],
    ids=["nested", "nested to the limit", "formatting", "beside each other"],
)
def test_of_5_mb_no_more_tags_are_followed_than_the_limits_allow(html, most, monkeypatch):
    followed = Counter()
    start = _Scan.start

    def counted(scan, name, attributes):
        followed["tags"] += 1
        start(scan, name, attributes)

    monkeypatch.setattr(_Scan, "start", counted)
    assert len(html) > 4_500_000
    with pytest.raises(ParseRefused):
        check_tree(html)
    assert followed["tags"] <= most


def test_a_small_page_is_counted_once_and_not_copied(monkeypatch):
    monkeypatch.setattr(tree_guard, "_NO_BRACKETS", None)
    assert check_tree(b"<p>" * (MAX_DEPTH - 1)) == MAX_DEPTH - 1
    with pytest.raises(TypeError):
        check_tree(b"<p>" * MAX_DEPTH)


def test_an_element_that_is_not_open_is_not_looked_for_among_those_that_are():
    class Open(list):
        looked = 0

        def __getitem__(self, index):
            Open.looked += 1
            return super().__getitem__(index)

    scan = _Scan()
    scan.open = Open()
    scan.run("<div>" * 400 + "<main></main>" * 100)
    assert Open.looked < 1_000

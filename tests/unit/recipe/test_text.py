"""Visible text: lines as a reader sees them, the same from both trees."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.css import compile_css
from crawler.recipe.documents import parse_document
from crawler.recipe.text import BLOCKS, squeezed
from crawler.recipe.tree_scope import TreeScope

CASES = [
    ("plain", "plain"),
    ("  a \t\n b  ", "a b"),
    ("a<b>b</b>c", "abc"),
    ("a <b> b </b> c", "a b c"),
    ("a<br>b<br/>c", "a\nb\nc"),
    ("a<br><br>b", "a\nb"),
    ("<br>a<br>", "a"),
    ("<p>a</p><p>b</p>", "a\nb"),
    ("a<p>b</p>c", "a\nb\nc"),
    ("<div><div><p>a</p></div></div><div>b</div>", "a\nb"),
    ("<p> </p><p>a</p>", "a"),
    ("<ul><li>a<li>b</ul>", "a\nb"),
    ("<table><tr><td>a<td>b<tr><td>c</table>", "a\nb\nc"),
    ("<select><option>a<option>b</select>", "a\nb"),
    ("a<script>x</script>b<style>y</style>c", "abc"),
    ("a<template><p>x</p></template>b<noscript><p>y</p></noscript>c", "abc"),
    ("a<!-- x -->b", "ab"),
    ("a&nbsp;&nbsp;b", "a\u00a0\u00a0b"),
    ("&nbsp;a&nbsp;", "a"),
    ("é \n é&nbsp; x", "é é\u00a0 x"),
    ("a&#8195;b", "a\u2003b"),
    ("a&lt;b&gt; &amp;amp;", "a<b> &amp;"),
    ("<pre>a\n  b</pre>", "a b"),
    ("<span></span>", ""),
    ("", ""),
    ("<textarea>\n x </textarea>", "x"),
    ("<img alt=no>", ""),
    ("<h2>a</h2>b<span>c<i>d</i></span><hr>e", "a\nbcd\ne"),
    ("<svg><title>t</title></svg>", "t"),
    ("<x-box>a</x-box><x-box>b</x-box>", "ab"),
]


@pytest.mark.parametrize(("html", "text"), CASES)
def test_an_element_gives_what_a_reader_sees(html, text):
    document = parse_document(f"<!doctype html><div id=e>{html}</div>".encode(), kind="html", url="u")
    query = compile_css("#e")
    assert document.root.values(query) == [text]
    second = document.second()
    assert TreeScope(document, second, second.tree, is_row=False).values(query) == [text]


@pytest.mark.parametrize("tag", ["script", "style", "noscript", "textarea", "title"])
def test_an_element_that_is_hidden_inside_others_can_be_read_itself(tag):
    document = parse_document(f"<div><{tag}>x y</{tag}></div>".encode(), kind="html", url="u")
    assert document.root.values(compile_css(tag)) == ["x y"]


def test_own_text_leaves_out_what_is_in_other_elements():
    document = parse_document(b"<p> a <b>b</b>\n c <!-- x --></p><p><b>only</b></p>", kind="html", url="u")
    assert document.root.values(compile_css("p::text")) == ["a c"]


def test_text_nodes_come_one_by_one_in_order():
    document = parse_document(b"<p> a <b>b<i>c</i></b> d <script>e</script></p>", kind="html", url="u")
    query = compile_css("p ::text")
    assert document.root.values(query) == ["a", "b", "c", "d", "e"]
    second = document.second()
    assert TreeScope(document, second, second.tree, is_row=False).values(query) == ["a", "b", "c", "d", "e"]


def test_the_deepest_page_that_is_parsed_can_be_read():
    document = parse_document(b"<div>" * 500 + b"<p>x<p>y", kind="html", url="u")
    assert document.root.own() == "x\ny"


def test_only_ascii_blanks_are_squeezed():
    assert squeezed(" a \r\n\f\t b ") == "a b"
    assert squeezed(" é\u00a0 \u2003 b\u00a0") == "é\u00a0 \u2003 b"


@given(st.text(alphabet=st.sampled_from(" \t\n\r\f\x0b\x00\x1c\x85\u00a0\u2003\u200b\u3000aé😀"), max_size=12))
def test_any_text_is_squeezed_at_ascii_blanks(text):
    words = re.split(r"[ \t\n\r\f\x0b]+", text) if not text.isascii() else text.split()
    assert squeezed(text) == " ".join(words).strip()


def test_inline_elements_are_no_blocks():
    assert not BLOCKS & {"a", "b", "span", "br", "img", "label", "button", "input", "code"}

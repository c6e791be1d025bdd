"""The CSS dialect: what it takes, what it refuses, and the cure it offers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.css import MAX_SELECTOR_LENGTH, compile_css, is_html_element, unescape
from crawler.recipe.css_tree import css_string
from crawler.recipe.documents import parse_document
from crawler.recipe.query_error import QueryError

PAGE = b"""<!doctype html><html><head><title>T</title></head><body class="home">
<div id="a" class="row first"><h2>One</h2><p class="md:flex">alpha <b>bold</b> tail</p>
<a href="/1" title="x">L1</a></div>
<div id="b" class="row"><h2>Two</h2><p>beta</p><p>gamma</p><a href="/2">L2</a><img src="i.png" alt></div>
<ul><li class="x">1<li>2<li class="x">3<li class="x y">4</ul>
<table><tr><th>Size</th><td>Large</td></tr><tr><th>Colour</th><td>Red</td></tr></table>
<select><option value="1">a<option value="2" selected>b<option disabled>c</select><input checked type=checkbox required>
<p data-l="en-GB">Say "hi" (now)</p><p data-l="EN">upper</p><div class="empty"></div><div class="1st">digit</div>
<svg><path d="M0"/></svg></body></html>"""


def values(selector: str) -> list[str]:
    return parse_document(PAGE, kind="html", url="https://x.example/").root.values(compile_css(selector))


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("h2", ["One", "Two"]),
        ("H2", ["One", "Two"]),
        ("#a h2", ["One"]),
        ("div.row.first > h2", ["One"]),
        ("h2 + p", ["alpha bold tail", "beta"]),
        ("h2 ~ p", ["alpha bold tail", "beta", "gamma"]),
        ("h2~p", ["alpha bold tail", "beta", "gamma"]),
        ("[href]", ["L1", "L2"]),
        ("[href='/1']", ["L1"]),
        ('a[href="/1"]', ["L1"]),
        ("a[href^=\\/2]", ["L2"]),
        ("[data-l|=en]", ['Say "hi" (now)']),
        ("[data-l|=en i]", ['Say "hi" (now)', "upper"]),
        ("[data-l='en' i]", ["upper"]),
        ("[data-l = 'EN' s]", ["upper"]),
        (".md\\:flex", ["alpha bold tail"]),
        (".md\\3a flex", ["alpha bold tail"]),
        (".\\31 st", ["digit"]),
        ("li:nth-child(2)", ["2"]),
        ("li:nth-child(2n+1)", ["1", "3"]),
        ("li:nth-child( 2n + 1 )", ["1", "3"]),
        ("li:nth-child(even)", ["2", "4"]),
        ("li:nth-child(-n+2)", ["1", "2"]),
        ("li:nth-child(n+3)", ["3", "4"]),
        ("li:nth-child(2 of .x)", ["3"]),
        ("li:nth-last-child(1)", ["4"]),
        ("p:nth-of-type(2)", ["gamma", "upper"]),
        ("p:first-of-type::text", ["alpha tail", "beta", 'Say "hi" (now)']),
        ("#b > :last-of-type::attr(src)", ["i.png"]),
        ("li:first-child, li:last-child", ["1", "4"]),
        ("td:only-of-type", ["Large", "Red"]),
        ("li:not(.x)", ["2"]),
        ("li:not(.y, :first-child)", ["2", "3"]),
        ("li:is(.y, :first-child)", ["1", "4"]),
        ("li:where(.y)", ["4"]),
        ("p:not(.row p)", ['Say "hi" (now)', "upper"]),
        ("p:not(.first p, [data-l])", ["beta", "gamma"]),
        ("a:is(.first > a)", ["L1"]),
        ("tr:has(td)", ["Size\nLarge", "Colour\nRed"]),
        ("div:has(> img) h2", ["Two"]),
        ("h2:has(~ img)", ["Two"]),
        ("tr:has(th:contains('Size')) td", ["Large"]),
        ("tr:contains(Size)", ["Size\nLarge"]),
        ("th:contains('Colour') + td", ["Red"]),
        ('p:contains("\\"hi\\"")', ['Say "hi" (now)']),
        ("p:contains('(now)')", ['Say "hi" (now)']),
        (":link", ["L1", "L2"]),
        ("option:checked", ["b"]),
        (":disabled", ["c"]),
        ("input:required::attr(type)", ["checkbox"]),
        ("a::attr(href)", ["/1", "/2"]),
        ("a::attr(title)", ["x"]),
        ("img::attr(alt)", []),
        ("img::attr( src )", ["i.png"]),
        ("p.md\\:flex::text", ["alpha tail"]),
        ("#a ::text", ["One", "alpha", "bold", "tail", "L1"]),
        ("#a ::attr(href)", ["/1"]),
        ("h2, a::attr(href)", ["One", "/1", "Two", "/2"]),
        ("a::attr(href), a::attr(title)", ["/1", "x", "/2"]),
        ("h2, #a h2, .row h2", ["One", "Two"]),
        ("::attr(title)", ["x"]),
        ("svg path::attr(d)", ["M0"]),
        (":root > head > title", ["T"]),
        ("body.home h2", ["One", "Two"]),
        ("div:empty::attr(class)", ["empty"]),
        ("nothing", []),
    ],
)
def test_a_selector_finds_each_match_once_in_document_order(selector, found):
    assert values(selector) == found


@pytest.mark.parametrize(
    ("selector", "message", "hint"),
    [
        ("", "empty", None),
        ("  ", "empty", None),
        ("a[", "attribute name", None),
        ("a[b=1]", "not in quotes", '[b="..."]'),
        ("a[b='c", "not in quotes", None),
        ("a[b=c", "not closed by ]", None),
        ("[a!=b]", "[a!=...]", ":not([a=...])"),
        ("[x|a]", "namespaces", None),
        ("svg|path", "no such namespace", "name alone"),
        ("*|x", "no such namespace", "name alone"),
        ("li:eq(1)", ":eq", ":nth-child"),
        ("li:gt(1)", ":gt", "slice"),
        ("li:first", ":first", "first match"),
        ("li:last", ":last", "slice: [-1]"),
        ("a:matches(.x)", ":matches", ":is(...)"),
        ("a:icontains(x)", ":icontains", "(?i)"),
        ("a:hover", ":hover", "no such state"),
        ("a:visible", ":visible", "no layout"),
        ("a:foo", ":foo", ":nth-child"),
        ("a:text", ":text", "::text"),
        ("a::before", "no pseudo-element", "::text and ::attr(name)"),
        ("a::text b", "::text must stand last", "behind 'b'"),
        ("a::attr(href) > b, c", "must stand last", "'> b'"),
        ("a::attr()", "no pseudo-element", None),
        ("a > ::text", "has no element to read", "x::text"),
        ("a:not(b::text)", "cannot stand in :not()", "last"),
        ("> a", "needs a row", "leave '>' out"),
        (":scope a", "here is none", ":root"),
        ("a :scope", "may only begin", "> x"),
        ("a:not(:scope b)", "here is none", None),
        ("a,", "ends where", None),
        ("a,,b", "',' at character 3", None),
        ("a >", "ends where", None),
        ("a > > b", "'>' at character 5", None),
        (".1st", "a class name", None),
        ("#", "an id", None),
        ("a:not(b", "not closed by )", None),
        ("a:not()", "')' at character 7", None),
        ("a:has(b c)", "one element without blanks", "xpath"),
        ("li:has(~ li ~ b)", "one element without blanks", "xpath"),
        ("a:has(b:has(c))", ":has()", "split"),
        ("a:has(:not(b c))", "combinator", "split"),
        ("a:nth-child(x)", "needs even, odd", "2n+1"),
        ("a:nth-child", "needs an argument", None),
        ("a:nth-of-type(1 of .x)", "no `of`", ":nth-child"),
        ("a:nth-child(9999999999n)", "too large", None),
        ("a:contains()", "empty", 'contains("text")'),
        ("a:not(a:not(a:not(a:not(b))))", "lies in", None),
        ("//a", "'/' at character 1", "`xpath:`"),
        ("{{ inputs.x }}", "'{' at character 1", "templates"),
        ("a\x00", "control character", None),
        ("a\ud800", "control character", None),
        ("a" * (MAX_SELECTOR_LENGTH + 1), "1001 characters", None),
    ],
)
def test_what_is_no_selector_is_refused_with_the_cure(selector, message, hint):
    with pytest.raises(QueryError) as error:
        compile_css(selector)
    assert message in error.value.args[0]
    if hint is not None:
        assert error.value.hint is not None
        assert hint in error.value.hint


@pytest.mark.parametrize(
    "selector", ["> a", "+ tr", "~ p::text", ":scope > a", ":scope", ":scope.x a", ":scope::attr(id)"]
)
def test_a_row_may_begin_at_itself(selector):
    assert compile_css(selector, row=True).row


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(text):
    with contextlib.suppress(QueryError):
        compile_css(text)


@given(
    st.lists(
        st.sampled_from(["a", ".x", "#i", "[h]", ":not(", ")", ">", " ", ",", "::text", "*", ":has(", '"', "~", "+"])
    )
)
def test_any_mixture_of_parts_compiles_and_runs_or_is_refused(pieces):
    try:
        query = compile_css("".join(pieces))
    except QueryError:
        return
    parse_document(PAGE, kind="html", url="https://x.example/").root.values(query)


def test_queries_compare_by_text():
    assert compile_css("a") == compile_css("a")
    assert compile_css("a") != compile_css("b")
    assert compile_css("a").language == "css"


@pytest.mark.parametrize(
    ("name", "known"), [("h1", True), ("DIV", True), ("svg", True), ("GBP", False), ("prise", False)]
)
def test_a_word_is_an_html_element_or_not(name, known):
    assert is_html_element(name) is known


@pytest.mark.parametrize(
    ("written", "meant"), [("a\\:b", "a:b"), ("\\31 st", "1st"), ("\\0", "\ufffd"), ("\\110000", "\ufffd"), ("a", "a")]
)
def test_escapes_are_read_as_css_says(written, meant):
    assert unescape(written) == meant


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_quoted_string_is_read_back_unchanged(text):
    assert unescape(css_string(text)[1:-1]) == text

"""What XPath on lexbor's tree may look at: nothing twice for each element, and not too much."""

from __future__ import annotations

import pytest

from crawler.recipe.documents import parse_document
from crawler.recipe.queries import compile_css, compile_xpath
from crawler.recipe.query_error import QueryFailed
from crawler.recipe.xpath_walks import WALKS, deep_texts, outermost


def parsed(body: bytes):
    return parse_document(body, kind="html", url="https://shop.example/")


@pytest.mark.parametrize(
    ("axis", "name", "most", "expected"),
    [
        ("child", "*", 0, ["b", "i", "b"]),
        ("child", "b", 0, ["b", "b"]),
        ("child", "b", 1, ["b"]),
        ("parent", "*", 0, ["body"]),
        ("parent", "div", 0, []),
        ("self", "p", 0, ["p"]),
        ("ancestor", "*", 0, ["body", "html"]),
        ("ancestor", "*", 1, ["body"]),
        ("following-sibling", "*", 0, ["ul", "ol"]),
        ("preceding-sibling", "*", 0, ["h2", "h1"]),
        ("preceding-sibling", "*", 1, ["h2"]),
    ],
)
def test_each_axis_is_walked_from_the_element_in_its_own_direction(axis, name, most, expected):
    root = parsed(b"<body><h1></h1>t<h2></h2><!--c--><p><b></b>t<i></i><!--c--><b></b></p><ul></ul>t<ol></ol>").root
    (p,) = root.select(compile_css("p"))
    for _ in range(3):  # who asks twice is answered from what was noted
        assert [node.tag for node in WALKS[axis](p, root.at(""), name, most)] == expected


@pytest.mark.parametrize("text", ["../h2", "preceding-sibling::h2[1]", "following-sibling::p[1]", "../p[2]"])
def test_rows_that_look_at_each_other_cost_a_few_visits_each(text):
    rows = 3_000
    document = parsed(b"<div><h2>x</h2>" + b"<p class=a>y</p>" * rows + b"</div>")
    query, before = compile_xpath(text, row=True), document.visits_left
    for row in document.root.rows(compile_css("p")):
        assert len(row.values(query, as_="text")) <= 1
    assert before - document.visits_left < 40 * rows


def test_all_rows_of_a_page_together_may_not_look_at_too_much():
    document = parsed(b"<div>" + b"<p>y</p>" * 50 + b"</div>")
    document.visits_left = 1_000
    query = compile_xpath("following-sibling::p[.='x'][1]", row=True)
    rows = document.root.rows(compile_css("p"))
    with pytest.raises(QueryFailed, match="could take seconds on this page"):
        _ = [row.values(query, as_="text") for row in rows]


def test_what_lies_in_others_is_left_out_and_texts_come_once_in_their_order():
    root = parsed(b"<div id=1>a<div id=2>b</div>c</div><div id=3>d</div>").root
    nodes = root.select(compile_css("div"))
    assert [node.id for node in outermost(nodes, root.at(""))] == ["1", "3"]
    assert [text for _, text in deep_texts(nodes, root.at(""))] == ["a", "b", "c", "d"]


DEEP = b"<div>" * 300 + b"".join(b"<i>%d</i>" % number for number in range(19_000)) + b"x" * 1_000_000


@pytest.mark.parametrize("text", ["//*[following-sibling::i='x']", "//*[contains(., 'zz')]", "//*[ancestor::x]"])
def test_what_would_look_at_too_much_is_given_up(text):
    with pytest.raises(QueryFailed, match="could take seconds on this page"):
        parsed(DEEP).root._xpath(compile_xpath(text))


@pytest.mark.parametrize(
    "text",
    [
        "//*/following-sibling::*[1]/following-sibling::*[2]",
        "//i/following-sibling::*",
        "//i[.//x or following-sibling::*]",
        "//i/ancestor::div[1]",
        "//div//text()",
    ],
)
def test_what_goes_the_same_way_from_many_elements_goes_it_once(text):
    assert parsed(DEEP).root._xpath(compile_xpath(text))

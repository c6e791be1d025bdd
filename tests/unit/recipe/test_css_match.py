"""Combinators: the same matches as lexbor, nothing from outside the scope, and never more than linear time."""

from __future__ import annotations

import random
import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.recipe.css import compile_css
from crawler.recipe.css_lexbor import LexborEngine
from crawler.recipe.css_match import Known, lies_in_itself
from crawler.recipe.documents import parse_document
from crawler.recipe.html_document import HtmlDocument
from crawler.recipe.query_error import QueryFailed
from crawler.recipe.tree_scope import TreeScope
from crawler.recipe.xpath import compile_xpath

PAGE = b"""<body class=b><main class=row><div class=row id=outer><p class=x>before</p>
<div class=row id=inner><p class=x>in</p><span>s</span><ul><li>1<li class=x>2</ul></div>
<p>after</p><b>last</b></div></main>"""


def row(selector: str):
    (found,) = parse_document(PAGE, kind="html", url="https://x.example/").root.rows(compile_css(selector))
    return found


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("p", ["in"]),
        ("body p", []),  # nothing above the row is seen
        ("#outer p", []),
        ("main > div p", []),
        ("p ~ span", ["s"]),
        ("p.x", ["in"]),
        (".row p", ["in"]),  # the row itself is seen
        (".row .x", ["in", "2"]),
        (".row > p", ["in"]),
        ("div", ["in\ns\n1\n2"]),
        (":scope > p", ["in"]),
        ("> p", ["in"]),
        ("> p, > span", ["in", "s"]),
        ("> li", []),
        ("> ul > li + li", ["2"]),
        ("+ p", ["after"]),
        ("~ *", ["after", "last"]),
        ("~ b::text", ["last"]),
        ("+ b", []),
        (":scope", ["in\ns\n1\n2"]),
        (":scope::attr(id)", ["inner"]),
        (":scope.row p", ["in"]),
        (":scope.other p", []),
        ("li:not(ul .x)", ["1"]),
        ("p:not(#outer p)", ["in"]),  # :not() sees nothing above the row either
        ("p:is(.row > p)", ["in"]),
        (":root", []),
        ("::attr(id)", ["inner"]),
        ("::text", ["in", "s", "1", "2"]),
        (":scope ::text", ["in", "s", "1", "2"]),
    ],
)
def test_in_a_row_a_selector_sees_the_row_and_what_is_inside(selector, found):
    assert row("#inner").values(compile_css(selector, row=True)) == found


def test_a_row_in_a_row_sees_its_own_part_only():
    (inner,) = row("#outer").rows(compile_css("#inner", row=True))
    assert inner.values(compile_css("p", row=True)) == ["in"]


def _random_page(rng: random.Random) -> str:
    names, pieces, depth = ["div", "p", "b", "ul"], [], 0
    for _ in range(60):
        if depth and rng.random() < 0.45:
            pieces.append("</div>")
            depth -= 1
        else:
            pieces.append(f"<div class='{rng.choice('abc')} {rng.choice('abc')}'>{rng.choice(names)[0]}")
            depth += 1
    return "<!doctype html>" + "".join(pieces)


def test_chains_of_combinators_match_what_lexbor_matches():
    rng = random.Random(7)
    for _ in range(150):
        html = _random_page(rng)
        selector = "".join(
            f"{rng.choice(['.a', '.b', '.c', 'div', ':first-child', '.a.b'])}{rng.choice([' ', ' > ', ' + ', ' ~ '])}"
            for _ in range(rng.randint(2, 4))
        )
        selector += rng.choice([".a", "div", ":last-child", ".c:not(.a .b)", ".b:is(.a > *)"])
        ours = parse_document(html.encode(), kind="html", url="u").root.values(compile_css(selector), as_="html")
        theirs = [(node.html or "").strip() for node in LexborHTMLParser(html).css(selector)]
        assert ours == theirs, selector


@pytest.mark.parametrize(
    ("page", "selector"),
    [
        ("<div>" * 400 + "<b>x", ".no div div div div b"),  # lexbor alone: 158 s
        ("<div>" * 400 + "<b>x", "div:not(.no div div div) b"),
        ("<ul>" + "<li>x" * 2000 + "</ul>", ".no ~ li ~ li ~ li"),
        ("<ul>" + "<li>x" * 2000 + "</ul>", "li ~ li ~ li ~ b"),
        ("<ul>" + "<li>x" * 15000 + "<li class=a>y" * 20 + "</ul>", "ul .a ~ li"),
    ],
)
def test_no_selector_takes_for_ever(page, selector):
    document = parse_document(page.encode(), kind="html", url="u")
    before = time.process_time()
    document.root.values(compile_css(selector))
    assert time.process_time() - before < 5


COSTLY = (
    ":nth-child(2n+1)",
    ".a:nth-last-child(-n+3)",
    ":nth-of-type(3n)",
    "div:nth-last-of-type(2)",
    ":nth-child(2 of .a, .b)",
    ":nth-last-child(1 of .c:not(.a))",
    ":has(> .a)",
    ":has(~ .a, + .b)",
    ".a:has(.b:nth-child(2))",
    ":not(:has(.c))",
    ".a:not(:nth-child(1)):is(:has(.b), .c)",
    ':contains("p")',
    'div:not(:contains("b")) > .a:contains("d")',
    ".a:nth-child(2) ~ .b:has(.c) .a",
)


@pytest.mark.parametrize("selector", COSTLY)
def test_a_large_page_is_matched_as_a_small_one(selector):
    rng = random.Random(11)
    query = compile_css(selector)
    for _ in range(30):
        html = _random_page(rng)
        small = parse_document(html.encode(), kind="html", url="u").root
        large = parse_document(html.encode(), kind="html", url="u")
        large.engine = LexborEngine(Known(large._parser.root))
        assert large.root.values(query, as_="html") == small.values(query, as_="html")
        rows = small.rows(compile_css(".a")), large.root.rows(compile_css(".a"))
        for row, same in list(zip(*rows, strict=True))[:5]:
            assert same.values(query, as_="html") == row.values(query, as_="html")


@pytest.mark.parametrize("selector", COSTLY)
def test_so_it_is_on_the_other_tree(selector):
    rng = random.Random(12)
    query = compile_css(selector)
    for _ in range(15):
        html = _random_page(rng)
        small = parse_document(html.encode(), kind="html", url="u")
        second = small.second()
        wanted = [(node.tag, node.attributes.get("class")) for node in small.root.select(query)]
        second.known = Known(second.tree)
        found = TreeScope(small, second, second.tree, is_row=False).elements(query)
        assert [(node.tag, node.get("class")) for node in found] == wanted


def test_siblings_that_match_a_list_are_counted_together_on_every_page():
    page = "<div><i id=1 class=a></i><i id=2 class=b></i><i id=3 class='a b'></i><i id=4></i><i id=5 class='a b'></i>"
    root = parse_document(page.encode(), kind="html", url="u").root
    for number, found in ((1, ["1"]), (2, ["2"]), (3, ["3"]), (4, ["5"]), (5, [])):
        assert root.values(compile_css(f":nth-child({number} of .a, .b)::attr(id)")) == found
        assert len(root.rows(compile_css(f"div:has(:nth-child({number} of .a, .b))"))) == len(found)
    assert root.values(compile_css("i:nth-last-child(1 of .a:not(.b))::attr(id)")) == ["1"]


def test_rows_of_a_large_page_find_out_about_siblings_once():
    page = "<ul>" + "<li><b>x</b><i>y</i></li>" * 6_000 + "</ul>"
    document = parse_document(page.encode(), kind="html", url="u")
    before = time.process_time()
    rows = document.root.rows(compile_css("li"))
    found = [row.values(compile_css("i:nth-child(2)", row=True)) for row in rows]
    assert found == [["y"]] * 6_000
    assert time.process_time() - before < 5


def test_elements_inside_each_other_are_not_read_without_end():
    page = "<div>" * 400 + "x " * 100_000
    document = parse_document(page.encode(), kind="html", url="u")
    with pytest.raises(QueryFailed, match="matches elements inside each other"):
        document.root.values(compile_css("div"))
    with pytest.raises(QueryFailed, match="matches elements inside each other"):
        document.root.values(compile_xpath("//div"))
    assert len(document.root.values(compile_css("div > :not(div), body"))) == 1


def nested(rows: int, inside: int) -> HtmlDocument:
    return HtmlDocument.of_fragment(("<div>" + "<b>x</b>" * inside) * rows, url="https://shop.test/")


@pytest.mark.parametrize(
    ("rows", "inside", "too_often"),
    [(20, 4_000, False), (100, 10, False), (400, 200, True), (100, 300, False), (200, 300, True)],
)
def test_elements_inside_each_other_may_not_hold_the_same_ones_too_often(rows, inside, too_often):
    document = nested(rows, inside)
    assert lies_in_itself(document.engine, document.root.select(compile_css("div"))) == too_often


def test_rows_beside_each_other_may_be_as_many_as_there_are():
    document = HtmlDocument.of_fragment("<div><p>x</p></div>" * 15_000, url="https://shop.test/")
    assert len(document.root.rows(compile_css("div"))) == 15_000


@pytest.mark.parametrize(
    "ask",
    [
        lambda scope, css: scope.rows(css),
        lambda scope, css: scope.values(css, remove=[compile_css("i")]),
    ],
    ids=["rows", "remove"],
)
def test_what_holds_the_same_elements_too_often_is_no_row_and_not_copied(ask):
    scope = nested(400, 200).root
    with pytest.raises(QueryFailed, match=r"`css: div` matches 400 elements inside each other.*select the inner ones"):
        ask(scope, compile_css("div"))

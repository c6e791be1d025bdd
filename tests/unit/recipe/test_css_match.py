"""Combinators: the same matches as lexbor, nothing from outside the scope, and never more than linear time."""

from __future__ import annotations

import random
import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.recipe.css import compile_css
from crawler.recipe.documents import parse_document

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

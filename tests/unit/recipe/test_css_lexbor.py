"""Selectors are found on lexbor's tree as `css_match` finds them, whatever way leads there."""

import random
import sys
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

sys.path.insert(0, str(Path(__file__).parent))

from messy_pages import MessyPage

from crawler.recipe.css import compile_css
from crawler.recipe.css_lexbor import ENGINE, Columns, finder, shareable, sharing_finder
from crawler.recipe.css_match import select

LEADING = [":is(.row, li) b", ":not(.x) b", ":not(.x) > p", "*:is(ul, .row) p", ":is(b, i) ~ i", "div :not(b) i"]
SELECTORS = [
    *LEADING,
    "b",
    ".row p",
    ".row p b",
    "div div",
    "ul li b",
    ".row > p",
    "p b i",
    "h2 + p",
    "* *",
    "table tr td b",
]


@pytest.mark.parametrize("text", SELECTORS)
def test_every_way_finds_what_matching_one_compound_after_the_other_finds(text):
    selector = compile_css(text, row=True).parts[0].selector
    in_row, in_page = finder(selector, row=True), finder(selector, row=False)
    found = 0
    for number in range(30):
        root = LexborHTMLParser(MessyPage(number).body()).root
        assert keys(in_page(root)) == keys(select(ENGINE, selector, root))
        for row in root.css("div, li, p, td"):
            wanted = keys(select(ENGINE, selector, row))
            assert keys(in_row(row)) == wanted
            found += len(wanted)
    assert found


@pytest.mark.parametrize("seed", range(4))
def test_what_fields_share_is_found_once_and_every_field_finds_its_own(seed):
    selectors = [compile_css(text).parts[0].selector for text in [*SELECTORS, "ul", "ul li", "div", ".row p i", "b"]]
    random.Random(seed).shuffle(selectors)
    shared = {text for selector in selectors for text in shareable(selector)}
    finders = [sharing_finder(selector, shared) for selector in selectors]
    for number in range(30):
        root, known = LexborHTMLParser(MessyPage(number).body()).root, {}
        for _ in range(2):
            for selector, find in zip(selectors, finders, strict=True):
                assert keys(find(root, known)) == keys(select(ENGINE, selector, root))
        assert set(known) <= shared
        assert {"b", "ul", "ul li", ".row > p"} <= set(known)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".a .b c", [".a", ".a .b", ".a .b c"]),
        (".a > .b c", [".a > .b c"]),
        (".a", [".a"]),
        (":is(.a .b) c", []),
    ],
)
def test_selectors_share_how_they_begin_up_to_a_blank(text, expected):
    assert shareable(compile_css(text).parts[0].selector) == expected


def test_what_is_not_shared_is_not_kept_and_a_beginning_is_looked_for_once():
    page, known = LexborHTMLParser("<div class=a><p><b>1</b></p></div><div class=c><b>2</b></div>"), {}
    first, second, other = (
        sharing_finder(compile_css(text).parts[0].selector, {".a", ".x"}) for text in (".a p b", ".a b", ".c b")
    )
    assert [node.text() for node in first(page.root, known)] == ["1"]
    assert list(known) == [".a"]
    known[".a"] = page.css(".c")  # as if that had been found: nobody looks again
    assert [node.text() for node in second(page.root, known)] == ["2"]
    assert [node.text() for node in other(page.root, known)] == ["2"]
    assert list(known) == [".a"]


@pytest.mark.parametrize("text", [*SELECTORS, ".row b", "body b", "li b", "b:first-child", ":not(b)", "i ~ b"])
@pytest.mark.parametrize("each", ["li", ".x > *", "td"])
def test_rows_beside_each_other_are_searched_together_and_none_sees_more_than_itself(each, text):
    selector = compile_css(text, row=True).parts[0].selector
    together = 0
    for number in range(30):
        messy = b"".join(b"<li><b>%d</b><i>1</i><b>2</b>%s" % (each, b"<p>" * (each % 3)) for each in range(12))
        body = b"<div class='row x'><p>" + messy + b"</div><ul class=row>" + messy + b"</ul>" + MessyPage(number).body()
        rows = LexborHTMLParser(body).root.css(each)
        for beside in (rows, [row for row in rows if row.parent.mem_id == rows[0].parent.mem_id]):
            columns = Columns(beside)
            for row in beside:
                wanted = keys(select(ENGINE, selector, row))
                column = columns.find(selector, row)
                if column is not None:
                    together += 1
                    assert keys(column) == wanted
    assert together or each == "td" or len(selector.compounds) > 1


@pytest.mark.parametrize(("around", "together"), [("<div>", True), ("<div class=price>", False)])
def test_what_stands_around_rows_decides_whether_lexbor_may_see_it(around, together):
    selector = compile_css(".price b", row=True).parts[0].selector
    rows = LexborHTMLParser(around + "<i><u class=price><b>1</b></u><b>2</b></i>" * 9).root.css("i")
    columns = Columns(rows)
    assert all((columns.find(selector, row) is not None) == together for row in rows)
    assert not together or [node.text() for row in rows for node in columns.find(selector, row)] == ["1"] * 9


@pytest.mark.parametrize("text", ["i + b", "i ~ b", "u s q b"])
def test_what_looks_beside_itself_or_goes_back_is_searched_row_by_row(text):
    selector = compile_css(text, row=True).parts[0].selector
    rows = LexborHTMLParser("<i></i><b>1</b>" * 9).root.css("b")
    assert Columns(rows).find(selector, rows[0]) is None
    assert finder(selector, row=True)(rows[0]) == []


def test_a_few_rows_or_rows_of_several_parents_are_searched_one_by_one():
    selector = compile_css("b", row=True).parts[0].selector
    for html in ("<i><b>1</b></i>" * 7, "<p><i><b>1</b></i></p>" * 20):
        rows = LexborHTMLParser(html).root.css("i")
        assert Columns(rows).find(selector, rows[0]) is None
    rows = LexborHTMLParser("<i><b>1</b></i>" * 8).root.css("i")
    assert len(Columns(rows).find(selector, rows[0])) == 1


def keys(nodes):
    return [node.mem_id for node in nodes]


PARTS = ["div", "p", "b", "li", "*", ".row", ".x", ":is(.row, ul)", ":not(.x)", ":not(p)", "b:not(.x)", ":is(li, p)"]


@pytest.mark.parametrize("seed", range(6))
def test_lexbor_finds_by_itself_what_matching_one_compound_after_the_other_finds(seed):
    chance = random.Random(seed)
    roots = [LexborHTMLParser(MessyPage(seed * 10 + number).body()).root for number in range(4)]
    found = 0
    for _ in range(150):
        text = "".join(
            chance.choice(PARTS) + (chance.choice([" ", " > ", " + ", " ~ "]) if more else "") for more in (1, 0)
        )
        selector = compile_css(text).parts[0].selector
        for root in roots:
            wanted = keys(select(ENGINE, selector, root))
            assert keys(root.css(selector.native)) == wanted, text
            found += len(wanted)
    assert found


def test_siblings_after_siblings_and_texts_that_all_below_would_search_again_are_not_left_to_lexbor():
    texts = ("h2 ~ p", "h2 + p", "h2 p", "h2 > p", "div h2 p", 'div:contains("zzz") p')
    selectors = [compile_css(text).parts[0].selector for text in texts]
    assert [selector.is_soon_found for selector in selectors] == [False, True, True, True, False, False]

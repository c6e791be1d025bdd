"""Selectors are found on lexbor's tree as `css_match` finds them, whatever way leads there."""

import sys
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

sys.path.insert(0, str(Path(__file__).parent))

from messy_pages import MessyPage

from crawler.recipe.css import compile_css
from crawler.recipe.css_lexbor import ENGINE, finder
from crawler.recipe.css_match import select

SELECTORS = ["b", ".row p", ".row p b", "div div", "ul li b", ".row > p", "p b i", "h2 + p", "* *", "table tr td b"]


@pytest.mark.parametrize("text", SELECTORS)
def test_every_way_finds_what_matching_one_compound_after_the_other_finds(text):
    selector = compile_css(text, row=True).parts[0].selector
    in_row, in_page = finder(selector, row=True), finder(selector, row=False)
    found = 0
    for number in range(60):
        root = LexborHTMLParser(MessyPage(number).body()).root
        assert keys(in_page(root)) == keys(select(ENGINE, selector, root))
        for row in root.css("div, li, p, td"):
            wanted = keys(select(ENGINE, selector, row))
            assert keys(in_row(row)) == wanted
            found += len(wanted)
    assert found


def keys(nodes):
    return [node.mem_id for node in nodes]

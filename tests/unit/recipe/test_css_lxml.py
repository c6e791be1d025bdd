"""On lxml's tree a selector finds what it finds on lexbor's."""

from __future__ import annotations

import pytest

from crawler.recipe.css import compile_css
from crawler.recipe.documents import parse_document
from crawler.recipe.query_error import QueryFailed
from crawler.recipe.tree_scope import TreeScope

PAGE = b"""<!doctype html><html><body class="home Big"><div id=a class="row first"><h2>One</h2><p>alpha <b>bold</b></p>
<a href="/1" title="x">L1</a></div><div id=b class=row data-k="A B"><h2>Two</h2><p>beta</p><p></p><a href="/2">L2</a>
<img src=i.png></div><ul><li class=x>1<li>2<li class=x>3<li class="x y">4<b>bb</b></ul><p>it's "quoted"</p>
<dl><dt>k<dd>v<dt>k2<dd>v2</dl><section><h2>Three</h2><span>s</span><p>p1<p>p2</section></body></html>"""

SELECTORS = [
    *("*", "h2", "H2", "#a", ".row", ".x.y", "[title]", "[TITLE]", "[href='/1']", "[data-k~=B]", "[class|=row]"),
    *("[href^='/']", "[src$='png']", "[src*='.p']", "[data-k='a b' i]", "[data-k~='b' i]", "[data-k^='a' i]"),
    *("[data-k$=' b' i]", "[data-k*=' ' i]", "[data-k|='a b' i]", "[data-k^='' i]", "[class='ROW']"),
    *("li:nth-child(2)", "li:nth-child(odd)", "li:nth-child(-n+2)", "li:nth-child(3n-1)", "li:nth-child(2 of .x)"),
    *(
        "li:nth-last-child(2)",
        "li:nth-last-child(1 of .x)",
        "p:nth-of-type(2)",
        "p:nth-last-of-type(1)",
        ":nth-of-type(2)",
    ),
    *("p:first-of-type", "p:last-of-type", "h2:only-of-type", "b:only-child", "li:first-child", "li:last-child"),
    *(":root", "p:empty", "li:not(.x)", "li:not(.y, :first-child)", "li:is(.y, :first-child)", "li:is(b)"),
    *("p:not(.row p)", "p:not(:nth-of-type(1))", "h2:is(.row > h2)", "div:has(> img)", "div:has(b)", "h2:has(+ p)"),
    *("h2:has(~ span)", "div:has(img, b)", "div:not(:has(img))", "p:contains(quoted)", 'p:contains("it\'s \\"quoted")'),
    *("li:contains(b)", "div > p", "div p b", "h2 + p", "h2 ~ p", "dt + dd", "h2, p", "a::attr(href), img::attr(src)"),
    *("p::text", "div ::text", "a::attr(title)", "a::attr(TITLE)", "section > *", "ul li:nth-child(4) > b"),
]


@pytest.mark.parametrize("selector", SELECTORS)
def test_both_trees_give_the_same_values(selector):
    document = parse_document(PAGE, kind="html", url="https://x.example/")
    second = document.second()
    query = compile_css(selector)
    found = document.root.values(query)
    assert TreeScope(document, second, second.tree, is_row=False).values(query) == found
    if selector not in {"[data-k^='' i]", "li:is(b)", "[class='ROW']"}:
        assert found


def test_in_rows_both_trees_agree_on_leading_combinators():
    document = parse_document(PAGE, kind="html", url="https://x.example/")
    second = document.second()
    whole = TreeScope(document, second, second.tree, is_row=False)
    for selector in ("> p", "+ div", "~ ul > li", ":scope::attr(id)", "p", "body p"):
        query = compile_css(selector, row=True)
        ours = [row.values(query) for row in document.root.rows(compile_css(".row"))]
        assert ours == [row.values(query) for row in whole.rows(compile_css(".row"))]


def test_names_in_xml_keep_their_case():
    document = parse_document(b"<a><Item Key='1'/><item key='2'/></a>", kind="xml", url="u")
    assert document.root.values(compile_css("Item::attr(Key)")) == ["1"]
    assert document.root.values(compile_css("item::attr(Key)")) == []


def test_siblings_of_a_type_inside_has_are_refused_on_xml_with_a_reason():
    document = parse_document(b"<a><b/></a>", kind="xml", url="u")
    with pytest.raises(QueryFailed, match="siblings of a type"):
        document.root.values(compile_css("a:has(b:first-of-type)"))

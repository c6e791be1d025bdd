"""Which XPath is of the common forms, and the selector that finds what its brackets ask for."""

from __future__ import annotations

import pytest

from crawler.recipe.queries import compile_xpath
from crawler.recipe.xpath import _tokens
from crawler.recipe.xpath_forms import coarse_css_of, css_of, form_of

UNCOMMON = """
count(//a); //a[count(b) > 1]; //a/following::b; //lineargradient; //svg/@viewbox; //A; //a/@HREF; name(//a)
//a[@n > 3]; //a[//b]; //a[.//b='x']; //text()[1]; //a[position() mod 2 = 0]; //a = 'x'; //*//*; //a//b//c//d//e
/text(); //comment(); //node(); descendant::a[1]; //a/text() | //b; //a[true()]; //a[string-length(.) > 3]; 1 + 1; 'x'
//a[b | c]; (//a)[b]; (//a/@b)[1]; //a//.; /html[1]; /p; //a[@b = @c]; -//a; //a[2 > position()]; //a[.='x' = 'y']
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("text", [text.strip() for text in UNCOMMON if text.strip()])
def test_what_is_of_no_common_form_is_left_to_libxml2(text):
    assert compile_xpath(text).direct is None


@pytest.mark.parametrize(
    ("bracket", "css", "coarse"),
    [
        ("@id", "[id]", "[id]"),
        ("@id = 'x'", '[id="x"]', "[id]"),
        ("'x' = @id", '[id="x"]', "[id]"),
        ("@id != 'x'", None, "[id]"),
        ("not(@id)", ":not([id])", ""),
        ("@id and @class='b'", '[id][class="b"]', '[id][class="b"]'),
        ("@id or @class", ":is([id], [class])", ""),
        ("not(@id or @class)", None, ""),
        ("contains(@class, 'b')", '[class*="b"]', "[class]"),
        ("contains(@class, '')", None, ""),
        ("starts-with(@class, 'b')", '[class^="b"]', "[class]"),
        ("contains(concat(' ', normalize-space(@class), ' '), ' b ')", '[class~="b"]', ""),
        ("contains(concat(' ', normalize-space(@class), ' '), 'b')", None, ""),
        ("contains(concat(' ', @class, ' '), ' b ')", None, '[class*="b"]'),
        ("contains(concat(' ', @class), ' b ')", None, ""),
        ("@href = 'x'", None, "[href]"),
        ("@href", None, "[href]"),
        (". = 'x'", None, ""),
        ("text() = 'x'", None, ""),
        ("b/@id", None, ""),
        ("@id and . = 'x'", None, "[id]"),
    ],
)
def test_a_bracket_is_a_selector_or_narrowed_down_by_one(bracket, css, coarse):
    (trail,) = form_of(_tokens(f"//a[{bracket}]"))
    (test,) = trail.hops[0].brackets
    assert css_of(test) == css
    assert coarse_css_of(test) == coarse

"""Selectors that ask for as much work as they can, and pages that make it most.

The pages are just below what the guard refuses: a page above it never meets a selector.
"""

from __future__ import annotations

import json


def _comb(text: str = "x") -> str:
    return "".join("<div class=a>" + f"<b class='a b'>{text}</b>" * 200 for _ in range(400))


PAGES: dict[str, str] = {
    "19,900 siblings": "<ul>" + "<li class=a>x" * 19_900 + "</ul>",
    "500 deep": "<div class=a>x" * 500 + "</div>" * 500,
    "400 deep with 200 siblings each": _comb(),
    "400 deep with 200 empty siblings each": _comb(""),
    "95,000 elements": "".join(f"<div class=a>{'<p class=b>x' * 999}</div>" for _ in range(95)),
    "a megabyte of text, 400 deep": "<div class=a>" * 400 + "x " * 500_000 + "</div>" * 400,
    "a table of 300 by 300": "<table>" + ("<tr>" + "<td class=a>x" * 300) * 300 + "</table>",
    "one id for all": "".join(f"<section id=x>{'<i id=x class=b>x</i>' * 900}</section>" for _ in range(20)),
    "many classes and attributes": "".join(
        f'<p class="{" ".join(f"c{number}" for number in range(2_000))}" '
        + " ".join(f"a{number}=x" for number in range(1_500))
        + ">x</p>"
        for _ in range(60)
    ),
    "20,000 links": "".join(
        f"<nav>{''.join(f'<a class=a href=/{at}>x</a>' for at in range(1000))}</nav>" for _ in range(20)
    ),
    "siblings of siblings": "".join(f"<div class=a>{'<b class=a>x</b><i>y</i>' * 70}</div>" for _ in range(500)),
}

CSS: tuple[str, ...] = (
    "div:has(~ div) :has(~ b) :has(~ li)",
    "*:has(> *:has(> *))",
    ":has(i):has(b):has(p):has(~ .a):has(~ .none)",
    "li:has(~ .none), b:has(~ .none), a:has(~ .none), td:has(~ .none)",
    ":nth-child(999999999n+1):nth-last-child(-999999999n+999999999)",
    ":nth-child(2n+1 of .a, .b, li, b, :not(i)):nth-last-child(3n of :not(.none))",
    ":nth-of-type(2n):nth-last-of-type(3n+1)",
    '*:contains("zzz") *:contains("x")',
    "* * * * * * * * * *",
    "* ~ * ~ * ~ * ~ *",
    ":not(:not(* *) *):is(* > *, * ~ *, * + *)",
    ".none ~ * .a, * .none + * > .none",
    '[class*="zz"], [class$="zz"], [class~="c1999"], [id^="y" i], [a1499="y"]',
    "#x #x #x #x, #x > #x ~ #x",
    ", ".join(f".a.c{number} > b ~ i" for number in range(45)),
)

XPATH: tuple[str, ...] = (
    "//*[count(.//*) > 5]",
    "//*[count(//*) > 5]",
    "//*//*//*//*//*",
    "//*[contains(., 'zzz')]",
    "//*[preceding::*[. = 'zzz']]",
    "//*/following::*/preceding::*",
    "//*[. = //b]",
    "//*[count(preceding-sibling::*) > 5]",
    "//*/following-sibling::*/following-sibling::*",
    "count(//*[count(ancestor::*) + count(descendant::*) > 3])",
    "//*[string-length(translate(concat(., ., ., .), 'x', 'y')) > 9]",
    "//*[@id = //@id] | //*[@class = //@class] | //*[@href = //@href]",
    "//*[.//*[.//*[.//*]]]",
)

JMESPATH: tuple[str, ...] = (
    "|".join(["[@, @]"] * 100),
    "|".join(["[@, @][]"] * 100),
    "to_string(" + "|".join(["[@, @]"] * 80) + ")",
    "[*].[*].[*].[*].[*].[*]",
    "[][][][][] | sort_by(@, &to_string(@)) | [?to_string(@) == 'x']",
    "[*].[@, @, @, @].[@, @, @, @].[@, @, @, @].[@, @, @, @].[@, @, @, @].[@, @, @, @]",
    "map(&map(&map(&to_string(@), @), @), @)",
    "[?length(@[?length(@[?length(@) > `1`]) > `1`]) > `1`]",
)

REGEXES: tuple[str, ...] = (
    r"(x+x+)+y",
    r"(?:a?){100}(?:x ?){1,500}z",
    r"([\w\s]*,){20}",
    r"(x|x |x x )*q",
    r"\p{L}*\p{N}*(?i:\w+@\w+\.)+$",
)


def json_page() -> str:
    """A megabyte of lists in lists."""
    return json.dumps([[[[[str(number)] * 5] * 4] * 5] * 10 for number in range(220)])

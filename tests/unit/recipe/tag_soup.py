"""Random tags, attributes and texts in no order, worse than messy pages: what two parsers may see differently."""

from __future__ import annotations

import random

_TAGS = """
div p a b i span ul li table tr td th tbody h1 h2 select option svg math path lineargradient title desc foreignobject
template noscript pre code textarea button form label input img br hr o:p font nobr em dt dd dl script style iframe
source object caption mi annotation-xml video picture main
"""
_ATTRIBUTES = """
class='{}' CLASS="{}" id={} href='{}' xlink:href='{}' title='{}' lang={} xml:lang='{}' type=TEXT type='{}' data-x='{}'
selected alt alt='' viewBox='{}' d='{}' xlink:title='{}' class="{}" itemprop='{}' content='{}' src={} @click='{}'
x:y='{}' xmlns='{}' xlink='{}'
"""
TAGS, ATTRIBUTES = _TAGS.split(), _ATTRIBUTES.split()
VALUES = [*"abA", "price", "price new", "\n price\told ", "row", "x y", "", " ", "&quot;q&quot;", "&#13;", "é", "/p/"]
TEXTS = [
    *("a", "b", "Size", " ", "\n", "\n\n a", "&nbsp;", "&amp;lt;", "&#13;", "x\r\ny", "\t", "é", "כ", "<!-- c -->"),
    *("<![CDATA[x]]>", "<?php echo 1 ?>", "&#8203;", "&bogus;", "1 < 2", "t ", "M", "\x0c", "<!-- <b>no</b> -->"),
    *("&#0;", "<!---->"),
]


def tag_soup(number: int) -> bytes:
    """A page."""
    chosen = random.Random(number)
    parts = [chosen.choice(["", "<!doctype html>", "<html class=home>", "<!doctype html><body id=a>"])]
    opened: list[str] = []
    for _ in range(chosen.randint(5, 60)):
        roll = chosen.random()
        if roll < 0.45:
            tag = chosen.choice(TAGS)
            attributes = chosen.choices(ATTRIBUTES, k=chosen.choice([0, 1, 2]))
            parts.append(f"<{' '.join([tag, *(each.format(chosen.choice(VALUES)) for each in attributes)])}>")
            opened.append(tag)
        elif roll < 0.75:
            parts.append(chosen.choice(TEXTS))
        elif opened:
            parts.append(f"</{opened.pop(chosen.choice([-1, -1, -1, 0]))}>")
    return "".join(parts).encode()

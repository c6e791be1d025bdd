"""The nodes of one page: its JSON-LD and microdata, parsed when a rule first asks for them and kept for the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.errors import ParseRefused
from crawler.recipe.js_literal import find_literal
from crawler.recipe.linked_data import nodes_of, own_first, tidied
from crawler.recipe.value_document import parse_json

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from crawler.recipe.documents import Document
    from crawler.recipe.model import NodeSource
    from crawler.recipe.values import Value

#: What old pages begin scripts with, for browsers that are long gone.
_WRAPPING = re.compile(r"^\s*+(?:<!--|(?://|/\*)?\s*+<!\[CDATA\[(?:\s*+\*/)?)")


class PageNodes:
    """The nodes of a page. `stats` counts the blocks that do not parse: they are left out."""

    def __init__(self, document: Document, stats: Counter[str]) -> None:
        self._document = document
        self._stats = stats
        self._linked: Sequence[Value] | None = None
        self._microdata: Sequence[Value] | None = None

    def find(self, source: NodeSource, urls: Sequence[str]) -> list[Value]:
        """The nodes that a rule asks for, the page's own first. `urls`: the addresses of the page."""
        tops = self._tops(source)
        found = own_first(nodes_of(tops, source.type), urls)
        return list(found) if source.raw else tidied(found, tops)

    def _tops(self, source: NodeSource) -> Sequence[Value]:
        if source.syntax == "microdata":
            if self._microdata is None:
                self._microdata = self._document.microdata()
            return self._microdata
        if self._linked is None:
            self._linked = [value for block in self._document.linked_data() for value in self._parsed(block)]
        return self._linked

    def _parsed(self, block: str) -> list[Value]:
        found = parsed_block(block)
        if not found:
            self._stats["recipe/jsonld_unparsed"] += 1
        return found


def parsed_block(block: str) -> list[Value]:
    """The value of one block of JSON-LD, which may be written carelessly; none if it is none."""
    try:
        return [parse_json(block)]
    except ParseRefused:
        pass
    try:
        return [find_literal(_WRAPPING.sub("", block, count=1), loose=True).value]
    except ParseRefused:
        return []

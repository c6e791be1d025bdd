"""Selectors on lxml trees: XML documents, and HTML pages whose two trees differ.

cssselect translates what both it and lexbor know; the rest of the dialect is translated here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, cast

from cssselect import GenericTranslator, HTMLTranslator, SelectorError
from cssselect.parser import parse
from lxml import etree

from crawler.recipe.css_tree import (
    Combinator,
    Compound,
    Contains,
    FlaggedAttribute,
    Has,
    Logical,
    Nth,
    Plain,
    Simple,
    TypeName,
)
from crawler.recipe.query_error import QueryFailed

if TYPE_CHECKING:
    from lxml.etree import _Element

    from crawler.recipe.css_match import Known

_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_AXES: Final[dict[Combinator, str]] = {
    " ": "descendant::*",
    ">": "child::*",
    "+": "following-sibling::*[1]",
    "~": "following-sibling::*",
}


_WITH_TEXT: Final = etree.XPath("descendant-or-self::*[text()[contains(., $string)]]", smart_strings=False)


class LxmlEngine:
    """Matches compounds on lxml elements. `html`: names of elements and attributes are lower-case."""

    def __init__(self, *, html: bool, known: Known[_Element] | None = None) -> None:
        self._html = html
        self.known = known

    def with_text(self, string: str, root: _Element) -> list[_Element]:
        """The elements in `root`, itself included, that have the string in a text node of their own."""
        return cast("list[_Element]", _WITH_TEXT(root, string=string))

    def tag(self, node: _Element) -> str:
        """The element's name."""
        return str(node.tag)

    def find(self, compound: Compound, root: _Element) -> list[_Element]:
        """The elements in `root`, itself included, that match; in document order."""
        found = cast("list[_Element]", _compiled(compound, self._html)(root))
        for simple in compound.simples:
            if isinstance(simple, Nth) and simple.of_type:
                found = [element for element in found if simple.holds(_position_of_type(element, simple.name))]
        return found

    def key(self, node: _Element) -> _Element:
        """The element itself: lxml has one Python object per element while anyone holds it."""
        return node

    def parent(self, node: _Element) -> _Element | None:
        """The element that holds this one."""
        return node.getparent()

    def previous(self, node: _Element) -> _Element | None:
        """The element sibling before this one."""
        return next(node.itersiblings(etree.Element, preceding=True), None)


def _position_of_type(element: _Element, name: str) -> int:
    """From 1; counted from the end for `nth-last-of-type`."""
    return 1 + sum(1 for _ in element.itersiblings(element.tag, preceding=name == "nth-of-type"))


@functools.lru_cache(maxsize=512)
def _compiled(compound: Compound, html: bool) -> etree.XPath:  # noqa: FBT001 - a cache key
    tests = [
        _test(simple, html=html)
        for simple in compound.simples
        if simple not in compound.relational and not (isinstance(simple, Nth) and simple.of_type)
    ]
    return etree.XPath("descendant-or-self::*" + "".join(f"[{test}]" for test in tests), smart_strings=False)


def _all_of(compound: Compound, *, html: bool) -> str:
    """A condition that an element meets if it matches the compound, where nothing may be left to Python."""
    if any(isinstance(simple, Nth) and simple.of_type for simple in compound.simples):
        raise QueryFailed(f"{compound.lexbor} counts siblings of a type inside another test, which XML pages cannot")
    return " and ".join(f"({_test(simple, html=html)})" for simple in compound.simples) or "true()"


def _any_of(compounds: tuple[Compound, ...], *, html: bool) -> str:
    return " or ".join(f"({_all_of(compound, html=html)})" for compound in compounds)


def _test(simple: Simple, *, html: bool) -> str:
    """The XPath condition for one simple selector."""
    match simple:
        case TypeName(name=name, namespace=namespace):
            if html:
                return f"local-name() = {_literal(name.lower())}"
            within = f"namespace-uri() = {_literal(namespace)}"
            return within if name == "*" else f"local-name() = {_literal(name)} and {within}"
        case Plain(text=text):
            return _by_cssselect(text, html=html)
        case FlaggedAttribute():
            return _flagged(simple, html=html)
        case Contains(string=string):
            return f"descendant::text()[contains(., {_literal(string)})]"
        case Nth():
            return _nth(simple, html=html)
        case Has(members=members):
            return " or ".join(
                f"{_AXES[combinator]}[{_all_of(compound, html=html)}]" for combinator, compound in members
            )
        case Logical(name=name, members=members):
            inner = _any_of(tuple(member.compounds[0] for member in members), html=html)
            return f"not({inner})" if name == "not" else inner


def _by_cssselect(text: str, *, html: bool) -> str:
    translator = HTMLTranslator() if html else GenericTranslator()
    try:
        (selector,) = parse(f"*{text}")
        condition = translator.xpath(selector.parsed_tree).condition
    except (SelectorError, ValueError) as error:
        raise QueryFailed(f"{text} cannot be matched on an XML page: {error}") from None
    return str(condition) or "true()"


def _flagged(simple: FlaggedAttribute, *, html: bool) -> str:
    name = simple.name.lower() if html else simple.name
    attribute = f"translate(@*[local-name() = {_literal(name)}], '{_UPPER}', '{_UPPER.lower()}')"
    value = "".join(char.lower() if char.isascii() else char for char in simple.value)
    literal = _literal(value)
    tests = {
        "=": f"{attribute} = {literal}",
        "~=": f"contains(concat(' ', normalize-space({attribute}), ' '), {_literal(f' {value} ')})",
        "|=": f"{attribute} = {literal} or starts-with({attribute}, {_literal(value + '-')})",
        "^=": f"starts-with({attribute}, {literal})",
        "*=": f"contains({attribute}, {literal})",
        "$=": f"substring({attribute}, string-length({attribute}) - {len(value) - 1}) = {literal}",
    }
    if not value and simple.operator not in {"=", "|="}:
        return "false()"
    return f"@*[local-name() = {_literal(name)}] and ({tests[simple.operator]})"


def _nth(simple: Nth, *, html: bool) -> str:
    axis = "following" if "last" in simple.name else "preceding"
    of = f"[{_any_of(simple.of, html=html)}]" if simple.of else ""
    position = f"(count({axis}-sibling::*{of}) + 1 - {simple.b})"
    if simple.a == 0:
        test = f"{position} = 0"
    else:
        test = f"{position} mod {abs(simple.a)} = 0 and {position} * {1 if simple.a > 0 else -1} >= 0"
    return f"({_any_of(simple.of, html=html)}) and {test}" if simple.of else test


def _literal(text: str) -> str:
    """`text` as an XPath string."""
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    return "concat({})".format(', "\'", '.join(f"'{part}'" for part in text.split("'")))

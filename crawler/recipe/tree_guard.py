"""Refuses pages that would cost more to parse than any page is worth, before a parser sees them.

lexbor is quadratic on nesting (1 MB of nested tags took it 3.6 s), and HTML5 itself repeats unclosed <b> and <i> in
every following paragraph (14 KB can make a million elements). Real pages stay far below the limits; unclosed <p>, <li>,
<td> and void elements are no nesting.

Counting brackets is enough for nearly every page; only where the count leaves doubt are the tags followed one by one.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from crawler.errors import ParseRefused

MAX_ELEMENTS: Final = 100_000
MAX_DEPTH: Final = 512
MAX_SIBLINGS: Final = 20_000
MAX_ATTRIBUTES: Final = 2_000  # of one element

#: Up to so many "<", lexbor needs < 0.1 s for any nesting, so that counting may be fooled without harm.
_COUNTABLE: Final = 20_000
#: Elements that repeated formatting may add before the tags are followed one by one.
_TOLERABLE_REPEATS: Final = 5_000_000
#: Up to so many "<", formatting need not be counted to know that it cannot do that.
_FEW: Final = 2_000
_STRETCH_BYTES: Final = 8_192
#: A page that is shorter has hardly ever as many tags as may lie in each other.
_SMALL_BYTES: Final = 16_384
_CHUNK_BYTES: Final = 2_048

_VOID: Final = frozenset(
    {
        *(
            "area",
            "base",
            "basefont",
            "bgsound",
            "br",
            "col",
            "embed",
            "frame",
            "hr",
            "img",
            "image",
            "input",
            "keygen",
            "link",
        ),
        *("meta", "param", "source", "track", "wbr"),
    }
)
_IGNORED: Final = frozenset({"html", "head", "body"})
#: HTML repeats these, unclosed, in the next block; of one start tag three at most. <a> and <nobr> close themselves.
_FORMATTING: Final = frozenset(
    {
        *("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"),
    }
)
_ALIKE_FORMATTING: Final = 3
#: Start tags that close an open <p>.
_CLOSES_P: Final = frozenset(
    {
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "center",
            "dd",
            "details",
            "dialog",
            "dir",
            "div",
            "dl",
            "dt",
            "fieldset",
        ),
        *(
            "figcaption",
            "figure",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hgroup",
            "hr",
            "li",
            "listing",
            "main",
        ),
        *("menu", "nav", "ol", "p", "plaintext", "pre", "search", "section", "summary", "table", "ul", "xmp"),
    }
)
#: Start tags that close an open element of these names, unless something of `_KEEPS_ITEMS` stands between.
_CLOSES_ITEM: Final = {
    "li": frozenset({"li"}),
    "dd": frozenset({"dd", "dt"}),
    "dt": frozenset({"dd", "dt"}),
    "option": frozenset({"option"}),
    "optgroup": frozenset({"option", "optgroup"}),
    "button": frozenset({"button"}),
    "select": frozenset({"select"}),
    "rt": frozenset({"rt", "rp"}),
    "rp": frozenset({"rt", "rp"}),
}
_KEEPS_ITEMS: Final = frozenset(
    {
        *(
            "applet",
            "article",
            "aside",
            "blockquote",
            "button",
            "caption",
            "center",
            "details",
            "dir",
            "dl",
            "fieldset",
        ),
        *(
            "figure",
            "footer",
            "form",
            "header",
            "main",
            "marquee",
            "menu",
            "nav",
            "object",
            "ol",
            "section",
            "select",
            "table",
        ),
        *("tbody", "td", "template", "tfoot", "th", "thead", "tr", "ul"),
    }
)
#: Ends of what an end tag may close.
_SCOPE: Final = frozenset(
    {
        *("applet", "caption", "marquee", "object", "table", "td", "template", "th"),
    }
)
_END_SCOPES: Final = {
    **dict.fromkeys(
        ("table", "caption", "colgroup", "tbody", "thead", "tfoot", "tr", "td", "th"), frozenset({"table", "template"})
    ),
    "li": _SCOPE | {"ol", "ul"},
    "p": _SCOPE | {"button"},
}
#: Inside a table: how far up each start tag goes back.
_ROW_GROUPS: Final = frozenset({"tbody", "thead", "tfoot"})
_TABLE_PARTS: Final = {
    "caption": frozenset({"table"}),
    "colgroup": frozenset({"table"}),
    "tbody": frozenset({"table"}),
    "thead": frozenset({"table"}),
    "tfoot": frozenset({"table"}),
    "tr": frozenset({"table", *_ROW_GROUPS}),
    "td": frozenset({"table", "tr", *_ROW_GROUPS}),
    "th": frozenset({"table", "tr", *_ROW_GROUPS}),
}
#: An end tag of an inline element does not close these.
_SPECIAL: Final = _CLOSES_P | _KEEPS_ITEMS | {"option", "optgroup"}

#: Where text (which repeats formatting) is rare or not allowed.
_NO_TEXT: Final = frozenset(
    {
        *(
            "colgroup",
            "dir",
            "dl",
            "menu",
            "ol",
            "optgroup",
            "option",
            "select",
            "table",
            "tbody",
            "tfoot",
            "thead",
            "tr",
            "ul",
        ),
    }
)

_ONE_ATTRIBUTE: Final = r"""[^\s/>][^\s/>=]*+(?>\s*+=\s*+(?>"[^"]*+"?|'[^']*+'?|[^\s"'>][^\s>]*+)?)?"""
_ATTRIBUTES: Final = rf"(?>[\s/]+|{_ONE_ATTRIBUTE})*+"
_ATTRIBUTE = re.compile(_ONE_ATTRIBUTE.encode())
_LONG_TAG = re.compile(rf"<[a-z][^\s/>]*+({_ATTRIBUTES})".encode(), re.IGNORECASE)
#: A tag with its attributes, a comment, or the content of <script> and <style>. Never fails behind a "<", never goes
#: back, so it is linear.
_TOKEN = re.compile(
    r"<!--(?>-?>|.*?(?:--!?>|\Z))"
    r"|<(script|style)(?=[\s/>])" + _ATTRIBUTES + r">?.*?(?:</\1(?=[\s/>])|\Z)"
    r"|<(/?)([a-z][^\s/>]*+)(" + _ATTRIBUTES + r")>?",
    re.DOTALL | re.IGNORECASE,
)
#: The same without skipping: in SVG and MathML the content of <style> is elements.
_ANY_TAG = re.compile(r"(?!)(x)|<(/?)([a-z][^\s/>]*+)(" + _ATTRIBUTES + r")>?", re.DOTALL | re.IGNORECASE)
_FOREIGN_ROOT = re.compile(r"<(?:svg|math)[\s/>]", re.IGNORECASE)
_FOREIGN_ROOT_BYTES = re.compile(rb"<(?:[sS][vV][gG]|[mM][aA][tT][hH])[\s/>]")
#: Either case is spelt out: told to ignore it, `re` would not look for the "<" first. Most tags fail at one character.
_FORMATTING_TAG = re.compile(
    rb"<[bcefistuBCEFISTU](?:(?<=[bBiIsSuU])|(?<=[bB])[iI][gG]|(?<=[cC])[oO][dD][eE]|(?<=[eE])[mM]|(?<=[fF])[oO][nN][tT]"
    rb"|(?<=[sS])(?:[mM][aA][lL][lL]|[tT][rR][iI][kK][eE]|[tT][rR][oO][nN][gG])|(?<=[tT])[tT])[\s/][^>]*+"
)
#: How most pages write void elements; left out, they count as no nesting. Those that SVG may hold as well come last.
_VOID_TAGS_EVERYWHERE: Final = (b"<img ", b"<br>", b"<br/>", b"<br ", b"<meta ", b"<hr>", b"<hr ", b"<hr/>")
_VOID_TAGS: Final = (b"<input ", b"<link ", b"<source ")


#: All bytes but those that tell start tags, end tags and comments apart.
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"<>/!=")


def check_tree(html: bytes) -> int:
    """Raise ParseRefused for HTML (in UTF-8) above 100,000 elements, depth 512 or 20,000 siblings. Linear.

    Returns: how many "<" there are in it: more than elements.
    """
    _check_attributes(html)
    brackets = b""
    if len(html) < _SMALL_BYTES:
        tags = html.count(b"<")
    else:  # brackets are counted faster alone, and are needed below
        brackets = html.translate(None, _NO_BRACKETS)
        tags = brackets.count(b"<")
    if tags < MAX_DEPTH:
        return tags
    brackets = brackets or html.translate(None, _NO_BRACKETS)
    if tags > _COUNTABLE or _is_deep(html, brackets) or _may_repeat(html, tags):
        _Scan().run(html.decode("utf-8", "replace"))
    return tags


def _check_attributes(html: bytes) -> None:
    """Refuse a tag with so many attributes that lexbor, which compares each with all before it, would not end.

    Looked at are only the tags that a long stretch without "<" begins with.
    """
    tag = -1  # where the stretch before this one has its last "<"
    for start in range(0, len(html), _STRETCH_BYTES):
        last = html.rfind(b"<", start, start + _STRETCH_BYTES)
        if last < 0 and tag >= 0:
            long_tag = _LONG_TAG.match(html, tag)
            if long_tag and len(_ATTRIBUTE.findall(long_tag[1])) > MAX_ATTRIBUTES:
                raise ParseRefused(f"the page has an element with more than {MAX_ATTRIBUTES:,} attributes")
        tag = last


def _is_deep(html: bytes, brackets: bytes) -> bool:
    """Whether elements may lie in each other deeper than is allowed: counted, without comments, and without voids."""
    if _counted_depth(brackets) <= MAX_DEPTH or _counted_depth(brackets.replace(b"<!", b"!")) <= MAX_DEPTH:
        return False
    for tags in (_VOID_TAGS_EVERYWHERE, _VOID_TAGS if _FOREIGN_ROOT_BYTES.search(html) is None else ()):
        for tag in tags:
            html = html.replace(tag, b" ")
            # Most pages have many of one kind.
            if _counted_depth(html.translate(None, _NO_BRACKETS).replace(b"<!", b"!")) <= MAX_DEPTH:
                return False
    return True


def _counted_depth(brackets: bytes) -> int:
    """Start tags less end tags, chunk by chunk: an upper bound of the depth as long as no end tag is a fake."""
    depth = 0
    opened = 0
    for begin in range(0, len(brackets), _CHUNK_BYTES):
        chunk = brackets[begin : begin + _CHUNK_BYTES]
        ends = chunk.count(b"</")
        starts = chunk.count(b"<") - ends
        depth = max(depth, opened + starts)  # as if all of the chunk's end tags stood behind its start tags
        opened += starts - ends
    return depth


def _may_repeat(html: bytes, tags: int) -> bool:
    """Whether unclosed formatting could add more elements than is tolerable."""
    different = len(set(_FORMATTING_TAG.findall(html))) if tags > _FEW else tags // 4
    return (len(_FORMATTING) + different) * _ALIKE_FORMATTING * tags > _TOLERABLE_REPEATS


class _Scan:
    """Follows the tags as an HTML parser would, keeping only the names of the open elements."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.named: Counter[str] = Counter()  # open elements of each name
        self.children = [0]  # of the root and of each open element
        self.elements = 0
        self.formatting: list[tuple[str, str]] = []  # (name, whole tag) still active, the last opened last
        self.foreign = 0  # open <svg> and <math>

    def run(self, text: str) -> None:
        token = _ANY_TAG if _FOREIGN_ROOT.search(text) else _TOKEN
        for match in token.finditer(text):
            name = match[3]
            if name is None:
                self.add()  # a comment counts like an element: it is a node, too
            elif match[2]:
                self.end(name.lower())
            else:
                self.start(name.lower(), match[4])

    def add(self) -> None:
        """One more child of the innermost open element."""
        self.elements += 1
        self.children[-1] += 1
        if self.elements > MAX_ELEMENTS:
            raise ParseRefused(f"the page has more than {MAX_ELEMENTS:,} elements")
        if self.children[-1] > MAX_SIBLINGS:
            raise ParseRefused(f"the page has an element with more than {MAX_SIBLINGS:,} children")

    def push(self, name: str) -> None:
        self.add()
        self.open.append(name)
        self.named[name] += 1
        self.children.append(0)
        self.foreign += name in {"svg", "math"}
        if len(self.open) + 2 > MAX_DEPTH:  # <html> and <body> are open, too
            raise ParseRefused(f"the page nests elements deeper than {MAX_DEPTH}")

    def cut(self, index: int) -> None:
        """Close the open elements from `index` on."""
        self.foreign -= sum(name in {"svg", "math"} for name in self.open[index:])
        self.named.subtract(self.open[index:])
        del self.open[index:]
        del self.children[index + 1 :]

    def start(self, name: str, attributes: str) -> None:
        if name in _IGNORED:
            return
        if name in _VOID:
            self.add()
            return
        if name in _TABLE_PARTS and not self.back_to_table(name):
            return
        if name in _CLOSES_P:
            self.close("p", _END_SCOPES["p"])
        if name in _CLOSES_ITEM:
            for index in range(len(self.open) - 1, -1, -1):
                if self.open[index] in _CLOSES_ITEM[name]:
                    self.cut(index)
                    if name != "optgroup":  # which closes the option and the group around it
                        break
                elif self.open[index] in _KEEPS_ITEMS:
                    break
        if self.foreign and attributes.endswith("/") and name not in _SPECIAL | _FORMATTING | {"span", "svg", "math"}:
            self.add()
            return
        if name not in _SPECIAL:
            self.repeat_formatting()
        if name in _FORMATTING:
            self.format(name, attributes)
        self.push(name)
        if name not in _NO_TEXT:
            self.repeat_formatting()  # as if text followed every tag

    def format(self, name: str, attributes: str) -> None:
        """A formatting element becomes active; of three alike the oldest is forgotten."""
        if name in {"a", "nobr"}:
            self.end(name)
        alike = [index for index, active in enumerate(self.formatting) if active == (name, attributes)]
        if len(alike) >= _ALIKE_FORMATTING:
            del self.formatting[alike[0]]
        self.formatting.append((name, attributes))

    def repeat_formatting(self) -> None:
        """What HTML does before text and inline elements: open again the active formatting that a block closed."""
        if not self.formatting:
            return
        open_names = {name: self.named[name] for name, _ in self.formatting}
        for name, _ in self.formatting:
            if open_names.get(name, 0) > 0:
                open_names[name] -= 1
            else:
                self.push(name)

    def back_to_table(self, name: str) -> bool:
        """Close what a part of a table closes; False if no table is open, where HTML ignores the tag."""
        contexts = _TABLE_PARTS[name]
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index] in contexts:
                self.cut(index + 1)
                return True
            if self.open[index] == "template":
                return True
        return False

    def end(self, name: str) -> None:
        if name in _IGNORED:
            return
        if name in _FORMATTING:
            self.end_formatting(name)
        else:
            self.close(name, _END_SCOPES.get(name, _SCOPE if name in _SPECIAL else _SPECIAL))
            if self.open and self.open[-1] not in _NO_TEXT:
                self.repeat_formatting()

    def end_formatting(self, name: str) -> None:
        """The end of a formatting element leaves the blocks inside it open."""
        for index in range(len(self.formatting) - 1, -1, -1):
            if self.formatting[index][0] == name:
                del self.formatting[index]
                break
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index] == name:
                del self.open[index]
                self.named[name] -= 1
                del self.children[index + 1]
                return
            if self.open[index] in _SCOPE:
                return

    def close(self, name: str, boundary: frozenset[str]) -> None:
        """Close the innermost open element of that name and all inside it, unless one of `boundary` is between."""
        if not self.named[name]:
            return
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index] == name:
                self.cut(index)
                return
            if self.open[index] in boundary:
                return

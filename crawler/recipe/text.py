"""Visible text: what a reader of the page would see of an element, in lines.

Descendants except script, style, template and noscript; block boundaries and <br> become one newline, runs of ASCII
white space one blank, ends are stripped, NBSP stays. The same rules for lexbor's tree and for lxml's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element
    from selectolax.lexbor import LexborNode

#: Elements whose content a reader does not see.
HIDDEN: Final = frozenset({"script", "style", "template", "noscript"})

#: Elements that begin and end a line: CSS's block, list-item and table display types, and <option>.
BLOCKS: Final = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "col", "colgroup", "dd", "details"),
        *("dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1"),
        *("h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html", "legend", "li", "listing", "main"),
        *("menu", "nav", "ol", "optgroup", "option", "p", "plaintext", "pre", "search", "section", "summary", "table"),
        *("tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul", "xmp"),
    }
)

#: Stands for a line break while text is collected; no HTML or XML parser lets NUL through.
BREAK: Final = "\0"

_TEXT_NODES = etree.XPath("descendant::text()", smart_strings=False)


def squeezed(text: str) -> str:
    """Runs of ASCII white space as one blank, ends stripped (of NBSP and its like, too)."""
    if text.isprintable() and "  " not in text:  # as most is; the blank is the only white space that is printable
        return text.strip()
    if text.isascii():
        return " ".join(text.split())
    return b" ".join(text.encode("utf-8", "replace").split()).decode().strip()  # bytes split at ASCII blanks only


def lines(collected: str) -> str:
    """Collected text with `BREAK` marks as lines; empty lines are dropped."""
    if BREAK not in collected:
        return squeezed(collected)
    return "\n".join(line for part in collected.split(BREAK) if (line := squeezed(part)))


def string_of(node: LexborNode) -> str:
    """All that is written in a lexbor element, as it is written."""
    return node.text_lexbor() or ""


def visible_text(node: LexborNode) -> str:
    """The visible text of a lexbor element."""
    child = node.first_child
    if child is None:
        return ""
    if child.is_text_node and child.next is None:
        return squeezed(child.text_content or "")
    parts: list[str] = []
    collect(node, parts)
    return lines("".join(parts))


def lines_as_written(html: str) -> str:
    """The text of an element, given as HTML, with all its white space: of a `<pre>` that holds a file."""
    body = LexborHTMLParser(html).body
    parts: list[str] = []
    for inner in () if body is None else body.traverse(include_text=True):
        if inner.tag == "-text":
            parts.append(inner.text_content or "")
        elif inner.tag == "br":
            parts.append("\n")
    return "".join(parts)


def collect(node: LexborNode, parts: list[str]) -> int:
    """Add text and break marks below `node`, in order; iterative, because pages nest deeper than Python calls.

    Returns:
        The number of nodes that were looked at.
    """
    open_elements: list[tuple[LexborNode | None, bool]] = []
    seen = 0
    child = node.first_child
    while True:
        if child is None:
            if not open_elements:
                return seen
            child, is_block = open_elements.pop()
            if is_block:
                parts.append(BREAK)
            continue
        seen += 1
        tag = child.tag
        if tag == "-text":
            parts.append(child.text_content or "")
        elif tag == "br":
            parts.append(BREAK)
        elif child.is_element_node and tag not in HIDDEN:
            is_block = tag in BLOCKS
            if is_block:
                parts.append(BREAK)
            open_elements.append((child.next, is_block))
            child = child.first_child
            continue
        child = child.next


def attribute_of(node: LexborNode, name: str) -> str | None:
    """The value of a lexbor element's attribute, None for a missing or valueless one."""
    attributes = node.attributes
    value = attributes.get(name)
    return attributes.get(name.lower()) if value is None else value


def own_text(node: LexborNode) -> str:
    """The text nodes that are children of a lexbor element, joined; those of a script as they are."""
    child = node.first_child
    if child is not None and node.tag == "script":
        return child.text_content or ""
    if child is not None and child.next is None:
        return squeezed(child.text_content or "") if child.is_text_node else ""
    parts: list[str] = []
    while child is not None:
        if child.is_text_node:
            parts.append(child.text_content or "")
        child = child.next
    return squeezed("".join(parts))


def text_nodes(node: LexborNode) -> list[str]:
    """Each text node below a lexbor element on its own, those of white space only left out."""
    return texts_among(node.traverse(include_text=True))


def texts_among(nodes: Iterable[LexborNode]) -> list[str]:
    """What the text nodes among these say, those of white space only left out."""
    texts = (squeezed(node.text_content or "") for node in nodes if node.is_text_node)
    return [text for text in texts if text]


def tree_text(element: _Element) -> str:
    """The visible text of an element of lxml's HTML tree."""
    parts: list[str] = [element.text or ""]
    open_elements: list[tuple[_Element, bool]] = []
    iterator = iter(element)
    iterators = [iterator]
    while iterators:
        child = next(iterators[-1], None)
        if child is None:
            iterators.pop()
            if open_elements:
                closed, is_block = open_elements.pop()
                parts.append(BREAK if is_block else "")
                parts.append(closed.tail or "")
            continue
        tag: object = child.tag
        if not isinstance(tag, str) or tag in HIDDEN:
            parts.append(child.tail or "")
        elif tag == "br":
            parts.append(BREAK + (child.tail or ""))
        else:
            is_block = tag in BLOCKS
            parts.append((BREAK if is_block else "") + (child.text or ""))
            open_elements.append((child, is_block))
            iterators.append(iter(child))
    return lines("".join(parts))


def tree_own_text(element: _Element) -> str:
    """The text nodes that are children of an lxml element, joined; those of a script as they are."""
    if element.tag == "script":
        return element.text or ""
    return squeezed((element.text or "") + "".join(child.tail or "" for child in element))


def tree_text_nodes(element: _Element) -> list[str]:
    """Each text node below an lxml element on its own, those of white space only left out."""
    found = _TEXT_NODES(element)
    assert isinstance(found, list)
    return [text for text in map(squeezed, map(str, found)) if text]

"""Reads an HTML page as someone who has never seen the site: regions, prices, and short selectors that name one place.

The proposals of `recipe new` stand on this. It looks at tags, classes and visible text only and knows nothing of
recipes. Everything here is a guess that its caller checks against the page before it is written down.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.recipe.urls import http_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Text of one element that still may be a price: "From €12.90 incl. VAT".
_MAX_PRICE_TEXT: Final = 60
_CURRENCY: Final = (
    r"[€$£¥₪₽₹₩₺₴฿₫₦₱₡₲]|R\$|zł|Kč|(?<![^\W\d_])(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|ILS|JPY|CNY|CAD|AUD"
    r"|NZD|INR|BRL|MXN|ZAR|TRY|RUB|UAH|kr|Ft|lei|\u0440\u0443\u0431|\u0433\u0440\u043d)(?![^\W\d_])\.?"
)
_AMOUNT: Final = r"\d(?:[\d.,'\u2019\u00a0\u202f\u2009 ]*\d)?"
_PRICE: Final = re.compile(rf"(?:{_CURRENCY})\s*-?{_AMOUNT}|{_AMOUNT}(?:,-)?\s*(?:{_CURRENCY})", re.IGNORECASE)

#: Words in a tag, class, id or role that say an element is around the content, not the content.
_AROUND_WORDS: Final = (
    "nav navbar navigation menu header footer aside sidebar breadcrumb breadcrumbs pager pagination pages related"
    " recommendations recommended upsell upsells crosssell crosssells"
    " cart basket minicart login social share newsletter cookie consent"
    " reviews comments tags tagcloud filters facets banner promo advert ads language languages currency sort toolbar"
    " subcategories departments categories"
)
_AROUND: Final = frozenset(_AROUND_WORDS.split())
#: The same for elements that hold products of other pages.
_ASIDE_WORDS: Final = (
    "related recommendations recommended upsell upsells crosssell crosssells"
    " cart basket minicart aside sidebar similar"
    " alsobought viewed footer header nav"
)
_ASIDE: Final = frozenset(_ASIDE_WORDS.split())
_EDGES: Final = frozenset({"header", "footer"})
_EDGE_NAMES: Final = frozenset(
    f"{before}{edge}"
    for edge in _EDGES
    for before in ("", "site-", "page-", "main-", "global-", "top-", "site", "page")
)
_OLD_WORDS: Final = "old was before regular compare rrp uvp msrp strike strikethrough crossed previous listprice"
_OLD: Final = frozenset(_OLD_WORDS.split())
_STRUCK_TAGS: Final = ("del", "s", "strike")
_WORD: Final = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])")  # also those of camelCase
#: Class names that say how something looks on one screen, or that a program made up.
_STYLING: Final = re.compile(
    r"^(?:col|row|container|clearfix|pull|push|offset|bg|btn|mt|mb|ml|mr|mx|my|pt|pb|pl|pr|px|py|m|p|w|h|d|flex|grid|gap"
    r"|justify|align|float|sm|md|lg|xl|xs|hidden|visible|rounded|shadow)(?:$|-)"
    r"|^(?:text|items|order|position|font|border|is|has|js)-|[:/\[\]@!]|\d{3,}|^[a-z]{1,2}$"
    r"|^(?:css|sc|jsx|svelte|styles?|_)[-_].*\d|[A-Za-z]\d[A-Za-z]|__[A-Za-z0-9]{5,}$"
)
_IDENTIFIER: Final = re.compile(r"^-?[A-Za-z_][A-Za-z0-9_-]*$")


@dataclass(slots=True)
class SeenPage:
    """One HTML page under examination."""

    url: str
    base_url: str
    tree: LexborHTMLParser
    hidden: frozenset[int] = field(default_factory=frozenset)

    @property
    def body(self) -> LexborNode:
        """The element that holds the content."""
        root = self.tree.body or self.tree.root
        if root is None:
            raise AssertionError("lexbor gives every page a root")
        return root

    def select(self, selector: str) -> list[LexborNode]:
        """Every match, once, in document order."""
        seen: dict[int, LexborNode] = {}
        for node in self.tree.css(selector):
            seen.setdefault(node.mem_id, node)
        return list(seen.values())


def see(html: str, *, url: str, base_url: str) -> SeenPage:
    """Parse a page. The caller has made sure that it is no bomb."""
    return SeenPage(url=url, base_url=base_url, tree=LexborHTMLParser(html))


# --- text ------------------------------------------------------------------------------------------------------------


def text_of(node: LexborNode) -> str:
    """Visible text with white space folded; empty for an element without."""
    if node.tag in ("script", "style", "template", "noscript"):
        return ""
    parts = [
        child.text_content or ""
        for child in node.traverse(include_text=True)
        if child.is_text_node and child.parent is not None and child.parent.tag not in ("script", "style", "noscript")
    ]
    return folded(" ".join(parts))


def folded(text: str) -> str:
    """White space folded to one blank, NFC: how two texts are compared."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def price_in(text: str) -> str | None:
    """The first price with its currency in a short text."""
    if len(text) > _MAX_PRICE_TEXT:
        return None
    found = _PRICE.search(text)
    return None if found is None else found.group(0)


def prices_in(text: str) -> list[str]:
    """Every price with its currency."""
    return [found.group(0) for found in _PRICE.finditer(text)]


def words_of(node: LexborNode) -> set[str]:
    """The words of an element's tag, classes, id, role and label, in lower case."""
    attributes = node.attributes
    named = [str(node.tag), *(str(attributes.get(name) or "") for name in ("class", "id", "role", "aria-label"))]
    words = {word.lower() for name in named for word in _WORD.findall(name)}
    # `cross-sells`, `mini_cart`, `listPrice`: also read as one word
    words |= {re.sub(r"[^a-z]", "", token.lower()) for name in named for token in name.split()}
    return words


# --- regions ---------------------------------------------------------------------------------------------------------


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """Parent, its parent, ... up to and without `body`."""
    above = node.parent
    while above is not None and above.tag not in ("body", "html", "-undef"):
        yield above
        above = above.parent


def lineage(node: LexborNode) -> Iterator[LexborNode]:
    """The node, then its ancestors."""
    yield node
    yield from ancestors(node)


def is_around(node: LexborNode) -> bool:
    """Whether it lies in a menu, header, footer or the like."""
    return any(_region_words(above) & _AROUND for above in lineage(node))


def is_aside(node: LexborNode) -> bool:
    """Whether it lies in a part of the page about other products."""
    return any(_region_words(above) & _ASIDE for above in lineage(node))


def _region_words(node: LexborNode) -> set[str]:
    """The words of an element that may say it is no content."""
    if node.tag in ("article", "main", "body"):
        return set()
    words = words_of(node) - _EDGES
    # `sub-header` and the header of an article head content; the page's own header and footer do not.
    tokens = {*str(node.attributes.get("class") or "").lower().split(), str(node.attributes.get("id") or "").lower()}
    if tokens & _EDGE_NAMES or (
        node.tag in _EDGES and not any(above.tag in ("article", "main", "section") for above in ancestors(node))
    ):
        words.add("header")
    return words


def is_struck(node: LexborNode) -> bool:
    """Whether it is, or lies in, an old price."""
    return any(above.tag in _STRUCK_TAGS or words_of(above) & _OLD for above in (node, *list(ancestors(node))[:2]))


def price_nodes(page: SeenPage) -> Iterator[LexborNode]:
    """Innermost elements that show one price, outside of parts about other products."""
    for node in page.body.traverse():
        if node.tag in ("script", "style", "noscript", "template", "option", "body"):
            continue
        text = text_of(node) if _leafy(node) else ""
        if text and price_in(text) is not None and not any(_shows_price(child) for child in children(node)):
            yield node


def _leafy(node: LexborNode) -> bool:
    return sum(1 for _ in zip(node.traverse(), range(12), strict=False)) < 12


def _shows_price(node: LexborNode) -> bool:
    return price_in(text_of(node)) is not None


def children(node: LexborNode) -> Iterator[LexborNode]:
    """Element children."""
    child = node.first_child
    while child is not None:
        if child.is_element_node:
            yield child
        child = child.next


# --- links -----------------------------------------------------------------------------------------------------------


def link_of(page: SeenPage, node: LexborNode) -> str | None:
    """The absolute URL of an `a[href]` on the same host, None for every other."""
    url = http_link(page.base_url, node.attributes.get("href"))
    if url is None or _host(url) != _host(page.url):
        return None
    return url


def _host(url: str) -> str:
    return url.split("/", 3)[2] if url.count("/") >= 2 else ""


# --- selectors -------------------------------------------------------------------------------------------------------


def classes_of(node: LexborNode) -> list[str]:
    """Class names that say what an element is rather than how it looks."""
    names = str(node.attributes.get("class") or "").split()
    return [name for name in names if _IDENTIFIER.match(name) and not _STYLING.search(name)]


def simple_selectors(node: LexborNode) -> Iterator[str]:
    """Ways to name one element by itself, the most telling first."""
    attributes = node.attributes
    tag = str(node.tag)
    if tag == "h1":
        yield tag
    itemprop = attributes.get("itemprop")
    if itemprop and _IDENTIFIER.match(itemprop):
        yield f"[itemprop={itemprop}]"
    identifier = attributes.get("id")
    if identifier and _IDENTIFIER.match(identifier) and not re.search(r"\d{2,}", identifier):
        yield f"#{identifier}"
    for name in classes_of(node):
        yield f".{name}"
        yield f"{tag}.{name}"
    if tag in ("h2", "main", "article", "time", "del", "ins"):
        yield tag


def selectors_of(page: SeenPage, node: LexborNode) -> Iterator[str]:
    """Selectors whose first match on the page is this element: shortest and unambiguous ones first."""
    own = [*simple_selectors(node), str(node.tag)]
    ambiguous: list[str] = []
    contexts = ["", *(context for above in ancestors(node) for context in simple_selectors(above))][:24]
    for context in contexts:
        for name in own:
            if not context and name == node.tag and name != "h1":
                continue
            selector = f"{context} {name}".strip()
            matches = page.select(selector)
            if not matches or matches[0].mem_id != node.mem_id:
                continue
            if len(matches) == 1:
                yield selector
            else:
                ambiguous.append(selector)
    yield from ambiguous
    path = str(node.tag)
    for above in ancestors(node):
        # Nothing on the way has a name: the tags themselves, as short as they can be.
        path = f"{above.tag} > {path}"
        matches = page.select(path)
        if matches and matches[0].mem_id == node.mem_id:
            yield path
            return
    path = f"body > {path}"
    matches = page.select(path)
    if matches and matches[0].mem_id == node.mem_id:
        yield path


def common_selectors(nodes: Sequence[LexborNode]) -> list[str]:
    """Simple selectors that fit every one of the elements."""
    if not nodes:
        return []
    shared: Iterable[str] = simple_selectors(nodes[0])
    return [name for name in shared if all(name in set(simple_selectors(node)) for node in nodes[1:])]

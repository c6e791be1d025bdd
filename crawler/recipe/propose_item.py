"""Candidates from what an item page shows: its heading, price, breadcrumb, image, description and table of facts.

Each sample page is read on its own first (`facts_of`); a selector found on one sample is then wanted to give the facts
of every other, so a selector that only fits by chance is found out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.propose_data import Candidate
from crawler.recipe.propose_dom import (
    SeenPage,
    ancestors,
    children,
    folded,
    is_around,
    is_aside,
    is_struck,
    price_in,
    price_nodes,
    selectors_of,
    simple_selectors,
    text_of,
    words_of,
)
from crawler.recipe.urls import http_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selectolax.lexbor import LexborNode

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_URI: Final[dict[str, Any]] = {"type": "string", "format": "uri"}
_PRICE: Final[dict[str, Any]] = {"type": "decimal", "minimum": 0}

#: Facts of tables that are proposed at most.
_MAX_FACTS: Final = 12
_MAX_SELECTORS: Final = 8
_MIN_DESCRIPTION: Final = 40
#: Characters of an element that shows an old and a new price, and little else.
_MAX_PRICE_BOX: Final = 80

#: Currencies that a sign stands for without a doubt.
_SIGNS: Final = {
    "€": "EUR",
    "£": "GBP",
    "₪": "ILS",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "zł": "PLN",
}
_IMAGE_ATTRIBUTES: Final = ("data-zoom-image", "data-large_image", "data-src", "data-original", "data-lazy-src", "src")
_PICTURE_WORDS: Final = "gallery product image images photo photos picture carousel zoom main hero cover"
_IMAGE_WORDS: Final = frozenset(_PICTURE_WORDS.split())
_STOCK_WORDS: Final = frozenset({"availability", "stock", "instock", "outofstock"})
_STATE: Final = re.compile(r"(?:in|out-?of|not-?in)-?_?stock|available(?![a-z])", re.IGNORECASE)
_DESCRIPTION_WORDS: Final = frozenset({"description", "productdescription"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """Something one page shows: the value a field should have, and the element it stands in."""

    value: Any
    node: LexborNode
    attribute: str = ""  # where the value is if it is no text
    after: LexborNode | None = None  # the value is the paragraph after this heading


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What one sample page shows, as far as it was found."""

    page: SeenPage
    known: dict[str, Fact] = field(default_factory=dict)
    trail: tuple[str, ...] = ()  # texts of the breadcrumb's links
    trail_node: LexborNode | None = None
    table: dict[str, str] = field(default_factory=dict)  # facts by their heading

    def value(self, name: str) -> Any:
        """The value of a fact, None if the page does not show it."""
        return self.known[name].value if name in self.known else None


# --- reading one page ------------------------------------------------------------------------------------------------


def facts_of(page: SeenPage) -> Facts:
    """Everything that one page shows."""
    known: dict[str, Fact] = {}
    heading = _heading(page)
    if heading is not None:
        known["name"] = Fact(value=text_of(heading), node=heading)
    name = known["name"].value if heading is not None else ""
    price = _price(page, heading)
    if price is not None:
        known["price"] = Fact(value=text_of(price), node=price)
        old = _old_price(price)
        if old is not None:
            known["regular_price"] = Fact(value=text_of(old), node=old)
    others = {
        "availability": _worded(page, _STOCK_WORDS, most=60),
        "sku": _worded(page, frozenset({"sku"}), most=40),
        "description": _description(page),
        "image": _image(page, name),
    }
    known |= {found: fact for found, fact in others.items() if fact is not None}
    trail_node = _trail(page)
    links = trail_node.css("a") if trail_node is not None else []
    return Facts(
        page=page,
        known=known,
        trail=tuple(text for link in links if (text := text_of(link))),
        trail_node=trail_node,
        table=_table(page),
    )


def words_shown(page: SeenPage) -> int:
    """Characters of text in paragraphs of the content: an article has many, a list of links has few."""
    return sum(len(text_of(node)) for node in page.select("p") if not is_around(node))


def _heading(page: SeenPage) -> LexborNode | None:
    headings = [node for node in page.select("h1") if text_of(node)]
    if len(headings) > 1:
        titles = [text_of(node) for node in page.select("title")]
        titled = [node for node in headings if any(text_of(node) in title for title in titles)]
        headings = titled or [node for node in headings if not is_around(node)] or headings
    return headings[0] if headings else None


def _price(page: SeenPage, heading: LexborNode | None) -> LexborNode | None:
    """The first price below the heading that is neither struck out nor another product's; else the first above it."""
    order = {node.mem_id: index for index, node in enumerate(page.body.traverse())}
    start = order.get(heading.mem_id, 0) if heading is not None else 0
    found = [node for node in price_nodes(page) if not is_struck(node) and not is_aside(node)]
    found = [node for node in found if not any(above.tag in ("table", "dl") for above in ancestors(node))] or found
    below = [node for node in found if order.get(node.mem_id, 0) >= start]
    return next(iter(below or found[::-1]), None)


def _old_price(price: LexborNode) -> LexborNode | None:
    """A struck price in the same box as the price: further away it is that of a variation or of another product."""
    for above in list(ancestors(price))[:3]:
        if len(text_of(above)) > _MAX_PRICE_BOX:
            return None
        struck = [
            node for node in above.css("del, s, strike, [class*=old], [class*=was], [class*=regular]")
            if price_in(text_of(node)) is not None
        ]  # fmt: skip
        if struck:
            return struck[0]
    return None


def _worded(page: SeenPage, words: frozenset[str], *, most: int) -> Fact | None:
    """The first short text in an element that is named by one of the words."""
    for node in page.select("[class], [id]"):
        if node.tag in ("body", "html", "form", "script", "style", "input", "button"):
            continue
        named = str(node.attributes.get("class") or "") + " " + str(node.attributes.get("id") or "")
        if not words & {word for token in named.lower().split() for word in re.split(r"[-_]+", token)}:
            continue
        text = text_of(node)
        if text and len(text) <= most and not is_aside(node):
            return Fact(value=text, node=node)
    return None


def _description(page: SeenPage) -> Fact | None:
    for node in page.select("[itemprop=description], [class*=escription], [id*=escription]"):
        if node.tag in ("meta", "a", "li", "button", "input") or is_aside(node):
            continue
        if not node.attributes.get("itemprop") and not words_of(node) & _DESCRIPTION_WORDS:
            continue
        text = text_of(node)
        if len(text) >= _MIN_DESCRIPTION:
            return Fact(value=text, node=node)
        following = node.next
        while following is not None and not following.is_element_node:
            following = following.next
        if following is not None and len(text_of(following)) >= _MIN_DESCRIPTION:
            return Fact(value=text_of(following), node=following, after=node)
    return None


def _image(page: SeenPage, name: str) -> Fact | None:
    """The main picture: named like the item, or in a gallery."""
    fitting: list[tuple[int, Fact]] = []
    for node in page.select("img"):
        if is_aside(node):
            continue
        attribute = next((one for one in _IMAGE_ATTRIBUTES if _usable(node.attributes.get(one))), None)
        url = http_link(page.base_url, node.attributes.get(attribute)) if attribute is not None else None
        if attribute is None or url is None:
            continue
        alike = bool(name) and folded(str(node.attributes.get("alt") or "")) == name
        shown = any(words_of(above) & _IMAGE_WORDS for above in list(ancestors(node))[:4])
        if alike or shown:
            fitting.append((-2 * alike - shown, Fact(value=url, node=node, attribute=attribute)))
    return min(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _usable(value: str | None) -> bool:
    return bool(value) and not str(value).startswith("data:")


def _trail(page: SeenPage) -> LexborNode | None:
    for node in page.select("[class*=readcrumb], [id*=readcrumb], [aria-label*=readcrumb], [itemtype*=BreadcrumbList]"):
        if len(node.css("a")) >= 1 and len(text_of(node)) < 400:
            return node
    return None


def _table(page: SeenPage) -> dict[str, str]:
    """Rows of one heading and one value: of tables, and of definition lists."""
    found: dict[str, str] = {}
    for row in page.select("tr"):
        cells = list(children(row))
        if len(cells) == 2 and cells[0].tag == "th" and cells[1].tag == "td" and not is_aside(row):
            _note(found, text_of(cells[0]), text_of(cells[1]))
    for term in page.select("dt"):
        value = term.next
        while value is not None and not value.is_element_node:
            value = value.next
        if value is not None and value.tag == "dd" and not is_aside(term):
            _note(found, text_of(term), text_of(value))
    return found


def _note(found: dict[str, str], heading: str, value: str) -> None:
    if heading and value and len(heading) <= 40 and len(value) <= 200:
        found.setdefault(heading, value)


# --- candidates ------------------------------------------------------------------------------------------------------


def page_candidates(samples: Sequence[Facts]) -> Iterator[Candidate]:
    """Rules for what the samples show. What each must give on every sample is in `wanted`."""
    yield from _plain(samples, "name", _TEXT)
    yield from _prices(samples)
    yield from _plain(samples, "sku", _TEXT)
    for candidate in _plain(samples, "availability", _TEXT):
        # `.in-stock` is gone on the day on which it matters.
        if not _STATE.search(str(candidate.rule)):
            yield candidate
    yield from _category(samples)
    yield from _plain(samples, "description", _TEXT)
    yield from _plain(samples, "image", _URI)
    yield from _facts(samples)


def _plain(samples: Sequence[Facts], name: str, spec: dict[str, Any]) -> Iterator[Candidate]:
    wanted = tuple(sample.value(name) for sample in samples)
    for selector, fact in _selectors(samples, name):
        css = f"{selector}::attr({fact.attribute})" if fact.attribute else selector
        yield Candidate(field=name, rule=css if css == "h1" else {"css": css}, spec=spec, wanted=wanted)


def _selectors(samples: Sequence[Facts], name: str) -> Iterator[tuple[str, Fact]]:
    seen: set[str] = set()
    for sample in samples:
        fact = sample.known.get(name)
        if fact is None:
            continue
        for number, selector in enumerate(_named(sample.page, fact)):
            if number == _MAX_SELECTORS:
                break
            if selector not in seen:
                seen.add(selector)
                yield selector, fact


def _named(page: SeenPage, fact: Fact) -> Iterator[str]:
    if fact.after is not None:
        for selector in selectors_of(page, fact.after):
            if len(page.select(selector)) == 1:
                yield f"{selector} + {fact.node.tag}"
    yield from selectors_of(page, fact.node)


def _prices(samples: Sequence[Facts]) -> Iterator[Candidate]:
    """The price. With struck prices about, the element around both is read without them: the next page may have one."""
    wanted = tuple(sample.value("price") for sample in samples)
    struck = any(sample.page.select("del, s, strike") for sample in samples)
    if struck:
        for sample in samples:
            fact = sample.known.get("price")
            above = None if fact is None else _price_box(fact.node)
            if above is None:
                continue
            for number, selector in enumerate(selectors_of(sample.page, above)):
                if number == _MAX_SELECTORS:
                    break
                rule = {"css": selector, "remove": ["del", "s", "strike"], "process": ["price"]}
                yield Candidate(field="price", rule=rule, spec=_PRICE, wanted=wanted)
    for selector, _ in _selectors(samples, "price"):
        yield Candidate(field="price", rule={"css": selector, "process": ["price"]}, spec=_PRICE, wanted=wanted)
    old = tuple(sample.value("regular_price") for sample in samples)
    for selector, _ in _selectors(samples, "regular_price"):
        rule = {"css": selector, "process": ["price"]}
        yield Candidate(field="regular_price", rule=rule, spec=_PRICE, wanted=old)
    signs = {next((code for sign, code in _SIGNS.items() if sign in str(price)), None) for price in wanted if price}
    if len(signs) == 1 and None not in signs:
        yield Candidate(field="currency", rule={"const": signs.pop()}, spec=_TEXT, origin="const")


def _price_box(price: LexborNode) -> LexborNode | None:
    """The outermost element around a price that still shows nothing but prices."""
    box = price
    for above in list(ancestors(price))[:3]:
        if len(text_of(above)) > _MAX_PRICE_BOX or not list(simple_selectors(above)):
            break
        box = above
    return box


def _category(samples: Sequence[Facts]) -> Iterator[Candidate]:
    """The breadcrumb without its first link, which is the home page."""
    wanted = tuple(" > ".join(sample.trail[1:]) or None for sample in samples)
    if not any(wanted):
        return
    for sample in samples:
        if sample.trail_node is None:
            continue
        for number, selector in enumerate(selectors_of(sample.page, sample.trail_node)):
            if number == _MAX_SELECTORS:
                break
            rule = {"css": f"{selector} a", "all": True, "process": [{"slice": [1]}, {"join": " > "}]}
            yield Candidate(field="category", rule=rule, spec=_TEXT, wanted=wanted)


def _facts(samples: Sequence[Facts]) -> Iterator[Candidate]:
    """Rows of tables of facts, each under its own heading's name."""
    headings = list(dict.fromkeys(heading for sample in samples for heading in sample.table))
    taken: set[str] = set()
    for number, heading in enumerate(headings[:_MAX_FACTS], start=1):
        name = field_name(heading) or f"fact_{number}"
        while name in taken:
            name += "_2"
        taken.add(name)
        quote = '"' if "'" in heading else "'"
        if quote in heading:
            continue
        wanted = tuple(sample.table.get(heading) for sample in samples)
        tags = ("dt", "dd") if any(_is_term(sample.page, heading) for sample in samples) else ("th", "td")
        xpath = f"//{tags[0]}[normalize-space()={quote}{heading}{quote}]/following-sibling::{tags[1]}[1]"
        priced = [value for value in wanted if value] and all(price_in(value) for value in wanted if value)
        rule: dict[str, Any] = {"xpath": xpath, "process": ["price"]} if priced else {"xpath": xpath}
        yield Candidate(field=name, rule=rule, spec=_PRICE if priced else _TEXT, wanted=wanted)


def _is_term(page: SeenPage, heading: str) -> bool:
    return any(text_of(term) == heading for term in page.select("dt"))


def field_name(text: str) -> str:
    """`Price (excl. tax)` as `price_excl_tax`; empty if no Latin letter is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].rstrip("_")
    return name if name and name[0].isalpha() else ""

"""Candidates from what a page says about itself to machines: JSON-LD, microdata, OpenGraph and other meta tags."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from crawler.recipe.linked_data import nodes_of, own_first, tidied
from crawler.recipe.microdata import read_microdata
from crawler.recipe.page_nodes import parsed_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.propose_dom import SeenPage

Origin: TypeAlias = Literal["json-ld", "microdata", "page", "state", "meta", "const"]

#: Types of JSON-LD nodes that describe what an item page is about, the most telling first.
_TYPES: Final = (
    "Product",
    "ProductGroup",
    "Book",
    "Recipe",
    "JobPosting",
    "Event",
    "Movie",
    "Course",
    "NewsArticle",
    "BlogPosting",
    "Article",
)
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_URI: Final[dict[str, Any]] = {"type": "string", "format": "uri"}
_PRICE: Final[dict[str, Any]] = {"type": "decimal", "minimum": 0}
_NUMBER: Final[dict[str, Any]] = {"type": "decimal"}
_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}
_URIS: Final[dict[str, Any]] = {"type": "array", "items": _URI}
_SPECIFIED: Final = ("priceSpecification", "priceSpecification[0]")
_LAST_WORD: Final = [{"regex": "([A-Za-z]+)$"}]
_PLAIN_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One rule that may give a field. `wanted` is what it must give on each sample; None = whatever it gives."""

    field: str
    rule: Any
    spec: Mapping[str, Any] = dataclasses.field(default_factory=lambda: _TEXT)
    origin: Origin = "page"
    wanted: tuple[Any, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldData:
    """What one page says it is about, in JSON-LD or microdata: the `sources` entry that reads it, and the node."""

    name: str  # of the source
    source: dict[str, Any]
    node: Mapping[str, Any]
    type: str


def linked_data(page: SeenPage) -> ToldData | None:
    """The JSON-LD node of a page that says what the page is about. Those of a list of things do not."""
    scripts = page.select('script[type="application/ld+json"]')
    tops = [value for script in scripts for value in parsed_block(script.text())]
    return _told(tops, page, "ld", "jsonld", tuple(_outer(tops)))


def microdata(page: SeenPage) -> ToldData | None:
    """The microdata of a page that says what the page is about."""
    tops = list(read_microdata(page.tree, base_url=page.base_url).items)
    return _told(tops, page, "md", "microdata", tuple(tops))


def _told(
    tops: Sequence[Any], page: SeenPage, name: str, syntax: str, outer: Sequence[Mapping[str, Any]]
) -> ToldData | None:
    for kind in _TYPES:
        found = own_first(nodes_of(tops, kind), [page.url])
        # Rules read the first one; it must be one of the page, not of a list in it.
        if found and any(found[0] is node for node in outer):
            (node,) = tidied(found[:1], tops)
            return ToldData(name=name, source={syntax: kind}, node=node, type=kind)
    return None


def _outer(tops: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """The nodes of blocks, of their lists and graphs, and what these are mainly about."""
    waiting = list(tops)
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            yield value
            waiting += [value[key] for key in ("@graph", "mainEntity") if isinstance(value.get(key), dict | list)]


# --- JSON-LD and microdata -------------------------------------------------------------------------------------------

#: Field, expressions that may hold it in a node in its one form, contract.
FIELDS: Final[tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...]] = (
    ("name", ("name", "headline", "title"), _TEXT),
    ("sku", ("sku", "productID"), _TEXT),
    ("mpn", ("mpn",), _TEXT),
    ("gtin", ("gtin13", "gtin", "gtin12", "gtin14", "gtin8", "isbn"), _TEXT),
    ("brand", ("brand",), _TEXT),
    ("price", ("offers[0].price", "offers[0].lowPrice", *(f"offers[0].{_SPECIFIED[n]}.price" for n in (0, 1))), _PRICE),
    (
        "currency",
        ("offers[0].priceCurrency", *(f"offers[0].{_SPECIFIED[n]}.priceCurrency" for n in (0, 1))),
        _TEXT,
    ),
    ("availability", ("offers[0].availability",), _TEXT),
    ("category", ("category", "articleSection"), _TEXT),
    ("color", ("color",), _TEXT),
    ("image", ("image[0]",), _URI),
    ("author", ("author.name", "author[0].name", "author"), _TEXT),
    ("published", ("datePublished", "startDate", "datePosted"), _TEXT),
    ("description", ("description",), _TEXT),
    ("rating", ("aggregateRating.ratingValue",), _NUMBER),
    ("reviews", ("aggregateRating.reviewCount", "aggregateRating.ratingCount"), _COUNT),
)
#: Of the offers of the next page nobody knows yet whether they are one or many.
_ALWAYS: Final = frozenset({"offers[0].price", "offers[0].lowPrice"})


def told_candidates(found: Sequence[ToldData | None]) -> Iterator[Candidate]:
    """Fields of the nodes of all samples, read from the page source that they are in."""
    first = next((data for data in found if data is not None), None)
    if first is None:
        return
    origin: Origin = "json-ld" if first.name == "ld" else "microdata"
    nodes = [data.node for data in found if data is not None]
    for name, expressions, spec in FIELDS:
        used = [one for one in expressions if any(_scalar(value_at(node, one)) for node in nodes)]
        if not used:
            continue
        values = [value_at(node, one) for node in nodes for one in used]
        path = " || ".join(one for one in expressions if one in used or one in _ALWAYS)
        rule: dict[str, Any] = {"from": first.name, "jmespath": path}
        process = _steps(name, spec, values)
        yield Candidate(field=name, rule={**rule, "process": process} if process else rule, spec=spec, origin=origin)
    if any(isinstance(image := node.get("image"), list) and len(image) > 1 for node in nodes):
        rule = {"from": first.name, "jmespath": "image", "all": True}
        yield Candidate(field="images", rule=rule, spec=_URIS, origin=origin)


def _steps(name: str, spec: Mapping[str, Any], values: Sequence[Any]) -> list[Any]:
    texts = [value for value in values if isinstance(value, str)]
    if name == "availability":
        return [] if all(text.isalpha() for text in texts) else _LAST_WORD
    if spec in (_PRICE, _NUMBER, _COUNT) and any(not _PLAIN_NUMBER.fullmatch(text) for text in texts):
        return ["price" if spec is _PRICE else "number" if spec is _NUMBER else "integer"]
    return []


def value_at(node: Any, path: str) -> Any:
    """The value at a path of `FIELDS`; None if there is none."""
    for part in path.split("."):
        name, bracket, index = part.partition("[")
        node = node.get(name) if isinstance(node, dict) else None
        if bracket:
            position = int(index.rstrip("]"))
            node = node[position] if isinstance(node, list) and len(node) > position else None
    return node


def _scalar(value: Any) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )


# --- microdata -------------------------------------------------------------------------------------------------------

_ITEMPROPS: Final[tuple[tuple[str, str, Mapping[str, Any], list[Any]], ...]] = (
    ("name", "name", _TEXT, []),
    ("sku", "sku", _TEXT, []),
    ("gtin", "gtin13", _TEXT, []),
    ("brand", "brand", _TEXT, []),
    ("price", "price", _PRICE, ["price"]),
    ("currency", "priceCurrency", _TEXT, []),
    ("availability", "availability", _TEXT, _LAST_WORD),
    ("image", "image", _URI, []),
    ("description", "description", _TEXT, []),
    ("rating", "ratingValue", _NUMBER, ["number"]),
    ("reviews", "reviewCount", _COUNT, ["integer"]),
    ("author", "author", _TEXT, []),
    ("published", "datePublished", _TEXT, []),
)
_VALUE_ATTRIBUTES: Final = ("content", "href", "src", "datetime")


def itemprop_candidates(page: SeenPage) -> Iterator[Candidate]:
    """Fields of `itemprop` attributes, for a page whose microdata is no item of a type that is known."""
    for name, itemprop, spec, process in _ITEMPROPS:
        selector = f"[itemprop={itemprop}]"
        nodes = page.select(selector)
        if not nodes:
            continue
        # A price written as content="51.77" is plain, and its text may hold anything.
        attribute = next((one for one in _VALUE_ATTRIBUTES if nodes[0].attributes.get(one)), None)
        if attribute in ("href", "src") and spec is _TEXT and name != "availability":
            attribute = None
        css = f"{selector}::attr({attribute})" if attribute is not None else selector
        rule = {"css": css, "process": process} if process else css
        yield Candidate(field=name, rule=rule, spec=spec, origin="microdata")


# --- meta ------------------------------------------------------------------------------------------------------------

_METAS: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("name", "og:title", _TEXT),
    ("price", "product:price:amount", _PRICE),
    ("price", "og:price:amount", _PRICE),
    ("currency", "product:price:currency", _TEXT),
    ("currency", "og:price:currency", _TEXT),
    ("brand", "product:brand", _TEXT),
    ("sku", "product:retailer_item_id", _TEXT),
    ("image", "og:image", _URI),
    ("description", "og:description", _TEXT),
    ("description", "description", _TEXT),
    ("author", "author", _TEXT),
    ("published", "article:published_time", _TEXT),
)


def meta_candidates(page: SeenPage) -> Iterator[Candidate]:
    """Fields of OpenGraph and other meta tags."""
    seen = {
        str(node.attributes.get("property") or node.attributes.get("name")): str(node.attributes.get("content") or "")
        for node in page.select("meta[content]")
    }
    for name, key, spec in _METAS:
        content = seen.get(key, "").strip()
        if content:
            plain = spec is not _PRICE or _PLAIN_NUMBER.fullmatch(content)
            rule = {"meta": key} if plain else {"meta": key, "process": ["price"]}
            yield Candidate(field=name, rule=rule, spec=spec, origin="meta")


def looks_like_item(page: SeenPage) -> bool:
    """Whether a page says of itself that it is about one product, book, article or the like."""
    if linked_data(page) is not None:
        return True
    kinds = {str(node.attributes.get("content") or "") for node in page.select('meta[property="og:type"]')}
    if kinds & {"product", "product.item", "og:product", "book", "article"}:
        return True
    return len(page.select('[itemtype$="schema.org/Product"]')) == 1

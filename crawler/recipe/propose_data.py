"""Candidates from what a page says about itself to machines: JSON-LD, microdata, OpenGraph and other meta tags."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.propose_dom import SeenPage

Origin: TypeAlias = Literal["json-ld", "microdata", "page", "meta", "const"]

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
class LinkedData:
    """The JSON-LD node of one page: the `sources` entry that reads its block, the path to it, and the node."""

    source: dict[str, Any]
    path: str  # JMESPath from the block to the node, empty for the block itself
    node: Mapping[str, Any]
    type: str


def linked_data(page: SeenPage) -> LinkedData | None:
    """The node of a page that says what the page is about."""
    scripts = page.select('script[type="application/ld+json"]')
    blocks = [(script.text(), _parsed(script.text())) for script in scripts]
    for kind in _TYPES:
        for text, block in blocks:
            for path, node in _nodes(block, kind):
                others = [other for other, _ in blocks if other is not text]
                which = _only_in(text, others, kind)
                source = {"css": f"script[type='application/ld+json']{which}::text", "parse": "json"}
                return LinkedData(source=source, path=path, node=node, type=kind)
    return None


def _only_in(text: str, others: Sequence[str], kind: str) -> str:
    """What tells the block from others of the page: something that only its text contains."""
    if not others:
        return ""
    for words in (f'"{kind}"', f'"@type":"{kind}"', f'"@type": "{kind}"', f'"@type":["{kind}"', f'"@type": ["{kind}"'):
        if words in text and not any(words in other for other in others):
            return f":contains('{words}')"
    return ""


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _nodes(block: Any, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = f'[?"@type" && contains("@type", \'{kind}\')] | [0]'
    if isinstance(block, dict):
        if _is(block, kind):
            yield "", block
        graph = block.get("@graph")
        if isinstance(graph, list):
            yield from ((f'"@graph"{wanted}', node) for node in graph if _is(node, kind))
        main = block.get("mainEntity")
        if isinstance(main, dict) and _is(main, kind):
            yield "mainEntity", main
    elif isinstance(block, list):
        yield from ((wanted, node) for node in block if _is(node, kind))


def _is(node: Any, kind: str) -> bool:
    if not isinstance(node, dict):
        return False
    types = node.get("@type")
    return kind == types or (isinstance(types, list) and kind in types)


# --- JSON-LD ---------------------------------------------------------------------------------------------------------

#: Field, expressions that may hold it, contract, steps.
_LD_FIELDS: Final[tuple[tuple[str, tuple[str, ...], Mapping[str, Any], list[Any]], ...]] = (
    ("name", ("name", "headline", "title"), _TEXT, []),
    ("sku", ("sku", "productID"), _TEXT, []),
    ("mpn", ("mpn",), _TEXT, []),
    ("gtin", ("gtin13", "gtin", "gtin12", "gtin14", "gtin8", "isbn"), _TEXT, []),
    ("brand", ("brand.name", "brand"), _TEXT, []),
    ("price", ("offers.price", "offers.lowPrice", "offers[0].price"), _PRICE, []),
    ("currency", ("offers.priceCurrency", "offers[0].priceCurrency"), _TEXT, []),
    ("availability", ("offers.availability", "offers[0].availability"), _TEXT, _LAST_WORD),
    ("category", ("category", "articleSection"), _TEXT, []),
    ("color", ("color",), _TEXT, []),
    ("image", ("image.url", "image[0].url", "image[0]", "image"), _URI, []),
    ("author", ("author.name", "author[0].name", "author"), _TEXT, []),
    ("published", ("datePublished", "startDate", "datePosted"), _TEXT, []),
    ("description", ("description",), _TEXT, []),
    ("rating", ("aggregateRating.ratingValue",), _NUMBER, []),
    ("reviews", ("aggregateRating.reviewCount", "aggregateRating.ratingCount"), _COUNT, []),
)


def linked_candidates(found: Sequence[LinkedData | None]) -> Iterator[Candidate]:
    """Fields of the JSON-LD nodes of all samples, read from the page source `ld`."""
    first = next((data for data in found if data is not None), None)
    if first is None:
        return
    nodes = [data.node for data in found if data is not None]
    for name, expressions, spec, steps in _LD_FIELDS:
        used = [one for one in expressions if any(_scalar(_at(node, one)) for node in nodes)]
        if not used:
            continue
        values = [_at(node, one) for node in nodes for one in used]
        process = [*steps]
        if spec in (_PRICE, _NUMBER) and any(isinstance(v, str) and not _PLAIN_NUMBER.fullmatch(v) for v in values):
            process.append("price" if spec is _PRICE else "number")
        # Offers may be one or several on the next page, whatever the samples have.
        shape = expressions if name in ("price", "currency", "availability") else used
        path = " || ".join(shape)
        yield Candidate(field=name, rule=_from_ld(first.path, path, process), spec=spec, origin="json-ld")
    if any(isinstance(image := node.get("image"), list) and len(image) > 1 for node in nodes):
        member = "image[].url" if any(_scalar(_at(node, "image[0].url")) for node in nodes) else "image"
        rule = {"from": "ld", "jmespath": _joined(first.path, member), "all": True}
        yield Candidate(field="images", rule=rule, spec=_URIS, origin="json-ld")


def _from_ld(prefix: str, path: str, process: list[Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"from": "ld", "jmespath": _joined(prefix, path)}
    return {**rule, "process": process} if process else rule


def _joined(prefix: str, path: str) -> str:
    if not prefix:
        return path
    inner = f"({path})" if "||" in path else path
    return f"{prefix}.{inner}" if prefix == "mainEntity" and "||" not in path else f"{prefix} | {inner}"


def _at(node: Any, path: str) -> Any:
    """The value at one of the simple paths above."""
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


def microdata_candidates(page: SeenPage) -> Iterator[Candidate]:
    """Fields of `itemprop` attributes, read inside the item of a schema.org type if there is one."""
    scope = '[itemtype*="schema.org/Product"] ' if page.select('[itemtype*="schema.org/Product"]') else ""
    for name, itemprop, spec, process in _ITEMPROPS:
        selector = f"{scope}[itemprop={itemprop}]"
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

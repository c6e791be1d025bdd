"""Candidates from the data that a page brings along for its own scripts, such as `<script id="__NEXT_DATA__">`.

Such a script holds everything, so the one object that the page is about is found by what the page shows: its name,
which must be the same on every sample. Pure guesses, as all proposals are; the engine measures them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crawler.errors import ParseRefused
from crawler.recipe.propose_data import Candidate
from crawler.recipe.propose_dom import SeenPage, folded, text_of
from crawler.recipe.value_document import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Objects of one script that are looked at, and how deep.
_MAX_OBJECTS: Final = 5_000
_MAX_DEPTH: Final = 12
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMES: Final = ("name", "title", "productName", "headline")
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_PRICE: Final[dict[str, Any]] = {"type": "decimal", "minimum": 0}
_URI: Final[dict[str, Any]] = {"type": "string", "format": "uri"}
#: Fields, and the keys that hold them in an object with a name.
_KEYS: Final[tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...]] = (
    ("name", _NAMES, _TEXT),
    ("sku", ("sku", "code", "articleNumber"), _TEXT),
    ("gtin", ("gtin", "ean", "barcode"), _TEXT),
    ("brand", ("brand.name", "brand", "manufacturer"), _TEXT),
    ("price", ("price.amount", "price.value", "price", "currentPrice", "finalPrice"), _PRICE),
    ("currency", ("price.currency", "currency", "priceCurrency"), _TEXT),
    ("description", ("description",), _TEXT),
    ("image", ("image.url", "image", "imageUrl"), _URI),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StateData:
    """The script that holds the data of the samples, and the way to the object that the page is about."""

    source: dict[str, Any]
    path: str
    nodes: tuple[Mapping[str, Any], ...]


def state_data(pages: Sequence[SeenPage], names: Sequence[str | None]) -> StateData | None:
    """The data of the samples; `names`: what each of them shows as its name, None: only in its title."""
    for identity in state_scripts(pages[0]):
        values = [_parsed(page, identity) for page in pages]
        if any(not isinstance(value, dict) for value in values):
            continue
        best: tuple[int, StateData] | None = None
        for path, node in _objects(values[0]):
            others = [_at(value, path) for value in values[1:]]
            found = [node, *(other for other in others if isinstance(other, dict))]
            if len(found) < len(pages) or not all(map(_is_named, found, pages, names)):
                continue
            worth = len(list(_fields(found)))
            if worth > 1 and (best is None or worth > best[0]):
                source = {"css": f"script#{identity}::text", "parse": "json"}
                best = worth, StateData(source=source, path=_written(path), nodes=tuple(found))
        if best is not None:
            return best[1]
    return None


def state_scripts(page: SeenPage) -> list[str]:
    """The ids of the scripts of a page that hold an object of JSON."""
    found = [script.attributes.get("id") or "" for script in page.select('script[type="application/json"][id]')]
    return [each for each in found if _IDENTIFIER.fullmatch(each) and isinstance(_parsed(page, each), dict)]


def state_candidates(found: StateData | None) -> Iterator[Candidate]:
    """Fields of the object, read from the page source `state`."""
    for name, key, spec in _fields(found.nodes) if found is not None else ():
        path = f"{found.path}.{key}" if found is not None and found.path else key
        yield Candidate(field=name, rule={"from": "state", "jmespath": path}, spec=spec, origin="state")


def _fields(nodes: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, keys, spec in _KEYS:
        for key in keys:
            if any(_is_scalar(_at(node, tuple(key.split(".")))) for node in nodes):
                yield name, key, spec
                break


def _is_named(node: Mapping[str, Any], page: SeenPage, name: str | None) -> bool:
    own = next((folded(value) for key in _NAMES if isinstance(value := node.get(key), str)), "")
    if not own or name is not None:
        return bool(own) and own == folded(name or "")
    return any(own in text_of(title) for title in page.select("title"))


def _parsed(page: SeenPage, identity: str) -> Any:
    script = next(iter(page.select(f"script#{identity}")), None)
    try:
        return None if script is None else parse_json(script.text())
    except ParseRefused:
        return None


def _objects(value: Any) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The objects in a value that no list is around, with the keys that lead to them."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    for path, each in waiting:
        if not isinstance(each, dict):
            continue
        yield path, each
        if len(path) < _MAX_DEPTH and len(waiting) < _MAX_OBJECTS:
            waiting += [((*path, key), member) for key, member in each.items() if isinstance(member, dict)]


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _written(path: Sequence[str]) -> str:
    quoted = (key.replace("\\", "\\\\").replace('"', '\\"') for key in path)
    return ".".join(key if _IDENTIFIER.fullmatch(key) else f'"{key}"' for key in quoted)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, bool | dict | list) and value is not None and bool(str(value).strip())

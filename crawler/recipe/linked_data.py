"""What a page says about itself to machines: the nodes of its JSON-LD and microdata, found by type and made alike.

Works on values that were parsed already, and knows neither HTML nor rules. Nodes of both syntaxes are dictionaries with
`@type`; `tidied` brings them to one form, so that a recipe need not know how each site writes the same thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from crawler.recipe.schema_org import kinds_of, own_name
from crawler.recipe.urls import http_link
from crawler.recipe.value_document import size_of
from crawler.recipe.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crawler.recipe.values import Value

#: Characters of nodes that are put where others only name them (`{"@id": ...}`), for one rule on one page: a page of
#: nothing but such names would otherwise be as large as its square.
MAX_REFERENCED: Final = 1024 * 1024

#: Keys whose text is an address even if it is one of schema.org.
_ADDRESSES: Final = frozenset({"@id", "@context", "url", "sameAs", "image", "contentUrl"})


# --- finding ---------------------------------------------------------------------------------------------------------


def nodes_of(tops: Sequence[Value], type_: str) -> list[dict[str, Value]]:
    """The nodes of a type, or of one below it, in the order of the page.

    Lists and `@graph` are looked through. Nodes inside other nodes count only where no outer one is of the type: the
    products inside a product are others.
    """
    wanted = kinds_of(type_)
    level: list[Value] = list(tops)
    while level:
        nodes = list(_nodes(level))
        found = [node for node in nodes if not wanted.isdisjoint(_types(node))]
        if found:
            return found
        level = [member for node in nodes for member in node.values() if isinstance(member, dict | list)]
    return []


def _nodes(level: list[Value]) -> Iterator[dict[str, Value]]:
    """The nodes among the values, and in their lists and graphs."""
    waiting = level[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict):
            graph = value.get("@graph")
            if isinstance(graph, dict | list):
                waiting.append(graph)
                value = {key: member for key, member in value.items() if key != "@graph"}
            yield value


def _types(node: Mapping[str, Value]) -> Iterator[str]:
    types = node.get("@type")
    for written in types if isinstance(types, list) else [types]:
        if isinstance(written, str):
            yield (own_name(written.strip()) or written.strip()).lower()


def own_first(nodes: list[dict[str, Value]], urls: Iterable[str]) -> list[dict[str, Value]]:
    """The nodes with the one first whose `url` or `@id` is the page's; without one, as they are."""
    if len(nodes) < 2:
        return nodes
    pages = [url for url in urls if url]
    for form in (_same_page, _without_query):
        own = {form(url) for url in pages}
        for index, node in enumerate(nodes):
            if any(form(url) in own for url in _urls(node, pages[0] if pages else "")):
                return [node, *nodes[:index], *nodes[index + 1 :]]
    return nodes


def _urls(node: Mapping[str, Value], base_url: str) -> Iterator[str]:
    for key in ("url", "@id", "mainEntityOfPage"):
        written = node.get(key)
        if isinstance(written, dict):
            written = written.get("@id")
        url = http_link(base_url, written)
        if url is not None:
            yield url


def _same_page(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/"), parts.query


def _without_query(url: str) -> tuple[str, str, str]:
    return (*_same_page(url)[:2], "")


# --- one form --------------------------------------------------------------------------------------------------------


def tidied(nodes: Sequence[dict[str, Value]], tops: Sequence[Value]) -> list[Value]:
    """Copies of the nodes in one form: see `docs/recipes.md`, `jsonld`. `tops` hold the nodes that they refer to."""
    tidier = _Tidier(tops)
    return [tidier.node(node) for node in nodes]


class _Tidier:
    """Copies nodes; what they refer to is looked up when the first reference is met."""

    def __init__(self, tops: Sequence[Value]) -> None:
        self._tops = tops
        self._by_id: dict[str, dict[str, Value]] | None = None
        self._copied = 0  # characters of nodes that were referred to

    def node(self, node: Mapping[str, Value], *, follow: bool = True) -> dict[str, Value]:
        """A node, each of its properties in one form. `follow`: nodes it names by `@id` are put in their place."""
        made: dict[str, Value] = {}
        for written, value in node.items():
            key = own_name(written) or written
            if key in made and written != key:
                continue
            made[key] = self._property(key, value, follow=follow)
        return made

    def _property(self, key: str, value: Value, *, follow: bool) -> Value:
        if key == "@context":
            return value
        value = self._value(key, value, follow=follow)
        if key == "offers":
            return [] if value is None else value if isinstance(value, list) else [value]
        if key == "image":
            return list(_image_urls(value))
        return _name(value) if key == "brand" else value

    def _value(self, key: str, value: Value, *, follow: bool) -> Value:
        if isinstance(value, str):
            name = None if key in _ADDRESSES else own_name(value.strip())
            return value if name is None else name
        if isinstance(value, list):
            return [self._value(key, member, follow=follow) for member in value]
        if not isinstance(value, dict):
            return value
        for wrapper in ("@value", "@list", "@set"):
            if wrapper in value:
                return self._value(key, value[wrapper], follow=follow)
        if len(value) == 1 and isinstance(identity := value.get("@id"), str):
            return self._referenced(identity, value, follow=follow)
        return self.node(value, follow=follow)

    def _referenced(self, identity: str, reference: dict[str, Value], *, follow: bool) -> Value:
        """What `{"@id": ..}` stands for: a word of schema.org, or a node of the page, whose own references stay."""
        name = own_name(identity)
        if name is not None:
            return name
        if not follow or self._copied > MAX_REFERENCED:
            return reference
        if self._by_id is None:
            self._by_id = _by_id(self._tops)
        node = self._by_id.get(identity)
        if node is None:
            return reference
        self._copied += size_of(node)
        return self.node(node, follow=False)


def _by_id(tops: Sequence[Value]) -> dict[str, dict[str, Value]]:
    """The first node of each `@id` that says more than that."""
    found: dict[str, dict[str, Value]] = {}
    waiting: list[Value] = list(tops)[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            identity = value.get("@id")
            if isinstance(identity, str) and len(value) > 1:
                found.setdefault(identity, value)
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
    return found


def _image_urls(value: Value) -> Iterator[Value]:
    """Addresses of pictures, however they are written: text, objects, lists of both."""
    for member in value if isinstance(value, list) else [value]:
        if isinstance(member, str):
            if member.strip():
                yield member.strip()
        elif isinstance(member, list):
            yield from _image_urls(member)
        elif isinstance(member, dict):
            written = next((found for key in ("url", "contentUrl", "@id") if (found := member.get(key))), None)
            yield from _image_urls(written)


def _name(value: Value) -> Value:
    """The name of a brand: the text itself, `name` of an object, the first of a list that has one."""
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, list):
        return next((name for member in value if not is_missing(name := _name(member))), None)
    return value

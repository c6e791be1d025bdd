"""What a page says to machines and a recipe does not read: hints for whoever looks for a missing field.

Reads a parsed page and knows the names that fields usually have. Nothing here changes what a recipe gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.model import AnyOf, NodeSource, Rows, Take, UnionOf
from crawler.recipe.propose_data import FIELDS, linked_data, microdata, value_at
from crawler.recipe.propose_dom import see
from crawler.recipe.propose_state import state_scripts
from crawler.recipe.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.recipe.documents import Document
    from crawler.recipe.model import Page, RuleNode
    from crawler.recipe.propose_data import ToldData

_SHOWN: Final = 40
_WORDS: Final = {"jsonld": "JSON-LD", "microdata": "microdata"}
#: Names of fields that mean the same as those of `FIELDS`.
_ALIASES: Final = {"title": "name", "ean": "gtin", "images": "image", "id": "sku", "date": "published"}


def hints(page: Page, document: Document, url: str, missing: Sequence[str]) -> list[str]:
    """Where else on the page the missing fields may be, a sentence each. Only for HTML."""
    if document.kind != "html" or not missing:
        return []
    seen = see(document.text, url=url, base_url=document.base_url)
    read = set(_syntaxes(page))
    found: list[str] = []
    for told in (linked_data(seen), microdata(seen)):
        (syntax,) = ("",) if told is None else tuple(told.source)
        if told is None or syntax in read:
            continue
        places = list(_places(told, missing))
        what = f"the page has {_WORDS[syntax]} of a {told.type}"
        if places:
            source = f"sources: {{{told.name}: {{{syntax}: {told.type}}}}}"
            found.append(f"{what}; with {source} you have {', '.join(places)}")
    scripts = [name for name in state_scripts(seen) if not _is_read(page, name)]
    if scripts and not found:
        named = ", ".join(f"script#{name}" for name in scripts)
        source = f"sources: {{state: {{css: script#{scripts[0]}::text, parse: json}}}}"
        found.append(f"the page brings data along in {named}; {source} reads it")
    return found


def _places(told: ToldData, missing: Sequence[str]) -> Iterator[str]:
    paths = {name: expressions for name, expressions, _ in FIELDS}
    for name in missing:
        for path in paths.get(_ALIASES.get(name, name), ()):
            value: Any = value_at(told.node, path)
            if not is_missing(value) and not isinstance(value, dict | list):
                shown = str(value) if len(str(value)) <= _SHOWN else f"{str(value)[: _SHOWN - 3]}..."
                yield f"{name}: {{from: {told.name}, jmespath: {path if '[' not in path else repr(path)}}} ({shown})"
                break


def _syntaxes(page: Page) -> Iterator[str]:
    """`jsonld` and `microdata`, as far as a page type reads them."""
    for rule in _rules(page):
        if isinstance(rule.source, NodeSource):
            yield rule.source.syntax


def _is_read(page: Page, script: str) -> bool:
    return any(f"#{script}" in _text(rule) for rule in _rules(page))


def _text(rule: Take) -> str:
    query = getattr(rule.source, "query", None)
    return "" if query is None else str(query.text)


def _rules(page: Page) -> Iterator[Take]:
    roots: list[RuleNode] = [source.rule for source in page.sources.values()]
    if page.rows is not None:
        roots.append(page.rows)
    while roots:
        rule = roots.pop()
        if isinstance(rule, Take):
            yield rule
        elif isinstance(rule, Rows):
            roots += rule.fields.values()
            if rule.each is not None:
                yield rule.each.take
        elif isinstance(rule, AnyOf | UnionOf):
            roots += rule.members

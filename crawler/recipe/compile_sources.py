"""Compiles where a rule reads: one source key, held against the page, the row and the page sources of its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from crawler.recipe import checked
from crawler.recipe.compile_texts import Language, Scopes, TextCompiler
from crawler.recipe.diagnostics import Path, did_you_mean, one_of
from crawler.recipe.model import (
    ConstSource,
    MetaSource,
    NodeSource,
    ParseKind,
    PrecedingSource,
    QuerySource,
    ResponseSource,
    RuleNode,
    Source,
    TableSource,
    TemplateSource,
)
from crawler.recipe.schema_org import below, own_name, type_problem
from crawler.recipe.template import is_template
from crawler.recipe.yaml_nodes import MapNode, Scalar, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crawler.recipe.yaml_nodes import Node

_NODE_KEYS = ("jsonld", "microdata")
_SOURCE_KEYS = ("css", "xpath", "jmespath", *_NODE_KEYS, "meta", "response", "const", "template", "preceding", "table")
_RESPONSE_PARTS = ("url", "request_url", "status", "encoding", "text")


class Place(Struct, frozen=True, kw_only=True):
    """Where a rule stands, as far as its meaning depends on it."""

    language: Language
    kind: ParseKind | None  # of the page or row: None = by Content-Type
    page_kind: ParseKind | None
    row: bool = False
    scopes: Scopes = field(default_factory=Scopes)
    sources: Mapping[str, Language | None] = field(default_factory=dict)  # None: broken, nothing is known
    page: str = ""
    asks: int = 0  # so many lists of alternatives deep a follow-up request may stand from here, and one less

    def inside(self, *, language: Language, kind: ParseKind | None) -> Place:
        """The place inside a row."""
        return replace(self, language=language, kind=kind, row=True)


class SourceCompiler:
    """Compiles sources; `rule` compiles the rule inside `preceding`."""

    def __init__(self, texts: TextCompiler, rule: Callable[[Node | None, Path, Place], RuleNode | None]) -> None:
        self.texts = texts
        self.report = texts.report
        self.rule = rule

    def source(self, node: MapNode, path: Path, place: Place) -> Source | None:
        """The source of a rule's map; None if it has none, or after reporting why it cannot be read."""
        key = next((key for key in _SOURCE_KEYS if key in node), None)
        if key is None:
            return None
        where = (*path, key)
        if key in {"css", "xpath", "jmespath"}:
            return self._query(node, key, path, place)
        if key in {"preceding", "table"}:
            return self._row_source(node, key, where, place)
        if key == "const":
            return self._const(node, where)
        found = checked.scalar(node, key)
        if found is None:
            return None
        if key == "template":
            template = self.texts.template(found, where, place.scopes)
            return None if template is None else TemplateSource(template=template)
        if key == "response":
            return self._response(found, where)
        if key in _NODE_KEYS:
            return self._nodes(node, key, where, place)
        if place.page_kind not in {None, "html", "xml"}:
            self.report.add(found.mark, where, f"a {place.page_kind} page has no <meta> elements")
            return None
        return MetaSource(name=str(found.value))

    def _nodes(self, node: MapNode, key: str, path: Path, place: Place) -> NodeSource | None:
        kinds = ("html", "json") if key == "jsonld" else ("html",)
        if place.page_kind is not None and place.page_kind not in kinds:
            what = {"jsonld": "JSON-LD", "microdata": "microdata"}[key]
            self.report.add(node.by_key[key].mark, path, f"a page of {place.page_kind} has no {what}")
            return None
        type_ = checked.text(node, key)
        if type_ is None:
            return None
        problem = type_problem(type_)
        if problem is not None:
            name = own_name(type_)
            hint = f"write {name}" if name is not None else did_you_mean(type_, below())
            hint = hint or "a type of another vocabulary is written as its whole address"
            self.report.add(node.by_key[key].mark, path, problem, hint)
            return None
        raw = bool(checked.boolean(node, "raw"))
        return NodeSource(syntax=key, type=type_, raw=raw)  # type: ignore[arg-type] # a rule's map has only these two keys

    def _query(self, node: MapNode, key: str, path: Path, place: Place) -> QuerySource | None:
        found = checked.scalar(node, key)
        if found is None:
            return None
        needed: Language = "jmespath" if key == "jmespath" else "css"
        source = checked.scalar(node, "from")
        row = place.row
        if source is not None:
            name = str(source.value)
            if name not in place.sources:
                hint = did_you_mean(name, place.sources) or (
                    f"the page has {one_of(place.sources)}" if place.sources else "the page has no `sources`"
                )
                self.report.add(source.mark, (*path, "from"), f"there is no page source '{name}'", hint)
                return None
            language, row = place.sources[name], False
            if language is not None and language != needed:
                self._wrong_language(found, (*path, key), key, f"the source '{name}'", language)
                return None
        elif needed != place.language and not node.complete:
            return None  # what was refused may be the `from` that this query is for
        elif needed != place.language:
            what = "this row" if place.row else "this page"
            self._wrong_language(found, (*path, key), key, what, place.language)
            return None
        query = self.texts.query(key, found, (*path, key), row=row)
        return None if query is None else QuerySource(query=query)

    def _wrong_language(self, node: Scalar, path: Path, key: str, what: str, language: Language) -> None:
        if language == "jmespath":
            message = f"`{key}` reads HTML and XML, but {what} is JSON"
            hint = "use jmespath, or say `parse: html` where the text is HTML"
        else:
            message = f"`jmespath` reads JSON, but {what} is HTML or XML"
            hint = "use css or xpath, name a page source with `from`, or say `parse: json` where it is JSON"
        self.report.add(node.mark, path, message, hint)

    def _row_source(self, node: MapNode, key: str, path: Path, place: Place) -> Source | None:
        found = checked.mapping(node, key)
        if found is None:
            return None
        if not place.row or place.language != "css":
            entry = node.by_key[key]
            self.report.add(entry.mark, path, f"`{key}` works in rows of HTML or XML", "put it below an `each`")
            return None
        if key == "table":
            header = checked.text(found, "header")
            return None if header is None else TableSource(header=header)
        css = checked.scalar(found, "css")
        selector = None if css is None else self.texts.css(css, (*path, "css"), row=False)
        value = self.rule(found.get("value"), (*path, "value"), replace(place, asks=0))
        if selector is None or value is None:
            return None
        return PrecedingSource(css=selector, value=value)

    def _const(self, node: MapNode, path: Path) -> ConstSource | None:
        found = node.get("const")
        if found is None:
            return None
        if isinstance(found, Scalar) and isinstance(found.value, str) and is_template(found.value):
            self.report.add(found.mark, path, "`const` is no template", f"write template: {found.value!r}")
            return None
        return ConstSource(value=plain(found))

    def _response(self, node: Scalar, path: Path) -> ResponseSource | None:
        part = str(node.value)
        if part in _RESPONSE_PARTS or (part.startswith("headers.") and len(part) > len("headers.")):
            return ResponseSource(attribute=part)
        hint = did_you_mean(part, (*_RESPONSE_PARTS, "headers")) or f"use {one_of((*_RESPONSE_PARTS, 'headers.NAME'))}"
        if part == "headers":
            hint = "name the header: headers.content-type"
        self.report.add(node.mark, path, f"the response has no '{part}'", hint)
        return None

"""Compiles page types: their sources, links, lists and rows.

Names of page types, items, inputs and carried values are taken as written; `crosscheck` holds them against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from crawler.recipe import checked
from crawler.recipe.compile_blocked import compile_blocked
from crawler.recipe.compile_rules import gives
from crawler.recipe.compile_sources import Place
from crawler.recipe.compile_texts import Language, Scopes, TextCompiler
from crawler.recipe.diagnostics import did_you_mean, nearest
from crawler.recipe.model import (
    Fetch,
    Follow,
    Page,
    PageSource,
    Paginate,
    ParseKind,
    QuerySource,
    Rows,
    Take,
)
from crawler.recipe.queries import CssQuery, JmesQuery
from crawler.recipe.row_files import CsvFormat
from crawler.recipe.yaml_nodes import Broken, ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.compile_requests import RequestCompiler
    from crawler.recipe.compile_rules import RuleCompiler
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.model import Condition, RuleNode
    from crawler.recipe.yaml_nodes import Node


#: Files in which every line is a row.
_ROW_KINDS = frozenset({"csv", "jsonl"})


@dataclass(frozen=True, slots=True)
class PageCompiler:
    """Compiles page types; what is wrong is reported and left out."""

    texts: TextCompiler
    rules: RuleCompiler
    requests: RequestCompiler

    def page(self, name: str, node: MapNode, fetch: Fetch) -> Page:
        """A page type; parts that are wrong are reported and left out."""
        path: Path = ("pages", name)
        kind = cast("ParseKind | None", checked.text(node, "parse"))
        if kind is None and _shows_json(node):
            kind = "json"
        language: Language = "css" if kind in {None, "html", "xml"} else "jmespath"
        scopes = Scopes(names=frozenset({"inputs", "carried"}), page=name)
        place = Place(language=language, kind=kind, page_kind=kind, scopes=scopes, page=name)
        source_languages = _source_languages(node)
        namespaces = self._namespaces(node, path, kind)
        self.texts.namespaces = namespaces
        self.texts.unknown_prefixes.clear()
        sources = self._sources(node, path, replace(place, sources=source_languages))
        place = replace(place, sources=source_languages)
        rows = self._page_rows(node, path, place)
        paginate = self._paginate(checked.mapping(node, "paginate"), (*path, "paginate"), place)
        if rows is not None and rows.later and paginate is not None and paginate.append:
            message = "a row waits for later pages of its list (`append`) or for follow-up requests, not for both"
            hint = "delete `append`, or the `request` of its fields"
            self.texts.report.add(node.by_key["paginate"].mark, (*path, "paginate", "append"), message, hint)
        page = Page(
            name=name,
            parse=kind,
            match=self.requests.regexes(node, "match", path),
            fetch=self.requests.fetch(checked.mapping(node, "fetch"), (*path, "fetch"), fetch, Scopes()),
            drop_if=self._condition(node, "drop_if", path, place),
            blocked_if=compile_blocked(self.rules, node, path, place),
            sources=sources,
            follow=self._follows(node, path, place),
            paginate=paginate,
            item=checked.text(node, "item"),
            rows=rows,
            csv=self._csv(node, path, kind),
            namespaces=namespaces,
            session=checked.boolean(node, "session") is not False,
        )
        for entry in checked.entries(node, "namespaces"):
            for used in nearest(entry.key, self.texts.unknown_prefixes):
                message = f"a selector of this page type has the prefix '{used}'"
                where = (*path, "namespaces", entry.key)
                self.texts.report.add(entry.mark, where, message, did_you_mean(entry.key, [used]))
        return page

    def _namespaces(self, node: MapNode, path: Path, kind: str | None) -> dict[str, str]:
        """The prefixes of a page type, each with its address."""
        found = {
            entry.key: str(entry.node.value)
            for entry in checked.entries(node, "namespaces")
            if isinstance(entry.node, Scalar)
        }
        if found and kind != "xml" and not _holds_xml(node):
            message = "only XML has namespaces, and this page type reads none"
            entry = node.by_key["namespaces"]
            self.texts.report.add(entry.mark, (*path, "namespaces"), message, "add parse: xml to it or to a source")
        return found

    def _csv(self, node: MapNode, path: Path, kind: str | None) -> CsvFormat:
        """How the CSV of a page or source is written."""
        found = checked.mapping(node, "csv")
        if found is None:
            return CsvFormat()
        if kind != "csv":
            entry = node.by_key["csv"]
            self.texts.report.add(entry.mark, (*path, "csv"), "'csv' says how CSV is written", "add parse: csv")
        listed = tuple(str(scalar.value) for _, scalar in checked.scalars(found, "header", path))
        header: bool | tuple[str, ...] = checked.boolean(found, "header") is not False
        if isinstance(found.get("header"), ListNode):
            header = listed
        return CsvFormat(
            delimiter=checked.text(found, "delimiter"), header=header, skip=checked.integer(found, "skip") or 0
        )

    def _condition(self, node: MapNode, key: str, path: Path, place: Place) -> Condition | None:
        return self.rules.condition(node.get(key), (*path, key), place) if key in node else None

    def _page_rows(self, node: MapNode, path: Path, place: Place) -> Rows | None:
        if "fields" not in node:
            return None
        if place.page_kind in _ROW_KINDS and "each" not in node:
            message = f"a page of {place.page_kind} has many rows"
            self.texts.report.add(node.by_key["fields"].mark, (*path, "fields"), message, 'add each: "[*]"')
        return self.rules.rows(node, path, place)

    def _sources(self, node: MapNode, path: Path, place: Place) -> dict[str, PageSource]:
        compiled: dict[str, PageSource] = {}
        before: dict[str, Language | None] = {}
        for entry in checked.entries(node, "sources"):
            where = (*path, "sources", entry.key)
            # A source may read those before it, so that none can end up reading itself.
            rule = self.rules.rule(entry.node, where, replace(place, sources=dict(before)))
            before[entry.key] = place.sources.get(entry.key)
            parse = checked.text(entry.node, "parse") if isinstance(entry.node, MapNode) else None
            if rule is None:
                continue
            if parse is None and _gives_elements(rule):
                message = "a page source that reads elements must say what they are"
                self.texts.report.add(entry.mark, where, message, "add parse: html, or parse: json")
                continue
            if parse in {"html", "xml", "csv", "jsonl"} and gives(rule) == "list":
                message = f"a list cannot be parsed as {parse}, only one text can"
                self.texts.report.add(entry.mark, where, message, "delete all: true, or use `each` with `parse`")
                continue
            if parse in _ROW_KINDS and _folds_lines(rule):
                message = f"`::text` has no line breaks, and {parse} is made of lines"
                self.texts.report.add(entry.mark, where, message, "select the element itself, without ::text")
                continue
            in_lines = parse in _ROW_KINDS and _gives_elements(rule)
            if in_lines or (parse in {"html", "xml"} and isinstance(rule, Take) and _reads_tree(rule)):
                rule = replace(cast("Take", rule), as_="html")
            kind = cast("ParseKind | None", parse)
            csv = self._csv(entry.node, where, parse) if isinstance(entry.node, MapNode) else CsvFormat()
            compiled[entry.key] = PageSource(name=entry.key, rule=rule, parse=kind, csv=csv, in_lines=in_lines)
        return compiled

    def _follows(self, node: MapNode, path: Path, place: Place) -> tuple[Follow, ...]:
        compiled = []
        for where, member in checked.members(node.get("follow"), (*path, "follow")):
            if isinstance(member, MapNode):
                follow = self._follow(member, where, place)
                if follow is not None:
                    compiled.append(follow)
        return tuple(compiled)

    def _follow(self, node: MapNode, path: Path, place: Place) -> Follow | None:
        when = self._condition(node, "when", path, place)
        allow, deny = self.requests.regexes(node, "allow", path), self.requests.regexes(node, "deny", path)
        each, inside = None, place
        if "each" in node:
            found = self.rules.each(node.get("each"), (*path, "each"), place)
            if found is None:
                return None
            each, inside = found
        links = self.rules.rule(node.get("links"), (*path, "links"), inside)
        carry = {}
        for entry in checked.entries(node, "carry"):
            rule = self.rules.rule(entry.node, (*path, "carry", entry.key), inside)
            if rule is not None:
                carry[entry.key] = rule
        if links is None:
            return None
        page = checked.text(node, "page")
        return Follow(links=links, each=each, allow=allow, deny=deny, carry=carry, page=page, when=when)

    def _paginate(self, node: MapNode | None, path: Path, place: Place) -> Paginate | None:
        if node is None:
            return None
        while_ = self._condition(node, "while", path, place)
        maximum = checked.integer(node, "max_pages")
        append = tuple(str(scalar.value) for _, scalar in checked.scalars(node, "append", path))
        shared = Paginate(kind="next", while_=while_, max_pages=1000 if maximum is None else maximum, append=append)
        start, step = checked.integer(node, "start"), checked.integer(node, "step")
        if "cursor" in node or "next" in node:
            key = "cursor" if "cursor" in node else "next"
            link = self.rules.rule(node.get(key), (*path, key), place)
            if link is None:
                return None
            param = checked.text(node, "param") or ""
            return replace(shared, kind="cursor" if key == "cursor" else "next", link=link, param=param)
        if "offset" in node:
            total = self.rules.rule(node.get("total"), (*path, "total"), place) if "total" in node else None
            size = checked.integer(node, "size")
            return replace(
                shared,
                kind="offset",
                param=checked.text(node, "offset") or "",
                start=0 if start is None else start,
                step=1 if size is None else size,
                total=total,
            )
        param = checked.text(node, "param") or ""
        return replace(
            shared, kind="param", param=param, start=1 if start is None else start, step=1 if step is None else step
        )


# --- what a page speaks ----------------------------------------------------------------------------------------------


def _source_languages(node: MapNode) -> dict[str, Language | None]:
    """Page sources and the language that reads them: JMESPath, unless `parse` says it is a tree."""
    languages: dict[str, Language | None] = {}
    found = checked.mapping(node, "sources")
    for entry in found or ():
        if not isinstance(entry.node, MapNode):
            languages[entry.key] = None if isinstance(entry.node, Broken) else "jmespath"
        else:
            parse = checked.text(entry.node, "parse")
            languages[entry.key] = "css" if parse in {"html", "xml"} else "jmespath"
    return languages


def _holds_xml(node: Node | None) -> bool:
    """Whether something below a node says `parse: xml`."""
    if isinstance(node, ListNode):
        return any(_holds_xml(member) for member in node.items)
    if not isinstance(node, MapNode):
        return False
    return checked.text(node, "parse") == "xml" or any(_holds_xml(entry.node) for entry in node)


def _gives_elements(rule: RuleNode) -> bool:
    """Whether a rule certainly ends in elements, and not in their text or in what steps make of it."""
    if not isinstance(rule, Take) or not isinstance(rule.source, QuerySource) or rule.process or rule.as_ != "text":
        return False
    query = rule.source.query
    return isinstance(query, CssQuery) and any(part.kind == "element" for part in query.parts)


def _folds_lines(rule: RuleNode) -> bool:
    """Whether a rule reads the text of an element that is no script in one line."""
    if not isinstance(rule, Take) or not isinstance(rule.source, QuerySource) or rule.process:
        return False
    query = rule.source.query
    folds = isinstance(query, CssQuery) and any(part.kind in ("own_text", "texts") for part in query.parts)
    return folds and "script" not in query.text


def _reads_tree(rule: Take) -> bool:
    """Whether a rule may end in elements, of which a parser needs the HTML and not the visible text."""
    return isinstance(rule.source, QuerySource) and not isinstance(rule.source.query, JmesQuery) and rule.as_ == "text"


def _shows_json(node: MapNode) -> bool:
    """Whether a page without `parse` is JSON: most of its rules that name a language read it with JMESPath."""
    each = node.get("each")
    parts = [node.get(key) for key in ("drop_if", "sources", "paginate", "each")]
    follow = node.get("follow")
    if isinstance(follow, ListNode):
        for member in follow.items:
            if isinstance(member, MapNode):
                inner = [member.get(key) for key in ("links", "carry")] if "each" not in member else []
                parts += [member.get("each"), member.get("when"), *inner]
    if each is None:
        parts.append(node.get("fields"))
    votes = [vote for part in parts for vote in _languages(part)]
    return votes.count("jmespath") > votes.count("css")


def _languages(node: Node | None) -> Iterator[Language]:
    """The languages in which rules below a node read the page itself."""
    if isinstance(node, ListNode):
        for member in node.items:
            yield from _languages(member)
    if not isinstance(node, MapNode):
        return
    if "fields" in node or "each" in node:
        yield from _languages(node.get("each"))
    elif "from" not in node and "request" not in node:
        if "jmespath" in node:
            yield "jmespath"
        elif "css" in node or "xpath" in node:
            yield "css"
        else:
            for entry in node:
                yield from _languages(entry.node) if entry.key not in {"const", "default", "process"} else ()

"""Evaluates rules on one page: which source gave the value, what its steps made of it, which alternative won.

A `PageContext` lives as long as one page. It owns what all rules of the page share: the document, the page sources
(parsed when first asked for), the counters and, for `recipe try`, the traces. It knows nothing of contracts, requests
or the network.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from crawler.errors import PageError, ParseRefused
from crawler.recipe.cells import ASK
from crawler.recipe.css_lexbor import ALONE, Columns
from crawler.recipe.documents import parse_fragment, value_scope
from crawler.recipe.model import (
    AnyOf,
    ConstSource,
    FieldTrace,
    MetaSource,
    NodeSource,
    PrecedingSource,
    QuerySource,
    ResponseSource,
    Rows,
    RowSelector,
    Take,
    TemplateSource,
    UnionOf,
)
from crawler.recipe.page_nodes import PageNodes
from crawler.recipe.queries import CssQuery, JmesQuery, QueryError
from crawler.recipe.scalars import describe
from crawler.recipe.source_text import source_text
from crawler.recipe.steps import StepFailed, run_steps
from crawler.recipe.template import Template
from crawler.recipe.text import lines_as_written
from crawler.recipe.values import MISSING, Value, holds, is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crawler.recipe.documents import Document, Scope
    from crawler.recipe.model import Condition, Page, PageInput, ParseKind, RuleNode
    from crawler.recipe.queries import Query
    from crawler.recipe.row_files import CsvFormat

#: Rows that `else: {cartesian: ..}` may make of one page's options; more is a broken selector, not a product.
MAX_CARTESIAN_ROWS = 1_000


class Got(NamedTuple):
    """What evaluating one rule gave. `winner` counts alternatives from 0; None = nothing won.

    `emptied` shows the value of which the steps left nothing, which is no failure: a regex that does not match.
    """

    value: Value
    winner: int | None = None
    matches: int = 0
    origin: str | Take = ""
    failure: str | None = None
    emptied: str | None = None

    @property
    def source(self) -> str:
        """Where it was read, as a person wrote it: `css: h1`."""
        return self.origin if isinstance(self.origin, str) else source_text(self.origin)

    def gap(self) -> str:
        """Why there is no value."""
        if self.failure is not None:
            return self.failure
        if self.emptied is not None:
            return f"the steps leave nothing of {self.emptied}"
        return f"{self.source} matches nothing" if self.source else "no rule gave a value"


class RowScope(Struct):
    """Where a rule stands: the part of the page it sees, and the rows that templates may refer to."""

    scope: Scope
    item: Mapping[str, Value] = field(default_factory=dict)  # the outermost row, as far as it is known
    row: Mapping[str, Value] = field(default_factory=dict)  # the innermost row
    path: str = ""  # prefix of field names in counters and traces: "variants[]."
    fallback: Mapping[str, Value] = field(default_factory=dict)  # a cartesian row inherits from its item
    failures: dict[str, str] = field(default_factory=dict)  # of fields that are missing: their last failed step
    gaps: dict[str, str] = field(default_factory=dict)  # of all fields that are missing: why
    beside: Columns | None = None  # the rows of a page's tree that it is one of


class PageContext(Struct):
    """Everything that the rules of one page share; see the module's docstring."""

    page: Page
    input: PageInput
    document: Document
    stats: Counter[str] = field(default_factory=lambda: Counter.__new__(Counter))  # empty, and made for half the price
    traces: list[FieldTrace] | None = None
    xpath_at_once: bool = True  # False: documents whose XPath may never come wait for it; see `moved_late`
    _sources: dict[str, Scope | None] = field(default_factory=dict)
    _parsed_documents: list[Document] = field(default_factory=list)
    _nodes: PageNodes | None = None

    # --- rules ------------------------------------------------------------------------------------------------------

    def value(self, rule: RuleNode, at: RowScope, name: str = "") -> Value:
        """The value of a rule, or MISSING. `name` is the field's path in counters.

        Raises:
            PageError: the page is another kind of document than the rule was written for.
        """
        return self.evaluate(rule, at, name).value

    def evaluate(
        self, rule: RuleNode, at: RowScope, name: str = "", *, as_links: bool = False, many: bool = False
    ) -> Got:
        """As `value`, with what a trace needs. `as_links`: elements give their href or src, all of them."""
        if isinstance(rule, Rows):
            rows = self.nested_rows(rule, at, name)
            return Got(rows, None if rows is MISSING else 0, 0 if rows is MISSING else len(rows), "each")
        if rule.when is not None and not self.condition(rule.when, at):
            return Got(MISSING, origin="when")
        if isinstance(rule, Take):
            got = self._take(rule, at, name, as_links=as_links, many=many)
        elif isinstance(rule, AnyOf):
            got = self._any_of(rule, at, name, as_links=as_links, many=many)
        else:
            got = self._union_of(rule, at, name, as_links=as_links, many=many)
        if is_missing(got.value) and rule.default is not MISSING:
            return self.defaulted(rule.default, at, got)
        return got

    def condition(self, condition: Condition, at: RowScope) -> bool:
        """Whether `when`, `while` or `drop_if` holds.

        Raises:
            PageError: the condition itself failed (a JMESPath type error): that never counts as "does not hold".
        """
        got = self.evaluate(condition.rule, at)
        if got.failure is not None and is_missing(got.value):
            raise PageError(f"{self.page.name}: the condition `{got.source}` failed: {got.failure}")
        return holds(got.value)

    def _take(self, take: Take, at: RowScope, name: str, *, as_links: bool, many: bool) -> Got:
        try:
            found = self._found(take, at, as_links=as_links)
        except (QueryError, StepFailed) as error:
            self.stats[f"recipe/source_failed/{name or '-'}"] += 1
            return Got(MISSING, origin=take, failure=str(error))
        matches = len(found)
        if take.as_ == "count":
            value: Value = matches
        else:
            value = self._chosen(found, name, every=take.all or many or as_links)
        if value is MISSING or not take.process:
            return Got(value, None if value is MISSING else 0, matches, take)
        before = value
        value, failure = self._steps(take, value, name)
        if not is_missing(value):
            return Got(value, 0, matches, take, failure)
        return Got(value, None, matches, take, failure, emptied=describe(before) if failure is None else None)

    def _chosen(self, found: list[Value], name: str, *, every: bool) -> Value:
        """All members, or the first that is not missing; a choice between different ones is counted."""
        members = [value for value in found if not is_missing(value)]
        if not members:
            return MISSING
        if every:
            # JMESPath gives one value; with `all` a list is spread into its members.
            spread = members[0] if len(members) == 1 and isinstance(members[0], list) else members
            return [value for value in spread if not is_missing(value)] or MISSING
        if len(members) > 1 and name and any(member != members[0] for member in members):
            self.stats[f"recipe/ambiguous/{name}"] += 1
        return members[0]

    def _steps(self, rule: Take | AnyOf | UnionOf, value: Value, name: str) -> tuple[Value, str | None]:
        try:
            return run_steps(rule.process, value, base_url=self.document.base_url, now=self.input.answered_at), None
        except StepFailed as error:
            number = error.index + 1
            self.stats[f"recipe/step_failed/{name or '-'}/{number}"] += 1
            return MISSING, f"step {number} ({error.name}): {error}"

    def _any_of(self, rule: AnyOf, at: RowScope, name: str, *, as_links: bool, many: bool) -> Got:
        last = Got(MISSING)
        for index, member in enumerate(rule.members):
            got = self.evaluate(member, at, name, as_links=as_links, many=many or rule.all)
            failure = got.failure or last.failure
            value = got.value
            if not is_missing(value) and rule.process:
                value, failed = self._steps(rule, value, name)
                failure = failed or failure
            if not is_missing(value):
                return Got(value, index, got.matches, got.origin, failure)
            last = Got(MISSING, None, got.matches, got.origin, failure, got.emptied or last.emptied)
        return last

    def _union_of(self, rule: UnionOf, at: RowScope, name: str, *, as_links: bool, many: bool) -> Got:
        union: list[Value] = []
        failure = None
        for member in rule.members:
            got = self.evaluate(member, at, name, as_links=as_links, many=many)
            failure = got.failure or failure
            if not is_missing(got.value):
                union.extend(got.value if isinstance(got.value, list) else [got.value])
        value: Value = union or MISSING
        if union and rule.process:
            value, failure = self._steps(rule, value, name)
        return Got(value, None if is_missing(value) else 0, len(union), "union", failure)

    def defaulted(self, default: Value, at: RowScope, got: Got) -> Got:
        """What a rule without a value gives that has this default."""
        if not isinstance(default, Template):
            return Got(default, got.winner, got.matches, "default", got.failure)
        try:
            value = default.render(self.template_scopes(at))
        except StepFailed as error:
            return Got(MISSING, None, got.matches, "default", f"default: {error}")
        return Got(value, got.winner, got.matches, "default", got.failure)

    # --- sources ----------------------------------------------------------------------------------------------------

    def _found(self, take: Take, at: RowScope, *, as_links: bool) -> list[Value]:
        """Every match of the source, missing ones included."""
        source = take.source
        if isinstance(source, QuerySource):
            scope = at.scope if take.from_ is None else self.source(take.from_, at)
            return [] if scope is None else self._query(scope, source.query, take, as_links=as_links)
        if isinstance(source, ConstSource):
            return [source.value]
        if isinstance(source, TemplateSource):
            return _listed(source.template.render(self.template_scopes(at)))
        if isinstance(source, MetaSource):
            return list(self.document.meta(source.name))
        if isinstance(source, NodeSource):
            urls = (self.input.url, self.input.asked_url or self.input.request.url)
            if self._nodes is None:
                self._nodes = PageNodes(self.document, self.stats)
            return self._nodes.find(source, urls)
        if isinstance(source, ResponseSource):
            return _listed(self._response(source.attribute))
        if isinstance(source, PrecedingSource):
            before = at.scope.preceding(source.css)
            inner = None if before is None else RowScope(before, at.item, at.row, at.path)
            return [] if inner is None else _listed(self.value(source.value, inner))
        cell = at.scope.table_cell(source.header)
        return [] if cell is None else [cell.own(as_="html" if take.as_ == "html" else "text", remove=take.remove)]

    def _query(self, scope: Scope, query: Query, take: Take, *, as_links: bool) -> list[Value]:
        if isinstance(query, JmesQuery) != (scope.language == "jmespath"):
            raise PageError(
                f"{self.page.name}: the page is {scope.document.kind}, and `{query.language}: {query.text}` cannot read"
                f" that; it came with status {self.input.status} from {self.input.url}"
            )
        if as_links:
            return list(scope.links(query))
        return scope.values(query, as_="html" if take.as_ == "html" else "text", remove=take.remove)

    def _response(self, attribute: str) -> Value:
        page = self.input
        if attribute.startswith("headers."):
            return page.headers.get(attribute.removeprefix("headers.").lower(), MISSING)
        known: dict[str, Any] = {
            "url": page.url,
            "request_url": page.asked_url or page.request.url,
            "status": page.status,
        }
        if attribute in known:
            return known[attribute]
        return self.document.text if attribute == "text" else self.document.encoding

    def source(self, name: str, at: RowScope) -> Scope | None:
        """The page source of that name, parsed once; None where the page does not have it."""
        if name not in self._sources:
            self._sources[name] = None  # also ends a source that refers to itself
            spec = self.page.sources[name]
            value = self.value(spec.rule, RowScope(self.document.root, at.item, at.row), f"sources.{name}")
            if spec.in_lines and isinstance(value, str):
                value = lines_as_written(value)
            self._sources[name] = None if is_missing(value) else self._parsed(value, spec.parse, name, spec.csv)
        return self._sources[name]

    def _parsed(
        self, value: Value, kind: ParseKind | None, name: str | None = None, csv: CsvFormat | None = None
    ) -> Scope | None:
        """A value of the page as a scope of its own; None, and counted, where it is no such document.

        Of a list (`all: true`) every text is read as JSON, and the result is the list.
        """
        if kind is None or (kind == "json" and not isinstance(value, str | list)):
            return value_scope(value, self.document)
        if kind == "json" and isinstance(value, list):
            members: list[Value] = []
            for member in value:
                if not isinstance(member, str):
                    members.append(member)
                elif (scope := self._parsed(member, kind)) is not None:
                    members.append(scope.own())
            return value_scope(members, self.document)
        try:
            document = self._fragment(value, kind, csv)
        except PageError:
            # A broken script block is no reason to lose the page: the alternatives of the rules decide.
            self.stats["recipe/source_unparsed"] += 1
            return None
        if name is not None and name in self.page.xpath_documents:
            document.use_xpath(at_once=self.xpath_at_once)
        self._parsed_documents.append(document)
        return document.root

    def _fragment(self, value: Value, kind: ParseKind, csv: CsvFormat | None) -> Document:
        if not isinstance(value, str):
            raise ParseRefused(f"{kind} is read from text, not from {describe(value)}")
        return parse_fragment(
            value, kind=kind, url=self.document.base_url, csv=csv, namespaces=self.page.namespaces.values()
        )

    @property
    def moved_late(self) -> bool:
        """Whether something was read on another tree than the rest of its document, so that all must be read anew."""
        return any(document.moved_late for document in (self.document, *self._parsed_documents))

    def all_stats(self) -> dict[str, int]:
        """The counters of the rules and of every document that they read."""
        total = dict(self.stats)
        for document in (self.document, *self._parsed_documents):
            for name, count in document.stats.items():
                total[name] = total.get(name, 0) + count
        return total

    def template_scopes(self, at: RowScope) -> dict[str, Mapping[str, Value]]:
        """What `{{ }}` may refer to here."""
        return {"inputs": self.input.inputs, "carried": self.input.request.carried, "item": at.item, "row": at.row}

    # --- rows -------------------------------------------------------------------------------------------------------

    def row_scopes(self, each: RowSelector, at: RowScope) -> list[Scope] | str:
        """The rows that `each` makes here; or why there can be none: its JSON path is not there, or it failed.

        Raises:
            PageError: the page is another kind of document than the rule was written for.
        """
        take = each.take
        scope = at.scope if take.from_ is None else self.source(take.from_, at)
        if scope is None:
            return f"the page source `{take.from_}` is not there"
        query = take.source.query if isinstance(take.source, QuerySource) else None
        text = source_text(take) if query is None else query.text
        gone = f"`{text}` is not there on {self.input.url} (an empty list would be `[]`)"
        if query is not None and not take.process and each.parse is None and not _reads_values(query):
            return self._element_rows(scope, query, take, gone)
        got = self._take(take, at, "", as_links=False, many=True)
        if got.failure is not None:
            return got.failure
        if isinstance(query, JmesQuery) and not got.matches:
            return gone
        members = got.value if isinstance(got.value, list) else [] if got.value is MISSING else [got.value]
        if each.parse is None:
            return [value_scope(member, self.document) for member in members]
        return [parsed for member in members if (parsed := self._parsed(member, each.parse)) is not None]

    def _element_rows(self, scope: Scope, query: Query, take: Take, gone: str) -> list[Scope] | str:
        """Rows of elements, or of the members of a JSON list."""
        if isinstance(query, JmesQuery) != (scope.language == "jmespath"):
            self._query(scope, query, take, as_links=False)  # raises with the reason
        try:
            rows = scope.rows(query)
            if rows == [] and query.language == "xpath" and scope.values(query):
                return f"`{source_text(take)}` gives text, and rows are made of elements"
        except QueryError as error:
            return str(error)
        return gone if rows is None else rows

    def nested_rows(self, rows: Rows, at: RowScope, name: str) -> Value:
        """A list of objects, one per match of the field's `each`; MISSING if there are none."""
        if rows.when is not None and not self.condition(rows.when, at):
            return MISSING
        scopes = [at.scope] if rows.each is None else self.row_scopes(rows.each, at)
        if isinstance(scopes, str):
            scopes = []
        beside = columns_of(scopes)
        inner = [RowScope(scope, at.item, path=f"{name}[].", beside=beside) for scope in scopes]
        if not inner and rows.cartesian is not None:
            inner = self._cartesian(rows, rows.cartesian, at, name)
        dropped = rows.drop_if
        values = [self.fields(rows, row) for row in inner if dropped is None or not self.condition(dropped, row)]
        return values or MISSING

    def fields(self, rows: Rows, at: RowScope) -> dict[str, Value]:
        """One row: every field in turn, so that templates see the ones before. Missing fields are left out.

        So are those that need the answers to follow-up requests: see `follow_ups`.
        """
        values: dict[str, Value] = {}
        at.row = values
        if not at.path:
            at.item = values
        native = at.scope.native if self.traces is None else None
        data = at.scope.own() if native is None and self.traces is None and at.scope.language == "jmespath" else None
        beside = at.beside or (ALONE if at.scope.is_row else None)
        for cell in rows.cells:
            name, rule = cell.name, cell.rule
            path = at.path + name
            if native is not None and cell.read is not None:
                value = cell.read(at.scope, native, beside, self, path)
                if value is not ASK and (value is not MISSING or name not in at.fallback):
                    if value is MISSING:
                        at.gaps[name] = cell.gap
                    else:
                        values[name] = value
                    if cell.moves:
                        native = at.scope.native  # None where the XPath has moved the page to the other tree
                    continue
            elif data is not None and cell.pick is not None:
                value = cell.pick(data)
                if value is not ASK:
                    values[name] = value
                    continue
            got = self.evaluate(rule, at, path)
            native = native and at.scope.native
            value = got.value
            if is_missing(value) and name in at.fallback:
                value = at.fallback[name]
            if not is_missing(value):
                values[name] = value
            else:
                at.gaps[name] = got.gap()
                if got.failure is not None:
                    at.failures[name] = got.failure
            self.count(rule, path, got)
        return values

    def count(self, rule: RuleNode, path: str, got: Got) -> None:
        """Notes what a field has come to: which alternative won, and its trace."""
        if isinstance(rule, AnyOf) and len(rule.members) > 1 and got.winner is not None:
            self.stats[f"recipe/alternative/{path}/{got.winner + 1}"] += 1
        if self.traces is not None:
            self.traces.append(
                FieldTrace(
                    path=path,
                    value=got.value,
                    winner=got.winner,
                    matches=got.matches,
                    source=got.source,
                    failure=got.failure,
                )
            )

    def _cartesian(self, rows: Rows, options: str, at: RowScope, name: str) -> list[RowScope]:
        """Every combination of the options in the sibling field: [{name, values}, ..] -> [{name: value}, ..].

        JMESPath rules of such a row read `{"attributes": {name: value}}`; selectors find nothing in it. A field that is
        missing takes the combination (the field named as the options) or the item's value (the parent's price).
        """
        listed = at.row.get(options)
        known = [option for option in listed if isinstance(option, dict)] if isinstance(listed, list) else []
        choices = [
            (str(option["name"]), values if isinstance(values := option.get("values"), list) else [values])
            for option in known
            if not is_missing(option.get("name")) and not is_missing(option.get("values"))
        ]
        if not choices:
            return []
        total = math.prod(len(values) for _, values in choices)
        if total > MAX_CARTESIAN_ROWS:
            raise PageError(f"{self.page.name}: {name}: {total} combinations of options; {MAX_CARTESIAN_ROWS} at most")
        inherited = {key: value for key, value in at.row.items() if key != name}
        made = []
        for combination in itertools.product(*(values for _, values in choices)):
            chosen = dict(zip((option for option, _ in choices), combination, strict=True))
            made.append(
                RowScope(
                    self._combination_scope(rows, chosen),
                    at.item,
                    path=f"{name}[].",
                    fallback=inherited | {options: chosen},
                )
            )
        return made

    def _combination_scope(self, rows: Rows, chosen: dict[str, Value]) -> Scope:
        source = None if rows.each is None else rows.each.take.source
        if isinstance(source, QuerySource) and not isinstance(source.query, JmesQuery):
            return parse_fragment("<p></p>", kind="html", url=self.document.base_url).root
        return value_scope({"attributes": chosen}, self.document)


def columns_of(rows: Sequence[Scope]) -> Columns | None:
    """Rows of lexbor's tree, to be searched together; None for others."""
    nodes = [node for row in rows if (node := row.native) is not None and row.is_row]
    return Columns(nodes) if len(nodes) == len(rows) > 1 else None


def _reads_values(query: Query) -> bool:
    """Whether a selector gives attributes or text, and not only elements."""
    return isinstance(query, CssQuery) and any(part.kind != "element" for part in query.parts)


def _listed(value: Value) -> list[Value]:
    return [] if value is MISSING else [value]


def plain_value(value: Value) -> Value:
    """The value as JSON can hold it (Decimal as text), for ids and reports."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_value(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(member) for member in value]
    return value

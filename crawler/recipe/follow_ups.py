"""Rows that wait for follow-up requests: what is asked next, what an answer gives, and what is left when none comes.

A row of a page may need more requests (`request` in the rules of its fields). Its other fields are read at once, and it
then travels with one request after the other, before coercion, until no field is open. So whoever fetches an answer can
go on, and the row is given out by exactly one page: that of its last request. Each answer settles at least one
alternative of one field, so a row makes no more requests than its rules have.

Knows nothing of contracts but which fields are URLs, and nothing of who fetches.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from crawler.recipe.documents import parse_document, parse_fragment
from crawler.recipe.made_requests import made_request
from crawler.recipe.model import AnyOf, OpenField, PageInput, PageRequest, QuerySource, Rows, Take, UnionOf, Waiting
from crawler.recipe.paging import mark
from crawler.recipe.rules import Got, PageContext, RowScope, plain_value
from crawler.recipe.source_text import source_text
from crawler.recipe.steps import StepFailed
from crawler.recipe.urls import absolute_url
from crawler.recipe.values import MISSING, Value, is_missing
from crawler.recipe.xpath_use import reads_by_xpath

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crawler.recipe.contract import ItemContract
    from crawler.recipe.model import FieldTrace, FollowUp, Page, Recipe, RuleNode

#: A row that is larger, in bytes of JSON with its request, waits for nothing: each waits in the queue of the job.
MAX_WAITING_BYTES: Final = 160 * 1024


class WaitingRow:
    """One row on its way from answer to answer."""

    def __init__(self, page: Page, contract: ItemContract, request: PageRequest, waiting: Waiting) -> None:
        """`request`: the one that has brought us here; `waiting`: the row as it is now."""
        if page.rows is None:
            raise AssertionError("rows exist only on pages with an item")
        self._page = page
        self._rows = page.rows
        self._contract = contract
        self._request = request
        self._asked = waiting.asked
        self.url = waiting.url
        self.base_url = waiting.base_url
        self.values = dict(waiting.values)
        self.open = dict(waiting.open)
        self.failures = dict(waiting.failures)
        self.gaps = dict(waiting.gaps)

    @classmethod
    def begin(cls, context: PageContext, at: RowScope, contract: ItemContract) -> WaitingRow:
        """The row of a page of which all other fields have been read into `at`."""
        base_url = context.document.base_url
        waiting = Waiting(
            url=context.input.url, base_url=base_url, values=at.row, open={}, failures=at.failures, gaps=at.gaps
        )
        row = cls(context.page, contract, context.input.request, waiting)
        for name, rule in row._rows.fields.items():
            if name in row._rows.later:
                row._begin_field(context, at, name, rule)
        return row

    def _begin_field(self, context: PageContext, at: RowScope, name: str, rule: RuleNode) -> None:
        if not asks(rule):
            self.open[name] = OpenField()
        elif rule.when is not None and not context.condition(rule.when, at):
            self._decide(context, name, rule, Got(MISSING, origin="when"))
        else:
            self.open[name] = self._begun(context, at, name, rule)

    def _begun(self, context: PageContext, at: RowScope, name: str, rule: RuleNode) -> OpenField:
        """The alternatives that are to be asked for, and what the page gives behind them."""
        if not isinstance(rule, AnyOf):
            return OpenField(asks=(0,))
        wanted: list[int] = []
        for index, member in enumerate(rule.members):
            if isinstance(member, Take) and member.request is not None:
                if member.when is None or context.condition(member.when, at):
                    wanted.append(index)
                continue
            got = context.evaluate(AnyOf(members=(member,), all=rule.all, process=rule.process), at, name)
            if not is_missing(got.value):
                return OpenField(asks=tuple(wanted), otherwise=(got.value, index))
            if got.failure is not None:
                self.failures[name] = got.failure
        return OpenField(asks=tuple(wanted))

    def answered(self, context: PageContext, inputs: Mapping[str, Value]) -> None:
        """Takes what the answer gives: every open field whose next request this was."""
        at = RowScope(context.document.root, self.values, self.values)
        for name in list(self.open):
            rule, failure = self._rows.fields[name], None
            while (field := self.open.get(name)) is not None and self._mark_of(rule, field, inputs) == self._asked:
                got = _read(context, at, name, rule, field.asks[0])
                failure = got.failure or failure
                if not is_missing(got.value):
                    value = _absolute(self._contract, name, got.value, context.document.base_url)
                    found = got._replace(value=value, winner=field.asks[0])
                    self._decide(context, name, rule, found)
                else:
                    self._next_ask(name, field, failure or got.gap())

    def lost(self, inputs: Mapping[str, Value]) -> None:
        """The answer never came: each field that waited for it goes on to its next alternative."""
        for name in list(self.open):
            rule = self._rows.fields[name]
            while (field := self.open.get(name)) is not None and self._mark_of(rule, field, inputs) == self._asked:
                self._next_ask(name, field, f"the request {self._request.url} failed")

    def onward(self, inputs: Mapping[str, Value], stats: PageContext | None = None) -> PageRequest | None:
        """The next request, with this row; None if no field is open any more: the row is whole.

        `stats`: where alternatives are counted; a page that never came has no such place.
        """
        blank = _blank_context(self._page, self._request, inputs, self.base_url)
        counted = stats or blank
        while self.open:
            name, field = next(iter(self.open.items()))
            rule = self._rows.fields[name]
            if not field.asks:
                got = self._otherwise(blank, name, rule, field)
                self._decide(counted, name, rule, got)
                continue
            made = self._made(rule, field.asks[0], inputs)
            if isinstance(made, PageRequest):
                request = self._carrying(made, _identity(made, _follow_up(rule, field.asks[0])))
                size = waiting_bytes(request)
                if size <= MAX_WAITING_BYTES:
                    return request
                made = f"the row has {size:,} bytes; of more than {MAX_WAITING_BYTES:,} none waits for a request"
                counted.stats["recipe/too_large_to_wait"] += 1
            self._next_ask(name, field, made)
        counted.stats.update(blank.stats if counted is not blank else {})
        return None

    # --- inside ---

    def _carrying(self, made: PageRequest, asked: int) -> PageRequest:
        waiting = Waiting(
            url=self.url,
            base_url=self.base_url,
            values=self.values,
            open=self.open,
            asked=asked,
            failures=self.failures,
            gaps=self.gaps,
        )
        return replace(made, carried=self._request.carried, dedupe=False, waiting=waiting)

    def _made(self, rule: RuleNode, index: int, inputs: Mapping[str, Value]) -> PageRequest | str:
        scopes = {
            "inputs": inputs,
            "carried": self._request.carried,
            "item": self.values,
            "row": self.values,
            "": {},
        }
        try:
            return made_request(_follow_up(rule, index).spec, self._page.name, scopes, base_url=self.base_url)
        except StepFailed as error:
            return f"the request could not be made: {error}"

    def _mark_of(self, rule: RuleNode, field: OpenField, inputs: Mapping[str, Value]) -> int | None:
        if not field.asks:
            return None
        made = self._made(rule, field.asks[0], inputs)
        return None if isinstance(made, str) else _identity(made, _follow_up(rule, field.asks[0]))

    def _next_ask(self, name: str, field: OpenField, why: str) -> None:
        self.open[name] = replace(field, asks=field.asks[1:])
        self.failures[name] = why

    def _otherwise(self, blank: PageContext, name: str, rule: RuleNode, field: OpenField) -> Got:
        """What a field is when nothing more is asked for it."""
        if not asks(rule):
            return blank.evaluate(rule, RowScope(blank.document.root, self.values, self.values), name)
        if field.otherwise:
            value, winner = field.otherwise
            return Got(value, winner, 1, _source_of(rule, winner))
        failure = self.failures.get(name)
        got = Got(MISSING, origin=_source_of(rule, 0), failure=failure)
        default = _default_of(rule)
        if default is MISSING:
            return got
        return blank.defaulted(default, RowScope(blank.document.root, self.values, self.values), got)

    def _decide(self, counted: PageContext, name: str, rule: RuleNode, got: Got) -> None:
        self.open.pop(name, None)
        if is_missing(got.value):
            self.gaps[name] = got.gap()
            if got.failure is not None:
                self.failures[name] = got.failure
        else:
            self.values[name] = got.value
            self.failures.pop(name, None)
        counted.count(rule, name, got)


# --- rules that ask --------------------------------------------------------------------------------------------------


def asks(rule: RuleNode) -> bool:
    """Whether a field needs a follow-up request of its own."""
    if isinstance(rule, AnyOf):
        return any(isinstance(member, Take) and member.request is not None for member in rule.members)
    return isinstance(rule, Take) and rule.request is not None


def follow_up_takes(rows: Rows) -> Iterator[Take]:
    """Every source of these fields that reads the answer to a follow-up request."""
    for rule in rows.fields.values():
        members = rule.members if isinstance(rule, AnyOf) else (rule,)
        yield from (member for member in members if isinstance(member, Take) and member.request is not None)


def follow_up_hosts(recipe: Recipe) -> list[str]:
    """The hosts that follow-up requests write out: a recipe that names them there means them."""
    hosts: dict[str, None] = {}
    for page in recipe.pages.values():
        for take in follow_up_takes(page.rows) if page.rows is not None else ():
            written = take.request.spec.url.text if take.request is not None else ""
            begin, opened, _ = written.partition("{{")
            host = urlsplit(begin).netloc and urlsplit(begin).hostname
            if host and (not opened or urlsplit(begin).path or urlsplit(begin).query):
                hosts[host] = None
    return list(hosts)


def _take_at(rule: RuleNode, index: int) -> Take:
    member = rule.members[index] if isinstance(rule, AnyOf) else rule
    if not isinstance(member, Take) or member.request is None:
        raise AssertionError("only rules with a request ask")
    return member


def _follow_up(rule: RuleNode, index: int) -> FollowUp:
    request = _take_at(rule, index).request
    if request is None:
        raise AssertionError("only rules with a request ask")
    return request


def _source_of(rule: RuleNode, index: int) -> str:
    member = rule.members[index] if isinstance(rule, AnyOf | UnionOf) else rule
    return source_text(member) if isinstance(member, Take) else ""


def _default_of(rule: RuleNode) -> Value:
    """The default of a rule, or of the last of its alternatives."""
    if isinstance(rule, Rows):
        return MISSING
    if rule.default is not MISSING or not isinstance(rule, AnyOf):
        return rule.default
    last = rule.members[-1]
    return last.default if isinstance(last, Take) else MISSING


def _read(context: PageContext, at: RowScope, name: str, rule: RuleNode, index: int) -> Got:
    """What one alternative reads from the answer, without its default: the next one may still have a value."""
    take = replace(_take_at(rule, index), request=None, when=None, default=MISSING)
    if isinstance(rule, AnyOf):
        return context.evaluate(AnyOf(members=(take,), all=rule.all, process=rule.process), at, name)
    return context.evaluate(take, at, name)


def _absolute(contract: ItemContract, name: str, value: Value, base_url: str) -> Value:
    """Links of an answer are relative to the answer, and not to the page of the row."""
    spec = contract.fields.get(name)
    if spec is not None and spec.items is not None and isinstance(value, list):
        return [_absolute_one(member, base_url) if spec.items.format == "uri" else member for member in value]
    return _absolute_one(value, base_url) if spec is not None and spec.format == "uri" else value


def _absolute_one(value: Value, base_url: str) -> Value:
    return (absolute_url(base_url, value) or value) if isinstance(value, str) else value


# --- requests and answers --------------------------------------------------------------------------------------------


def _identity(request: PageRequest, follow_up: FollowUp) -> int:
    """The name of a request within its row: fields that ask for the same share its answer."""
    words = (request.method, request.url, request.body.decode("utf-8", "replace"), str(follow_up.parse))
    return mark("follow-up", *words, json.dumps(request.headers))


def waiting_bytes(request: PageRequest) -> int:
    """The size of a request with the row that waits for it, in bytes of JSON; what `MAX_WAITING_BYTES` bounds."""
    row: list[Value] = [request.carried]
    texts: list[Iterable[Value]] = []
    waiting, chain = request.waiting, request.chain
    if waiting is not None:
        row += [waiting.url, waiting.base_url, waiting.values, waiting.failures, waiting.gaps]
        texts += [waiting.open, *([field.otherwise] for field in waiting.open.values())]
    if chain is not None:
        row.append(chain.pending)
    written = msgspec.json.encode([plain_value(row), plain_value([list(text) for text in texts])])
    visited = 9 * len(chain.visited) if chain is not None else 0  # 64 bits each, as they travel
    return len(written) + visited + len(request.url) + len(request.body)


def answer_context(page: Page, page_input: PageInput, traces: list[FieldTrace] | None) -> PageContext:
    """The answer to a follow-up request, parsed as the rules that read it say.

    Raises:
        ParseRefused: it is no such document.
    """
    waiting = page_input.request.waiting
    if waiting is None or page.rows is None:
        raise AssertionError("an answer is asked for by a row")
    takes = list(_taken(page.rows, waiting))
    kinds = [take.request.parse for take in takes if take.request is not None]
    document = parse_document(
        page_input.body,
        kind=kinds[0] if kinds else None,
        url=page_input.url,
        content_type=page_input.headers.get("content-type"),
        namespaces=page.namespaces.values(),
    )
    by_xpath = any(isinstance(take.source, QuerySource) and take.source.query.language == "xpath" for take in takes)
    if by_xpath or reads_by_xpath(page.valid_if):
        document.use_xpath()
    return PageContext(page=page, input=page_input, document=document, traces=traces)


def _taken(rows: Rows, waiting: Waiting) -> Iterator[Take]:
    """The first of them is read from this answer, the others perhaps."""
    for name, field in waiting.open.items():
        for index in field.asks:
            yield _take_at(rows.fields[name], index)


def _blank_context(page: Page, request: PageRequest, inputs: Mapping[str, Value], base_url: str) -> PageContext:
    """A context for what reads no page: templates and defaults."""
    document = parse_fragment("<p></p>", kind="html", url=base_url)
    page_input = PageInput(request=request, url=base_url, body=b"", inputs=inputs)
    return PageContext(page=page, input=page_input, document=document)

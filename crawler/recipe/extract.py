"""One page in, everything it gives out: rows, rejects, links, the next page. Also where a crawl begins.

The functions here are pure: the same recipe and the same bytes give the same result, on a laptop, in a test and in the
fleet. Who fetches, retries, deduplicates and stores is not their business.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from crawler.errors import PageError, PageMismatch, ParseRefused, PathGone, SessionExpired
from crawler.recipe.blocked_pages import check_blocked, check_unread
from crawler.recipe.causes import empty_cause
from crawler.recipe.contract import accept
from crawler.recipe.documents import parse_document
from crawler.recipe.follow_ups import MAX_WAITING_BYTES, WaitingRow, answer_context, waiting_bytes
from crawler.recipe.model import PageRequest, PageResult, Reason, Reject, Row, Rows, RowSelector
from crawler.recipe.paging import chain_of, continuation, continuation_after_loss, mark
from crawler.recipe.rules import PageContext, RowScope, columns_of, plain_value
from crawler.recipe.sessions import is_valid
from crawler.recipe.sitemap_pages import sitemap_page
from crawler.recipe.starts import start_requests
from crawler.recipe.urls import http_link
from crawler.recipe.values import MISSING, Value, is_missing
from crawler.recipe.xpath_use import reads_by_xpath

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.recipe.contract import ItemContract
    from crawler.recipe.model import FieldTrace, Follow, Page, PageInput, Recipe

__all__ = [
    "after_loss",
    "extract_page",
    "joined_fields",
    "judge",
    "judged_context",
    "page_context",
    "page_type",
    "start_requests",
]

#: What a row is known by is written like this; an encoder of its own, because json.dumps would make one for each row.
_IDENTITY: Final = json.JSONEncoder(sort_keys=True, default=str)

# --- a page ----------------------------------------------------------------------------------------------------------


def extract_page(recipe: Recipe, page_input: PageInput, *, trace: bool = False) -> PageResult:
    """Everything that one fetched page gives.

    Args:
        recipe: the plan.
        page_input: the page's bytes, its final URL and the request that asked for it.
        trace: also record, for each field of each row, which alternative won (`recipe try`).

    Raises:
        PageBlocked: it keeps crawlers out, as the recipe says.
        PageError: the page is not what the recipe was written for (`PageMismatch`, `PathGone`, `ParseRefused`, or a
            condition that failed). It must be counted as failed; nothing of it may be used.
    """
    if page_input.request.waiting is not None:
        return _answered(recipe, page_input, trace=trace)
    if page_input.request.sitemap is not None:
        return sitemap_page(recipe, page_input, page_input.request.sitemap)
    context = judged_context(recipe, page_input, trace=trace, xpath_at_once=False)
    try:
        result = _extracted(recipe, context)
    except PageError:
        if not context.moved_late:
            raise
    else:
        if not context.moved_late:
            return result
    # Trees differ on few pages, and most XPath is reached, so to begin anew costs less than to make both each time.
    return _extracted(recipe, judged_context(recipe, page_input, trace=trace))


def _extracted(recipe: Recipe, context: PageContext) -> PageResult:
    page = context.page
    root = RowScope(context.document.root)
    _check_session(page, context, root)
    if page.drop_if is not None and context.condition(page.drop_if, root):
        rows, rejects = _waiting_row(recipe, context.input.request)
        return PageResult(page=page.name, outcome="dropped", rows=rows, rejects=rejects, stats=context.all_stats())
    return _Extraction(recipe, context, root).result()


def _check_session(page: Page, context: PageContext, root: RowScope) -> None:
    if page.valid_if is not None and not is_valid(page.valid_if, context, root):
        raise SessionExpired(f"{page.name}: nobody is logged in on this page: `valid_if` gives nothing")


def judged_context(
    recipe: Recipe, page_input: PageInput, *, trace: bool = False, xpath_at_once: bool = True
) -> PageContext:
    """The page of its type, parsed, after a look whether it keeps crawlers out.

    Raises:
        PageBlocked: it does.
        PageError: it is no such page, or the look failed.
    """
    try:
        page = page_type(recipe, page_input)
        at_once = xpath_at_once or any(map(reads_by_xpath, page.blocked_if))
        context = page_context(page, page_input, trace=trace, xpath_at_once=at_once)
    except (PageMismatch, ParseRefused):
        check_unread(recipe, page_input)
        raise
    check_blocked(page.blocked_if, context)
    return context


def page_context(page: Page, page_input: PageInput, *, trace: bool = False, xpath_at_once: bool = True) -> PageContext:
    """The page, parsed as its type says, ready for its rules. Raises ParseRefused.

    Not `xpath_at_once`, XPath's tree is made when the first one is reached: `PageContext.moved_late` is to be asked.
    """
    document = parse_document(
        page_input.body,
        kind=page.parse,
        url=page_input.url,
        content_type=page_input.headers.get("content-type"),
        encoding=page.fetch.encoding,
        csv=page.csv,
        namespaces=page.namespaces.values(),
    )
    if None in page.xpath_documents:
        document.use_xpath(at_once=xpath_at_once)
    traces: list[FieldTrace] | None = [] if trace else None
    return PageContext(page=page, input=page_input, document=document, traces=traces, xpath_at_once=xpath_at_once)


def page_type(recipe: Recipe, page_input: PageInput) -> Page:
    """The page type of a response: the one its request named, checked against `match`, or the only one that matches.

    Raises:
        PageMismatch: the final URL does not fit, or fits no type or several.
    """
    wanted, url = page_input.request.page, page_input.url
    if wanted is not None:
        page = recipe.pages[wanted]
        if page.match and not any(pattern.search(url) for pattern in page.match):
            patterns = ", ".join(pattern.pattern for pattern in page.match)
            raise PageMismatch(f"{wanted}: the final URL {url} does not match {patterns}")
        return page
    fitting = [page for page in recipe.pages.values() if any(pattern.search(url) for pattern in page.match)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(page.name for page in fitting)
    raise PageMismatch(f"{url} matches {'no page type' if not fitting else f'several page types: {names}'}")


class _RawRow(Struct, frozen=True, kw_only=True):
    """A row before the contract: what the rules gave, and the last failed step of each field they did not."""

    base_url: str
    values: Mapping[str, Value]
    request: PageRequest | None = None  # it waits for the answer
    failures: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)


class _Extraction:
    """The work on one page, in the order in which its parts need each other."""

    def __init__(self, recipe: Recipe, context: PageContext, root: RowScope) -> None:
        self.recipe = recipe
        self.context = context
        self.root = root
        self.page = context.page
        self.rows: list[Row] = []
        self.rejects: list[Reject] = []
        self.follow_ups: list[PageRequest] = []
        self.marks: dict[int, None] = {}  # ordered, unique
        # Nobody asks what a page has shown that is of no list over several pages.
        self.is_listed = context.page.paginate is not None or context.input.request.chain is not None

    def result(self) -> PageResult:
        raw = self._raw_rows()
        requests, links = self._follow()
        more = continuation(self.context, self.root, shown=self._shown(raw) + links)
        following = more.request
        end = more.end
        paginate = self.page.paginate
        # Past the end of a list there is nothing, and that is no fault; its first page must show something.
        shows_nothing = not (raw or links or self.context.input.request.chain)
        if paginate is not None and paginate.append:
            following, end, raw = self._appended(raw, following, end)
        for row in raw:
            self._judge(row)
        self._reject_broken_rows()
        return PageResult(
            page=self.page.name,
            outcome="empty" if shows_nothing and following is None else "ok",
            rows=tuple(self.rows),
            rejects=tuple(self.rejects),
            requests=tuple(requests),
            next=following,
            follow_ups=tuple(self.follow_ups),
            chain_end=end,
            stats=self.context.all_stats(),
            traces=tuple(self.context.traces or ()),
            marks=tuple(self.marks),
            cause=empty_cause(self.context) if shows_nothing else None,
        )

    # --- rows ---

    def _shown(self, raw: list[_RawRow]) -> int:
        """How many rows the page shows. A later page of an `append` chain shows one if it adds something to it."""
        chain = self.context.input.request.chain
        if chain is None or chain.pending is None:
            return len(raw)
        return sum(1 for row in raw if self._addition(row))

    def _raw_rows(self) -> list[_RawRow]:
        """Every row before the contract."""
        rows = self.page.rows
        if rows is None:
            return []
        base_url = self.context.document.base_url
        found = []
        scopes = self._row_scopes(rows)
        beside = columns_of(scopes)
        for scope in scopes:
            at = RowScope(scope, beside=beside)
            if rows.drop_if is None or not self.context.condition(rows.drop_if, at):
                values = self.context.fields(rows, at)
                row = _RawRow(base_url=base_url, values=values, failures=at.failures, gaps=at.gaps)
                found.append(self._with_follow_ups(at) if rows.later else row)
        return found

    def _with_follow_ups(self, at: RowScope) -> _RawRow:
        waiting = WaitingRow.begin(self.context, at, self._contract())
        request = waiting.onward(self.context.input.inputs, self.context)
        return _raw_row(waiting, request)

    def _contract(self) -> ItemContract:
        if self.page.item is None:
            raise AssertionError("rows exist only on pages with an item")
        return self.recipe.items[self.page.item]

    def _row_scopes(self, rows: Rows) -> list[Any]:
        if rows.each is None:
            return [self.root.scope]
        return self._each(rows.each)

    def _each(self, each: RowSelector) -> list[Any]:
        scopes = self.context.row_scopes(each, self.root)
        if isinstance(scopes, str):
            raise PathGone(f"{self.page.name}: {scopes}; the site has changed or answered with an error")
        return scopes

    def _judge(self, row: _RawRow) -> None:
        contract = self._contract()
        if self.is_listed:
            self._mark_row(contract, row.values)
        if row.request is not None:
            self.follow_ups.append(row.request)
            return
        judged = judge(contract, row, url=self.context.input.url)
        if isinstance(judged, Row):
            self.rows.append(judged)
        else:
            self.rejects.append(judged)

    def _reject_broken_rows(self) -> None:
        """Lines of a file that are no rows: they are rejects, so that nothing is lost unseen."""
        if self.page.item is None:
            return
        for broken in self.context.document.broken_rows:
            reason = Reason(field="row", rule="parse", message=f"line {broken.line}: {broken.why}")
            values = {"line": broken.line, "text": broken.text}
            self.rejects.append(
                Reject(item=self.page.item, url=self.context.input.url, reasons=(reason,), values=values)
            )

    def _mark_row(self, contract: ItemContract, values: Mapping[str, Value]) -> None:
        key = [values.get(name) for name in contract.key]
        identity = values if not contract.key or any(is_missing(part) for part in key) else key
        self.marks[mark("row", contract.name, _written(identity))] = None

    # --- links ---

    def _follow(self) -> tuple[list[PageRequest], int]:
        """The requests of all `follow` entries, and the number of links before allow and deny."""
        requests: dict[tuple[str, str | None], PageRequest] = {}
        links = 0
        for follow in self.page.follow:
            if follow.when is not None and not self.context.condition(follow.when, self.root):
                continue
            for at in self._follow_scopes(follow):
                found = list(self._links(follow, at))
                links += len(found)
                allowed = [url for url in found if _allowed(follow, url)]
                if not allowed:
                    continue
                carried = self._carried(follow, at)
                for url in allowed:
                    requests.setdefault((url, follow.page), PageRequest(url=url, page=follow.page, carried=carried))
                    if self.is_listed:
                        self.marks[mark("link", url)] = None
        return list(requests.values()), links

    def _follow_scopes(self, follow: Follow) -> list[RowScope]:
        if follow.each is None:
            return [self.root]
        return [RowScope(scope) for scope in self._each(follow.each)]

    def _links(self, follow: Follow, at: RowScope) -> Iterator[str]:
        values = self.context.evaluate(follow.links, at, as_links=True).value
        for value in [] if is_missing(values) else values if isinstance(values, list) else [values]:
            url = http_link(self.context.document.base_url, value)
            if url is None:
                self.context.stats["recipe/link_ignored"] += 1
            else:
                yield url

    def _carried(self, follow: Follow, at: RowScope) -> dict[str, Value]:
        carried: dict[str, Value] = {}
        for name, rule in follow.carry.items():
            value = self.context.value(rule, at, f"carry.{name}")
            if not is_missing(value):
                carried[name] = value
        return carried

    # --- `append`: one row over several pages ---

    def _appended(
        self, raw: list[_RawRow], following: PageRequest | None, end: str
    ) -> tuple[PageRequest | None, str, list[_RawRow]]:
        """Holds page 1's row back until the last page: it travels with the request of the next page."""
        request = self.context.input.request
        chain = chain_of(self.page, request)
        row = raw[0] if raw else _RawRow(base_url=self.context.document.base_url, values={})
        addition = self._addition(row)
        content = mark("append", _IDENTITY.encode(plain_value(addition)))
        if chain.pending is not None:
            base_url, first = chain.pending
            if addition and content in chain.visited:  # past their end, many lists show a page again
                return None, "loop", [_RawRow(base_url=base_url, values=first)]
            row = _RawRow(base_url=base_url, values=joined_fields(first, addition))
        visited = (*chain.visited, mark(request.url), content)
        if following is not None and following.chain is not None:
            if mark(following.url) not in visited:
                onward = replace(following.chain, pending=(row.base_url, row.values), visited=visited)
                waiting = replace(following, chain=onward, dedupe=False)
                if waiting_bytes(waiting) <= MAX_WAITING_BYTES:
                    return waiting, end, []
                self.context.stats["recipe/too_large_to_wait"] += 1
                end = "too_large"
            else:
                end = "loop"
        return None, end, [row]

    def _addition(self, row: _RawRow) -> dict[str, Value]:
        """What a row adds to the one that waits for it: the fields of `append` that are not missing."""
        names = self.page.paginate.append if self.page.paginate is not None else ()
        return {name: row.values[name] for name in names if not is_missing(row.values.get(name, MISSING))}


def judge(contract: ItemContract, row: _RawRow, *, url: str) -> Row | Reject:
    """The row as its contract accepts it, or why it does not. A missing field's reason names its last failed step."""
    accepted = accept(contract, row.values, base_url=row.base_url)
    if isinstance(accepted, dict):
        return Row(
            item=contract.name,
            values=accepted,
            key=tuple(accepted[name] for name in contract.key),
            gaps={name: row.gaps.get(name, "") for name, value in accepted.items() if value is None},
        )
    reasons = tuple(
        replace(reason, message=f"{reason.message}; {row.failures[reason.field]}")
        if reason.rule == "required" and reason.field in row.failures
        else reason
        for reason in accepted
    )
    return Reject(item=contract.name, url=url, reasons=reasons, values=dict(row.values))


def _raw_row(row: WaitingRow, request: PageRequest | None) -> _RawRow:
    return _RawRow(base_url=row.base_url, values=row.values, request=request, failures=row.failures, gaps=row.gaps)


def _allowed(follow: Follow, url: str) -> bool:
    if follow.allow and not any(pattern.search(url) for pattern in follow.allow):
        return False
    return not any(pattern.search(url) for pattern in follow.deny)


def _written(identity: Value) -> str:
    """As `_IDENTITY` writes it; what most rows are known by, a list of texts, for less."""
    if identity.__class__ is list and all(part.__class__ is str for part in identity):
        return f"[{', '.join(map(encode_basestring_ascii, identity))}]"
    return _IDENTITY.encode(plain_value(identity))


def joined_fields(first: Mapping[str, Value], more: Mapping[str, Value]) -> dict[str, Value]:
    """Page 1's row with the fields of a later page joined on: text by a newline, lists by their members."""
    joined = dict(first)
    for name, addition in more.items():
        before = joined.get(name, MISSING)
        if is_missing(before):
            joined[name] = addition
        elif isinstance(before, list) or isinstance(addition, list):
            joined[name] = [
                *(before if isinstance(before, list) else [before]),
                *(addition if isinstance(addition, list) else [addition]),
            ]
        else:
            joined[name] = f"{before}\n{addition}"
    return joined


# --- an answer to a follow-up request --------------------------------------------------------------------------------


def _answered(recipe: Recipe, page_input: PageInput, *, trace: bool) -> PageResult:
    """The row that has waited for this answer; or its next request.

    Raises:
        PageError: the answer is no such document. The row must be taken on with `after_loss`.
    """
    request = page_input.request
    page, contract, row = _waiting(recipe, request)
    try:
        context = answer_context(page, page_input, [] if trace else None)
    except ParseRefused:
        check_unread(recipe, page_input)
        raise
    check_blocked(recipe.blocked_if, context)
    _check_session(page, context, RowScope(context.document.root))
    row.answered(context, page_input.inputs)
    result = _gone_on(page, contract, row, row.onward(page_input.inputs, context))
    return replace(result, outcome="ok", stats=context.all_stats(), traces=tuple(context.traces or ()))


def _waiting(recipe: Recipe, request: PageRequest) -> tuple[Page, ItemContract, WaitingRow]:
    page = recipe.pages[request.page or ""]
    if request.waiting is None or page.item is None:
        raise AssertionError("a follow-up request has the row that waits for it")
    contract = recipe.items[page.item]
    return page, contract, WaitingRow(page, contract, request, request.waiting)


def _gone_on(page: Page, contract: ItemContract, row: WaitingRow, following: PageRequest | None) -> PageResult:
    if following is not None:
        return PageResult(page=page.name, outcome="empty", follow_ups=(following,))
    judged = judge(contract, _raw_row(row, None), url=row.url)
    rows, rejects = ((replace(judged, url=row.url),), ()) if isinstance(judged, Row) else ((), (judged,))
    return PageResult(page=page.name, outcome="empty", rows=rows, rejects=rejects)


# --- a page that never came ------------------------------------------------------------------------------------------


def after_loss(
    recipe: Recipe, request: PageRequest, inputs: Mapping[str, Any], *, status: int | None = None
) -> PageResult:
    """What is left to do when a page was lost for good.

    A counting list (`param`, `offset`) goes on with the page after it, unless the site says 404 or 410: that is how
    many lists end. A row that waited for this page (`append`, `request`) goes on waiting, or is given out as it is.
    Where the page has mirrors, the next of them is asked.
    """
    name = request.page
    if request.mirrors:
        other, *further = request.mirrors
        return PageResult(
            page=name or "", outcome="empty", requests=(replace(request, url=other, mirrors=tuple(further)),)
        )
    if name is None or name not in recipe.pages:
        return PageResult(page=name or "", outcome="empty")
    if request.waiting is not None:
        page, contract, row = _waiting(recipe, request)
        row.lost(inputs)
        return _gone_on(page, contract, row, row.onward(inputs))
    page = recipe.pages[name]
    chain = request.chain
    past_the_end = status in (404, 410) and chain is not None and chain.number > 1
    following = None if past_the_end else continuation_after_loss(page, request)
    rows, rejects = _waiting_row(recipe, request) if following is None else ((), ())
    return PageResult(page=name, outcome="empty", rows=rows, rejects=rejects, next=following)


def _waiting_row(recipe: Recipe, request: PageRequest) -> tuple[tuple[Row, ...], tuple[Reject, ...]]:
    """The row that waited for this page (`append`), judged as it is."""
    page = recipe.pages.get(request.page) if request.page is not None else None
    chain = request.chain
    if page is None or page.item is None or chain is None or chain.pending is None:
        return (), ()
    base_url, values = chain.pending
    judged = judge(recipe.items[page.item], _RawRow(base_url=base_url, values=values), url=base_url)
    return ((judged,), ()) if isinstance(judged, Row) else ((), (judged,))

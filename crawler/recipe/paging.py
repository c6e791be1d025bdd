"""How a list goes on: the request of the next page, and why there is none.

`next` and `cursor` read it from the page. `param` and `offset` count, so they can step over a page that was lost. A
list that shows nothing new is ended by the frontier (it knows what the list has shown before), not here.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from crawler.errors import PageError
from crawler.recipe.model import AnyOf, Chain, PageRequest, QuerySource, Take, UnionOf
from crawler.recipe.queries import JmesQuery
from crawler.recipe.scalars import describe, text_of
from crawler.recipe.urls import http_link
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from crawler.recipe.model import Page, Paginate, RuleNode
    from crawler.recipe.rules import PageContext, RowScope

#: Pages lost one after another before a counting list gives up: past the end of many lists every page is an error.
MAX_LOST_IN_A_ROW = 3


class Continuation(Struct, frozen=True):
    """The next page of a list, or why there is none (values of `PageResult.chain_end`)."""

    request: PageRequest | None
    end: str = ""


def mark(*parts: str) -> int:
    """A 64-bit id of something a page shows."""
    digest = hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def chain_of(page: Page, request: PageRequest) -> Chain:
    """Where this request stands in its list; a request without a chain starts one."""
    if request.chain is not None:
        return request.chain
    return Chain(id=f"{mark(page.name, request.method, request.url, request.body.decode('utf-8', 'replace')):016x}")


def continuation(context: PageContext, at: RowScope, *, shown: int) -> Continuation:
    """The next page after this one.

    Args:
        context: the page.
        at: its root.
        shown: rows and links on this page, before any filter.

    Raises:
        PageError: `while` failed, or what should lead to the next page is no link and no scalar.
    """
    page, paginate = context.page, context.page.paginate
    if paginate is None:
        return Continuation(None)
    request = context.input.request
    chain = chain_of(page, request)
    if paginate.while_ is not None and not context.condition(paginate.while_, at):
        _check_end(context, at, paginate.while_.rule)
        return Continuation(None, "while")
    if not shown and paginate.kind != "next":
        return Continuation(None, "no_rows")
    url, value = _target(context, at, paginate, chain)
    if url is None:
        return Continuation(None, "last")
    seen = chain.rows + shown
    if paginate.total is not None and _reached(context, at, paginate, seen):
        return Continuation(None, "total")
    if chain.number >= paginate.max_pages:
        return Continuation(None, "max_pages")
    following = Chain(id=chain.id, number=chain.number + 1, value=value, rows=seen)
    return Continuation(_turned(request, url, following))


def _check_end(context: PageContext, at: RowScope, rule: RuleNode) -> None:
    """Raise PageError where `while` does not hold because it compares something that is not there."""
    query = rule.source.query if isinstance(rule, Take) and isinstance(rule.source, QuerySource) else None
    if isinstance(query, JmesQuery) and query.expression.orders and context.value(rule, at) is MISSING:
        raise PageError(f"{context.page.name}: `while: {query.text}` compares something that is no number here")


def continuation_after_loss(page: Page, request: PageRequest) -> PageRequest | None:
    """The page after one that never came, for lists that count; None where only the lost page knew the way."""
    paginate = page.paginate
    if paginate is None or paginate.kind not in ("param", "offset"):
        return None
    chain = chain_of(page, request)
    if chain.number >= paginate.max_pages or chain.lost + 1 >= MAX_LOST_IN_A_ROW:
        return None
    url, value = _counted(request.url, paginate, chain)
    following = replace(chain, number=chain.number + 1, value=value, lost=chain.lost + 1)
    return _turned(request, url, following)


def _turned(request: PageRequest, url: str, chain: Chain) -> PageRequest:
    return replace(request, url=url, chain=chain)


def _target(
    context: PageContext, at: RowScope, paginate: Paginate, chain: Chain
) -> tuple[str | None, int | str | None]:
    """URL of the next page and the value of its parameter; (None, None) at the end of the list."""
    request = context.input.request
    if paginate.kind in ("param", "offset"):
        return _counted(request.url, paginate, chain)
    if paginate.link is None:
        raise AssertionError("next and cursor always have a rule")
    if paginate.kind == "next":
        return _next_link(context, at, paginate.link), None
    cursor = _read(context, at, paginate.link, "cursor")
    if is_missing(cursor) or cursor is False:
        return None, None
    if isinstance(cursor, dict | list):
        raise PageError(f"{context.page.name}: the cursor is no single value but {describe(cursor)}")
    text = text_of(cursor)
    return with_parameter(request.url, paginate.param, text), text


def _next_link(context: PageContext, at: RowScope, rule: RuleNode) -> str | None:
    """The first link that the rule gives, None for none.

    Raises:
        PageError: the rule failed, or gives a number or an object: that would end the list without a word.
    """
    links = _read(context, at, rule, "next", as_links=True)
    for link in [] if is_missing(links) else links if isinstance(links, list) else [links]:
        url = http_link(context.document.base_url, link)
        if url is not None:
            return url
    value = context.value(rule, at) if _reads_json(rule) else None
    if isinstance(value, str | bool) or is_missing(value):
        return None
    raise PageError(
        f"{context.page.name}: `paginate.next` is no link but {describe(value)}; for the number or the name of a page"
        " write `param` or `cursor`"
    )


def _reads_json(rule: RuleNode) -> bool:
    if isinstance(rule, AnyOf | UnionOf):
        return any(_reads_json(member) for member in rule.members)
    return isinstance(rule, Take) and isinstance(rule.source, QuerySource) and isinstance(rule.source.query, JmesQuery)


def _read(context: PageContext, at: RowScope, rule: RuleNode, key: str, *, as_links: bool = False) -> Value:
    """The value of a rule of `paginate`. Raises PageError if it failed: that must not look like the end of the list."""
    got = context.evaluate(rule, at, as_links=as_links)
    if got.failure is not None and is_missing(got.value):
        raise PageError(f"{context.page.name}: `paginate.{key}`, `{got.source}`, failed: {got.failure}")
    return got.value


def _counted(url: str, paginate: Paginate, chain: Chain) -> tuple[str, int]:
    current = chain.value if isinstance(chain.value, int) else _parameter(url, paginate.param, paginate.start)
    value = current + paginate.step
    return with_parameter(url, paginate.param, str(value)), value


def _parameter(url: str, name: str, otherwise: int) -> int:
    """The number that the first page's URL already carries, so that a recipe may start in the middle."""
    for key, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if key == name and value.isascii() and value.isdigit():
            return int(value)
    return otherwise


def with_parameter(url: str, name: str, value: str) -> str:
    """The URL with one query parameter set: replaced where it stands, else appended; the rest stays byte for byte."""
    parts = urlsplit(url)
    pair = urlencode({name: value})
    pieces = [piece for piece in parts.query.split("&") if piece]
    names = [
        parse_qsl(piece, keep_blank_values=True)[0][0] if parse_qsl(piece, keep_blank_values=True) else ""
        for piece in pieces
    ]
    if name in names:
        first = names.index(name)
        kept = [
            pair if index == first else piece
            for index, piece in enumerate(pieces)
            if index == first or names[index] != name
        ]
    else:
        kept = [*pieces, pair]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _reached(context: PageContext, at: RowScope, paginate: Paginate, seen: int) -> bool:
    if paginate.total is None:
        return False
    total = _read(context, at, paginate.total, "total")
    if is_missing(total):
        return False
    if isinstance(total, str) and total.strip().isascii() and total.strip().isdigit():
        total = int(total)
    if isinstance(total, bool) or not isinstance(total, int | Decimal):
        raise PageError(f"{context.page.name}: paginate.total is no number: {str(total)[:80]!r}")
    return seen >= total

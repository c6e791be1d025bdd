"""Whether a page is one that keeps crawlers out, as the recipe says (`blocked_if`). What follows is not known here.

Judged before anything is read of the page, also where it cannot be read: a challenge in HTML is no JSON, and its
address is not that of the page type. A condition for another kind of document than the page is held against the page
as the kind that it is by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.errors import PageBlocked, PageError, ParseRefused
from crawler.recipe.documents import kind_of_text, kind_of_type, parse_document
from crawler.recipe.model import Condition, Page
from crawler.recipe.readable_rules import class_of, readable
from crawler.recipe.rules import PageContext, RowScope
from crawler.recipe.xpath_use import reads_by_xpath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.recipe.documents import Document
    from crawler.recipe.model import Fetch, PageInput, ParseKind, Recipe


def check_blocked(conditions: Sequence[Condition], context: PageContext) -> None:
    """Hold conditions against a page that was parsed as its type says.

    Raises:
        PageBlocked: one of them holds.
        PageError: one of them failed.
    """
    unread = [condition for condition in conditions if not _is_judged(condition, context)]
    if not unread:
        return
    document, page = context.document, context.input
    kind = kind_of_type(page.headers.get("content-type")) or kind_of_text(document.text)
    other = None if kind == document.kind else _parsed(page, kind, context.page.fetch.encoding)
    if other is not None and class_of(other) != class_of(document):
        _judge(unread, PageContext(page=context.page, input=page, document=other))


def check_unread(recipe: Recipe, page_input: PageInput) -> None:
    """Hold the conditions against an answer that is no page of its type, or comes with a status of failure.

    What cannot be told of it is not said: it is a failure in any case.

    Raises:
        PageBlocked: one of the conditions holds.
    """
    request = page_input.request
    page = recipe.pages.get(request.page or "") if request.waiting is None else None
    conditions = recipe.blocked_if if page is None else page.blocked_if
    if not conditions or request.sitemap is not None:
        return
    fetch = recipe.fetch if page is None else page.fetch
    document = _parsed(page_input, None, fetch.encoding) or _parsed(page_input, "text", None)
    if document is None:
        return
    context = PageContext(page=page or _page_of_no_type(fetch), input=page_input, document=document)
    for condition in conditions:
        try:
            _judge([condition], context)
        except PageBlocked:
            raise
        except PageError:
            continue


def blocked_sign(recipe: Recipe, page_input: PageInput) -> str:
    """What shows that an answer with a status of failure keeps crawlers out; "" where nothing does."""
    try:
        check_unread(recipe, page_input)
    except PageBlocked as blocked:
        return str(blocked)
    return ""


def _page_of_no_type(fetch: Fetch) -> Page:
    return Page(
        name="blocked_if",
        parse=None,
        match=(),
        fetch=fetch,
        drop_if=None,
        sources={},
        follow=(),
        paginate=None,
        item=None,
        rows=None,
    )


def _parsed(page: PageInput, kind: ParseKind | None, encoding: str | None) -> Document | None:
    """The page as a kind of document, None if it is none."""
    content_type = page.headers.get("content-type")
    try:
        return parse_document(page.body, kind=kind, url=page.url, content_type=content_type, encoding=encoding)
    except ParseRefused:
        return None


def _judge(conditions: Sequence[Condition], context: PageContext) -> None:
    if any(reads_by_xpath(condition) for condition in conditions):
        context.document.use_xpath()
    for condition in conditions:
        _is_judged(condition, context)


def _is_judged(condition: Condition, context: PageContext) -> bool:
    """Whether the document can tell.

    Raises:
        PageBlocked: it does, and the condition holds.
    """
    rule = readable(condition.rule, class_of(context.document))
    if rule is None:
        return False
    at = RowScope(context.document.root)
    if context.condition(Condition(rule=rule), at):
        raise PageBlocked(f"`blocked_if` holds ({context.evaluate(rule, at).source})")
    return True

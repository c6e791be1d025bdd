"""Why a page gave nothing: the guess that saves a person the first look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from crawler.recipe.model import AnyOf, EmptyCause, QuerySource, Take, UnionOf
from crawler.recipe.rules import RowScope
from crawler.recipe.values import is_missing

if TYPE_CHECKING:
    from crawler.recipe.model import Follow, RuleNode
    from crawler.recipe.rules import PageContext

#: Visible text below this, with a script in the page, is a shell that JavaScript fills.
_SHELL_TEXT_CHARACTERS = 200

#: Words of pages that are no content; matched in the lower-cased visible text of a small page.
_CHALLENGES = ("captcha", "verify you are human", "access denied", "checking your browser", "enable cookies")


class _Reason(Struct, frozen=True):
    """What should have given something: a selector, what it matched, and why that is nothing, if it is known."""

    selector: str
    matches: int = 0
    why: str = ""


def empty_cause(context: PageContext) -> EmptyCause:
    """What to tell about a page with no row and no link."""
    page, given = context.page, context.input
    reason = _reason(context)
    return EmptyCause(
        page=page.name,
        selector=reason.selector,
        status=given.status,
        size_bytes=len(given.body),
        hint=reason.why or _hint(context),
        matches=reason.matches,
    )


def _hint(context: PageContext) -> str:
    document = context.document
    if not context.input.body.strip():
        return "the page is empty"
    if document.kind != "html":
        return f"a {document.kind} page"
    text = str(document.root.own(as_="text", remove=()) or "")
    lowered = text.lower()
    if len(text) < 2_000 and any(word in lowered for word in _CHALLENGES):
        return "probably a challenge or an access check, not the page"
    if len(text) < _SHELL_TEXT_CHARACTERS and "<script" in document.text.lower():
        return "probably rendered by JavaScript"
    if len(text) < _SHELL_TEXT_CHARACTERS:
        return f"hardly any text: {' '.join(text.split())[:80]!r}"
    return "the selector no longer fits the page"


def _reason(context: PageContext) -> _Reason:
    page, root = context.page, RowScope(context.document.root)
    skipped = None
    for follow in page.follow:
        if follow.when is not None and not context.condition(follow.when, root):
            skipped = skipped or _Reason(_text(follow.when.rule), why="it is the `when` of `follow`, and does not hold")
            continue
        return _no_links(context, follow, root)
    if page.rows is not None and page.rows.each is not None:
        return _Reason(_text(page.rows.each.take))
    return skipped or _Reason("each")


def _no_links(context: PageContext, follow: Follow, root: RowScope) -> _Reason:
    """Why a `follow` gave no link."""
    inside = [root]
    if follow.each is not None:
        rows = context.row_scopes(follow.each, root)
        if isinstance(rows, str) or not rows:
            return _Reason(_text(follow.each.take))
        inside = [RowScope(row) for row in rows]
    matches = sum(context.evaluate(follow.links, at).matches for at in inside)
    why = ""
    if matches:
        found = any(not is_missing(context.evaluate(follow.links, at, as_links=True).value) for at in inside)
        why = "no http(s) link is among them" if found else "none of them is an element with a link, such as <a href>"
    return _Reason(_text(follow.links), matches, why)


def _text(rule: RuleNode) -> str:
    if isinstance(rule, Take):
        return rule.source.query.text if isinstance(rule.source, QuerySource) else "a rule without a selector"
    if isinstance(rule, AnyOf | UnionOf):
        return _text(rule.members[0])
    return "each" if rule.each is None else _text(rule.each.take)

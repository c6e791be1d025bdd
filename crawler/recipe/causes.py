"""Why a page gave nothing: the guess that saves a person the first look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.recipe.model import AnyOf, EmptyCause, QuerySource, Take, UnionOf

if TYPE_CHECKING:
    from crawler.recipe.model import Page, RuleNode
    from crawler.recipe.rules import PageContext

#: Visible text below this, with a script in the page, is a shell that JavaScript fills.
_SHELL_TEXT_CHARACTERS = 200

#: Words of pages that are no content; matched in the lower-cased visible text of a small page.
_CHALLENGES = ("captcha", "verify you are human", "access denied", "checking your browser", "enable cookies")


def empty_cause(context: PageContext) -> EmptyCause:
    """What to tell about a page with no row, no link and no next page."""
    page, given = context.page, context.input
    return EmptyCause(
        page=page.name,
        selector=_first_selector(page),
        status=given.status,
        size_bytes=len(given.body),
        hint=_hint(context),
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


def _first_selector(page: Page) -> str:
    """The selector that should have matched: what makes rows or links."""
    for follow in page.follow:
        if follow.each is not None:
            return _text(follow.each.take)
        return _text(follow.links)
    if page.rows is not None:
        if page.rows.each is not None:
            return _text(page.rows.each.take)
        for rule in page.rows.fields.values():
            return _text(rule)
    return "each"


def _text(rule: RuleNode) -> str:
    if isinstance(rule, Take):
        return rule.source.query.text if isinstance(rule.source, QuerySource) else "a rule without a selector"
    if isinstance(rule, AnyOf | UnionOf):
        return _text(rule.members[0])
    return "each" if rule.each is None else _text(rule.each.take)

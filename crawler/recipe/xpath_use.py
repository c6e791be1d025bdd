"""Which documents of a page its XPath rules read on lxml's tree: those that `xpath_direct` cannot.

A document that such an XPath reads is read on lxml's tree by every rule if the two trees differ, so it has to be known
before the first rule runs. Looks at the plan only; it has seen no page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.recipe.model import AnyOf, PrecedingSource, QuerySource, Rows, Take, UnionOf
from crawler.recipe.xpath import needs_second_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.model import Condition, Page, RowSelector, RuleNode

#: Stands for text of the page that is parsed on its own, row by row: it is no document of the page.
_FRAGMENT = "<fragment>"


def xpath_documents(page: Page) -> frozenset[str | None]:
    """The names of the page sources that an XPath rule reads on lxml's tree; None stands for the page itself."""
    return frozenset(_of_page(page))


def reads_by_xpath(condition: Condition | None) -> bool:
    """Whether a condition reads the page itself by XPath, on lxml's tree."""
    return None in set(_of_condition(condition, None))


def _of_page(page: Page) -> Iterator[str | None]:
    yield from _of_condition(page.valid_if, None)
    for condition in (page.drop_if, *page.blocked_if):
        yield from _of_condition(condition, None)
    for source in page.sources.values():
        yield from _of_rule(source.rule, None)
    for follow in page.follow:
        yield from _of_condition(follow.when, None)
        inside = None
        if follow.each is not None:
            yield from _of_rule(follow.each.take, None)
            inside = _inside(follow.each, None)
        for rule in (follow.links, *follow.carry.values()):
            yield from _of_rule(rule, inside)
    paginate = page.paginate
    if paginate is not None:
        yield from _of_condition(paginate.while_, None)
        for optional in (paginate.link, paginate.total):
            if optional is not None:
                yield from _of_rule(optional, None)
    if page.rows is not None:
        yield from _of_rule(page.rows, None)


def _of_condition(condition: Condition | None, at: str | None) -> Iterator[str | None]:
    if condition is not None:
        yield from _of_rule(condition.rule, at)


def _of_rule(rule: RuleNode, at: str | None) -> Iterator[str | None]:
    yield from _of_condition(rule.when, at)
    if isinstance(rule, Take):
        if rule.request is not None:
            return
        if isinstance(rule.source, QuerySource) and needs_second_tree(rule.source.query):
            yield at if rule.from_ is None else rule.from_
        elif isinstance(rule.source, PrecedingSource):
            yield from _of_rule(rule.source.value, at)
    elif isinstance(rule, AnyOf | UnionOf):
        for member in rule.members:
            yield from _of_rule(member, at)
    else:
        yield from _of_rows(rule, at)


def _of_rows(rows: Rows, at: str | None) -> Iterator[str | None]:
    inside = at
    if rows.each is not None:
        yield from _of_rule(rows.each.take, at)
        inside = _inside(rows.each, at)
    yield from _of_condition(rows.drop_if, inside)
    for rule in rows.fields.values():
        yield from _of_rule(rule, inside)


def _inside(each: RowSelector, at: str | None) -> str | None:
    """The document that rules inside the rows read."""
    if each.parse is not None:
        return _FRAGMENT
    return at if each.take.from_ is None else each.take.from_

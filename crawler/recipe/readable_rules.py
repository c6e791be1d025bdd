"""Which part of a rule can read a document: CSS and XPath read trees, JMESPath reads values.

For conditions that are laid upon pages of any kind, where one that does not fit says nothing about the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec.structs import replace

from crawler.recipe.model import AnyOf, MetaSource, QuerySource, Rows, Take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.documents import Document
    from crawler.recipe.model import RuleNode

#: What a document is to a rule.
DocumentClass: TypeAlias = Literal["tree", "value"]


def class_of(document: Document) -> DocumentClass:
    """What rules can read it."""
    return "tree" if document.kind in ("html", "xml") else "value"


def readable(rule: RuleNode, here: DocumentClass) -> RuleNode | None:
    """What of a rule can read such a document: its alternatives may be for several kinds of pages. None: nothing."""
    if isinstance(rule, AnyOf):
        members = tuple(member for one in rule.members if (member := readable(one, here)) is not None)
        return replace(rule, members=members) if members else None
    return rule if not (kinds := set(_kinds(rule))) or kinds & {here, "any"} else None


def _kinds(rule: RuleNode) -> Iterator[str]:
    """The kinds of documents that a rule reads: `tree`, `value`, or `any`."""
    if isinstance(rule, Rows):
        yield from () if rule.each is None else _kinds(rule.each.take)
    elif isinstance(rule, Take):
        if isinstance(rule.source, QuerySource) and rule.from_ is None:
            yield "value" if rule.source.query.language == "jmespath" else "tree"
        else:
            yield "tree" if isinstance(rule.source, MetaSource) else "any"
    else:
        for member in rule.members:
            yield from _kinds(member)

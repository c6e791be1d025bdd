"""Compiles `blocked_if`: by what a page shows that it keeps crawlers out, on a page type or of the whole recipe.

What keeps crawlers out is often another kind of document than the page: a challenge in HTML where JSON was asked for.
So each condition is of the kind that its language reads, whatever the page type is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from crawler.recipe import checked
from crawler.recipe.compile_sources import Place
from crawler.recipe.yaml_nodes import ListNode, MapNode

if TYPE_CHECKING:
    from crawler.recipe.compile_rules import RuleCompiler
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.model import Condition
    from crawler.recipe.yaml_nodes import Node

_KEY: Final = "blocked_if"

#: Where a rule stands that is of every page type.
ANY_PAGE: Final = Place(language="css", kind=None, page_kind=None, page="blocked_if")


def compile_blocked(rules: RuleCompiler, node: MapNode, path: Path, place: Place) -> tuple[Condition, ...]:
    """The conditions of a page type or a recipe, of which any may hold; what is wrong is reported and left out."""
    found, where = node.get(_KEY), (*path, _KEY)
    if found is None:
        return ()
    members = list(checked.members(found, where)) if isinstance(found, ListNode) else [(where, found)]
    compiled = [rules.condition(member, at, _place_of(member, place)) for at, member in members]
    return tuple(condition for condition in compiled if condition is not None)


def _place_of(node: Node, place: Place) -> Place:
    """The place of one condition: its language says what it reads. One of a page source reads what that is."""
    if not isinstance(node, MapNode) or "from" in node:
        return place
    if "jmespath" in node:
        return replace(place, language="jmespath", kind="json", page_kind=None)
    reads_elements = "css" in node or "xpath" in node or "meta" in node
    return replace(place, language="css", kind=None, page_kind=None) if reads_elements else place

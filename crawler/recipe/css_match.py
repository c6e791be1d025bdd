"""Which elements of a tree a selector matches: the dialect's combinators, on whatever engine matches one compound.

Each compound is matched by the engine over the whole scope, and the matches are then kept or dropped by what stands
before them. That is linear in the number of matches, where lexbor backtracks (`.x div div div div` over 400 nested
elements took it 158 s), and it sees nothing outside the scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from crawler.recipe.css_tree import Combinator, Complex, Compound

NodeT = TypeVar("NodeT")


class Engine(Protocol[NodeT]):
    """What a tree must be able to do."""

    def find(self, compound: Compound, root: NodeT) -> list[NodeT]:
        """The elements in `root`, itself included, that match the compound's own simples; in document order."""

    def key(self, node: NodeT) -> Hashable:
        """What identifies the element while the tree lives."""

    def parent(self, node: NodeT) -> NodeT | None:
        """The element that holds this one."""

    def previous(self, node: NodeT) -> NodeT | None:
        """The element sibling before this one."""


def select(engine: Engine[NodeT], selector: Complex, scope: NodeT) -> list[NodeT]:
    """The elements that match, each once, in document order.

    Seen are `scope` and what is inside; siblings of `scope` only by a leading `+` or `~`.
    """
    root = scope
    if selector.anchored and selector.combinators and selector.combinators[0] in "+~":
        root = engine.parent(scope) or scope
    first = selector.compounds[0]
    matches = _candidates(engine, first, scope if selector.anchored else root)
    if selector.anchored:
        own = engine.key(scope)
        matches = [node for node in matches if engine.key(node) == own]
    for combinator, compound in zip(selector.combinators, selector.compounds[1:], strict=True):
        if not matches:
            return []
        matches = _related(engine, combinator, matches, _candidates(engine, compound, root))
    return matches


def _candidates(engine: Engine[NodeT], compound: Compound, root: NodeT) -> list[NodeT]:
    """The elements in `root` that match a compound, `:not(a b)` and its like included."""
    nodes = engine.find(compound, root)
    for logical in compound.relational:
        if not nodes:
            break
        inside = {engine.key(node) for member in logical.members for node in select(engine, member, root)}
        wanted = logical.name == "is"
        nodes = [node for node in nodes if (engine.key(node) in inside) == wanted]
    return nodes


def _related(engine: Engine[NodeT], combinator: Combinator, left: list[NodeT], candidates: list[NodeT]) -> list[NodeT]:
    """Those candidates that stand to one of `left` as the combinator says."""
    keys = {engine.key(node) for node in left}
    if combinator == ">":
        return [node for node in candidates if _is_in(engine, engine.parent(node), keys)]
    if combinator == "+":
        return [node for node in candidates if _is_in(engine, engine.previous(node), keys)]
    step = engine.parent if combinator == " " else engine.previous
    known: dict[Hashable, bool] = {}
    return [node for node in candidates if _reaches(engine, node, step, keys, known)]


def _is_in(engine: Engine[NodeT], node: NodeT | None, keys: set[Hashable]) -> bool:
    return node is not None and engine.key(node) in keys


def _reaches(
    engine: Engine[NodeT],
    node: NodeT,
    step: Callable[[NodeT], NodeT | None],
    keys: set[Hashable],
    known: dict[Hashable, bool],
) -> bool:
    """Whether steps from `node` lead to one of `keys`; `known` remembers, so that all calls together stay linear."""
    passed: list[Hashable] = []
    found = False
    current = step(node)
    while current is not None:
        key = engine.key(current)
        if key in keys:
            found = True
            break
        if key in known:
            found = known[key]
            break
        passed.append(key)
        current = step(current)
    known.update(dict.fromkeys(passed, found))
    return found

"""Which elements of a tree a selector matches: the dialect's combinators, on whatever engine matches one compound.

Each compound is matched by the engine over the whole scope, and the matches are then kept or dropped by what stands
before them. That is linear in the number of matches, where lexbor backtracks (`.x div div div div` over 400 nested
elements took it 158 s), and it sees nothing outside the scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from crawler.recipe.css_tree import Combinator, Complex, Compound

NodeT = TypeVar("NodeT")

#: Up to so many matches, the next compound is looked for inside each of them instead of in the whole scope.
_FEW: Final = 8


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
    whole = scope
    if selector.anchored:
        own = engine.key(scope)
        matches = [
            node for node in _candidates(engine, selector.compounds[0], [scope], scope) if engine.key(node) == own
        ]
        if selector.combinators and selector.combinators[0] in "+~":
            parent = engine.parent(scope)
            whole = scope if parent is None else parent
    else:
        matches = _candidates(engine, selector.compounds[0], [scope], scope)
    area = [whole]
    for combinator, compound in zip(selector.combinators, selector.compounds[1:], strict=True):
        if not matches:
            return []
        narrowed = combinator in " >" and len(matches) <= _FEW
        if narrowed:
            area = _outermost(engine, matches)
        candidates = _candidates(engine, compound, area, whole)
        if narrowed and combinator == " ":
            roots = {engine.key(root) for root in area}
            matches = [node for node in candidates if engine.key(node) not in roots]
        else:
            matches = _related(engine, combinator, matches, candidates)
    return matches


def _outermost(engine: Engine[NodeT], nodes: list[NodeT]) -> list[NodeT]:
    """Those of the nodes, which are in document order, that lie in no other of them."""
    if len(nodes) < 2:
        return nodes
    outermost: list[NodeT] = []
    last: Hashable = None
    for node in nodes:
        above = engine.parent(node)
        while above is not None and engine.key(above) != last:
            above = engine.parent(above)
        if above is None:
            outermost.append(node)
            last = engine.key(node)
    return outermost


def _candidates(engine: Engine[NodeT], compound: Compound, area: list[NodeT], whole: NodeT) -> list[NodeT]:
    """The elements in `area`, disjoint subtrees of `whole`, that match a compound with all its simples."""
    nodes = engine.find(compound, area[0])
    for root in area[1:]:
        nodes += engine.find(compound, root)
    for logical in compound.relational:
        if not nodes:
            break
        inside = {engine.key(node) for member in logical.members for node in select(engine, member, whole)}
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

"""Which elements of a tree a selector matches: the dialect's combinators, on whatever engine matches one compound.

Each compound is matched by the engine over the whole scope, and the matches are then kept or dropped by what stands
before them. That is linear in the number of matches, where lexbor backtracks (`.x div div div div` over 400 nested
elements took it 158 s), and it sees nothing outside the scope.

Of a large page, engines are not asked for `:nth-child()`, `:has()` and `:contains()` either, for which they look at all
siblings of each element, or at all that is inside it. Which elements these hold for is found out once for the whole
tree, in one pass, and kept as long as the page (`Known`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from msgspec import Struct, field

from crawler.recipe.css_tree import ANY, Contains, Has, Logical, Nth
from crawler.recipe.tree_guard import MAX_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from crawler.recipe.css_tree import Combinator, Complex, Compound, Simple

NodeT = TypeVar("NodeT")

#: Up to so many matches, the next compound is looked for inside each of them instead of in the whole scope.
_FEW: Final = 8


class Known(Struct, Generic[NodeT]):
    """Of one large tree: for which elements a simple holds. For `:not()`, for which it does not.

    Attributes:
        top: the root.
        sets: keys of the elements, by the simple.
    """

    top: NodeT
    sets: dict[Simple, set[Hashable]] = field(default_factory=dict)


#: A tree with more elements than this is a large one: up to here, what takes time quadratic in their number takes less
#: than 0.2 s.
LARGE_ELEMENTS: Final = 5_000


class Engine(Protocol[NodeT]):
    """What a tree must be able to do. `known` is set for a large one, whose elements it is then of, all of them."""

    known: Known[NodeT] | None

    def find(self, compound: Compound, root: NodeT) -> list[NodeT]:
        """The elements in `root`, itself included, that match the compound's own simples; in document order."""

    def key(self, node: NodeT) -> Hashable:
        """What identifies the element while the tree lives."""

    def with_text(self, string: str, root: NodeT) -> list[NodeT]:
        """The elements in `root`, itself included, that have the string in a text node of their own."""

    def tag(self, node: NodeT) -> str:
        """The element's name."""

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
        matches = _itself(engine, selector.compounds[0], scope)
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


def _itself(engine: Engine[NodeT], compound: Compound, scope: NodeT) -> list[NodeT]:
    """The scope, if it matches."""
    if not (compound.simples or compound.relational):  # `:scope`, which rows inside each other need not be searched for
        return [scope]
    own = engine.key(scope)
    return [node for node in _candidates(engine, compound, [scope], scope) if engine.key(node) == own]


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
    known = engine.known
    asked = compound if known is None or compound.lean is None else compound.lean
    nodes = engine.find(asked, area[0])
    for root in area[1:]:
        nodes += engine.find(asked, root)
    if known is not None and nodes:
        for simple in compound.costly:
            nodes = _kept(engine, known, simple, nodes)
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
    step, key = engine.parent if combinator == " " else engine.previous, engine.key
    known: dict[Hashable, bool] = {}
    related: list[NodeT] = []
    for node in candidates:
        first = step(node)
        if first is not None and (key(first) in keys or _reaches(engine, first, step, keys, known)):
            related.append(node)
    return related


def _is_in(engine: Engine[NodeT], node: NodeT | None, keys: set[Hashable]) -> bool:
    return node is not None and engine.key(node) in keys


def _reaches(
    engine: Engine[NodeT],
    node: NodeT,
    step: Callable[[NodeT], NodeT | None],
    keys: set[Hashable],
    known: dict[Hashable, bool],
) -> bool:
    """Whether `node` or steps from it lead to one of `keys`; `known` remembers, so that all calls stay linear."""
    passed: list[Hashable] = []
    found = False
    current: NodeT | None = node
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


#: So many elements may lie in what was matched on a large page, each counted for each match that it lies in.
MAX_OVERLAP: Final = 2_000_000


def lies_in_itself(engine: Engine[NodeT], nodes: Sequence[NodeT]) -> bool:
    """Whether elements of a large tree lie inside each other so often that each of them cannot be searched.

    Reading a few, or any number that do not overlap, looks at the page a few times at most.
    """
    if engine.known is None or len(nodes) <= MAX_OVERLAP // MAX_ELEMENTS:
        return False
    matched = {engine.key(node) for node in nodes}
    if matched.isdisjoint(_reached(engine, nodes, engine.parent)):
        return False
    around: dict[Hashable, int] = {}
    total = 0
    for node in engine.find(ANY, engine.known.top):
        above = engine.parent(node)
        key = engine.key(node)
        around[key] = (0 if above is None else around.get(engine.key(above), 0)) + (key in matched)
        total += around[key]
    return total > MAX_OVERLAP


# --- large trees ------------------------------------------------------------------------------------------------------


def _kept(engine: Engine[NodeT], known: Known[NodeT], simple: Simple, nodes: list[NodeT]) -> list[NodeT]:
    """Those of the nodes for which a costly simple holds."""
    keys = known.sets.get(simple)
    if keys is None:
        keys = known.sets[simple] = _holding(engine, known, simple)
    wanted = not (isinstance(simple, Logical) and simple.name == "not")
    return [node for node in nodes if (engine.key(node) in keys) == wanted]


def _holding(engine: Engine[NodeT], known: Known[NodeT], simple: Simple) -> set[Hashable]:
    """The keys of all elements for which a costly simple holds; of `:not()`, those inside it."""
    top = known.top
    match simple:
        case Contains(string=string):
            found = engine.with_text(string, top)
            return {engine.key(node) for node in found} | _reached(engine, found, engine.parent)
        case Has(members=members):
            keys: set[Hashable] = set()
            for combinator, compound in members:
                keys |= _before(engine, combinator, _candidates(engine, compound, [top], top))
            return keys
        case Nth():
            return _counted(engine, simple, top)
        case Logical(members=members):
            return {engine.key(node) for member in members for node in select(engine, member, top)}
    raise AssertionError(f"{simple} is not costly")


def _before(engine: Engine[NodeT], combinator: Combinator, nodes: Iterable[NodeT]) -> set[Hashable]:
    """The keys of the elements to which any of the nodes stands as the combinator says."""
    if combinator in " ~":
        return _reached(engine, nodes, engine.parent if combinator == " " else engine.previous)
    step = engine.parent if combinator == ">" else engine.previous
    return {engine.key(before) for node in nodes if (before := step(node)) is not None}


def _reached(engine: Engine[NodeT], nodes: Iterable[NodeT], step: Callable[[NodeT], NodeT | None]) -> set[Hashable]:
    """The keys of all elements to which steps from any of the nodes lead. No way is gone twice."""
    keys: set[Hashable] = set()
    for node in nodes:
        current = step(node)
        while current is not None and (key := engine.key(current)) not in keys:
            keys.add(key)
            current = step(current)
    return keys


def _counted(engine: Engine[NodeT], nth: Nth, top: NodeT) -> set[Hashable]:
    """The keys of all elements whose number among their siblings is meant; the root, as in lexbor, has none."""
    elements = engine.find(ANY, top)
    if nth.of:
        some = {engine.key(node) for compound in nth.of for node in _candidates(engine, compound, [top], top)}
        elements = [node for node in elements if engine.key(node) in some]
    numbers: Counter[Hashable] = Counter()
    keys: set[Hashable] = set()
    for node in reversed(elements) if "last" in nth.name else elements:
        parent = engine.parent(node)
        if parent is None:
            continue
        group = (engine.key(parent), engine.tag(node) if nth.of_type else "")
        numbers[group] += 1
        if nth.holds(numbers[group]):
            keys.add(engine.key(node))
    return keys

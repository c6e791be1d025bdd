"""How long an XPath may take on a page, before it is run: nothing can stop libxml2 once it has begun.

`//*[count(//*) > 5]` visits every element for every element: 40 seconds of a page of 20,000 elements. What is estimated
is the most that could be visited, from what the expression consists of and the shape of the tree: how often each name
occurs, how deep elements lie, how many siblings they have. A predicate may leave one of many; where that decides, the
path up to it is run, as far as that is cheap, to see how many are left.

One unit is one node that libxml2 looks at, about 30 ns.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from crawler.recipe.tree_guard import MAX_DEPTH
from crawler.recipe.xpath_plan import Call, Constant, Path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from lxml.etree import _Element

    from crawler.recipe.xpath_plan import Expression, Step

#: Units above which an expression is not run: about 0.8 s.
MAX_UNITS: Final = 25_000_000

#: libxml2 holds each node that it adds to a set against all that are in it; that takes so much of a unit.
_COMPARED: Final = 0.03
#: And so do two nodes of which the texts are compared, and a character that is read or translated.
_EQUAL: Final = 0.1
_READ: Final = 0.03
_TRANSLATED: Final = 0.3

#: Functions that look at each character for long.
_SLOW: Final = frozenset({"translate", "normalize-space", "concat", "substring"})
_OF_STRINGS: Final = _SLOW | {
    *("string", "contains", "starts-with", "string-length", "substring-before", "substring-after", "number", "sum")
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeShape:
    """What the cost depends on.

    Attributes:
        nodes: elements and texts.
        names: how often each name occurs.
        depths: sum of the depths of all nodes, which is that of the sizes of all subtrees.
        siblings: sum over all nodes of the number of their siblings.
        deepest: depth of the deepest one.
        widest: most children of an element.
        characters: of all texts.
        strings: of the string values of all elements.
    """

    nodes: int
    names: Counter[str]
    depths: int
    siblings: int
    deepest: int
    widest: int
    characters: int
    strings: int

    def is_within(self, other: TreeShape, names: Collection[str]) -> bool:
        """Whether nothing that reads elements of these names can cost more here than there."""
        return (
            self.nodes <= other.nodes
            and self.depths <= other.depths
            and self.siblings <= other.siblings
            and self.deepest <= other.deepest
            and self.widest <= other.widest
            and self.characters <= other.characters
            and self.strings <= other.strings
            and all(self.names[name] <= other.names[name] for name in names)
        )


def shape_of(root: _Element) -> TreeShape:
    """The shape of a tree. Linear."""
    names: Counter[str] = Counter()
    nodes = depths = siblings = deepest = widest = characters = strings = 0
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "end":
            depth -= 1
        elif event == "start":
            depth += 1
            names[str(element.tag)] += 1
            own, tail = len(element.text or ""), len(element.tail or "")
            children = len(element)
            nodes += 1 + bool(own) + bool(tail)
            depths += depth * (1 + bool(own) + bool(tail))
            siblings += (2 * children) ** 2
            deepest, widest = max(deepest, depth), max(widest, 2 * children)
            characters += own + tail
            strings += own * depth + tail * (depth - 1)
    return TreeShape(
        nodes=nodes,
        names=names,
        depths=depths,
        siblings=siblings,
        deepest=deepest,
        widest=widest,
        characters=characters,
        strings=strings,
    )


def bounds_of(elements: Sequence[_Element], characters: int) -> TreeShape:
    """A shape that a page of HTML with these elements does not exceed, found much sooner than its own.

    Args:
        elements: all of them.
        characters: of the page as it came.
    """
    nodes = 3 * len(elements)  # an element, a text in it, and one behind it
    children = list(map(len, elements))
    return TreeShape(
        nodes=nodes,
        names=Counter([str(element.tag) for element in elements]),
        depths=nodes * MAX_DEPTH,
        siblings=4 * sum(count * count for count in children),
        deepest=MAX_DEPTH,
        widest=2 * max(children, default=0),
        characters=characters,
        strings=characters * MAX_DEPTH,
    )


class TooCostly(Exception):
    """An expression would look at more than `MAX_UNITS`."""


class Estimate:
    """Of one expression on one page. `units` adds up."""

    def __init__(self, shape: TreeShape, count: Callable[[int], int] | None = None) -> None:
        """`count` runs the first so many characters of the expression, and tells how many nodes that gives.

        Without it a predicate is taken to leave everything.
        """
        self.shape = shape
        self.count = count
        self.units = 0.0

    def check(self, plan: Expression) -> None:
        """Raises TooCostly."""
        self._of(plan, 1.0, whole=True)

    def _spend(self, units: float) -> None:
        self.units += units
        if self.units > MAX_UNITS:
            raise TooCostly

    def _of(self, plan: Expression, times: float, *, whole: bool = False) -> float:
        """Adds the cost of reading a plan at so many different nodes; the most nodes that it gives at one of them."""
        if isinstance(plan, Constant):
            return 0.0
        if isinstance(plan, Path):
            return self._path(plan, times, whole=whole)
        if isinstance(plan, Call):
            sizes = [self._of(argument, times) for argument in plan.arguments]
            if plan.function in _OF_STRINGS:
                each = _TRANSLATED if plan.function in _SLOW else _READ
                below = min(times * self.shape.nodes, self.shape.depths * max(1.0, times / self.shape.nodes))
                self._spend((self._strings(times) * each + below) * max(1, len(sizes)))
            return 0.0
        sizes = [self._of(operand, times) for operand in plan.operands]
        if not plan.compares:
            return sum(sizes)
        sets = [size for size in sizes if size > 0]
        for size in sets:
            self._spend(self._strings(times * size) * _READ)
        if len(sets) > 1:
            self._spend(times * max(sets) * min(sets) * _EQUAL)
        return 0.0

    def _strings(self, times: float) -> float:
        """Characters of the string values of so many nodes."""
        shape = self.shape
        return min(times * shape.characters, shape.strings * max(1.0, times / shape.nodes))

    def _path(self, path: Path, times: float, *, whole: bool) -> float:
        size, total = 1.0, times
        if path.start is not None:
            size = max(1.0, self._of(path.start, times))
            total = times * size
        for index, step in enumerate(path.steps):
            contexts = size
            at_root = path.absolute and index == 0
            size, total = self._step(step, times, size, total, at_root=at_root, repeated=path.absolute)
            for predicate in step.predicates:
                self._of(predicate, total)
            if step.numbered:
                size = min(size, contexts)
            elif step.predicates and whole and path.start is None and self.count and index + 1 < len(path.steps):
                size = max(1.0, min(size, self.count(step.end)))
            total = min(total, times * size)
        return size

    def _step(
        self, step: Step, times: float, size: float, total: float, *, at_root: bool, repeated: bool
    ) -> tuple[float, float]:
        """What a step leads to that is read so many times, each time from so many nodes at most, from `total` in all.

        Returns: the most nodes of one time, and of all times together.
        """
        shape, axis = self.shape, step.axis.removeprefix("descendants' ")
        if axis != step.axis:  # `//` before another axis: from every node below
            self._spend(times * shape.nodes)
            size, total = float(shape.nodes), times * shape.nodes
        most, of_all = self._reach(axis)
        if at_root:
            visited = times * min(most, shape.nodes)
        elif repeated:  # each time the same nodes
            visited = times * min(size * most, of_all * max(1.0, size / shape.nodes))
        else:
            visited = min(total * most, of_all * max(1.0, total / shape.nodes))
        if step.numbered and axis not in ("descendant", "descendant-or-self"):
            visited = min(visited, total * 2)
        known = shape.names[step.name] if step.name is not None and axis != "attribute" else shape.nodes
        given = max(1.0, min(float(known), size * most))
        self._spend(visited)
        if size > 1 and axis not in ("child", "attribute", "self"):
            self._spend(min(visited, total * given) * given / 2 * _COMPARED)
        return given, max(1.0, min(visited, times * given))

    def _reach(self, axis: str) -> tuple[float, float]:
        """The most nodes on the axis of a node, and those of all nodes together."""
        shape = self.shape
        if axis in ("child", "parent", "self", "attribute", "namespace"):
            return (shape.widest if axis == "child" else 1), shape.nodes
        if axis in ("descendant", "descendant-or-self"):
            return shape.nodes, shape.depths
        if axis in ("ancestor", "ancestor-or-self"):
            return shape.deepest, shape.depths
        if axis in ("following-sibling", "preceding-sibling"):
            return shape.widest, shape.siblings
        return shape.nodes, shape.nodes * shape.nodes

"""Walks a tree together with its shapes: each value with the shape that checks it.

For those who need to know what a value *is* (a rule, a name of a page type) without a second list of where it stands:
lint, and the tests that break recipes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.recipe.language_rules import Step, StepList
from crawler.recipe.shape import ByKind, ListOf, Named, NamedMap, Shape, UserMap, Variants
from crawler.recipe.yaml_nodes import Broken, ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Path
    from crawler.recipe.yaml_nodes import Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A value, the innermost shape that checks it (None for a step's argument), and its key in a map, if it has one."""

    node: Node
    shape: Shape | None
    path: Path
    key: Scalar | None = None
    named: bool = False  # the key is one of the language's, not the author's


def walk(node: Node, shape: Shape, path: Path = ()) -> Iterator[Place]:
    """Every value of a tree that its shape accepts, in file order."""
    return _walk(Place(node=node, shape=shape, path=path))


def _walk(place: Place) -> Iterator[Place]:
    node, path = place.node, place.path
    shape = _innermost(node, place.shape)
    yield Place(node=node, shape=shape, path=path, key=place.key, named=place.named)
    if isinstance(node, MapNode):
        for entry in node:
            below = (*path, entry.key)
            if isinstance(shape, NamedMap) and (key := shape.key(entry.key)) is not None:
                yield from _walk(Place(node=entry.node, shape=key.shape, path=below, key=entry.at, named=True))
            elif isinstance(shape, UserMap):
                yield from _walk(Place(node=entry.node, shape=shape.value, path=below, key=entry.at))
            elif isinstance(shape, Step):
                yield Place(node=entry.node, shape=None, path=below, key=entry.at, named=True)
    elif isinstance(node, ListNode):
        member: Shape | None = Step() if isinstance(shape, StepList) else None
        member = shape.member if isinstance(shape, ListOf) else member
        for index, item in enumerate(node.items) if member is not None else ():
            yield from _walk(Place(node=item, shape=member, path=(*path, index)))


def _innermost(node: Node, shape: Shape | None) -> Shape | None:
    while isinstance(shape, Named | ByKind | Variants):
        if isinstance(shape, Named):
            shape = shape.shape()
        elif isinstance(shape, Variants):
            chosen = (variant for key, variant in shape.variants.items() if isinstance(node, MapNode) and key in node)
            shape = next(chosen, None)
        elif isinstance(node, MapNode):
            shape = shape.mapping
        elif isinstance(node, ListNode):
            shape = shape.sequence
        else:
            shape = None if isinstance(node, Broken) else shape.scalar
    return shape

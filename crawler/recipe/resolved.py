"""A recipe with its parents in it, as one text: what a job carries to machines that have no such files.

Values are written in the quotes that they had, so that the text means what the files meant; comments are not kept.
Knows trees only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar
from crawler.recipe.yaml_writer import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.yaml_nodes import Node

#: A key that has done its work once the tree is whole.
_DONE: Final = "extends"


def resolved_text(root: MapNode) -> str:
    """YAML of a recipe's tree, under which its parents have been laid."""
    return "".join(f"{line}\n" for line in _map(root, 0, leave_out=_DONE))


def _map(node: MapNode, indent: int, *, leave_out: str = "") -> Iterator[str]:
    for entry in node:
        if entry.key != leave_out:
            yield from _member(f"{' ' * indent}{_scalar(entry.at)}:", entry.node, indent)


def _list(node: ListNode, indent: int) -> Iterator[str]:
    for item in node.items:
        yield from _member(f"{' ' * indent}-", item, indent)


def _member(opening: str, node: Node, indent: int) -> Iterator[str]:
    if isinstance(node, MapNode) and node.entries:
        yield opening
        yield from _map(node, indent + 2)
    elif isinstance(node, ListNode) and node.items:
        yield opening
        yield from _list(node, indent + 2)
    elif isinstance(node, Scalar):
        yield f"{opening} {_scalar(node)}".rstrip()
    else:
        yield f"{opening} {'[]' if isinstance(node, ListNode) else '{}'}"


def _scalar(node: Scalar) -> str:
    """As it was written, on one line."""
    fits = node.raw.isprintable()
    if node.style == "plain" and fits:
        return node.raw
    if node.style == "single" and fits:
        return "'" + node.raw.replace("'", "''") + "'"
    return quoted(node.raw)

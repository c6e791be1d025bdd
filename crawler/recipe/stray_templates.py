"""Finds templates that nothing fills in: `{{ inputs.site }}` in a regular expression is text like any other.

Works on the checked tree, after everything that is a template has been compiled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from crawler.recipe.template import SCOPES
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.yaml_nodes import Node

_REFERENCE: Final = re.compile(rf"\{{\{{\s*(?:{'|'.join(SCOPES)})\s*\.")

#: What a person reads, and what a page is expected to say.
_FREE_TEXT: Final = frozenset({"description", "labels", "tests"})

_HINT: Final = "templates work in string rules, `template` and `default`, and in the URLs and other parts of requests"


def check_stray_templates(root: MapNode, filled: Collection[Scalar], report: Report) -> None:
    """Report every text that refers to a scope and is not among `filled`, the templates that were compiled."""
    known = {id(node) for node in filled}
    for path, node in _scalars(root, ()):
        if isinstance(node.value, str) and id(node) not in known and _REFERENCE.search(node.value):
            hint = "write `template:` with the whole text instead of the step" if "process" in path else _HINT
            report.add(node.mark, path, "`{{ }}` is not filled in here", hint)


def _scalars(node: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, ListNode):
        for index, member in enumerate(node.items):
            yield from _scalars(member, (*path, index))
    elif isinstance(node, MapNode):
        for entry in node:
            if entry.key not in _FREE_TEXT or path:
                yield from _scalars(entry.node, (*path, entry.key))

"""What a recipe says that it is: its name and version, read without compiling anything, so it costs next to nothing."""

from __future__ import annotations

from typing import NamedTuple

from crawler.errors import RecipeError
from crawler.recipe import checked
from crawler.recipe.diagnostics import Report
from crawler.recipe.yaml_nodes import MapNode, Mark, SourceFile
from crawler.recipe.yaml_reader import read_yaml


class Heading(NamedTuple):
    """Name and version as they are written; "" of one that is not there."""

    name: str
    version: str


def heading_of(text: str | bytes) -> Heading:
    """The heading of a recipe's text, which may be wrong everywhere else.

    Raises:
        RecipeError: it is no map in YAML, or larger or deeper than a recipe may be.
    """
    report = Report()
    root = read_yaml(text, file="<recipe>", report=report)
    if not isinstance(root, MapNode):
        if not report:
            report.add(Mark(SourceFile("<recipe>", ""), 1, 1), (), "this is no recipe: it has no keys")
        raise RecipeError(report.problems())
    return Heading(name=checked.text(root, "name") or "", version=checked.text(root, "version") or "")

"""Compiles `incremental`, and holds it against the other parts of a recipe that it has to do with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from crawler.recipe import checked
from crawler.recipe.diagnostics import did_you_mean, one_of
from crawler.recipe.incremental import GONE_AFTER, LAST_RUN, Incremental
from crawler.recipe.profiles import PROFILES
from crawler.recipe.quantities import seconds
from crawler.recipe.yaml_nodes import MapNode

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.incremental import Emit, Skip

#: The column of `changes`.
_COLUMN = "change"


def compile_incremental(root: MapNode) -> Incremental | None:
    """`incremental`; None without the block."""
    node = checked.mapping(root, "incremental")
    if node is None:
        return None
    compare = checked.mapping(node, "compare")
    every = checked.text(checked.mapping(node, "recrawl"), "every")
    gone_after = checked.integer(node, "gone_after")
    return Incremental(
        skip_unchanged=frozenset(cast("list[Skip]", _names(node, "skip_unchanged"))),
        emit=cast("Emit", checked.text(node, "emit") or "changed"),
        only=frozenset(_names(compare, "only")),
        ignore=frozenset(_names(compare, "ignore")),
        recrawl_every_s=None if every is None else seconds(every),
        gone_after=GONE_AFTER if gone_after is None else gone_after,
    )


def check_incremental(root: MapNode, report: Report) -> None:
    """Report what of `incremental`, `changes` and `modified_since: last_run` does not fit the rest of the recipe."""
    _check_compared(root, report)
    is_there = "incremental" in root
    for path, node in checked.members(root.get("start"), ("start",)):
        found = checked.scalar(node, "modified_since") if isinstance(node, MapNode) else None
        if found is not None and str(found.value).strip() == LAST_RUN and not is_there:
            message = "only a recipe with `incremental` knows when its last run was"
            report.add(found.mark, (*path, "modified_since"), message, "add incremental: {emit: changed}")
    for path, node in checked.members(root.get("exports"), ("exports",)):
        if isinstance(node, MapNode) and "changes" in node:
            _check_changes(root, node, path, report)


def _check_compared(root: MapNode, report: Report) -> None:
    compare = checked.mapping(checked.mapping(root, "incremental"), "compare")
    known = dict.fromkeys(name for _, item, _ in checked.maps(root, "items") for name in checked.names(item, "fields"))
    for key in ("ignore", "only"):
        for path, found in checked.scalars(compare, key, ("incremental", "compare")):
            name = str(found.value)
            if known and name not in known:
                hint = did_you_mean(name, list(known)) or f"the fields are {one_of(list(known))}"
                report.add(found.mark, path, f"no item has a field '{name}'", hint)


def _check_changes(root: MapNode, node: MapNode, path: Path, report: Report) -> None:
    mark, where = node.by_key["changes"].mark, (*path, "changes")
    if "incremental" not in root:
        message = "only a recipe with `incremental` knows what has changed"
        report.add(mark, where, message, "add incremental: {emit: changed}")
    profile = PROFILES.get(checked.text(node, "profile") or "")
    if profile is not None and profile.shaped:
        message = f"the profile {profile.name} has columns of its own"
        report.add(mark, where, message, "add an export of its own for the changes, without a profile")
    item = checked.mapping(checked.mapping(root, "items"), checked.text(node, "item") or "")
    if _COLUMN in checked.names(item, "fields"):
        message = f"the item has a field '{_COLUMN}', which is what the column would be called"
        report.add(mark, where, message, "rename the field")
    elif item is not None and "key" not in item:
        message = "without a `key` of its item every row is new each time"
        report.add(mark, where, message, "add key: [...] to the item")
    name = f"{checked.text(node, 'name')}-changes"
    others: list[Any] = [other for _, other in checked.members(root.get("exports"), ("exports",))]
    if checked.text(node, "changes") == "file" and any(
        isinstance(other, MapNode) and checked.text(other, "name") == name for other in others
    ):
        report.add(mark, where, f"another export is called {name} already", "rename one of them")


def _names(node: MapNode | None, key: str) -> list[str]:
    return [str(found.value) for _, found in checked.scalars(node, key, ())]

"""Compiles `quality`: bounds, the fields that `coverage` names, and how a run is compared with earlier ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from crawler.recipe import checked
from crawler.recipe.diagnostics import did_you_mean, nearest, one_of
from crawler.recipe.quality_plan import BandsRule, CoverageBound, Quality, Step
from crawler.recipe.quantities import share
from crawler.recipe.yaml_nodes import MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crawler.recipe.contract import ItemContract
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.fields import FieldSpec
    from crawler.recipe.yaml_nodes import Entry

#: Narrower bands would call every run a failure.
_LEAST_DEVIATIONS: Final = 1


def compile_quality(root: MapNode, items: Mapping[str, ItemContract], report: Report) -> Quality | None:
    """`quality`, None without the block.

    Args:
        root: of the recipe.
        items: the contracts; those that are wrong, and were reported, are not in it.
        report: of what is wrong.
    """
    node = checked.mapping(root, "quality")
    if node is None:
        return None
    counts = checked.mapping(node, "items")
    minimum, maximum = checked.integer(counts, "minimum"), checked.integer(counts, "maximum")
    if counts is not None and minimum is not None and maximum is not None and minimum > maximum:
        mark = counts.by_key["minimum"].mark
        report.add(mark, ("quality", "items", "minimum"), f"the minimum {minimum} is above the maximum {maximum}")
    rejected, errors = checked.mapping(node, "rejected"), checked.mapping(node, "http_errors")
    return Quality(
        items_minimum=minimum,
        items_maximum=maximum,
        rejected_maximum=checked.integer(rejected, "maximum"),
        rejected_maximum_share=_share(rejected, "maximum"),
        http_errors_maximum=checked.integer(errors, "maximum"),
        http_errors_maximum_share=_share(errors, "maximum"),
        coverage=_coverage(root, node, items, report),
        bands=_bands(node, report),
    )


def _share(node: MapNode | None, key: str) -> float | None:
    percent = checked.text(node, key)
    return None if percent is None else share(percent)


def _bands(node: MapNode, report: Report) -> BandsRule | None:
    if checked.text(node, "bands") is not None:
        return BandsRule()
    written = checked.mapping(node, "bands")
    if written is None:
        return None
    default = BandsRule()
    window, runs = checked.integer(written, "window"), checked.integer(written, "minimum_runs")
    rule = BandsRule(
        window=default.window if window is None else window,
        minimum_runs=(default.minimum_runs if window is None else min(window, default.minimum_runs))
        if runs is None
        else runs,
        deviations=default.deviations,
    )
    if rule.minimum_runs > rule.window:
        mark = written.by_key["minimum_runs"].mark
        message = f"{rule.minimum_runs} runs are asked for, and only the newest {rule.window} count"
        report.add(mark, ("quality", "bands", "minimum_runs"), message, "raise `window`")
    found = checked.scalar(written, "deviations")
    if found is None or not isinstance(found.value, int | Decimal):
        return rule
    if found.value < _LEAST_DEVIATIONS:
        where: Path = ("quality", "bands", "deviations")
        report.add(found.mark, where, f"must be at least {_LEAST_DEVIATIONS}, not {found.raw}")
    return BandsRule(window=rule.window, minimum_runs=rule.minimum_runs, deviations=float(found.value))


# --- coverage ---------------------------------------------------------------------------------------------------------


def _coverage(
    root: MapNode, node: MapNode, items: Mapping[str, ItemContract], report: Report
) -> tuple[CoverageBound, ...]:
    found: list[CoverageBound] = []
    names = checked.names(root, "items")
    for entry in checked.entries(node, "coverage"):
        if not isinstance(entry.node, Scalar) or not isinstance(entry.node.value, str):
            continue
        item, steps = _resolved(entry, names, items, report)
        if not steps:
            continue
        bound = CoverageBound(name=entry.key, item=item, steps=steps, minimum_share=share(entry.node.value))
        if any((other.item, other.path) == (bound.item, bound.path) for other in found):
            report.add(entry.mark, ("quality", "coverage", entry.key), "names a field that another entry names, too")
        found.append(bound)
    return tuple(found)


def _resolved(
    entry: Entry, names: Sequence[str], items: Mapping[str, ItemContract], report: Report
) -> tuple[str, tuple[Step, ...]]:
    """Whose field it is, and the way to it; no steps if that was reported, or cannot be told."""
    path: Path = ("quality", "coverage", entry.key)
    steps = tuple(Step(part.removesuffix("[]"), part.endswith("[]")) for part in entry.key.split("."))
    first = steps[0]
    only = items.get(names[0]) if len(names) == 1 else None
    if first.name in names and not first.each and len(steps) > 1 and (only is None or first.name not in only.fields):
        contract, steps = items.get(first.name), steps[1:]
        return (first.name, steps) if contract and _is_there(contract, steps, entry, path, report) else ("", ())
    if not names:
        report.add(entry.mark, path, "the recipe has no item whose fields could be counted", "add `items`")
        return "", ()
    if len(names) == 1:
        return (names[0], steps) if only and _is_there(only, steps, entry, path, report) else ("", ())
    known = [f"{item}.{field}" for item, contract in items.items() for field in contract.fields]
    owners = [f"{item}.{entry.key}" for item, contract in items.items() if first.name in contract.fields]
    hint = f"write {one_of(owners)}" if owners else did_you_mean(entry.key, known)
    message = "of which item?" if owners else f"there is no item '{first.name}'"
    report.add(entry.mark, path, message, hint or f"with several items it is ITEM.FIELD; items are {one_of(names)}")
    return "", ()


def _is_there(contract: ItemContract, steps: Sequence[Step], entry: Entry, path: Path, report: Report) -> bool:
    """Whether the contract has such a field, as far as it says what is in its fields."""
    fields: Mapping[str, FieldSpec] | None = contract.fields
    before = ""
    for number, step in enumerate(steps):
        if fields is None:
            return True  # the contract does not say what is in there
        spec = fields.get(step.name)
        if spec is None:
            where = f"in {before.removesuffix('.')}" if before else f"in the item '{contract.name}'"
            hint = _meant(entry.key, len(steps) - number, step.name, fields) or f"there are {one_of(fields)}"
            report.add(entry.mark, path, f"there is no field '{step.name}' {where}", hint)
            return False
        is_last = number == len(steps) - 1
        if step.each and spec.type != "array":
            message = f"{before}{step.name} is of type {spec.type}, and has no members"
            report.add(entry.mark, path, message, "`[]` stands behind the name of a list")
            return False
        if not is_last and not step.each and spec.type != "object":
            message = f"{before}{step.name} is of type {spec.type}, and has no fields"
            rest = ".".join(other.name + ("[]" if other.each else "") for other in steps[number + 1 :])
            report.add(
                entry.mark, path, message, f"write {before}{step.name}[].{rest}" if spec.type == "array" else None
            )
            return False
        inside = spec.items if step.each else spec
        if step.each and not is_last and inside is not None and inside.type != "object":
            report.add(
                entry.mark, path, f"the members of {before}{step.name} are of type {inside.type}, without fields"
            )
            return False
        fields = inside.properties if inside is not None else None
        before += f"{step.name}{'[]' if step.each else ''}."
    return True


def _meant(key: str, from_end: int, name: str, fields: Mapping[str, FieldSpec]) -> str | None:
    """The whole key with another name in the place of one that is not there."""
    parts = key.split(".")
    keys = []
    for other in nearest(name, fields):
        meant = [*parts]
        meant[-from_end] = other + ("[]" if parts[-from_end].endswith("[]") else "")
        keys.append(f"'{'.'.join(meant)}'")
    return f"did you mean {' or '.join(keys)}?" if keys else None

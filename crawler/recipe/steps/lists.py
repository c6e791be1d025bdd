"""Steps on a whole list. At run time one value counts as a list of one; a recipe where that is certain is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.scalars import NotScalar, decimal_of, describe
from crawler.recipe.steps.definition import (
    Run,
    Shape,
    StepDefinition,
    StepError,
    StepInfo,
    count_argument,
    needed_text,
    no_argument,
)
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


def _list_step(change: Callable[[list[Value]], Value]) -> Run:
    def run(value: Value, _base_url: str) -> Value:
        return change(value if isinstance(value, list) else [value])

    return run


def _build_join(argument: Any) -> Run:
    if not isinstance(argument, str):
        got = "" if argument is MISSING else f", got {describe(argument)}"
        raise StepError(f"needs the text between the parts{got}", 'write `join: ", "`')
    return _list_step(lambda values: argument.join(map(needed_text, values)))


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _build_slice(argument: Any) -> Run:
    example = "slice: [1, 3]"
    if _is_index(argument):

        def member(values: list[Value]) -> Value:
            return values[argument] if -len(values) <= argument < len(values) else MISSING

        return _list_step(member)
    if not isinstance(argument, list) or not 1 <= len(argument) <= 2:
        raise StepError("needs [start], [start, stop] or one number", f"write `{example}`")
    if any(part is not None and not _is_index(part) for part in argument):
        raise StepError(f"needs whole numbers, got {argument}", f"write `{example}`")
    start, stop = (*argument, None)[:2]
    return _list_step(lambda values: values[start:stop])


def _slice_shapes(argument: Any) -> tuple[Shape, Shape]:
    return "list", "element" if _is_index(argument) else "list"


def _build_limit(argument: Any) -> Run:
    count = count_argument(argument, "limit: 10")
    return _list_step(lambda values: values[:count])


def _build_unique(argument: Any) -> Run:
    no_argument(argument)

    def unique(values: list[Value]) -> list[Value]:
        seen: dict[Hashable, Value] = {}
        for value in values:
            seen.setdefault(value if isinstance(value, str) else _identity(value), value)
        return list(seen.values())

    return _list_step(unique)


def _identity(value: Value) -> Hashable:
    """Equal for equal JSON values only: `true` is not 1, 1 and 1.0 are one number."""
    if isinstance(value, list | tuple):
        return ("list", *map(_identity, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, _identity(member)) for key, member in value.items()))
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float | Decimal):
        try:
            return ("number", decimal_of(value))
        except NotScalar:
            return ("number", repr(value))
    return ("other", repr(value)) if not isinstance(value, str) else value


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="join",
            summary="Makes the members one text.",
            argument="the text between the members; may be empty",
            example=(" > ", ["Home", "Chairs"], "Home > Chairs"),
            takes="list",
        ),
        build=_build_join,
    ),
    StepDefinition(
        info=StepInfo(
            name="slice",
            summary="Takes a part of the list, or with one number that member. Counts from 0; negative from the end.",
            argument="[start], [start, stop] (stop not included, null for open) or one number",
            example=([1], ["Home", "Chairs", "Oak"], ["Chairs", "Oak"]),
            takes="list",
            gives="list",
        ),
        build=_build_slice,
        shapes=_slice_shapes,
    ),
    StepDefinition(
        info=StepInfo(
            name="unique",
            summary="Drops members that were there before; the order stays.",
            example=(MISSING, ["b", "a", "b"], ["b", "a"]),
            takes="list",
            gives="list",
        ),
        build=_build_unique,
    ),
    StepDefinition(
        info=StepInfo(
            name="limit",
            summary="Keeps the first members.",
            argument="how many",
            example=(2, ["a", "b", "c"], ["a", "b"]),
            takes="list",
            gives="list",
        ),
        build=_build_limit,
    ),
)

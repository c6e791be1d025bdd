"""All steps by name, and chains of them: built at load, checked for fit, run on a page's values.

Steps of other packages come by entry points of the group `crawlery.steps`, each naming a `StepDefinition`; a name that
is taken already is refused. Knows nothing of rules or pages.
"""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.steps.dates import STEPS as DATE_STEPS
from crawler.recipe.steps.definition import RunAt, Step, StepDefinition, StepError, StepFailed, StepInfo
from crawler.recipe.steps.html import STEPS as HTML_STEPS
from crawler.recipe.steps.lists import STEPS as LIST_STEPS
from crawler.recipe.steps.numbers import STEPS as NUMBER_STEPS
from crawler.recipe.steps.text import STEPS as TEXT_STEPS
from crawler.recipe.steps.urls import STEPS as URL_STEPS
from crawler.recipe.steps.woocommerce import STEPS as WOOCOMMERCE_STEPS
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: What comes out of a source or a chain: certainly one value, certainly a list, or what the page's JSON holds.
Shaped: TypeAlias = Literal["one", "list", "unknown"]

ENTRY_POINT_GROUP: Final = "crawlery.steps"

_BUILT_IN: Final = (*TEXT_STEPS, *LIST_STEPS, *NUMBER_STEPS, *DATE_STEPS, *URL_STEPS, *HTML_STEPS, *WOOCOMMERCE_STEPS)
_OTHER_NAMES: Final = {
    "trim": "strip",
    "lowercase": "lower",
    "uppercase": "upper",
    "int": "integer",
    "float": "number",
    "decimal": "number",
    "money": "price",
    "prefix": "prepend",
    "suffix": "append",
    "first": "slice: 0",
    "last": "slice: -1",
    "filter": "reject",
    "remove": "replace: {text: .., with: ''}",
    "default": "default: .. beside process",
    "absolute_url": "canonical_url",
    "urljoin": "canonical_url",
    "sanitize": "safe_html",
    "collapse": "squeeze",
    "normalize": "squeeze",
    "match": "regex",
    "extract": "regex",
    "distinct": "unique",
    "dedupe": "unique",
    "head": "limit",
    "take": "limit",
}


@functools.cache
def _definitions() -> Mapping[str, StepDefinition]:
    found = {definition.info.name: definition for definition in _BUILT_IN}
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        origin = f"entry point `{entry_point.name}` of the group `{ENTRY_POINT_GROUP}`"
        definition = entry_point.load()
        if not isinstance(definition, StepDefinition):
            raise StepError(f"{origin} names {definition!r}, which is no StepDefinition")
        if definition.info.name != entry_point.name:
            raise StepError(f"{origin} names a step called `{definition.info.name}`", "give both the same name")
        if entry_point.name in found:
            raise StepError(f"{origin}: there is a step of that name already", "rename the entry point")
        found[entry_point.name] = definition
    return found


def catalogue() -> tuple[StepInfo, ...]:
    """Every step that a recipe can use here, built-in ones first."""
    return tuple(definition.info for definition in _definitions().values())


def build_step(name: str, argument: Any = MISSING) -> Step:
    """The step of that name, ready to run. Raises StepError for an unknown name or an argument that does not fit."""
    known = _definitions()
    definition = known.get(name)
    if definition is None:
        other = _OTHER_NAMES.get(name.lower())
        hint = f"did you mean `{other}`?" if other else did_you_mean(name, known)
        raise StepError(f"there is no step `{name}`", hint or f"the steps are {', '.join(known)}")
    try:
        run = definition.build(argument)
        takes, gives = (definition.info.takes, definition.info.gives)
        if definition.shapes is not None:
            takes, gives = definition.shapes(argument)
    except StepError as error:
        raise StepError(f"`{name}` {error.args[0]}", error.hint) from None
    made: object = run
    run_at = made if isinstance(made, RunAt) else None
    return Step(name=name, argument=argument, takes=takes, gives=gives, run=run, run_at=run_at)


def _walk(steps: Sequence[Step], starts: Shaped) -> tuple[Shaped, tuple[int, str] | None]:
    shape = starts
    for index, step in enumerate(steps):
        if step.takes == "list":
            if shape == "one":
                return shape, (
                    index,
                    (
                        f"`{step.name}` works on a list, but one value comes here; "
                        "add `all: true` to the rule, or a `split` before it"
                    ),
                )
            shape = "list" if step.gives == "list" else "one"
        elif step.gives == "list":
            shape = "list"
    return shape, None


def check_chain(steps: Sequence[Step], *, starts: Shaped) -> tuple[int, str] | None:
    """The first step that cannot work on what comes to it, and why; None if all fit."""
    return _walk(steps, starts)[1]


def chain_gives(steps: Sequence[Step], *, starts: Shaped) -> Shaped:
    """What comes out of a chain that fits."""
    return _walk(steps, starts)[0]


def run_steps(steps: Sequence[Step], value: Value, *, base_url: str, now: datetime | None = None) -> Value:
    """The value after all steps, or MISSING. `now` is when the answer came, for dates that are told from a day.

    Element steps run on each member of a list; missing members are dropped before every step, and a missing value ends
    the chain. Raises StepFailed, whose `index` and `name` say which step it was.
    """
    for index, step in enumerate(steps):
        if is_missing(value):
            return MISSING
        try:
            value = _apply(step, value, base_url, now)
        except StepFailed as failure:
            failure.index = index
            failure.name = step.name
            raise
    return MISSING if is_missing(value) else value


def _apply(step: Step, value: Value, base_url: str, now: datetime | None) -> Value:
    if not isinstance(value, list):
        return step.apply(value, base_url=base_url, now=now)
    members = [member for member in value if not is_missing(member)]
    if step.takes == "list":
        return step.apply(members, base_url=base_url, now=now)
    results: list[Value] = []
    for member in members:
        result = step.apply(member, base_url=base_url, now=now)
        if step.gives == "list" and isinstance(result, list):
            results.extend(result)
        else:
            results.append(result)
    return [result for result in results if not is_missing(result)]

"""What a step is: its catalogue entry, how its argument is read, and what runs on a page's values.

A `StepDefinition` is one kind of step; `build` turns the argument written in a recipe into a function, once, at load.
Definitions know nothing of each other, of rules or of pages; `registry` brings them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct, field

from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.regex import Regex, RegexError, compile_regex
from crawler.recipe.scalars import NotScalar, describe, text_of
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

Shape: TypeAlias = Literal["element", "list"]


@runtime_checkable
class RunAt(Protocol):
    """A run that needs to know when the answer came, with its zone; None where that is not known."""

    def at(self, value: Value, base_url: str, now: datetime | None, /) -> Value:
        """As a `Run`."""


#: What runs: the value and the base URL of its page to a value or MISSING. May raise StepFailed, nothing else.
Run: TypeAlias = "Callable[[Value, str], Value]"


class StepError(ValueError):
    """A step of a recipe cannot be used; `hint` says what to write instead, if that is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class StepFailed(Exception):
    """A value of a page does not fit a step. `index` (0-based) and `name` say which step of the chain it was."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.index = 0
        self.name = ""


class Step(Struct, frozen=True, kw_only=True):
    """One step, ready to run. `argument` is as written in the recipe, MISSING if there was none."""

    name: str
    argument: Any
    takes: Shape
    gives: Shape
    run: Run
    run_at: RunAt | None = None  # the same, where the time of the answer matters

    def apply(self, value: Value, *, base_url: str, now: datetime | None = None) -> Value:
        """The step's result for one value (for a list step: the whole list), or MISSING. Raises StepFailed."""
        try:
            return self.run(value, base_url) if self.run_at is None else self.run_at.at(value, base_url, now)
        except StepFailed as failure:
            failure.name = self.name
            raise


class StepInfo(Struct, frozen=True, kw_only=True):
    """A step's catalogue entry. `example` is (argument, input, output), `options` the keys of the argument's map.

    An argument of MISSING is the bare name. `output` is MISSING where the step makes a value missing.
    """

    name: str
    summary: str
    example: tuple[Any, Value, Value]
    argument: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    takes: Shape = "element"
    gives: Shape = "element"


class StepDefinition(Struct, frozen=True, kw_only=True):
    """A kind of step, also what an entry point of the group `crawlery.steps` names.

    `build` reads the argument as written (MISSING for a bare name) and raises StepError if it is wrong. `shapes` tells
    what the step takes and gives where that depends on the argument.
    """

    info: StepInfo
    build: Callable[[Any], Run]
    shapes: Callable[[Any], tuple[Shape, Shape]] | None = None


def text_step(change: Callable[[str], Value]) -> Run:
    """A step's function from one that changes text: numbers and booleans come as their text."""

    def run(value: Value, _base_url: str) -> Value:
        return change(value if isinstance(value, str) else needed_text(value))

    return run


def needed_text(value: Value) -> str:
    """The value as text. Raises StepFailed for lists, objects and numbers that have no plain form."""
    try:
        return text_of(value)
    except NotScalar as error:
        raise StepFailed(f"needs text, got {error}") from None


# --- reading arguments ------------------------------------------------------------------------------------------------


def no_argument(argument: Any) -> None:
    """Refuse an argument to a step that has none."""
    if argument is not MISSING:
        raise StepError(f"takes no argument, got {describe(argument)}", "write its bare name")


def text_argument(argument: Any, example: str, *, what: str = "needs a text") -> str:
    """An argument that must be text that is not empty; `example` shows one in the error."""
    if argument is MISSING or argument is None:
        raise StepError(what, f"write `{example}`")
    if not isinstance(argument, str):
        raise StepError(f"{what}, got {describe(argument)}", f"write `{example}`; quote it if YAML reads it otherwise")
    if not argument:
        raise StepError(f"{what}, got an empty one", f"write `{example}`")
    return argument


def count_argument(argument: Any, example: str, *, minimum: int = 1) -> int:
    """An argument that must be a whole number of at least `minimum`."""
    if isinstance(argument, bool) or not isinstance(argument, int):
        got = "" if argument is MISSING else f", got {describe(argument)}"
        raise StepError(f"needs a whole number{got}", f"write `{example}`")
    if argument < minimum:
        raise StepError(f"needs a number of at least {minimum}, got {argument}", f"write `{example}`")
    return argument


def options_argument(argument: Mapping[Any, Any], allowed: Mapping[str, str]) -> dict[str, Any]:
    """The options of a step's map. Raises StepError for one that does not exist."""
    for key in argument:
        if key not in allowed:
            hint = did_you_mean(str(key), allowed) or "it has " + ", ".join(f"`{name}`" for name in allowed)
            raise StepError(f"has no option `{key}`", hint)
    return {str(key): value for key, value in argument.items()}


def choice(options: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str | None) -> str | None:
    """One of a few words, or the default where the option is not written."""
    if name not in options:
        return default
    value = options[name]
    if isinstance(value, str) and value in allowed:
        return value
    hint = did_you_mean(value, allowed) if isinstance(value, str) else None
    raise StepError(f"`{name}` is {describe(value)}, must be one of {', '.join(allowed)}", hint)


def flag(options: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """`true` or `false`, or the default where the option is not written."""
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise StepError(f"`{name}` is {describe(value)}, must be true or false")
    return value


def pattern_argument(pattern: Any, example: str) -> Regex:
    """A compiled pattern. Raises StepError with the reason of the regex engine."""
    text = text_argument(pattern, example, what="needs a pattern")
    try:
        return compile_regex(text)
    except RegexError as error:
        raise StepError(f"pattern {text!r}: {error.args[0]}", error.hint) from None

"""What one field of a contract, or one input, may hold: its type and rules as written, checked and compiled.

Read by `contract` and `inputs`, which differ in how a value gets its type: a contract coerces text of a page without
losing anything (`coercion`), an input has its type already. The rules that come after are the same and live here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.regex import Regex, RegexError, compile_regex
from crawler.recipe.scalars import NotScalar, decimal_of, describe, integer_of, number_of
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FieldType: TypeAlias = Literal["string", "integer", "number", "decimal", "boolean", "array", "object"]
TYPES: Final = ("string", "integer", "number", "decimal", "boolean", "array", "object")
FORMATS: Final = ("uri", "date", "date-time", "email")

_NUMERIC: Final = ("integer", "number", "decimal")
#: Which types a rule makes sense for; rules that are not here fit every type.
_ONLY_FOR: Final[dict[str, tuple[str, ...]]] = {
    "format": ("string",),
    "pattern": ("string",),
    "min_length": ("string",),
    "max_length": ("string",),
    "minimum": _NUMERIC,
    "maximum": _NUMERIC,
    "min_items": ("array",),
    "max_items": ("array",),
    "items": ("array",),
    "properties": ("object",),
    "enum": ("string", *_NUMERIC, "boolean"),
    "unique": ("string", *_NUMERIC),
}
FIELD_KEYS: Final = ("type", "required", *_ONLY_FOR, "description")
_BOUNDS: Final = (("minimum", "maximum"), ("min_length", "max_length"), ("min_items", "max_items"))
#: Specs inside each other (`items` of `items`, `properties`).
MAX_NESTING: Final = 10
_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\".]+(?:\.[^\s@<>\".]+)+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)


class ContractError(ValueError):
    """An item contract or an input schema cannot be used.

    `path` leads from the mapping that was given to the wrong place, `hint` says what to write instead, if known.
    The error that is raised is the first; `also` holds the others.
    """

    def __init__(self, path: tuple[str | int, ...], message: str, hint: str | None = None) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {message}" if path else message)
        self.path = path
        self.message = message
        self.hint = hint
        self.also: tuple[ContractError, ...] = ()


class Broken(Exception):
    """A value breaks a rule of its field. `inside` is where below the field: `[].price`; empty for the field itself."""

    def __init__(self, rule: str, message: str, inside: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.inside = inside


#: Raises Broken if the value, which has its type already, breaks the rule.
Rule: TypeAlias = "Callable[[Value], None]"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldSpec:
    """One field as written; bounds are exact numbers. `rules` are the compiled checks, in the order they are tried."""

    type: FieldType
    format: str | None = None
    required: bool = False
    unique: bool = False
    pattern: str | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    enum: tuple[Value, ...] | None = None
    items: FieldSpec | None = None
    properties: Mapping[str, FieldSpec] | None = None
    description: str = ""
    default: Value = MISSING  # inputs only
    rules: tuple[Rule, ...] = field(default=(), repr=False, compare=False)


class Reader:
    """Reads specs, and collects everything wrong with them in `problems`. `keys` are the keys a spec may have."""

    def __init__(self, keys: Sequence[str] = FIELD_KEYS, types: Sequence[str] = TYPES) -> None:
        self.keys = keys
        self.types = types
        self.problems: list[ContractError] = []

    def problem(self, path: tuple[str | int, ...], message: str, hint: str | None = None) -> None:
        """Keep a problem, and go on reading."""
        self.problems.append(ContractError(path, message, hint))

    def finish(self) -> None:
        """Raise the first problem, with the others in its `also`."""
        if self.problems:
            first = self.problems[0]
            first.also = tuple(self.problems[1:])
            raise first

    def keys_of(self, mapping: Mapping[Any, Any], path: tuple[str | int, ...], known: Sequence[str]) -> None:
        """Report unknown keys."""
        for key in mapping:
            if key not in known:
                hint = did_you_mean(str(key), known) or f"known are {', '.join(known)}"
                self.problem((*path, str(key)), f"unknown key `{key}`", hint)

    def spec(self, written: Any, path: tuple[str | int, ...]) -> FieldSpec | None:
        """The spec of one field; None if its problems leave nothing to go on with."""
        if not isinstance(written, dict):
            self.problem(path, f"must be a map with a `type`, is {describe(written)}", "write `{type: string}`")
            return None
        if len(path) > 2 * MAX_NESTING:
            self.problem(path, "is nested too deep")
            return None
        self.keys_of(written, path, self.keys)
        kind = self._type(written, path)
        if kind is None:
            return None
        for rule, fitting in _ONLY_FOR.items():
            if rule in written and kind not in fitting:
                self.problem((*path, rule), f"`{rule}` does not go with type {kind}", _rule_hint(rule, kind))
        given = {key: value for key, value in written.items() if kind in _ONLY_FOR.get(key, TYPES)}
        pattern = self._pattern(given, path)
        spec = FieldSpec(
            type=kind,
            format=self._choice(given, "format", FORMATS, path),
            required=self._flag(given, "required", path),
            unique=self._flag(given, "unique", path),
            pattern=None if pattern is None else pattern.pattern,
            **self._bounds(given, path),
            enum=self._enum(given, kind, path),
            items=self.spec(given["items"], (*path, "items")) if "items" in given else None,
            properties=self._properties(given, path),
            description=self._text(given, "description", path),
        )
        return _with_rules(spec, pattern)

    def _type(self, written: Mapping[Any, Any], path: tuple[str | int, ...]) -> FieldType | None:
        kind = written.get("type")
        if kind is None:
            self.problem(path, "has no `type`", f"one of {', '.join(self.types)}")
            return None
        if kind not in self.types:
            other = {"int": "integer", "float": "number", "bool": "boolean", "list": "array", "str": "string"}
            other |= {"text": "string", "dict": "object", "map": "object", "date": "string", "url": "string"}
            name = other.get(str(kind))
            hint = f"did you mean `{name}`?" if name else did_you_mean(str(kind), self.types)
            if kind in ("date", "url", "uri"):
                hint = f"write `type: string, format: {'date' if kind == 'date' else 'uri'}`"
            self.problem((*path, "type"), f"there is no type {describe(kind)}", hint or ", ".join(self.types))
            return None
        found: FieldType = kind
        return found

    def _flag(self, given: Mapping[Any, Any], name: str, path: tuple[str | int, ...]) -> bool:
        value = given.get(name, False)
        if not isinstance(value, bool):
            self.problem((*path, name), f"must be true or false, is {describe(value)}")
            return False
        return value

    def _text(self, given: Mapping[Any, Any], name: str, path: tuple[str | int, ...]) -> str:
        value = given.get(name, "")
        if not isinstance(value, str):
            self.problem((*path, name), f"must be text, is {describe(value)}")
            return ""
        return value

    def _choice(
        self, given: Mapping[Any, Any], name: str, known: Sequence[str], path: tuple[str | int, ...]
    ) -> str | None:
        value = given.get(name)
        if name not in given or value in known:
            return value
        hint = did_you_mean(str(value), known) or f"one of {', '.join(known)}"
        self.problem((*path, name), f"there is no {name} {describe(value)}", hint)
        return None

    def _pattern(self, given: Mapping[Any, Any], path: tuple[str | int, ...]) -> Regex | None:
        if "pattern" not in given:
            return None
        try:
            if isinstance(given["pattern"], str):
                return compile_regex(given["pattern"])
            self.problem((*path, "pattern"), f"must be text, is {describe(given['pattern'])}", "quote it")
        except RegexError as error:
            self.problem((*path, "pattern"), error.args[0], error.hint)
        return None

    def _bounds(self, given: Mapping[Any, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        bounds: dict[str, Any] = {}
        for low, high in _BOUNDS:
            for name in (low, high):
                if name in given:
                    bounds[name] = self._bound(given[name], (*path, name), count=low != "minimum")
            if bounds.get(low) is not None and bounds.get(high) is not None and bounds[low] > bounds[high]:
                self.problem((*path, low), f"`{low}` {bounds[low]} is above `{high}` {bounds[high]}")
        return bounds

    def _bound(self, value: Any, path: tuple[str | int, ...], *, count: bool) -> Decimal | int | None:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self.problem(path, f"must be a number, is {describe(value)}", "write it without quotes")
            return None
        try:
            bound = integer_of(value) if count else decimal_of(value)
        except NotScalar as error:
            self.problem(path, str(error))
            return None
        if count and bound < 0:
            self.problem(path, f"must not be negative, is {bound}")
            return None
        return bound

    def _enum(self, given: Mapping[Any, Any], kind: str, path: tuple[str | int, ...]) -> tuple[Value, ...] | None:
        if "enum" not in given:
            return None
        path = (*path, "enum")
        values = given["enum"]
        if not isinstance(values, list) or not values:
            self.problem(path, f"must be a list of values, is {describe(values)}", "write `enum: [a, b]`")
            return None
        members: list[Value] = []
        for index, value in enumerate(values):
            member = _enum_member(value, kind)
            if member is MISSING:
                self.problem(
                    (*path, index), f"{describe(value)} is no {kind}", "quote it" if kind == "string" else None
                )
            elif member in members:
                self.problem((*path, index), f"{describe(value)} is there twice")
            else:
                members.append(member)
        return tuple(members)

    def _properties(self, given: Mapping[Any, Any], path: tuple[str | int, ...]) -> dict[str, FieldSpec] | None:
        if "properties" not in given:
            return None
        return self.specs(given["properties"], (*path, "properties"))

    def specs(self, written: Any, path: tuple[str | int, ...]) -> dict[str, FieldSpec]:
        """The specs of a map of fields, in its order; those with a problem are left out."""
        if not isinstance(written, dict) or not written:
            self.problem(path, f"must be a map of fields, is {describe(written)}", "write `title: {type: string}`")
            return {}
        found: dict[str, FieldSpec] = {}
        for name, one in written.items():
            if not isinstance(name, str) or not name:
                self.problem((*path, str(name)), "a field's name must be text", "quote it")
                continue
            spec = self.spec(one, (*path, name))
            if spec is not None:
                found[name] = spec
        return found


def _rule_hint(rule: str, kind: str) -> str | None:
    other = {("minimum", "string"): "min_length", ("maximum", "string"): "max_length"}
    other |= {("minimum", "array"): "min_items", ("maximum", "array"): "max_items"}
    other |= {("min_length", "array"): "min_items", ("max_length", "array"): "max_items"}
    found = other.get((rule, kind))
    return f"did you mean `{found}`?" if found else f"it is for type {' or '.join(_ONLY_FOR[rule])}"


def _enum_member(value: Any, kind: str) -> Value:
    if kind == "string":
        return value if isinstance(value, str) else MISSING
    if kind == "boolean":
        return value if isinstance(value, bool) else MISSING
    if isinstance(value, str):
        return MISSING
    try:
        return integer_of(value) if kind == "integer" else number_of(value)
    except NotScalar:
        return MISSING


# --- rules ------------------------------------------------------------------------------------------------------------


def _with_rules(spec: FieldSpec, pattern: Regex | None) -> FieldSpec:
    rules: list[Rule] = []
    if spec.format in _FORMAT_RULES:
        rules.append(_FORMAT_RULES[spec.format])
    if spec.enum is not None:
        rules.append(_enum_rule(spec.enum))
    if pattern is not None:
        rules.append(_pattern_rule(pattern))
    for names in _BOUNDS:
        rules.extend(_bound_rules(names, getattr(spec, names[0]), getattr(spec, names[1])))
    object.__setattr__(spec, "rules", tuple(rules))
    return spec


def _date_rule(value: Value) -> None:
    try:
        valid = _DATE.fullmatch(value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        valid = False
    if not valid:
        raise Broken("format", f"{describe(value)} is no date like 2024-03-05; the step `date` reads others")


def _date_time_rule(value: Value) -> None:
    try:
        valid = _DATE_TIME.fullmatch(value) is not None and datetime.fromisoformat(value) is not None
    except ValueError:
        valid = False
    if not valid:
        raise Broken(
            "format",
            f"{describe(value)} is no date-time like 2024-03-05T14:30:00+02:00; the step `date` makes one",
        )


def _email_rule(value: Value) -> None:
    if len(value) > 254 or _EMAIL.fullmatch(value) is None:
        raise Broken("format", f"{describe(value)} is no email address")


_FORMAT_RULES: Final[dict[str | None, Rule]] = {"date": _date_rule, "date-time": _date_time_rule, "email": _email_rule}


def _enum_rule(allowed: tuple[Value, ...]) -> Rule:
    shown = ", ".join(str(value) for value in allowed[:8]) + (", ..." if len(allowed) > 8 else "")

    def rule(value: Value) -> None:
        if value not in allowed:
            raise Broken("enum", f"{describe(value)} is none of {shown}")

    return rule


def _pattern_rule(pattern: Regex) -> Rule:
    def rule(value: Value) -> None:
        if pattern.search(value) is None:
            raise Broken("pattern", f"{describe(value)} does not match {pattern.pattern}")

    return rule


def _bound_rules(bounds: tuple[str, str], low: Decimal | int | None, high: Decimal | int | None) -> list[Rule]:
    below, above = bounds
    what = {"min_length": " characters", "min_items": " members"}.get(below)
    rules: list[Rule] = []

    def shown(value: Value) -> str:
        return describe(value) if what is None else f"{len(value)}{what}"

    if low is not None:

        def at_least(value: Value) -> None:
            if (value if what is None else len(value)) < low:
                raise Broken(below, f"{shown(value)} is below the {below} of {low}")

        rules.append(at_least)
    if high is not None:

        def at_most(value: Value) -> None:
            if (value if what is None else len(value)) > high:
                raise Broken(above, f"{shown(value)} is above the {above} of {high}")

        rules.append(at_most)
    return rules

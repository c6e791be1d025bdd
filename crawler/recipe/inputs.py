"""Inputs of a recipe: what a caller may pass, with defaults. Checked before anything is fetched.

A schema is a part of JSON Schema per input. Values that come typed (an API, a test) must have the type; values that
come as text (`-a name=value`) are read by it. Inputs hold JSON values only. Knows nothing of who calls.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from crawler.errors import InputError
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.field_schema import field_schema
from crawler.recipe.fields import FIELD_KEYS, Broken, ContractError, FieldSpec, Reader
from crawler.recipe.scalars import NotScalar, describe, integer_of, number_of
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ContractError", "InputSchema", "build_inputs"]

#: Attributes and arguments that every spider has already.
RESERVED_NAMES: Final = frozenset(
    {"name", "job", "custom_settings", "start_urls", "allowed_domains", "settings", "crawler", "logger", "state"}
)
_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object")
_KEYS: Final = (*(key for key in FIELD_KEYS if key != "unique"), "default")
_EXAMPLES: Final = {
    "string": "text",
    "integer": "10",
    "number": "1.5",
    "boolean": "true",
    "array": "a,b",
    "object": '{"key": "value"}',
}


@dataclass(frozen=True, kw_only=True, slots=True)
class InputSchema:
    """The inputs of one recipe, in its order."""

    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)  # names of inputs that nobody passes, and of their secrets

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all inputs."""
        return tuple(self.fields)

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """All inputs that have a value, defaults filled in. Raises InputError with every problem."""
        return self._resolved(given, [])

    def from_text(self, pairs: Mapping[str, str]) -> dict[str, Value]:
        """The inputs of `name=value` texts, read by their types, then resolved. Raises InputError with every problem.

        Numbers are plain digits, booleans `true` or `false`, objects JSON; lists are JSON if they begin with `[`, else
        parts between commas, stripped.
        """
        given: dict[str, Any] = {}
        messages: list[str] = []
        for name, text in pairs.items():
            spec = self.fields.get(name)
            try:
                given[name] = text if spec is None else _from_text(text, spec)
            except Broken as broken:
                messages.append(_message(name, broken.message, spec))
                given[name] = MISSING
        return self._resolved(given, messages)

    def _resolved(self, given: Mapping[str, Any], messages: list[str]) -> dict[str, Value]:
        for name in given:
            if name in self.secrets:
                messages.append(f"input {name}: is a secret, which is kept where the crawl runs; leave it out")
            elif name not in self.fields:
                known = ", ".join(self.fields) or "none"
                hint = did_you_mean(name, self.fields) or f"the inputs are: {known}"
                messages.append(f"input {name}: there is no such input; {hint}")
        values: dict[str, Value] = {}
        for name, spec in self.fields.items():
            value = given.get(name, spec.default)
            if name in given and value is MISSING:
                continue  # its text could not be read: said already
            if value is MISSING:
                if spec.required:
                    messages.append(_message(name, "is missing", spec))
                continue
            try:
                check_value(value, spec)
            except Broken as broken:
                messages.append(_message(name + broken.inside, broken.message, spec))
            else:
                values[name] = _json(value)
        if messages:
            raise InputError(messages)
        return values

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of what `resolve` takes."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {name: field_schema(spec, nullable=False) for name, spec in self.fields.items()},
            "required": [name for name, spec in self.fields.items() if spec.required],
            "additionalProperties": False,
        }


def build_inputs(mapping: Mapping[str, Any]) -> InputSchema:
    """The schema of a recipe's `inputs`.

    An input without `default` must be given, unless it says `required: false`. Raises ContractError, with a path inside
    `mapping` and the further problems in `also`.
    """
    reader = Reader(keys=_KEYS, types=_TYPES)
    fields: dict[str, FieldSpec] = {}
    secrets: dict[str, str] = {}
    for name, written in mapping.items():
        if not _is_name(name, reader):
            continue
        if not isinstance(written, dict):
            reader.spec(written, (name,))  # says what it must be
            continue
        if "secret" in written:
            secrets[name] = _secret(written, name, reader)
            continue
        spec = reader.spec({key: value for key, value in written.items() if key != "default"}, (name,))
        if spec is not None:
            fields[name] = _with_default(spec, written, name, reader)
    reader.finish()
    return InputSchema(fields=fields, secrets=secrets)


def _secret(written: Mapping[str, Any], name: str, reader: Reader) -> str:
    for key in written:
        if key not in ("secret", "type", "description"):
            message = f"`{key}` says something of a value, and a secret has none in a recipe"
            reader.problem((name, key), message, "delete it")
    if written.get("type") != "string":
        reader.problem((name, "type"), "a secret is text", "write type: string")
    return str(written["secret"])


def _is_name(name: Any, reader: Reader) -> bool:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or name.startswith("_"):
        reader.problem((str(name),), f"{describe(name)} cannot name an input", "letters, digits and _, a letter first")
        return False
    if name in RESERVED_NAMES:
        reader.problem(
            (name,), f"`{name}` is reserved: every spider has one already", f"write `{name}_` or another name"
        )
        return False
    return True


def _with_default(spec: FieldSpec, written: Mapping[str, Any], name: str, reader: Reader) -> FieldSpec:
    required = "default" not in written and written.get("required") is not False
    default = written.get("default", MISSING)
    if default is not MISSING:
        try:
            check_value(default, spec)
        except Broken as broken:
            hint = "to allow no value write `required: false` instead" if default is None else None
            reader.problem((name, "default"), broken.message, hint)
    return replace(spec, required=required, default=default)


# --- values -----------------------------------------------------------------------------------------------------------


def check_value(value: Value, spec: FieldSpec) -> None:
    """Raise Broken unless the value has the type and keeps the rules. Nothing is converted."""
    checked = _typed(value, spec)
    if spec.format == "uri":
        _check_uri(value)
    for rule in spec.rules:
        rule(checked)
    if spec.items is not None:
        for index, member in enumerate(value):
            try:
                check_value(member, spec.items)
            except Broken as broken:
                raise Broken(broken.rule, broken.message, f"[{index}]{broken.inside}") from None
    for name, inner in (spec.properties or {}).items():
        if name not in value:
            if inner.required:
                raise Broken("required", "is missing", f".{name}")
            continue
        try:
            check_value(value[name], inner)
        except Broken as broken:
            raise Broken(broken.rule, broken.message, f".{name}{broken.inside}") from None


def _typed(value: Value, spec: FieldSpec) -> Value:
    """The value, floats as exact numbers for the rules. Raises Broken if it is not of the type."""
    kind = spec.type
    if kind == "number" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return number_of(value)
        except NotScalar as error:
            raise Broken("type", str(error)) from None
    fits = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    if not fits.get(kind, False):
        article = "an" if kind[0] in "aio" else "a"
        raise Broken("type", f"{describe(value)} is not {article} {kind}")
    return value


def _json(value: Value) -> Value:
    """A copy that holds JSON's own types only: a Decimal of a recipe's default becomes a number."""
    if isinstance(value, dict):
        return {key: _json(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_json(member) for member in value]
    return _json_number(value) if isinstance(value, Decimal) else value


def _json_number(number: Decimal) -> int | float:
    return int(number) if number.as_tuple().exponent == 0 else float(number)


def _check_uri(value: str) -> None:
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(char.isspace() for char in value):
        raise Broken("format", f"{describe(value)} is not a URI")


def _from_text(text: str, spec: FieldSpec) -> Value:
    try:
        if spec.type == "integer":
            return integer_of(text)
        if spec.type == "number":
            number = number_of(text, exponent=True)
            return _json_number(number)
    except NotScalar:
        raise Broken("type", f"{describe(text)} is not {'an' if spec.type == 'integer' else 'a'} {spec.type}") from None
    if spec.type == "boolean":
        if text.strip().lower() in ("true", "false"):
            return text.strip().lower() == "true"
        raise Broken("type", f"{describe(text)} is neither true nor false")
    if spec.type == "object" or (spec.type == "array" and text.lstrip().startswith("[")):
        return _from_json(text)
    if spec.type == "array":
        parts = [part.strip() for part in text.split(",")]
        return [part if spec.items is None else _from_text(part, spec.items) for part in parts if part]
    return text


def _from_json(text: str) -> Value:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Broken("type", f"{describe(text)} is not JSON ({error})") from None


def _message(name: str, message: str, spec: FieldSpec | None) -> str:
    if spec is None:
        return f"input {name}: {message}"
    top = name.partition("[")[0].partition(".")[0]
    example = _EXAMPLES[spec.type]
    if spec.format == "uri":
        example = "https://example.com"
    elif spec.enum:
        example = str(spec.enum[0])
    return f"input {name}: {message}; give it as -a {top}={example}"

"""JSON Schema (2020-12) of one field or input, as published for those who read rows or call recipes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from crawler.recipe.fields import FieldSpec

#: What RE2, ECMA 262 and Python's `re` read alike; other patterns are published as `x-pattern` only.
_PORTABLE_PATTERN = re.compile(r"(?:[^\\(]|\((?!\?)|\(\?:|\\[^A-Za-z0-9])*")


def field_schema(spec: FieldSpec, *, nullable: bool) -> dict[str, Any]:
    """The schema of one field. With `nullable` null is a value too: what rows hold where a field is missing."""
    name = "number" if spec.type == "decimal" else spec.type
    schema: dict[str, Any] = {"type": [name, "null"] if nullable else name}
    if spec.type == "decimal":
        schema["x-decimal"] = True
    written = {
        "format": spec.format,
        "description": spec.description or None,
        "minimum": spec.minimum,
        "maximum": spec.maximum,
        "minLength": spec.min_length,
        "maxLength": spec.max_length,
        "minItems": spec.min_items,
        "maxItems": spec.max_items,
    }
    schema |= {key: _json_number(value) for key, value in written.items() if value is not None}
    if spec.enum is not None:
        schema["enum"] = [*map(_json_number, spec.enum), *([None] if nullable else [])]
    if spec.pattern is not None:
        schema["x-pattern"] = spec.pattern
        if _PORTABLE_PATTERN.fullmatch(spec.pattern):
            schema["pattern"] = spec.pattern
    if spec.default is not MISSING:
        schema["default"] = spec.default
    if spec.unique:
        schema["x-unique"] = True
    if spec.items is not None:
        schema["items"] = field_schema(spec.items, nullable=False)
    if spec.properties is not None:
        schema["properties"] = {
            name: field_schema(inner, nullable=not inner.required) for name, inner in spec.properties.items()
        }
        schema["required"] = list(spec.properties)
    return schema


def _json_number(value: Value) -> Value:
    """A bound as JSON writes it: an integer where it is one."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)

"""Examples of whole requests and answers, put together of the examples that fields have."""

from __future__ import annotations

from typing import Any

#: What a value of a type looks like, where its field has no example.
_OF_TYPE = {"integer": 1, "number": 1.5, "boolean": True, "string": "...", "object": {}, "null": None}


def example_of(schema: dict[str, Any], components: dict[str, Any], *, only: frozenset[str] | None = None) -> Any:
    """A value that a schema allows.

    Args:
        schema: of OpenAPI 3.1; its references point into `components`.
        components: schemas by name.
        only: the members that an object is to have, of those with examples; None = all.
    """
    schema = resolved(schema, components)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [example_of(schema.get("items", {}), components)]
    if "properties" in schema:
        return {
            name: example_of(member, components)
            for name, member in schema["properties"].items()
            if only is None or name in only
        }
    return schema.get("default", _OF_TYPE.get(kind))


def resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, in place of a reference to it, alone or with words of its own beside it."""
    parts = [schema, *schema.get("allOf", ())]
    name = next((part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part), None)
    if name is None:
        return schema
    own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    return {**components[name], **own}

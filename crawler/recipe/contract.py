"""Item contracts: what a row must be to be exported. Builds them from a recipe's `items`, and accepts or refuses rows.

A row is accepted whole, every field with its type and in contract order, or refused with a reason for each field that
broke a rule. Knows nothing of pages or of where rows go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.coercion import Coerce, compile_field
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.exact_jmespath import ExpressionError, compile_expression
from crawler.recipe.field_schema import field_schema
from crawler.recipe.fields import Broken, ContractError, FieldSpec, Reader
from crawler.recipe.model import Reason
from crawler.recipe.row_checks import RowCheck
from crawler.recipe.scalars import describe
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ContractError", "FieldSpec", "ItemContract", "accept", "build_contract", "item_json_schema"]

_KEYS: Final = ("version", "key", "fields", "checks", "description")
_CHECK_KEYS: Final = ("jmespath", "message")
#: Types that can be part of a key: one value, written one way.
_KEY_TYPES: Final = ("string", "integer", "number", "decimal", "boolean")


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemContract:
    """What rows of one item type are. `key` names the fields that identify a row; empty without one."""

    name: str
    version: int
    key: tuple[str, ...]
    fields: Mapping[str, FieldSpec]
    checks: tuple[RowCheck, ...]
    description: str = ""
    accepts: Mapping[str, Coerce] = field(default_factory=dict, repr=False, compare=False)


def build_contract(name: str, mapping: Mapping[str, Any]) -> ItemContract:
    """The contract of the item type `name`, from its entry in `items`.

    Raises ContractError, with a path inside `mapping` and the further problems in `also`.
    """
    reader = Reader()
    reader.keys_of(mapping, (), _KEYS)
    fields = reader.specs(mapping.get("fields"), ("fields",))
    written = mapping.get("fields")
    known = [str(key) for key in written] if isinstance(written, dict) else []
    contract = ItemContract(
        name=name,
        version=_version(mapping, reader),
        key=_key(mapping.get("key", []), known, fields, reader),
        fields=fields,
        checks=_checks(mapping.get("checks", []), reader),
        description=_description(mapping, reader),
        accepts={name: compile_field(spec) for name, spec in fields.items()},
    )
    reader.finish()
    return contract


def _version(mapping: Mapping[str, Any], reader: Reader) -> int:
    version = mapping.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        reader.problem(("version",), f"must be a whole number from 1, is {describe(version)}")
        return 1
    return version


def _description(mapping: Mapping[str, Any], reader: Reader) -> str:
    text = mapping.get("description", "")
    if not isinstance(text, str):
        reader.problem(("description",), f"must be text, is {describe(text)}")
        return ""
    return text


def _key(written: Any, known: list[str], fields: Mapping[str, FieldSpec], reader: Reader) -> tuple[str, ...]:
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, list):
        reader.problem(("key",), f"must be a list of fields, is {describe(names)}", "write `key: [sku]`")
        return ()
    for index, name in enumerate(names):
        path = ("key", index)
        if name not in known:
            hint = did_you_mean(str(name), known) if known else None
            reader.problem(path, f"there is no field {describe(name)}", hint)
        elif name in names[:index]:
            reader.problem(path, f"`{name}` is there twice")
        elif name in fields and fields[name].type not in _KEY_TYPES:
            reader.problem(path, f"`{name}` is of type {fields[name].type}, which cannot identify a row")
    return tuple(str(name) for name in names)


def _checks(written: Any, reader: Reader) -> tuple[RowCheck, ...]:
    if not isinstance(written, list):
        reader.problem(("checks",), f"must be a list, is {describe(written)}", 'write `- {jmespath: "price > `0`"}`')
        return ()
    found = []
    for index, one in enumerate(written):
        path = ("checks", index)
        check = {"jmespath": one} if isinstance(one, str) else one
        if not isinstance(check, dict) or not isinstance(check.get("jmespath"), str):
            reader.problem(path, "must be a map with a `jmespath` text", 'write `- {jmespath: "price > `0`"}`')
            continue
        reader.keys_of(check, path, _CHECK_KEYS)
        message = check.get("message", "")
        if not isinstance(message, str):
            reader.problem((*path, "message"), f"must be text, is {describe(message)}")
            continue
        try:
            found.append(RowCheck(expression=compile_expression(check["jmespath"]), message=message))
        except ExpressionError as error:
            reader.problem((*path, "jmespath"), error.args[0], error.hint)
    return tuple(found)


# --- rows -------------------------------------------------------------------------------------------------------------


def accept(
    contract: ItemContract, values: Mapping[str, Value], *, base_url: str
) -> dict[str, Value] | tuple[Reason, ...]:
    """The row with every field of the contract in its order, None where missing; or why it is refused.

    There is one reason per field, the first rule that it broke; `checks` are tried on rows without such reasons.
    Values that the contract does not name are left out. `base_url` makes URLs absolute.
    """
    row: dict[str, Value] = {}
    reasons: list[Reason] = []
    for name, accept_field in contract.accepts.items():
        try:
            row[name] = accept_field(values.get(name, MISSING), base_url)
        except Broken as broken:
            reasons.append(Reason(field=name + broken.inside, rule=broken.rule, message=broken.message))
    broken_names = {reason.field for reason in reasons}
    reasons.extend(
        Reason(field=name, rule="required", message="is missing, and part of the key")
        for name in contract.key
        if row.get(name) is None and name not in broken_names
    )
    if not reasons:
        for index, check in enumerate(contract.checks):
            message = check.broken(row)
            if message is not None:
                reasons.append(Reason(field=f"checks[{index}]", rule="check", message=message))
    return tuple(reasons) or row


# --- JSON Schema ------------------------------------------------------------------------------------------------------


def item_json_schema(contract: ItemContract) -> dict[str, Any]:
    """JSON Schema (2020-12) of an accepted row as JSON: decimals are numbers with their digits, missing is null.

    `x-key` and `x-checks` say what JSON Schema has no word for.
    """
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": contract.name,
        "type": "object",
        "x-version": contract.version,
        "x-key": list(contract.key),
    }
    if contract.description:
        schema["description"] = contract.description
    if contract.checks:
        schema["x-checks"] = [check.text for check in contract.checks]
    schema["properties"] = {
        name: field_schema(spec, nullable=not (spec.required or name in contract.key))
        for name, spec in contract.fields.items()
    }
    schema["required"] = list(contract.fields)
    schema["additionalProperties"] = False
    return schema

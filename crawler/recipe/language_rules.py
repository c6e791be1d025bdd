"""Shapes of rules: where a value is read, what is done with it, and the steps of `process`.

The part of the language that is used everywhere; `language` builds the rest from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.recipe.diagnostics import Path, Report, did_you_mean
from crawler.recipe.language_requests import FOLLOW_UP, PARSE_KINDS, VALUE_KINDS
from crawler.recipe.language_texts import field_name
from crawler.recipe.shape import ByKind, Key, ListOf, Named, NamedMap, Schemas, Shape, UserMap, Variants
from crawler.recipe.shape_scalars import Anything, Boolean, Choice, Text
from crawler.recipe.steps import StepError, catalogue
from crawler.recipe.yaml_nodes import Broken, ListNode, MapNode, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Step(Shape):
    """One member of `process`: the name of a step, or a map of its name to its argument."""

    noun: str = "a step"

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """A name or a map with one key; what the step thinks of its argument is the compiler's to ask."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node
        if isinstance(node, MapNode) and len(node.entries) == 1:
            return node
        if isinstance(node, MapNode) and node.entries:
            second = node.entries[1]
            if second.key in _step_names():
                hint = f"begin a new member with `- {second.key}:`"
            else:
                hint = f"options belong inside: {{{node.entries[0].key}: {{{second.key}: ...}}}}"
            report.add(second.mark, (*path, second.key), "one step per member of the list", hint)
            return Broken(mark=node.mark)
        return self.refuse(node, path, report, "write a step's name, or {name: argument}")

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """A name, or an object with one property, named after a step of the catalogue."""
        if "step" not in schemas.definitions:
            steps = catalogue()
            properties = {info.name: _argument_schema(info) for info in steps}
            mapping = {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": properties,
            }
            names = [{"const": info.name, "description": info.summary} for info in steps]
            schemas.definitions["step"] = {"anyOf": [{"oneOf": names}, mapping]}
        return {"$ref": "#/$defs/step"}


def _step_names() -> list[str]:
    """Names of all steps; none if a package brings a broken one, which the compiler reports at the first step."""
    try:
        return [info.name for info in catalogue()]
    except StepError:
        return []


def _argument_schema(info: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": info.summary}
    if info.options:
        schema["anyOf"] = [
            {"type": "object", "properties": {name: {"description": doc} for name, doc in info.options.items()}},
            {"type": ["string", "number", "boolean", "array"]},
            {"type": "object"},
        ]
    return schema


@dataclass(frozen=True, kw_only=True)
class StepList(Shape):
    """The value of `process`: a list of steps."""

    noun: str = "a list of steps"

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """A list; one step alone is shown as a list."""
        if isinstance(node, ListNode):
            return _STEPS.check(node, path, report)
        hint = f"as a list: [{node.raw}]" if isinstance(node, Scalar) and isinstance(node.value, str) else None
        if isinstance(node, Scalar) and isinstance(node.value, str):
            names = _step_names()
            if node.value not in names:
                hint = did_you_mean(node.value, names) or hint
        return self.refuse(node, path, report, hint)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """An array of steps."""
        return _STEPS.schema(schemas)


_STEPS = ListOf(member=Step(), noun="a list of steps")
STEPS = StepList()

# --- rules -----------------------------------------------------------------------------------------------------------


def _rule() -> Shape:
    return _RULE


def _field() -> Shape:
    return _FIELD


def _fields() -> Shape:
    return _FIELDS


RULE = Named(name="rule", shape=_rule)
FIELD = Named(name="field", shape=_field)
#: A condition reads like a rule; only what it makes of the value differs.
CONDITION = RULE

_CSS = Text(noun="a CSS selector")
_XPATH = Text(noun="an XPath expression")
_JMESPATH = Text(noun="a JMESPath expression")
_ALTERNATIVES = ListOf(member=RULE, noun="a list of rules")
_FIELD_ALTERNATIVES = ListOf(member=FIELD, noun="a list of rules")

_NODE_TYPE = Text(noun="a type of schema.org")

_SOURCES = {
    "css": Key("css", _CSS, "CSS selector (Selectors 4, plus ::text, ::attr(name), :contains(text)); the first match"),
    "xpath": Key("xpath", _XPATH, "XPath 1.0 expression on the same tree; inside a row it begins with ./"),
    "jmespath": Key("jmespath", _JMESPATH, "JMESPath expression, on JSON pages, JSON rows and JSON sources"),
    "jsonld": Key(
        "jsonld",
        _NODE_TYPE,
        "schema.org type, such as Product: the JSON-LD node of that type or of one below it; name it in `sources`",
    ),
    "microdata": Key("microdata", _NODE_TYPE, "schema.org type: the microdata item of that type, as a JSON-LD node"),
    "meta": Key("meta", Text(), "Name, property, itemprop or http-equiv of a <meta> element; its content is the value"),
    "response": Key(
        "response",
        Text(noun="a part of the response"),
        "Part of the response: url, request_url, status, encoding, text or headers.NAME",
    ),
    "const": Key("const", Anything(nullable=False), "A value written in the recipe"),
    "template": Key("template", Text(noun="a template"), "Text with {{ inputs.x }}, {{ carried.x }}, {{ item.x }}"),
    "preceding": Key(
        "preceding",
        NamedMap(
            keys=(
                Key("css", _CSS, "Selector of the element before the row, such as a group's header", required=True),
                Key("value", RULE, "Rule that is read inside that element", required=True),
            )
        ),
        "In a row: the nearest element before the row that matches `css`, and a rule read inside it",
    ),
    "table": Key(
        "table",
        NamedMap(keys=(Key("header", Text(), "Text of the column's header cell", required=True),)),
        "In a table row: the cell of the column with this header",
    ),
    "any": Key("any", _ALTERNATIVES, "Alternatives: the first whose result is not missing wins"),
    "union": Key("union", _ALTERNATIVES, "The values of all members in one list; missing ones are left out"),
}

_MODIFIERS = {
    "from": Key("from", Text(noun="the name of a page source"), "Name of the page source (`sources`) to read from"),
    "as": Key(
        "as", Choice(values=("text", "html", "count")), "text (visible text, the default), html, or count of matches"
    ),
    "raw": Key("raw", Boolean(), "true: the node as the page has it, not brought to one form"),
    "remove": Key(
        "remove",
        ByKind(noun="a CSS selector or a list of them", scalar=_CSS, sequence=ListOf(member=_CSS)),
        "Elements inside the match that are left out first",
    ),
    "all": Key("all", Boolean(), "true: every match, as a list; otherwise the first"),
    "process": Key("process", STEPS, "Steps that change the value, in order"),
    "default": Key(
        "default", Anything(nullable=False), "Value used, unprocessed, when everything is missing; templates allowed"
    ),
    "when": Key("when", CONDITION, "The rule is skipped unless this rule gives a value that is not false"),
    "request": Key(
        "request",
        FOLLOW_UP,
        "In a field of a page's row: one more request, and the rule reads its answer instead of the page",
    ),
}

_APPLIES: Mapping[str, tuple[str, ...]] = {
    "css": ("from", "as", "remove", "all", "process", "default", "when", "request"),
    "xpath": ("from", "as", "remove", "all", "process", "default", "when", "request"),
    "jmespath": ("from", "all", "process", "default", "when", "request"),
    "jsonld": ("raw", "all", "process", "default", "when"),
    "microdata": ("raw", "all", "process", "default", "when"),
    "meta": ("all", "process", "default", "when", "request"),
    "response": ("process", "default", "when", "request"),
    "const": ("when",),
    "template": ("process", "default", "when"),
    "preceding": ("process", "default", "when"),
    "table": ("as", "remove", "process", "default", "when"),
    "any": ("all", "process", "default", "when"),
    "union": ("process", "default", "when"),
}


#: Sources that give a node of what the page says about itself.
_NODES = ("jsonld", "microdata")
_TWO_STEPS = "a node is named first, `sources: {ld: {jsonld: Product}}`, and then read: {from: ld, jmespath: name}"


def _applies_to(modifier: str) -> str:
    return ", ".join(source for source, modifiers in _APPLIES.items() if modifier in modifiers)


def _variant(source: str, others: tuple[str, ...] = ()) -> NamedMap:
    modifiers = _APPLIES[source]
    elsewhere = {other: f"a rule reads one source: keep `{source}` or `{other}`" for other in _SOURCES}
    if source in (*_NODES, "jmespath"):
        elsewhere |= dict.fromkeys((*_NODES, "jmespath") if source in _NODES else _NODES, _TWO_STEPS)
    elsewhere |= {other: f"`{other}` goes with `each`, not with `{source}`" for other in others}
    elsewhere |= {
        modifier: f"`{modifier}` goes with {_applies_to(modifier)}; not with `{source}`" for modifier in _MODIFIERS
    }
    known = (source, *modifiers)
    return NamedMap(
        keys=(_SOURCES[source], *(_MODIFIERS[modifier] for modifier in modifiers)),
        noun="a rule",
        elsewhere={name: why for name, why in elsewhere.items() if name not in known},
    )


_RULE_MAP = Variants(variants={source: _variant(source) for source in _SOURCES}, noun="a rule")
_RULE_TEXT = Text(noun="a rule: text, a map or a list of alternatives")
_RULE: Shape = ByKind(
    noun="a rule: text, a map or a list of alternatives",
    scalar=_RULE_TEXT,
    mapping=_RULE_MAP,
    sequence=_ALTERNATIVES,
)

# --- rows ------------------------------------------------------------------------------------------------------------

PARSE = Choice(values=PARSE_KINDS)
_EACH_PARSE = Choice(values=VALUE_KINDS)


_EACH_MODIFIERS: Mapping[str, tuple[str, ...]] = {
    "css": ("from", "remove", "process"),
    "xpath": ("from", "remove", "process"),
    "jmespath": ("from", "process"),
    **dict.fromkeys(_NODES, ("raw", "process")),
}


def _each_variant(source: str) -> NamedMap:
    modifiers = _EACH_MODIFIERS[source]
    elsewhere = {other: f"`each` reads one source: keep `{source}` or `{other}`" for other in _SOURCES}
    elsewhere["request"] = "`request` belongs to one rule, and `each` reads the page"
    return NamedMap(
        keys=(
            _SOURCES[source],
            *(_MODIFIERS[modifier] for modifier in modifiers),
            *(
                ()
                if source in _NODES
                else (Key("parse", _EACH_PARSE, "Parse each value on its own, as html, json, xml or text"),)
            ),
        ),
        noun="a selector of rows",
        elsewhere={name: why for name, why in elsewhere.items() if name != source},
    )


EACH = ByKind(
    noun="a selector of rows: text or a map",
    scalar=Text(noun="a selector of rows"),
    mapping=Variants(
        variants={source: _each_variant(source) for source in _EACH_MODIFIERS},
        noun="a selector of rows",
    ),
)


def fields_key(required: bool) -> Key:  # noqa: FBT001 - one of two call sites
    """The key `fields`, which a page and a nested row share."""
    from_shape = Named(name="fields", shape=_fields)
    return Key("fields", from_shape, "The fields of a row: each is a rule, or rows of its own", required=required)


_ROWS = NamedMap(
    keys=(
        Key("each", EACH, "What makes the rows of this field, one object per match", required=True),
        fields_key(required=True),
        Key("drop_if", CONDITION, "Rows where this rule gives a value that is not false are left out"),
        Key("when", CONDITION, "The field is skipped unless this rule gives a value that is not false"),
        Key(
            "else",
            NamedMap(
                keys=(
                    Key(
                        "cartesian",
                        Text(noun="the name of a field"),
                        "Field beside this one that lists options ({name, values}): every combination becomes a row",
                        required=True,
                    ),
                )
            ),
            "Rows to make when `each` finds none",
        ),
    ),
    noun="rows",
    elsewhere={
        name: f"`{name}` belongs to one rule; rows have `each` and `fields`"
        for name in (*_SOURCES, *_MODIFIERS)
        if name != "when"
    },
)

_FIELD: Shape = ByKind(
    noun="a rule: text, a map or a list of alternatives",
    scalar=_RULE_TEXT,
    mapping=Variants(
        variants={
            "each": _ROWS,
            "fields": _ROWS,
            **{source: _variant(source, ("each", "fields", "else", "drop_if")) for source in _SOURCES},
        },
        noun="a rule",
    ),
    sequence=_FIELD_ALTERNATIVES,
)
_FIELDS: Shape = UserMap(value=FIELD, keys="name of a field of the item's contract", name=field_name)

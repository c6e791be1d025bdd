"""Shapes: what a YAML value may look like, said once and used twice.

A shape checks a node (every fault at once, each at its key or value, with the nearest allowed key) and renders itself
as JSON Schema (draft 2020-12) for editors. The language is one tree of shapes, in `language`; there is no second list
of keys. Shapes know nothing of selectors, steps or references between parts: that is the compiler's.

`check` returns the node without what was refused: wrong values of named keys are dropped, wrong members of lists and of
maps with free names become `Broken`, so that their name still counts as defined and nothing is reported twice.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crawler.recipe import yaml_traps
from crawler.recipe.diagnostics import Path, Report, did_you_mean, nearest, one_of
from crawler.recipe.yaml_nodes import Broken, Entry, ListNode, MapNode, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: What is said of keys and words that come with a later version.
LATER = "is not available in this version"


class Schemas:
    """The `$defs` of a schema that is being rendered."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}


class Shape(abc.ABC):
    """What one value may look like. `noun` completes "must be ..."."""

    noun: str = "a value"

    @abc.abstractmethod
    def check(self, node: Node, path: Path, report: Report) -> Node:
        """The node without what is wrong with it; `Broken` if nothing of it can be used."""

    @abc.abstractmethod
    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """JSON Schema of the shape."""

    def refuse(self, node: Node, path: Path, report: Report, hint: str | None = None) -> Broken:
        """Say that `node` is of another kind."""
        if isinstance(node, Scalar) and node.value is None:
            report.add(node.mark, path, *no_value(node, path))
        elif not isinstance(node, Broken):
            report.add(node.mark, path, f"must be {self.noun}, not {describe(node)}", hint)
        return Broken(mark=node.mark)


def describe(node: Node) -> str:
    """What a node is, for messages: `the number 5`, `a list`."""
    if isinstance(node, MapNode):
        return "a map"
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, Broken):
        return "a refused value"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"the truth value {node.raw}"
    if isinstance(node.value, int | Decimal):
        return f"the number {node.raw}"
    shown = node.value if len(node.value) <= 40 else node.value[:40] + "..."
    return f"the text '{shown}'"


def no_value(node: Scalar, path: Path) -> tuple[str, str | None]:
    """Message and hint for a value that is not there; `title: #main` is a comment and gets the corrected line."""
    line = node.mark.source.line(node.mark.line)
    rest = line[node.mark.column - 1 :]
    at = rest.find("#")
    if node.raw == "" and at >= 0 and not rest[:at].strip() and len(rest) > at + 1 and not rest[at + 1].isspace():
        start = node.mark.column - 1
        fixed = line[:start] + " " + yaml_traps.quoted(rest.strip()) if start == len(line[:start].rstrip()) else None
        fixed = fixed or line[:start] + yaml_traps.quoted(rest.strip())
        return "has no value: `#` begins a comment in YAML", f"write: {fixed.strip()}"
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return "has no value", f"write one, or delete '{name}'" if name else "write one"


# --- collections -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListOf(Shape):
    """A list whose members have one shape."""

    member: Shape
    noun: str = "a list"
    minimum: int = 1

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """A list with wrong members broken."""
        if not isinstance(node, ListNode):
            hint = None
            if isinstance(node, Scalar) and node.value is not None:
                hint = (
                    f"as a list: [{node.mark.source.line(node.mark.line)[node.mark.column - 1 : node.end.column - 1]}]"
                )
            elif isinstance(node, MapNode):
                hint = "begin each member with `- `"
            return self.refuse(node, path, report, hint)
        if len(node.items) < self.minimum:
            report.add(node.mark, path, "is an empty list", "write a member, or delete the key")
            return Broken(mark=node.mark)
        items = tuple(self.member.check(item, (*path, index), report) for index, item in enumerate(node.items))
        return ListNode(mark=node.mark, items=items, flow=node.flow, end=node.end)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """An array."""
        schema: dict[str, Any] = {"type": "array", "items": self.member.schema(schemas)}
        return schema | {"minItems": self.minimum} if self.minimum else schema


@dataclass(frozen=True, kw_only=True)
class UserMap(Shape):
    """A map whose keys the author chooses. `name` says in a sentence what is wrong with a key, or None."""

    value: Shape
    keys: str  # what a key is, for the schema: "name of a field"
    name: Callable[[str], str | None] | None = None
    noun: str = "a map"
    minimum: int = 1

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """A map with wrong values broken."""
        if not isinstance(node, MapNode):
            return self.refuse(node, path, report)
        if len(node.entries) < self.minimum:
            report.add(node.mark, path, "is an empty map", "write a member, or delete the key")
            return Broken(mark=node.mark)
        entries = []
        for entry in node:
            below = (*path, entry.key)
            message = self.name(entry.key) if self.name is not None else None
            if message is not None:
                report.add(entry.mark, below, message)
            entries.append(Entry(key=entry.key, at=entry.at, node=self.value.check(entry.node, below, report)))
        return replace(node, entries=tuple(entries))

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """An object with additional properties only."""
        value = {"description": self.keys[:1].upper() + self.keys[1:] + "."} | self.value.schema(schemas)
        schema: dict[str, Any] = {"type": "object", "additionalProperties": value}
        return schema | {"minProperties": self.minimum} if self.minimum else schema


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a `NamedMap`: what it holds and what it is for."""

    name: str
    shape: Shape
    doc: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class NamedMap(Shape):
    """A map with known keys. `one_of` and `any_of` name keys of which exactly or at least one must be there.

    `later` are keys of the language that this version does not have; `elsewhere` says of a key why it does not belong
    here ("goes with `offset`").
    """

    keys: tuple[Key, ...]
    noun: str = "a map"
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    together: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # key -> keys that must be there too
    also: tuple[str, ...] = ()  # what an unknown key may have been meant to be, beside the keys here

    @cached_property
    def _by_name(self) -> dict[str, Key]:
        return {key.name: key for key in self.keys}

    def key(self, name: str) -> Key | None:
        """The key of that name."""
        return self._by_name.get(name)

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """A map without unknown keys and wrong values."""
        if not isinstance(node, MapNode):
            return self.refuse(node, path, report)
        entries, meant = [], set[str]()
        for entry in node:
            key = self.key(entry.key)
            if key is None:
                meant.update(self._unknown(entry, node, path, report))
                continue
            checked = key.shape.check(entry.node, (*path, entry.key), report)
            if not isinstance(checked, Broken):
                entries.append(Entry(key=entry.key, at=entry.at, node=checked))
        self._required(node, path, report, meant)
        return replace(node, entries=tuple(entries), complete=node.complete and len(entries) == len(node.entries))

    def _unknown(self, entry: Entry, node: MapNode, path: Path, report: Report) -> Sequence[str]:
        """Report a key that is not known here; gives what it was probably meant to be."""
        below = (*path, entry.key)
        if entry.key in self.later:
            report.add(entry.mark, below, f"'{entry.key}' {LATER}", "delete it")
            return ()
        if entry.key in self.elsewhere:
            report.add(entry.mark, below, f"'{entry.key}' does not belong here", self.elsewhere[entry.key])
            return ()
        if report.full:
            report.add(entry.mark, below, f"unknown key '{entry.key}'")
            return ()
        absent = [key.name for key in self.keys if key.name not in node]
        # A key that is already there is the second choice: `css` beside `csss` is rarely meant twice.
        known = [*absent, *self.elsewhere, *self.later, *self.also]
        meant = nearest(entry.key, known) or nearest(entry.key, [key.name for key in self.keys])
        hint = did_you_mean(entry.key, meant) if meant else f"allowed here: {', '.join(key.name for key in self.keys)}"
        report.add(entry.mark, below, f"unknown key '{entry.key}'", hint)
        return meant

    def _required(self, node: MapNode, path: Path, report: Report, meant: set[str]) -> None:
        for key in self.keys:
            if key.required and key.name not in node and key.name not in meant:
                report.add(node.mark, path, f"the key '{key.name}' is missing", f"add it: {key.doc}")
        present = [name for name in self.one_of if name in node]
        if len(present) > 1:
            second = node.by_key[present[1]]
            message = f"'{present[0]}' and '{present[1]}' exclude each other"
            report.add(second.mark, (*path, present[1]), message, f"keep one of {one_of(self.one_of)}")
        for names, count in ((self.one_of, len(present)), (self.any_of, sum(name in node for name in self.any_of))):
            if names and not count and not meant.intersection(names) and not self._later_present(node):
                report.add(node.mark, path, f"one of {one_of(names)} is missing")
        for name, others in self.together.items():
            for other in others:
                if name in node and other not in node and other not in meant:
                    report.add(node.by_key[name].mark, (*path, name), f"'{name}' needs '{other}' beside it")

    def _later_present(self, node: MapNode) -> bool:
        return any(name in node for name in self.later)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """An object with its properties, each with its description."""
        properties = {key.name: {"description": key.doc} | key.shape.schema(schemas) for key in self.keys}
        schema: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
        required = [key.name for key in self.keys if key.required]
        if required:
            schema["required"] = required
        choices = [("oneOf", self.one_of), ("anyOf", self.any_of)]
        for word, names in choices:
            if names:
                schema[word] = [{"required": [name]} for name in names]
        if self.together:
            schema["dependentRequired"] = {name: list(others) for name, others in self.together.items()}
        return schema


# --- choices between shapes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ByKind(Shape):
    """One shape for text, one for a map, one for a list: whichever is given is allowed."""

    noun: str
    scalar: Shape | None = None
    mapping: Shape | None = None
    sequence: Shape | None = None

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """As the shape for this kind of node."""
        shape: Shape | None
        if isinstance(node, MapNode):
            shape = self.mapping
        elif isinstance(node, ListNode):
            shape = self.sequence
        else:
            shape = self.scalar
        if shape is None or (isinstance(node, Scalar) and node.value is None):
            return self.refuse(node, path, report)
        return shape.check(node, path, report)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """Any of the shapes."""
        shapes = (self.scalar, self.mapping, self.sequence)
        return {"anyOf": [shape.schema(schemas) for shape in shapes if shape is not None]}


def one_or_list(shape: Shape) -> ByKind:
    """The shape, or a list of it."""
    many = ListOf(member=shape)
    return ByKind(noun=f"{shape.noun}, or a list of it", scalar=shape, sequence=many)


@dataclass(frozen=True, kw_only=True)
class Variants(Shape):
    """A map whose keys depend on which key it has: the first of `variants` whose key is there decides."""

    variants: Mapping[str, NamedMap]
    noun: str = "a map"
    later: tuple[str, ...] = ()

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """As the variant that the keys name."""
        if not isinstance(node, MapNode):
            return self.refuse(node, path, report)
        chosen = next((variant for name, variant in self.variants.items() if name in node), None)
        if chosen is not None:
            return chosen.check(node, path, report)
        every: dict[str, Key] = {}
        for variant in self.variants.values():
            every.update({key.name: key for key in variant.keys})
        anyhow = NamedMap(keys=tuple(Key(key.name, key.shape, key.doc) for key in every.values()), later=self.later)
        misspelt = any(nearest(entry.key, self.variants) for entry in node if entry.key not in every)
        checked = anyhow.check(node, path, report)
        if not misspelt and not any(name in node for name in self.later):
            report.add(node.mark, path, f"one of {one_of(self.variants)} is missing")
        return Broken(mark=checked.mark)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """Any of the variants, each requiring its key."""
        options = []
        for name, variant in self.variants.items():
            schema = variant.schema(schemas)
            schema["required"] = [name, *(other for other in schema.get("required", ()) if other != name)]
            options.append(schema)
        return {"anyOf": options}


@dataclass(frozen=True, kw_only=True)
class Named(Shape):
    """A shape with a name: a definition of the schema, and the way for a shape to contain itself."""

    name: str
    shape: Callable[[], Shape]

    @property
    def noun(self) -> str:  # type: ignore[override] # known only when it is asked for: shapes contain themselves
        """The noun of the shape."""
        return self.shape().noun

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """As the shape."""
        return self.shape().check(node, path, report)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """A reference; the definition is made when it is first needed."""
        if self.name not in schemas.definitions:
            schemas.definitions[self.name] = {}
            schemas.definitions[self.name] = self.shape().schema(schemas)
        return {"$ref": f"#/$defs/{self.name}"}

"""Shapes of single values: text, numbers, truth values, and one of several words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crawler.recipe import yaml_traps
from crawler.recipe.diagnostics import Path, Report, did_you_mean, one_of
from crawler.recipe.shape import LATER, Schemas, Shape
from crawler.recipe.yaml_nodes import Broken, ListNode, MapNode, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

_YAML_1_1_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@dataclass(frozen=True, kw_only=True)
class Text(Shape):
    """Text. `accepts` says in a sentence what is wrong with a value, or None."""

    noun: str = "text"
    accepts: Callable[[str], str | None] | None = None
    pattern: str | None = None
    hint: str | None = None
    blank: bool = False

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """Text that is not empty and that `accepts` has nothing against."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.refuse(node, path, report, self._retype_hint(node))
        if not node.value.strip() and not self.blank:
            report.add(node.mark, path, "is empty text", "write a value, or delete the key")
            return Broken(mark=node.mark)
        message = self.accepts(node.value) if self.accepts is not None else None
        if message is not None:
            report.add(node.mark, path, message, self.hint)
            return Broken(mark=node.mark)
        return node

    def _retype_hint(self, node: Node) -> str | None:
        if isinstance(node, Scalar) and node.value is not None:
            # `version: 1.10` is a number for YAML, and no version until it has three parts.
            longer = [node.raw + ".0" * count for count in range(3)]
            fitting = [text for text in longer if self.accepts is None or self.accepts(text) is None]
            return f'quote it: "{fitting[0]}"' if fitting else self.hint
        if isinstance(node, ListNode | MapNode) and node.flow and node.end is not None:
            line = node.mark.source.line(node.mark.line)
            if node.end.line == node.mark.line:
                written = line[node.mark.column - 1 : node.end.column - 1]
                return f"quote it if it is text: {yaml_traps.quoted(written)}"
        return self.hint

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """A string, with the pattern if there is one."""
        _ = schemas
        schema: dict[str, Any] = {"type": "string"}
        if not self.blank:
            schema["minLength"] = 1
        if self.pattern is not None:
            schema["pattern"] = self.pattern
        return schema


@dataclass(frozen=True, kw_only=True)
class Integer(Shape):
    """A whole number."""

    minimum: int | None = None
    maximum: int | None = None
    noun: str = "a whole number"

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """An integer within the bounds."""
        if not isinstance(node, Scalar) or isinstance(node.value, bool) or not isinstance(node.value, int):
            quoted = isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip().isdecimal()
            hint = f"without quotes: {node.value}" if quoted and isinstance(node, Scalar) else None
            return self.refuse(node, path, report, hint)
        if self.minimum is not None and node.value < self.minimum:
            report.add(node.mark, path, f"must be at least {self.minimum}, not {node.value}")
        elif self.maximum is not None and node.value > self.maximum:
            report.add(node.mark, path, f"must be at most {self.maximum}, not {node.value}")
        else:
            return node
        return Broken(mark=node.mark)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """An integer with its bounds."""
        _ = schemas
        return {"type": "integer"} | _bounds(self.minimum, self.maximum)


@dataclass(frozen=True, kw_only=True)
class Number(Shape):
    """A whole or decimal number."""

    noun: str = "a number"

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """An integer or a decimal."""
        if isinstance(node, Scalar) and isinstance(node.value, int | Decimal) and not isinstance(node.value, bool):
            return node
        return self.refuse(node, path, report)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """A number."""
        _ = schemas
        return {"type": "number"}


def _bounds(minimum: int | None, maximum: int | None) -> dict[str, Any]:
    bounds = {"minimum": minimum, "maximum": maximum}
    return {name: bound for name, bound in bounds.items() if bound is not None}


@dataclass(frozen=True, kw_only=True)
class Boolean(Shape):
    """`true` or `false`."""

    noun: str = "true or false"

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """A YAML 1.2 boolean; `yes` and `on` are text."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node
        hint = None
        if isinstance(node, Scalar) and isinstance(node.value, str):
            word = node.value.strip().lower()
            meant = _YAML_1_1_BOOLEANS.get(word, word if word in {"true", "false"} else None)
            hint = f"write: {meant}" if meant else did_you_mean(word, ("true", "false"))
        return self.refuse(node, path, report, hint)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """A boolean."""
        _ = schemas
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Choice(Shape):
    """One of some values; those of `later` belong to the language but not to this version."""

    values: tuple[str | int, ...]
    later: tuple[str, ...] = ()

    @property
    def noun(self) -> str:  # type: ignore[override] # follows from the values
        """The values."""
        return one_of(str(value) for value in self.values)

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """One of the values, of the same type."""
        if not isinstance(node, Scalar) or node.value is None:
            return self.refuse(node, path, report)
        if node.value in self.values and not isinstance(node.value, bool):
            return node
        if isinstance(node.value, str) and node.value in self.later:
            report.add(node.mark, path, f"'{node.value}' {LATER}", f"use {self.noun}")
            return Broken(mark=node.mark)
        words = [value for value in self.values if isinstance(value, str)]
        return self.refuse(node, path, report, did_you_mean(node.raw, words))

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """The values."""
        _ = schemas
        return {"enum": list(self.values)}


@dataclass(frozen=True, kw_only=True)
class Anything(Shape):
    """Any value that JSON can hold."""

    noun: str = "a value"
    nullable: bool = True

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """The node itself."""
        if isinstance(node, Scalar) and node.value is None and (not self.nullable or node.raw == ""):
            return self.refuse(node, path, report)
        return node

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """No restriction."""
        _ = schemas
        return {}


@dataclass(frozen=True, kw_only=True)
class FirstOf(Shape):
    """Scalar shapes tried in turn; what none accepts is reported as `noun`."""

    shapes: tuple[Shape, ...]
    noun: str

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """The first shape that has nothing against it."""
        for shape in self.shapes:
            trial = Report()
            checked = shape.check(node, path, trial)
            if not trial:
                return checked
        return self.refuse(node, path, report)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """Any of the shapes."""
        return {"anyOf": [shape.schema(schemas) for shape in self.shapes]}

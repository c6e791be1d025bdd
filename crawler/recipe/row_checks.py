"""`checks` of a contract: JMESPath expressions over an accepted row that must hold.

The jmespath package knows no Decimal: its functions refuse them and `0.1` in an expression would be a float that equals
no decimal. Here numbers of the row and of the expression are exact, and whatever goes wrong while one is evaluated is
a broken check, never a crash and never silently true.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath import functions, visitor
from jmespath.exceptions import JMESPathError

from crawler.recipe.scalars import NotScalar, number_of, text_of
from crawler.recipe.values import Value, holds

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Characters in an expression.
MAX_EXPRESSION_LENGTH: Final = 1000


#: The package's own functions; they hold no state. Any, because its type stubs leave out what a subclass needs.
_PLAIN_FUNCTIONS: Final[Any] = functions.Functions()


class CheckError(ValueError):
    """An expression cannot be used."""


class _ExactFunctions(functions.Functions):
    """The functions of JMESPath, with Decimal as a number."""

    def _get_allowed_pytypes(self, types: Any) -> tuple[list[str], list[tuple[str, ...]]]:
        allowed, inner = _PLAIN_FUNCTIONS._get_allowed_pytypes(types)  # noqa: SLF001 - that is how jmespath is extended
        if "float" in allowed:
            allowed.append("Decimal")
        return allowed, [(*names, "Decimal") if "float" in names else names for names in inner]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return "number" if pyobject == "Decimal" else str(_PLAIN_FUNCTIONS._convert_to_jmespath_type(pyobject))  # noqa: SLF001 - that is how jmespath is extended

    @functions.signature({"types": []})
    def _func_type(self, arg: Any) -> Any:
        return "number" if isinstance(arg, Decimal) else _PLAIN_FUNCTIONS._func_type(arg)  # noqa: SLF001 - that is how jmespath is extended

    @functions.signature({"types": []})
    def _func_to_string(self, arg: Any) -> Any:
        return text_of(arg) if isinstance(arg, Decimal) else _PLAIN_FUNCTIONS._func_to_string(arg)  # noqa: SLF001 - that is how jmespath is extended

    @functions.signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        try:
            return number_of(arg, exponent=True)
        except NotScalar:
            return None


_OPTIONS: Final = visitor.Options(custom_functions=_ExactFunctions())


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCheck:
    """One check. `text` is the expression as written, `message` what to say where it does not hold."""

    text: str
    message: str
    tree: Any  # jmespath's syntax tree, numbers exact

    def broken(self, row: Mapping[str, Value]) -> str | None:
        """Why the row breaks this check; None if it holds."""
        try:
            value = visitor.TreeInterpreter(_OPTIONS).visit(self.tree, row)
        except (JMESPathError, TypeError, ArithmeticError, ValueError, LookupError, AttributeError) as error:
            return self._because(f"cannot be evaluated: {error}")
        except RecursionError:
            return self._because("cannot be evaluated: nested too deep")
        if holds(value):
            return None
        return self._because("compares a missing value" if value is None else "does not hold")

    def _because(self, reason: str) -> str:
        return f"{self.message} (`{self.text}` {reason})" if self.message else f"`{self.text}` {reason}"


def compile_check(text: str, message: str = "") -> RowCheck:
    """Compile an expression. Raises CheckError."""
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise CheckError(f"the expression has {len(text)} characters, at most {MAX_EXPRESSION_LENGTH} are allowed")
    try:
        tree = _exact(jmespath.compile(text).parsed)
    except (JMESPathError, RecursionError) as error:
        raise CheckError(_first_line(error)) from None
    unknown = _unknown_function(tree)
    if unknown:
        raise CheckError(f"there is no function {unknown}()")
    return RowCheck(text=text, message=message, tree=tree)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")


def _exact(node: Any) -> Any:
    """The syntax tree with exact literals; a copy, because jmespath shares its trees between callers."""
    if isinstance(node, dict):
        return {key: _exact_literal(value) if key == "value" else _exact(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_exact(child) for child in node]
    return node


def _exact_literal(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else value
    if isinstance(value, list):
        return [_exact_literal(member) for member in value]
    if isinstance(value, dict):
        return {key: _exact_literal(member) for key, member in value.items()}
    return value


def _unknown_function(node: Any) -> str | None:
    if isinstance(node, dict):
        if node.get("type") == "function_expression" and node["value"] not in _ExactFunctions.FUNCTION_TABLE:
            return str(node["value"])
        return _unknown_function(node.get("children", []))
    if isinstance(node, list):
        return next((name for child in node if (name := _unknown_function(child))), None)
    return None

"""JMESPath on exact numbers: the jmespath package, taught what a Decimal is.

On its own the package's functions refuse a Decimal, and `0.1` in an expression is a float that equals no decimal. Here
numbers of the data and of the expression are exact. One more thing is put right: the package reads `!a.b` and
`!a[?b]` as `(!a).b` and `(!a)[?b]`, which are null whatever the data holds; here the `!` negates the whole path.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath import functions, visitor
from jmespath.exceptions import JMESPathError

from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.scalars import NotScalar, number_of, text_of

if TYPE_CHECKING:
    from crawler.recipe.values import Value

#: Characters in an expression.
MAX_EXPRESSION_LENGTH: Final = 1000

#: How many copies of the data a result may hold: `[@, @]|[@, @]|...` doubles it with each step.
MAX_COPIES: Final = 200

#: The package's own functions; they hold no state. Any, because its type stubs leave out what a subclass needs.
_PLAIN_FUNCTIONS: Final[Any] = functions.Functions()
#: Nodes that read from what their first child gives.
_PATHS: Final = frozenset(
    {"subexpression", "index_expression", "filter_projection", "projection", "value_projection", "flatten"}
)


class ExpressionError(ValueError):
    """An expression cannot be compiled; `hint` says what to write instead, if that is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ExpressionFailed(Exception):
    """An expression cannot be evaluated on this data: a function or comparison met a wrong type."""


class _ExactFunctions(functions.Functions):
    """The functions of JMESPath, with Decimal as a number."""

    def _get_allowed_pytypes(self, types: Any) -> tuple[list[str], list[tuple[str, ...]]]:
        allowed, inner = _PLAIN_FUNCTIONS._get_allowed_pytypes(types)  # noqa: SLF001 - that is how jmespath is extended
        if "float" in allowed:
            allowed.append("Decimal")
        return allowed, [(*names, "Decimal") if "float" in names else names for names in inner]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        plain = _PLAIN_FUNCTIONS._convert_to_jmespath_type(pyobject)  # noqa: SLF001 - see above
        return "number" if pyobject == "Decimal" else str(plain)

    @functions.signature({"types": []})
    def _func_type(self, arg: Any) -> Any:
        return "number" if isinstance(arg, Decimal) else _PLAIN_FUNCTIONS._func_type(arg)  # noqa: SLF001 - see above

    @functions.signature({"types": []})
    def _func_to_string(self, arg: Any) -> Any:
        if isinstance(arg, Decimal):
            return text_of(arg)
        return _PLAIN_FUNCTIONS._func_to_string(arg)  # noqa: SLF001 - see above

    @functions.signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        try:
            return number_of(arg, exponent=True)
        except NotScalar:
            return None


#: Keeps nothing of what it visits, so all expressions share it.
_INTERPRETER: Final = visitor.TreeInterpreter(visitor.Options(custom_functions=_ExactFunctions()))


class ExactExpression:
    """A compiled expression. `text` is as written."""

    __slots__ = ("_keys", "_tree", "text")

    def __init__(self, text: str, tree: Any) -> None:
        self.text = text
        self._tree = tree
        self._keys = _keys(tree)

    def __repr__(self) -> str:
        return f"ExactExpression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactExpression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def orders(self) -> bool:
        """Whether the whole is a `<`, `<=`, `>` or `>=`: null then says that one side was no number."""
        return self._tree["type"] == "comparator" and self._tree["value"] in {"lt", "lte", "gt", "gte"}

    @property
    def keys(self) -> tuple[str, ...] | None:
        """The keys of an expression that is nothing but keys, such as `a.b`."""
        return self._keys

    def search(self, data: Value) -> Value:
        """The result, None for null. Raises ExpressionFailed."""
        if self._keys is not None:
            for key in self._keys:
                if not isinstance(data, dict):
                    return None
                data = data.get(key)
            return data
        try:
            return _INTERPRETER.visit(self._tree, data)
        except (JMESPathError, TypeError, ArithmeticError, ValueError, LookupError, AttributeError) as error:
            # The package checks types only partly: `'a' < 1` and contains('a', 1) are TypeErrors of Python.
            raise ExpressionFailed(_one_line(error)) from None
        except RecursionError:
            raise ExpressionFailed("the data is nested too deep") from None


def compile_expression(text: str) -> ExactExpression:
    """Compile an expression. Raises ExpressionError, also for an unknown function."""
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters, at most {MAX_EXPRESSION_LENGTH} are allowed")
    try:
        tree = _put_right(jmespath.compile(text).parsed)
        _check_functions(tree)
        if _copies(tree) > MAX_COPIES:
            raise ExpressionError(f"its result would hold the data more than {MAX_COPIES} times")
    except (JMESPathError, RecursionError) as error:
        raise ExpressionError(_one_line(error)) from None
    return ExactExpression(text, tree)


def _keys(node: Any) -> tuple[str, ...] | None:
    """The keys of an expression that is nothing but keys: `a.b.c`."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    inner = [_keys(child) for child in node["children"]]
    found = [keys for keys in inner if keys is not None]
    return tuple(key for keys in found for key in keys) if len(found) == len(inner) else None


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")


def _put_right(node: Any) -> Any:
    """The syntax tree with exact literals and far-reaching `!`; a copy, because jmespath shares its trees."""
    node = dict(node)
    if node["type"] == "literal":
        node["value"] = _exact(node["value"])
        return node
    children = [_put_right(child) if isinstance(child, dict) else child for child in node["children"]]
    if node["type"] in _PATHS and children and children[0]["type"] == "not_expression":
        negated = children[0]["children"][0]
        inner = _put_right({**node, "children": [negated, *children[1:]]})
        return {"type": "not_expression", "children": [inner]}
    node["children"] = children
    return node


def _exact(literal: Any) -> Any:
    if isinstance(literal, float):
        return Decimal(repr(literal)) if math.isfinite(literal) else literal
    if isinstance(literal, list):
        return [_exact(member) for member in literal]
    if isinstance(literal, dict):
        return {key: _exact(member) for key, member in literal.items()}
    return literal


def _check_functions(node: Any) -> None:
    known = _ExactFunctions.FUNCTION_TABLE
    if node["type"] == "function_expression" and node["value"] not in known:
        name = str(node["value"])
        raise ExpressionError(f"there is no function {name}()", did_you_mean(name, known))
    for child in node["children"]:
        if isinstance(child, dict):
            _check_functions(child)


def _copies(node: Any) -> int:
    """How often the result can hold what the expression is read on, at most."""
    kind, children = node["type"], [child for child in node["children"] if isinstance(child, dict)]
    counts = [_copies(child) for child in children]
    if kind in {"multi_select_list", "multi_select_dict"} or (kind == "function_expression" and node["value"] != "map"):
        return min(sum(counts) or 1, MAX_COPIES + 1)
    if kind in {"comparator", "not_expression", "literal", "field", "current", "identity", "index", "slice"}:
        return 1
    if kind in {"or_expression", "and_expression"}:
        return max(counts)
    if kind == "filter_projection":
        counts = counts[:2]
    return min(math.prod(counts), MAX_COPIES + 1)

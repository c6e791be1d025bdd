"""What an XPath consists of, as far as its cost depends on it: paths, their steps and predicates, calls, comparisons.

Made of the tokens of an expression that libxml2 has compiled, so nothing is checked here. Knows no page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

#: (kind, text, position) of a token.
Lexeme: TypeAlias = "tuple[str, str, int]"

_COMPARISONS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
_OPERATORS: Final = _COMPARISONS | {"|", "+", "-", "*", "and", "or", "div", "mod"}
_NODE_TESTS: Final = frozenset({"text", "node", "comment", "processing-instruction"})

#: Axes on which a node has few nodes, or those of one node are not those of another.
_NARROW: Final = frozenset({"child", "attribute", "self", "namespace"})


class Step(Struct, frozen=True, kw_only=True):
    """One step of a path. `name`: of the elements it takes, None for others; `end` is where it ends in the text."""

    axis: str
    name: str | None
    predicates: tuple[Expression, ...]
    numbered: bool  # a predicate is a number: of each node it takes one at most
    end: int


class Path(Struct, frozen=True, kw_only=True):
    """Steps from the root, from the node where it is read, or from what `start` gives."""

    absolute: bool
    start: Expression | None
    steps: tuple[Step, ...]


class Call(Struct, frozen=True, kw_only=True):
    """A function with its arguments."""

    function: str
    arguments: tuple[Expression, ...]


class Operation(Struct, frozen=True, kw_only=True):
    """Operands with operators between them; `compares` if one of these compares."""

    operands: tuple[Expression, ...]
    compares: bool


class Constant(Struct, frozen=True):
    """A text or a number."""


Expression: TypeAlias = Path | Call | Operation | Constant


def plan_of(tokens: Sequence[Lexeme], length: int) -> Expression | None:
    """The plan of an expression of that length in characters; None if its cost is never more than linear."""
    plan = _Reader(tokens, length).expression()
    return plan if _is_costly(plan, inside=False) else None


def names_in(plan: Expression) -> frozenset[str]:
    """The names of the elements that it asks for."""
    if isinstance(plan, Constant):
        return frozenset()
    if isinstance(plan, Call):
        return frozenset().union(*map(names_in, plan.arguments))
    if isinstance(plan, Operation):
        return frozenset().union(*map(names_in, plan.operands))
    inside = (*(predicate for step in plan.steps for predicate in step.predicates),)
    own = frozenset(step.name for step in plan.steps if step.name is not None)
    return own.union(*map(names_in, inside), names_in(plan.start) if plan.start is not None else ())


def _is_costly(plan: Expression, *, inside: bool) -> bool:
    """Whether the cost may grow faster than the page. `inside` a predicate, what takes long is done for each node."""
    if isinstance(plan, Constant):
        return False
    if isinstance(plan, Call):
        return inside or any(_is_costly(argument, inside=inside) for argument in plan.arguments)
    if isinstance(plan, Operation):
        return any(_is_costly(operand, inside=inside) for operand in plan.operands) or (
            plan.compares and sum(isinstance(operand, Path) for operand in plan.operands) > 1
        )
    wide = [step for step in plan.steps if step.axis not in _NARROW]
    if len(wide) > (0 if inside else 1) or (plan.start is not None and _is_costly(plan.start, inside=inside)):
        return True
    return any(_is_costly(predicate, inside=True) for step in plan.steps for predicate in step.predicates)


class _Reader:
    """A recursive descent over the tokens. How operators bind makes no difference to the cost."""

    def __init__(self, tokens: Sequence[Lexeme], length: int) -> None:
        self.tokens = tokens
        self.length = length
        self.at = 0

    def text(self, ahead: int = 0) -> str:
        """The token that stands there; "" for a literal and at the end."""
        index = self.at + ahead
        if index >= len(self.tokens) or self.tokens[index][0] in ("literal", "number"):
            return ""
        return self.tokens[index][1]

    def position(self) -> int:
        return self.tokens[self.at][2] if self.at < len(self.tokens) else self.length

    def take(self, text: str) -> bool:
        found = self.text() == text
        self.at += found
        return found

    def expression(self) -> Expression:
        operands = [self.operand()]
        compares = False
        while self.text() in _OPERATORS and self.at < len(self.tokens):
            compares = compares or self.text() in _COMPARISONS
            self.at += 1
            operands.append(self.operand())
        return operands[0] if len(operands) == 1 else Operation(operands=tuple(operands), compares=compares)

    def operand(self) -> Expression:
        while self.take("-"):
            pass
        start: Expression | None = None
        if self.take("("):
            start = self.expression()
            self.take(")")
        elif self.at < len(self.tokens) and self.tokens[self.at][0] in ("literal", "number"):
            self.at += 1
            return Constant()
        elif self.text(1) == "(" and self.text() not in _NODE_TESTS:
            start = self.call()
        if start is None:
            return Path(absolute=self.text() in ("/", "//"), start=None, steps=tuple(self.steps(first=True)))
        predicates, numbered = self.predicates()
        own = Step(axis="self", name=None, predicates=predicates, numbered=numbered, end=self.position())
        steps = [*([own] if predicates else []), *self.steps(first=False)]
        return Path(absolute=False, start=start, steps=tuple(steps)) if steps else start

    def call(self) -> Call:
        function = self.text()
        self.at += 2
        arguments = []
        while self.at < len(self.tokens) and not self.take(")"):
            arguments.append(self.expression())
            self.take(",")
        return Call(function=function, arguments=tuple(arguments))

    def steps(self, *, first: bool) -> list[Step]:
        """The steps from here on; `first`: one may stand here without a slash before it."""
        found: list[Step] = []
        while self.at < len(self.tokens):
            anywhere = self.text() == "//"
            if not (self.take("//") or self.take("/") or first):
                break
            first = False
            if not anywhere and self.text() not in (".", "..", "@", "*") and self.tokens[self.at : self.at + 1] == []:
                break
            found.append(self.step(anywhere=anywhere))
        return found

    def step(self, *, anywhere: bool) -> Step:
        axis, name = "child", None
        if self.take("."):
            axis = "self"
        elif self.take(".."):
            axis = "parent"
        else:
            if self.take("@"):
                axis = "attribute"
            elif self.text(1) == "::":
                axis = self.text()
                self.at += 2
            name = self.node_test()
        if anywhere and axis in ("child", "self"):
            axis = "descendant"
        elif anywhere:
            axis = f"descendants' {axis}"
        predicates, numbered = self.predicates()
        return Step(axis=axis, name=name, predicates=predicates, numbered=numbered, end=self.position())

    def node_test(self) -> str | None:
        """The name in a node test; None for any other test."""
        name = self.text()
        self.at += 1
        if self.take("("):
            while self.at < len(self.tokens) and not self.take(")"):
                self.at += 1
            return None
        if self.take(":"):
            self.at += 1
            return None
        return None if name == "*" else name

    def predicates(self) -> tuple[tuple[Expression, ...], bool]:
        found: list[Expression] = []
        numbered = False
        while self.take("["):
            begin = self.at
            found.append(self.expression())
            inner = self.tokens[begin : self.at]
            is_number = [token[0] for token in inner] == ["number"]
            numbered = numbered or is_number or [token[1] for token in inner] == ["last", "(", ")"]
            self.take("]")
        return tuple(found), numbered

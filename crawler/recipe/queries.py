"""The three query languages of recipes under one roof: CSS, XPath, JMESPath. Compiled at load, run by documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from crawler.recipe.css import CssQuery, compile_css, is_html_element
from crawler.recipe.exact_jmespath import ExactExpression, ExpressionError, ExpressionFailed, compile_expression
from crawler.recipe.query_error import QueryError, QueryFailed
from crawler.recipe.xpath import XPathQuery, compile_xpath

if TYPE_CHECKING:
    from crawler.recipe.values import Value

__all__ = [
    "CssQuery",
    "JmesQuery",
    "Query",
    "QueryError",
    "QueryFailed",
    "XPathQuery",
    "compile_css",
    "compile_jmespath",
    "compile_xpath",
    "is_html_element",
]

#: How deep brackets of a JMESPath may hold each other; it is parsed and run by recursion.
MAX_JMESPATH_NESTING: Final = 20

_STRING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`""", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class JmesQuery:
    """A compiled JMESPath expression."""

    text: str
    expression: ExactExpression = field(compare=False, repr=False)
    steps: tuple[str, ...] = field(compare=False, repr=False)  # prefixes of a path, longest first, for a miss

    @property
    def language(self) -> Literal["jmespath"]:
        """The query language, as recipes spell it."""
        return "jmespath"

    def search(self, value: Value) -> Value:
        """The result on a JSON-like value; None where the path leads nowhere.

        Raises QueryFailed where a function or comparison meets a type that it cannot work on.
        """
        try:
            return self.expression.search(value)
        except ExpressionFailed as error:
            raise QueryFailed(f"`jmespath: {self.text}` cannot be evaluated: {error}") from None


Query: TypeAlias = CssQuery | XPathQuery | JmesQuery


def compile_jmespath(text: str) -> JmesQuery:
    """Compile a JMESPath expression. Raises QueryError."""
    if not text.strip():
        raise QueryError("the JMESPath is empty")
    depth = 0
    for char in _STRING.sub("", text):
        depth += (char in "([{") - (char in ")]}")
        if depth > MAX_JMESPATH_NESTING:
            raise QueryError(f"more than {MAX_JMESPATH_NESTING} brackets lie in each other")
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        raise QueryError(f"the JMESPath does not compile: {error}", error.hint or _hint(text)) from None
    return JmesQuery(text=text, expression=expression, steps=_steps(text))


def _hint(text: str) -> str | None:
    start = text.lstrip()
    if "::" in text or start.startswith((".", "#")):
        return "a CSS selector goes under `css:`"
    if start.startswith(("/", "$")):
        return "JMESPath begins with a key: items[*].name"
    if "-" in text:
        return 'a key with a dash is written in double quotes: "my-key"'
    return None


def _steps(text: str) -> tuple[str, ...]:
    """For `a.b[0].c`: `a.b[0]`, `a.b`, `a`."""
    cuts: list[int] = []
    depth = 0
    for position, char in enumerate(_STRING.sub(lambda match: "_" * len(match[0]), text)):
        if depth == 0 and position and char in ".[|":
            cuts.append(position)
        depth += (char in "([{") - (char in ")]}")
    prefixes = [text[:cut].strip() for cut in reversed(cuts)]
    return tuple(prefix for prefix in prefixes if prefix)

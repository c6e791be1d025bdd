"""Reads the text of a template: what stands between `{{` and `}}`, its path, its steps and their arguments.

Arguments are written as in YAML's flow style (`'text'`, `"text"`, `3`, `true`, `[1, 2]`, `{which: first}`, or a bare
word); there is no arithmetic, no condition and no loop. Knows the grammar only, not which scopes or steps exist.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from crawler.recipe.values import MISSING

OPEN: Final = "{{"
CLOSE: Final = "}}"

_BLANK = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d][\w-]*")
_PART = re.compile(r"-?\d+(?![\w-])|[\w@$][\w@$-]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?(?=\s*(?:[|,\]}]|$))", re.ASCII)
_BARE = re.compile(r"(?:[^|,\[\]{}\"':]|:(?=\S))+")
_WORDS: Final = {"true": True, "false": False, "null": None}
_JSON = json.JSONDecoder()
#: Lists and maps inside each other in one step argument.
MAX_NESTING: Final = 8


class TemplateError(ValueError):
    """A template cannot be used; `hint` says what to write instead, if that is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """One `{{ }}`: the path's parts, and each step's name and argument (MISSING for a bare name)."""

    path: tuple[str, ...]
    steps: tuple[tuple[str, Any], ...]


def split_template(text: str) -> list[str | Expression]:
    """The literal texts and the expressions of a template, in order. Raises TemplateError."""
    parts: list[str | Expression] = []
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        _literal(text[position:start], parts)
        expression, position = _Reader(text, start + len(OPEN)).expression()
        parts.append(expression)
    _literal(text[position:], parts)
    literal = "".join(part for part in parts if isinstance(part, str))
    if CLOSE in literal and literal.count("{") != literal.count("}"):
        raise TemplateError("`}}` without `{{` before it", "write `{{ inputs.name }}`")
    return parts


def _literal(text: str, parts: list[str | Expression]) -> None:
    if "{%" in text and "%}" in text:
        raise TemplateError("`{% %}` is not supported: templates have paths and steps only")
    if text:
        parts.append(text)


class _Reader:
    """A position in the text of one template."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position
        self.start = position

    def expression(self) -> tuple[Expression, int]:
        """The expression that begins here, and the index behind its `}}`."""
        self.skip_blanks()
        if self.text.startswith(CLOSE, self.position):
            raise TemplateError("`{{ }}` is empty", "write `{{ inputs.name }}`")
        path = [self.part()]
        while self.take("."):
            path.append(self.part())
        self.skip_blanks()
        steps = []
        while self.take("|"):
            steps.append(self.step())
            self.skip_blanks()
        if not self.text.startswith(CLOSE, self.position):
            raise self.unexpected()
        return Expression(path=tuple(path), steps=tuple(steps)), self.position + len(CLOSE)

    def part(self) -> str:
        """One part of a path: a name, a number, or a quoted text."""
        if self.peek() in {'"', "'"}:
            return self.quoted()
        found = _PART.match(self.text, self.position)
        if found is None:
            raise self.unexpected()
        self.position = found.end()
        return found[0]

    def step(self) -> tuple[str, Any]:
        self.skip_blanks()
        name = _NAME.match(self.text, self.position)
        if name is None:
            raise TemplateError(f"a step's name must follow `|` in {self.shown()}")
        self.position = name.end()
        self.skip_blanks()
        argument = self.value(0) if self.take(":") else MISSING
        return name[0], argument

    def value(self, depth: int) -> Any:
        self.skip_blanks()
        char = self.peek()
        if depth > MAX_NESTING:
            raise TemplateError(f"lists and maps are nested too deep in {self.shown()}")
        if char in {'"', "'"}:
            return self.quoted()
        if char == "[":
            return self.listed(depth)
        if char == "{":
            return self.mapped(depth)
        number = _NUMBER.match(self.text, self.position)
        if number:
            self.position = number.end()
            return Decimal(number[0]) if "." in number[0] else int(number[0])
        bare = _BARE.match(self.text, self.position)
        word = bare[0].strip() if bare else ""
        if bare is None or not word:
            raise self.unexpected()
        self.position = bare.end()
        return _WORDS.get(word, word)

    def listed(self, depth: int) -> list[Any]:
        self.position += 1
        values: list[Any] = []
        while not self.closed("]"):
            values.append(self.value(depth + 1))
            self.separator("]")
        return values

    def mapped(self, depth: int) -> dict[str, Any]:
        self.position += 1
        values: dict[str, Any] = {}
        while not self.closed("}"):
            self.skip_blanks()
            key = self.quoted() if self.peek() in {'"', "'"} else self.part()
            self.skip_blanks()
            if not self.take(":"):
                raise self.unexpected()
            values[key] = self.value(depth + 1)
            self.separator("}")
        return values

    def closed(self, end: str) -> bool:
        self.skip_blanks()
        return self.take(end)

    def separator(self, end: str) -> None:
        self.skip_blanks()
        if not self.take(",") and self.peek() != end:
            raise self.unexpected()

    def quoted(self) -> str:
        quote = self.text[self.position]
        if quote == '"':
            try:
                value, end = _JSON.raw_decode(self.text, self.position)
            except json.JSONDecodeError as error:
                raise TemplateError(f"{error.msg} in {self.shown()}") from None
            self.position = end
            return str(value)
        end = self.text.find("'", self.position + 1)
        if end < 0:
            raise TemplateError(f"a quote is not closed in {self.shown()}")
        value = self.text[self.position + 1 : end]
        self.position = end + 1
        return value

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, char: str) -> bool:
        if self.peek() != char:
            return False
        self.position += 1
        return True

    def skip_blanks(self) -> None:
        found = _BLANK.match(self.text, self.position)
        assert found is not None
        self.position = found.end()

    def shown(self) -> str:
        end = self.text.find(CLOSE, self.start)
        inner = self.text[self.start : end if end >= 0 else None].strip()
        return f"`{{{{ {inner if len(inner) <= 60 else inner[:57] + '...'} }}}}`"

    def unexpected(self) -> TemplateError:
        if self.text.find(CLOSE, self.start) < 0:
            return TemplateError("`{{` without `}}` behind it", "write `{{ inputs.name }}`")
        found = self.peek()
        return TemplateError(
            f"{found!r} is not expected in {self.shown()}",
            "a template is a path and steps, as in `{{ item.name | slug }}` or `{{ item.tags | join: ', ' }}`",
        )

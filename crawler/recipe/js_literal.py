"""Objects and arrays that scripts hold as JavaScript: found in the text, read as data, never run.

What is a literal is read: any quotes, names as keys, commas at the end, comments, `undefined`, `!0`,
`JSON.parse("..")`, and the parameters of a function that is called at once (`(function(a) {return {x: a}})(1)`). Any
other expression, such as a call, is null, and counted. Every character is looked at a fixed number of times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from crawler.errors import ParseRefused
from crawler.recipe.value_document import (
    MAX_JSON_DEPTH,
    check_depth,
    exact_number,
    parse_json,
    size_of,
    without_surrogates,
)

if TYPE_CHECKING:
    from crawler.recipe.values import Value

#: Digits of a number; a longer one stays text.
_MAX_DIGITS: Final = 300

#: Beginnings of objects and arrays in one text that turn out to be none.
_MAX_ATTEMPTS: Final = 1_000
#: Characters of arguments that are put where parameters stand: each may stand in many places.
MAX_REPEATED: Final = 1024 * 1024

_NAME: Final = r"[^\W\d][\w$]*+|\$[\w$]*+"
# `(?!)`: before 3.11.5 Python went on where the last alternative had failed, not where it began (cpython#106052).
_SKIP: Final = r"(?:\s++|//[^\n\r]*+|/\*(?:[^*]++|\*(?!/)|(?!))*+\*/|<!--[^\n\r]*+|\ufeff|(?!))*+"
_STRINGS: Final = r"""'(?:[^'\\\n\r]++|\\.)*+'|"(?:[^"\\\n\r]++|\\.)*+\""""
_LOOSE_STRINGS: Final = r"""'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+\""""
_TEMPLATE: Final = r"`(?:[^`\\]++|\\.)*+`"
_NUMBER: Final = (
    r"[+-]?(?:0[xX][\da-fA-F_]++|0[oO][0-7_]++|0[bB][01_]++|(?:\d[\d_]*+\.?[\d_]*+|\.\d[\d_]*+)(?:[eE][+-]?\d++)?)n?"
)

_SPACE = re.compile(_SKIP)
#: A value that needs no thought, and what ends it.
_PLAIN = re.compile(
    rf'{_SKIP}(?:"([^"\\\x00-\x1f]*+)"|(-?(?:0|[1-9]\d{{0,17}}+))|(-?(?:0|[1-9]\d{{0,17}}+)\.\d{{1,18}}+)|(true|false|null))'
    rf"\s*+([,}}\]])"
)
_PLAIN_KEY = re.compile(rf'{_SKIP}(?:"([^"\\\x00-\x1f]*+)"|({_NAME}))\s*+:')
_CLOSER: Final = {"{": "}", "[": "]", "(": ")"}
_WORDS: Final[dict[str, Value]] = {
    "true": True, "false": False, "null": None, "undefined": None, "NaN": None, "Infinity": None,
}  # fmt: skip
#: Names behind which an object or array may begin; behind any other `{` begins a block.
_BEFORE_VALUE: Final = frozenset({"", "return", "default", *"=(,?|&"})
#: The same behind something that was broken: what stands there may be an inner part of it.
_BEFORE_NEXT_VALUE: Final = frozenset({"return", "default", "="})
#: What makes more of a literal than it is: `[1, 2].concat(..)`.
_GOES_ON: Final = frozenset(".[(+")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}
_ESCAPE = re.compile(r"\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\}|(\r\n|.))", re.DOTALL)


def _tokens(strings: str) -> re.Pattern[str]:
    return re.compile(
        rf"{_SKIP}(?:(?P<string>{strings})|(?P<template>{_TEMPLATE})|(?P<number>(?<![\w$]){_NUMBER}(?![\w$]))"
        rf"|(?P<name>{_NAME})|(?P<sign>.))",
        re.DOTALL,
    )


_TOKEN = _tokens(_STRINGS)
_LOOSE_TOKEN = _tokens(_LOOSE_STRINGS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Literal:
    """What was found: the value, and how many of its members are expressions and therefore null."""

    value: Value
    expressions: int


class _NotHere(Exception):
    """What begins here is no literal; `position` is how far it was followed."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def find_literal(text: str, *, loose: bool = False) -> Literal:
    """The first array or object in a script that is not empty; without one, the first.

    Args:
        text: a script, or a part of one.
        loose: the text is JSON that was put together carelessly: texts may go over several lines, but it begins with
            the object or array, and there are no expressions.

    Raises:
        ParseRefused: there is none.
    """
    found = _find(text, loose=loose)
    if found is None:
        raise ParseRefused("there is neither JSON nor a JavaScript object or array in the text")
    return found


def _find(text: str, *, loose: bool) -> Literal | None:
    token = _LOOSE_TOKEN if loose else _TOKEN
    position = 0
    before = ""
    possible = _BEFORE_VALUE
    attempts = 0
    parameters: list[str] = []
    empty: Literal | None = None
    while (match := token.match(text, position)) is not None:
        position = match.end()
        part = match[match.lastgroup or "sign"]
        is_container = part in ("{", "[") and before in possible
        if not is_container and not (part == "JSON" and match.lastgroup == "name"):
            parameters = _parameters(text, position) if part == "function" else parameters
            before = part
            continue
        reader = _Reader(text, token)
        try:
            if is_container:
                value, position = reader.container(match.start("sign"))
                reader.bind(parameters, position)
            else:
                value, position = reader.parsed(position)
        except _NotHere as wrong:
            position = max(position, wrong.position)
            before, possible = ";", _BEFORE_NEXT_VALUE
            attempts += 1
            if loose or attempts > _MAX_ATTEMPTS:
                return None
            continue
        before = "}"
        after = _SPACE.match(text, position)
        if after is None or text[after.end() : after.end() + 1] in _GOES_ON or (loose and reader.expressions):
            possible = _BEFORE_NEXT_VALUE
            continue
        found = Literal(value=value, expressions=reader.expressions)
        if value:
            if reader.is_put_together:
                check_depth(value)
            return found
        empty = empty or found
    return empty


_PARAMETERS = re.compile(rf"\s*+(?:(?:{_NAME})\s*+)?\(([\w$,\s]*+)\)")


def _parameters(text: str, position: int) -> list[str]:
    match = _PARAMETERS.match(text, position)
    return [name.strip() for name in match[1].split(",")] if match else []


class _Reader:
    """Reads one literal. Positions are those of the whole text."""

    def __init__(self, text: str, token: re.Pattern[str]) -> None:
        self.text = text
        self.token = token
        self.expressions = 0
        self.is_put_together = False  # of values that were parsed on their own, and may lie deeper than allowed now
        self._names: list[tuple[Any, Any, str]] = []  # container, key, and the name that stands there

    # --- containers ---

    def container(self, position: int) -> tuple[Value, int]:
        """The object or array that begins at a bracket, and where it ends. Raises _NotHere."""
        current: Any = {} if self.text[position] == "{" else []
        position += 1
        stack: list[tuple[Any, Any]] = []  # containers around, each with the key that waits for its value
        while True:
            closed, key, position = self._begin(current, position)
            if not closed:
                plain = _PLAIN.match(self.text, position)
                if plain is not None:
                    _put(current, key, _plain_value(plain))
                    position = plain.end()
                    end = plain[5]
                else:
                    position = self._skip(position)
                    opening = self.text[position : position + 1]
                    if opening in ("{", "["):
                        if len(stack) + 2 > MAX_JSON_DEPTH:
                            raise _NotHere(position)
                        stack.append((current, key))
                        current = {} if opening == "{" else []
                        position += 1
                        continue
                    value, position = self._expression(position, current, key)
                    _put(current, key, value)
                    end, position = self._end(position)
                closed = end != ","
                if closed and (end == "}") != isinstance(current, dict):
                    raise _NotHere(position)
            while closed:
                if not stack:
                    return current, position
                value = current
                current, key = stack.pop()
                _put(current, key, value)
                position = self._skip(position)
                if self.text[position : position + 1] not in (",", "}", "]"):
                    current[key] = None
                    self.expressions += 1
                    position = self._over(position)
                end, position = self._end(position)
                closed = end != ","
                if closed and (end == "}") != isinstance(current, dict):
                    raise _NotHere(position)

    def _begin(self, current: Any, position: int) -> tuple[bool, Any, int]:
        """Before a member: (whether the container ends here, the member's key, where its value begins)."""
        if isinstance(current, list):
            position = self._skip(position)
            while self.text[position : position + 1] == ",":  # a hole
                current.append(None)
                position = self._skip(position + 1)
            if self.text[position : position + 1] == "]":
                return True, None, position + 1
            return False, len(current), position
        while True:
            plain = _PLAIN_KEY.match(self.text, position)
            if plain is not None:
                return False, plain[1] if plain[1] is not None else plain[2], plain.end()
            position = self._skip(position)
            if self.text[position : position + 1] == "}":
                return True, None, position + 1
            key, position = self._key(position)
            if key is not None:
                return False, key, position
            # a method, `...others`, a computed or a short name: nothing that can be read
            if self.text[position : position + 1] in _NO_MEMBER and not self.text.startswith("...", position):
                raise _NotHere(position)  # a block of statements
            self.expressions += 1
            position = self._over(position)
            end, position = self._end(position)
            if end != ",":
                return True, None, position

    def _key(self, position: int) -> tuple[str | None, int]:
        """A key with its colon; None, and where to go on, for a member without one."""
        match = self.token.match(self.text, position)
        if match is None:
            raise _NotHere(position)
        if match.lastgroup not in ("string", "number", "name"):
            return None, position
        after = self._skip(match.end())
        part = match[match.lastgroup]
        if self.text[after : after + 1] != ":":
            if part not in _BEFORE_KEYS and _OPERAND.match(self.text, after):
                raise _NotHere(after)
            return None, after
        return _string(part) if match.lastgroup == "string" else part, after + 1

    # --- values ---

    def _expression(self, position: int, current: Any, key: Any) -> tuple[Value, int]:
        """A value that ends at a comma or a closing bracket; null for what is no literal."""
        match = self.token.match(self.text, position)
        if match is None:
            raise _NotHere(position)
        kind, part = match.lastgroup, match[match.lastgroup or "sign"]
        read = self._literal(match)
        value, after = (None, match.end()) if read is None else read
        after = self._skip(after)
        if read is not None and self.text[after : after + 1] in (",", "}", "]"):
            return value, after
        if kind not in (None, "sign") and part not in _PREFIXES and _OPERAND.match(self.text, after):
            raise _NotHere(after)  # two values side by side: a quote too many, in code as in JSON
        self.expressions += 1
        if kind == "name" and self.text[after : after + 1] in (",", "}", "]"):
            self._names.append((current, key, part))
            return None, after
        end = self._over(position)
        if end == position:
            raise _NotHere(end)  # nothing at all
        return None, end

    def parsed(self, position: int) -> tuple[Value, int]:
        """The value of `JSON.parse("...")` behind the word JSON. Raises _NotHere."""
        match = _JSON_PARSE.match(self.text, position)
        argument = None if match is None else self.token.match(self.text, match.end())
        if argument is None or argument.lastgroup not in ("string", "template"):
            raise _NotHere(position)
        end = self._skip(argument.end())
        if self.text[end : end + 1] != ")":
            raise _NotHere(argument.end())
        self.is_put_together = True
        try:
            return parse_json(_string(argument[argument.lastgroup])), end + 1
        except ParseRefused:
            raise _NotHere(end) from None

    def bind(self, parameters: list[str], position: int) -> None:
        """Give the parameters of a function around the literal the values that it is called with, if it is."""
        match = _CALL.match(self.text, position) if parameters and self._names else None
        if match is None:
            return
        try:
            given, _ = _Reader(self.text, self.token).arguments(match.end() - 1)
        except _NotHere:
            return
        values = dict(zip(parameters, given, strict=False))
        sizes = {name: size_of(value) for name, value in values.items()}
        left = MAX_REPEATED
        for container, key, name in self._names:
            left -= sizes.get(name, 0)
            if name in values and container[key] is None and left > 0:
                container[key] = values[name]
                self.expressions -= 1
        self.is_put_together = True

    def arguments(self, position: int) -> tuple[list[Value], int]:
        """The arguments of a call, from its opening bracket."""
        given: list[Value] = []
        position = self._skip(position + 1)
        while self.text[position : position + 1] != ")":
            if self.text[position : position + 1] in ("{", "["):
                value, position = self.container(position)
            else:
                match = self.token.match(self.text, position)
                if match is None:
                    raise _NotHere(position)
                read = self._literal(match)
                if read is None:
                    raise _NotHere(position)
                value, position = read
            given.append(value)
            position = self._skip(position)
            if self.text[position : position + 1] == ",":
                position = self._skip(position + 1)
        return given, position + 1

    def _literal(self, match: re.Match[str]) -> tuple[Value, int] | None:
        """The value that begins with a token, if it is one by itself, and where it ends."""
        kind, part, after = match.lastgroup, match[match.lastgroup or "sign"], match.end()
        if kind == "string" or (kind == "template" and "${" not in part):
            return _string(part), after
        if kind == "number":
            return _number(part), after
        if part in _WORDS:
            return _WORDS[part], after
        if part == "void":
            return None, self._over(after)
        if part == "!" and self.text[after : after + 1] in ("0", "1"):
            return self.text[after] == "0", after + 1
        if part == "JSON":
            try:
                return self.parsed(after)
            except _NotHere:
                return None
        return None

    # --- what lies between ---

    def _skip(self, position: int) -> int:
        """Behind blanks and comments."""
        match = _SPACE.match(self.text, position)
        return position if match is None else match.end()

    def _end(self, position: int) -> tuple[str, int]:
        """The comma or closing bracket that stands here, and the place behind it."""
        return self.text[position], position + 1

    def _over(self, position: int) -> int:
        """Over an expression, to the comma or closing bracket that ends it. Raises _NotHere at the end of the text."""
        open_: list[str] = []
        while (match := self.token.match(self.text, position)) is not None:
            part = match["sign"]
            if part is not None:
                if part in "'\"`":
                    break  # a text that does not end
                if not open_ and part in ",}])":
                    return match.start("sign")
                if part in _CLOSER:
                    open_.append(_CLOSER[part])
                elif part in "}])":
                    if open_.pop() != part:
                        break
                elif part == ";" and not open_:
                    break
            position = match.end()
        raise _NotHere(position)


#: Words between which and a value nothing stands.
_PREFIXES: Final = frozenset({"new", "typeof", "void", "delete", "await", "async", "function", "class", "yield"})
_BEFORE_KEYS: Final = frozenset({"get", "set", "async", "static"})
_NO_MEMBER: Final = frozenset({";", "=", ".", ""})
_OPERAND = re.compile(r"(?!in\b|instanceof\b)[\w$\"'`]")
_JSON_PARSE = re.compile(r"\s*\.\s*parse\s*\(")
#: Behind the object that a function returns: the end of the function, and the bracket of its call.
_CALL = re.compile(r"[\s;]*+\}\s*+(?:\)\s*+)?\(")


def _put(container: Any, key: Any, value: Value) -> None:
    if isinstance(container, dict):
        container[key] = value
    else:
        container.append(value)


def _plain_value(match: re.Match[str]) -> Value:
    if match[1] is not None:
        return match[1]
    if match[2] is not None:
        return int(match[2])
    return Decimal(match[3]) if match[3] is not None else _WORDS[match[4]]


def _number(text: str) -> Value:
    """An integer or Decimal; what is neither, or too long, stays text."""
    plain = text.replace("_", "").removesuffix("n").removeprefix("+")
    if len(plain) > _MAX_DIGITS:
        return plain
    try:
        return int(plain, 0) if plain[1:2].isalpha() or plain[2:3].isalpha() else int(plain)
    except ValueError:
        return exact_number(plain)


def _string(quoted: str) -> str:
    """A text without its quotes, its escapes read."""
    inner = quoted[1:-1]
    if "\\" not in inner:
        return inner
    text = _ESCAPE.sub(_escaped, inner)
    return str(without_surrogates(text))


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is not None:
        return chr(min(int(code, 16), 0x10FFFF))
    return _ESCAPES.get(match[4], match[4])

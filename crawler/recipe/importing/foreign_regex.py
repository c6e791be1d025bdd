r"""Regular expressions of JavaScript and .NET, rewritten for recipes: RE2 with Unicode's letters.

`problem` says what such an engine itself would have refused, because an engine that swallows the error does nothing.
`translated` gives the pattern as a recipe writes it, or says why there is none and what comes near.
"""

from __future__ import annotations

import re
from typing import Final

from crawler.recipe.regex import MAX_PATTERN_LENGTH, RegexError, compile_regex

_LOOK: Final = ("(?=", "(?!", "(?<=", "(?<!")
_GROUP_NAME: Final = re.compile(r"\(\?P?<([A-Za-z_]\w*)>|\(\?'([A-Za-z_]\w*)'")
_QUANTIFIER: Final = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_DOUBLED: Final = re.compile(r"\\\\(?=[dDwWsSbB.$^()\[\]{}|?*+/-])")
_REPLACEMENT: Final = re.compile(r"\$(\$|&|\d{1,2}|\{\w+\})|\\")
_BOUNDARY: Final = re.compile(r"\\b")


class NotTranslated(ValueError):
    """There is no such pattern here. `hint` says what to write instead, if something comes near."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


def problem(pattern: str) -> str | None:
    """What JavaScript's own engine refuses in a pattern, None if it takes it."""
    depth = position = 0
    can_repeat = False
    while position < len(pattern):
        char = pattern[position]
        taken = 1
        if char == "\\":
            if position + 1 == len(pattern):
                return "it ends with a backslash"
            taken, can_repeat = 2, True
        elif char == "[":
            end = _class_end(pattern, position)
            if end is None:
                return "a `[` is never closed"
            taken, can_repeat = end - position, True
        elif char == "(":
            depth += 1
            opening = re.compile(r"\((?:\?(?::|=|!|<=|<!|<[A-Za-z_$][\w$]*>|P?))?").match(pattern, position)
            opened = opening[0] if opening else "("
            if opened in ("(?", "(?P"):
                return "it has a group that no such engine knows"
            taken, can_repeat = len(opened), False
        elif char == ")":
            depth -= 1
            if depth < 0:
                return "a `)` closes nothing"
            can_repeat = True
        elif char in {"|", "^"}:
            can_repeat = False
        elif (repeated := _QUANTIFIER.match(pattern, position)) is not None:
            if not can_repeat:
                return f"there is nothing that `{repeated[0]}` could repeat"
            taken, can_repeat = len(repeated[0]), False
            if pattern[position + taken : position + taken + 1] == "?":
                taken += 1
        else:
            can_repeat = char != "$"
        position += taken
    return "a `(` is never closed" if depth else None


def _class_end(pattern: str, start: int) -> int | None:
    """The index behind a character class that opens at `start`."""
    position = start + 2 if pattern.startswith("[^", start) else start + 1
    while position < len(pattern):
        if pattern[position] == "]":
            return position + 1
        position += 2 if pattern[position] == "\\" else 1
    return None


def doubled(pattern: str) -> bool:
    r"""Whether backslashes are there twice, as in `'\\d+'`: such a pattern looks for a backslash."""
    return _DOUBLED.search(pattern) is not None


def undoubled(pattern: str) -> str:
    r"""`\\d+` as `\d+`."""
    return _DOUBLED.sub(lambda _: "\\", pattern)


def translated(pattern: str, *, groups: bool = True) -> str:
    """The pattern as a recipe writes it.

    Args:
        pattern: of JavaScript or .NET, without slashes around it.
        groups: false: groups only hold together, so that the whole match is the result.

    Raises:
        NotTranslated: RE2 has no such thing, or the pattern is none.
    """
    if not pattern:
        raise NotTranslated("the pattern is empty", None)
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise NotTranslated(f"the pattern is longer than {MAX_PATTERN_LENGTH} characters", None)
    text = _GROUP_NAME.sub("(", pattern)
    text = text.replace("[^]", "(?s:.)")
    if not groups:
        text = _without_groups(text)
    try:
        compile_regex(text)
    except RegexError as error:
        raise NotTranslated(_why(error), _proposal(text) or error.hint) from None
    return text


def _why(error: RegexError) -> str:
    return str(error.args[0])


def _without_groups(pattern: str) -> str:
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        taken = 1
        if char == "\\":
            taken = 2
        elif char == "[":
            end = _class_end(pattern, position)
            taken = len(pattern) - position if end is None else end - position
        elif char == "(" and not pattern.startswith("(?", position):
            pieces.append("(?:")
            position += 1
            continue
        pieces.append(pattern[position : position + taken])
        position += taken
    return "".join(pieces)


def _proposal(pattern: str) -> str | None:
    r"""A pattern that comes near one with look-around or `\b`, if that compiles."""
    found = None
    if any(look in pattern for look in _LOOK):
        without = _without_looks(pattern)
        if without and _compiles(without):
            found = without
    elif _BOUNDARY.search(pattern):
        without = _BOUNDARY.sub("", pattern)
        if without and _compiles(without):
            found = without
    return f"without it the pattern is '{found}', which matches more: try it on a page" if found else None


def _without_looks(pattern: str) -> str | None:
    """The pattern without its look-arounds; None if one of them is never closed."""
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith(_LOOK, position):
            end = _group_end(pattern, position)
            if end is None:
                return None
            position = end
        elif pattern[position] == "\\":
            pieces.append(pattern[position : position + 2])
            position += 2
        elif pattern[position] == "[" and (closed := _class_end(pattern, position)) is not None:
            pieces.append(pattern[position:closed])
            position = closed
        else:
            pieces.append(pattern[position])
            position += 1
    return "".join(pieces)


def _group_end(pattern: str, start: int) -> int | None:
    depth, position = 0, start
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 2
            continue
        if char == "[":
            position = _class_end(pattern, position) or len(pattern)
            continue
        depth += (char == "(") - (char == ")")
        position += 1
        if depth == 0:
            return position
    return None


def _compiles(pattern: str) -> bool:
    try:
        compile_regex(pattern)
    except RegexError:
        return False
    return True


def replacement(text: str) -> str:
    r"""What stands instead of a match, as a recipe writes it: `$1` is `\1`, `$&` the whole match, `$$` a dollar."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "\\":
            return "\\\\"
        what = match[1]
        if what == "$":
            return "$"
        if what == "&":
            return "\\0"
        return f"\\{int(what)}" if what.isdigit() else match[0]

    return _REPLACEMENT.sub(one, text)

r"""Regular expressions of recipes: RE2 with Unicode's idea of letters and blanks.

RE2 runs in time linear in the text, so that no pattern of a recipe can hang a crawl. Its own `\w` and `\s` know ASCII
only, which would make `^[\w-]+$` fail on Hebrew; they are rewritten here before RE2 sees them:

    \w  [\p{L}\p{M}\p{N}_]     letters, marks, numbers of every script, and the underscore
    \s  what `str.isspace` calls white space, NBSP included
    \d  0-9 only: what numbers are made of
    \uXXXX  the code point, as in Python and JSON

`\b` and `\B` are refused, because RE2's own would see a boundary inside every non-ASCII word. Look-around,
back-references and possessive quantifiers do not exist in RE2 and are refused with what to write instead.

This is the only module that may run a pattern of a recipe; Python's `re` never does.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, Protocol

import re2

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Characters in a pattern.
MAX_PATTERN_LENGTH: Final = 1000

#: Bytes that RE2 may use for one pattern's program and its automaton; its own default.
MAX_MEMORY_BYTES: Final = 8 << 20

_WORD = r"\p{L}\p{M}\p{N}_"
#: All assigned characters but `_WORD`, for use inside [...], where RE2 has no nested negation: separators, symbols,
#: control characters, and punctuation without the underscore.
_NOT_WORD = (
    r"\p{Z}\p{S}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}"
    r"\x{203F}\x{2040}\x{2054}\x{FE33}\x{FE34}\x{FE4D}-\x{FE4F}\x{FF3F}"
)
_SPACE = r"\t-\r\x{1C}-\x{20}\x{85}\p{Z}"
_NOT_SPACE = (
    r"\x{00}-\x{08}\x{0E}-\x{1B}\x{21}-\x{84}\x{86}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}"
    r"\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{10FFFF}"
)
_IN_CLASS: Final = {"w": _WORD, "W": _NOT_WORD, "s": _SPACE, "S": _NOT_SPACE}
_OUTSIDE: Final = {"w": f"[{_WORD}]", "W": f"[^{_WORD}]", "s": f"[{_SPACE}]", "S": f"[^{_SPACE}]"}

_LOOK = "RE2 has no look-around; match the whole and put what you want in (...): group 1 is the result"
_REFUSED_GROUPS: Final = (
    ("(?=", "look-ahead", _LOOK),
    ("(?!", "negative look-ahead", _LOOK),
    ("(?<=", "look-behind", _LOOK),
    ("(?<!", "negative look-behind", _LOOK),
    ("(?>", "an atomic group", "RE2 never backtracks: write (?:...)"),
    ("(?P=", "a back-reference", "RE2 has none; write the alternatives out"),
    ("(?(", "a conditional group", "RE2 has none; write the alternatives out with |"),
    ("(?#", "a comment", "write the comment beside the pattern, after a YAML #"),
)
_REFUSED_ESCAPES: Final = {
    "b": ("\\b", r"RE2's \b sees a boundary inside every non-ASCII word; write (?:^|\W) before or (?:\W|$) after"),
    "B": ("\\B", r"RE2's \B knows ASCII letters only; write \w where a letter must stand"),
    "Z": ("\\Z", r"the end of the text is \z, or $"),
    "k": ("a back-reference", "RE2 has none; write the alternatives out"),
    "K": ("\\K", "RE2 has none; put what you want in (...): group 1 is the result"),
    "h": ("\\h", r"write \s, or [ \t]"),
    "R": ("\\R", r"write (?:\r\n|\n|\r)"),
    "N": ("\\N", r"write [^\n]"),
}
_CODE_POINT = re.compile(r"u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")
_POSSESSIVE = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\+")
_FLAGS = re.compile(r"\(\?([A-Za-z]*)(?:-[A-Za-z]+)?[:)]")
_REPLACEMENT = re.compile(r"\\(\d{1,2}|.|$)", re.DOTALL)


class RegexError(ValueError):
    """A pattern or replacement cannot be used; `hint` says what to write instead, if that is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class RegexMatch(Protocol):
    """Where a pattern matched. Positions count characters."""

    def group(self, group: int = 0, /) -> str | None:
        """The text of a group, 0 = the whole match; None for a group that took no part."""

    def span(self, group: int = 0, /) -> tuple[int, int]:
        """Start and end of a group; (-1, -1) for a group that took no part."""


class Regex:
    """A compiled pattern. `pattern` is as written, `groups` the number of capturing groups."""

    __slots__ = ("_compiled", "groups", "pattern")

    def __init__(self, pattern: str, compiled: re2._Regexp) -> None:
        self.pattern = pattern
        self.groups: int = compiled.groups
        self._compiled = compiled

    def __repr__(self) -> str:
        return f"Regex({self.pattern!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regex) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def search(self, text: str) -> RegexMatch | None:
        """The first match anywhere in `text`."""
        match: RegexMatch | None = self._compiled.search(_encodable(text))
        return match

    def fullmatch(self, text: str) -> RegexMatch | None:
        """A match of the whole of `text`."""
        match: RegexMatch | None = self._compiled.fullmatch(_encodable(text))
        return match

    def finditer(self, text: str) -> Iterator[RegexMatch]:
        """All matches that do not overlap, from left to right."""
        matches: Iterator[RegexMatch] = self._compiled.finditer(_encodable(text))
        return matches

    def sub(self, replacement: str, text: str) -> str:
        r"""`text` with every match replaced.

        In `replacement`, `\0` to `\99` stand for groups (empty if the group took no part), `\\` for a backslash;
        everything else stands for itself. Raises RegexError as `check_replacement` does.
        """
        parts = _split_replacement(replacement, self.groups)
        pieces: list[str] = []
        end = 0
        text = _encodable(text)
        for match in self.finditer(text):
            start, stop = match.span()
            pieces.append(text[end:start])
            pieces.extend(part if isinstance(part, str) else (match.group(part) or "") for part in parts)
            end = stop
        pieces.append(text[end:])
        return "".join(pieces)

    def split(self, text: str) -> list[str]:
        """The pieces of `text` between the matches; groups are not included. Empty matches do not split."""
        pieces: list[str] = []
        end = 0
        text = _encodable(text)
        for match in self.finditer(text):
            start, stop = match.span()
            if stop > start:
                pieces.append(text[end:start])
                end = stop
        pieces.append(text[end:])
        return pieces

    def check_replacement(self, replacement: str) -> None:
        r"""Raise RegexError for a group that the pattern has not, or an escape that means nothing."""
        _split_replacement(replacement, self.groups)


@functools.lru_cache(maxsize=1024)
def compile_regex(pattern: str) -> Regex:
    """Compile a pattern of a recipe. Raises RegexError with a hint where one is known."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise RegexError(f"the pattern has {len(pattern)} characters, at most {MAX_PATTERN_LENGTH} are allowed")
    options = re2.Options()
    options.max_mem = MAX_MEMORY_BYTES
    options.log_errors = False
    try:
        compiled = re2.compile(_translate(pattern), options)
    except UnicodeEncodeError:
        raise RegexError(
            "the pattern holds half a surrogate pair", r"write the character itself, or \x{1F600}"
        ) from None
    except re2.error as error:
        raise RegexError(_message(error), _hint(pattern)) from None
    return Regex(pattern, compiled)


def _translate(pattern: str) -> str:
    """The pattern in RE2's own language. Group numbers stay as they are."""
    out: list[str] = []
    position = 0
    class_start = -1  # index just behind the [ or [^ of an open character class
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            taken, translated = _escape(pattern, position, in_class=class_start >= 0)
        elif class_start >= 0:
            taken, translated = _class_member(pattern, position)
            if char == "]" and position > class_start:
                class_start = -1
        elif char == "[":
            taken = 2 if pattern.startswith("[^", position) else 1
            translated = pattern[position : position + taken]
            class_start = position + taken
        else:
            _refuse(pattern, position)
            taken, translated = 1, char
        out.append(translated)
        position += taken
    return "".join(out)


def _class_member(pattern: str, position: int) -> tuple[int, str]:
    """One unescaped member of a character class, with [:alpha:] and its like kept whole."""
    if pattern.startswith("[:", position):
        end = pattern.find(":]", position + 2)
        if end > 0:
            return end + 2 - position, pattern[position : end + 2]
    return 1, pattern[position]


def _escape(pattern: str, position: int, *, in_class: bool) -> tuple[int, str]:
    """The escape at `position`: how many characters it takes, and what RE2 shall see."""
    letter = pattern[position + 1 : position + 2]
    table = _IN_CLASS if in_class else _OUTSIDE
    if letter in table:
        return 2, table[letter]
    if letter == "Q" and not in_class:
        end = pattern.find("\\E", position)
        end = len(pattern) if end < 0 else end + 2
        return end - position, pattern[position:end]
    code_point = _CODE_POINT.match(pattern, position + 1)
    if code_point:
        return len(code_point[0]) + 1, rf"\x{{{code_point[1] or code_point[2]}}}"
    if in_class and letter == "b":
        return 2, r"\x{08}"
    if letter in _REFUSED_ESCAPES:
        what, hint = _REFUSED_ESCAPES[letter]
        raise RegexError(f"{what} at character {position + 1} is not supported", hint)
    if letter.isdigit() and letter != "0" and not in_class:
        raise RegexError(
            f"\\{letter} at character {position + 1}: back-references are not supported",
            "RE2 has none; write the alternatives out",
        )
    if letter in {"p", "P", "x"} and pattern.startswith("{", position + 2):
        end = pattern.find("}", position)
        end = len(pattern) if end < 0 else end + 1
        return end - position, pattern[position:end]
    return 2, pattern[position : position + 2]


def _refuse(pattern: str, position: int) -> None:
    """Raise for what other engines have and RE2 has not, at an unescaped character outside character classes."""
    char = pattern[position]
    if char == "(":
        for opening, what, hint in _REFUSED_GROUPS:
            if pattern.startswith(opening, position):
                raise RegexError(f"{what}, {opening}...), at character {position + 1} is not supported", hint)
        flags = _FLAGS.match(pattern, position)
        if flags and (unknown := set(flags[1]) - set("imsU")):
            raise RegexError(
                f"flag {min(unknown)!r} in {flags[0]} is not supported",
                "the flags are i (ignore case), m (^ and $ at lines), s (. matches newlines) and U (ungreedy)",
            )
    elif char in "*+?{":
        possessive = _POSSESSIVE.match(pattern, position)
        if possessive:
            raise RegexError(
                f"a possessive quantifier, {possessive[0]}, at character {position + 1} is not supported",
                f"RE2 never backtracks: write {possessive[0][:-1]}",
            )


def _message(error: re2.error) -> str:
    message = error.args[0]
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)


def _hint(pattern: str) -> str | None:
    if "\\\\" in pattern:
        return r"in single quotes or without quotes YAML keeps backslashes: write '\d', not '\\d'"
    return None


def _encodable(text: str) -> str:
    """`text` with half surrogate pairs, which RE2 cannot read, replaced one for one; nearly always `text` itself."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


@functools.lru_cache(maxsize=1024)
def _split_replacement(replacement: str, groups: int) -> tuple[str | int, ...]:
    """The literal parts of a replacement and the numbers of its groups, in order."""
    parts: list[str | int] = []
    end = 0
    for match in _REPLACEMENT.finditer(replacement):
        parts.append(replacement[end : match.start()])
        end = match.end()
        if match[1] == "\\":
            parts.append("\\")
        elif not match[1].isdigit():
            raise RegexError(
                f"{match[0]!r} in the replacement means nothing", r"\1 is group 1, \0 the whole match, \\ a backslash"
            )
        elif int(match[1]) > groups:
            raise RegexError(f"the replacement names group {int(match[1])}, the pattern has {groups}")
        else:
            parts.append(int(match[1]))
    parts.append(replacement[end:])
    return tuple(part for part in parts if part != "")

"""YAML's own traps, each with its message and the corrected line.

Recipes are full of characters that YAML reads as syntax: `#main` is a comment, `*` an alias, `{{` a map. Whoever falls
in is told what YAML made of the line and how the line should read. A proposed line is parsed before it is shown. It
works on lines of text and knows nothing of what a recipe means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Longer lines get no corrected line: trying candidates must stay cheap.
_MAX_LINE = 2_000
#: Candidates parsed for one line.
_MAX_TRIES = 60
#: A message shows at most this much of a line.
_MAX_SHOWN = 200

_CLOSING = {"[": "]", "{": "}"}

#: Characters that cannot begin a plain value, and what YAML takes them for.
_STARTERS = {
    "*": "`*` begins a YAML alias",
    "&": "`&` begins a YAML anchor",
    "!": "`!` begins a YAML tag",
    "@": "a value cannot begin with `@` in YAML",
    "`": "a value cannot begin with a backtick in YAML",
    "%": "a value cannot begin with `%` in YAML",
    ">": "`>` begins a YAML block of text",
    "|": "`|` begins a YAML block of text",
}


class Trap(Struct, frozen=True, kw_only=True):
    """What to say about a file that does not parse; line and column from 1."""

    line: int
    column: int
    message: str
    hint: str | None


class _Stop(Struct, frozen=True, kw_only=True):
    """Where and why the parser stopped, and the line there."""

    lines: Sequence[str]
    problem: str
    line: int
    column: int
    context: tuple[int, int] | None
    text: str
    start: int | None = None  # of the value there, from 0
    fixed: str | None = None  # the line with that value in quotes

    def trap(self, message: str, hint: str, *, column: int | None = None) -> Trap:
        """A trap here; a corrected line is a better hint than words."""
        hint = f"write: {self.fixed}" if self.fixed else hint
        return Trap(line=self.line, column=column or self.column, message=message, hint=hint)


def explain_syntax(
    lines: Sequence[str],
    *,
    problem: str,
    at: tuple[int, int],
    context: tuple[int, int] | None,
    quote: tuple[int, int, int] | None = None,
) -> Trap:
    """A parser's complaint in words that help.

    `at` is where it stopped, `context` where what it was reading began, `quote` the line and column where the last
    quoted text began that runs over several lines, and the line where it ended.
    """
    line, column = at
    if "unexpected end of stream" in problem and context is not None:
        return Trap(
            line=context[0], column=context[1], message="the quote that opens here is never closed", hint="close it"
        )
    if quote is not None and quote[2] == line:
        message = f"the quote that opens here closes only in line {line}"
        return Trap(line=quote[0], column=quote[1], message=message, hint="close it in its own line")
    if context is not None and not _line(lines, line).strip():
        # The parser stopped at the end of the file or on an empty line: what it was reading is the better place.
        line, column = context
        if (opener := _line(lines, line)[column - 1 : column]) in _CLOSING:
            return _unclosed(opener, context)
    text = _line(lines, line)
    stop = _Stop(lines=lines, problem=problem, line=line, column=column, context=context, text=text)
    if len(text) <= _MAX_LINE:
        stop = replace(stop, start=_value_start(text, column), fixed=corrected_line(text, column))
        for explain in (_tab, _stray, _missing_key, _escape, _template, _starter, _colon, _bracket):
            trap = explain(stop)
            if trap is not None:
                return trap
    return _unexplained(stop)


def _tab(stop: _Stop) -> Trap | None:
    indent = stop.text[: len(stop.text) - len(stop.text.lstrip())]
    if "\t" not in indent:
        return None
    blanks = stop.text.replace("\t", "  ").rstrip()
    hint = f"write: {blanks!r}" if len(blanks) <= _MAX_SHOWN else "indent with blanks"
    return Trap(line=stop.line, column=stop.column, message="a tab; YAML is indented with blanks", hint=hint)


def _stray(stop: _Stop) -> Trap | None:
    letter = stop.text[stop.column - 1 : stop.column]
    before = stop.text[: stop.column - 1]
    if letter not in _CLOSING.values() or _depth(before) > 0:
        return None
    message = f"this `{letter}` closes nothing"
    return Trap(line=stop.line, column=stop.column, message=message, hint="delete it, or quote the value")


def _missing_key(stop: _Stop) -> Trap | None:
    if not stop.text.lstrip().startswith(": "):
        return None
    return Trap(line=stop.line, column=stop.column, message="a key is missing before `:`", hint="write one before it")


def _escape(stop: _Stop) -> Trap | None:
    if "unknown escape character" not in stop.problem:
        return None
    message = "in double quotes a backslash begins an escape, and this is none"
    return stop.trap(message, "use single quotes: '\\d'")


def _template(stop: _Stop) -> Trap | None:
    if "{{" not in stop.text or (stop.fixed is None and not stop.text[stop.start or 0 :].startswith("{{")):
        return None
    return stop.trap("a template must be quoted: YAML reads `{{` as a map", 'write "{{ ... }}" in quotes')


def _starter(stop: _Stop) -> Trap | None:
    start = stop.start
    message = _STARTERS.get(stop.text[start : start + 1]) if start is not None else None
    return stop.trap(message, "quote the value", column=(start or 0) + 1) if message is not None else None


def _colon(stop: _Stop) -> Trap | None:
    if "mapping values are not allowed" not in stop.problem:
        return None
    return stop.trap("`: ` inside a value is read as a second key", "quote the value, or check the indentation")


def _bracket(stop: _Stop) -> Trap | None:
    letter = stop.text[stop.column - 1 : stop.column]
    if stop.fixed is None or letter not in {"[", "{"}:
        return None
    return stop.trap(f"in braces `{letter}` ends the text before it", "quote the value")


def _unclosed(opener: str, at: tuple[int, int]) -> Trap:
    message = f"the `{opener}` that opens here is not closed with `{_CLOSING[opener]}`"
    return Trap(line=at[0], column=at[1], message=message, hint=f"close it with `{_CLOSING[opener]}`")


def _unexplained(stop: _Stop) -> Trap:
    context = stop.context
    if context is not None and context[0] != stop.line:
        opener = _line(stop.lines, context[0])[context[1] - 1 : context[1]]
        if opener in _CLOSING:
            return _unclosed(opener, context)
    hint = "check quotes, brackets and indentation here"
    if "block" in stop.problem:
        hint = "check the indentation of this line and of the one before"
    return stop.trap(f"this is not YAML: {stop.problem or 'it cannot be read'}", hint)


def complex_key(lines: Sequence[str], line: int) -> tuple[str, str]:
    """Message and hint for a key that is itself a map or a list: nearly always an unquoted template."""
    text = _line(lines, line)
    if "{{" in text:
        fixed = corrected_line(text, text.index("{{") + 1)
        hint = f"write: {fixed}" if fixed else 'write "{{ ... }}" in quotes'
        return "a template must be quoted: YAML reads `{{` as a map", hint
    return "a key must be a plain word", "quote it if it is meant literally"


def corrected_line(text: str, column: int) -> str | None:
    """The line with the value around `column` (from 1) in quotes, if that makes it readable; stripped, else None."""
    if len(text) > _MAX_LINE:
        return None
    for count, candidate in enumerate(_candidates(text, column)):
        if count >= _MAX_TRIES:
            break
        if candidate != text and _reads(candidate):
            return _shown(candidate)
    return None


def quote_span(text: str, start: int, end: int) -> str:
    """`text` with the characters from `start` to `end` (from 0) in quotes."""
    return text[:start] + quoted(text[start:end].strip()) + text[end:]


def quoted(value: str) -> str:
    """`value` in the quotes that need no escapes, if there are such."""
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def comment_after(line: str, column: int) -> str | None:
    """What stands behind a value that ends before `column` (from 1), if it is `#word`: a swallowed selector."""
    rest = line[column - 1 :]
    body = rest.lstrip()
    if body.startswith("#") and len(body) > 1 and not body[1].isspace() and body[1] not in "#-=!":
        return body.rstrip()
    return None


# --- candidates ------------------------------------------------------------------------------------------------------


def _candidates(text: str, column: int) -> Iterator[str]:
    body, comment = _without_comment(text)
    if "\\" in text and '"' in text:
        yield from _single_quoted(text, column)
    starts = [start for start in _value_starts(body) if start < column or start == _value_start(body, column)]
    for start in reversed(starts):
        in_flow = _depth(body[:start]) > 0
        if in_flow:
            for end in _flow_ends(body, start):
                if end >= column - 1 or body[start:].startswith(("{{", "*", "@", "%", "`", "&", "!")):
                    yield quote_span(body, start, end) + comment
        else:
            yield quote_span(body, start, len(body.rstrip())) + comment


def _single_quoted(text: str, column: int) -> Iterator[str]:
    """The double-quoted text around `column` in single quotes."""
    opening = text.rfind('"', 0, column)
    if opening >= 0:
        closing = text.find('"', opening + 1)
        while closing >= 0 and text[closing - 1] == "\\":
            closing = text.find('"', closing + 1)
        if closing > 0:
            inner = text[opening + 1 : closing].replace("'", "''")
            yield f"{text[:opening]}'{inner}'{text[closing + 1 :]}"


def _value_starts(body: str) -> list[int]:
    """Where values begin: behind `key: `, `- `, `[`, and `, ` within brackets."""
    starts = []
    for index in range(len(body)):
        before = body[:index]
        opens = before.endswith((": ", "[")) or (before.endswith(", ") and _depth(before) > 0)
        item = before.endswith("- ") and not before[:-2].strip(" -")
        if (opens or item) and body[index] not in "\"' ":
            starts.append(index)
    return starts


def _value_start(text: str, column: int) -> int | None:
    """Start of the last value that begins at or before `column` (from 1)."""
    starts = [start for start in _value_starts(text) if start <= column - 1]
    return starts[-1] if starts else None


def _flow_ends(body: str, start: int) -> list[int]:
    """Where a value within brackets may end: before `, key: `, before a closing bracket; the longest last."""
    ends = []
    for index in range(start + 1, len(body)):
        letter = body[index]
        if (letter == "," and _begins_key(body[index + 1 :])) or letter in "}]":
            ends.append(index)
    return ends


def _begins_key(rest: str) -> bool:
    name, colon, _ = rest.strip().partition(":")
    return bool(colon) and name.replace("_", "").replace("-", "").isalnum()


def _depth(before: str) -> int:
    return before.count("{") + before.count("[") - before.count("}") - before.count("]")


def _without_comment(text: str) -> tuple[str, str]:
    at = text.find(" # ")
    return (text, "") if at < 0 else (text[:at], text[at:])


def _reads(line: str) -> bool:
    """Whether `line` alone is YAML without aliases, anchors, tags and keys that are maps."""
    expecting_key: list[bool | None] = []
    try:
        for event in yaml.parse(line.strip(), Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
                return False
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                expecting_key.pop()
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.ScalarEvent)):
                if expecting_key and expecting_key[-1] and not isinstance(event, yaml.ScalarEvent):
                    return False
                if expecting_key and expecting_key[-1] is not None:
                    expecting_key[-1] = not expecting_key[-1]
                if isinstance(event, yaml.MappingStartEvent):
                    expecting_key.append(True)
                elif isinstance(event, yaml.SequenceStartEvent):
                    expecting_key.append(None)
    except yaml.YAMLError:
        return False
    return True


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _shown(line: str) -> str:
    stripped = line.strip()
    return stripped if len(stripped) <= _MAX_SHOWN else stripped[:_MAX_SHOWN] + " ..."

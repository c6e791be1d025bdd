"""Writes recipe YAML and edits it without touching what is already there.

The recipe reader is stricter than YAML, so text is quoted whenever there could be a doubt. An edit works on lines:
comments, quotes and blank lines of the rest of the file stay as they are.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import yaml

from crawler.recipe.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: A map or list of plain members goes on one line up to this width.
_WIDTH: Final = 100

_PLAIN_FIRST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_./")
_PLAIN: Final = _PLAIN_FIRST | frozenset("0123456789 -+()=;$^~")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", ".inf", ".nan"})


def scalar(value: Any) -> str:
    """One value as YAML: numbers and booleans bare, a Decimal and doubtful text in quotes."""
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f'"{value:f}"'
    text = str(value)
    if (
        text
        and text[0] in _PLAIN_FIRST
        and _PLAIN.issuperset(text)
        and text == text.strip()
        and text.lower() not in _WORDS
    ):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Text in double quotes; everything that an editor would not show is escaped."""
    packed = json.dumps(text, ensure_ascii=False)
    return "".join(
        character if character.isprintable() or character == " " else json.dumps(character)[1:-1]
        for character in packed
    )


def flow(value: Any) -> str:
    """A value on one line: `{css: h1, process: [strip]}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {flow(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(member) for member in value) + "]"
    return scalar(value)


def block(value: Any, indent: int = 0) -> Iterator[str]:
    """The lines of a value in block style; small maps and lists of scalars stay on one line."""
    blank = " " * indent
    if isinstance(value, dict) and value:
        for key, member in value.items():
            if _fits(member, indent + len(scalar(key)) + 2):
                yield f"{blank}{scalar(key)}: {flow(member)}"
            else:
                yield f"{blank}{scalar(key)}:"
                yield from block(member, indent + 2)
    elif isinstance(value, list | tuple) and value:
        for member in value:
            if _fits(member, indent + 2):
                yield f"{blank}- {flow(member)}"
            else:
                first, *rest = block(member, indent + 2)
                yield f"{blank}- {first.lstrip()}"
                yield from rest
    else:
        yield blank + flow(value)


def _fits(value: Any, used: int) -> bool:
    if not isinstance(value, dict | list | tuple) or not value:
        return True
    members = list(value.values()) if isinstance(value, dict) else list(value)
    nested = [member for member in members if isinstance(member, dict | list | tuple) and member]
    deep = any(isinstance(inner, dict | list | tuple) and inner for member in nested for inner in _inner(member))
    return not deep and used + len(flow(value)) <= _WIDTH


def _inner(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


# --- edits -----------------------------------------------------------------------------------------------------------


class EditRefused(ValueError):
    """The recipe's `tests` are written in a way that cannot be edited line by line."""


def with_test(text: str, entry: Mapping[str, Any]) -> str:
    """The recipe's text with one more entry in `tests`; an entry for the same `snapshot` is replaced.

    Raises:
        EditRefused: `tests` is neither a list nor absent.
    """
    key, tests = _tests_node(text)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if key is None:
        gap = ["\n"] if lines and lines[-1].strip() else []
        return "".join([*lines, *gap, "tests:\n", *_entry(entry, 2)])
    if not isinstance(tests, yaml.SequenceNode):
        if not (isinstance(tests, yaml.ScalarNode) and not tests.value):
            raise EditRefused(f"`tests` in line {key.start_mark.line + 1} is no list")
        at = key.start_mark.line + 1
        return "".join([*lines[:at], *_entry(entry, 2), *lines[at:]])
    if tests.flow_style:
        return _in_flow(text, tests, entry)
    old = next((node for node in tests.value if _snapshot(node) == entry["snapshot"]), None)
    indent = tests.start_mark.column
    if old is not None:
        first, after = old.start_mark.line, _line_after(old, lines)
        return "".join([*lines[:first], *_entry(entry, indent), *lines[after:]])
    after = _line_after(tests.value[-1], lines)
    return "".join([*lines[:after], *_entry(entry, indent), *lines[after:]])


def _tests_node(text: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise EditRefused("this is no recipe: it is not a map")
    for key, value in root.value:
        if isinstance(key, yaml.ScalarNode) and key.value == "tests":
            return key, value
    return None, None


def _snapshot(node: yaml.Node) -> str | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "snapshot" and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return None


def _entry(entry: Mapping[str, Any], indent: int) -> list[str]:
    return [f"{line}\n" for line in block([dict(entry)], indent)]


def _line_after(node: yaml.Node, lines: Sequence[str]) -> int:
    """Number of lines up to and with the last one that belongs to `node`."""
    last = node
    while isinstance(last, yaml.CollectionNode) and not last.flow_style and last.value:
        member = last.value[-1]
        last = member[1] if isinstance(member, tuple) else member
    end: int = last.end_mark.line
    if isinstance(last, yaml.ScalarNode) and last.style in ("|", ">"):
        # A block scalar ends where the next thing begins; blank lines and comments between are not its own.
        while end > 0 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        return end
    if isinstance(last, yaml.ScalarNode) and not last.value and last.style is None:
        return int(last.start_mark.line) + 1
    return end + 1


def _in_flow(text: str, tests: yaml.SequenceNode, entry: Mapping[str, Any]) -> str:
    """`tests: [...]` on one line: the entry is written in the same style."""
    for node in tests.value:
        if _snapshot(node) == entry["snapshot"]:
            return text[: node.start_mark.index] + flow(dict(entry)) + text[node.end_mark.index :]
    at = tests.end_mark.index - 1
    comma = ", " if tests.value and not text[:at].rstrip().endswith(",") else ""
    return text[:at] + comma + flow(dict(entry)) + text[at:]

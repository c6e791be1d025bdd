"""The recipe that an import makes: a tree of values, with remarks beside them, and its text.

It knows how YAML is written, and nothing of what was imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.yaml_writer import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Path, Position

#: A map or list goes on one line up to this width.
_WIDTH: Final = 100
#: The order of top-level keys. A blank line stands before those in `_APART`.
_ORDER: Final = (
    "schema_version", "name", "version", "description", "labels", "allowed_domains", "inputs", "fetch", "limits",
    "session", "start", "pages", "items", "quality", "exports",
)  # fmt: skip
_APART: Final = frozenset({"inputs", "session", "start", "pages", "items", "quality", "exports"})


@dataclass(kw_only=True, slots=True)
class Draft:
    """A recipe in the making.

    `values` is the recipe as plain data. `remarks` are comments by the path that they stand
    above. `origins` says what part of the imported file a path comes from: of a problem here, it is the place to look.
    """

    values: dict[str, Any]
    remarks: dict[Path, list[str]] = field(default_factory=dict)
    origins: dict[Path, Position] = field(default_factory=dict)

    def rename(self, name: str) -> None:
        """Give the recipe another name, and its exports, which are named after it, with it."""
        before, self.values["name"] = self.values.get("name", ""), name
        for export in self.values.get("exports", []):
            export["name"] = name + export["name"].removeprefix(before)

    def remark(self, path: Path, text: str) -> None:
        """Put a comment above `path`."""
        lines = self.remarks.setdefault(path, [])
        if text not in lines:
            lines.append(text)

    def origin(self, path: Path) -> Position | None:
        """Where `path`, or what it is in, comes from."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return None


def draft_text(draft: Draft) -> str:
    """The recipe as YAML."""
    lines: list[str] = []
    for key in sorted(draft.values, key=_ORDER.index):
        if key in _APART and lines:
            lines.append("")
        lines.extend(_entry(draft, key, draft.values[key], (key,), ""))
    return "\n".join([*_comments(draft.remarks.get((), []), ""), *lines]) + "\n"


def _comments(texts: list[str], blank: str) -> list[str]:
    return [f"{blank}# {_printable(text)}" for text in texts]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _entry(draft: Draft, key: str, value: Any, path: Path, blank: str) -> Iterator[str]:
    yield from _comments(draft.remarks.get(path, []), blank)
    head = f"{blank}{_scalar(key)}:"
    if _fits(draft, value, path, len(head)):
        yield f"{head} {one_line(value)}"
        return
    yield head
    yield from _block(draft, value, path, f"{blank}  ")


def _block(draft: Draft, value: Any, path: Path, blank: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _entry(draft, key, member, (*path, key), blank)
        return
    for index, member in enumerate(value):
        here = (*path, index)
        yield from _comments(draft.remarks.get(here, []), blank)
        if _fits(draft, member, here, len(blank) + 2):
            yield f"{blank}- {one_line(member)}"
            continue
        inner = list(_block(draft, member, here, f"{blank}  "))
        first = next((index for index, line in enumerate(inner) if not line.lstrip().startswith("#")), 0)
        yield from (f"{blank}{line.lstrip()}" for line in inner[:first])
        yield f"{blank}- {inner[first].lstrip()}"
        yield from inner[first + 1 :]


def _fits(draft: Draft, value: Any, path: Path, used: int) -> bool:
    """Whether a value is written on one line: scalars, empty ones, and small maps and lists without remarks."""
    if not isinstance(value, dict | list) or not value:
        return True
    if any(other[: len(path)] == path and other != path for other in draft.remarks):
        return False
    return _depth(value) <= 2 and used + 1 + len(one_line(value)) <= _WIDTH


def _depth(value: Any) -> int:
    if not isinstance(value, dict | list) or not value:
        return 0
    members = value.values() if isinstance(value, dict) else value
    return 1 + max(_depth(member) for member in members)


def _scalar(value: Any) -> str:
    """A value as YAML; patterns in single quotes, where a backslash is one, but for two of them that are meant."""
    if isinstance(value, str) and "\\" in value and "\\\\" not in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return scalar(value)


def one_line(value: Any) -> str:
    """A value on one line: `{css: h1, process: [strip]}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {one_line(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(one_line(member) for member in value) + "]"
    return _scalar(value)

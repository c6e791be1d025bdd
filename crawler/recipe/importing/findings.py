"""What an import has to say, and where in the imported file: the report of `crawlery recipe import`.

It knows places and words, and nothing of any format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from crawler.recipe.diagnostics import render_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.recipe.diagnostics import Path, Position

#: What became of a part of the imported recipe:
#: `noop`     a step that did nothing there; it is left out
#: `ignored`  a key that was read by nobody there; the message says whether it means something now
#: `changed`  carried over, with another meaning or by other means
#: `dropped`  it worked there, and there is no equal here or no need for one
#: `decide`   only a person can say what it shall be
Kind: TypeAlias = Literal["noop", "ignored", "changed", "dropped", "decide"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_WORDS: Final = {
    "noop": "did nothing",
    "ignored": "was ignored",
    "changed": "changed",
    "dropped": "left out",
    "decide": "decide",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing to tell. `line` and `column` count from 1; `path` is dotted; `hint` says what to do, if known."""

    kind: Kind
    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        what = f"{self.file}:{self.line}:{self.column}: {self.path}: {_WORDS[self.kind]}: {self.message}"
        return f"{what}; {self.hint}" if self.hint else what

    def as_json(self) -> dict[str, Any]:
        """The same for scripts; `hint` is null if there is none."""
        return {
            "kind": self.kind,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        }


class Findings:
    """Collects findings; the same one twice is kept once."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}

    def add(self, kind: Kind, at: Position, path: Path, message: str, hint: str | None = None) -> None:
        """Note one thing about the part of the file at `at`."""
        finding = Finding(
            kind=kind,
            file=at.file,
            line=at.line,
            column=at.column,
            path=render_path(path),
            message=message,
            hint=hint,
        )
        self._found[finding] = None

    def all(self) -> tuple[Finding, ...]:
        """Everything noted, in the order of the file."""
        return tuple(sorted(self._found, key=lambda found: (found.line, found.column)))


def counts(findings: Iterable[Finding]) -> dict[Kind, int]:
    """How many there are of each kind; every kind is there."""
    found = list(findings)
    return {kind: sum(one.kind == kind for one in found) for kind in KINDS}

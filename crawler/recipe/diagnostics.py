"""What is wrong with a recipe, where, and what to do: the one form that every message about a recipe has.

It knows positions and spelling, and nothing of YAML or of the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Where something stands in a recipe: `("pages", "book", "fields", "price", "process", 0)`.
Path: TypeAlias = tuple[str | int, ...]

#: More problems than this help nobody; the rest is counted in one last line.
MAX_PROBLEMS = 200

#: A word longer than this is never taken for a misspelling.
_MAX_WORD = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1; `path` is dotted, empty for the whole file."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{where}{what}; {self.hint}" if self.hint else where + what


class Position(Protocol):
    """A place in a file, as the reader gives it: `file`, and `line` and `column` from 1."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def line(self) -> int:
        """Line, from 1."""

    @property
    def column(self) -> int:
        """Column in characters, from 1."""


class Report:
    """Collects problems while a recipe is read, so that all of them can be shown at once."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}
        self._paths: set[Path] = set()

    def add(self, mark: Position, path: Path, message: str, hint: str | None = None) -> None:
        """Note one problem; the same one twice is kept once."""
        problem = Problem(
            file=mark.file, line=mark.line, column=mark.column, path=render_path(path), message=message, hint=hint
        )
        self._problems[problem] = None
        self._paths.add(path)

    @property
    def full(self) -> bool:
        """Whether more problems would only be counted: no hint is worth looking for."""
        return len(self._problems) > MAX_PROBLEMS

    def touches(self, path: Path) -> bool:
        """Whether anything is wrong at `path` or below it: what is absent there may only be misspelt."""
        return any(other[: len(path)] == path for other in self._paths)

    def problems(self) -> tuple[Problem, ...]:
        """Everything noted, in file order; at most `MAX_PROBLEMS` and a line that counts the rest."""
        ordered = sorted(self._problems, key=lambda problem: (problem.file, problem.line, problem.column))
        if len(ordered) <= MAX_PROBLEMS:
            return tuple(ordered)
        last = ordered[MAX_PROBLEMS - 1]
        more = len(ordered) - MAX_PROBLEMS
        rest = Problem(file=last.file, line=last.line, column=last.column, path="", message=f"and {more} more problems")
        return (*ordered[:MAX_PROBLEMS], rest)

    def __bool__(self) -> bool:
        return bool(self._problems)


def render_path(path: Path) -> str:
    """`("pages", "book", "process", 0)` as `pages.book.process[0]`."""
    rendered = ""
    for part in path:
        if isinstance(part, int):
            rendered += f"[{part}]"
        else:
            rendered += f".{part}" if rendered else part
    return rendered


def nearest(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """The candidates that `word` may be a misspelling of, nearest first, at most three.

    Distance is the number of letters changed, added, left out or swapped with their neighbour (optimal string
    alignment). A third of the word may be wrong; differing only in case or in `-`/`_` always counts as near.
    """
    if len(word) > _MAX_WORD:
        return ()
    found: list[tuple[int, str]] = []
    plain = _folded(word)
    for candidate in dict.fromkeys(candidates):
        if candidate == word or len(candidate) > _MAX_WORD:
            continue
        allowed = max(1, max(len(word), len(candidate)) // 3)
        if abs(len(word) - len(candidate)) > allowed:
            continue
        if _folded(candidate) == plain:
            found.append((0, candidate))
            continue
        distance = _distance(word, candidate)
        # Two letters that share nothing are no misspelling of each other.
        if distance <= allowed and distance < max(len(word), len(candidate)):
            found.append((distance, candidate))
    if not found:
        return ()
    best = min(distance for distance, _ in found)
    return tuple(candidate for distance, candidate in sorted(found) if distance <= best)[:3]


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """`did you mean 'title'?`, or None if nothing is near."""
    names = nearest(word, candidates)
    if not names:
        return None
    return "did you mean " + " or ".join(f"'{name}'" for name in names) + "?"


def one_of(names: Iterable[str]) -> str:
    """`a, b or c` for messages."""
    listed = list(names)
    if len(listed) < 2:
        return "".join(listed)
    return ", ".join(listed[:-1]) + " or " + listed[-1]


def _folded(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "")


def _distance(left: str, right: str) -> int:
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, start=1):
        two_back, before, row = before, row, [i]
        for j, other in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, two_back[j - 2] + 1)
            row.append(cost)
    return row[-1]

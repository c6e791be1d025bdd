"""What commands print and how: plain lines, tables that fit the terminal, values from pages made safe to show.

Results go to stdout, progress and remarks to stderr. Colour is left to rich, which respects NO_COLOR and pipes. Text
from a page may hold escape sequences; none of it reaches a terminal unescaped.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crawler.recipe.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Width of tables where there is no terminal to ask.
_PIPED_WIDTH: Final = 120

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
#: Characters that could move the cursor, change colours or reverse the line.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Format characters that text needs: zero-width (non-)joiner, direction marks of one character.
_HARMLESS: Final = frozenset("\u200c\u200d\u200e\u200f")


def out() -> Console:
    """Stdout, as it is now (a test may have replaced it)."""
    return _console(stderr=False)


def err() -> Console:
    """Stderr, as it is now."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


def line(console: Console, *parts: str | tuple[str, str]) -> None:
    """One line that the terminal may wrap but rich does not: it can be copied and searched."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def note(text: str) -> None:
    """A remark for the person, on stderr."""
    line(err(), (text, "dim"))


def table(*columns: str) -> Table:
    """An empty table without lines, in the terminal's width; the last column takes what is left."""
    made = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    made.expand = False
    return made


def safe(text: str) -> str:
    """Text from outside on one line: controls and direction overrides as escapes, line breaks as a mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_safe_character, text.replace("\r\n", "\n")))


def _safe_character(character: str) -> str:
    if character == "\n":
        return "\N{RETURN SYMBOL}"
    if character == "\t":
        return " "
    if unicodedata.category(character) in _UNSAFE and character not in _HARMLESS:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def shown(value: Any, limit: int = 200) -> str:
    """A value as a person reads it: text as it is, nothing as `-`, lists as JSON; at most `limit` characters."""
    if value is MISSING or value is None:
        return "-"
    text = value if isinstance(value, str) else to_json(value)
    text = safe(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def to_json(value: Any, *, indent: int = -1) -> str:
    """JSON with letters as they are; a Decimal keeps its digits. `indent` -1 = compact."""
    packed = _ENCODER.encode(_encodable(value))
    return msgspec.json.format(packed, indent=indent).decode() if indent >= 0 else packed.decode()


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        # Half a surrogate pair, as a JSON page may hold, is no UTF-8.
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_encodable(str(key)): _encodable(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(member) for member in value]
    return None if value is MISSING else value


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 page`, `2 pages`, `1,000 pages`."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def print_rows(console: Console, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Rows as a table; where the columns do not fit the terminal, each row as a block of `name  value` lines."""
    names = list(names)
    listed = [[shown(value, 60) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[index]) for row in listed), 0) for index, name in enumerate(names)]
    if sum(min(width, 24) + 2 for width in widths) <= console.width:
        grid = table()
        for name in names:
            grid.add_column(name, no_wrap=True, overflow="ellipsis")
        for row in listed:
            grid.add_row(*map(Text, row))
        console.print(grid)
        return
    left = max(map(len, names), default=0)
    for number, row in enumerate(listed, start=1):
        line(console, (f"row {number}", "bold"))
        for name, value in zip(names, row, strict=True):
            console.print(Text.assemble(f"  {name:<{left}}  ", value), no_wrap=True, overflow="ellipsis")

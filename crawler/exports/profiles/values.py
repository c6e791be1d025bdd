"""Values of a row, whatever types its contract gave them: as text, as lists of texts, as amounts."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from html.parser import HTMLParser
from typing import Any, Final

_DIGITS: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)

#: Elements that begin a new line where text is read.
_LINES: Final = frozenset(
    (
        *("address", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"),
        *("ol", "p", "pre", "section", "table", "tr", "ul"),
    )
)
#: Elements whose text nobody reads.
_SILENT: Final = frozenset(("script", "style", "template"))


def list_of(value: Any) -> list[Any]:
    """The members of a list; nothing else has any."""
    return list(value) if isinstance(value, list | tuple) else []


def text_of(value: Any) -> str:
    """A text or a number as text; empty if it is neither."""
    if value is None or isinstance(value, bool | dict | list | tuple):
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).strip()


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts of a list, or the one value; empty ones left out."""
    members = value if isinstance(value, list | tuple) else [value]
    return tuple(text for member in members if (text := text_of(member)))


def amount_of(value: Any) -> Decimal | None:
    """A number, or a text of plain digits; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    text = text_of(value if not isinstance(value, float) else repr(value))
    try:
        number = Decimal(text) if isinstance(value, float) or _DIGITS.fullmatch(text) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def text_of_html(html: str) -> str:
    """What a reader sees of HTML: one line for each block, none that is empty."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    """Collects text, with a newline where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        _ = attrs
        self._silent += tag in _SILENT
        if tag in _LINES:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))

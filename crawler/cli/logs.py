"""Where log records go while a command runs: above the progress line, or into a file."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from crawler.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

#: Lines shown above the progress; a site in trouble would fill the screen otherwise.
MAX_LINES: Final = 10
_FORMAT: Final = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"
#: Says at the end what the command prints anyway.
_SUMMARY: Final = "crawler.extensions.summary"
_STYLES: Final = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "bold red"}


class ConsoleHandler(logging.Handler):
    """Shows records one by one, each on a line of its own; after `most` of them only counts."""

    def __init__(self, to: Console, *, most: int = MAX_LINES) -> None:
        super().__init__()
        self.hidden = 0
        self._to = to
        self._left = most

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record. Its text may come from a page."""
        if record.name == _SUMMARY:
            return
        if self._left == 0:
            self.hidden += 1
            return
        self._left -= 1
        first, *rest = record.getMessage().splitlines() or [""]
        text = f"{record.levelname.lower()}: {first}" + (" ..." if rest else "")
        if record.exc_info is not None and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        console.line(self._to, (console.safe(text), _STYLES.get(record.levelno, "dim")))


@contextmanager
def shown_logs(to: Console, *, level: int, file: Path | None) -> Iterator[None]:
    """Records of at least `level` go to the console, or all of `file` if there is one, until the block ends."""
    handler: logging.Handler
    if file is None:
        handler = ConsoleHandler(to)
    else:
        handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    handler.setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
    if isinstance(handler, ConsoleHandler) and handler.hidden:
        console.note(f"{handler.hidden:,} more messages; --log-file FILE keeps them all")

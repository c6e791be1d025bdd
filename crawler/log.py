"""Log lines that cannot lie: text or JSON, with what pages and sites put into them made harmless.

A URL, a header or a title may hold escape sequences that repaint a terminal, characters that turn the reading direction
round, or line breaks that look like the beginning of another record. Formatters here take all of that out, and cut what
is too long. Knows nothing of Scrapy.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import logging
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Longer messages are cut; tracebacks are not part of a message.
MAX_MESSAGE_CHARACTERS: Final = 10_000

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
#: Controls but tab and newline, what turns the direction round, and separators that some viewers break lines at.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def harmless(text: str) -> str:
    r"""The text without escape sequences, with controls written out (`\x07`) and further lines indented."""
    if len(text) > MAX_MESSAGE_CHARACTERS:
        text = f"{text[:MAX_MESSAGE_CHARACTERS]}... ({len(text):,} characters)"
    text = _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", _ANSI.sub("", text))
    return text.replace("\n", "\n    ")


class HarmlessFormatter(logging.Formatter):
    """Formats as another formatter does, after the message has been made harmless."""

    def __init__(self, inner: logging.Formatter) -> None:
        """`inner`: decides what a line looks like."""
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line; the record itself is left as it is, for other handlers."""
        tame = copy.copy(record)
        tame.msg, tame.args = harmless(record.getMessage()), None
        return self._inner.format(tame)


def log_to_stderr(*, level: str, as_json: bool, members: Sequence[str] = ()) -> None:
    """Sends the log of this process to stderr, a line a record; `level` as of Python's logging.

    `members` are names of what records may have as `extra`, for JSON.
    """
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(json_formatter(members) if as_json else HarmlessFormatter(plain))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def is_heard(logger: logging.Logger, level: int) -> bool:
    """Whether any handler would take a record of this level; Scrapy sets levels on handlers, not on loggers."""
    if not logger.isEnabledFor(level):
        return False
    above: logging.Logger | None = logger
    while above is not None:
        for handler in above.handlers:
            if handler.level <= level:
                return True
        above = above.parent if above.propagate else None
    return False


def json_formatter(members: Sequence[str] = ()) -> logging.Formatter:
    """One JSON object a line: `timestamp` (UTC), `level`, `logger`, `event`, and `exception` if there is one.

    `members` are names of what records may have as `extra`: those that have it show it, too.
    """
    return _JsonFormatter(members)


class _JsonFormatter(logging.Formatter):
    """Of our own, since structlog loads Twisted, which has no place in the processes of the control API."""

    def __init__(self, members: Sequence[str]) -> None:
        super().__init__()
        self._members = tuple(members)

    def format(self, record: logging.LogRecord) -> str:
        """JSON escapes line breaks and controls itself, but not what turns the direction round."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, object] = {
            "event": harmless(record.getMessage()).replace("\n    ", "\n"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **{name: getattr(record, name) for name in self._members if hasattr(record, name)},
            "timestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)

"""Records in the bytes of a worker's log: where each begins, its level and its time. Knows no storage.

A record is a line as Scrapy writes it by default, or as `LOG_JSON` has it, with the lines behind it that are neither:
tracebacks, and what is printed. What stands before the first one, such as the last words of a worker that could not
begin, was written by no logger and counts as a warning.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Level(enum.StrEnum):
    """Levels from the least to the greatest."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


LEVELS: Final = tuple(Level)

#: Of what no logger has written.
_UNTOLD: Final = LEVELS.index(Level.WARNING)

#: A level of a project's own is shown with these.
_OWN: Final = LEVELS.index(Level.INFO)

_RANKS: Final = {name.encode(): rank for rank, name in enumerate(LEVELS)}

_START: Final = re.compile(
    rb"^(?:(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\S* \[[^\]\n]*\] (?P<level>[A-Z]+): "
    rb'|(?P<json>\{"event": "[^\n]*\}$))',
    re.MULTILINE,
)
#: In JSON: a quotation mark inside of a value has a backslash before it, so neither can be part of a message.
_JSON_LEVEL: Final = re.compile(rb'(?<!\\)"level": "([a-z]+)"')
_JSON_TIME: Final = re.compile(rb'(?<!\\)"timestamp": "(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)')


class Found(NamedTuple):
    """A record: its first byte and the one behind its last, rank of its level in `LEVELS`, time to the second or ""."""

    start: int
    end: int
    rank: int
    time: str


def records_in(raw: bytes) -> list[Found]:
    """All records of some whole lines, in their order; together they are all of the bytes."""
    if not raw:
        return []
    begun = list(_begun(raw))
    if not begun or begun[0][0]:
        begun.insert(0, (0, _UNTOLD, ""))
    ends = [start for start, _, _ in begun[1:]] + [len(raw)]
    return [Found(start, end, rank, time) for (start, rank, time), end in zip(begun, ends, strict=True)]


def last_start(raw: bytes, *, within: int) -> int:
    """Where the last record begins that begins in the first `within` bytes but not at 0; 0 if none does."""
    starts = [start for start, _, _ in _begun(raw[: within + 1])]
    at = bisect_right(starts, within)
    return starts[at - 1] if at else 0


def _begun(raw: bytes) -> Iterator[tuple[int, int, str]]:
    for match in _START.finditer(raw):
        if match["json"] is None:
            rank = _RANKS.get(match["level"].lower(), _OWN)
            yield match.start(), rank, match["time"].decode()
            continue
        level, time = _JSON_LEVEL.search(match["json"]), _JSON_TIME.search(match["json"])
        if level is not None and time is not None:
            yield match.start(), _RANKS.get(level[1], _OWN), f"{time[1].decode()} {time[2].decode()}"

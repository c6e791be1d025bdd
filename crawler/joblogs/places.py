"""Where a reader of logs is: a place in each worker's log, as a text that can be sent to and fro."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

VERSION: Final = 1

#: The first byte of every log.
BEGINNING: Final = 0

#: Workers are told apart by so many bytes: of 500 workers no two are alike but once in 30,000 jobs.
_HASH_BYTES: Final = 4

#: Of a text of places, in characters: that of 500 workers.
MAX_CHARACTERS: Final = 7000


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Places in the logs of a job.

    Attributes:
        marks: a place by worker: bytes from the beginning of its log.
        horizon_ms: workers that began later, in ms since 1970, are not meant by a place to go back from.
    """

    marks: Mapping[bytes, int] = field(default_factory=dict)
    horizon_ms: int = 0

    @classmethod
    def made(cls, marks: Mapping[str, int], *, horizon_ms: int) -> Self:
        """Of places by seat."""
        return cls(marks={cls.key(seat): mark for seat, mark in marks.items()}, horizon_ms=horizon_ms)

    @staticmethod
    def key(seat: str) -> bytes:
        """What stands for a worker."""
        return hashlib.blake2b(seat.encode(), digest_size=_HASH_BYTES).digest()

    def of(self, seat: str, default: int) -> int:
        """The place in a worker's log."""
        return self.marks.get(self.key(seat), default)

    def knows(self, seat: str, started_ms: int) -> bool:
        """Whether a worker is meant."""
        return started_ms <= self.horizon_ms and self.key(seat) in self.marks

    def text(self, job: str) -> str:
        """To be sent; good for that job only."""
        content = (VERSION, self.key(job), self.horizon_ms, b"".join(self.marks), list(self.marks.values()))
        return urlsafe_b64encode(msgspec.msgpack.encode(content)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, job: str) -> Self:
        """What `text` wrote.

        Raises:
            ValueError: it is none, or that of another job.
        """
        try:
            content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            version, of, horizon_ms, seats, marks = msgspec.msgpack.decode(
                content, type=tuple[int, bytes, int, bytes, list[int]]
            )
        except (ValueError, msgspec.DecodeError) as error:
            raise ValueError(f"no places in logs: {error}") from error
        is_whole = len(seats) == _HASH_BYTES * len(marks) and min(marks, default=0) >= 0
        if version != VERSION or of != cls.key(job) or not is_whole:
            raise ValueError("no places in the logs of this job")
        names = (seats[at : at + _HASH_BYTES] for at in range(0, len(seats), _HASH_BYTES))
        return cls(marks=dict(zip(names, marks, strict=True)), horizon_ms=horizon_ms)

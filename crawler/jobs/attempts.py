"""Attempts of a job: each process that has worked on it, when it began, and how it ended.

The node that started the process writes both; so an exit status and the last lines of a log are there however the
process died. When a whole node dies, its attempts stay without an end until the steward says that they are lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crawler.jobs.model import check_job_id
from crawler.wire import decode_record, encode_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.store import Caller

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: Exit status of a worker that found the store away when it began, which says nothing of its job: EX_TEMPFAIL of
#: sysexits.h.
EXIT_STORE_AWAY: Final = 75

#: Of a job's attempts so many are kept, the newest ones.
MAX_ATTEMPTS: Final = 500

#: Of a log so many last lines are kept, each of so many characters at most.
MAX_LOG_LINES: Final = 20
MAX_LINE_CHARACTERS: Final = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One process that has worked on a job. Times are ms since 1970, of the node's clock.

    Attributes:
        seat: token of the seat that it had.
        node: where it ran.
        worker: its name, as leases have it; "" before it is known.
        pid: of the process.
        started_ms: when it was started.
        ended_ms: when its end was seen; None = it runs.
        exit_code: None if it runs, or was ended by a signal, or nobody saw its end.
        signal: number of the signal that has ended it.
        is_lost: nobody saw its end: its node has gone with it.
        log_tail: the last lines of its log.
    """

    seat: str
    node: str
    worker: str = ""
    pid: int = 0
    started_ms: int
    ended_ms: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    is_lost: bool = False
    log_tail: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """How it ended, in a few words."""
        if self.ended_ms is None:
            return "running"
        if self.is_lost:
            return "lost with its node"
        return f"signal {self.signal}" if self.signal is not None else f"exit {self.exit_code}"


class RedisAttempts:
    """The attempts of jobs, in a hash of each job's own."""

    def __init__(self, store: Caller) -> None:
        self._store = store

    async def begin(self, job: str, attempt: Attempt) -> None:
        """Notes a process that has been started; the oldest ended one goes when there are too many.

        Raises:
            StoreError: the store refuses us.
        """
        await self._keep(job, attempt)
        attempts = await self.of(job)
        spare = [each.seat for each in attempts if each.ended_ms is not None][: max(0, len(attempts) - MAX_ATTEMPTS)]
        if spare:
            await self._store.command("HDEL", self._key(job), *spare)

    async def end(
        self,
        job: str,
        attempt: Attempt,
        *,
        ended_ms: int,
        exit_code: int | None = None,
        signal: int | None = None,
        log_tail: Sequence[str] = (),
    ) -> None:
        """Notes how a process has ended.

        Raises:
            StoreError: the store refuses us.
        """
        lines = tuple(line[:MAX_LINE_CHARACTERS] for line in log_tail[-MAX_LOG_LINES:])
        ended = replace(attempt, ended_ms=ended_ms, exit_code=exit_code, signal=signal, log_tail=lines, is_lost=False)
        await self._keep(job, ended)

    async def lose(self, job: str, attempt: Attempt, *, ended_ms: int) -> None:
        """Notes that nobody will see the end of a process.

        Raises:
            StoreError: the store refuses us.
        """
        await self._keep(job, replace(attempt, ended_ms=ended_ms, is_lost=True))

    async def of(self, job: str) -> tuple[Attempt, ...]:
        """All that are kept, the oldest first.

        Raises:
            StoreError: the store refuses us.
            Undecodable: one of them is of another version.
        """
        records: list[bytes] = await self._store.command("HVALS", self._key(job))
        return tuple(sorted(map(decode_attempt, records), key=lambda each: (each.started_ms, each.seat)))

    async def _keep(self, job: str, attempt: Attempt) -> None:
        await self._store.command("HSET", self._key(job), attempt.seat, encode_attempt(attempt))

    def _key(self, job: str) -> str:
        return f"{self._store.prefix}:{{{check_job_id(job)}}}:attempts"


def encode_attempt(attempt: Attempt) -> bytes:
    """The bytes of an attempt."""
    return encode_record(attempt, version=VERSION)


def decode_attempt(encoded: bytes) -> Attempt:
    """The attempt that `encode_attempt` wrote.

    Raises:
        Undecodable: no such attempt, or one of another version.
    """
    return decode_record(encoded, Attempt, version=VERSION)

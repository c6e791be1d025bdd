"""The jobs of one process, kept in memory: for crawls on one machine and for tests. Nothing survives the process.

Jobs are kept encoded, as in any other store, so that what cannot be stored there cannot be stored here, and nobody can
change a job that was accepted.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crawler.errors import NoSuchJob
from crawler.jobs.codec import decode_job, encode_job
from crawler.jobs.history import Change, History, changed
from crawler.jobs.listing import JobFilter
from crawler.jobs.model import Job, JobStatus, State, check_job_id, sentence
from crawler.jobs.states import TERMINAL, adopted, delete_refused, intend, transition
from crawler.jobs.store_contract import MAX_SCANNED, RESERVED_MS, JobPage, StoredJob, bounded, check_place, place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from crawler.jobs.model import Intended, Outcome


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Kept:
    record: bytes
    client: str
    created_ms: int
    status: JobStatus
    changes: list[Change]

    def become(self, status: JobStatus, now_ms: int) -> JobStatus:
        """Takes a status, and keeps what has changed."""
        if status.version != self.status.version:
            self.changes.append(changed(status, now_ms))
        self.status = status
        return status


class MemoryJobStore:
    """See `crawler.jobs.store_contract.JobStore`."""

    def __init__(self, *, now_ms: Callable[[], int] = _wall_clock_ms) -> None:
        """`now_ms` tells the time, in ms since 1970."""
        self._now_ms = now_ms
        self._kept: dict[str, _Kept] = {}
        self._reserved: defaultdict[str, dict[str, int]] = defaultdict(dict)  # client -> job -> when, in ms

    async def create(self, job: Job) -> tuple[Job, bool]:
        """See the contract."""
        record, now_ms = encode_job(job), self._now_ms()
        is_new = job.id not in self._kept
        if is_new:
            status = JobStatus(state=State.QUEUED, queued_ms=now_ms)
            self._kept[job.id] = _Kept(record, job.client, job.created_ms or now_ms, status, [changed(status, now_ms)])
        kept = self._kept[job.id]
        if kept.status.state not in TERMINAL:
            self._reserved[kept.client][job.id] = now_ms
        return _job(kept), is_new

    async def get(self, job: str) -> StoredJob | None:
        """See the contract."""
        kept = self._kept.get(check_job_id(job))
        return None if kept is None else StoredJob(_job(kept), kept.status)

    async def status(self, job: str) -> JobStatus | None:
        """See the contract."""
        kept = self._kept.get(check_job_id(job))
        return None if kept is None else kept.status

    async def history(self, job: str) -> History | None:
        """See the contract."""
        kept = self._kept.get(check_job_id(job))
        return None if kept is None else History(status=kept.status, changes=tuple(kept.changes))

    async def owner(self, job: str) -> str | None:
        """See the contract."""
        kept = self._kept.get(check_job_id(job))
        return None if kept is None else kept.client

    async def move(
        self,
        job: str,
        to: State,
        *,
        intended: Intended | None = None,
        outcome: Outcome | None = None,
        why: str | None = None,
        version: int | None = None,
    ) -> JobStatus:
        """See the contract."""
        kept, now_ms = self._found(job), self._now_ms()
        status = transition(
            kept.status,
            to,
            now_ms=now_ms,
            intended=intended,
            outcome=outcome,
            why=why,
            version=version,
            job=f"job {job}",
        )
        return kept.become(status, now_ms)

    async def intend(self, job: str, intended: Intended, *, why: str | None = None) -> JobStatus:
        """See the contract."""
        kept = self._found(job)
        return kept.become(intend(kept.status, intended, why=why, job=f"job {job}"), self._now_ms())

    async def adopt(self, job: str, end: State, *, outcome: Outcome, why: str | None = None) -> JobStatus:
        """See the contract."""
        kept, now_ms = self._found(job), self._now_ms()
        status = adopted(kept.status, end, now_ms=now_ms, outcome=outcome, why=why, job=f"job {job}")
        return kept.become(status, now_ms)

    async def set_why(self, job: str, why: str, *, version: int | None = None) -> bool:
        """See the contract."""
        kept = self._kept.get(check_job_id(job))
        if kept is None or kept.status.state in TERMINAL or version not in (None, kept.status.version):
            return False
        kept.status = replace(kept.status, why=sentence(why))
        return True

    async def newest(
        self,
        *,
        client: str = "",
        states: Collection[State] = (),
        outcomes: Collection[Outcome] = (),
        recipe: str = "",
        tag: str = "",
        created_after_ms: int | None = None,
        created_before_ms: int | None = None,
        after: str = "",
        limit: int = 50,
    ) -> JobPage:
        """See the contract."""
        wanted = JobFilter(
            client=client,
            states=states,
            outcomes=outcomes,
            recipe=recipe,
            tag=tag,
            created_after_ms=created_after_ms,
            created_before_ms=created_before_ms,
        )
        before = min(filter(None, (check_place(after), wanted.behind, ":")))  # ":" is behind every digit
        places = {place(job, kept.created_ms): kept for job, kept in self._kept.items()}
        of_client = (at for at, kept in places.items() if client in ("", kept.client))
        ahead = sorted((at for at in of_client if wanted.first <= at < before), reverse=True)
        found: list[StoredJob] = []
        for scanned, at in enumerate(ahead, 1):
            stored = StoredJob(_job(places[at]), places[at].status)
            found += [stored] if wanted.fits(stored) else []
            if scanned < len(ahead) and (len(found) == bounded(limit) or scanned == MAX_SCANNED):
                return JobPage(jobs=tuple(found), next=at)
        return JobPage(jobs=tuple(found))

    async def live(self) -> tuple[str, ...]:
        """See the contract."""
        return tuple(sorted(job for job, kept in self._kept.items() if kept.status.state not in TERMINAL))

    async def live_of(self, client: str) -> tuple[str, ...]:
        """See the contract."""
        return tuple(sorted(self._counted(client)))

    async def reserve(self, client: str, job: str, limit: int | None) -> bool:
        """See the contract."""
        counted = self._counted(client)
        if check_job_id(job) not in counted and limit is not None and len(counted) >= limit:
            return False
        counted[job] = self._now_ms()
        return True

    async def release(self, client: str, job: str) -> None:
        """See the contract."""
        self._reserved[client].pop(check_job_id(job), None)

    def _counted(self, client: str) -> dict[str, int]:
        """The jobs of a client that have a place, without those that have lost it."""
        latest_ms = self._now_ms() - RESERVED_MS

        def is_counted(job: str, reserved_ms: int) -> bool:
            kept = self._kept.get(job)
            return reserved_ms > latest_ms if kept is None else kept.status.state not in TERMINAL

        self._reserved[client] = {job: ms for job, ms in self._reserved[client].items() if is_counted(job, ms)}
        return self._reserved[client]

    async def reindex(self) -> int:
        """See the contract."""
        for job, kept in self._kept.items():
            if kept.status.state not in TERMINAL:
                self._reserved[kept.client].setdefault(job, 0)
        return len(self._kept)

    async def delete(self, job: str) -> None:
        """See the contract."""
        kept = self._kept.get(check_job_id(job))
        if kept is None:
            return
        if kept.status.state not in TERMINAL:
            raise delete_refused(kept.status, job=f"job {job}")
        del self._kept[job]

    def _found(self, job: str) -> _Kept:
        kept = self._kept.get(check_job_id(job))
        if kept is None:
            raise NoSuchJob(f"there is no job {job}")
        return kept


def _job(kept: _Kept) -> Job:
    return replace(decode_job(kept.record), created_ms=kept.created_ms)

"""Jobs as JSON objects: what schemas describe, made of what stores keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crawler.jobs.model import State
from crawler.jobs.outcomes import HARMLESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.frontier.contract import Ledger
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.model import Job, JobStatus
    from crawler.jobs.store_contract import StoredJob


#: Outcomes of pages that nobody has asked the site for.
_NOT_VISITED: Final = ("cancelled", "filtered", "robots", "egress_denied")


def accepted(job: Job) -> dict[str, Any]:
    """A job as it was accepted: made of its order alone, which never changes."""
    path = f"/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "client": job.client,
        "state": State.QUEUED,
        "recipe": job.recipe,
        "recipe_sha256": job.recipe_sha256,
        "priority": job.priority,
        "max_workers": job.max_workers,
        "tags": list(job.tags),
        "replay": None if job.replay is None else {"job": job.replay.job, "outcome": job.replay.outcome},
        "created_at": job.created_ms,
        "links": {
            "self": path,
            "failures": f"{path}/failures",
            "logs": f"{path}/logs",
            "results": f"{path}/results",
            "quality": f"{path}/quality",
        },
    }


def summary(stored: StoredJob) -> dict[str, Any]:
    """A job and its status."""
    job, status = stored
    limits = {name: limit for name in job.limits.__slots__ if (limit := getattr(job.limits, name)) is not None}
    return accepted(job) | {
        "spider": job.spider,
        "inputs": job.inputs,
        "limits": limits,
        "state": status.state,
        "intended": status.intended,
        "outcome": status.outcome,
        "why": status.why,
        "started_at": status.started_ms,
        "finishing_at": status.finishing_ms,
        "finished_at": status.finished_ms,
    }


def whole(stored: StoredJob, books: Ledger, attempts: Sequence[Attempt], *, now_ms: int) -> dict[str, Any]:
    """A job with its books and its workers."""
    return summary(stored) | {
        "progress": progress(stored.status, books, now_ms=now_ms),
        "attempts": [
            {
                "node": attempt.node,
                "worker": attempt.worker,
                "started_at": attempt.started_ms,
                "ended_at": attempt.ended_ms,
                "how": attempt.how,
            }
            for attempt in attempts
        ],
    }


def progress(status: JobStatus, books: Ledger, *, now_ms: int) -> dict[str, Any]:
    """The books, and what follows from them: how fast it goes, and how long what is known by now will take."""
    settled = sum(books.settled.values())
    pages_per_s = eta_s = None
    if status.started_ms is not None:
        until_ms = status.finishing_ms or status.finished_ms or now_ms
        seconds = (until_ms - status.started_ms) / 1000
        visited = settled - sum(books.settled.get(outcome, 0) for outcome in _NOT_VISITED)
        pages_per_s = round(visited / seconds, 3) if seconds > 0 else None
    if status.state is State.RUNNING and pages_per_s and status.intended is None and not books.parked:
        eta_s = round(books.open / pages_per_s, 1)
    return {
        "found": books.accepted,
        "settled": settled,
        "ready": books.ready,
        "delayed": books.delayed,
        "leased": books.leased,
        "parked": books.parked,
        "failed": failed(books),
        "retries": books.retries,
        "rows": dict(books.rows),
        "outcomes": dict(books.settled),
        "pages_per_s": pages_per_s,
        "eta_s": eta_s,
    }


def failed(books: Ledger) -> int:
    """Pages with an outcome that is a failure."""
    return sum(count for outcome, count in books.settled.items() if outcome not in HARMLESS)

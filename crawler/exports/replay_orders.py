"""The order of a job that fetches failed pages of another one again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.errors import NothingToReplay, TransitionRefused
from crawler.jobs.model import Replay
from crawler.jobs.outcomes import HARMLESS
from crawler.jobs.states import TERMINAL

if TYPE_CHECKING:
    from crawler.exports.manifest import Manifest
    from crawler.jobs.model import Job
    from crawler.jobs.store_contract import StoredJob


def replay_of(
    first: StoredJob,
    manifest: Manifest | None,
    outcome: str,
    *,
    new_id: str,
    request_sha256: str = "",
    created_ms: int = 0,
) -> Job:
    """The order: recipe, inputs, secret and limits are those of the first job; of rows it may keep what is left.

    Args:
        first: the job that has ended.
        manifest: what it has left; None = nothing is there (any more).
        outcome: pages that came to this are fetched again.
        new_id: of the new job.
        request_sha256: see `Job`.
        created_ms: ditto.

    Raises:
        TransitionRefused: the first job has not ended.
        NothingToReplay: no page came to that, or what is needed for it is not there.
    """
    job, state = first.job, first.status.state
    if state not in TERMINAL:
        raise TransitionRefused(f"job {job.id} is {state}; a job is replayed when it has ended", state=state)
    if manifest is None:
        raise NothingToReplay(f"the files of job {job.id} are not there any more: nothing of it can be replayed")
    if not manifest.ledger.settled.get(outcome):
        failed = sorted(name for name, count in manifest.ledger.settled.items() if count and name not in HARMLESS)
        others = f"; there are pages with {', '.join(failed)}" if failed else ""
        raise NothingToReplay(f"no page of job {job.id} came to {outcome}{others}")
    if not manifest.replay_key:
        raise NothingToReplay(f"job {job.id} has left nothing that its failed pages could be replayed from")
    limits, rows = job.limits, sum(manifest.ledger.rows.values())
    if limits.items is not None:
        if rows >= limits.items:
            raise NothingToReplay(f"job {job.id} has the {limits.items:,} rows that it may keep (limits.items)")
        limits = replace(limits, items=limits.items - rows)
    return replace(
        job,
        id=new_id,
        limits=limits,
        replay=Replay(job=job.id, outcome=outcome),
        request_sha256=request_sha256,
        created_ms=created_ms,
    )

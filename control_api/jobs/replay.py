"""Fetches failed pages of a job again, as a new job whose files have the rows of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from control_api.jobs.lookup import own_job
from control_api.jobs.submit import manifest_of, submitted
from control_api.problems import Problem
from control_api.services import ask, principal
from crawler.exports.replay_orders import replay_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from control_api.jobs.submit import Accepted, Asked
    from crawler.access.model import Client
    from crawler.jobs.model import Job


def replayed(job_id: str, order: Callable[[], Mapping[str, Any]]) -> Accepted:
    """The job that replays another one: the one that this call has made before, or a new one.

    Args:
        job_id: of the job that has ended.
        order: reads and checks the body, which names an outcome.

    Raises:
        Problem: there is no such job, or it is another client's.
        CrawleryError: it has not ended, or nothing of it can be replayed; else see `submit.accept`.
    """

    def make(wanted: Mapping[str, Any], new_id: str, asked: Asked, client: Client) -> Job:
        first = ask(lambda store: own_job(store, job_id))
        if first.job.client != client.id:
            raise Problem("conflict", f"Job {job_id} is another client's; only its client replays it.")
        return replay_of(
            first,
            manifest_of(client.id, job_id),
            wanted["outcome"],
            new_id=new_id,
            request_sha256=asked.sha256,
            created_ms=principal().now_ms,
        )

    ask(lambda store: own_job(store, job_id))  # one that is another's is unknown, whatever the body is
    return submitted(f"POST /v1/jobs/{job_id}/replay", order, make=make)

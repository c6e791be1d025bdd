"""What is done to a job while it goes: paused, resumed, ended; `by` whom, for the audit. Whose it is was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.errors import TransitionRefused
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Intended, State
from crawler.jobs.redis import RedisJobStore

if TYPE_CHECKING:
    from crawler.origin import Origin
    from crawler.store import Store


async def pause(store: Store, job_id: str, by: Origin) -> None:
    """It gives out no pages until it is resumed.

    Raises:
        TransitionRefused: its state does not allow it.
    """
    await RedisJobStore(store, origin=by).move(job_id, State.PAUSED)


async def resume(store: Store, job_id: str, by: Origin) -> None:
    """A paused one goes on.

    Raises:
        TransitionRefused: its state does not allow it.
    """
    jobs = RedisJobStore(store, origin=by)
    status = await jobs.status(job_id)
    if status is not None and status.state is State.QUEUED:  # it could begin, but that is for nodes to say
        raise TransitionRefused(f"job {job_id} is queued; only a paused job is resumed", state=status.state)
    await jobs.move(job_id, State.RUNNING)


async def cancel(store: Store, job_id: str, by: Origin) -> None:
    """It gives out no more pages; what has one in work closes it when that is done.

    Raises:
        TransitionRefused: it has ended otherwise, or is to end otherwise.
    """
    await RedisJobStore(store, origin=by).intend(job_id, Intended.CANCEL)
    frontier = RedisFrontier(store, job=job_id)
    await frontier.promote()
    await frontier.close("cancelled")

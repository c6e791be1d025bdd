"""Jobs by id, as far as their caller may see them: one of another client is as unknown as one that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from control_api.problems import not_found
from control_api.services import principal
from crawler.access.model import Scope
from crawler.errors import InvalidJob
from crawler.jobs.redis import RedisJobStore

if TYPE_CHECKING:
    from crawler.jobs.store_contract import StoredJob
    from crawler.store import Store


async def owner_of(store: Store, job_id: str) -> str | None:
    """Whose job it is; None if there is none, or that is no id."""
    try:
        return await RedisJobStore(store).owner(job_id)
    except InvalidJob:
        return None


async def own_job(store: Store, job_id: str) -> StoredJob:
    """The job of an id.

    Raises:
        Problem: there is none, or it is another client's, and the key is no administrator's.
    """
    owner = await owner_of(store, job_id)
    if owner is None or (owner != principal().client.id and not principal().may(Scope.ADMIN)):
        raise not_found("job")
    stored = await RedisJobStore(store).get(job_id)
    if stored is None:
        raise not_found("job")
    return stored

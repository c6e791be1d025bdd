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


async def visible_owner(store: Store, job_id: str, *, also: Scope) -> str | None:
    """Whose job it is, if its client asks, or a key with the scope `also`; None otherwise, or if there is none.

    Everything is asked in any case: a few microseconds less would tell that there is no such job at all.
    """
    try:
        owner = await RedisJobStore(store).owner(job_id)
    except InvalidJob:
        owner = None
    caller = principal()
    is_own, may_all_the_same = owner == caller.client.id, caller.may(also)
    return owner if is_own or may_all_the_same else None


async def own_job(store: Store, job_id: str) -> StoredJob:
    """The job of an id.

    Raises:
        Problem: there is none, or it is another client's, and the key is no administrator's.
    """
    if await visible_owner(store, job_id, also=Scope.ADMIN) is None:
        raise not_found("job")
    stored = await RedisJobStore(store).get(job_id)
    if stored is None:
        raise not_found("job")
    return stored

"""What views stand on, as one value, and how they reach it. Made by `create_app`, or handed in by a test."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import current_app, g, request

from crawler.access.store import AccessStore
from crawler.joblogs.reader import IndexCache
from crawler.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from control_api.jobs.feeds import Feeds
    from control_api.readiness import Watch
    from control_api.recipe_shelf import RecipeShelf
    from control_api.store_thread import StoreThread
    from crawler.access.model import Principal
    from crawler.config import ApiConfig
    from crawler.exports.objects import ObjectStore
    from crawler.peppers import Peppers
    from crawler.store import Store

_T = TypeVar("_T")

#: So long a call may wait for the store in all, in seconds; then its client is told to come again. What else it waits
#: for has a patience of its own: a body that comes slowly, a storage of files.
PATIENCE_S: Final = 2.0

#: Where the app has its services.
EXTENSION: Final = "crawlery"


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What views stand on.

    Attributes:
        config: of the API.
        peppers: of keys.
        store: of jobs, clients and keys.
        objects: the storage of files.
        recipes: those of the deployment.
        feeds: jobs that are watched.
        store_watch: whether the store takes and gives, asked in the background.
        storage_watch: the same of the storage of files.
        log_indexes: those of logs that were read lately.
    """

    config: ApiConfig
    peppers: Peppers
    store: StoreThread
    objects: ObjectStore
    recipes: RecipeShelf
    feeds: Feeds
    store_watch: Watch
    storage_watch: Watch
    log_indexes: IndexCache = field(default_factory=IndexCache)


def services() -> Services:
    """Those of the present app."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def principal() -> Principal:
    """Who is calling."""
    found: Principal = g.principal
    return found


def origin() -> Origin:
    """Who asks, as the audit notes it with what the present call changes."""
    caller: Principal | None = g.get("principal")
    return Origin(
        by="api",
        client="" if caller is None else caller.client.id,
        key="" if caller is None else caller.key.id,
        source=request.remote_addr or "",
        request=g.get("request_id", ""),
    )


def ask(call: Callable[[Store], Coroutine[Any, Any, _T]]) -> _T:
    """What the store answers, while the present call still has patience.

    Raises:
        StoreAway: it does not answer in time.
        StoreError: it refuses.
    """
    began = time.monotonic()
    try:
        return services().store.ask(call, within_s=g.patience_s)
    finally:
        g.patience_s -= time.monotonic() - began


def ask_access(call: Callable[[AccessStore], Coroutine[Any, Any, _T]]) -> _T:
    """The same of clients and keys."""
    peppers, by = services().peppers, origin()
    return ask(lambda store: call(AccessStore(store, peppers, origin=by)))

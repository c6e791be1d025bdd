"""What commands need to reach the store of jobs and the storage of files: options, connections, messages."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import socket
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import redis

from crawler.cli.groups import CommandFailed
from crawler.config import read_config
from crawler.jobs.model import check_job_id
from crawler.jobs.redis import RedisJobStore
from crawler.origin import Origin
from crawler.store import ESCAPES_IN_ADDRESSES, Store, connect, connect_sync, shown_address

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from crawler.exports.objects import ObjectStore
    from crawler.jobs.store_contract import StoredJob

logger: Final = logging.getLogger(__name__)

_T = TypeVar("_T")

_NO_STORE: Final = (
    "which store? --redis-url redis://HOST:PORT/DB, or REDIS_URL in the environment, says where the jobs are"
)

#: An error would show parts of the password.
_UNREADABLE: Final = (
    f"what --redis-url or REDIS_URL says is no address of a store (redis://HOST:PORT/DB); {ESCAPES_IN_ADDRESSES}"
)


def with_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the jobs are."""
    url = "Where the jobs are: redis://HOST:PORT/DB.  [env: REDIS_URL]"
    command = click.option("--prefix", default="crawlery", show_default=True, help="As STORE_PREFIX of the crawl.")(
        command
    )
    return click.option("--redis-url", metavar="URL", help=url)(command)


def store_url(redis_url: str | None) -> str:
    """The URL of a store that answers.

    Raises:
        CommandFailed: no store is named, or it does not answer.
    """
    url = redis_url or read_config().redis_url
    if not url:
        raise CommandFailed(_NO_STORE)
    _ping(url)
    return url


def store_url_of_service(redis_url: str | None) -> str:
    """The URL of a store for a process that stays: one that is away is said in the log, and no reason to end.

    Whoever starts a process that ends at once again and again leaves longer and longer pauses: a store that was away
    for seconds would have no steward for minutes.

    Raises:
        CommandFailed: no store is named, its address is none, or it refuses us.
    """
    try:
        return store_url(redis_url)
    except CommandFailed as error:
        if not _is_away(error.__cause__):
            raise
        logger.warning("%s; waiting for it", error)
        return redis_url or read_config().redis_url


def _is_away(error: BaseException | None) -> bool:
    """Whether time may heal it. A wrong password is a kind of lost connection to the client, too."""
    is_refused = isinstance(error, redis.AuthenticationError | redis.exceptions.AuthorizationError)
    return isinstance(error, redis.ConnectionError | redis.TimeoutError) and not is_refused


def run_with_store(redis_url: str | None, prefix: str, ask: Callable[[Store], Coroutine[Any, Any, _T]]) -> _T:
    """Runs `ask` with a store that answers.

    Raises:
        CommandFailed: no store is named, or it does not answer.
    """
    url = store_url(redis_url)

    async def run() -> _T:
        store = Store(connect({"url": url}), prefix=prefix)
        try:
            return await ask(store)
        finally:
            await store.close()

    return asyncio.run(run())


def operator() -> Origin:
    """Who types a command that changes the store itself, as the audit notes it: whoever has access may do it."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return Origin(by="command", source=f"{user}@{socket.gethostname()}")


async def stored_job(store: Store, job_id: str) -> StoredJob:
    """The job of that id.

    Raises:
        CommandFailed: there is none.
        InvalidJob: it is no id.
    """
    stored = await RedisJobStore(store).get(check_job_id(job_id))
    if stored is None:
        raise CommandFailed(f"there is no job {job_id}; `crawlery job list` shows those that there are")
    return stored


def storage_of_files() -> ObjectStore | None:
    """The storage that STORAGE_URL names; None if it names none.

    Raises:
        ConfigError: it cannot be used.
    """
    from crawler.exports.storage import object_store_of  # noqa: PLC0415 - boto3 takes half a second to load

    config = read_config()
    return object_store_of(config) if config.storage_url else None


def _ping(url: str) -> None:
    """Whether the store answers; `Store` itself would wait until it does.

    Raises:
        CommandFailed: it does not, or the URL is none.
    """
    try:
        client = connect_sync({"url": url})
        try:
            client.ping()
        finally:
            client.close()
    except (ValueError, TypeError, redis.RedisError) as error:
        shown = shown_address(url)
        if shown is None:
            raise CommandFailed(_UNREADABLE) from error
        if isinstance(error, redis.RedisError):
            raise CommandFailed(f"the store at {shown} does not answer: {error}") from error
        raise CommandFailed(f"{shown} is no address of a store (redis://HOST:PORT/DB): {error}") from error

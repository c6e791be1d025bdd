"""Makes or joins the job that a crawl shares with other processes, and reads the ones that there are.

Which crawl is shared, and with whom, is said by `crawler.fleet`; this is loaded for those only, with the store's
client. What a worker does with its job is the scheduler's business.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import redis

from crawler.errors import ConfigError, NoSuchJob, StoreUnreachable
from crawler.frontier.contract import Reply
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Job, State, check_job_id
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL
from crawler.spiders.recipe import RecipeSpider
from crawler.store import Store, connect, connect_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from scrapy import Spider

    from crawler.fleet import FleetSettings
    from crawler.jobs.model import JobStatus
    from crawler.jobs.store_contract import StoredJob

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: States in which a job takes no more pages.
_OVER: Final = TERMINAL | {State.FINISHING}

#: The ids of an ordinary spider's jobs are its name and a number; so many are tried.
_MAX_RUNS: Final = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a crawl would make a job of, if there is none yet.

    Attributes:
        job: the job, as new.
        numbered: its id is only the first part: of the jobs called so with a number behind it the newest counts, and
            after that one has ended the next one is made.
        inputs_known: the inputs of an ordinary spider are told from what it has made of them only on a command line.
    """

    job: Job
    numbered: bool = False
    inputs_known: bool = True


def wish_of(spidercls: type[Spider], name: str, job: str, inputs: Mapping[str, Any] | None) -> Wish:
    """The job of a crawl.

    Args:
        spidercls: its spider.
        name: the spider's name.
        job: of `-a job=ID`; "" = none.
        inputs: a recipe's, typed; an ordinary spider's arguments, or None where nobody knows them.

    Raises:
        InvalidJob: `job` is no id.
    """
    secret = secrets.token_bytes(32)
    if issubclass(spidercls, RecipeSpider):
        recipe = spidercls.recipe
        made_up = f"{recipe.name[:40]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        new = Job(
            id=check_job_id(job or made_up),
            recipe=recipe.name,
            recipe_text=recipe.resolved,
            inputs=dict(inputs or {}),
            by_hand=True,
            secret=secret,
        )
        return Wish(job=new)
    new = Job(id=check_job_id(job or name[:50]), spider=name, inputs=dict(inputs or {}), by_hand=True, secret=secret)
    return Wish(job=new, numbered=not job, inputs_known=inputs is not None)


async def join(store: Store, wish: Wish, *, begin_anew: bool = False) -> Job:
    """The job as it is stored: made now, or made by another process before.

    Args:
        store: where it is.
        wish: what it would be.
        begin_anew: of numbered jobs, one that has begun is ended first, unless others are at work on it.

    Raises:
        ConfigError: the job runs something else, or has ended.
        StoreError: the store refuses us.
    """
    jobs = RedisJobStore(store)
    if not wish.numbered:
        return await _joined(jobs, wish)
    base = wish.job.id
    hint = f"{store.prefix}:runs:{base}"
    first = int(await store.command("GET", hint) or 1)
    for number in range(first, first + _MAX_RUNS):
        run = replace(wish, job=replace(wish.job, id=f"{base}-{number}"))
        status = await jobs.status(run.job.id)
        if status is None or status.state not in _OVER:
            has_begun = status is not None and status.state is not State.QUEUED
            if begin_anew and has_begun and await _ended(store, run.job.id):
                continue
            await store.command("SET", hint, number)
            return await _joined(jobs, run)
    raise ConfigError(f"{base} has run {_MAX_RUNS:,} times; remove {hint}, or give -a job=ID")


async def _ended(store: Store, job: str) -> bool:
    """Ends a job that nobody is at work on; whether that is so."""
    frontier = RedisFrontier(store, job=job)
    await frontier.promote()  # leases of workers that died long ago
    if await frontier.close("cancelled") is Reply.STALE:
        logger.warning(
            "SCHEDULER_FLUSH_ON_START: others are at work on %s, so this worker joins it; `crawlery job cancel %s`"
            " would end it",
            job,
            job,
        )
        return False
    logger.info("SCHEDULER_FLUSH_ON_START: %s is ended, the next run begins", job)
    return True


async def _joined(jobs: RedisJobStore, wish: Wish) -> Job:
    mine = wish.job
    job, created = await jobs.create(mine)
    if created:
        return job
    other = f"give another -a job=ID than {mine.id}"
    if (mine.recipe, mine.spider) != (job.recipe, job.spider):
        raise ConfigError(f"job {mine.id} crawls {job.recipe or job.spider}, not {mine.recipe or mine.spider}; {other}")
    if mine.recipe_sha256 != job.recipe_sha256:
        raise ConfigError(f"job {mine.id} began with another text of recipe {mine.recipe}; {other}")
    for name in sorted({*mine.inputs, *job.inputs} if wish.inputs_known else ()):
        if mine.inputs.get(name) != job.inputs.get(name):
            was, given = job.inputs.get(name), mine.inputs.get(name)
            raise ConfigError(f"job {mine.id} began with {name}={was!r}, this command says {given!r}; {other}")
    status = await jobs.status(mine.id)
    if status is not None and status.state in _OVER:
        raise ConfigError(f"job {mine.id} takes no more pages: it is {status.state}; {other}")
    return job


def join_now(fleet: FleetSettings, wish: Wish) -> Job:
    """`join`, over a connection of its own, for callers that cannot wait for a loop.

    Raises:
        ConfigError: the store does not answer; the job runs something else, or has ended.
        StoreError: the store refuses us.
    """
    return _ask_now(fleet, lambda store: join(store, wish, begin_anew=fleet.begin_anew))


def read_job_now(fleet: FleetSettings, job: str) -> StoredJob:
    """The job of that id and how far it is, for callers that cannot wait for a loop.

    Raises:
        ConfigError: the store does not answer.
        InvalidJob: that is no id.
        NoSuchJob: there is none.
        StoreError: the store refuses us.
    """
    stored = _ask_now(fleet, lambda store: RedisJobStore(store).get(job))
    if stored is None:
        raise NoSuchJob(f"there is no job {job} in the store at {fleet.address}; `crawlery job list` shows all")
    return stored


def is_over(status: JobStatus) -> bool:
    """Whether a job takes no more pages."""
    return status.state in _OVER


def _ask_now(fleet: FleetSettings, question: Callable[[Store], Coroutine[Any, Any, _T]]) -> _T:
    """The answer to a question, asked in a thread over a connection of its own."""
    _ping(fleet)
    outcome: list[_T | Exception] = []

    async def ask() -> _T:
        store = Store(connect(fleet.parameters), prefix=fleet.prefix)
        try:
            return await question(store)
        finally:
            await store.close()

    def run() -> None:
        try:
            outcome.append(asyncio.run(ask()))
        except Exception as error:  # noqa: BLE001 - handed over to the thread that waits, and raised there
            outcome.append(error)

    # A loop runs in this thread, or has been made for it: `asyncio.run` would refuse, or take it away.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _ping(fleet: FleetSettings) -> None:
    """Whether the store answers.

    Raises:
        ConfigError: it does not, or the client cannot be made as the settings say.
    """
    try:
        # Both clients, since they take different options: one that a connection does not know shows when it is made.
        connect(fleet.parameters).connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py has not typed it
        with connect_sync(fleet.parameters) as client:
            client.ping()
    except (ValueError, TypeError) as error:
        problem = str(error).partition("__init__() got an ")[2] or error
        raise ConfigError(f"REDIS_URL or REDIS_PARAMS cannot be used: {problem}") from error
    except (redis.RedisError, OSError) as error:
        raise StoreUnreachable(f"the store at {fleet.address} does not answer: {error}") from error

"""Orders by Scrapyd's own API: a recipe or a spider of this node's installation becomes a job, and a job is cancelled.

The job belongs to the client `local`, and any node of the fleet may run it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scrapy.spiderloader import get_spider_loader

from crawler.config import read_config
from crawler.errors import ConfigError, InvalidJob, TransitionRefused
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Intended, Job, Priority, State, check_job_id
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL
from crawler.recipe.diagnostics import did_you_mean
from crawler.spiders.recipe import RecipeSpider
from crawler.spiders.runner import project_settings
from crawler.spiders.stored import GENERIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.spiderloader import SpiderLoaderProtocol

    from crawler.jobs.model import JobStatus
    from crawler.jobs.store_contract import JobStore
    from crawler.store import Store

#: Scrapyd's words for where a job is.
_PENDING: Final = "pending"
_RUNNING: Final = "running"
_FINISHED: Final = "finished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `schedule.json` is given.

    Attributes:
        name: of a recipe or a spider.
        priority: above 0 is high, below 0 is low.
        arguments: inputs by name, as texts; and Scrapyd's `_job`, `_version` and `settings`.
    """

    name: str
    priority: float = 0.0
    arguments: Mapping[str, Any] = field(default_factory=dict)


def spider_names() -> list[str]:
    """Recipes and spiders that can be ordered here, read anew, and the generic spider that all nodes run."""
    return [*sorted(set(_loader().list()) - {GENERIC}), GENERIC]


async def make_job(jobs: JobStore, order: Order) -> Job:
    """The job that was ordered; an order that is repeated with its id is the same job.

    Raises:
        ConfigError: it asks for what nodes do not do, or for a recipe that is not there, or its id is taken.
        InputError: the inputs do not fit the recipe.
        InvalidJob: the id is none.
        RecipeError: the recipe cannot be used.
        StoreError: the store refuses us.
    """
    inputs = dict(order.arguments)
    job_id = check_job_id(str(inputs.pop("_job", "") or secrets.token_hex(16)))
    if inputs.pop("_version", None) is not None:
        raise ConfigError("_version is not taken: nothing is deployed to a node, so there are no versions")
    if inputs.pop("settings", None):
        raise ConfigError("setting is not taken: a job has inputs and limits; settings are those of the node")
    wanted = _job(order, job_id, inputs)
    job, is_new = await jobs.create(wanted)
    if not is_new and _gist(job) != _gist(wanted):
        raise ConfigError(f"job {job_id} exists already, and runs something else; give another jobid")
    return job


def _job(order: Order, job_id: str, inputs: Mapping[str, Any]) -> Job:
    loader = _loader()
    if order.name == GENERIC:
        raise ConfigError(f"schedule a recipe by its name; {GENERIC} is what nodes run for it")
    try:
        spidercls = loader.load(order.name)
    except KeyError as error:
        hint = did_you_mean(order.name, loader.list()) or "listspiders.json shows all"
        raise ConfigError(f"there is no recipe or spider called {order.name!r}; {hint}") from error
    common: dict[str, Any] = {"id": job_id, "priority": _priority(order.priority), "secret": secrets.token_bytes(32)}
    if issubclass(spidercls, RecipeSpider):
        recipe = spidercls.recipe
        typed = dict(recipe.inputs.from_text(inputs))
        return Job(recipe=recipe.name, recipe_text=recipe.resolved, inputs=typed, **common)
    return Job(spider=order.name, inputs=dict(inputs), **common)


def _gist(job: Job) -> tuple[Any, ...]:
    return job.recipe, job.spider, job.recipe_sha256, job.inputs


def _loader() -> SpiderLoaderProtocol:
    return get_spider_loader(project_settings(module=read_config().settings_module))


def _priority(number: float) -> Priority:
    if number == 0:
        return Priority.NORMAL
    return Priority.HIGH if number > 0 else Priority.LOW


async def cancel_job(store: Store, job: str) -> str | None:
    """Cancels a job; where it was, in Scrapyd's words, or None if there is nothing to cancel.

    Raises:
        StoreError: the store refuses us.
    """
    jobs = RedisJobStore(store)
    status = await _status(jobs, job)
    if status is None or status.intended is not None or status.state in TERMINAL:
        return None
    try:
        await jobs.intend(job, Intended.CANCEL)
    except TransitionRefused:
        return None  # it is to end since a moment ago
    frontier = RedisFrontier(store, job=job)
    await frontier.promote()
    await frontier.close("cancelled")  # or the last of its workers does, with the pages that they have
    return _word(status)


async def where_is(store: Store, job: str) -> str | None:
    """`pending`, `running`, `finished`, or None if there is no such job.

    Raises:
        StoreError: the store refuses us.
    """
    status = await _status(RedisJobStore(store), job)
    return None if status is None else _word(status)


async def _status(jobs: JobStore, job: str) -> JobStatus | None:
    try:
        return await jobs.status(job)
    except InvalidJob:
        return None  # no job has such an id


def _word(status: JobStatus) -> str:
    if status.state in TERMINAL:
        return _FINISHED
    return _PENDING if status.state is State.QUEUED else _RUNNING

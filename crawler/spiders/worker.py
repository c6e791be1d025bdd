"""One worker of a job that is in the store: `scrapy crawl job -a job=ID`, and what a node's worker process runs.

Recipe, inputs and limits come from the job's record; a worker is told where the store is, and which seat it has.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scrapy.spiderloader import get_spider_loader

from crawler import faults
from crawler.config import read_config
from crawler.errors import ConfigError, CrawleryError, StoreUnreachable
from crawler.extensions.crawl_summary import EXIT_CANCELLED, EXIT_FAILED, EXIT_OK
from crawler.fleet import fleet_settings
from crawler.jobs.attempts import EXIT_STORE_AWAY
from crawler.spiders.runner import CrawlCutShort, CrawlFailed, project_settings, run_crawl
from crawler.spiders.stored import apply_job_limits, spider_of_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Spider
    from scrapy.settings import BaseSettings

#: The job, the recipe, an input or a setting is wrong; as of every command.
EXIT_USAGE = 2


class JobIsOver(Exception):
    """The job takes no more pages; there is nothing to do for a worker, and nothing wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerOrder:
    """What a process is to work on.

    Attributes:
        job: its id.
        seat: token of the seat that was taken for it; "" = it works without one.
        node: name of the node that starts it; "" = none does.
        settings: of Scrapy, as if given with `-s`.
    """

    job: str
    seat: str = ""
    node: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def stored_spider(settings: BaseSettings, job: str) -> tuple[type[Spider], dict[str, Any]]:
    """The spider of a job of the store that the settings or the environment name; puts its limits into the settings.

    Raises:
        ConfigError: no store is named, or it does not answer; the job's spider is not in this project.
        InputError: the job's inputs do not fit its recipe.
        JobError: there is no such job.
        JobIsOver: it takes no more pages.
        RecipeError: its recipe cannot be used.
        StoreError: the store refuses us.
    """
    if fleet_settings(settings) is None:
        settings.set("REDIS_URL", read_config().redis_url or None, priority="project")
    fleet = fleet_settings(settings)
    if fleet is None:
        raise ConfigError("which store has the job? REDIS_URL in the environment, or -s REDIS_URL=redis://HOST:PORT/DB")
    from crawler.joining import is_over, read_job_now  # noqa: PLC0415 - with the store's client

    stored = read_job_now(fleet, job)
    if is_over(stored.status):
        raise JobIsOver(f"job {job} takes no more pages: it is {stored.status.state}")
    try:
        spidercls, arguments = spider_of_job(stored.job, get_spider_loader(settings))
    except KeyError as error:
        raise ConfigError(f"job {job} runs the spider {stored.job.spider}, which is not in this project") from error
    apply_job_limits(settings, stored.job)
    return spidercls, arguments


def run_worker(order: WorkerOrder) -> int:
    """Works on a job until it is done, or is told to go; its exit status. What went wrong is logged.

    Needs a process in which no reactor has been installed.
    """
    own = {"NODE_NAME": order.node, "SEAT_TOKEN": order.seat}
    settings = project_settings({**order.settings, **own}, module=read_config().settings_module)
    try:
        faults.be("worker")
        spidercls, arguments = stored_spider(settings, order.job)
        return run_crawl(spidercls, arguments, settings=settings).exit_code
    except JobIsOver as over:
        sys.stderr.write(f"{over}\n")
        return EXIT_OK
    except CrawlCutShort as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CANCELLED
    except StoreUnreachable as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_STORE_AWAY
    except CrawlFailed as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED
    except CrawleryError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE

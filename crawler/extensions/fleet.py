"""This process as a worker of a job that others may work on too: its connection, its name, the job's frontier.

Only in crawls whose settings name a store (see `crawler.fleet`); the scheduler and the downloader ask `fleet_of`. The
connection itself is in `fleet_worker`, which a crawl of its own does not load.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from crawler.downloader.shared import Shared, alone
from crawler.fleet import fleet_settings
from crawler.redis_settings import not_shared, without_meaning

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawler.jobs.model import Job
    from crawler.jobs.seats import RedisSeats
    from crawler.scheduling.membership import Membership
    from crawler.store import Store

logger = logging.getLogger(__name__)


class Fleet(ABC):
    """See the module.

    Attributes:
        worker: this process.
        ttl_s: of its leases.
        store: its connection.
        job: the job that it has joined.
    """

    worker: str
    ttl_s: float
    store: Store
    job: Job

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Fleet:
        """The worker of a shared crawl, which joins its job, or makes it.

        Raises:
            NotConfigured: the crawl is not shared.
            ConfigError: the store does not answer; the job runs something else, or has ended.
        """
        settings = fleet_settings(crawler.settings)
        spider = crawler.spider
        for line in not_shared(crawler.settings) if settings is None else without_meaning(crawler.settings):
            logger.warning("%s", line)
        if settings is None or spider is None:
            raise NotConfigured
        from crawler.extensions.fleet_worker import FleetWorker  # noqa: PLC0415 - with the store's client

        return FleetWorker.joined(crawler, spider, settings)

    @abstractmethod
    def seats(self) -> RedisSeats:
        """The seats of all jobs."""

    @abstractmethod
    def membership(self) -> Membership:
        """What the scheduler needs to share the job."""

    @abstractmethod
    def shared(self) -> Shared:
        """What the downloader shares with other workers."""


def fleet_of(crawler: Crawler) -> Fleet | None:
    """The worker that this crawl is; None in a crawl that is not shared."""
    return crawler.get_extension(Fleet)  # type: ignore[type-abstract]  # one of a class below it


def membership(crawler: Crawler) -> Membership | None:
    """What the scheduler needs to share the job; the setting FLEET names this."""
    fleet = fleet_of(crawler)
    return None if fleet is None else fleet.membership()


def shared(crawler: Crawler) -> Shared:
    """What the downloader shares with other workers; the setting GATE names this."""
    fleet = fleet_of(crawler)
    return alone(crawler) if fleet is None else fleet.shared()

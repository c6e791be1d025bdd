"""A worker of a shared job with its connection to the store: frontier, gate, seats and what else lies there.

Loaded by `crawler.extensions.fleet` in crawls that are shared, with the store's client.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy import signals

from crawler.downloader.shared import Shared
from crawler.extensions.fleet import Fleet
from crawler.fleet import worker_name
from crawler.frontier.gate_redis import RedisGate
from crawler.frontier.redis import RedisFrontier, SyncRenewal
from crawler.frontier.shared_redis import RedisRobotsStore, RedisSessionStore
from crawler.jobs.intention import JobIntention
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.seats import RedisSeats
from crawler.joining import join_now, wish_of
from crawler.scheduling.membership import Membership
from crawler.spiders.recipe import RecipeSpider
from crawler.store import Store, SyncStore, connect, connect_sync

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler

    from crawler.fleet import FleetSettings
    from crawler.jobs.model import Job

logger = logging.getLogger(__name__)

#: Leases per host at once, as a multiple of the requests that may be open: while one page is at the site others are at
#: the door, are read, and wait to be committed together. With half as many, four workers of one site need half as many
#: round trips again for each page.
_LEASES_PER_SLOT = 4


class FleetWorker(Fleet):
    """See the module."""

    def __init__(self, crawler: Crawler, settings: FleetSettings, job: Job) -> None:
        """Connects when it is first asked something."""
        self.worker = worker_name(node=crawler.settings["NODE_NAME"], token=crawler.settings["SEAT_TOKEN"])
        self.ttl_s = settings.ttl_s
        self.store = Store(connect(settings.parameters), prefix=settings.prefix)
        self.job = job
        self._crawler = crawler
        self._settings = settings
        self._renewals: list[SyncStore] = []
        logger.info("Worker %s of job %s at %s", self.worker, job.id, settings.address)

    @classmethod
    def joined(cls, crawler: Crawler, spider: Spider, settings: FleetSettings) -> Self:
        """The worker of the job of a spider, which it joins, or makes.

        Raises:
            ConfigError: the store does not answer; the job runs something else, or has ended.
        """
        job: Job | None = getattr(spider, "stored_job", None)
        if job is None:
            inputs = spider.inputs if isinstance(spider, RecipeSpider) else None
            wish = wish_of(type(spider), spider.name, str(getattr(spider, "job", None) or ""), inputs)
            job = join_now(settings, wish)
        fleet = cls(crawler, settings, job)
        crawler.signals.connect(fleet.spider_closed, signal=signals.spider_closed)
        crawler.signals.connect(fleet.engine_stopped, signal=signals.engine_stopped)
        return fleet

    def seats(self) -> RedisSeats:
        """The seats of all jobs."""
        return RedisSeats(self.store)

    def membership(self) -> Membership:
        """See `fleet.membership`."""
        return Membership(
            frontier=self.frontier(),
            worker=self.worker,
            ttl_s=self.ttl_s,
            secret=self.job.secret,
            renew=self.renewal().renew,
            intention=JobIntention(RedisJobStore(self.store), self.job.id),
        )

    def shared(self) -> Shared:
        """See `fleet.shared`."""
        return Shared(
            gate=RedisGate(self.store),
            robots=RedisRobotsStore(self.store),
            session=RedisSessionStore(self.store, job=self.job.id),
            worker=self.worker,
            job=self.job.id,
            before_departure=self.store.before_departure,
        )

    def frontier(self) -> RedisFrontier:
        """The job's frontier, with the limits of this crawl's settings."""
        settings = self._crawler.settings
        return RedisFrontier(
            self.store,
            job=self.job.id,
            per_host=_LEASES_PER_SLOT * settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
            max_pages=settings.getint("REQUESTS_LIMIT") or None,
            max_rows=settings.getint("ITEMS_LIMIT") or None,
            blocked_in_a_row=settings.getint("BLOCKED_IN_A_ROW"),
            ttl_s=self.ttl_s,
        )

    def renewal(self) -> SyncRenewal:
        """What the thread that renews leases calls, over a connection of its own."""
        store = SyncStore(connect_sync(self._settings.parameters), prefix=self._settings.prefix)
        self._renewals.append(store)
        return SyncRenewal(store, job=self.job.id, worker=self.worker, ttl_s=self.ttl_s)

    def spider_closed(self) -> None:
        """Says in the stats what was asked of the store."""
        counters, stats = self.store.counters, self._crawler.stats
        renewals = sum(renewal.calls for renewal in self._renewals)
        stats.set_value("store/calls", counters.calls + renewals)
        stats.set_value("store/round_trips", counters.round_trips + renewals)
        stats.set_value("store/outages", counters.outages)

    async def engine_stopped(self) -> None:
        """Lets the connections go: the downloader, the scheduler and all other extensions have said their last word."""
        for renewal in self._renewals:
            renewal.close()
        await self.store.close()

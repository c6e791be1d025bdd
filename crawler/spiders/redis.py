"""Spiders that read their seeds from the store, with the attributes and settings of those of scrapy-redis.

`from crawler.spiders.redis import RedisSpider` in place of `from scrapy_redis.spiders import RedisSpider` is all that a
project changes; what is different is in `docs/scrapy-redis.md`. Needs a shared job, so settings that name a store.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from scrapy import FormRequest, Spider, signals
from scrapy.exceptions import DontCloseSpider
from scrapy.spiders import CrawlSpider

from crawler.errors import ConfigError, StoreError
from crawler.extensions.fleet import fleet_of
from crawler.fleet import fleet_settings
from crawler.scheduler import our_scheduler
from crawler.scheduling.seed_store import Kind, SeedStore
from crawler.scheduling.seeds import Seeds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

#: Where seeds are if nothing else is said, as in scrapy-redis.
_DEFAULT_KEY: Final = "%(name)s:start_urls"

#: Seeds that are taken at once when CONCURRENT_REQUESTS has no limit.
_DEFAULT_BATCH: Final = 100
_DEFAULT_ENCODING: Final = "utf-8"


class RedisMixin(Spider):
    """What a spider needs to read seeds.

    Attributes:
        redis_key: where they are; `%(name)s` is the spider's name.
        redis_batch_size: so many are taken at once.
        redis_encoding: in which they are written.
        max_idle_time: the job ends when nothing has happened in it for so many seconds; 0 = never.
    """

    redis_key: str | None = None
    redis_batch_size: int | str | None = None
    redis_encoding: str | None = None
    max_idle_time: float | str | None = None

    _seeds: asyncio.Task[None] | None = None
    _failing: asyncio.Task[None] | None = None

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """As of Scrapy.

        Raises:
            ConfigError: no store is named, or no encoding that there is.
        """
        super().update_settings(settings)
        if fleet_settings(settings) is None:
            raise ConfigError(
                f"spider {cls.name} reads its seeds from a store; -s REDIS_URL=redis://HOST:PORT says where"
            )
        encoding = cls.redis_encoding or settings.get("REDIS_ENCODING") or _DEFAULT_ENCODING
        try:
            "seed".encode(encoding)
        except (LookupError, TypeError) as error:
            raise ConfigError(
                f"REDIS_ENCODING, or redis_encoding of spider {cls.name}, is {encoding!r}; there is no such encoding"
            ) from error

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """As of Scrapy.

        Raises:
            ConfigError: an attribute or setting cannot be used; says which.
        """
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.setup_redis(crawler)
        return spider

    def setup_redis(self, crawler: Crawler) -> None:
        """Reads attributes and settings, and connects to the signals.

        Raises:
            ConfigError: an attribute or setting cannot be used; says which.
        """
        settings = crawler.settings
        self.redis_key = str(self.redis_key or settings.get("REDIS_START_URLS_KEY") or _DEFAULT_KEY)
        self.redis_key = self.redis_key.replace("%(name)s", self.name)
        if not self.redis_key.strip():
            raise ConfigError(f"redis_key of spider {self.name} is empty")
        batch = self.redis_batch_size or settings.getint("CONCURRENT_REQUESTS") or _DEFAULT_BATCH
        self.redis_batch_size = int(_number("redis_batch_size", batch, least=1))
        self.redis_encoding = self.redis_encoding or settings.get("REDIS_ENCODING") or _DEFAULT_ENCODING
        idle = self.max_idle_time if self.max_idle_time is not None else settings.get("MAX_IDLE_TIME_BEFORE_CLOSE")
        self.max_idle_time = _number("max_idle_time", idle or 0, least=0)
        crawler.signals.connect(self._spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(self._spider_idle, signal=signals.spider_idle)
        crawler.signals.connect(self._spider_closed, signal=signals.spider_closed)

    def make_request_from_data(self, data: bytes) -> Request | Iterable[Request] | None:
        """The request of a seed: its URL, or a JSON object with `url`, `method`, `meta` and `dont_filter`.

        All other keys of the object are fields of a form: in the body of a POST, in the query of a GET. A page that is
        known already is not crawled again, unless the seed says `"dont_filter": true`.

        Raises:
            ValueError: it is neither; what else is raised here counts as the same.
        """
        text = data.decode(self.redis_encoding or _DEFAULT_ENCODING).strip()
        if not text.startswith("{"):
            return FormRequest(_web_address(text))
        seed = json.loads(text)
        url, method, meta = _web_address(seed.pop("url", "")), seed.pop("method", "GET"), seed.pop("meta", None)
        dont_filter = seed.pop("dont_filter", False) is True
        return FormRequest(url, method=str(method).upper(), meta=meta, dont_filter=dont_filter, formdata=seed)

    # --- signals ---

    def _spider_opened(self) -> None:
        scheduler, fleet = our_scheduler(self.crawler), fleet_of(self.crawler)
        if scheduler is None or fleet is None or not scheduler.shared:
            raise ConfigError(f"spider {self.name} needs SCHEDULER = 'crawler.scheduler.Scheduler'")
        kind = kind_of(self.crawler.settings)
        store = SeedStore(fleet.store, key=str(self.redis_key), kind=kind)
        batch, max_idle_s = int(self.redis_batch_size or _DEFAULT_BATCH), float(self.max_idle_time or 0)
        make = self.make_request_from_data
        seeds = Seeds(self.crawler, scheduler, store, make=make, batch=batch, max_idle_s=max_idle_s)
        logger.info("Reading seeds from the %s %s, %d at once", kind, self.redis_key, batch)
        self._seeds = asyncio.get_running_loop().create_task(seeds.run())
        self._seeds.add_done_callback(self._seeds_ended)

    def _spider_idle(self) -> None:
        if self._seeds is not None and not self._seeds.done():
            raise DontCloseSpider

    async def _spider_closed(self) -> None:
        if self._seeds is not None:
            self._seeds.cancel()
            await asyncio.wait([self._seeds])

    def _seeds_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        if isinstance(error, StoreError):
            hint = "REDIS_START_URLS_AS_SET and REDIS_START_URLS_AS_ZSET say what it is"
            logger.error("The seeds in %s cannot be read (%s): %s", self.redis_key, hint, error)
        else:
            logger.critical("Reading seeds failed", exc_info=error)
        engine = self.crawler.engine
        self._failing = asyncio.get_running_loop().create_task(engine.close_spider_async(reason="seeds_failed"))


class RedisSpider(RedisMixin):
    """A spider that reads seeds."""


class RedisCrawlSpider(RedisMixin, CrawlSpider):
    """A spider with rules that reads seeds."""


def kind_of(settings: BaseSettings) -> Kind:
    """What the key of the seeds holds; of both settings that of sets counts, as in scrapy-redis."""
    if settings.getbool("REDIS_START_URLS_AS_SET"):
        return Kind.SET
    return Kind.ZSET if settings.getbool("REDIS_START_URLS_AS_ZSET") else Kind.LIST


def _web_address(text: Any) -> str:
    url = str(text).strip()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url[:200]!r} is no http or https URL; a seed is one, or a JSON object with such a url")
    return url


def _number(name: str, given: Any, *, least: int) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = -1.0
    if number < least:
        raise ConfigError(f"{name} is {given!r}; a number from {least}")
    return number

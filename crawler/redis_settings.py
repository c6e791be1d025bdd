"""Settings of scrapy-redis that a project may still have: those without a meaning here are named, once, in the log.

What holds instead is said with each, so that nobody believes that a queue is kept, ordered or flushed as it was. Knows
settings only; those that say where the store is are read by `crawler.fleet`, those of seeds by `crawler.spiders.redis`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.settings import BaseSettings

_KEYS: Final = "keys of the store begin with STORE_PREFIX and the job's id"
_STATS: Final = "scrapy_redis.stats.RedisStatsCollector"

#: What holds instead of each setting that has no meaning here.
_INSTEAD: Final[Mapping[str, str]] = {
    "SCHEDULER_PERSIST": "a job is kept until it has ended, and the run after that is a new job",
    "SCHEDULER_QUEUE_KEY": _KEYS,
    "SCHEDULER_DUPEFILTER_KEY": _KEYS,
    "SCHEDULER_QUEUE_CLASS": "pages of a host go by their priority, those of one priority in the order they were found",
    "SCHEDULER_SERIALIZER": "requests travel as plain values, never as pickle",
    "SCHEDULER_IDLE_BEFORE_CLOSE": "a worker stays until nothing of the job is open anywhere",
    "REDIS_DECODE_RESPONSES": "the client is Crawlery's own",
}

#: Settings that a project has because of scrapy-redis, by which one that forgot its REDIS_URL is known.
_SIGNS: Final = ("SCHEDULER_PERSIST", "SCHEDULER_FLUSH_ON_START", "SCHEDULER_QUEUE_CLASS", "REDIS_START_URLS_KEY")


def without_meaning(settings: BaseSettings) -> list[str]:
    """One line for each setting that is there and has no meaning in a crawl that is shared."""
    lines = [f"{name} has no meaning here: {says}" for name, says in _INSTEAD.items() if _is_set(settings, name)]
    redis_class = settings.getdict("REDIS_PARAMS").get("redis_cls")
    if redis_class:
        lines.append("redis_cls of REDIS_PARAMS has no meaning here: the client is Crawlery's own")
    if settings["STATS_CLASS"] == _STATS:
        lines.append(f"{_STATS} of STATS_CLASS fails with this version of Scrapy; leave STATS_CLASS as it is")
    return lines


def not_shared(settings: BaseSettings) -> list[str]:
    """A line for a project that has settings of scrapy-redis and names no store, where scrapy-redis takes its own."""
    signs = [name for name in _SIGNS if _is_set(settings, name)]
    if not signs:
        return []
    line = f"This crawl is not shared, though {signs[0]} is set: scrapy-redis would ask localhost:6379, here REDIS_URL"
    return [f"{line} has to say where the store is"]


def _is_set(settings: BaseSettings, name: str) -> bool:
    found: Any = settings.get(name)
    return found is not None and found != ""

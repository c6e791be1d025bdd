"""One crawl of the big site by stock scrapy-redis: two workers, one of them killed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import redis
from checker import Findings, check
from workers import Worker, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from big_site import SiteProcess

#: Where scrapy-redis keeps things of the spider `stock`.
_SEEDS, _QUEUE, _ITEMS = "stock:start_urls", "stock:requests", "stock:items"

#: The crawl is over when the queue has been empty and the site has not been asked for so long. An idle worker of
#: scrapy-redis looks at the queue at every fifth second only.
_QUIET_S = 5.5


def run_stock(*, site: SiteProcess, store: str, folder: Path, kill_at: float | None) -> Findings:
    """Crawls, kills one worker when the share `kill_at` of the pages has been given, and compares."""
    pages = list(site.site.links())
    workers: list[Worker] = []
    with redis.Redis.from_url(store) as client:
        try:
            client.rpush(_SEEDS, json.dumps({"url": f"{site.url}/"}))
            workers.append(Worker.of_stock("stock-1", folder, store=store))
            wait_until(lambda: client.zcard(_QUEUE) > 10, what="the first worker to find lists")
            workers.append(Worker.of_stock("stock-2", folder, store=store))
            if kill_at is not None:
                wait_until(lambda: site.progress() >= kill_at * len(pages), what="the moment of the kill")
                workers[0].kill()
            _wait_for_silence(site, client)
            for worker in workers:
                if worker.running:
                    worker.interrupt()
            rows = [json.loads(item) for item in client.lrange(_ITEMS, 0, -1)]
        finally:
            for worker in workers:
                worker.kill()
    return check(
        expected=site.site.rows(site.url),
        pages=pages,
        rows=rows,
        fetches=site.fetches(),
        settled=None,
        leases_lost=0,
    )


def _wait_for_silence(site: SiteProcess, client: redis.Redis) -> None:
    def silent() -> bool:
        return client.zcard(_QUEUE) == 0 and time.monotonic() - site.log()[-1].at_s > _QUIET_S

    wait_until(silent, what="the end of the stock crawl")

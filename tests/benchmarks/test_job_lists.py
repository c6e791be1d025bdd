"""How long a page of the list of jobs takes when there are 100,000 of them: of 20 clients, with recipes of 3 KB.

Run by `make bench-jobs`. Times are those of a caller on this machine: the round trips, and decoding what comes back.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from statistics import quantiles

import pytest
from many_jobs import CLIENTS, JOBS, T0, fill, job_of

from crawler.jobs.model import Outcome, State
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.store_contract import place
from crawler.store import Store, connect

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

#: What a page may cost, in ms of processor time of caller and store together; the second number for one that looks at
#: all the jobs it may. Times on the clock are printed, but on a busy machine they tell of the others.
PAGE_MS = 8.0
SCAN_MS = 15.0


def places_of(limit: int, **asked) -> dict[str, str]:
    """Where the first, a middle and the last page begin."""
    total = JOBS // (CLIENTS if "client" in asked else 1)

    def at(number: int) -> str:
        job = job_of(number * (CLIENTS if "client" in asked else 1) + (7 if "client" in asked else 0))
        return place(job.id, job.created_ms)

    return {"first": "", "middle": at(total // 2), "last": at(limit)}


async def measured(what: str, store: Store, *, calls: int = 100, **asked) -> tuple[float, int]:
    """Prints what calls for a page took; answers what one costs, in ms of processor time, and how many jobs it has."""
    jobs, took, page = RedisJobStore(store), [], await RedisJobStore(store).newest(**asked)
    before = await cpu_s(store)
    for _ in range(calls):
        since = time.perf_counter()
        page = await jobs.newest(**asked)
        took.append((time.perf_counter() - since) * 1000)
    cost = (await cpu_s(store) - before) * 1000 / calls
    cuts, found = quantiles(took, n=100), len(page.jobs)
    print(f"{what:<46} {found:>4} jobs   p50 {cuts[49]:7.2f} ms   p99 {cuts[98]:7.2f} ms   cpu {cost:6.2f} ms")
    return cost, found


async def cpu_s(store: Store) -> float:
    """Of this process and the server, in s."""
    told = (await store.command("INFO", "cpu")).decode()
    server = sum(float(number) for number in re.findall(r"used_cpu_(?:sys|user):([0-9.]+)", told))
    return server + time.process_time()


def test_a_page_of_a_hundred_thousand_jobs_takes_a_few_milliseconds(new_valkey):
    async def measure() -> list[tuple[float, float]]:
        store, costs = Store(connect({"url": new_valkey(appendfsync=None).url})), []
        await fill(store)
        gc.collect()
        gc.freeze()  # or the collector goes through all of the test runner now and then, which takes 70 ms
        print()
        for asked in ({}, {"client": "client7"}, {"client": "client7", "outcomes": [Outcome.COMPLETE]}):
            for limit in (50, 200):
                for name, after in places_of(limit, **asked).items():
                    what = f"{'+'.join(asked) or 'all'}, {limit} a page, the {name}"
                    cost, found = await measured(what, store, after=after, limit=limit, **asked)
                    assert found >= limit * 0.9
                    costs.append((cost, PAGE_MS))
        few = (
            {"client": "client7", "states": [State.QUEUED]},
            {"client": "client7", "recipe": "rare"},
            {"client": "client7", "tag": "absent"},
            {"client": "client7", "tag": "absent", "states": [State.SUCCEEDED], "outcomes": [Outcome.COMPLETE]},
            {"states": [State.PAUSED]},
        )
        for asked in few:
            cost, _ = await measured(f"{'+'.join(asked)}, of which few are", store, limit=50, **asked)
            costs.append((cost, SCAN_MS))
        hour = {"created_after_ms": T0 + 1_000_000, "created_before_ms": T0 + 1_100_000}
        cost, _ = await measured("client+time", store, limit=50, client="client7", **hour)
        costs.append((cost, PAGE_MS))
        gc.unfreeze()
        await store.close()
        return costs

    for cost, at_most in asyncio.run(measure()):
        assert cost <= at_most

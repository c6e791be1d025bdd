"""How long a page of the list of jobs takes when there are 100,000 of them: of 20 clients, with recipes of 3 KB.

Run by `make bench-jobs`. Times are those of a caller on this machine: the round trips, and decoding what comes back.
"""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles

import pytest

from crawler.jobs.codec import encode_job
from crawler.jobs.model import Job, Outcome, State
from crawler.jobs.redis import _CREATE, RedisJobStore, _labels
from crawler.jobs.store_contract import place
from crawler.store import Store, connect

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

JOBS = 100_000
CLIENTS = 20
RECIPE = ("name: shop\n" + "# a line of a recipe as people write them, with a selector in it\n" * 60)[:3_000]

#: Half of all calls for a page are answered in this time, in ms; one that looks at all the jobs it may, in the second.
PAGE_MS = 10.0
SCAN_MS = 50.0

_T0 = 1_763_845_000_000


def job_of(number: int) -> Job:
    return Job(
        id=f"job{number:022}",
        client=f"client{number % CLIENTS}",
        recipe="rare" if number % 5_000 < CLIENTS else "shop",
        recipe_text=f"{RECIPE}# {number % 50}\n",
        inputs={"category": "travel", "pages": 20},
        tags=("nightly", f"t{number % 7}"),
        created_ms=_T0 + number * 50,
        secret=number.to_bytes(16, "big"),
    )


async def fill(store: Store) -> None:
    """As `create` and the moves of a job leave it, in few round trips."""
    prefix = store.prefix
    for first in range(0, JOBS, 1_000):
        calls = []
        for number in range(first, first + 1_000):
            job = job_of(number)
            key, where = f"{prefix}:{{{job.id}}}:job", place(job.id, job.created_ms)
            calls.append(store.send(_CREATE, [key], [encode_job(job), job.created_ms, number, *_labels(job)]))
            if number % 2_000 >= CLIENTS:  # every hundredth job of a client lives
                words = (
                    "intended",
                    "succeed",
                    "outcome",
                    "complete",
                    "version",
                    "3",
                    "started_ms",
                    "1",
                    "finished_ms",
                    "2",
                )
                calls.append(store.command("HSET", key, "state", "succeeded", *words))
            calls += [store.command("ZADD", f"{prefix}:jobs{of}", 0, where) for of in ("", f":of:{job.client}")]
        await asyncio.gather(*calls)


async def places_of(jobs: RedisJobStore, limit: int, **asked) -> dict[str, str]:
    """Where the first, a middle and the last page begin."""
    total = JOBS // (CLIENTS if "client" in asked else 1)

    def at(number: int) -> str:
        job = job_of(number * (CLIENTS if "client" in asked else 1) + (7 if "client" in asked else 0))
        return place(job.id, job.created_ms)

    return {"first": "", "middle": at(total // 2), "last": at(limit)}


async def timed(jobs: RedisJobStore, *, calls: int = 100, **asked) -> tuple[float, float, int]:
    took, page = [], None
    for _ in range(calls):
        since = time.perf_counter()
        page = await jobs.newest(**asked)
        took.append((time.perf_counter() - since) * 1000)
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[98], len(page.jobs)


def shown(what: str, p50: float, p99: float, found: int) -> None:
    print(f"{what:<52} {found:>4} jobs   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms")


def test_a_page_of_a_hundred_thousand_jobs_takes_a_few_milliseconds(new_valkey):
    async def measure() -> list[tuple[float, float]]:
        store = Store(connect({"url": new_valkey(appendfsync=None).url}))
        await fill(store)
        jobs, measured = RedisJobStore(store), []
        print()
        for asked in ({}, {"client": "client7"}, {"client": "client7", "outcomes": [Outcome.COMPLETE]}):
            for limit in (50, 200):
                for name, after in (await places_of(jobs, limit, **asked)).items():
                    p50, p99, found = await timed(jobs, after=after, limit=limit, **asked)
                    assert found >= limit * 0.9
                    shown(f"{'+'.join(asked) or 'all'}, {limit} a page, the {name}", p50, p99, found)
                    measured.append((p50, PAGE_MS))
        few = (
            {"client": "client7", "states": [State.QUEUED]},
            {"client": "client7", "recipe": "rare"},
            {"client": "client7", "tag": "absent"},
            {"client": "client7", "tag": "absent", "states": [State.SUCCEEDED], "outcomes": [Outcome.COMPLETE]},
            {"states": [State.PAUSED]},
        )
        for asked in few:
            p50, p99, found = await timed(jobs, limit=50, **asked)
            shown(f"{'+'.join(asked)}, of which few are", p50, p99, found)
            measured.append((p50, SCAN_MS))
        hour = {"created_after_ms": _T0 + 1_000_000, "created_before_ms": _T0 + 1_100_000}
        p50, p99, found = await timed(jobs, limit=50, client="client7", **hour)
        shown("client+time", p50, p99, found)
        measured.append((p50, PAGE_MS))
        await store.close()
        return measured

    for p50, at_most in asyncio.run(measure()):
        assert p50 <= at_most

"""A store with 100,000 jobs: of 20 clients, with recipes of 3 KB, as `create` and the moves of a job leave them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from crawler.jobs.codec import encode_job
from crawler.jobs.model import Job
from crawler.jobs.redis import _CREATE, _labels
from crawler.jobs.store_contract import place

if TYPE_CHECKING:
    from crawler.store import Store

JOBS = 100_000
CLIENTS = 20
RECIPE = ("name: shop\n" + "# a line of a recipe as people write them, with a selector in it\n" * 60)[:3_000]

#: When the first of them was accepted, in ms.
T0 = 1_763_845_000_000


def job_of(number: int) -> Job:
    return Job(
        id=f"job{number:022}",
        client=f"client{number % CLIENTS}",
        recipe="rare" if number % 5_000 < CLIENTS else "shop",
        recipe_text=f"{RECIPE}# {number % 50}\n",
        inputs={"category": "travel", "pages": 20},
        tags=("nightly", f"t{number % 7}"),
        created_ms=T0 + number * 50,
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

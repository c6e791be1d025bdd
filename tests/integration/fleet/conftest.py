"""Terminals on which workers of one job run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from terminals import Shop, StoredJob, Terminal


@pytest.fixture
def shop():
    with Shop.running() as shop:
        yield shop


@pytest.fixture
def start(tmp_path, shop, valkey):
    """Starts a worker: `start("hand", job="j1", LEASE_TTL=1)`; small names are its arguments, the others settings."""
    started: list[Terminal] = []

    def start(spider: str, *, store: str | None = None, **words) -> Terminal:
        settings = {name: value for name, value in words.items() if name.isupper()}
        arguments = {name: str(value) for name, value in words.items() if not name.isupper()}
        where = valkey.url if store is None else store
        started.append(Terminal(tmp_path, spider, store=where, settings=settings, site=shop.url, **arguments))
        return started[-1]

    yield start
    for terminal in started:
        if terminal.running:
            terminal.kill()


@pytest.fixture
def start_two(start, shop):
    """Starts two workers of a job, to which the shop gives nothing before both have joined it."""

    def start_two(spider: str, *, job: str) -> list[Terminal]:
        shop.opened.clear()
        workers = [start(spider, job=job) for _ in range(2)]
        for worker in workers:
            worker.wait_for(f"of job {job} at")
        shop.opened.set()
        return workers

    yield start_two
    shop.opened.set()


@pytest.fixture
def stored(valkey):
    """What the store holds of a job, by its id."""
    return lambda job: StoredJob(valkey.url, job)

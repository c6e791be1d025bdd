"""Puts the folder's own modules where its tests find them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from jobs import Jobs, Shop
from workers import Worker


@pytest.fixture
def shop():
    with Shop.running() as shop:
        yield shop


@pytest.fixture
def jobs(valkey):
    with Jobs(valkey.url) as jobs:
        yield jobs


@pytest.fixture
def start(tmp_path, valkey):
    started = []

    def start(job, **words):
        settings = {name: value for name, value in words.items() if name.isupper()}
        arguments = {name: value for name, value in words.items() if not name.isupper()}
        started.append(Worker(tmp_path, valkey.url, job, settings, **arguments))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait()

"""Puts the folder's own modules where its tests find them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from job_terminal import Worker
from node_jobs import RECIPE, Jobs, Shop
from node_process import NodeProcess


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


@pytest.fixture
def node(tmp_path, valkey):
    """Starts nodes: `node(slots=1, LEASE_TTL=3)`; they end with the test."""
    started = []

    def node(**words) -> NodeProcess:
        started.append(NodeProcess(tmp_path, words.pop("store", valkey.url), **words))
        return started[-1]

    yield node
    for process in started:
        if process.running:
            process.kill()


@pytest.fixture
def alpha(node, tmp_path):
    """A node whose installation has the recipe `items`."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "items.yaml").write_text(RECIPE)
    return node(slots=1, environment={"RECIPES_PATH": str(recipes)})

"""Each back end against the model of `tests/model`, by random calls in random order."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "model"))

from machine import run_machine
from twin import MemoryBackend, RedisBackend

#: The suite tries some sequences of 50 calls, a campaign many.
AT_LENGTH = [pytest.mark.campaign, pytest.mark.timeout(0)]


@pytest.fixture
def redis_backend(valkey):
    backend = RedisBackend(valkey.url)
    yield backend
    backend.close()


@pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=AT_LENGTH)])
def test_the_memory_frontier_answers_as_the_model_does(examples):
    run_machine(MemoryBackend(), examples=examples)


@pytest.mark.parametrize(
    "examples", [150, pytest.param(500, marks=pytest.mark.long), pytest.param(5_000, marks=AT_LENGTH)]
)
def test_the_shared_frontier_answers_as_the_model_does(redis_backend, examples):
    run_machine(redis_backend, examples=examples, books_every=10)

"""Each back end against the model of `tests/model`, by random calls in random order."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "model"))

from machine import run_machine
from twin import MemoryBackend


@pytest.mark.parametrize("examples", [100, pytest.param(20_000, marks=[pytest.mark.campaign, pytest.mark.timeout(0)])])
def test_the_memory_frontier_answers_as_the_model_does(examples):
    run_machine(MemoryBackend(), examples=examples)

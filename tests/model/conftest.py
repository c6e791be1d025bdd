"""`--sim-seeds FROM:COUNT` chooses the crawls that are simulated: one that has failed, or more than the suite takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

#: So many crawls are one test, so that workers of the suite can share them.
AT_ONCE = 50


def pytest_addoption(parser):
    parser.addoption("--sim-seeds", metavar="FROM:COUNT", help="seeds to simulate instead of the usual ones")


def pytest_generate_tests(metafunc):
    """A test that asks for `seeds` says with `@pytest.mark.seeds(suite, campaign)` how many it takes of each."""
    if "seeds" not in metafunc.fixturenames:
        return
    suite, campaign = metafunc.definition.get_closest_marker("seeds").args
    chosen = metafunc.config.getoption("--sim-seeds", default=None)
    if chosen:
        first, _, count = chosen.partition(":")
        ranges = [pytest.param(part, id=_name(part)) for part in _parts(int(first), int(count or 1))]
    else:
        ranges = [pytest.param(part, id=_name(part)) for part in _parts(0, suite)]
        more = [pytest.mark.campaign, pytest.mark.timeout(0)]
        ranges += [pytest.param(part, id=_name(part), marks=more) for part in _parts(suite, campaign - suite)]
    metafunc.parametrize("seeds", ranges)


def pytest_configure(config):
    config.addinivalue_line("markers", "seeds(suite, campaign): how many crawls are simulated, always and at length")


def _parts(first: int, count: int) -> list[range]:
    end = first + count
    return [range(start, min(start + AT_ONCE, end)) for start in range(first, end, AT_ONCE)]


def _name(part: range) -> str:
    return f"{part.start}-{part.stop - 1}"

"""What sharing a job costs: pages per CPU second of four workers of one job, of one alone, and of four with a job each.

Four busy processes disturb each other on two cores whatever they do (caches, the site and the store beside them), so
the second comparison is the one that says what sharing costs.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

from big_site import BigSite, SiteProcess
from fleet_run import Fleet

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

#: As fast as pages can be read, and at the pace of a site that takes a tenth of a second and is asked politely.
PACES = {
    "full speed": {"products": 8_000, "latency_s": 0.002, "per_site": 64},
    "polite": {"products": 3_000, "latency_s": 0.1, "per_site": 32},
}

_ENDS = ("finishing", "succeeded")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float | None:
    """User and system time of a process so far; None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Bench:
    """Fleets of one node, each for one measurement."""

    def __init__(self, new_valkey, new_seaweed, folder: Path) -> None:
        self._new_valkey, self._new_seaweed, self._folder = new_valkey, new_seaweed, folder
        self._runs = 0

    def pages_per_cpu_second(self, *, jobs: int, workers: int, products: int, latency_s: float, per_site: int) -> float:
        """Of all workers of so many jobs, which have so many each."""
        self._runs += 1
        folder = self._folder / str(self._runs)
        folder.mkdir()
        with (
            SiteProcess(BigSite(products=products // jobs), latency_s=latency_s) as site,
            Fleet.of(
                site=site,
                store=self._new_valkey(appendfsync="always"),
                storage=self._new_seaweed(),
                folder=folder,
                workers=workers,
                slots=4,
                per_site=per_site,
                stewards=1,
                nodes=1,
            ) as fleet,
        ):
            fleet.wait(lambda: '"url"' in fleet.of_kind("node")[0].log(), what="the node")
            names = [f"j{number}" for number in range(jobs)]
            for fleet.job in names:
                fleet.submit()
            spent: dict[int, float] = {}
            open_jobs = names
            while open_jobs:
                for fleet.job in open_jobs:
                    for pid in {*spent, *fleet.worker_pids()}:
                        spent[pid] = cpu_s(pid) or spent[pid]
                open_jobs = [fleet.job for fleet.job in open_jobs if fleet.books.state() not in _ENDS]
                time.sleep(0.05)
            for fleet.job in names:
                assert fleet.wait_for_end().outcome == "complete"
            return jobs * len(site.site.links()) / sum(spent.values())


@pytest.mark.parametrize("pace", PACES)
def test_four_workers_of_a_job_read_nearly_as_many_pages_per_cpu_second_as_one(new_valkey, new_seaweed, tmp_path, pace):
    bench = Bench(new_valkey, new_seaweed, tmp_path)
    ratios = []
    for _ in range(3):
        alone = bench.pages_per_cpu_second(jobs=1, workers=1, **PACES[pace])
        apart = bench.pages_per_cpu_second(jobs=4, workers=1, **PACES[pace])
        together = bench.pages_per_cpu_second(jobs=1, workers=4, **PACES[pace])
        ratios.append(together / alone)
        print(
            f"\n{pace}, pages per CPU second: one worker {alone:.0f}; four of four jobs {apart:.0f}; four of one job "
            f"{together:.0f}, which is {together / alone:.2f} of one worker, {together / apart:.2f} of four apart"
        )
    assert sorted(ratios)[1] >= 0.85

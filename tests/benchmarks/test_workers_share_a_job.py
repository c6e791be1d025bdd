"""What sharing a job costs: pages per CPU second of four workers of a fleet, beside those of one, in one run."""

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

#: Large enough for the start of a worker to be a small part of its work.
PRODUCTS = 4_000

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float | None:
    """User and system time of a process so far; None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def pages_per_cpu_second(workers: int, new_valkey, new_seaweed, folder) -> tuple[float, float]:
    """Of all workers of a job together; and how long it took, in seconds."""
    folder.mkdir()
    with (
        SiteProcess(BigSite(products=PRODUCTS), latency_s=0.002) as site,
        Fleet.of(
            site=site,
            store=new_valkey(appendfsync="always"),
            storage=new_seaweed(),
            folder=folder,
            workers=workers,
            slots=workers,
            stewards=1,
            nodes=1,
        ) as fleet,
    ):
        fleet.submit()
        spent: dict[int, float] = {}
        since = time.monotonic()
        while fleet.books.state() not in ("finishing", "succeeded"):
            for pid in {*spent, *fleet.worker_pids()}:
                seconds = cpu_s(pid)
                if seconds is not None:
                    spent[pid] = seconds
            time.sleep(0.05)
        took_s = time.monotonic() - since
        assert fleet.findings(fleet.wait_for_end()).problems == []
        return len(site.site.links()) / sum(spent.values()), took_s


def test_four_workers_read_as_many_pages_per_cpu_second_as_one_but_for_a_little(new_valkey, new_seaweed, tmp_path):
    ratios = []
    for number in range(3):
        one, one_s = pages_per_cpu_second(1, new_valkey, new_seaweed, tmp_path / f"one-{number}")
        four, four_s = pages_per_cpu_second(4, new_valkey, new_seaweed, tmp_path / f"four-{number}")
        ratios.append(four / one)
        print(
            f"\none worker: {one:.0f} pages per CPU second, {one_s:.1f} s; "
            f"four: {four:.0f}, {four_s:.1f} s; ratio {four / one:.2f}"
        )
    assert sorted(ratios)[1] >= 0.85

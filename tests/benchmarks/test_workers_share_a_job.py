"""What sharing a job costs: pages per CPU second of four workers of one job beside those of one worker alone.

The CPU time is what the fork server of the node has reaped: all of every worker, from its first to its last moment.
Nothing else is asked while they crawl, but for the state of the job twice a second. A machine's speed drifts, so each
measurement of four workers is compared with those of one that come before and after it.

What four busy processes lose on two cores whatever they do is measured too: of crawls that share nothing, with plain
`scrapy crawl` and no store.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

from big_site import BigSite, SiteProcess
from fleet_run import HERE, Fleet
from workers import unmeasured

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

#: As fast as pages can be read, and at the pace of a site that takes a tenth of a second and is asked politely.
PACES = {
    "full speed": {"products": 8_000, "latency_s": 0.002, "per_site": 64},
    "polite": {"products": 3_000, "latency_s": 0.1, "per_site": 32},
}
ROUNDS = 5
AT_LEAST = 0.85

_ENDS = ("finishing", "succeeded")
_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of a process behind its name: state, parent, ... (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def children(pid: int) -> list[int]:
    """Of a process, those that it has not reaped."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if int(_stat(int(path.name))[1]) == pid:
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return found


def reaped_cpu_s(pid: int) -> float:
    """User and system time of all children that a process has reaped."""
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) / _TICKS


class Bench:
    """Fleets of one node, each for one measurement."""

    def __init__(self, new_valkey, new_seaweed, folder: Path) -> None:
        self._new_valkey, self._new_seaweed, self._folder = new_valkey, new_seaweed, folder
        self._runs = 0

    def pages_per_cpu_second(self, *, workers: int, products: int, latency_s: float, per_site: int) -> float:
        """Of all workers of one job."""
        self._runs += 1
        folder = self._folder / str(self._runs)
        folder.mkdir()
        with (
            SiteProcess(BigSite(products=products), latency_s=latency_s) as site,
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
            node = fleet.of_kind("node")[0]
            fleet.wait(lambda: '"url"' in node.log(), what="the node")
            (fork_server,) = children(node.pid)
            fleet.submit()
            while fleet.books.state() not in _ENDS:
                time.sleep(0.5)
            assert fleet.wait_for_end().outcome == "complete"
            fleet.wait(lambda: not children(fork_server), what="the end of all workers")
            return len(site.site.links()) / reaped_cpu_s(fork_server)


def _crawls_cpu_s(folder: Path, site: SiteProcess, *, crawls: int, per_site: int) -> float:
    """CPU time of so many crawls at once that share nothing; each is as polite as its part of what is allowed."""
    settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": per_site // crawls, "DOWNLOAD_DELAY": 0, "LOG_LEVEL": "INFO"}
    options = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    processes = []
    for number in range(crawls):
        command = [sys.executable, "-m", "scrapy", "crawl", "big", "-a", f"site={site.url}", *options]
        with (folder / f"{number}.log").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [*command, "-O", str(folder / f"{number}.csv")],
                    env={**unmeasured(), "RECIPES_PATH": str(HERE / "recipes")},
                    stdout=log,
                    stderr=log,
                )
            )
    spent = 0.0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, (folder / "0.log").read_text()[-2000:]
        spent += usage.ru_utime + usage.ru_stime
    return spent


def test_what_four_crawls_lose_that_share_nothing(tmp_path):
    pace = PACES["full speed"]
    products, per_site = pace["products"], pace["per_site"]
    with SiteProcess(BigSite(products=20)) as site:
        start_s = _crawls_cpu_s(tmp_path, site, crawls=1, per_site=per_site)
    ratios = []
    for _ in range(ROUNDS):
        rates = []
        for crawls in (1, 4):
            with SiteProcess(BigSite(products=products // crawls), latency_s=pace["latency_s"]) as site:
                spent_s = _crawls_cpu_s(tmp_path, site, crawls=crawls, per_site=per_site)
                rates.append(crawls * len(site.site.links()) / (spent_s - crawls * start_s))
        ratios.append(rates[1] / rates[0])
        print(f"\nfour crawls that share nothing, pages per CPU second: {rates[1]:.0f}, one {rates[0]:.0f}")
    print(f"they share nothing: {median(ratios):.2f} of one, of {min(ratios):.2f} to {max(ratios):.2f}")
    assert median(ratios) > 0.5  # else the figures below say nothing about sharing: the machine is busy


@pytest.mark.parametrize("pace", PACES)
def test_four_workers_of_a_job_read_nearly_as_many_pages_per_cpu_second_as_one(new_valkey, new_seaweed, tmp_path, pace):
    bench = Bench(new_valkey, new_seaweed, tmp_path)
    before = bench.pages_per_cpu_second(workers=1, **PACES[pace])
    ratios = []
    for _ in range(ROUNDS):
        together = bench.pages_per_cpu_second(workers=4, **PACES[pace])
        after = bench.pages_per_cpu_second(workers=1, **PACES[pace])
        ratios.append(together / ((before + after) / 2))
        print(
            f"\n{pace}, pages per CPU second: one worker {before:.0f} before and {after:.0f} after, four of one job "
            f"{together:.0f}, which is {ratios[-1]:.2f} of one worker"
        )
        before = after
    print(f"{pace}: {median(ratios):.2f} of one worker in the median, of {min(ratios):.2f} to {max(ratios):.2f}")
    assert median(ratios) >= AT_LEAST

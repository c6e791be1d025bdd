"""One job of two million URLs on a whole platform as `crawlery up` starts it: whether it stays as fast as it began,
what the store holds for each URL, and what API and steward cost beside workers at full speed.

Pages are tiny, so that what there is to see is what the platform does for each URL. URLS= is for fewer of them; the
figures are then told and only judged where they do not depend on how many there are.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

from endless_site import TINY, EndlessSite, recipe
from job_store import JobInStore
from processes import cpu_s
from up_process import Platform, wait_until

pytestmark = [pytest.mark.bench, pytest.mark.timeout(4 * 3600)]

URLS = int(os.environ.get("URLS", "2000000"))
WORKERS = int(os.environ.get("WORKERS", "2"))

#: Pages a second of the last tenth, as a part of those of the first.
LAST_AT_LEAST = 0.9
#: Of one core, each.
API_AND_STEWARD_AT_MOST = 0.2
#: Bytes of the store for each URL: one that waits, and any that is known.
BYTES_WAITING, BYTES_KNOWN = 400, 60

#: A run that is shorter tells nothing about its parts.
_JUDGED_FROM = 200_000

SETTINGS = {
    "AUTOTHROTTLE_ENABLED": "0",
    "DOWNLOAD_DELAY": "0",
    "CONCURRENT_REQUESTS": "32",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "64",
    "ROBOTSTXT_OBEY": "0",
}

#: What stands in the command line of each kind of process.
KINDS = {
    "control API": "control_api",
    "steward": " steward",
    "node": " node",
    "workers": "crawler.scrapyd.forkserver",
    "store": "valkey-server",
    "storage": "weed",
}


class Moment(NamedTuple):
    """What there is when so much of the site has been served."""

    at_s: float
    served: int
    used_bytes: int  # of the store, beside what it held before the job
    accepted: int
    waiting: int
    cpu_s: dict[str, float]


class Run:
    """The job, looked at from outside."""

    def __init__(self, platform: Platform, folder: Path, site: EndlessSite) -> None:
        lines = (folder / "crawlery-data" / "platform.env").read_text().splitlines()
        store = next(line.partition("=")[2] for line in lines if line.startswith("REDIS_URL="))
        self._url = "".join(shlex.split(store))
        self._platform, self._site = platform, site
        self._empty = self._used()
        said = platform.crawlery("job", "run", "endless", "-i", f"site={site.url}", "--workers", str(WORKERS))
        self.books = JobInStore(self._url, said.strip())

    def moment(self) -> Moment:
        ledger = self.books.ledger()
        waiting = ledger.ready + ledger.delayed
        used = self._used() - self._empty
        return Moment(time.monotonic(), self._site.served(), used, ledger.accepted, waiting, self._cpu())

    def _used(self) -> int:
        with redis.Redis.from_url(self._url) as client:
            return client.info("memory")["used_memory"]

    def _cpu(self) -> dict[str, float]:
        """Of each kind, in seconds so far."""
        found = dict.fromkeys(KINDS, 0.0)
        for pid in self._platform.pids():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                used = cpu_s(pid)
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            kind = next((kind for kind, word in KINDS.items() if word in words), None)
            if kind is not None:
                found[kind] += used
        return found

    def wait_for(self, served: int) -> None:
        """Until the site has served so many product pages. Asked seldom: to ask costs, too."""
        still_since, last = time.monotonic(), -1
        while (now := self._site.served()) < served:
            if now != last:
                still_since, last = time.monotonic(), now
            assert time.monotonic() < still_since + 60, f"nothing moves: {self.books.ledger()} {self._platform.log()}"
            time.sleep(0.05)


@pytest.fixture
def platform(tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "endless.yaml").write_text(recipe(TINY))
    platform = Platform(
        tmp_path,
        *("--nodes", "1", "--slots", str(WORKERS)),
        settings=SETTINGS,
        environment={"EGRESS_ALLOW": "127.0.0.0/8"},
    )
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture
def note(capsys):
    """Tells a figure at once."""

    def note(line: str) -> None:
        with capsys.disabled():
            print(f"  {line}")

    return note


def test_a_job_of_many_urls_stays_as_fast_and_as_small_as_it_began(platform, tmp_path, note):
    with EndlessSite(products=URLS, size="tiny", per_list=500) as site:
        run = Run(platform, tmp_path, site)
        run.wait_for(1)
        moments = [run.moment()]
        for tenth in range(1, 11):
            run.wait_for(URLS * tenth // 10)
            moments.append(run.moment())
            _tell(note, moments[-2], moments[-1])
        wait_until(lambda: run.books.state() not in ("queued", "running"), what="the end of the job")
    speeds = [_speed(one, other) for one, other in pairwise(moments)]
    note(f"the last tenth is {speeds[-1] / speeds[0]:.2f} times as fast as the first")
    # Not to the end: a worker that has none left to do is gone, and what it used with it.
    busy = {kind: _share(moments[0], moments[-2], kind) for kind in KINDS}
    note("of one core: " + ", ".join(f"{kind} {share:.2f}" for kind, share in busy.items()))
    assert max(busy["control API"], busy["steward"]) < API_AND_STEWARD_AT_MOST
    if URLS >= _JUDGED_FROM:
        assert speeds[-1] >= LAST_AT_LEAST * speeds[0]
        for moment in moments[1:]:
            assert moment.used_bytes <= BYTES_WAITING * moment.waiting + BYTES_KNOWN * moment.accepted


def _speed(one: Moment, other: Moment) -> float:
    return (other.served - one.served) / (other.at_s - one.at_s)


def _share(one: Moment, other: Moment, kind: str) -> float:
    return (other.cpu_s[kind] - one.cpu_s[kind]) / (other.at_s - one.at_s)


def _tell(note, one: Moment, other: Moment) -> None:
    speed, stored = _speed(one, other), other.used_bytes / 2**20
    note(
        f"{other.served:,} pages: {speed:.0f} a second; the job's part of the store is {stored:.1f} MiB for"
        f" {other.accepted:,} URLs, of which {other.waiting:,} wait"
    )

"""What the shared store costs per page, beside the memory frontier in the same run: CPU, and round trips.

The same recipe crawls the same site three times each way, in turn; figures are medians. Everything that a shared crawl
does is counted: leases, commits with rows, the gate, renewals; `appendfsync always`. Run by `make bench-store`.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import redis

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "chaos"))

from big_site import BigSite, SiteProcess
from workers import HERE, SPEED

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

PAGES = 6_000


def crawl(site, folder, **settings):
    """Seconds of CPU of one `scrapy crawl`, and the numbers among its stats."""
    log = folder / "crawl.log"
    words = [word for name, value in {**SPEED, **settings}.items() for word in ("-s", f"{name}={value}")]
    keyed = (
        (HERE / "recipes" / "big.yaml")
        .read_text(encoding="utf-8")
        .replace("    version: 1\n", "    version: 1\n    key: [url]\n")
    )
    assert "key: [url]" in keyed, "rows of most recipes have a key, and it costs something"
    (folder / "big.yaml").write_text(keyed, encoding="utf-8")
    command = [sys.executable, "-m", "scrapy", "crawl", "big", "-a", f"site={site.url}", *words]
    environment = {
        **os.environ,
        "SCRAPY_SETTINGS_MODULE": "crawler.settings",
        "RECIPES_PATH": str(folder),
        "CRAWLERY_EXPORTS_DIR": str(folder),
    }
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # it is gone, and nobody else asked how
    text = log.read_text(encoding="utf-8")
    assert process.returncode == 0, text[-2000:]
    stats = {name: float(value) for name, value in re.findall(r"'([a-z_/]+)': ([0-9.]+)", text)}
    return usage.ru_utime + usage.ru_stime, stats


def store_cpu(client):
    cpu = client.info("cpu")
    return cpu["used_cpu_user"] + cpu["used_cpu_sys"]


@pytest.fixture
def server(new_valkey):
    return new_valkey(appendfsync="always")


@pytest.fixture
def client(server):
    client = redis.Redis.from_url(server.url)
    yield client
    client.close()


def test_the_store_costs_little_per_page(server, client, tmp_path):
    extra, stored, trips, speeds = [], [], [], []
    site_map = BigSite(products=PAGES)
    pages = len(site_map.links())
    with SiteProcess(site_map) as site:
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            alone, _ = crawl(site, folder)
            before = store_cpu(client)
            shared, stats = crawl(site, folder, REDIS_URL=server.url)
            stored.append((store_cpu(client) - before) / pages * 1e6)
            extra.append((shared - alone) / pages * 1e6)
            trips.append(stats["store/round_trips"] / pages)
            speeds.append(pages / stats["elapsed_time_seconds"])
    figures = [statistics.median(values) for values in (extra, stored, trips, speeds)]
    print(
        f"\n{pages:,} pages, {figures[3]:.0f} a second: worker {figures[0]:.0f} us of CPU a page more than alone "
        f"(at most 80), store {figures[1]:.0f} us (at most 60), {figures[2]:.3f} round trips a page (at most 0.25)"
    )
    print(f"each run: {[[round(value, 3) for value in values] for values in (extra, stored, trips, speeds)]}")
    assert figures[3] >= 200
    assert figures[2] <= 0.25
    assert figures[0] <= 80
    assert figures[1] <= 60

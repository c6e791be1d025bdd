"""What the whole platform costs a page: a worker of a job of a fleet beside a local crawl, and two workers beside one.

The worker takes leases, tells the store its commits and rows, and a steward makes files of them in S3 while it crawls;
`scrapy crawl` keeps all in memory and writes a CSV. Recipe, settings and rows are the same. The worker has a core of
its own, as the local crawl; site, store, steward and S3 share the other. Two workers, and the one that they are held
against, run on both cores, as everything else. Run by `make bench-fleet`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

from crawls.runs import crawl, hash_of_rows
from crawls.server import ShopServer
from crawls.shop import Shop
from crawls.site import write_site
from crawls.variants import MARKS, OUR_SETTINGS, PROGRAMS, ROOT, VARIANTS
from fleet_run import Fleet

from crawler.exports.intents import write_intent
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.recipe.loader import load_recipe

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROUNDS = 1
SHARED_ROUNDS = 3
LISTS = 200

#: Pages per CPU second of the worker beside those of a local crawl, and round trips to the store a page.
AT_LEAST = {"48 KB": 0.85, "7 KB": 0.80}
#: Pages per CPU second of two workers beside those of one.
SHARED_AT_LEAST = 0.85
ROUND_TRIPS_AT_MOST = 0.25

CORES = sorted(os.sched_getaffinity(0))

(OURS,) = (variant for variant in VARIANTS if variant.name == "ours")


@contextmanager
def on(*cores):
    """What is started here stays on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class ShopFleet(Fleet):
    """A fleet of one node, where each worker has a place; its settings are those of the local crawl."""

    node_cores = CORES[-1:]
    other_cores = CORES[:1]

    def start_steward(self, *options, **environment):
        """As it is by default; those of other tests are impatient."""
        return self._start("steward", "--folder", str(self.folder / "compose"), *options, **environment)

    def start_node(self, *options):
        settings = [word for name, value in OUR_SETTINGS.items() for word in ("--set", f"{name}={value}")]
        where = ("--port", "0", "--slots", str(self.slots), "--dir", str(self.folder / "node"))
        with on(*self.node_cores):
            return self._start("node", *where, *settings, "--set", MARKS, *options)

    def submit(self):
        recipe = load_recipe(Path(OURS.environment["RECIPES_PATH"]) / "shop.yaml")
        order = Job(
            id=self.job,
            recipe=recipe.name,
            recipe_text=recipe.resolved,
            inputs=recipe.inputs.from_text({"site": self.site}),
            max_workers=self.workers,
            secret=secrets.token_bytes(32),
        )
        write_intent(self.objects, order)
        self.ask(lambda store: RedisJobStore(store).create(order))


class SpreadFleet(ShopFleet):
    """Everything goes where the kernel puts it."""

    node_cores = other_cores = CORES


@dataclass
class PlatformRun:
    """A job that has ended: of all its workers the CPU time, the time by the clock, and the round trips they made."""

    cpu_s: float
    wall_s: float
    trips: int
    rows: str


def by_the_platform(site, folder, new_valkey, new_seaweed, shop, *, kind=ShopFleet, workers=1):
    """Of a store and a storage of its own, which are stopped then."""
    folder.mkdir()
    with on(*kind.other_cores):
        store, storage = new_valkey(appendfsync="always"), new_seaweed()
    more = {"PYTHONPATH": f"{PROGRAMS}{os.pathsep}{ROOT}", "CRAWL_MARKS": str(folder / "marks")}
    facts = {"site": site, "store": store, "storage": storage, "folder": folder, "more": more}
    with on(*kind.other_cores), kind.of(**facts, workers=workers, slots=workers, stewards=1, nodes=1) as fleet:
        fleet.submit()
        manifest = fleet.wait_for_end()
        fleet.wait(lambda: len(marks(folder)) == 2 * workers, what="the ends of the workers")
        (file,) = [file for file in manifest.files if file.format == "csv"]
        (folder / "rows.csv").write_bytes(fleet.objects.get(file.key))
        said = "".join(path.read_text(errors="replace") for path in folder.rglob("*.log"))
    store.stop()
    storage.kill()
    trips = re.findall(r"'store/round_trips': (\d+)", said)
    assert len(trips) == workers, "each worker tells its statistics"
    opened, closed = ([mark for mark in marks(folder) if mark["event"] == event] for event in ("opened", "closed"))
    return PlatformRun(
        cpu_s=sum(mark["cpu_s"] for mark in closed) - sum(mark["cpu_s"] for mark in opened),
        wall_s=max(mark["wall_s"] for mark in closed) - min(mark["wall_s"] for mark in opened),
        trips=sum(map(int, trips)),
        rows=hash_of_rows(folder / "rows.csv", site=site, count=shop.products),
    )


def marks(folder):
    path = folder / "marks"
    return [*map(json.loads, path.read_text().splitlines())] if path.exists() else []


@pytest.mark.parametrize("size", ["48 KB", "7 KB"])
def test_one_worker_of_a_fleet_costs_little_more_than_a_local_crawl(size, new_valkey, new_seaweed, tmp_path):
    shop = Shop(size=size, lists=LISTS)
    write_site(tmp_path / "site", shop, ("identity",))
    cpu, speed, trips = [], [], []
    with ShopServer(tmp_path / "server", tmp_path / "site", transports=("plain",), cores=CORES[:1]) as server:
        for number in range(ROUNDS):
            local = crawl(
                OURS, server=server, transport="plain", shop=shop, folder=tmp_path / f"l{number}", cores=CORES[-1:]
            )
            worker = by_the_platform(server.url("plain"), tmp_path / f"p{number}", new_valkey, new_seaweed, shop)
            assert worker.rows == local.rows
            assert set(server.sent().pages.values()) == {1}
            cpu.append(worker.cpu_s / local.cpu_s)
            speed.append(local.wall_s / worker.wall_s)
            trips.append(worker.trips / shop.pages)
            print(
                f"\n{size}: local {local.cpu_s / shop.pages * 1e6:,.0f} us of CPU a page, "
                f"{shop.pages / local.wall_s:,.0f} pages/s; worker {cpu[-1]:.2f} of its CPU, {speed[-1]:.2f} of its "
                f"speed, {trips[-1]:.3f} round trips a page"
            )
    most = 1 / AT_LEAST[size]
    print(
        f"{size}: {median(cpu):.2f} of the CPU of a local crawl (at most {most:.2f}), {median(speed):.2f} of its "
        f"speed, {median(trips):.3f} round trips a page (at most {ROUND_TRIPS_AT_MOST})"
    )
    assert median(trips) <= ROUND_TRIPS_AT_MOST
    assert 1 / median(cpu) >= AT_LEAST[size]


@pytest.mark.parametrize("size", ["48 KB", "7 KB"])
def test_two_workers_read_nearly_as_many_pages_per_cpu_second_as_one(size, new_valkey, new_seaweed, tmp_path):
    shop = Shop(size=size, lists=LISTS)
    write_site(tmp_path / "site", shop, ("identity",))
    cpu, speed = [], []
    with ShopServer(tmp_path / "server", tmp_path / "site", transports=("plain",), cores=CORES) as server:
        for number in range(SHARED_ROUNDS):
            one, two = (
                by_the_platform(
                    server.url("plain"),
                    tmp_path / f"{number}-{workers}",
                    new_valkey,
                    new_seaweed,
                    shop,
                    kind=SpreadFleet,
                    workers=workers,
                )
                for workers in (1, 2)
            )
            assert one.rows == two.rows
            assert set(server.sent().pages.values()) == {2}
            cpu.append(one.cpu_s / two.cpu_s)
            speed.append(one.wall_s / two.wall_s)
            print(
                f"\n{size}: one worker {one.cpu_s / shop.pages * 1e6:,.0f} us of CPU a page, two "
                f"{two.cpu_s / shop.pages * 1e6:,.0f}: {cpu[-1]:.2f} of its pages per CPU second, and {speed[-1]:.2f} "
                f"times its speed"
            )
    print(f"{size}: {median(cpu):.2f} of one worker's pages per CPU second (at least {SHARED_AT_LEAST})")
    assert median(cpu) >= SHARED_AT_LEAST

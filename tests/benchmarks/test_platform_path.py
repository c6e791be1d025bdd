"""What the whole platform costs a page: one worker of a job of a fleet beside a local crawl of the same site.

The worker takes leases, tells the store its commits and rows, and a steward makes files of them in S3 while it crawls;
`scrapy crawl` keeps all in memory and writes a CSV. Recipe, settings and rows are the same. The worker has a core of
its own, as the local crawl; site, store, steward and S3 share the other. Run by `make bench-fleet`.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

from crawls.runs import crawl, hash_of_rows, marks_of
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
LISTS = 200

#: Pages per CPU second of the worker beside those of a local crawl, and round trips to the store a page.
AT_LEAST = {"48 KB": 0.85, "7 KB": 0.80}
ROUND_TRIPS_AT_MOST = 0.25

CORES = sorted(os.sched_getaffinity(0))

(OURS,) = (variant for variant in VARIANTS if variant.name == "ours")


@contextmanager
def on(core):
    """What is started here stays on it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class ShopFleet(Fleet):
    """The fleet of one worker; its settings are those of the local crawl."""

    def start_steward(self, *options, **environment):
        """As it is by default; those of other tests are impatient."""
        return self._start("steward", "--folder", str(self.folder / "compose"), *options, **environment)

    def start_node(self, *options):
        settings = [word for name, value in OUR_SETTINGS.items() for word in ("--set", f"{name}={value}")]
        with on(CORES[-1]):
            where = ("--port", "0", "--slots", "1", "--dir", str(self.folder / "node"))
            return self._start("node", *where, *settings, "--set", MARKS, *options)

    def submit(self):
        recipe = load_recipe(Path(OURS.environment["RECIPES_PATH"]) / "shop.yaml")
        order = Job(
            id=self.job,
            recipe=recipe.name,
            recipe_text=recipe.resolved,
            inputs=recipe.inputs.from_text({"site": self.site}),
            max_workers=1,
            secret=secrets.token_bytes(32),
        )
        write_intent(self.objects, order)
        self.ask(lambda store: RedisJobStore(store).create(order))


def by_the_platform(site, folder, store, storage, shop):
    """Marks of the worker, round trips that it made, and a hash of the rows."""
    more = {"PYTHONPATH": f"{PROGRAMS}{os.pathsep}{ROOT}", "CRAWL_MARKS": str(folder / "marks")}
    facts = {"site": site, "store": store, "storage": storage, "folder": folder, "more": more}
    with on(CORES[0]), ShopFleet.of(**facts, workers=1, slots=1, stewards=1, nodes=1) as fleet:
        fleet.submit()
        manifest = fleet.wait_for_end()
        fleet.wait(lambda: len(marks(folder)) == 2, what="the end of the worker")
        (file,) = [file for file in manifest.files if file.format == "csv"]
        (folder / "rows.csv").write_bytes(fleet.objects.get(file.key))
        said = "".join(path.read_text(errors="replace") for path in folder.rglob("*.log"))
    trips = re.findall(r"'store/round_trips': (\d+)", said)
    assert len(trips) == 1, "one worker tells its statistics"
    return marks_of(folder / "marks"), int(trips[0]), hash_of_rows(folder / "rows.csv", site=site, count=shop.products)


def marks(folder):
    path = folder / "marks"
    return path.read_text().splitlines() if path.exists() else []


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
            (folder := tmp_path / f"p{number}").mkdir()
            with on(CORES[0]):
                store, storage = new_valkey(appendfsync="always"), new_seaweed()
            (opened, closed), asked, rows = by_the_platform(server.url("plain"), folder, store, storage, shop)
            assert rows == local.rows
            assert set(server.sent().pages.values()) == {1}
            worker_s = closed["cpu_s"] - opened["cpu_s"]
            cpu.append(worker_s / local.cpu_s)
            speed.append(local.wall_s / (closed["wall_s"] - opened["wall_s"]))
            trips.append(asked / shop.pages)
            print(
                f"\n{size}: local {local.cpu_s / shop.pages * 1e6:,.0f} us of CPU a page, "
                f"{shop.pages / local.wall_s:,.0f} pages/s; worker {cpu[-1]:.2f} of its CPU, {speed[-1]:.2f} of its "
                f"speed, {trips[-1]:.3f} round trips a page"
            )
            store.stop()
            storage.kill()
    most = 1 / AT_LEAST[size]
    print(
        f"{size}: {median(cpu):.2f} of the CPU of a local crawl (at most {most:.2f}), {median(speed):.2f} of its "
        f"speed, {median(trips):.3f} round trips a page (at most {ROUND_TRIPS_AT_MOST})"
    )
    assert median(trips) <= ROUND_TRIPS_AT_MOST
    assert 1 / median(cpu) >= AT_LEAST[size]

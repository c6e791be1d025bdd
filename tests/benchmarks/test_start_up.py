"""How soon a crawl begins, and what it costs beside its pages.

Against plain Scrapy: a spider by hand in a project of its own, the same site, in turns, medians. Both have their byte
code compiled, as installed packages have. A worker of a node is forked: measured is the time from the order to the
first request that reaches the site, which is for robots.txt, and to the first page, before which the door waits as it
does for every host that nobody knows yet.
"""

from __future__ import annotations

import asyncio
import compileall
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import redis

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "node"))

from endless_site import BY_CSS, EndlessSite, recipe
from node_jobs import Jobs
from served_site import ServedSite

import crawler
from crawler.jobs.model import Job
from crawler.scrapyd.forks import ForkServer

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

ROUNDS = int(os.environ.get("ROUNDS", "9"))

#: At most so much of plain Scrapy's time, by the clock and of the processor.
COLD_AT_MOST = 1.2
#: From the order of a worker to its first request.
WARM_AT_MOST_S = 0.3

BIN = Path(sys.executable).parent
#: Of one page, which the job asks for by its address.
ONE_PAGE = """
schema_version: 1
name: endless
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
start: [{urls: "{{ inputs.site }}/", page: product}]
pages:
  product:
    item: product
    fields: {url: {response: url}, name: h1}
items:
  product:
    version: 1
    fields:
      url: {type: string, format: uri, required: true}
      name: {type: string, required: true}
exports: [{name: products, item: product, format: jsonl}]
"""
SPEED = ("-s", "AUTOTHROTTLE_ENABLED=0", "-s", "DOWNLOAD_DELAY=0", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=16")

PROJECT = {
    "scrapy.cfg": "[settings]\ndefault = stock.settings\n",
    "stock/__init__.py": "",
    "stock/settings.py": 'BOT_NAME = "stock"\nSPIDER_MODULES = ["stock.spiders"]\nROBOTSTXT_OBEY = True\n',
    "stock/spiders/__init__.py": "",
    "stock/spiders/endless.py": """
import re

import scrapy


class Endless(scrapy.Spider):
    name = "endless"

    def __init__(self, site, **more):
        super().__init__(**more)
        self.start_urls = [f"{site}/"]

    def parse(self, response):
        yield from response.follow_all(css="a.list")
        yield from response.follow_all(css="a.product", callback=self.product)
        if response.css(".sku"):
            yield from self.product(response)

    def product(self, response):
        price = response.css(".summary .price ins .amount ::text").get("")
        yield {
            "url": response.url,
            "name": response.css("h1::text").get("").strip(),
            "sku": response.css(".sku::text").get(),
            "price": re.sub(r"[^0-9.]", "", price),
            "availability": response.css("p.stock::text").get(),
            "brand": response.css("a.brand::text").get(),
            "reviewers": response.css("#reviews .author::text").getall(),
            "images": response.css("figure.gallery img::attr(src)").getall(),
        }
""",
}


class Took(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


def take(command: list[str], *, cwd: Path, environment: Mapping[str, str]) -> Took:
    """What a command takes; it must succeed."""
    began = time.perf_counter()
    log = os.open(cwd / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    actions = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    # An own working directory: there is none for spawned processes, so a shell goes there first.
    words = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(cwd), *command]
    pid = os.posix_spawn(words[0], words, environment, file_actions=actions)
    _, status, used = os.wait4(pid, 0)
    os.close(log)
    assert status == 0, (cwd / "log").read_text()[-3000:]
    return Took(time.perf_counter() - began, used.ru_utime + used.ru_stime)


def medians(rounds: list[Took]) -> Took:
    return Took(*(statistics.median(each) for each in zip(*rounds, strict=True)))


@pytest.fixture
def note(capsys):
    """Tells a figure at once."""

    def note(line: str) -> None:
        with capsys.disabled():
            print(f"  {line}")

    return note


class Contest:
    """The same site crawled by each, in turns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for path, text in PROJECT.items():
            (folder / "stock" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "stock" / path).write_text(text)
        (folder / "ours").mkdir()
        compileall.compile_dir(Path(crawler.__file__).parent, quiet=1)
        compileall.compile_dir(folder / "stock", quiet=1)
        names = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
        self._environment = {name: value for name, value in os.environ.items() if name not in names}

    def between(self, site: str, text: str, *options: str) -> dict[str, Took]:
        """Medians of each, in seconds; `text` is that of our recipe."""
        (self._folder / "ours" / "endless.yaml").write_text(text)
        scrapy, crawlery = str(BIN / "scrapy"), str(BIN / "crawlery")
        ours = {**self._environment, "RECIPES_PATH": str(self._folder / "ours"), "EGRESS_ALLOW": "127.0.0.0/8"}
        stock = {**self._environment, "PYTHONPATH": str(self._folder / "stock")}
        project = ["-a", f"site={site}", "-O", "rows.jsonl", *options]
        commands = {
            "plain Scrapy": ([scrapy, "crawl", "endless", *project], "stock", stock),
            "scrapy crawl": (
                [scrapy, "crawl", "endless", *project],
                "ours",
                {**ours, "SCRAPY_SETTINGS_MODULE": "crawler.settings"},
            ),
            "crawlery crawl": (
                [crawlery, "crawl", "endless", "-i", f"site={site}", "-o", "rows.jsonl", *options],
                "ours",
                ours,
            ),
        }
        rounds: dict[str, list[Took]] = {name: [] for name in commands}
        for number in range(ROUNDS + 1):
            for name, (command, folder, environment) in commands.items():
                took = take(command, cwd=self._folder / folder, environment=environment)
                if number:  # the first time files are read from the disk
                    rounds[name].append(took)
        return {name: medians(each) for name, each in rounds.items()}

    def of(self, *words: str) -> Took:
        """Medians of a command of ours."""
        command = [str(BIN / words[0]), *words[1:]]
        return medians([take(command, cwd=self._folder / "ours", environment=self._environment) for _ in range(ROUNDS)])


@pytest.fixture
def contest(tmp_path):
    return Contest(tmp_path)


def _tell(note, what: str, found: dict[str, Took]) -> Took:
    """Says how `scrapy crawl` compares; the ratios."""
    plain, ours = found["plain Scrapy"], found["scrapy crawl"]
    for name, took in found.items():
        ratio = "" if name == "plain Scrapy" else f", {took.wall / plain.wall:.2f} and {took.cpu / plain.cpu:.2f} of it"
        note(f"{what}, {name}: {took.wall:.2f} s by the clock, {took.cpu:.2f} s of the processor{ratio}")
    return Took(ours.wall / plain.wall, ours.cpu / plain.cpu)


def test_a_crawl_of_one_page_takes_little_more_than_one_of_plain_scrapy(contest, note):
    with EndlessSite(products=1) as site:
        ratio = _tell(note, "one page without delays", contest.between(f"{site.url}/p/0", ONE_PAGE, *SPEED))
        # Half a second of that is a host's that nobody knows yet: between its robots.txt and its first page.
        _tell(note, "one page as it comes", contest.between(f"{site.url}/p/0", ONE_PAGE))
    assert ratio.wall <= COLD_AT_MOST
    assert ratio.cpu <= COLD_AT_MOST


def test_a_crawl_of_200_pages_takes_no_more_than_one_of_plain_scrapy(contest, note):
    with EndlessSite(products=195) as site:
        ratio = _tell(note, f"{site.pages} pages of 7 KB", contest.between(site.url, recipe(BY_CSS), *SPEED))
    assert ratio.wall <= 1
    assert ratio.cpu <= 1


def test_help_is_there_at_once(contest, note):
    took, bare = contest.of("crawlery", "--help"), contest.of("python", "-c", "import click, importlib.metadata")
    note(f"crawlery --help: {took.wall:.3f} s, {took.cpu:.3f} s of the processor; Python with click {bare.wall:.3f} s")
    assert took.cpu <= 2 * bare.cpu


def test_a_worker_of_a_node_asks_for_its_first_page_in_less_than_300_ms(tmp_path, valkey, note):
    asked: dict[str, float] = {}

    def page(_site: str, path: str) -> str | None:
        asked.setdefault(path, time.monotonic())
        return None if path == "/robots.txt" else "<h1>One</h1>"

    async def run(site: str) -> list[tuple[float, float]]:
        forks = ForkServer()
        forks.start()
        try:
            return [await _one(forks, valkey.url, site, tmp_path / str(number)) for number in range(ROUNDS + 1)]
        finally:
            forks.stop()

    async def _one(forks: ForkServer, store: str, site: str, log: Path) -> tuple[float, float]:
        await asyncio.to_thread(_make_job, store, site)
        asked.clear()
        began = time.monotonic()
        settings = {"REDIS_URL": store, "WORKER_IDLE_S": 1}
        child = await forks.spawn({"job": "j1", "seat": "", "node": "n", "log": str(log), "settings": settings})
        ended = await child.ended
        assert ended.code == 0, log
        return asked["/robots.txt"] - began, asked["/"] - began

    with ServedSite(page) as site:
        rounds = asyncio.run(run(site.url))[1:]  # the first one waits for the fork server
    robots, first = (statistics.median(each) for each in zip(*rounds, strict=True))
    note(f"a worker: {robots * 1000:.0f} ms to its first request, {first * 1000:.0f} ms to its first page")
    assert robots <= WARM_AT_MOST_S


def _make_job(store: str, site: str) -> None:
    """The job, in a store that knows neither it nor the host."""
    with redis.Redis.from_url(store) as client:
        client.flushdb()
    with Jobs(store) as jobs:
        job = Job(id="j1", recipe="endless", recipe_text=ONE_PAGE, inputs={"site": site}, secret=b"0123456789abcdef")
        jobs.ask(lambda doors: doors.jobs.create(job))

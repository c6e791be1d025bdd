"""How much memory a worker holds after 5,000, 20,000, 50,000 and 100,000 pages of 48 KB and of 7 KB.

A crawl of its own and a worker of a shared job, as processes, on a site that costs next to nothing. PAGES= in the
environment of `make bench-memory` is for fewer pages; the growth is then told and not judged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from endless_site import BY_CSS, BY_XPATH, EndlessSite, recipe
from processes import cpu_s, memory_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processes import Memory

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

PAGES = int(os.environ.get("PAGES", "100000"))
SAMPLES = tuple(count for count in (5_000, 20_000, 50_000, 100_000) if count <= PAGES) or (PAGES // 2, PAGES)

#: MiB that a worker may hold at any of these moments, by the size of pages.
AT_MOST = {"large": 150, "small": 140}
#: What it holds after the last of them, as a part of what it held after the first.
GROWTH = 1.05

SPEED = {
    "AUTOTHROTTLE_ENABLED": "0",
    "DOWNLOAD_DELAY": "0",
    "CONCURRENT_REQUESTS": "32",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "64",
    "LOG_LEVEL": "INFO",
}


class Crawl:
    """One process that crawls the site."""

    def __init__(self, folder: Path, *arguments: str, rules: Mapping[str, str], **settings: str) -> None:
        (folder / "endless.yaml").write_text(recipe(rules))
        environment = {**os.environ, "RECIPES_PATH": str(folder), "SCRAPY_SETTINGS_MODULE": "crawler.settings"}
        environment |= {"EGRESS_ALLOW": "127.0.0.0/8", "CRAWLERY_EXPORTS_DIR": str(folder / "out")}
        options = [word for name, value in {**SPEED, **settings}.items() for word in ("-s", f"{name}={value}")]
        self._log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scrapy", "crawl", *arguments, *options],
            cwd=folder,
            env=environment,
            stderr=self._log,
        )

    def samples(self, site: EndlessSite) -> dict[int, Memory]:
        """What it holds when the site has served so many pages."""
        found: dict[int, Memory] = {}
        for wanted in SAMPLES:
            while site.served() < wanted and self.process.poll() is None:
                time.sleep(0.05)
            if self.process.poll() is not None:
                self._log.seek(0)
                raise AssertionError(self._log.read()[-3000:])
            found[wanted] = memory_of(self.process.pid)
        return found

    def finished(self) -> int:
        return self.process.wait(timeout=600)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()


@pytest.fixture
def crawl(tmp_path):
    """Starts crawls that are gone afterwards."""
    crawls: list[Crawl] = []

    def crawl(*arguments: str, **options) -> Crawl:
        crawls.append(Crawl(tmp_path, *arguments, **options))
        return crawls[-1]

    yield crawl
    for each in crawls:
        each.kill()


def _tell(note: Callable[[str], None], what: str, found: dict[int, Memory], *, cpu: float) -> None:
    held = ", ".join(f"{pages:,}: {memory.rss:.0f} ({memory.pss:.0f})" for pages, memory in found.items())
    growth = found[SAMPLES[-1]].rss / found[SAMPLES[0]].rss
    note(f"{what}: MiB resident (shared counted in part) after so many pages: {held}; growth {growth:.3f}")
    note(f"{what}: {cpu / SAMPLES[-1] * 1e6:.0f} us of processor time a page")


def _judge(found: dict[int, Memory], size: str) -> None:
    assert max(memory.rss for memory in found.values()) <= AT_MOST[size]
    if SAMPLES[-1] == 100_000:
        assert found[SAMPLES[-1]].rss < GROWTH * found[SAMPLES[0]].rss


@pytest.fixture
def note(capsys):
    """Tells a figure at once."""

    def note(line: str) -> None:
        with capsys.disabled():
            print(f"  {line}")

    return note


#: The crawl is to be busy still when the last sample is taken.
_AFTER_THE_LAST = 3_000


@pytest.mark.parametrize("language", ["css", "xpath"])
@pytest.mark.parametrize("size", ["large", "small"])
def test_a_crawl_of_its_own_holds_no_more_after_many_pages_than_after_few(crawl, note, size, language):
    with EndlessSite(products=SAMPLES[-1] + _AFTER_THE_LAST, size=size) as site:
        rules = BY_XPATH if language == "xpath" else BY_CSS
        running = crawl("endless", "-a", f"site={site.url}", rules=rules)
        found = running.samples(site)
        _tell(note, f"alone, {size} pages by {language}", found, cpu=cpu_s(running.process.pid))
    _judge(found, size)


@pytest.mark.parametrize("size", ["large", "small"])
def test_neither_does_a_worker_of_a_shared_job(crawl, note, valkey, size):
    with EndlessSite(products=SAMPLES[-1] + _AFTER_THE_LAST, size=size) as site:
        running = crawl("endless", "-a", f"site={site.url}", "-a", "job=j1", rules=BY_CSS, REDIS_URL=valkey.url)
        found = running.samples(site)
        _tell(note, f"worker, {size} pages", found, cpu=cpu_s(running.process.pid))
    _judge(found, size)

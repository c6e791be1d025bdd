"""A shop that is crawled again and again by one process: only what has changed comes over, and comes out."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from changing_site import BY_SITEMAP, RECIPE, ChangingSite

import crawler.errors

ROOT = Path(crawler.errors.__file__).parents[1]


class Laptop:
    """A folder with recipes and what crawls have left there."""

    def __init__(self, folder: Path, recipe: str, site: ChangingSite) -> None:
        (folder / "recipes").mkdir()
        (folder / "recipes" / "shelves.yaml").write_text(recipe)
        self.folder = folder
        self.site = site
        self.log = ""

    def edit(self, before: str, after: str) -> None:
        path = self.folder / "recipes" / "shelves.yaml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def crawl(self, *options: str, exit_status: int = 0) -> set[tuple[str, str]]:
        """The sign and the number of each row in the file."""
        self.site.forget()
        command = [sys.executable, "-m", "crawler.cli", "crawl", "shelves", "-i", f"site={self.site.url}", *options]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "CRAWLERY_DATA_DIR": str(self.folder / "data")}
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=110
        )
        self.log = done.stdout + done.stderr
        assert done.returncode == exit_status, self.log
        with (self.folder / "out" / "goods.csv").open(newline="") as file:
            return {(row["change"], row["sku"].removeprefix("sku-")) for row in csv.DictReader(file)}


@pytest.fixture
def site():
    with ChangingSite(goods=30) as served:
        yield served


@pytest.fixture
def laptop(tmp_path, site):
    return Laptop(tmp_path, RECIPE, site)


def test_a_second_crawl_reads_and_gives_what_has_changed_and_says_what_is_gone(laptop, site):
    assert laptop.crawl() == {("+", str(number)) for number in range(1, 31)}
    assert laptop.crawl() == set()
    assert (site.answers[200], site.answers[304]) == (0, 33)
    site.goods[7] = 1
    site.goods[31] = 0
    del site.goods[12]
    assert laptop.crawl() == {("~", "7"), ("+", "31"), ("-", "12")}
    assert laptop.crawl() == set(), "what was given once is known"

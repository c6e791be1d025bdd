"""A shop that is crawled again and again by one process: only what has changed comes over, and comes out."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from changing_site import BY_SITEMAP, RECIPE, ChangingSite

import crawler.errors

ROOT = Path(crawler.errors.__file__).parents[1]
HASTE = ("AUTOTHROTTLE_ENABLED=False", "DOWNLOAD_DELAY=0")


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
        haste = [word for setting in HASTE for word in ("-s", setting)]
        self.crawlery(
            "crawl", "shelves", "-i", f"site={self.site.url}", *haste, *options, exit_status=exit_status
        )
        with (self.folder / "out" / "goods.csv").open(newline="") as file:
            rows = [(row.get("change", ""), row["sku"].removeprefix("sku-")) for row in csv.DictReader(file)]
        assert len(rows) == len(set(rows))
        return set(rows)

    def crawlery(self, *words: str, exit_status: int = 0) -> str:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "CRAWLERY_DATA_DIR": str(self.folder / "data")}
        done = subprocess.run(
            [sys.executable, "-m", "crawler.cli", *words],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        self.log = done.stdout + done.stderr
        assert done.returncode == exit_status, self.log
        return self.log


@pytest.fixture
def site():
    with ChangingSite(goods=6, per_list=3) as served:
        yield served


@pytest.fixture
def laptop(tmp_path, site):
    return Laptop(tmp_path, RECIPE, site)


def all_of(sign: str, *numbers: int) -> set[tuple[str, str]]:
    return {(sign, str(number)) for number in numbers}


ALL = all_of("+", 1, 2, 3, 4, 5, 6)


def test_a_second_crawl_reads_and_gives_what_has_changed_and_says_what_is_gone(laptop, site):
    assert laptop.crawl() == ALL
    site.goods[2] = 1
    site.goods[7] = 0
    del site.goods[6]
    assert laptop.crawl() == all_of("~", 2) | all_of("+", 7) | all_of("-", 6)
    assert (site.answers[200], site.answers[304]) == (4, 5), "a list, a new list and two goods are new"
    assert "1 new, 1 changed, 0 the same, 1 gone; 4 on pages that have not changed" in laptop.log


def test_a_run_is_judged_by_all_its_rows_and_pages_and_not_by_the_few_that_have_changed(tmp_path, site):
    quality = "quality: {coverage: {price: 80%}, http_errors: {maximum: 20%}}\nexports:"
    laptop = Laptop(tmp_path, BY_SITEMAP.replace("exports:", quality), site)
    site.unpriced.add(6)
    assert laptop.crawl() == ALL
    site.goods[5], site.goods[6] = 1, 1
    site.dead.add(5)
    assert laptop.crawl() == all_of("-", 5), "of good 6 nothing that is compared has changed"
    assert site.answers == {200: 2, 404: 2}, "the sitemap and good 6; robots.txt and good 5"
    assert "shelves: partial" in laptop.log
    site.goods[1], site.unpriced = 1, {1, 6}
    laptop.crawl(exit_status=4)
    assert re.search(r"quality\.coverage\.price is 80\.0%; 60\.0% of the 5 rows of good have it", laptop.log)


@pytest.mark.long
def test_what_was_given_once_is_known_and_a_crawl_without_news_is_complete(laptop, site):
    laptop.crawl()
    assert laptop.crawl() == set()
    assert site.answers[200] == 0
    assert "shelves: complete" in laptop.log


@pytest.mark.long
def test_a_page_to_which_its_list_has_carried_something_else_is_read_again(laptop, site):
    laptop.crawl()
    site.shelf = "rack"
    assert laptop.crawl() == all_of("~", 1, 2, 3, 4, 5, 6)


@pytest.mark.long
def test_last_modified_is_believed_as_an_etag_is(laptop, site):
    site.validators = frozenset({"last_modified"})
    laptop.crawl()
    site.goods[2] = 1
    assert laptop.crawl() == all_of("~", 2)
    assert (site.answers[200], site.answers[304]) == (3, 5), "lists say nothing of themselves"


@pytest.mark.long
def test_a_page_is_read_again_when_its_time_has_come_and_with_full(laptop, site):
    laptop.crawl()
    assert laptop.crawl("--full") == set()
    assert site.answers[304] == 0
    laptop.edit("gone_after: 1", "gone_after: 1\n  recrawl: {every: 1ms}")
    laptop.crawl()
    assert laptop.crawl() == set()
    assert site.answers[304] == 0


@pytest.mark.long
def test_another_text_of_the_recipe_reads_everything_and_knows_its_rows(laptop, site):
    laptop.crawl()
    laptop.edit('version: "1.0.0"', 'version: "1.0.1"')
    assert laptop.crawl() == set()
    assert site.answers[304] == 0
    laptop.crawl()
    assert site.answers[200] == 0


@pytest.mark.long
def test_a_304_that_nobody_has_asked_for_is_a_failure(laptop, site):
    site.lies = True
    laptop.crawl(exit_status=4)
    assert "to a request that has not asked whether the page has changed" in laptop.log


@pytest.mark.long
def test_a_sample_and_a_crawl_that_is_not_good_change_nothing(laptop, site):
    laptop.crawl()
    site.goods[2] = 1
    laptop.crawl("--sample")
    laptop.edit("exports:", "quality: {items: {minimum: 100}}\nexports:")
    assert laptop.crawl(exit_status=4) == all_of("~", 2)
    laptop.edit("quality: {items: {minimum: 100}}\n", "")
    assert laptop.crawl() == all_of("~", 2)
    assert laptop.crawl() == set()


@pytest.mark.long
def test_a_page_that_is_too_old_to_be_wanted_is_known_and_so_it_is_not_gone(laptop, site):
    text = BY_SITEMAP.replace("page: good}", "modified_since: 2021-01-01, page: good}", 1)
    (laptop.folder / "recipes" / "shelves.yaml").write_text(text)
    site.goods |= dict.fromkeys(site.goods, 40)  # of the future
    assert laptop.crawl() == ALL
    site.goods[1] = 0
    assert laptop.crawl() == set()


@pytest.mark.long
def test_changes_may_be_a_file_of_their_own_also_in_other_formats(laptop, site):
    laptop.edit(
        "format: csv, changes: column}",
        "format: csv, changes: file}\n  - {name: goods, item: good, format: jsonl, changes: column}",
    )
    laptop.edit("emit: changed", "emit: all")
    site.validators = frozenset()
    laptop.crawl()
    del site.goods[6]
    laptop.crawl()
    lines = [json.loads(line) for line in (laptop.folder / "out" / "goods.jsonl").read_text().splitlines()]
    assert [line["change"] for line in lines] == [*"=====", "-"]
    assert lines[-1] == {"change": "-", "sku": "sku-6", "price": None, "shelf": None}
    assert "change" not in (laptop.folder / "out" / "goods.csv").read_text()
    assert (laptop.folder / "out" / "goods-changes.csv").read_text().count("\n=,") == 5


@pytest.mark.long
def test_what_is_known_is_shown_and_forgotten(laptop):
    laptop.crawl()
    listed = laptop.crawlery("state", "list", "--local")
    assert "shelves" in listed
    shown = laptop.crawlery("state", "show", "shelves", "--local")
    assert "rows   good 6" in shown
    assert "pages  8 that need not be read again" in shown
    laptop.crawlery("state", "forget", "shelves", "--local")
    assert laptop.crawl() == ALL

"""The shipped `shop` recipe against the running shop, as an engineer starts it: `scrapy crawl shop -O shop.csv`."""

import csv
import json
import subprocess
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest

import crawler.errors
from crawler.sample_shop import pages
from crawler.sample_shop.server import running_shop

ROOT = Path(crawler.errors.__file__).parents[1]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """(the shop after the crawl, rows of the CSV by SKU)."""
    out = tmp_path_factory.mktemp("shop") / "shop.csv"
    command = [sys.executable, "-m", "scrapy", "crawl", "shop", "-O", str(out)]
    with running_shop() as shop:
        done = subprocess.run(
            [*command, "-a", f"site={shop.url}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=110
        )
        assert done.returncode == 0, done.stderr[-3000:]
        with out.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        yield shop, {row["sku"]: row for row in rows}


def folded(value):
    return " ".join(unicodedata.normalize("NFC", str(value)).split())


def same(cell, value):
    """Whether a cell of the file holds a value of the truth: text, numbers with every digit, lists as JSON."""
    if value is None:
        return cell == ""
    if isinstance(value, list):
        return cell != "" and json.loads(cell, parse_float=Decimal) == value
    if isinstance(value, Decimal):
        return cell == f"{value:f}"
    # a formula is disarmed by one apostrophe before it
    return folded(cell.removeprefix("'") if str(value)[:1] in "=+-@" else cell) == folded(value)


def test_every_cell_of_the_file_is_the_truth(crawled):
    shop, rows = crawled
    truth = shop.catalogue.truth(shop.url)
    assert len(rows) == len(truth) == 320
    wrong = {
        (product["sku"], name): (rows[product["sku"]][name], value)
        for product in truth
        for name, value in product.items()
        if not same(rows[product["sku"]][name], value)
    }
    assert not wrong


def test_pages_that_were_broken_at_first_were_asked_again(crawled):
    shop, _ = crawled
    for path in shop.heals:
        assert [entry.status for entry in shop.log if entry.path == path] == [500, 500, 200]


def test_robots_rules_were_obeyed_and_no_trap_was_entered(crawled):
    shop, _ = crawled
    paths = {entry.path for entry in shop.log}
    assert "/robots.txt" in paths
    assert pages.PRIVATE_PATH not in paths
    assert not any(path.startswith("/traps") for path in paths)


def test_no_page_was_asked_for_twice_without_a_reason(crawled):
    shop, _ = crawled
    fetched = [entry.path for entry in shop.log if entry.status == 200 and not entry.path.startswith("/club")]
    assert len(fetched) == len(set(fetched))

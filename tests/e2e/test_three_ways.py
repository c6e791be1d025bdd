"""One recipe, three ways to run it, the same rows: `scrapy crawl`, `crawlery crawl`, and a job of the fleet."""

import csv
import subprocess
import sys

import pytest
from up_process import Platform

pytestmark = pytest.mark.long


def test_a_recipe_gives_the_same_rows_whoever_runs_it(workplace, shop):
    site = f"site={shop.url}"
    workplace.crawlery("crawl", "shop", "-i", site, "-o", "crawlery.csv")
    command = [sys.executable, "-m", "scrapy", "crawl", "shop", "-a", site, "-O", "scrapy.csv"]
    own = workplace.environment | {"SCRAPY_SETTINGS_MODULE": "crawler.settings"}
    subprocess.run(command, cwd=workplace.folder, env=own, check=True, capture_output=True, timeout=90)
    # nodes have nobody before them who could vouch for a site of this machine, as the two above have
    environment = workplace.environment | {"EGRESS_ALLOW": "127.0.0.0/8"}
    platform = Platform(workplace.folder, "--nodes", "1", "--slots", "2", environment=environment)
    try:
        platform.start()
        job = platform.crawlery("job", "run", "shop", "-i", site, "--workers", "2", "--watch").strip()
        platform.crawlery("job", "results", job, "-o", "fleet")
        listed = platform.crawlery("job", "rows", job, "-o", "listed.csv", "--export", "products")
    finally:
        platform.stop()

    def rows(name):
        with (workplace.folder / name).open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        return lines[0], sorted(lines[1:])

    assert listed == ""
    assert len(rows("scrapy.csv")[1]) == 60
    assert rows("crawlery.csv") == rows("scrapy.csv") == rows("fleet/products.csv") == rows("listed.csv")

"""`scrapy ...` in the checkout, as an engineer types it: its own process, default settings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loopback import html, links

ROOT = Path(__file__).resolve().parents[3]

RECIPE = """
schema_version: 1
name: {name}
version: "1.0.0"
inputs:
  site: {{type: string, format: uri}}
start:
  - urls: ["{{{{ inputs.site }}}}/"]
    page: listing
pages:
  listing:
    follow: [{{links: a.l, page: good}}]
  good:
    item: good
    fields: {{name: h1}}
items:
  good: {{version: 1, fields: {{name: {{type: string, required: true}}}}}}
exports: [{{name: {name}, item: good, format: csv}}]
"""


@pytest.fixture
def project(tmp_path, site):
    """Recipes of our own, and a site with five goods; `run` calls scrapy."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "goods.yaml").write_text(RECIPE.format(name="goods"))
    (recipes / "broken.yaml").write_text(RECIPE.format(name="broken").replace("follow:", "folow:"))
    (recipes / "_parent.yaml").write_text("schema_version: 1\n")
    site["/"] = links(*(f"/g/{number}" for number in range(5)))
    for number in range(5):
        site[f"/g/{number}"] = f"<h1>Good {number}</h1>"
    environment = {**os.environ, "RECIPES_PATH": str(recipes), "CRAWLERY_EXPORTS_DIR": str(tmp_path / "out")}

    def run(*arguments: str, **kwargs):
        command = [sys.executable, "-m", "scrapy", *arguments]
        options = {"capture_output": True, "text": True, "cwd": ROOT, "env": environment, "timeout": 60, **kwargs}
        return subprocess.run(command, check=False, **options)

    run.site, run.folder, run.environment = site, tmp_path, environment
    return run


def test_list_names_recipes_and_warns_of_the_broken_ones(project):
    done = project("list")
    assert done.returncode == 0
    assert done.stdout.split() == ["broken", "goods"]
    assert re.search(r"warning: broken cannot be used: \S*broken.yaml:\d+:\d+: pages.listing.folow: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_crawl_writes_the_output_and_shows_a_summary(project):
    output = project.folder / "goods.csv"
    done = project("crawl", "goods", "-a", f"site={project.site.url}", "-O", str(output))
    assert done.returncode == 0, done.stderr
    assert sorted(output.read_text().splitlines()) == ["Good 0", "Good 1", "Good 2", "Good 3", "Good 4", "name"]
    assert "goods: complete in" in done.stderr
    assert "rows      good 5" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "out").exists()


def test_crawl_without_an_output_writes_the_declared_exports_and_a_summary_file(project):
    summary = project.folder / "summary.json"
    done = project("crawl", "goods", "-a", f"site={project.site.url}", "-s", f"SUMMARY_FILE={summary}", "--nolog")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len((project.folder / "out" / "goods.csv").read_text().splitlines()) == 6
    assert json.loads(summary.read_text())["rows"] == {"good": 5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["broken", "-a", "site=http://a/"], r"broken.yaml:\d+:\d+: pages.listing.folow: .*follow"),
        (["goods"], r"input site: is missing"),
        (["goods", "-a", "site=nowhere", "-a", "sitte=x"], r"input site: 'nowhere' is not a URI"),
        (["good", "-a", "site=http://a/"], r"no recipe or spider called 'good'; did you mean 'goods'\?"),
    ],
)
def test_mistakes_are_a_message_and_exit_status_2(project, arguments, message):
    done = project("crawl", *arguments)
    assert done.returncode == 2
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_told_before_the_crawl(project):
    done = project("crawl", "goods", "-a", f"site={project.site.url}", "-O", "/proc/nowhere/goods.csv")
    assert done.returncode == 2
    assert "/proc/nowhere/goods.csv: cannot be written: No such file or directory" in done.stderr
    assert not project.site.hits


def test_a_wrong_environment_is_one_clear_message(project):
    done = project("list", env={**project.environment, "CRAWLERY_LOG_LEVEL": "loud"})
    assert done.returncode == 2
    assert done.stderr == ("environment: CRAWLERY_LOG_LEVEL='LOUD'; one of DEBUG, INFO, WARNING, ERROR, CRITICAL\n")


def test_a_lost_list_page_and_bad_quality_have_their_exit_status(project):
    project.site["/"] = html("no", status=403)
    assert project("crawl", "goods", "-a", f"site={project.site.url}", "--nolog").returncode == 4


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupted_crawl_keeps_its_rows_and_shows_its_summary_and_the_second_time_ends_at_once(project, times):
    project.site["/"] = links(*(f"/g/{number}" for number in range(400)))
    for number in range(400):
        project.site[f"/g/{number}"] = html(f"<h1>Good {number}</h1>", delay_s=0.05)
    output = project.folder / "goods.csv"
    command = [sys.executable, "-m", "scrapy", "crawl", "goods", "-a", f"site={project.site.url}", "-O", str(output)]
    with subprocess.Popen(command, cwd=ROOT, env=project.environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while sum(project.site.hits.values()) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        _, log = process.communicate(timeout=15)
    assert process.returncode == 130
    assert "Traceback" not in log
    if times == 2:
        return
    assert "goods: cancelled in" in log
    assert 1 <= len(output.read_text().splitlines()) - 1 < 400


@pytest.mark.long
def test_shell_fetch_and_parse_work_as_ever(project):
    url = project.site.url
    assert project("shell", "--nolog", "-c", "response.css('h1::text').get()", f"{url}/g/3").stdout == "Good 3\n"
    assert project("shell", "--nolog", "-c", "response.status", f"{url}/none").stdout == "404\n"
    assert "<h1>Good 2</h1>" in project("fetch", "--nolog", f"{url}/g/2").stdout
    parsed = project("parse", "--nolog", "--nocolour", "--spider=goods", "-a", f"site={url}", f"{url}/")
    assert parsed.stdout.count("<GET http://") == 5
    page = '--cbkwargs={"page": "good"}'
    parsed = project("parse", "--nolog", "--nocolour", "--spider=goods", "-a", f"site={url}", page, f"{url}/g/1")
    assert "{'name': 'Good 1'}" in parsed.stdout


def test_an_ordinary_spider_file_runs_with_our_settings(project):
    spider = project.folder / "hand.py"
    spider.write_text(
        "import scrapy\n\n\nclass Hand(scrapy.Spider):\n    name = 'hand'\n\n"
        f"    start_urls = ['{project.site.url}/']\n\n"
        "    def parse(self, response):\n"
        "        yield from response.follow_all(css='a', callback=self.good)\n\n"
        "    def good(self, response):\n        yield {'name': response.css('h1::text').get()}\n"
    )
    output = project.folder / "hand.csv"
    done = project("runspider", str(spider), "-O", str(output))
    assert done.returncode == 0, done.stderr
    assert "hand: complete in" in done.stderr
    assert "name" in output.read_text().splitlines()


TOLD_TO_GO = """
import os, signal
from scrapy import Spider
from crawler.spiders.runner import CrawlCutShort, project_settings, run_crawl

class Hasty(Spider):
    name = "hasty"

    async def start(self):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        yield

try:
    run_crawl(Hasty, {}, settings=project_settings())
except CrawlCutShort as error:
    print("cut short:", error)
"""


def test_a_crawl_that_is_ended_before_it_can_be_summed_up_was_told_to_and_did_not_fail_to_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TOLD_TO_GO], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "cut short: the crawl was ended before it could be summed up\n", done.stderr[-3000:]

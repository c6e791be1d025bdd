"""A crawl loads what it uses and nothing large beside that, so that it begins about as soon as one of plain Scrapy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from served_site import ServedSite

RECIPE = """
schema_version: 1
name: goods
version: "1.0.0"
inputs: {{site: {{type: string, format: uri}}}}
start:
  - urls: ["{{{{ inputs.site }}}}/"]
    page: good
pages:
  good:
    item: good
    fields:
      url: {{response: url}}
      name: h1
      at: {at}
items:
  good:
    version: 1
    fields:
      url: {{type: string, format: uri, required: true}}
      name: {{type: string, required: true}}
      at: {{type: string}}
exports:
  - {{name: goods, item: good, format: csv}}
"""

PLAIN = "time"
WRITTEN_DATE = "{css: time, process: [date]}"

#: Packages that cost more than a few milliseconds, and what of ours brings them or is as large.
HEAVY = {
    *("redis", "hiredis", "scrapy_redis", "boto3", "botocore", "pyarrow", "pandas", "numpy"),
    *("dateparser", "price_parser", "regex", "marshmallow", "environs", "flask", "limits", "gunicorn", "httpx"),
    *("rich", "click", "prometheus_client", "scrapyd", "watchfiles", "dotenv"),
    *("crawler.store", "crawler.joining", "crawler.frontier.redis", "crawler.jobs.redis", "crawler.jobs.seats"),
    *("crawler.extensions.fleet_worker", "crawler.exports.objects_s3", "crawler.recipe.diagnose"),
    *("crawler.recipe.steps.written_dates", "scrapy.core.downloader.contextfactory"),
}

CRAWL = """
import json, sys
from pathlib import Path
from scrapy.cmdline import execute
try:
    execute(["scrapy", "crawl", "goods", "-a", f"site={sys.argv[1]}", "-O", "rows.jsonl", "--nolog"])
except SystemExit as end:
    Path("loaded.json").write_text(json.dumps([end.code, sorted(sys.modules)]))
"""


@pytest.fixture
def loaded_by(tmp_path):
    """Modules that a process has loaded that has crawled a recipe of one page."""

    def loaded_by(at: str) -> set[str]:
        (tmp_path / "goods.yaml").write_text(RECIPE.format(at=at))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REDIS", "S3_", "STORAGE"))},
            "RECIPES_PATH": str(tmp_path),
            "SCRAPY_SETTINGS_MODULE": "crawler.settings",
        }
        with ServedSite(lambda _site, path: None if path == "/robots.txt" else PAGE) as site:
            done = subprocess.run(
                [sys.executable, "-c", CRAWL, site.url],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
        status, modules = json.loads((tmp_path / "loaded.json").read_text())
        assert status == 0, done.stderr
        assert [json.loads(row)["name"] for row in Path(tmp_path / "rows.jsonl").read_text().splitlines()] == ["One"]
        return set(modules)

    return loaded_by


PAGE = "<html><body><h1>One</h1><time>4 March 2024</time></body></html>"


def test_a_crawl_by_css_loads_nothing_large_that_it_does_not_use(loaded_by):
    loaded = loaded_by(PLAIN)
    assert {"scrapy", "crawler.scheduler", "crawler.recipe.extract"} <= loaded
    assert not {name for name in loaded if name in HEAVY or name.partition(".")[0] in HEAVY}


def test_a_recipe_that_reads_written_dates_loads_what_reads_them_and_no_more(loaded_by):
    loaded = loaded_by(WRITTEN_DATE)
    assert "dateparser" in loaded
    heavy = {name for name in loaded if name in HEAVY or name.partition(".")[0] in HEAVY}
    assert {name.partition(".")[0] for name in heavy} == {"dateparser", "regex", "crawler"}
    assert heavy & {name for name in HEAVY if name.startswith("crawler")} == {"crawler.recipe.steps.written_dates"}

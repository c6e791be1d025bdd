"""Workers of one job may run in one folder: none writes over what another has rejected."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scrapy.crawler import Crawler
from scrapy.settings import Settings

from crawler.extensions import rejects
from crawler.extensions.rejects import RejectsFile
from crawler.recipe.model import Reason, Reject
from crawler.spiders.recipe import RecipeSpider

REASON = Reason(field="price", rule="required", message="is missing")


@pytest.fixture
def rejected(tmp_path, monkeypatch):
    """Rejects a row as a worker of a job, or alone; gives the name of the file."""

    def reject(fleet):
        settings = Settings()
        settings.setmodule("crawler.settings")
        settings.set("EXPORTS_DIR", str(tmp_path))
        crawler = Crawler(RecipeSpider, settings)
        crawler.stats = SimpleNamespace(inc_value=lambda _: None)
        monkeypatch.setattr(rejects, "fleet_of", lambda _: fleet)
        file = RejectsFile(crawler, tmp_path / "books.rejects.jsonl")
        file.row_rejected(Reject(item="book", url="http://a/", reasons=(REASON,), values={}))
        file.spider_closed()
        return file.path.name

    return reject


def test_a_worker_of_a_job_has_a_file_of_its_own(rejected):
    fleet = SimpleNamespace(job=SimpleNamespace(id="j1"), worker="host/17/ab12")
    assert rejected(fleet) == "books.j1.host-17-ab12.rejects.jsonl"


def test_a_crawl_that_is_not_shared_has_the_file_beside_its_output(rejected):
    assert rejected(None) == "books.rejects.jsonl"

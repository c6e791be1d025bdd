"""Jobs of an incremental recipe, one after the other: what has changed comes out once, whoever dies over it."""

from __future__ import annotations

import csv
import io
import os
import secrets
import subprocess
import sys
import time

import pytest
from changing_site import BY_SITEMAP, RECIPE, ChangingSite

from crawler.jobs.model import Job
from tests.valkey_server import mortal

ALL = {("+", number) for number in range(1, 31)}


class Series:
    """Jobs of one recipe on one site, with workers and stewards."""

    def __init__(self, bench, site, folder, url) -> None:
        self.bench, self.site, self.recipe = bench, site, RECIPE
        self._folder = folder
        self._url = url
        self._jobs = 0

    def submit(self, **values) -> str:
        """A job; its id."""
        self.site.forget()
        self._jobs += 1
        job = Job(
            id=f"j{self._jobs}",
            recipe="shelves",
            recipe_text=self.recipe,
            inputs={"site": self.site.url},
            secret=secrets.token_bytes(32),
            **values,
        )
        self.bench.run(self.bench.jobs.create(job))
        return job.id

    def worker(self, job: str, **more) -> subprocess.Popen:
        settings = {**more, "REDIS_URL": self._url, "LEASE_TTL": 1, "INCREMENTAL_CACHE": self._folder / "cache"}
        words = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
        with (self._folder / f"{job}-{secrets.token_hex(2)}.log").open("wb") as log:
            return subprocess.Popen(
                mortal(sys.executable, "-m", "scrapy", "crawl", "job", "-a", f"job={job}", *words),
                cwd=self._folder,
                env={
                    **os.environ,
                    "SCRAPY_SETTINGS_MODULE": "crawler.settings",
                    "STORAGE_URL": (self._folder / "objects").as_uri(),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def crawl(self, job: str) -> None:
        """One worker reads all pages."""
        worker = self.worker(job)
        assert worker.wait(timeout=60) == 0, self.logs(job)

    def logs(self, job: str) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self._folder.glob(f"{job}-*.log"))

    def run(self, **values) -> set[tuple[str, int]]:
        """Sign and number of each row of one more job."""
        job = self.submit(**values)
        self.crawl(job)
        self.bench.work(self.bench.ended(job))
        return self.rows(job)

    def rows(self, job: str) -> set[tuple[str, int]]:
        found = [(row["change"], int(row["sku"].removeprefix("sku-"))) for row in self.table(job)]
        assert len(found) == len(set(found)), f"rows are there twice: {found}"
        return set(found)

    def table(self, job: str) -> list[dict[str, str]]:
        (file,) = self.bench.manifest(job).files
        text = self.bench.objects.get(file.key).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def series(bench, tmp_path, valkey):
    with ChangingSite(goods=30) as site:
        yield Series(bench, site, tmp_path, valkey.url)


def change(site) -> set[tuple[str, int]]:
    """Three new, five changed, two gone."""
    for number in (3, 4, 5, 6, 25):
        site.goods[number] += 1
    site.goods |= dict.fromkeys((31, 32, 33), 0)
    del site.goods[10], site.goods[20]
    return {("+", 31), ("+", 32), ("+", 33), *(("~", number) for number in (3, 4, 5, 6, 25)), ("-", 10), ("-", 20)}


@pytest.mark.long
def test_a_second_job_reads_and_gives_only_what_has_changed(series):
    assert series.run() == ALL
    assert series.run() == set()
    assert series.site.answers[200] == 0
    manifest = series.bench.manifest("j2")
    assert (str(manifest.outcome), manifest.series.carried, manifest.ledger.settled["not_modified"]) == (
        "complete",
        30,
        33,
    )
    changes = change(series.site)
    assert series.run() == changes
    assert series.run() == set()


@pytest.mark.long
def test_a_job_whose_workers_are_killed_twice_gives_the_same_changes(series):
    series.run()
    changes = change(series.site)
    job = series.submit()
    for pages in (4, 12):
        worker = series.worker(job)
        wait_until(lambda pages=pages: len(series.site.asked) >= pages)
        worker.kill()
        worker.wait()
    series.crawl(job)
    series.bench.work(series.bench.ended(job))
    assert series.rows(job) == changes
    assert series.run() == set()


def wait_until(holds) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.long
def test_a_sitemap_spares_its_pages_the_question_and_counts_them_as_seen(series):
    series.recipe = BY_SITEMAP
    assert series.run() == ALL
    assert series.run() == set()
    assert [path for path in series.site.asked if "good" in path] == []
    assert series.bench.manifest("j2").series.carried == 30
    changes = change(series.site)
    assert series.run() == changes
    assert len([path for path in series.site.asked if "good" in path]) == 8
    assert series.run() == set()


@pytest.mark.long
def test_what_is_modified_since_the_last_run_is_all_that_is_asked_for(series):
    series.recipe = BY_SITEMAP.replace(
        '{sitemap: "{{ inputs.site }}/sitemap.xml", page: good}',
        '{sitemap: "{{ inputs.site }}/sitemap.xml", modified_since: last_run, page: good}',
    ).replace("skip_unchanged: [sitemap_lastmod, etag, last_modified]", "emit: changed")
    series.recipe = series.recipe.replace("  emit: changed\n  emit: changed\n", "  emit: changed\n")
    assert series.run() == ALL
    assert series.run() == set()
    assert [path for path in series.site.asked if "good" in path] == []
    del series.site.goods[10]
    series.site.goods[31] = 0  # which is older than the last run, and was not there then
    series.site.goods[7] = 40
    assert series.run() == {("-", 10), ("+", 31), ("~", 7)}
    assert len([path for path in series.site.asked if "good" in path]) == 2


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_second_job_of_5000_pages_costs_a_twentieth_and_a_third_gives_exactly_what_has_changed(
    bench, tmp_path, valkey
):
    with ChangingSite(goods=5000, per_list=50, page_bytes=8000) as site:
        series = Series(bench, site, tmp_path, valkey.url)
        haste = {"DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 16}

        def crawl(*kills) -> set[tuple[str, int]]:
            job = series.submit(max_workers=2)
            for pages in kills:
                workers = [series.worker(job, **haste) for _ in range(2)]
                wait_until(lambda pages=pages: len(site.asked) >= pages)
                for worker in workers:
                    worker.kill()
                    worker.wait()
            workers = [series.worker(job, **haste) for _ in range(2)]
            assert [worker.wait(timeout=300) for worker in workers] == [0, 0], series.logs(job)
            bench.work(bench.ended(job), patience_s=120)
            return series.rows(job)

        assert len(crawl()) == 5000
        whole = site.sent_bytes
        assert crawl() == set()
        share = site.sent_bytes / whole
        assert share < 0.05, f"5,100 pages: {whole:,} bytes, then {site.sent_bytes:,}: {share:.1%}"
        for number in (3, 400, 1555, 2600, 4999):
            site.goods[number] += 1
        site.goods |= dict.fromkeys((5001, 5002, 5003), 0)
        del site.goods[10], site.goods[2000]
        changes = {("~", number) for number in (3, 400, 1555, 2600, 4999)}
        changes |= {("+", number) for number in (5001, 5002, 5003)} | {("-", 10), ("-", 2000)}
        assert crawl(500, 2500) == changes
        assert crawl() == set()

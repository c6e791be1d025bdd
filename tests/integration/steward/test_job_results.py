"""`crawlery job results`: links and downloads of what the manifest names, pieces of what still runs."""

from __future__ import annotations

import pytest
from goods_and_faults import goods, names_in
from goods_recipe import RECIPE

from crawler.steward.retention import retain


@pytest.fixture
def ended(bench):
    bench.a_job()
    bench.crawl(2)
    bench.work(bench.ended())


def test_each_file_has_its_rows_its_hash_and_a_link(crawlery, bench, ended):
    shown = crawlery("job", "results", "j").stdout
    for file in bench.manifest().files:
        assert file.name in shown
        assert file.sha256 in shown
        assert file.key in shown
    assert shown.count("file://") == 2


def test_downloads_are_the_files(crawlery, ended, tmp_path):
    crawlery("job", "results", "j", "-o", "files")
    assert names_in((tmp_path / "files" / "goods.csv").read_text()) == goods(2)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["goods.csv", "lines.jsonl"]


def test_a_file_that_is_not_what_the_manifest_says_is_refused(crawlery, bench, ended, tmp_path):
    file = bench.manifest().files[0]
    bench.objects.put(file.key, b"other", content_type="text/csv")
    assert "is not what the manifest of j says" in crawlery("job", "results", "j", "-o", "files", code=2).stderr
    assert not list((tmp_path / "files").glob("goods*"))


def test_withheld_files_are_given_to_who_asks_for_them(crawlery, bench):
    bench.a_job(more="quality: {items: {minimum: 100}}\n")
    bench.crawl(1)
    bench.work(bench.ended())
    assert "quality.items.minimum is 100" in crawlery("job", "results", "j", code=2).stderr
    assert "goods.csv" in crawlery("job", "results", "j", "--withheld").stdout


def test_a_job_that_runs_has_pieces(crawlery, bench):
    bench.a_job()
    bench.crawl(2)
    bench.one_more_page()

    async def has_one() -> bool:
        return len(await bench.rows().segments()) == 1

    bench.work(has_one)
    result = crawlery("job", "results", "j")
    assert "j is running: no files yet, 1 piece" in result.stderr
    assert "j-000001.jsonl.zst  4 rows" in result.stdout
    refused = crawlery("job", "results", "j", "-o", "files", code=2)
    assert "j is running: there are no files to download yet" in refused.stderr


def test_the_pieces_of_a_job_that_is_to_be_judged_are_not_given(crawlery, bench):
    bench.a_job(more="quality: {items: {minimum: 1}}\n")
    bench.crawl(2)
    bench.one_more_page()

    async def has_one() -> bool:
        return len(await bench.rows().segments()) == 1

    bench.work(has_one)
    assert "judged" in crawlery("job", "results", "j", code=2).stderr


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (("none",), {}, "there is no job none"),
        (("j",), {"STORAGE_URL": ""}, "where are the files?"),
        (("j", "-o", "file/x"), {}, "file/x: not a directory"),
    ],
)
@pytest.mark.usefixtures("ended")
def test_what_cannot_be_given_is_one_message(crawlery, tmp_path, words, environment, says):
    (tmp_path / "file").write_text("")
    result = crawlery("job", "results", *words, code=2, **environment)
    assert says in result.stderr
    assert result.stderr.count("Error") == 1


def test_the_key_of_a_job_that_has_left_the_store_makes_no_second_one(bench, crawlery, tmp_path):
    (tmp_path / "goods.yaml").write_text(RECIPE)
    order = ("job", "run", "goods", "-i", "site=http://a", "--key", "monday")
    job = crawlery(*order).stdout.strip()
    crawlery("job", "cancel", job)
    bench.work(bench.ended(job))
    bench.run(retain(bench.ground(keep_jobs_s=0.0)))
    assert f"this key has made job {job}" in crawlery(*order, code=2).stderr
    assert bench.run(bench.jobs.get(job)) is None
    assert bench.objects.info(f"jobs/{job}/intent.json") is None


@pytest.mark.parametrize(
    "url", ["redis://:sec#ret@x:1", "redis://:sec/ret@x:1", "redis://:a@b/ret@x:1", "redis://:ret@x:p"]
)
def test_a_password_that_makes_an_address_unreadable_is_not_shown(crawlery, url):
    refused = crawlery("job", "list", "--redis-url", url, code=2).stderr
    assert "sec" not in refused
    assert "ret" not in refused

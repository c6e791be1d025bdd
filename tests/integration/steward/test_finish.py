"""What a job comes to at its end: files that are exact, one manifest, an outcome."""

from __future__ import annotations

import hashlib
import json

import pytest
from goods_and_faults import KEYS, Fails, goods, names_in

from crawler.errors import ObjectStoreError
from crawler.jobs.model import Outcome, State
from crawler.steward.export import Export
from crawler.steward.finish import Finish, JobRunsAgain


def test_a_job_that_nobody_ended_ends_with_its_files_and_a_manifest(bench):
    bench.a_job()
    bench.crawl(5)
    bench.work(bench.ended())
    status, manifest = bench.status(), bench.manifest()
    assert (status.state, status.outcome, status.why) == (State.SUCCEEDED, Outcome.COMPLETE, "")
    assert (manifest.state, manifest.outcome, manifest.withheld) == ("succeeded", "complete", False)
    assert names_in(bench.file("csv")) == goods(5)
    assert [json.loads(line)["name"] for line in bench.file("jsonl").splitlines()] == goods(5)
    for file in manifest.files:
        content = bench.objects.get(file.key)
        assert (hashlib.sha256(content).hexdigest(), len(content), file.rows) == (file.sha256, file.size_bytes, 10)
    assert bench.run(bench.rows().waiting()) == (0, 0)


def test_a_manifest_that_is_there_is_adopted_whatever_the_store_says(bench):
    bench.a_job()
    bench.crawl(2)
    bench.work(bench.ended())
    first = bench.manifest()
    bench.run(bench.store.command("HSET", "crawlery:{j}:job", "state", "finishing"))
    bench.run(bench.store.command("HDEL", "crawlery:{j}:job", "outcome", "finished_ms"))
    bench.run(bench.store.command("SADD", "crawlery:live", "j"))
    bench.work(bench.ended())
    assert bench.manifest() == first
    assert bench.status().state is State.SUCCEEDED


def test_a_job_ends_as_its_manifest_says_though_the_store_has_forgotten_that_and_it_was_cancelled_since(bench):
    bench.a_job()
    bench.crawl(2)
    bench.work(bench.ended())
    bench.run(bench.store.command("HSET", "crawlery:{j}:job", "state", "finishing", "intended", "cancel"))
    bench.run(bench.store.command("HDEL", "crawlery:{j}:job", "outcome", "finished_ms"))
    bench.run(bench.store.command("SADD", "crawlery:live", "j"))
    bench.work(bench.ended(), patience_s=5.0)
    assert (bench.status().state, bench.status().outcome) == (State.SUCCEEDED, Outcome.COMPLETE)


def test_a_job_without_rows_is_empty_and_has_headers_only(bench):
    bench.a_job()
    bench.crawl(2, rows=0)
    bench.work(bench.ended())
    assert bench.status().outcome is Outcome.EMPTY
    assert bench.file("csv") == "url,name\n"


def test_a_page_that_gave_up_makes_the_job_partial(bench):
    bench.a_job()
    bench.crawl(2)
    bench.crawl(1, rows=0, outcome="gave_up", url="http://a/x", reason="503")
    bench.work(bench.ended())
    assert (bench.status().state, bench.status().outcome) == (State.SUCCEEDED, Outcome.PARTIAL)
    record = json.loads(bench.objects.get(KEYS.record))
    assert record["ledger"]["failures"][0]["url"] == "http://a/x"
    assert "secret" not in record["job"]


def test_rows_that_are_not_what_the_recipe_asks_for_are_withheld(bench):
    bench.a_job(more="quality: {items: {minimum: 100}}\n")
    bench.crawl(2)
    bench.work(bench.ended())
    assert (bench.status().state, bench.status().outcome) == (State.FAILED, Outcome.QUALITY_FAILED)
    assert bench.manifest().withheld
    assert "100" in bench.status().why


def test_rejected_rows_count_when_a_job_is_judged(bench):
    bench.a_job(more="quality: {rejected: {maximum: 5}}\n")
    bench.crawl(2, rejected=3)
    bench.work(bench.ended())
    assert bench.status().outcome is Outcome.QUALITY_FAILED


@pytest.mark.parametrize("storage", ["folder", "s3"])
@pytest.mark.parametrize("lost", ["/segments/", "/files/goods", "/files/lines", "job.json", "manifest.json"])
def test_answers_that_get_lost_leave_one_manifest_and_exact_files(bench, storage, lost):
    bench.objects = Fails(bench.objects)
    bench.a_job()
    bench.crawl(3)
    bench.objects.lose_answer_of = lost
    bench.work(bench.ended())
    assert names_in(bench.file("csv")) == goods(3)
    assert bench.manifest().ledger.rows == {"good": 6}
    named = {file.key for file in bench.manifest().files} | {segment.key for segment in bench.segments()}
    written = {key for key in bench.objects.puts if "/files/" in key or "/segments/" in key}
    listed = json.loads(bench.objects.get(KEYS.orphans)) if bench.objects.info(KEYS.orphans) else []
    assert set(listed) == written - named


def test_a_store_that_has_forgotten_the_end_of_a_job_gets_no_manifest_of_it(bench):
    """It was rewound after the steward had seen that the job takes no more pages; some of its pages are open again."""
    bench.a_job()
    bench.crawl(2)
    bench.run(bench.frontier().close("finished"))
    stored = bench.run(bench.jobs.get("j"))
    bench.run(bench.store.command("HDEL", "crawlery:{j}:books", "closed"))
    finish = Finish(bench.ground(), Export(bench.ground()))
    with pytest.raises(JobRunsAgain, match="job j takes pages again"):
        bench.run(finish.run(stored))
    assert bench.manifest() is None


def test_a_composition_that_fails_again_and_again_is_tried_less_and_less_often(bench):
    bench.objects = Fails(bench.objects)
    bench.a_job()
    bench.crawl(2)
    bench.run(bench.frontier().close("finished"))
    ground = bench.ground(tick_s=30.0)
    finish = Finish(ground, Export(ground))
    bench.objects.lose_answer_of = "/files/"
    stored = bench.run(bench.jobs.get("j"))
    with pytest.raises(ObjectStoreError):
        bench.run(finish.run(stored))
    assert finish.is_put_off("j")
    puts = len(bench.objects.puts)
    assert not bench.run(finish.run(stored))
    assert len(bench.objects.puts) == puts
    finish.forget("j")
    assert bench.run(finish.run(stored))
    assert not finish.is_put_off("j")

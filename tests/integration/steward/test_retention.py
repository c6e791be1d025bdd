"""What nobody needs any more is removed, and files are not."""

from __future__ import annotations

from goods_and_faults import KEYS, Fails, goods, names_in

from crawler.exports.intents import write_intent
from crawler.exports.keys import JobKeys
from crawler.steward.reimport import reimport
from crawler.steward.retention import retain


def test_ended_jobs_leave_the_store_after_a_while_and_their_files_stay(bench):
    bench.a_job()
    bench.crawl(2)
    bench.work(bench.ended())
    assert bench.run(retain(bench.ground())) == 0
    stray = KEYS.new_segment(9)
    bench.objects.put(stray, b"x", content_type="text/plain")
    assert bench.run(retain(bench.ground(keep_jobs_s=0.0, keep_orphans_s=0.0))) == 1
    assert bench.run(bench.jobs.get("j")) is None
    assert bench.run(bench.store.command("KEYS", "crawlery:{j}:*")) == []
    assert bench.objects.info(stray) is None
    assert names_in(bench.file("csv")) == goods(2)


def test_a_manifest_that_cannot_be_read_keeps_no_other_job_in_the_store(bench):
    for name in ("j1", "j2"):
        bench.a_job(name)
        bench.crawl(1, name)
    bench.work(bench.ended("j1", "j2"))
    for name in ("j1", "j2"):
        bench.objects.put(JobKeys(client="local", job=name).manifest, b"no manifest", content_type="text/plain")
    assert bench.run(retain(bench.ground(keep_jobs_s=0.0, keep_orphans_s=0.0))) == 2


def test_a_job_that_has_left_the_store_does_not_come_back_when_its_files_are_gone(bench):
    job = bench.a_job()
    bench.crawl(1)
    bench.work(bench.ended())
    write_intent(bench.objects, job)  # as if it could not be removed when the job ended
    assert bench.run(retain(bench.ground(keep_jobs_s=0.0))) == 1
    bench.objects.delete([KEYS.manifest])
    assert bench.run(reimport(bench.ground())) == 0


def test_objects_that_nothing_names_are_looked_for_once(bench):
    bench.objects = Fails(bench.objects)
    bench.a_job()
    bench.crawl(1)
    bench.work(bench.ended())
    swept: set[str] = set()
    ground = bench.ground(keep_orphans_s=0.0)
    bench.run(retain(ground, swept=swept))
    assert swept == {"j"}
    stray = KEYS.new_segment(9)
    bench.objects.put(stray, b"x", content_type="text/plain")
    bench.run(retain(ground, swept=swept))
    assert bench.objects.info(stray) is not None
    bench.run(retain(bench.ground(keep_orphans_s=0.0, keep_jobs_s=0.0), swept=swept))
    assert bench.objects.info(stray) is None
    bench.run(retain(ground, swept=swept))
    assert swept == set()

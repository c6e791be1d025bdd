"""What nobody needs any more is removed, and files are not."""

from __future__ import annotations

from goods_and_faults import KEYS, goods, names_in

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

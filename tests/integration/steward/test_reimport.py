"""A job that the store has forgotten comes back from its intent."""

from __future__ import annotations

from crawler.exports.intents import write_intent
from crawler.steward.reimport import reimport


def test_a_job_that_the_store_has_forgotten_is_accepted_again_from_its_intent(bench):
    job = bench.a_job()
    write_intent(bench.objects, job)
    bench.run(bench.frontier().forget())
    bench.run(bench.store.command("UNLINK", "crawlery:{j}:job"))
    assert bench.run(reimport(bench.ground())) == 1
    assert bench.run(bench.jobs.get("j")).job == job
    assert bench.run(reimport(bench.ground())) == 0
    bench.crawl(2)
    bench.work(bench.ended())
    assert bench.objects.info("jobs/j/intent.json") is None

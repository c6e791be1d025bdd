"""A job that the store has forgotten comes back from its intent."""

from __future__ import annotations

import asyncio

from crawler.exports.intents import write_intent
from crawler.exports.keys import JobKeys
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


def test_a_job_whose_acceptance_was_cut_short_is_looked_after_all_the_same(bench):
    write_intent(bench.objects, bench.a_job())
    bench.run(bench.store.command("UNLINK", "crawlery:live", "crawlery:jobs"))  # written after the job itself
    assert bench.run(reimport(bench.ground())) == 0
    assert bench.run(bench.jobs.live()) == ("j",)
    assert [stored.job.id for stored in bench.run(bench.jobs.newest()).jobs] == ["j"]


def test_an_intent_that_cannot_be_judged_keeps_no_other_one_waiting(bench):
    for name in ("j1", "j2"):
        write_intent(bench.objects, bench.a_job(name))
        bench.run(bench.store.command("UNLINK", f"crawlery:{{{name}}}:job"))
    bench.objects.put(JobKeys(client="local", job="j1").manifest, b"no manifest", content_type="text/plain")
    assert bench.run(reimport(bench.ground())) == 1
    assert bench.run(bench.jobs.get("j2")) is not None


def test_a_store_that_was_started_anew_is_asked_at_once_what_it_has_forgotten(new_valkey, bench_on):
    """Otherwise nobody would ask for ten minutes."""
    server = new_valkey(appendfsync="always")
    bench = bench_on(server.url)
    write_intent(bench.objects, bench.a_job())
    forgotten = False

    async def back():
        nonlocal forgotten
        if not forgotten:
            await asyncio.sleep(0.5)  # its first round is over
            await bench.store.command("FLUSHALL")
            server.restart()
            forgotten = True
        return await bench.jobs.status("j") is not None

    bench.work(back)

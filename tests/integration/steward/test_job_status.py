"""`crawlery job status` and `list` of jobs of a fleet: how they have ended, and the workers that they had."""

from __future__ import annotations

from crawler.jobs.attempts import Attempt, RedisAttempts


def test_a_job_that_has_ended_is_shown_with_its_outcome_and_its_workers(crawlery, bench):
    bench.a_job()
    bench.crawl(2)
    attempts = RedisAttempts(bench.store)
    for number, (code, signal) in enumerate([(0, None), (130, None), (None, 9), (1, None)]):
        attempt = Attempt(seat=f"s{number}", node="n", worker=f"n/{number}/s", started_ms=number)
        log = [f"line {each}" for each in range(9)]
        bench.run(attempts.end("j", attempt, ended_ms=9, exit_code=code, signal=signal, log_tail=log))
    bench.work(bench.ended())
    shown = crawlery("job", "status", "j").stdout
    assert shown.startswith("j: goods, succeeded, complete\n")
    assert "  worker    2 ended in order\n" in shown
    assert "  worker    n/2/s: signal 9; its last words:\n            line 4\n" in shown
    assert "  worker    n/3/s: exit 1; its last words:\n" in shown
    assert "j    goods   succeeded, complete" in crawlery("job", "list").stdout

"""What is seen of workers that are gone, and said of jobs that wait."""

from __future__ import annotations

from crawler.jobs.attempts import Attempt, RedisAttempts
from crawler.jobs.seats import RedisSeats


def test_an_attempt_whose_seat_is_gone_was_lost_with_its_node(bench):
    bench.a_job()
    seat = bench.run(RedisSeats(bench.store).take("node-1", ttl_s=0.2))
    attempts = RedisAttempts(bench.store)
    bench.run(attempts.begin("j", Attempt(seat=seat.token, node="node-1", pid=1, started_ms=1)))

    async def is_lost() -> bool:
        return (await attempts.of("j"))[0].is_lost

    bench.work(is_lost)


def test_a_job_that_waits_for_a_node_says_so(bench):
    bench.a_job()
    bench.work(bench.says("waiting for a node"))

"""What is seen of workers that are gone, and said of jobs that wait."""

from __future__ import annotations

from crawler.jobs.attempts import Attempt, RedisAttempts
from crawler.jobs.intention import JobIntention
from crawler.jobs.nodes import Node, RedisNodes
from crawler.jobs.seats import RedisSeats
from crawler.steward.watchdog import Watchdog


def test_an_attempt_whose_seat_is_gone_was_lost_with_its_node(bench):
    bench.a_job()
    seat = bench.run(RedisSeats(bench.store).take("node-1", ttl_s=0.2))
    attempts = RedisAttempts(bench.store)
    bench.run(attempts.begin("j", Attempt(seat=seat.token, node="node-1", pid=1, started_ms=1)))

    async def is_lost() -> bool:
        return (await attempts.of("j"))[0].is_lost

    bench.work(is_lost)


def test_a_worker_that_has_left_its_seat_and_is_just_ending_is_not_lost(bench):
    bench.a_job()
    node = Node(name="node-1", url="", slots=1, running=1)
    bench.run(RedisNodes(bench.store).report(node))
    attempts = RedisAttempts(bench.store)
    begun = Attempt(seat="left", node="node-1", pid=1, started_ms=1)
    bench.run(attempts.begin("j", begun))
    watchdog = Watchdog(bench.ground(seat_ttl_s=30.0))
    bench.run(watchdog.lose_attempts("j", ()))
    assert bench.run(attempts.of("j")) == (begun,)


def test_a_job_that_waits_for_a_node_says_so(bench):
    bench.a_job()
    bench.work(bench.says("waiting for a node"))


def test_what_workers_have_said_of_the_end_is_not_overwritten_by_a_steward_that_has_not_heard_it(bench):
    bench.a_job()
    seen = bench.run(bench.jobs.get("j"))
    intention = JobIntention(bench.jobs, "j")
    bench.run(intention.say("limits.stop_after_errors"))
    bench.run(Watchdog(bench.ground()).say_why(seen, (), storage_problem=""))
    assert bench.run(intention.reason()) == "limits.stop_after_errors"

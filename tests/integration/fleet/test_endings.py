"""What ends a job on one worker ends it on all, and the last one to go closes it for that reason."""

from __future__ import annotations

import asyncio

import pytest
from terminals import wait_until

from crawler.frontier.contract import FrontierRequest
from crawler.jobs.model import Intended
from crawler.jobs.redis import RedisJobStore
from crawler.store import Store, connect


@pytest.fixture
def ask(valkey):
    """Asks the store of jobs."""

    async def run(question):
        store = Store(connect({"url": valkey.url}))
        try:
            return await question(RedisJobStore(store))
        finally:
            await store.close()

    return lambda question: asyncio.run(run(question))


@pytest.fixture
def status(ask):
    """Where a job stands."""
    return lambda job: ask(lambda jobs: jobs.status(job))


@pytest.fixture
def at_work(start, shop):
    """A worker that has so much to do that it will not end by itself."""
    shop.delay_s = 0.05
    worker = start("closing", job="j1", USER_AGENT="at work", LEASE_TTL=2)
    wait_until(lambda: shop.visits["at work"] > 3, what="a worker that is at work")
    return worker


@pytest.mark.parametrize(
    ("settings", "reason", "end"),
    [
        ({"CLOSES": "raise"}, "enough", "succeed"),
        ({"DURATION_LIMIT": 0.5}, "limits.duration", "expire"),
        ({"ITEMS_LIMIT": 5}, "limits.items", "succeed"),
    ],
)
def test_a_worker_that_ends_the_job_ends_it_for_all(at_work, start, stored, status, *, settings, reason, end):
    other = start("closing", job="j1", **settings)
    assert [other.finished(), at_work.finished()] == [0, 0]
    books = stored("j1").ledger()
    assert books.balanced
    assert books.closed == reason
    assert books.settled["cancelled"] > 1_500
    assert (str(status("j1").state), str(status("j1").intended)) == ("finishing", end)


@pytest.mark.long
def test_a_close_in_an_errback_ends_the_job_for_all_too(at_work, start, stored):
    other = start("closing", job="j1", CLOSES="errback")
    assert [other.finished(), at_work.finished()] == [0, 0]
    assert stored("j1").ledger().closed == "nothing there"


@pytest.mark.long
def test_a_worker_whose_spider_is_closed_from_outside_leaves_the_job_to_the_others(at_work, start, stored, status):
    other = start("closing", job="j1", CLOSES="leave")
    assert other.finished() == 0
    assert at_work.running
    assert stored("j1").ledger().closed == ""
    assert status("j1").intended is None


@pytest.mark.long
def test_a_job_that_is_to_end_and_whose_workers_all_died_is_closed_by_the_next_one(at_work, start, stored, status):
    other = start("closing", job="j1", LEASE_TTL=2, CLOSES="raise")
    wait_until(lambda: status("j1").intended is not None, what="a job that is to end")
    for worker in (other, at_work):
        worker.kill()
    assert stored("j1").ledger().closed == ""

    def leased():
        stored("j1").ask(lambda frontier: frontier.promote())
        return stored("j1").ledger().leased

    wait_until(lambda: not leased(), what="the end of all leases")
    assert start("closing", job="j1").finished() == 0
    assert stored("j1").ledger().closed == "enough"


def test_a_worker_that_waits_for_seeds_leaves_a_job_that_is_to_end_though_others_are_still_at_work(
    start, stored, status, ask
):
    async def hold_a_page(frontier):
        await frontier.enqueue([FrontierRequest(id=99, host="h", body=b"")])
        return await frontier.lease(worker="another", call=1, limit=1, ttl_s=60)

    assert len(stored("j1").ask(hold_a_page).leases) == 1
    worker = start("seeded", job="j1")
    wait_until(lambda: status("j1") is not None and stored("j1").settled() == 1, what="a worker that waits for seeds")
    ask(lambda jobs: jobs.intend("j1", Intended.CANCEL))
    assert worker.finished() == 0
    assert stored("j1").ledger().closed == ""

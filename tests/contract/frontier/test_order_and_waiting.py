"""Who is next: priority, then age, hosts in turn; and what waits for time never blocks what does not."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import Reply


def ids(reply):
    return [lease.request.id for lease in reply.leases]


def test_higher_priority_goes_first_then_the_older(job, page):
    job.add(page(1), page(2, priority=5), page(3), page(4, priority=5), page(5, priority=-1))
    assert ids(job.take()) == [2, 4, 1, 3, 5]


def test_hosts_take_turns(job, page):
    job.add(*(page(number, host="a") for number in range(10, 14)), page(20, host="b"), page(30, host="c"))
    assert ids(job.take(4)) == [10, 20, 30, 11]


def test_a_host_with_all_its_pages_in_flight_never_blocks_another(make_job, page):
    job = make_job(per_host=2)
    job.add(*(page(number, host="slow") for number in range(10, 20)), page(20, host="fast"), page(21, host="fast"))
    first = job.take()
    assert sorted(ids(first)) == [10, 11, 20, 21]
    assert job.take().leases == ()
    job.settle(first.leases[0])
    assert ids(job.take()) == [12]


def test_hosts_that_are_skipped_are_left_to_others_and_keep_their_turn(job, page):
    job.add(*(page(10 * host + number, host=f"h{host}") for host in (1, 2, 3) for number in range(3)))
    assert ids(job.take(2, skip=("h1", "nowhere"))) == [20, 30]
    assert ids(job.take(2, skip=["h1"])) == [21, 31]
    assert ids(job.take(1)) == [10]
    assert job.take(skip=("h1", "h2", "h3")).leases == ()
    assert ids(job.take(worker="w2")) != []
    job.check()


def test_a_worker_that_skips_the_only_host_gets_nothing_and_others_do(job, page):
    job.add(page(7))
    reply = job.take(skip={page(7).host})
    assert (reply.leases, reply.open) == ((), 1)
    assert ids(job.take(worker="w2")) == [7]


def test_an_answer_says_how_many_more_wait_for_nothing_but_a_lease(job, page):
    job.add(*(page(number, host="a") for number in range(10, 15)))
    reply = job.take(2)
    assert (len(reply.leases), reply.open, reply.ready) == (2, 5, 3)
    job.retry(reply.leases[0], delay_s=30, reason="503")
    job.settle(reply.leases[1])
    assert job.take(skip=("a",)).ready == 3
    reply = job.take(9)
    assert (len(reply.leases), reply.open, reply.ready) == (3, 4, 0)


def test_a_suspect_of_a_host_that_is_skipped_waits_and_holds_up_no_other_page(job, page, clock):
    job.add(page(7, host="a"))
    job.take(ttl_s=60)
    clock.pass_(60)
    job.add(page(8, host="a"), page(9, host="b"))
    assert ids(job.take(skip=("a",))) == [9]
    assert ids(job.take(worker="w2")) == [7]


def test_a_retried_page_comes_back_after_its_delay_with_its_tries(job, page, clock):
    job.add(page(7), page(8))
    assert job.retry(job.take_one(), delay_s=30, reason="503") is Reply.OK
    assert ids(job.take()) == [8]
    reply = job.take()
    assert (reply.leases, reply.open) == ((), 2)
    assert reply.due_in_s == pytest.approx(30)
    clock.pass_(30)
    again = job.take_one()
    assert (again.request.id, again.tries) == (7, 1)
    assert job.check().retries == 1


def test_a_retry_without_delay_is_ready_at_once(job, page):
    job.add(page(7))
    job.retry(job.take_one(), delay_s=0, reason="reset")
    assert ids(job.take()) == [7]


def test_a_retry_of_a_lease_that_is_gone_is_stale(job, page):
    job.add(page(7))
    lease = job.take_one()
    job.settle(lease)
    assert job.retry(lease, delay_s=1, reason="late") is Reply.STALE
    assert job.check().retries == 0


def test_a_hold_silences_the_whole_host_and_no_other(job, page, clock):
    job.add(page(1, host="a"), page(2, host="a"), page(3, host="b"))
    asked = job.take_one()
    job.retry(asked, delay_s=5, reason="429", hold_host_s=5)
    reply = job.take()
    assert ids(reply) == [3]
    assert reply.due_in_s == pytest.approx(5)
    job.add(page(4, host="a", priority=100))
    clock.pass_(4.9)
    assert job.take().leases == ()
    clock.pass_(0.2)
    assert ids(job.take()) == [4, 1, 2]


def test_a_hold_is_never_shortened(job, page, clock):
    job.add(page(1), page(2), page(3))
    one, two = job.take(2).leases
    job.retry(one, delay_s=0, reason="429", hold_host_s=60)
    job.retry(two, delay_s=0, reason="429", hold_host_s=1)
    clock.pass_(2)
    assert job.take().leases == ()
    clock.pass_(60)
    assert ids(job.take()) == [1, 2, 3]


def test_a_suspect_waits_for_its_host_too(job, page, clock):
    job.add(page(1), page(2))
    one = job.take_one(ttl_s=10)
    two = job.take_one(worker="w2", ttl_s=1_000)
    job.retry(two, delay_s=0, reason="429", hold_host_s=100)
    clock.pass_(11)
    assert job.take().leases == ()
    clock.pass_(100)
    assert job.take_one().request.id == one.request.id


def test_nothing_open_means_nothing_to_wait_for(job, page):
    job.add(page(7))
    job.settle(job.take_one())
    reply = job.take()
    assert (reply.open, reply.due_in_s, reply.at_limit) == (0, None, False)


def test_a_deadline_is_something_to_wait_for(job, page):
    job.add(page(7))
    job.take(ttl_s=60)
    assert job.take().due_in_s == pytest.approx(60)

"""What is due comes back by itself, for those who lease nothing; and they learn when to ask again."""

from __future__ import annotations

import pytest

from crawler.frontier.identity import START_ID


def ids(reply):
    return [lease.request.id for lease in reply.leases]


def test_an_expired_lease_is_taken_back(job, page, clock):
    job.add(page(7))
    job.take(ttl_s=60)
    assert job.promote() == pytest.approx(60)
    clock.pass_(60)
    assert job.promote() is None
    books = job.check()
    assert (books.ready, books.leased) == (1, 0)


def test_a_delayed_page_is_ready_when_its_time_has_come(job, page, clock):
    job.add(page(7))
    job.retry(job.take_one(), delay_s=5, reason="503")
    assert job.promote() == pytest.approx(5)
    clock.pass_(4)
    assert job.promote() == pytest.approx(1)
    assert job.check().delayed == 1
    clock.pass_(1)
    assert job.promote() is None
    assert job.check().ready == 1


def test_a_host_on_hold_is_waited_for(job, page, clock):
    job.add(page(7), page(8))
    job.retry(job.take_one(), delay_s=0, reason="429", hold_host_s=5)
    assert job.promote() == pytest.approx(5)
    clock.pass_(5)
    assert job.promote() is None
    assert ids(job.take()) == [7, 8]


def test_nothing_waits_for_time_in_an_empty_or_a_closed_job(job, page):
    assert job.promote() is None
    job.add(page(7))
    job.retry(job.take_one(), delay_s=5, reason="503", hold_host_s=9)
    job.close("cancelled")
    assert job.promote() is None


def test_a_settled_or_renewed_lease_is_not_waited_for(job, page, clock):
    job.add(page(7), page(8))
    seven, eight = job.take(ttl_s=60).leases
    clock.pass_(30)
    job.renew(worker="w1", leases=[eight], ttl_s=60)
    assert job.promote() == pytest.approx(30)
    job.settle(seven)
    assert job.promote() == pytest.approx(60)


def test_a_hold_that_was_prolonged_is_waited_for_to_its_end(job, page):
    job.add(page(7), page(8))
    seven, eight = job.take().leases
    job.retry(seven, delay_s=0, reason="429", hold_host_s=5)
    job.retry(eight, delay_s=0, reason="429", hold_host_s=9)
    assert job.promote() == pytest.approx(9)


def test_everybody_learns_when_the_start_page_is_settled(job, page):
    assert not job.take().started
    job.add(page(START_ID))
    start = job.take_one()
    assert not job.take(worker="w2").started
    job.settle(start, children=(page(7),))
    assert job.take(worker="w2").started
    assert job.take().started

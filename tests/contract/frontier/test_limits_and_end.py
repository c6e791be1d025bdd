"""A job fetches no more pages than it may, and ends once, with everything counted."""

from __future__ import annotations

from crawler.frontier.contract import Fate, Reply
from crawler.frontier.identity import START_ID


def ids(reply):
    return [lease.request.id for lease in reply.leases]


def test_no_more_pages_are_leased_than_the_job_may_fetch(make_job, page):
    job = make_job(max_pages=2)
    job.add(page(10), page(11), page(12))
    reply = job.take()
    assert ids(reply) == [10, 11]
    for lease in reply.leases:
        job.settle(lease)
    reply = job.take()
    assert (reply.leases, reply.open, reply.at_limit) == ((), 1, True)


def test_the_start_page_is_free(make_job, page):
    job = make_job(max_pages=1)
    job.add(page(START_ID))
    start = job.take_one()
    job.settle(start, children=(page(10), page(11)))
    reply = job.take()
    assert ids(reply) == [10]


def test_a_retried_page_is_still_one_page(make_job, page):
    job = make_job(max_pages=1)
    job.add(page(10), page(11))
    job.retry(job.take_one(), delay_s=0, reason="500")
    assert ids(job.take()) == [10]


def test_a_job_without_a_limit_or_with_nothing_left_is_not_at_its_limit(make_job, page):
    job = make_job(max_pages=1)
    job.add(page(10))
    job.settle(job.take_one())
    assert not job.take().at_limit


def test_closing_counts_the_rest_as_cancelled(job, page):
    job.add(page(7), page(8), page(9))
    job.settle(job.take_one())
    job.retry(job.take_one(), delay_s=100, reason="503")
    assert job.close("limit") is Reply.OK
    books = job.check()
    assert (books.settled, books.closed) == ({"ok": 1, "cancelled": 2}, "limit")


def test_a_holder_that_has_died_does_not_keep_a_job_open(job, page, clock):
    job.add(page(7))
    job.take_one(ttl_s=60)
    clock.pass_(59)
    assert job.close("cancelled") is Reply.STALE
    clock.pass_(2)
    assert job.close("cancelled") is Reply.OK
    assert job.check().settled == {"cancelled": 1}


def test_a_job_is_not_closed_while_a_page_is_leased(job, page):
    job.add(page(7))
    lease = job.take_one()
    assert job.close("cancelled") is Reply.STALE
    assert job.settle(lease).reply is Reply.OK
    assert job.close("cancelled") is Reply.OK


def test_after_the_end_everything_is_refused(job, page):
    job.add(page(7))
    lease = job.take_one()
    job.settle(lease)
    job.close("done")
    assert job.add(page(8)) == (Fate.CLOSED,)
    assert job.take().reply is Reply.CLOSED
    assert job.settle(lease, children=(page(9),)).reply is Reply.STALE
    assert job.retry(lease, delay_s=0, reason="") is Reply.STALE
    assert job.release(worker="w1") == 0
    assert job.close("again") is Reply.CLOSED
    assert job.check().settled == {"ok": 1}


def test_a_job_is_not_finished_while_anything_is_open(job, page):
    job.add(page(7))
    assert job.close("finished") is Reply.STALE
    job.retry(job.take_one(), delay_s=100, reason="503")
    assert job.close("finished") is Reply.STALE
    assert job.check().settled == {}
    assert job.close("cancelled") is Reply.OK


def test_a_job_of_which_nothing_was_accepted_has_not_finished_but_may_be_ended(job):
    assert job.close("finished") is Reply.STALE
    assert job.close("cancelled") is Reply.OK


def test_a_job_with_nothing_open_is_finished(job, page):
    job.add(page(7))
    job.settle(job.take_one())
    assert job.close("finished") is Reply.OK
    assert job.check().closed == "finished"

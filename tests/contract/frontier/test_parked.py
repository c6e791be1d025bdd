"""A page that its holder cannot read is put aside until somebody asks who can; it is neither tried nor lost."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import FINISHED, MAX_CRASH_TRIES, MOST_NEEDED, Fate, Reply


def ids(reply):
    return [lease.request.id for lease in reply.leases]


def park(job, *requests, needs=2):
    """Hands these in, and puts them aside."""
    job.add(*requests)
    for lease in job.take().leases:
        assert job.park(lease, needs=needs) is Reply.OK


def test_a_parked_page_is_counted_and_open_and_given_to_nobody_who_cannot_read_it(job, page):
    park(job, page(7), page(8))
    reply = job.take(reads=1, worker="w2")
    assert (reply.leases, reply.open, reply.ready, reply.parked, reply.due_in_s) == ((), 2, 0, 2, None)
    books = job.check()
    assert (books.accepted, books.parked, books.ready, books.retries) == (2, 2, 0, 0)


@pytest.mark.parametrize("reads", [2, 3])
def test_it_is_given_with_its_body_to_a_worker_that_reads_as_much(job, page, reads):
    park(job, page(7, priority=3))
    (lease,) = job.take(reads=reads, worker="w2").leases
    assert (lease.request, lease.tries, lease.suspect) == (page(7, priority=3), 0, False)
    assert job.settle(lease).reply is Reply.OK
    books = job.check()
    assert (books.settled, books.parked) == ({"ok": 1}, 0)


def test_those_that_need_least_and_then_those_that_were_parked_first_come_back_first(job, page):
    park(job, page(9), needs=3)
    park(job, page(8), needs=2)
    park(job, page(7), needs=2)
    taken = [ids(job.take(1, reads=3, worker="w2")) for _ in range(4)]
    assert taken == [[8], [7], [9], []]


def test_no_more_come_back_than_are_asked_for(job, page):
    park(job, *(page(number) for number in range(10, 15)))
    assert len(job.take(2, reads=2).leases) == 2
    assert job.check().parked == 3
    assert job.take(0, reads=2).parked == 3


def test_those_of_hosts_that_are_skipped_stay_where_they_are(job, page):
    park(job, page(7), page(8, host="b"))
    assert ids(job.take(reads=2, skip=("a",))) == [8]
    assert job.check().parked == 1


def test_however_many_of_a_host_that_is_skipped_stand_first_others_come_back_behind_them(job, page):
    for first in range(100, 300, 50):
        park(job, *(page(number) for number in range(first, first + 50)))
    park(job, page(7, host="b"))
    park(job, page(8, host="b"))
    found = [number for _ in range(6) for number in ids(job.take(1, reads=2, skip=("a",)))]
    assert found == [7, 8]
    assert job.check().parked == 200
    assert ids(job.take(1, reads=2)) == [100]


def test_more_than_one_call_looks_at_come_back_in_time(job, page):
    park(job, *(page(number) for number in range(10, 210)))
    taken = 0
    while (reply := job.take(reads=2)).leases:
        taken += len(reply.leases)
    assert (taken, reply.parked) == (200, 0)
    job.check()


def test_a_lost_lease_parks_nothing(job, page):
    job.add(page(7))
    lease = job.take_one(ttl_s=10)
    job.clock.pass_(11)
    other = job.take_one(worker="w2")
    assert job.park(lease, needs=2) is Reply.STALE
    assert job.park(other, needs=2) is Reply.OK
    assert job.park(other, needs=2) is Reply.STALE
    assert job.check().parked == 1


def test_a_parked_page_is_known_and_not_accepted_again(job, page):
    park(job, page(7))
    assert job.add(page(7)) == (Fate.SEEN,)


def test_a_suspect_stays_one(job, page):
    job.add(page(7))
    job.take_one(ttl_s=10)
    job.clock.pass_(11)
    assert job.park(job.take_one(worker="w2"), needs=2) is Reply.OK
    assert job.take_one(worker="w3", reads=2).suspect
    assert job.check().leased == 1


def test_being_parked_does_not_count_towards_poison(job, page):
    park(job, page(7))
    for call in range(MAX_CRASH_TRIES + 1):
        assert job.park(job.take_one(worker=f"w{call}", reads=2), needs=2) is Reply.OK
    assert job.check().settled == {}


def test_a_limit_of_leases_per_host_has_room_again(make_job, page):
    job = make_job(per_host=1)
    job.add(page(7), page(8))
    assert job.park(job.take_one(), needs=2) is Reply.OK
    assert ids(job.take()) == [8]


def test_a_job_is_not_finished_while_pages_are_parked(job, page):
    park(job, page(7))
    assert job.close(FINISHED) is Reply.STALE
    assert job.check().closed == ""


def test_a_job_that_is_to_end_ends_and_they_are_cancelled(job, page):
    park(job, page(7), page(8))
    assert job.close("cancelled") is Reply.OK
    books = job.check()
    assert (books.settled, books.parked, books.ready) == ({"cancelled": 2}, 0, 0)


def test_parked_pages_are_not_fetched_ones_and_do_not_use_up_a_limit(make_job, page):
    job = make_job(max_pages=1)
    park(job, page(7))
    job.add(page(8))
    job.settle(job.take_one(worker="w2"))
    reply = job.take(reads=2, worker="w2")
    assert (reply.leases, reply.at_limit, reply.parked) == ((), True, 1)


def test_what_nobody_is_known_to_read_is_not_given_to_the_next_release(job, page):
    park(job, page(7), needs=MOST_NEEDED + 1000)
    assert job.take(reads=MOST_NEEDED - 1).leases == ()
    assert job.check().parked == 1


def test_a_repeated_call_gets_what_had_been_parked_again(job, page):
    park(job, page(7))
    first = job.run(job.frontier.lease(worker="w2", call=1, limit=9, ttl_s=60, reads=2))
    again = job.run(job.frontier.lease(worker="w2", call=1, limit=9, ttl_s=60, reads=2))
    assert first == again
    assert ids(first) == [7]

"""A request is held by one holder at a time and settled once; nothing accepted is ever lost."""

from __future__ import annotations

import pytest

from crawler.frontier.codec import WireRequest, encode
from crawler.frontier.contract import MAX_CRASH_TRIES, Fate, FrontierRequest, PageCommit, Reply, Row
from crawler.jobs.outcomes import HARMLESS, OUTCOMES


def ids(reply):
    return [lease.request.id for lease in reply.leases]


def test_a_request_is_accepted_once_by_its_id(job, page):
    assert job.add(page(7), page(8), page(7)) == (Fate.ENQUEUED, Fate.ENQUEUED, Fate.SEEN)
    assert job.check().accepted == 2


def test_a_settled_request_is_not_accepted_again(job, page):
    job.add(page(7))
    job.settle(job.take_one())
    assert job.add(page(7)) == (Fate.SEEN,)
    assert job.take().open == 0


def test_a_lease_carries_the_request_as_it_was_handed_in(job, page):
    job.add(page(7, host="b", priority=3))
    assert job.take_one().request == page(7, host="b", priority=3)


def test_a_leased_request_is_not_given_to_another_worker(job, page):
    job.add(page(7))
    job.take_one(worker="w1")
    reply = job.take(worker="w2")
    assert (reply.leases, reply.open) == ((), 1)


def test_a_commit_counts_outcome_rows_and_children_and_ends_the_lease(job, page):
    job.add(page(7))
    reply = job.settle(job.take_one(), children=(page(8), page(7)), rows=(Row(item="book"), Row(item="book")))
    assert (reply.reply, reply.children) == (Reply.OK, (Fate.ENQUEUED, Fate.SEEN))
    books = job.check()
    assert (books.settled, books.rows, books.ready) == ({"ok": 1}, {"book": 2}, 1)


def test_a_second_commit_of_the_same_lease_is_stale_and_changes_nothing(job, page):
    job.add(page(7))
    lease = job.take_one()
    job.settle(lease)
    before = job.check()
    reply = job.settle(lease, children=(page(9),), rows=(Row(item="book"),))
    assert (reply.reply, reply.children) == (Reply.STALE, ())
    assert job.check() == before


def test_an_outcome_that_does_not_exist_is_refused(job, page):
    job.add(page(7))
    with pytest.raises(ValueError, match="unknown outcome 'fine'"):
        job.settle(job.take_one(), "fine")


def test_an_outcome_that_does_not_exist_refuses_all_commits_of_the_call(job, page):
    job.add(page(7), page(8))
    good, bad = job.take().leases
    with pytest.raises(ValueError, match="unknown outcome"):
        job.commit([PageCommit(lease=good, outcome="ok"), PageCommit(lease=bad, outcome="fine")])
    assert job.check().leased == 2


def test_of_two_commits_of_a_page_in_one_call_the_first_counts(job, page):
    job.add(page(7))
    commit = PageCommit(lease=job.take_one(), outcome="ok", rows=(Row(item="book"),))
    first, second = job.commit([commit, commit])
    assert (first.reply, second.reply) == (Reply.OK, Reply.STALE)
    assert job.check().rows == {"book": 1}


def test_calls_about_nothing_are_answered_with_nothing(job, page):
    assert job.add() == ()
    assert job.commit([]) == ()
    assert job.renew(worker="w1", leases=[], ttl_s=60) == ()
    assert job.release(worker="w1", leases=[]) == 0
    job.add(page(7))
    assert job.take(0).leases == ()
    assert job.check().ready == 1


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_every_outcome_is_counted_and_the_harmful_ones_are_remembered_with_their_url(job, page, outcome):
    job.add(page(7))
    job.settle(job.take_one(), outcome, url="http://a/7", reason="because")
    books = job.check()
    assert books.settled == {outcome: 1}
    named = [(failure.url, failure.outcome, failure.reason) for failure in books.failures]
    assert named == ([] if outcome in HARMLESS else [("http://a/7", outcome, "because")])


def test_the_same_call_gets_the_same_answer_so_that_a_lost_reply_loses_nothing(job, page):
    job.add(page(7), page(8))
    first = job.lease(worker="w1", call=1, limit=1, ttl_s=60)
    again = job.lease(worker="w1", call=1, limit=1, ttl_s=60)
    assert first == again
    assert ids(job.lease(worker="w1", call=2, limit=1, ttl_s=60)) == [8]


def test_the_answer_of_a_repeated_call_names_only_what_is_still_held(job, page):
    job.add(page(7), page(8))
    first = job.lease(worker="w1", call=1, limit=2, ttl_s=60)
    job.settle(first.leases[0])
    again = job.lease(worker="w1", call=1, limit=2, ttl_s=60)
    assert (again.leases, again.open) == (first.leases[1:], 1)


def test_a_call_that_comes_after_its_successor_gives_nothing(job, page):
    job.add(page(7), page(8))
    job.lease(worker="w1", call=2, limit=1, ttl_s=60)
    assert job.lease(worker="w1", call=1, limit=1, ttl_s=60).leases == ()
    assert ids(job.lease(worker="w1", call=2, limit=1, ttl_s=60)) == [7]
    assert ids(job.lease(worker="w2", call=1, limit=1, ttl_s=60)) == [8]


def test_a_released_page_is_given_out_again_first_and_no_try_is_counted(job, page):
    job.add(page(7), page(8))
    lease = job.take_one()
    assert job.release(worker="w1") == 1
    assert (job.check().released, job.check().expired) == (1, 0)
    assert [(lease.request.id, lease.tries) for lease in job.take().leases] == [(7, 0), (8, 0)]
    assert job.settle(lease).reply is Reply.STALE


def test_single_leases_can_be_released(job, page):
    job.add(page(7), page(8))
    seven, eight = job.take().leases
    assert job.release(worker="w1", leases=[eight]) == 1
    assert job.release(worker="w1", leases=[eight]) == 0
    assert job.settle(seven).reply is Reply.OK
    assert ids(job.take()) == [8]


def test_a_lost_lease_of_a_page_does_not_hide_the_one_that_is_held(job, page):
    job.add(page(7))
    lost = job.take_one()
    job.release(worker="w1")
    held = job.take_one()
    assert job.release(worker="w1", leases=[held, lost]) == 1


def test_nobody_releases_or_renews_what_another_holds(job, page):
    job.add(page(7))
    lease = job.take_one(worker="w1")
    assert job.release(worker="w2", leases=[lease]) == 0
    assert job.renew(worker="w2", leases=[lease], ttl_s=60) == (lease,)
    assert job.settle(lease).reply is Reply.OK


def test_an_expired_lease_goes_back_and_its_token_is_worthless(job, page, clock):
    job.add(page(7))
    lost = job.take_one(ttl_s=60)
    clock.pass_(61)
    found = job.take_one(worker="w2")
    assert (found.request.id, found.tries, found.suspect) == (7, 0, True)
    assert job.settle(lost).reply is Reply.STALE
    assert job.settle(found).reply is Reply.OK
    assert (job.check().expired, job.check().released) == (1, 0)


def test_a_renewed_lease_outlives_its_first_deadline(job, page, clock):
    job.add(page(7))
    lease = job.take_one(ttl_s=60)
    clock.pass_(50)
    assert job.renew(worker="w1", leases=[lease], ttl_s=60) == ()
    clock.pass_(50)
    assert job.take(worker="w2").leases == ()
    assert job.settle(lease).reply is Reply.OK


def test_renewing_names_the_leases_that_were_lost(job, page, clock):
    job.add(page(7))
    lease = job.take_one(ttl_s=60)
    clock.pass_(61)
    job.take_one(worker="w2")
    assert job.renew(worker="w1", leases=[lease], ttl_s=60) == (lease,)


def test_a_commit_before_anybody_noticed_the_expiry_still_counts(job, page, clock):
    job.add(page(7))
    lease = job.take_one(ttl_s=60)
    clock.pass_(100)
    assert job.settle(lease).reply is Reply.OK


def test_a_suspect_is_leased_alone_with_nothing_else_in_flight(job, page, clock):
    job.add(page(7))
    job.take_one(ttl_s=60)
    clock.pass_(61)
    job.add(page(8), page(9))
    (alone,) = job.take().leases
    assert (alone.request.id, alone.suspect) == (7, True)
    assert job.take().leases == ()
    job.settle(alone)
    assert ids(job.take()) == [8, 9]


def test_a_busy_worker_is_not_given_a_suspect(job, page, clock):
    job.add(page(7))
    job.take_one(ttl_s=60)
    job.add(page(8))
    kept = job.take_one(worker="w2", ttl_s=1_000)
    clock.pass_(61)
    assert job.take(worker="w2").leases == ()
    job.settle(kept)
    assert ids(job.take(worker="w2")) == [7]


def test_a_page_that_kills_its_holders_five_times_alone_is_poison(job, page, clock):
    job.add(page(7))
    for _ in range(1 + 5):
        assert ids(job.take(ttl_s=60)) == [7]
        clock.pass_(61)
    assert job.take().open == 0
    books = job.check()
    assert books.settled == {"poison": 1}
    assert books.failures[0].outcome == "poison"


def test_a_poisonous_page_is_named_by_its_url(job, clock):
    for priority in (0, 3):
        body = encode(WireRequest(url=f"http://a/{priority}"))
        job.add(FrontierRequest(id=7 + priority, host="a", body=body, priority=priority))
    for _ in range(4 * MAX_CRASH_TRIES):
        job.take(1)
        clock.pass_(61)
    assert sorted(failure.url for failure in job.check().failures) == ["http://a/0", "http://a/3"]


def test_expiring_in_company_never_makes_poison(job, page, clock):
    job.add(page(7), page(8))
    job.take(ttl_s=60)
    clock.pass_(61)
    for number in (7, 8):
        lease = job.take_one()
        assert lease.request.id == number
        job.settle(lease)
    assert job.check().settled == {"ok": 2}


def test_a_suspect_counts_against_the_limit_of_its_host(make_job, page, clock):
    job = make_job(per_host=1)
    job.add(page(7), page(8))
    job.take(ttl_s=60)
    clock.pass_(60)
    assert ids(job.take(ttl_s=60)) == [7]
    assert job.take(worker="w2").leases == ()


def test_the_books_can_be_read_without_the_failures(job, page):
    job.add(page(7), page(8))
    job.settle(job.take_one(), "http_404", url="http://a/7", reason="status 404")
    whole, short = job.ledger(), job.ledger(failures=False)
    assert (len(whole.failures), short.failures) == (1, ())
    assert (short.settled, short.ready) == (whole.settled, whole.ready)


def test_a_lease_that_is_named_twice_is_released_once(job, page):
    job.add(page(7))
    lease = job.take_one()
    assert job.release(worker="w1", leases=[lease, lease]) == 1
    assert ids(job.take()) == [7]
    job.check()


def test_a_suspect_that_must_wait_holds_up_no_other_suspect(job, page, clock):
    job.add(page(7, host="a"), page(8, host="b"), page(9, host="a"))
    job.take(2, ttl_s=60)
    held = job.take_one(worker="w2", ttl_s=1_000)
    clock.pass_(60)
    job.retry(held, delay_s=0, reason="429", hold_host_s=100)
    assert ids(job.take()) == [8]


def test_a_suspect_waits_while_its_host_has_all_it_may_have_in_flight(make_job, page, clock):
    job = make_job(per_host=1)
    job.add(page(7))
    job.take(ttl_s=60)
    job.add(page(50, host="other"))
    job.take_one(worker="busy", ttl_s=1_000)
    clock.pass_(60)
    job.add(page(8))
    (other,) = job.take(worker="busy", ttl_s=1_000).leases
    assert other.request.id == 8
    assert job.take(worker="w2").leases == ()
    job.settle(other)
    assert ids(job.take(worker="w2")) == [7]


def test_a_lost_lease_of_a_page_does_not_make_the_one_that_is_held_lost(job, page):
    job.add(page(7))
    lost = job.take_one()
    job.release(worker="w1")
    held = job.take_one()
    assert job.renew(worker="w1", leases=[held, lost], ttl_s=60) == (lost,)


def test_a_host_that_a_suspect_has_filled_holds_up_no_other(make_job, page, clock):
    job = make_job(per_host=1)
    job.add(page(7, host="a"))
    job.take(ttl_s=60)
    clock.pass_(60)
    job.add(page(8, host="a"), page(9, host="b"))
    assert ids(job.take()) == [7]
    assert ids(job.take(worker="w2")) == [9]

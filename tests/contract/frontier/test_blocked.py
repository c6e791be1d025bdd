"""A host that keeps a job out too often, with no page read in between, pauses it, and no page is lost by that."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import Reply

LIMIT = 3
SIGN = "challenge page (a-header)"


@pytest.fixture
def job(make_job, clocked_store):
    """A job that pauses after three answers in a row; in a store it is one that runs."""
    job = make_job(blocked_in_a_row=LIMIT)
    if clocked_store is not None:
        record(clocked_store, "HSET", "state", "running")
    return job


def record(clocked_store, command, *words):
    store = clocked_store.store
    return clocked_store.run(store.command(command, f"{store.prefix}:{{job1}}:job", *words))


def keep_out(job, lease, **words):
    return job.retry(lease, **{"delay_s": 0, "reason": SIGN, "blocked": True, **words})


def test_so_many_answers_of_a_host_in_a_row_pause_the_job_and_say_why(job, page):
    job.add(*(page(number) for number in range(10, 14)))
    for _ in range(LIMIT - 1):
        keep_out(job, job.take_one())
        assert job.take(0).reply is Reply.OK
    keep_out(job, job.take_one())
    reply = job.take()
    assert (reply.reply, reply.leases, reply.open) == (Reply.PAUSED, (), 4)
    assert reply.why.startswith(f"a keeps us out: {LIMIT} answers without a page that could be read")
    assert SIGN in reply.why
    books = job.check()
    assert (books.ready, books.retries, books.settled) == (4, LIMIT, {})


def test_pages_that_end_as_blocked_count_too(job, page):
    job.add(*(page(number) for number in range(10, 15)))
    leases = job.take(LIMIT).leases
    keep_out(job, leases[0])
    job.settle(leases[1], "blocked", url="http://a/1", reason=SIGN)
    assert job.take(0).reply is Reply.OK
    job.settle(leases[2], "blocked", url="http://a/2", reason=SIGN)
    assert job.take().reply is Reply.PAUSED
    books = job.check()
    assert books.settled == {"blocked": 2}
    assert [(failure.outcome, failure.reason) for failure in books.failures] == [("blocked", SIGN)] * 2
    assert books.ready == 3


@pytest.mark.parametrize("outcome", ["ok", "not_modified"])
def test_a_page_that_was_read_or_is_unchanged_begins_the_count_anew(job, page, outcome):
    job.add(*(page(number) for number in range(10, 20)))
    for _ in range(2):
        *kept_out, read = job.take(LIMIT).leases
        for lease in kept_out:
            keep_out(job, lease)
        job.settle(read, outcome)
    assert job.take(0).reply is Reply.OK


@pytest.mark.parametrize("outcome", ["redirected", "http_404", "robots", "gave_up"])
def test_no_other_end_of_a_page_does(job, page, outcome):
    job.add(*(page(number) for number in range(10, 20)))
    *kept_out, other, last = job.take(LIMIT + 1).leases
    for lease in kept_out:
        keep_out(job, lease)
    job.settle(other, outcome)
    keep_out(job, last)
    assert job.take(0).reply is Reply.PAUSED


def test_hosts_are_counted_apart(job, page):
    job.add(*(page(10 * host + number, host=f"h{host}") for host in (1, 2, 3) for number in range(3)))
    leases = {lease.request.id: lease for lease in job.take().leases}
    for number in (10, 11, 20, 21):
        keep_out(job, leases[number])
    job.settle(leases[30])
    assert job.take(0).reply is Reply.OK
    keep_out(job, leases[22])
    assert job.take(0).why.startswith("h2 keeps us out")


def test_a_call_that_is_stale_or_says_nothing_of_a_block_is_not_counted(job, page):
    job.add(*(page(number) for number in range(10, 20)))
    lease = job.take_one()
    for _ in range(LIMIT + 1):
        keep_out(job, lease)
        job.settle(lease, "blocked", reason=SIGN)
    for _ in range(LIMIT + 1):
        job.retry(job.take_one(), delay_s=0, reason="503")
    assert job.take(0).reply is Reply.OK


def test_without_a_number_it_is_never_too_often(make_job, page):
    job = make_job()
    job.add(page(10))
    for _ in range(30):
        keep_out(job, job.take_one())
    assert job.take(0).reply is Reply.OK


def test_a_paused_job_can_still_be_closed_and_its_books_balance(job, page, clock):
    job.add(*(page(number) for number in range(10, 20)))
    for _ in range(LIMIT):
        keep_out(job, job.take_one(), delay_s=5, hold_host_s=4)
        clock.pass_(4)
    assert job.take().reply is Reply.PAUSED
    assert job.close("blocked") is Reply.OK
    books = job.check()
    assert (books.settled, books.closed) == ({"cancelled": 10}, "blocked")


def test_answers_that_were_under_way_when_a_host_was_left_alone_are_not_counted(job, page, clock):
    job.add(*(page(number) for number in range(10, 60)))
    for _ in range(LIMIT - 1):
        *tried_again, given_up = job.take(10).leases
        for lease in tried_again:
            keep_out(job, lease, delay_s=5, hold_host_s=5)
        job.settle(given_up, "blocked", reason=SIGN)
        assert job.take(0).reply is Reply.OK
        clock.pass_(5)
    keep_out(job, job.take_one())
    assert job.take(0).reply is Reply.PAUSED


@pytest.mark.parametrize("counts", [True, False])
def test_a_page_that_ends_as_blocked_is_counted_if_it_is_to_be(job, page, counts):
    job.add(*(page(number) for number in range(10, 20)))
    for lease in job.take(LIMIT).leases:
        job.settle(lease, "blocked", reason=SIGN, counts=counts)
    assert job.take(0).reply is (Reply.PAUSED if counts else Reply.OK)
    assert job.check().settled == {"blocked": LIMIT}


@pytest.mark.parametrize("clocked_store", ["redis"], indirect=True)
def test_a_pause_begins_the_counts_of_all_hosts_anew(job, page, clocked_store):
    job.add(*(page(10 * host + number, host=f"h{host}") for host in (1, 2) for number in range(4)))
    leases = {lease.request.id: lease for lease in job.take().leases}
    for number in (20, 21, 10, 11, 12):
        keep_out(job, leases[number])
    assert job.take(0).reply is Reply.PAUSED
    record(clocked_store, "HSET", "state", "running")
    keep_out(job, leases[22])
    assert job.take(0).reply is Reply.OK


@pytest.mark.parametrize("clocked_store", ["redis"], indirect=True)
def test_after_a_pause_the_pages_are_there_and_the_count_begins_anew(job, page, clocked_store):
    job.add(*(page(number) for number in range(10, 14)))
    leases = job.take().leases
    for lease in leases:  # the last one was under way when the job was paused
        keep_out(job, lease)
    assert record(clocked_store, "HGET", "state") == b"paused"
    record(clocked_store, "HSET", "state", "running")
    for _ in range(LIMIT - 1):
        keep_out(job, job.take_one())
    assert job.take(0).reply is Reply.OK
    assert job.check().ready == 4
    keep_out(job, job.take_one())
    assert job.take(0).reply is Reply.PAUSED


@pytest.mark.parametrize("clocked_store", ["redis"], indirect=True)
def test_answers_that_were_under_way_at_a_pause_and_come_after_it_do_not_pause_the_job_again(
    job, page, clock, clocked_store
):
    job.add(*(page(number) for number in range(10, 30)))
    before, after = (leases := job.take().leases)[:LIMIT], leases[LIMIT:]
    for lease in before:
        keep_out(job, lease)
    assert job.take(0).reply is Reply.PAUSED
    record(clocked_store, "HSET", "state", "running")
    clock.pass_(5)
    for lease in after:
        keep_out(job, lease, delay_s=5, hold_host_s=5)
    assert job.take(0).reply is Reply.OK


@pytest.mark.parametrize("clocked_store", ["redis"], indirect=True)
def test_a_job_that_is_to_end_is_not_paused(job, page, clocked_store):
    job.add(*(page(number) for number in range(10, 20)))
    leases = job.take(LIMIT).leases
    record(clocked_store, "HSET", "intended", "cancel", "why", "by hand")
    for lease in leases:
        keep_out(job, lease)
    assert record(clocked_store, "HMGET", "state", "why") == [b"running", b"by hand"]

"""A worker that has a seat keeps it while it works, and leaves its job to others when it should."""

from __future__ import annotations

import signal

import pytest
from node_jobs import NAMES, new_job, wait_until

from crawler.jobs.model import State


@pytest.fixture
def seated(start, shop, jobs):
    """A worker that has a seat in job j1, of which one page is held up by the shop."""

    def seated(**settings):
        jobs.create(new_job("j1", site=shop.url))
        seat = jobs.take("alpha")
        worker = start("j1", node="alpha", seat=seat.token, SEAT_TTL=1.5, **settings)
        wait_until(lambda: shop.hits, what="the first page")
        return worker, seat

    return seated


def test_a_worker_keeps_its_seat_under_its_name_and_gives_it_back(seated, shop, jobs):
    shop.opened.clear()
    worker, seat = seated()
    wait_until(lambda: jobs.seats("j1")[0].worker, what="the worker in its seat")
    (kept,) = jobs.seats("j1")
    assert kept.worker == f"alpha/{worker.process.pid}/{seat.token}"
    wait_until(lambda: jobs.seats("j1")[0].expires_ms > kept.expires_ms + 1_000, what="the seat to be kept")
    shop.opened.set()
    assert worker.finished() == 0, worker.log()
    assert jobs.seats("j1") == ()


@pytest.mark.parametrize(("how", "reason"), [("gone", "seat_gone"), ("yield", "seat_yielded")])
def test_a_worker_whose_seat_is_gone_or_wanted_leaves_and_the_job_stays_open(seated, shop, jobs, how, reason):
    shop.delay_s = 0.05
    worker, seat = seated()
    if how == "gone":
        jobs.ask(lambda store: store.seats.leave("j1", seat.token))
    else:
        jobs.ask(lambda store: store.seats.ask_to_yield("j1", seat.token))
    assert worker.finished() == 0, worker.log()
    assert f"leaves its job to others: {reason}" in worker.log()
    ledger = jobs.ledger("j1")
    assert (ledger.leased, ledger.retries, ledger.closed) == (0, 0, "")
    assert ledger.ready
    assert jobs.seats("j1") == ()


def test_a_worker_with_nothing_to_do_leaves_and_comes_back_another_time(seated, start, shop, jobs):
    shop.delay_s = 0.05
    worker, _ = seated(WORKER_IDLE_S=1)
    jobs.ask(lambda store: store.jobs.move("j1", State.PAUSED))
    assert worker.finished() == 0, worker.log()
    assert "leaves its job to others: worker_idle" in worker.log()
    assert jobs.status("j1").state is State.PAUSED
    jobs.ask(lambda store: store.jobs.move("j1", State.RUNNING))
    shop.delay_s = 0
    assert start("j1").finished() == 0
    assert jobs.names("j1") == NAMES


def test_sigterm_hands_pages_and_seat_back(seated, shop, jobs):
    shop.delay_s = 0.05
    worker, _ = seated()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.finished() == 130
    ledger = jobs.ledger("j1")
    assert (ledger.leased, ledger.retries, ledger.closed) == (0, 0, "")
    assert jobs.seats("j1") == ()

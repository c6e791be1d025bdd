"""Workers of a node: how each ended is known, whatever ended it, and others go on at once."""

from __future__ import annotations

import os
import signal

import pytest
from node_jobs import NAMES, ended, new_job, wait_until


def test_a_killed_worker_is_seen_at_once_and_the_job_has_each_row_once(node, shop, jobs):
    shop.delay_s = 0.03
    alpha = node(slots=1)  # leases live for a minute, and seats for half of one: nobody waits for these
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: len(shop.hits) > 5, what="a few pages")
    (pid,) = alpha.workers()
    os.kill(pid, signal.SIGKILL)
    first, *_ = ended(jobs, "j1")
    assert (first.pid, first.signal, first.exit_code) == (pid, signal.SIGKILL, None)
    assert first.worker == f"alpha/{pid}/{first.seat}"
    assert first.log_tail
    shop.delay_s = 0
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.names("j1") == NAMES
    assert jobs.ledger("j1").closed == "finished"
    wait_until(lambda: jobs.seats("j1") == (), what="seats given back")
    assert "signal 9" in alpha.ask("jobs").text


def test_a_job_that_no_worker_can_begin_is_not_tried_over_and_over(node, jobs):
    alpha = node(slots=1, SEAT_TTL=2)
    jobs.create(new_job("j1", spider="absent"))
    (attempt,) = ended(jobs, "j1")
    assert attempt.exit_code == 2
    assert attempt.log_tail == ("job j1 runs the spider absent, which is not in this project",)
    assert len(jobs.seats("j1")) == 1
    first, second = ended(jobs, "j1", 2)[:2]
    assert second.started_ms - first.started_ms >= 1_500
    assert 'exits_total{kind="failed"} 2' in alpha.ask("metrics").text


def test_each_worker_has_a_log_of_its_own(node, shop, jobs):
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    (attempt,) = ended(jobs, "j1")
    (listed,) = alpha.ask("listjobs.json").json["finished"]
    assert listed["log_url"] == f"/logs/crawlery/items/j1.{attempt.seat}.log"
    assert (listed["exit_code"], listed["signal"], listed["pid"]) == (0, None, attempt.pid)
    log = alpha.ask(listed["log_url"].strip("/")).text
    assert "Spider opened" in log
    assert "item 80" in log


@pytest.mark.long
def test_a_worker_that_hangs_is_killed_when_its_seat_has_been_gone_for_long(node, shop, jobs):
    shop.delay_s = 0.03
    alpha = node(slots=1, SEAT_TTL=1, LEASE_TTL=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: len(shop.hits) > 5, what="a few pages")
    (pid,) = alpha.workers()
    os.kill(pid, signal.SIGSTOP)
    shop.delay_s = 0
    assert ended(jobs, "j1")[0].signal == signal.SIGKILL
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.names("j1") == NAMES
    assert "has no seat and does not leave; it is killed" in alpha.log()

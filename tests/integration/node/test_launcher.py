"""Workers of a node: how each ended is known, whatever ended it, and others go on at once."""

from __future__ import annotations

import os
import signal
from datetime import datetime

import pytest
from node_jobs import NAMES, ended, new_job, wait_until
from wall_clock import Clock


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


def test_what_a_worker_has_not_handed_back_that_was_told_twice_to_go_is_the_others_at_once(node, shop, jobs):
    shop.opened.clear()
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: jobs.ledger("j1").leased and shop.hits, what="a page under way")
    (pid,) = alpha.workers()
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: "shutting down" in alpha.worker_log("j1"), what="the first signal")
    os.kill(pid, signal.SIGTERM)
    assert ended(jobs, "j1")[0].exit_code == 130
    wait_until(lambda: jobs.ledger("j1").released, what="what it had")
    shop.opened.set()
    assert (jobs.ledger("j1").expired, jobs.ledger("j1").settled.get("poison")) == (0, None)


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


@pytest.mark.long
def test_how_long_a_worker_ran_does_not_hang_on_the_clock_of_its_node(node, shop, jobs, tmp_path):
    """One that seems to have ended before it began would be taken for one that could not begin."""
    clock = Clock(tmp_path)
    alpha = node(slots=1, environment=clock.environment)
    shop.delay_s = 0.03
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: len(shop.hits) > 5, what="a few pages")
    clock.jump(-3_600)
    shop.delay_s = 0
    (attempt,) = ended(jobs, "j1")
    assert attempt.exit_code == 0
    assert 0 < attempt.ended_ms - attempt.started_ms < 1_800_000
    jobs.create(new_job("j2", site=shop.url))
    (later,) = ended(jobs, "j2")
    assert later.started_ms < attempt.started_ms - 1_800_000, "the node goes by the clock"
    told = alpha.ask(f"logs/crawlery/items/j2.{later.seat}.log").text[:19]
    logged_s = datetime.strptime(told, "%Y-%m-%d %H:%M:%S").astimezone().timestamp()
    assert abs(logged_s - later.started_ms / 1000) < 1_800, "so do the workers that it has forked"


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

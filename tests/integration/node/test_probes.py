"""What machines ask of a node: its figures, and that it takes no more work."""

from __future__ import annotations

import re

from node_jobs import new_job, wait_until


def test_a_draining_node_takes_no_seats_and_its_workers_go_on(node, shop, jobs):
    shop.delay_s = 0.03
    alpha = node(slots=2)
    jobs.create(new_job("j1", site=shop.url))
    alpha.wait_for_workers()
    assert alpha.ask("drain", {}).json == {"draining": True, "running": 1, "status": "ok", "node_name": "alpha"}
    assert alpha.ask("ready") == (503, "not ready: it is draining\n")
    jobs.create(new_job("j2", site=shop.url))
    shop.delay_s = 0
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.seats("j2") == ()
    (listed,) = jobs.ask(lambda doors: doors.nodes.all())
    assert listed.is_draining
    assert "crawlery_node_draining 1" in alpha.ask("metrics").text


def test_a_node_can_be_drained_of_its_workers_too(node, shop, jobs):
    shop.delay_s = 0.05
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: len(shop.hits) > 3, what="a few pages")
    assert "only workers=stop" in alpha.ask("drain", {"workers": "kill"}).json["message"]
    assert alpha.ask("drain", {"workers": "stop"}).json["draining"]
    wait_until(lambda: not alpha.workers(), what="the end of the worker")
    assert (jobs.ledger("j1").leased, jobs.ledger("j1").closed) == (0, "")
    assert alpha.running


def test_figures_are_those_of_prometheus(node, shop, jobs):
    alpha = node(slots=3)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: 'exits_total{kind="done"} 1' in alpha.ask("metrics").text, what="the end of the worker")
    lines = alpha.ask("metrics").text.splitlines()
    assert {"crawlery_node_slots 3", "crawlery_node_seats_taken_total 1", "crawlery_node_store_up 1"} <= set(lines)
    assert 'crawlery_node_worker_start_seconds_bucket{le="+Inf"} 1' in lines
    assert all(re.fullmatch(r'# TYPE \w+ \w+|\w+(\{\w+="[^"]+"\})? [0-9.e+-]+', line) for line in lines)

"""A node whose store is away."""

from __future__ import annotations

import pytest
from node_jobs import NAMES, Jobs, new_job, wait_until


@pytest.mark.long
def test_a_node_waits_for_a_store_that_is_away_and_goes_on_when_it_is_back(node, new_valkey, shop):
    server = new_valkey(appendfsync="always")
    with Jobs(server.url) as jobs:
        shop.delay_s = 0.02
        alpha = node(store=server.url)
        jobs.create(new_job("j1", site=shop.url))
        wait_until(lambda: len(shop.hits) > 3, what="a few pages")
        server.kill()
        assert alpha.ask("ready") == (503, "not ready: the store does not answer\n")
        assert alpha.workers()
        server.start()
        wait_until(lambda: alpha.ask("ready").status == 200, what="a node that is ready")
        wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
        assert jobs.names("j1") == NAMES
        assert len(jobs.attempts("j1")) == 1


def test_a_node_leaves_without_a_store(node, new_valkey):
    server = new_valkey()
    alpha = node(store=server.url)
    wait_until(lambda: alpha.ask("ready").status == 200, what="a node that is ready")
    server.kill()
    assert alpha.terminate() == 0
    assert "The store does not answer; this node is forgotten there after a while" in alpha.log()

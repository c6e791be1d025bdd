"""Leases of a worker that is known to be dead end at once, and what others hold is left alone."""

from __future__ import annotations

from crawler.frontier.contract import FrontierRequest, Reply


def test_pages_of_a_dead_worker_go_to_others_at_once_and_count_as_no_try_of_the_site(frontier_of):
    frontier = frontier_of("j")
    frontier.enqueue([FrontierRequest(id=number, host="a", body=b"x") for number in range(2, 152)])
    dead = frontier.lease(worker="dead", call=1, limit=140, ttl_s=60).leases
    alive = frontier.lease(worker="alive", call=1, limit=1, ttl_s=60).leases
    assert len(dead) == 140
    assert frontier.abandon("dead") == 140
    assert frontier.abandon("dead") == 0
    ledger = frontier.audit()
    assert (ledger.leased, ledger.ready, ledger.settled) == (1, 149, {})
    assert frontier.renew(worker="alive", leases=alive, ttl_s=60) == ()
    assert frontier.retry(dead[0], delay_s=0, reason="late") is Reply.STALE
    frontier.release(worker="alive")
    (again,) = frontier.lease(worker="next", call=1, limit=5, ttl_s=60).leases
    assert again.suspect
    assert again.tries == 0


def test_a_lease_that_expires_in_the_hands_of_who_knows_no_limit_is_taken_off_its_workers_count(frontier_of, clock):
    limited, steward = frontier_of("j", per_host=2), frontier_of("j")
    limited.enqueue([FrontierRequest(id=number, host="a", body=b"x") for number in range(2, 10)])
    assert len(limited.lease(worker="w", call=1, limit=2, ttl_s=10).leases) == 2
    clock.pass_(11)
    steward.promote()
    assert len(limited.lease(worker="w", call=2, limit=1, ttl_s=10).leases) == 1

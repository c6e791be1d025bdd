"""Who is asked to give up a seat, as the store of a fleet says it."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from crawler.jobs.nodes import Node, RedisNodes
from crawler.jobs.seats import RedisSeats
from crawler.steward.share import Share


def test_nobody_yields_a_seat_that_no_node_would_take(bench):
    bench.a_job("full", client="many")
    bench.a_job("waits", client="few")
    now_ms = bench.run(bench.ground().now_ms())
    for token in ("s1", "s2"):
        seat = msgspec.msgpack.encode(("n1", now_ms - 60_000, now_ms + 60_000, f"n1/1/{token}", 0))
        bench.run(bench.store.command("HSET", "crawlery:{full}:seats", token, seat))
    node = Node(name="n1", url="", slots=2, running=2, is_draining=True)
    bench.run(RedisNodes(bench.store).report(node))
    assert bench.run(RedisSeats(bench.store).wanted())
    assert bench.run(Share(bench.ground()).run()) is None
    bench.run(RedisNodes(bench.store).report(replace(node, is_draining=False)))
    assert bench.run(Share(bench.ground()).run()).job == "full"

"""A crawl on a laptop has one holder, which never loses what it holds."""

from __future__ import annotations

import asyncio

from crawler.frontier.contract import FrontierRequest, PageCommit, Reply
from crawler.frontier.memory import MemoryFrontier


def test_leases_may_last_for_ever():
    now = [0.0]

    async def hold_long():
        frontier = MemoryFrontier(clock=lambda: now[0])
        await frontier.enqueue([FrontierRequest(id=7, host="a", body=b"")])
        (lease,) = (await frontier.lease(worker="w", call=1, limit=1, ttl_s=float("inf"))).leases
        now[0] = 1e9
        reply = await frontier.lease(worker="w", call=2, limit=1, ttl_s=float("inf"))
        assert (reply.leases, reply.due_in_s) == ((), None)
        assert await frontier.renew(worker="w", leases=[lease], ttl_s=float("inf")) == ()
        (committed,) = await frontier.commit([PageCommit(lease=lease, outcome="ok")])
        assert committed.reply is Reply.OK

    asyncio.run(hold_long())

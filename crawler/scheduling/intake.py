"""How pages come from the frontier: what is asked for, and what its answers say about the rest of the job.

The scheduler gives the leases a home; this keeps what it has to know to wait well, and to end at the right time. A
worker of a fleet waits as long as anything is open anywhere, because a page that another holds may have children, or
come back.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from crawler.frontier.codec import NEWEST_READ
from crawler.frontier.contract import FrontierRequest, Reply
from crawler.frontier.identity import START_ID

if TYPE_CHECKING:
    from collections.abc import Collection

    from crawler.frontier.contract import Frontier, Lease, LeaseReply
    from crawler.scheduling.held_leases import HeldLeases

logger = logging.getLogger(__name__)

#: A worker without work looks for some that others have found so often, in seconds.
POLL_S: Final = 0.1

#: A job that gives nothing out for now, or has nothing, is asked so often, in seconds.
PAUSE_S: Final = 1.0

_WHY_NOTHING: Final = {
    Reply.PAUSED: "The job is paused: no pages are given out until it goes on",
    Reply.FULL: "The store is nearly full: no pages are given out until it has room",
}


class Intake:
    """Leases pages for one worker.

    Attributes:
        open: pages of the job that are not settled, as far as the frontier has said; 1 before it has said anything.
        ready: those of them that were left when it gave us some.
        started: the start page is settled.
        closed: the job takes and gives no more pages.
        at_limit: the job may fetch no more pages.
        kept_out: why a frontier of our own gives nothing out any more; "" while it does.
        wait_s: when to ask again if nothing happens here; None = no need to.
    """

    def __init__(self, frontier: Frontier, held: HeldLeases | None, *, worker: str, ttl_s: float) -> None:
        """`held` is None for a frontier of our own, of which nothing can be lost and nobody else gives or takes."""
        self.open, self.ready = 1, 0
        self.started = self.closed = self.at_limit = False
        self.wait_s: float | None = None
        self.kept_out = ""
        self._frontier = frontier
        self._held = held
        self._worker = worker
        self._ttl_s = ttl_s
        self._calls = 0
        self._said = Reply.OK

    async def ask(self, room: int, *, skip: Collection[str] = ()) -> tuple[Lease, ...]:
        """Leases up to `room` pages, none of the hosts `skip`, and notes what the answer says."""
        asked_at = self._held.clock() if self._held is not None else 0.0
        self._calls += 1
        reply = await self._frontier.lease(
            worker=self._worker, call=self._calls, limit=room, ttl_s=self._ttl_s, reads=NEWEST_READ, skip=skip
        )
        if self._held is not None:
            self._held.add(reply.leases, asked_at=asked_at)
            for lease in reply.leases:
                if lease.request.id == START_ID:  # read from now on, and it passes no door
                    self._held.alive(lease)
        self._note(reply, short=len(reply.leases) < room)
        if self._held is not None and reply.reply is Reply.OK and not reply.open and not reply.started:
            await self._begin_again()
        return reply.leases

    async def _begin_again(self) -> None:
        """Hands in the start page that the store has forgotten.

        Every worker has handed it in before it asked. A store that does not sync each write may have lost that with its
        power; a worker that took this for the end of the job would close it without a row.
        """
        logger.warning("The store has forgotten that the job has begun: it begins again")
        await self._frontier.enqueue([FrontierRequest(id=START_ID, host="", body=b"")])
        self.open, self.wait_s, self.started = 1, POLL_S, False

    def close(self) -> None:
        """The job is closed, as the frontier has told somebody else."""
        self.closed, self.open, self.wait_s = True, 0, None

    def _note(self, reply: LeaseReply, *, short: bool) -> None:
        if reply.reply is Reply.CLOSED:
            self.close()
            return
        self.started = self.started or reply.started
        self.at_limit = reply.at_limit
        waits = reply.reply in _WHY_NOTHING
        if reply.reply is not self._said:
            said = _WHY_NOTHING.get(reply.reply, "Pages again") + (f" ({reply.why})" if reply.why else "")
            logger.log(logging.WARNING if waits else logging.INFO, "%s", said)
            self._said = reply.reply
        if waits:
            self.kept_out = reply.why if self._held is None else ""
            self.open = max(1, reply.open)
            self.wait_s = PAUSE_S
            return
        self.open, self.ready = reply.open, reply.ready
        self.wait_s = None if reply.due_in_s is None else reply.due_in_s + 0.001
        if self._held is not None and short:
            # Without anything open the spider closes now; one that stays waits for what others will hand in.
            # What is parked needs another worker, and that may take an upgrade.
            poll_s = POLL_S if reply.open > reply.parked else PAUSE_S
            self.wait_s = poll_s if self.wait_s is None else min(poll_s, self.wait_s)

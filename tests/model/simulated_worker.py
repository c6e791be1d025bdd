"""A worker as the simulator runs it: what the product's workers do with leases, without anything that fetches."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario import DELAYS_S, FETCH, TTL, TTL_S
from site_of_pages import MAX_TRIES

from crawler.frontier.contract import FINISHED, Lease, PageCommit, Reply

if TYPE_CHECKING:
    from simulator import Simulation


@types.coroutine
def wait(ticks: int):
    """The one thing that a simulated coroutine waits for."""
    yield ticks


@dataclass(eq=False)
class Process:
    """What dies, or stands still, as a whole."""

    name: str
    alive: bool = True
    frozen_until: int = 0
    mortal: bool = True


class Worker:
    """A process that crawls, as the product's do: many pages at once, commits in batches, leases kept alive."""

    def __init__(self, sim: Simulation, name: str, *, reads: int = 2) -> None:
        """`reads`: as it says when it asks for pages."""
        self.sim = sim
        self.process = Process(name)
        self.reads = reads
        self.held: dict[int, Lease] = {}
        self.outbox: list[PageCommit] = []
        self.flushing = False
        self.leaving = False
        self.number = 0

    async def call(self, what: str, make, seen=None):
        return await self.sim.call(self.process, what, make, seen)

    async def lead(self) -> None:
        """Leases until nothing is left."""
        pause = 1
        while not (self.leaving or self.sim.cancelled):
            want = self.sim.scenario.capacity - len(self.held)
            if want > 0:
                reply = await self.lease(want)
                if reply.reply is Reply.CLOSED:
                    break
                for lease in reply.leases:
                    self.held[lease.request.id] = lease
                    self.sim.spawn(self.process, self.fetch(lease))
                pause = 1 if reply.leases else min(2 * pause, 16)
                if await self.is_over(reply):
                    break
            await wait(pause)
        await self.leave()

    async def lease(self, want: int):
        self.number += 1
        number, name = self.number, self.process.name
        random = self.sim.random
        skip = (random.choice(self.sim.site.hosts),) if random.random() < 0.1 else ()
        return await self.call(
            f"lease {number} of {want}{' but of ' if skip else ''}{', '.join(skip)}",
            lambda: self.sim.calls.lease(
                worker=name, call=number, limit=want, ttl_s=TTL_S, reads=self.reads, skip=skip
            ),
            lambda reply: self.sim.given(self.process, reply.leases),
        )

    async def is_over(self, reply) -> bool:
        if self.held or not reply.started:
            return False
        if reply.open == 0:
            return await self.sim.close(self.process, FINISHED)
        if reply.at_limit:
            return await self.sim.close(self.process, "limit")
        return reply.open == reply.parked  # nothing for this one to do, now or later

    async def leave(self) -> None:
        while self.flushing:
            await wait(2)
        await self.call("release", lambda: self.sim.calls.release(worker=self.process.name))
        self.sim.kill(self.process, "leaves")

    async def fetch(self, lease: Lease) -> None:
        """One page from its request to what it leads to."""
        page = self.sim.site.pages[lease.request.id]
        if self.sim.needs(page.id) > self.reads:
            await self.park(lease)
            return
        await wait(self.sim.random.choice(FETCH))
        if page.kind == "killer":
            if not self.sim.may_lose_suspect(self.process):
                return  # it was read in spite of a lost lease, while its reader holds another page alone
            self.sim.kill(self.process, f"is killed by page {page.id}")
            await wait(0)
        if self.held.get(page.id) is not lease and self.sim.random.random() < 0.5:
            return  # it is known to be lost; half of the workers do not look
        if page.fails > lease.tries and lease.tries + 1 < MAX_TRIES:
            await self.retry(lease)
            return
        self.outbox.append(self.end_of(page, lease))
        if not self.flushing:
            self.flushing = True
            self.sim.spawn(self.process, self.flush())

    async def retry(self, lease: Lease) -> None:
        random = self.sim.random
        delay_s, hold_s = random.choice(DELAYS_S), random.choice((0.0, 0.0, *DELAYS_S))
        await self.call(
            f"retry {lease.request.id} in {delay_s}, hold {hold_s}",
            lambda: self.sim.calls.retry(lease, delay_s=delay_s, reason="503", hold_host_s=hold_s),
            lambda reply: self.sim.given_back(lease, reply),
        )
        self.forget(lease)

    async def park(self, lease: Lease) -> None:
        await self.call(
            f"park {lease.request.id}",
            lambda: self.sim.calls.park(lease, needs=self.sim.needs(lease.request.id)),
            lambda reply: self.sim.given_back(lease, reply),
        )
        self.forget(lease)

    def end_of(self, page, lease: Lease) -> PageCommit:
        site = self.sim.site
        chain = lease.request.chain or page.chain
        outcome = {"ok": "ok", "redirect": "redirected", "missing": "http_404"}[page.kind]
        if page.fails > lease.tries:
            return PageCommit(lease=lease, outcome="gave_up", chain=chain, url=f"http://{page.host}/{page.id}")
        if outcome == "http_404":
            return PageCommit(lease=lease, outcome=outcome, url=f"http://{page.host}/{page.id}")
        return PageCommit(
            lease=lease,
            outcome=outcome,
            children=site.children(page, chain),
            rows=page.rows,
            chain=chain,
            marks=page.marks,
        )

    async def flush(self) -> None:
        while self.outbox:
            await wait(1)
            commits, self.outbox = self.outbox, []
            await self.call(
                f"commit {[(commit.lease.request.id, commit.outcome) for commit in commits]}",
                lambda commits=commits: self.sim.calls.commit(commits),
                lambda replies, commits=commits: self.sim.settled(commits, replies),
            )
            for commit in commits:
                self.forget(commit.lease)
        self.flushing = False

    def forget(self, lease: Lease) -> None:
        if self.held.get(lease.request.id) is lease:
            del self.held[lease.request.id]

    async def renew(self) -> None:
        while True:
            await wait(TTL // 3)
            leases = list(self.held.values())
            if not leases:
                continue
            lost = await self.call(
                f"renew {[lease.request.id for lease in leases]}",
                lambda leases=leases: self.sim.calls.renew(worker=self.process.name, leases=leases, ttl_s=TTL_S),
            )
            for lease in lost:
                self.forget(lease)

"""Crawls of the big site as one shared job, with something killed on the way."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from checker import Findings, check, not_ended
from job_store import JobInStore
from workers import LEASE_TTL_S, PATIENCE_S, Worker, ends, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from big_site import SiteProcess
    from valkey_server import ValkeyServer

    from crawler.frontier.contract import Ledger

#: What a worker's log says of each page that it had in hand when its lease was lost.
_LOST = "was lost; what it gave does not count"


@dataclass(kw_only=True)
class JobRun:
    """One job, its workers, and what was done to them.

    Attributes:
        environment: of all workers, beside what they need.
        leases_lost: held by workers when they were killed; what others lose is in their logs.
        left_behind: held by workers when they had left in order.
    """

    site: SiteProcess
    store: ValkeyServer
    folder: Path
    job: str
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    leases_lost: int = 0
    left_behind: int = 0

    @classmethod
    @contextmanager
    def of(cls, **facts) -> Iterator[Self]:
        """A run whose workers are gone afterwards."""
        run = cls(**facts)
        try:
            yield run
        finally:
            for worker in run.workers:
                worker.kill()

    @property
    def books(self) -> JobInStore:
        return JobInStore(self.store.url, self.job)

    def start(self, **more) -> Worker:
        """One more worker."""
        name = f"{self.job}-{len(self.workers) + 1}"
        settings = {**self.settings, **more.pop("settings", {})}
        worker = Worker.of_job(
            name,
            self.folder,
            job=self.job,
            site=self.site.url,
            store=self.store.url,
            settings=settings,
            environment={**self.environment, **more.pop("environment", {})},
            **more,
        )
        self.workers.append(worker)
        return worker

    def wait_until_all_work(self) -> None:
        """Waits until each worker has reached the store and opened its spider: before, a store that is away ends it."""
        wait_until(lambda: all("Spider opened" in worker.log() for worker in self.workers), what="all workers at work")

    def wait_for_share(self, share: float) -> None:
        """Waits until so much of the site has an outcome."""
        wanted = share * len(self.site.site.links())

        def reached() -> bool:
            assert any(worker.running for worker in self.workers), f"no worker lives:\n{self.workers[0].log()[-3000:]}"
            return self.books.settled() >= wanted

        wait_until(reached, what=f"{share:.0%} of the pages")

    def freeze_while_it_works(self, victim: Worker) -> int:
        """SIGSTOP at a moment at which the worker holds leases; answers how many."""
        while True:
            wait_until(lambda: self.books.held_by(victim.pid) > 0, what="a lease of the victim")
            victim.freeze()
            held = self._settled_count(victim)
            if held:
                return held
            victim.thaw()

    def kill_while_it_works(self, victim: Worker) -> None:
        """SIGKILL at such a moment."""
        self.leases_lost += self.freeze_while_it_works(victim)
        victim.kill()

    def _settled_count(self, victim: Worker) -> int:
        """What a frozen worker holds, once all that it had sent has arrived: the same number three times."""
        counts = [-1]
        while len(counts) < 4 or len(set(counts[-3:])) > 1:
            counts.append(self.books.held_by(victim.pid))
            time.sleep(0.01)
        return counts[-1]

    def kill_store(self, *, down_s: float) -> int:
        """SIGKILL of the store while pages are leased; answers how many. It is up again when this returns."""
        wait_until(lambda: self.books.leased() > 0, what="a lease")
        leased = self.books.leased()
        self.store.kill()
        time.sleep(down_s)
        self.store.restart()
        return leased

    def kill_frozen(self, victim: Worker) -> None:
        """SIGKILL of a worker that stands still, with all that it holds."""
        self.leases_lost += self.books.held_by(victim.pid)
        victim.kill()

    def tell_to_go(self, victim: Worker) -> None:
        """SIGTERM; returns when it has left. What it hands back, somebody else asks for again."""
        self.leases_lost += self.books.held_by(victim.pid)
        victim.terminate()
        self.left_behind += self.books.held_by(victim.pid)

    def finish(self, *, still_s: float = PATIENCE_S, none_lost: bool = False) -> Findings:
        """Waits until all workers that live have ended by themselves, and compares.

        Args:
            still_s: a job in which nothing has moved for so long never ends.
            none_lost: nothing was done for which a worker may lose a lease.
        """
        sites = list(self.site.site.links())
        if not ends(lambda: not any(worker.running for worker in self.workers), moves=self._sign, still_s=still_s):
            logs = [worker.log()[-1000:] for worker in self.workers if worker.running]
            return not_ended(pages=sites, fetches=self.site.fetches(), why=f"{self.books.ledger()} {logs}")
        for worker in self.workers:
            assert worker.left_well, f"{worker.name} ended with {worker.process.returncode}:\n{worker.log()[-3000:]}"
        ledger = self.books.ledger()
        lost = sum(worker.log().count(_LOST) for worker in self.workers)
        return check(
            expected=self.site.site.rows(self.site.url),
            pages=sites,
            rows=self.books.rows(),
            fetches=self.site.fetches(),
            settled=ledger.settled,
            leases_lost=self.leases_lost + lost,
            unbalanced=missing_in(ledger),
            expired=lost if none_lost else 0,
            left_behind=self.left_behind,
        )

    def _sign(self) -> tuple[int, int, int]:
        """It changes as long as the job moves: pages with an outcome, workers that live, and what they say."""
        said = sum(worker.log_path.stat().st_size for worker in self.workers)
        return self.books.settled(), sum(worker.running for worker in self.workers), said


def missing_in(ledger: Ledger) -> int:
    """Pages that the books have accepted, less those that they know."""
    return ledger.accepted - ledger.ready - ledger.delayed - ledger.leased - sum(ledger.settled.values())


def run_with_one_killed(run: JobRun, *, kill_at: float, restarted: bool, still_s: float = PATIENCE_S) -> Findings:
    """Two workers; one is killed when the share `kill_at` of the pages has an outcome, and may come back at once."""
    victim, _ = run.start(), run.start()
    run.wait_for_share(kill_at)
    run.kill_while_it_works(victim)
    if restarted:
        run.start()
    return run.finish(still_s=still_s)


def run_with_one_frozen(run: JobRun, *, kill_at: float) -> Findings:
    """Two workers; one stands still for two lives of its leases, and then goes on as if nothing had been."""
    victim, _ = run.start(), run.start()
    run.wait_for_share(kill_at)
    run.freeze_while_it_works(victim)
    time.sleep(2 * LEASE_TTL_S)
    victim.thaw()
    return run.finish()


def run_with_store_killed(run: JobRun, *, kill_at: float) -> Findings:
    """Two workers, and a store that is away for longer than leases live; they get grace."""
    run.start()
    run.start()
    run.wait_until_all_work()
    run.wait_for_share(kill_at)
    run.kill_store(down_s=1.5 * LEASE_TTL_S)
    return run.finish(none_lost=True)

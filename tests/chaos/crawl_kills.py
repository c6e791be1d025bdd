"""Crawls of the big site by workers without a platform; something is killed or stopped at a moment of its own."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from big_site import BigSite, SiteProcess
from job_run import JobRun, run_with_one_frozen, run_with_one_killed, run_with_store_killed

if TYPE_CHECKING:
    from pathlib import Path

    from valkey_server import ValkeyServer

#: Shares of the site that have been read when a worker is killed; the first is during `start`.
MOMENTS = (0.0, 0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.85, 0.95)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """What is hit: a `worker` that is killed, a `zombie` that stands still for too long, or the `store`."""

    victim: str
    at: float
    restarted: bool = False
    products: int = 1900
    latency_s: float = 0.01


def perform(kill: Kill, folder: Path, store: ValkeyServer) -> dict[str, Any]:
    """One crawl with a fresh store, which keeps what it has acknowledged; what was found, and what was done."""
    begun = time.monotonic()
    with (
        SiteProcess(BigSite(products=kill.products), latency_s=kill.latency_s) as site,
        JobRun.of(site=site, store=store, folder=folder, job="chaos") as run,
    ):
        if kill.victim == "store":
            findings = run_with_store_killed(run, kill_at=kill.at)
        elif kill.victim == "zombie":
            findings = run_with_one_frozen(run, kill_at=kill.at)
        else:
            findings = run_with_one_killed(run, kill_at=kill.at, restarted=kill.restarted)
    seconds = round(time.monotonic() - begun, 1)
    return {**asdict(kill), **asdict(findings), "problems": findings.problems, "seconds": seconds}


def line(result: dict[str, Any]) -> str:
    """A result in one line."""
    counts = ("lost", "doubled", "unexpected", "poison", "unsettled", "refetched", "leases_lost")
    what = f"{result['victim']} hit at {result['at']:.0%}" + (", restarted" if result["restarted"] else "")
    return f"{what}: {result['pages']} pages, {', '.join(f'{name} {result[name]}' for name in counts)}"

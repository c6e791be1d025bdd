"""The kill campaign: many crawls of the big site, each with something killed at a moment of its own.

`python tests/chaos/campaign.py --kills 10 --seed 1 --report chaos.jsonl` appends one line of JSON for each crawl and
prints the sum; the exit status is 1 if any of them lost, doubled, or poisoned anything. The seed decides what is killed
and when, not how the processes interleave.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from big_site import BigSite, SiteProcess
from job_run import JobRun, run_with_one_frozen, run_with_one_killed, run_with_store_killed
from valkey_server import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Shares of the site that have been read when a worker is killed; the first is during `start`.
MOMENTS = (0.0, 0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.85, 0.95)

#: What is hit, and how often: a worker that is killed, one that stands still for too long, the store.
VICTIMS = {"worker": 0.7, "zombie": 0.15, "store": 0.15}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """One crawl of the campaign."""

    victim: str  # one of VICTIMS
    at: float
    restarted: bool = False
    products: int = 1900
    latency_s: float = 0.01


def plan(seed: int, kills: int) -> Iterator[Kill]:
    """What is killed, and when."""
    chance = random.Random(seed)
    for _ in range(kills):
        (victim,) = chance.choices(list(VICTIMS), list(VICTIMS.values()))
        yield Kill(victim=victim, at=round(chance.uniform(0, 0.95), 3), restarted=chance.random() < 0.5)


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


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills workers and stores under a running job, and counts")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, default=Path("chaos.jsonl"))
    parser.add_argument("--redis-server", type=Path, help="instead of the one that is installed")
    options = parser.parse_args()
    bad = 0
    for number, kill in enumerate(plan(options.seed, options.kills), start=1):
        with tempfile.TemporaryDirectory(prefix="crawlery-chaos-") as folder:
            store = ValkeyServer(Path(folder), appendfsync="always", binary=options.redis_server)
            store.start()
            try:
                result = perform(kill, Path(folder), store)
            finally:
                store.stop()
        bad += bool(result["problems"])
        with options.report.open("a", encoding="utf-8") as report:
            report.write(json.dumps({"seed": options.seed, "number": number, **result}) + "\n")
        sys.stdout.write(f"{line(result)}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{options.kills} kills, {bad} with problems; {options.report} has each of them\n")
    return 1 if bad else 0


def line(result: dict[str, Any]) -> str:
    """A result in one line."""
    counts = ("lost", "doubled", "unexpected", "poison", "unsettled", "refetched", "leases_lost")
    what = f"{result['victim']} hit at {result['at']:.0%}" + (", restarted" if result["restarted"] else "")
    return f"{what}: {result['pages']} pages, {', '.join(f'{name} {result[name]}' for name in counts)}"


if __name__ == "__main__":
    sys.exit(main())

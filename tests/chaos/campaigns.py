"""The campaigns: rounds of injections into a platform that works, until enough of them have hit; each round is checked.

    python tests/chaos/campaigns.py --campaign kills --seed 1 --hits 500 --report chaos.jsonl --resume

appends one line of JSON for each round to the report; with `--resume` it goes on where the report ends. The exit status
is 1 if a round has a problem. The seed decides what is done, and roughly when, not how the processes interleave.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import injections as inject
import redis
from arena import IMPATIENT, PRODUCTION, Arena, Profile
from injections import Injection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from job_on_platform import JobOnPlatform

    Step = Callable[[Arena], Injection | None]

HERE: Final = Path(__file__).resolve().parent


def _at(*names: str, moments: Sequence[str] = ("call", "reply")) -> tuple[str, ...]:
    return tuple(f"{name}.{moment}" for name in names for moment in moments)


#: Points at which a process is killed, and what is done so that one comes there.
KILL_POINTS: Final[Mapping[str, Sequence[str]]] = {
    "": (
        *_at("lease", "commit", "renew", "retry", "gate", "robots_ask", "robots_keep", "seat_keep", "tidy"),
        *_at("seat_take", "promote", "rows_limit", "record", "ledger", "close", "adopt", "hold", "let_go", "abandon"),
        *_at(
            "put_segment", "put_file", "put_manifest", "put_record", "put_orphans", "put_log",
            moments=("call", "half", "reply"),
        ),
        "fetch", "compose.half", "seat.taken", "worker.spawned",
    ),
    "order": (
        *_at("find", "reserve", "day", "create", "enqueue"),
        *_at("put_intent", moments=("call", "half", "reply")),
    ),
    "drain": _at("release"),
    "steer": _at("move", "intend"),
    "begin": _at("stage"),  # of the one page that is staged, which a large job reads early
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Campaign:
    """What is done in each round.

    Attributes:
        name: as in the report.
        profile: of the platform.
        hits: injections that the whole campaign needs.
        in_round: injections of a round.
        gap_s: seconds between two of them, at least and at most.
        weights: what is done how often; None = a fault point at which a process is killed.
        rewinds: whether the store may forget what it has acknowledged.
        kind: of the fault at points.
        points: those of this campaign; empty = all.
        on_hang: what happens while a process stands still at a point.
        expires: whether leases may expire: not while nodes are replaced in order.
    """

    name: str
    profile: Profile = IMPATIENT
    hits: int
    in_round: int = 24
    gap_s: tuple[float, float] = (0.5, 2.0)
    weights: Mapping[Step | None, float]
    rewinds: bool = False
    kind: str = "kill"
    points: tuple[str, ...] = ()
    on_hang: Step | None = None
    expires: bool = True


#: Points at which a process still works when it comes to one of these calls: it has nothing in hand by that.
IDLE_POINTS: Final = frozenset(_at("hold", "let_go", "rows_limit", "ledger", "find", "promote", "seat_take"))

#: Between what a steward has read of a store, or told it, and what it does with that.
_BETWEEN: Final = (
    *_at("record", "ledger", "close", "adopt"),
    *_at("put_segment", "put_file", "put_manifest", "put_record"),
    *_at("stage", "commit"),
)

_KILLS: Final[Mapping[Step | None, float]] = {
    None: 0.65,
    inject.steer: 0.04,
    inject.kill_worker: 0.15,
    inject.kill_node: 0.06,
    inject.kill_api_at_work: 0.02,
    inject.kill_store: 0.06,
    inject.kill_storage: 0.06,
}

_SOAK: Final[Mapping[Step | None, float]] = {
    inject.kill_worker: 0.5,
    inject.kill_node: 0.12,
    inject.kill_steward: 0.12,
    inject.kill_api_at_work: 0.06,
    inject.kill_store: 0.1,
    inject.kill_storage: 0.1,
}

_LINKED: Final = Profile(with_links=True)

CAMPAIGNS: Final[Mapping[str, Campaign]] = {
    campaign.name: campaign
    for campaign in (
        Campaign(name="kills", hits=500, in_round=40, weights=_KILLS),
        Campaign(
            name="production", hits=5, in_round=5, gap_s=(3, 8), profile=PRODUCTION,
            weights={inject.kill_worker: 2, inject.kill_node: 1, inject.kill_store: 1, inject.kill_storage: 1},
        ),
        Campaign(name="ambiguous", hits=100, in_round=36, weights={None: 1}, kind="drop-reply"),
        Campaign(name="partitions", hits=200, in_round=40, profile=_LINKED, weights={inject.partition: 1}),
        Campaign(
            name="zombies", hits=100, in_round=26, gap_s=(1, 4),
            weights={None: 0.5, inject.freeze_worker: 0.4, inject.freeze_node: 0.1},
            kind="hang",
        ),
        Campaign(name="power-always", hits=100, in_round=26, weights={inject.lose_power: 1}, gap_s=(1, 4),
            profile=Profile(power_fails=True),
        ),
        Campaign(
            name="power-everysec", hits=100, in_round=26, weights={inject.lose_power: 0.5, None: 0.5},
            kind="hang",
            points=_BETWEEN,
            on_hang=inject.lose_power, gap_s=(1, 4), rewinds=True,
            profile=Profile(appendfsync="everysec", power_fails=True),
        ),
        Campaign(
            name="power-lied",
            hits=100,
            in_round=26,
            weights={inject.lose_a_second: 0.5, None: 0.5},
            gap_s=(1, 4),
            rewinds=True,
            kind="hang",
            points=_BETWEEN,
            on_hang=inject.lose_a_second,
            profile=Profile(power_fails=True),
        ),
        Campaign(
            name="disks", hits=20, in_round=10, gap_s=(2, 6), weights={inject.fill_disk: 1, inject.fill_memory: 1},
        ),
        Campaign(
            name="disks-everysec", hits=20, in_round=10, gap_s=(2, 6), weights={inject.fill_disk: 1},
            profile=Profile(appendfsync="everysec"),
        ),
        Campaign(
            name="clocks", hits=40, in_round=20, gap_s=(1, 5), weights={inject.jump_clock: 1},
            profile=Profile(with_clocks=True),
        ),
        Campaign(
            name="storage", hits=20, in_round=10, gap_s=(3, 8), profile=_LINKED, weights={inject.storage_outage: 1}
        ),
        Campaign(
            name="walls", hits=100, in_round=24, gap_s=(0.5, 3), profile=Profile(patience_s=4.0),
            weights={inject.put_up_wall: 0.8, inject.kill_worker: 0.15, inject.kill_store: 0.05},
        ),
        Campaign(
            name="soak", hits=180, in_round=180, gap_s=(10, 10), weights=_SOAK,
            profile=Profile(nodes=2, latency_s=0.0, concurrency=16, large=2, spared=("node-1", "steward-1", "api-1")),
        ),
        Campaign(name="drains", hits=100, in_round=26, gap_s=(0.5, 3), weights={inject.drain: 1}, expires=False),
    )
}  # fmt: skip

#: A step that finds nothing worth hitting for so long is left out, in seconds.
_STEP_PATIENCE_S: Final = 20.0

#: When nothing happens to it any more, a platform may stand still for so long, in seconds, and three lives of a lease.
_STILL_S: Final = 15.0

#: A process that hangs while something else happens hangs for so long, in seconds.
_HANGS_S: Final = 1.5

#: A campaign of kills has met each fault point so often.
_HITS_OF_A_POINT: Final = 5

#: The last round of a campaign does so much more than what is missing.
_BESIDE: Final = 8

#: Memory is looked at so often, in seconds.
_SAMPLE_EVERY_S: Final = 10.0

#: Of a process that is spared, memory may grow by so much from the first quarter of a round to its last, and by so many
#: MB besides.
_GROWTH: Final = 1.1
_GROWTH_MB: Final = 8.0

#: In a shorter round, in seconds, they are still growing up.
_GROWN_UP_S: Final = 600.0

#: A small job is ordered so often, in seconds.
_SMALL_EVERY_S: Final = 5.0


@dataclass(kw_only=True)
class Round:
    """One round of a campaign, while it runs."""

    campaign: Campaign
    arena: Arena
    chance: random.Random
    steps: list[Step]
    done: list[Injection] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    memory: list[dict[str, float]] = field(default_factory=list)
    sample_at: float = 0.0

    def run(self) -> None:
        """Orders jobs, hurts the platform, waits for the ends."""
        arena = self.arena
        arena.order(large=True)
        self._turn_until(lambda: any(job.settled > 20 for job in arena.jobs), patience_s=180, what="the first pages")
        next_at = next_small_at = time.monotonic()
        given_up_at = time.monotonic() + _STEP_PATIENCE_S
        while self.steps:
            self._turn()
            now = time.monotonic()
            self._keep_busy()
            if now >= next_small_at:
                arena.order(large=False)
                next_small_at = now + _SMALL_EVERY_S
            if now < next_at:
                continue
            hit = self._try(self.steps[0])
            if hit is None and now < given_up_at:
                continue
            self.steps.pop(0)
            if hit is not None and hit.fault != "armed":
                self._note(hit)
            next_at = now + self.chance.uniform(*self.campaign.gap_s)
            given_up_at = next_at + _STEP_PATIENCE_S
        self._wait_for_ends()

    def _try(self, step: Step) -> Injection | None:
        """What a step has done; nothing if it needs a store that is away just now."""
        try:
            return step(self.arena)
        except redis.RedisError:
            return None

    def _turn(self) -> None:
        self.arena.turn()
        for fired in self.arena.faults.fired():
            how = {"kill": "kill", "hang": "freeze"}.get(fired.kind, fired.kind)
            in_hand = fired.point not in IDLE_POINTS
            self._note(Injection(fault=how, victim=fired.process, point=fired.point, counts=in_hand))
            if fired.kind == "hang":
                self._while_it_hangs(fired.pid)
        if time.monotonic() >= self.sample_at:
            self.memory.append(self.arena.memory_mb())
            self.sample_at = time.monotonic() + _SAMPLE_EVERY_S
        time.sleep(0.02)

    def _while_it_hangs(self, pid: int) -> None:
        """A process stands still at a point: for two lives of a lease, or until what else is to happen has happened."""
        on_hang = self.campaign.on_hang
        self.arena.thaw_later(pid, seconds=2 * self.campaign.profile.ttl_s if on_hang is None else _HANGS_S)
        hit = self._try(on_hang) if on_hang is not None else None
        if hit is not None:
            self._note(hit)

    def _note(self, hit: Injection) -> None:
        hit.at_s = self.arena.at_s
        self.done.append(hit)

    def _keep_busy(self) -> None:
        """There are always as many large jobs."""
        live = [job for job in self.arena.live_jobs if job.is_large]
        for _ in range(self.arena.profile.large - len(live)):
            self.arena.order(large=True)

    def _turn_until(self, holds: Callable[[], bool], *, patience_s: float, what: str) -> bool:
        deadline = time.monotonic() + patience_s
        while not holds():
            if time.monotonic() > deadline:
                self.problems.append(f"waited in vain for {what}")
                return False
            self._turn()
        return True

    def _wait_for_ends(self) -> None:
        """Whoever has work finishes it, once nothing happens any more."""
        arena = self.arena
        for clock in arena.clocks.values():
            clock.set_ahead(0)
        patience_s = _STILL_S + 3 * self.campaign.profile.ttl_s
        moved_at, before = time.monotonic(), self._progress()
        while arena.live_jobs or arena.has_timers or arena.leaving or not all(job.order.is_done for job in arena.jobs):
            self._turn()
            if self._progress() != before:
                moved_at, before = time.monotonic(), self._progress()
            if time.monotonic() > moved_at + patience_s:
                late = [job.id or "one that was not accepted" for job in arena.live_jobs]
                leaving = f" and {', '.join(arena.leaving)} that were to leave" if arena.leaving else ""
                self.problems.append(f"unfinished: {', '.join(late)}{leaving}: {arena.tell()}")
                return

    def _progress(self) -> tuple[object, ...]:
        """What changes as long as the platform gets on."""
        jobs = tuple((job.state, job.settled) for job in self.arena.jobs)
        return jobs, len(self.done), len(self.arena.drains_s), self.arena.has_timers

    # --- what came of it ---

    def judge(self) -> list[dict[str, Any]]:
        """The findings of each job that has ended."""
        arena = self.arena
        self.problems += [*arena.deaths, *self._growths(), *_tracebacks(arena.folder)]
        for job in arena.jobs:
            if not job.ended:
                job.order.give_up()
            elif len(ids := job.order.again()) > 1:
                self.problems.append(f"one order made the jobs {ids}")
        with arena.redis() as client:
            made = len(list(client.scan_iter("crawlery:{*}:job", count=1000)))
        if made > len(arena.jobs):
            self.problems.append(f"{made} jobs in the store, but {len(arena.jobs)} were ordered")
        found = [self._judged(job) for job in arena.jobs if job.ended]
        if not self.campaign.expires and (expired := sum(each["expired"] for each in found)):
            self.problems.append(f"{expired} leases expired, though every node gave back what it had")
        return found

    def _judged(self, job: JobOnPlatform) -> dict[str, Any]:
        """A line for the report; what is wrong with the job is a problem."""
        if job.order.is_to_be_cancelled:
            findings = job.rows_of_a_cancelled_one()
        else:
            findings = job.findings(rewound=self.campaign.rewinds)
        problems = [*findings.problems, *job.disagreements(), *job.failed_attempts()]
        self.problems += [f"job {job.id}: {problem}" for problem in problems]
        books = job.books.ledger()
        return {
            "job": job.id,
            "state": job.state,
            "outcome": job.outcome,
            "steps": job.order.steps,
            "expected": findings.rows if job.order.is_to_be_cancelled else job.site.content.products,
            **{name: value for name, value in asdict(findings).items() if name != "examples"},
            # Those of jobs that share their site, and of stores that have forgotten something, are not known.
            "refetched": findings.refetched if job.is_large else None,
            "expired": books.expired,
            "released": books.released,
            "retries": books.retries,
            "parked": job.parked,
            "orders": job.order.tries,
            "seconds": job.seconds,
        }

    def _growths(self) -> list[str]:
        """Processes that were never hit and have grown."""
        found, quarter = [], len(self.memory) // 4
        if len(self.memory) * _SAMPLE_EVERY_S < _GROWN_UP_S:
            return found
        for name in self.arena.profile.spared:
            before = median(each.get(name, 0.0) for each in self.memory[quarter // 2 : quarter + 1])
            after = median(each.get(name, 0.0) for each in self.memory[-quarter - 1 :])
            if after > before * _GROWTH + _GROWTH_MB:
                found.append(f"{name} has grown from {before:.0f} to {after:.0f} MB")
        return found


def steps_of(campaign: Campaign, chance: random.Random, hits: Counter[str], count: int) -> Iterator[Step]:
    """What a round does: fault points that were hit least come first."""
    points = [(prepare, point) for prepare, points in KILL_POINTS.items() for point in points]
    if campaign.points:
        points = [(prepare, point) for prepare, point in points if point in campaign.points]
    if campaign.kind == "drop-reply":
        points = [(prepare, point) for prepare, point in points if point.endswith(".reply")]
    chance.shuffle(points)
    points.sort(key=lambda entry: hits[entry[1]])
    chosen = chance.choices(list(campaign.weights), list(campaign.weights.values()), k=count)
    turn = iter(points * (1 + count // max(1, len(points))))
    for step in chosen:
        yield step if step is not None else _at_point(*next(turn), kind=campaign.kind, nth=chance.randint(1, 4))


def _at_point(prepare: str, point: str, *, kind: str, nth: int) -> Step:
    """Arms a fault, and sees to it that a process comes to its point."""

    def arm(arena: Arena) -> Injection:
        rare = prepare or point.startswith(
            ("put_", "close", "adopt", "compose", "worker", "seat.", "abandon", "tidy", "stage", "robots")
        )
        arena.faults.arm(point, kind, nth=1 if rare else nth)
        if prepare == "order":  # an API accepts it, and a worker starts it
            arena.order(large=False)
        elif prepare == "begin":
            arena.order(large=True)
        elif prepare == "steer":
            inject.steer(arena)
        elif prepare == "drain":
            inject.drain(arena)
        return Injection(fault="armed", victim="")

    return arm


def run_round(campaign: Campaign, *, seed: int, number: int, hits: Counter[str], count: int) -> dict[str, Any]:
    """One round on a platform of its own: a line of the report. What went wrong is kept in a folder that it names."""
    chance = random.Random(zlib.crc32(f"{seed}/{campaign.name}/{number}".encode()))
    started = dt.datetime.now(dt.UTC)
    folder = Path(tempfile.mkdtemp(prefix=f"crawlery-{campaign.name}-{number}-"))
    jobs: list[dict[str, Any]] = []
    with Arena(folder, campaign.profile, chance) as arena:
        steps = list(steps_of(campaign, chance, hits, count))
        played = Round(campaign=campaign, arena=arena, chance=chance, steps=steps)
        try:
            played.run()
            jobs = played.judge()
        except Exception:  # noqa: BLE001 - whatever it was, this round is not clean, and its report is wanted
            played.problems.append(traceback.format_exc())
        drains_s = arena.drains_s
    if played.problems:
        (folder / "problems.txt").write_text("\n\n".join(played.problems))
        kept = shutil.make_archive(str(Path.cwd() / f"chaos-{campaign.name}-{number}"), "gztar", folder)
        played.problems.append(f"kept in {kept}")
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "campaign": campaign.name,
        "seed": seed,
        "round": number,
        "started": started.isoformat(timespec="seconds"),
        "commit": _commit(),
        "seconds": round((dt.datetime.now(dt.UTC) - started).total_seconds(), 1),
        "profile": asdict(campaign.profile),
        "injections": [hit.as_json() for hit in played.done],
        "jobs": jobs,
        **({"drains_s": drains_s} if drains_s else {}),
        **({"memory_mb": played.memory} if campaign.profile.spared else {}),
        "problems": [problem[:2000] for problem in played.problems],
    }


def _tracebacks(folder: Path) -> list[str]:
    """What processes have said that nobody expected."""
    found = []
    for log in sorted(folder.rglob("*.log")):
        text = log.read_text(encoding="utf-8", errors="replace")
        at = text.find("Traceback (most recent call last)")
        if at >= 0:
            found.append(f"{log.relative_to(folder)}: {text[max(0, at - 300) : at + 1500]}")
    return found


def _commit() -> str:
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def read_report(path: Path, campaign: str) -> list[dict[str, Any]]:
    """The rounds of a campaign."""
    if not path.exists():
        return []
    rounds = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [each for each in rounds if each["campaign"] == campaign]


def counted(rounds: Sequence[Mapping[str, Any]]) -> int:
    """Injections that hit work in flight."""
    return sum(hit["counts"] for each in rounds for hit in each["injections"])


def points_hit(rounds: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(hit["point"] for each in rounds for hit in each["injections"] if hit.get("point"))


def is_complete(campaign: Campaign, rounds: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there are hits enough; of each fault point, too, if the campaign has any."""
    hits = points_hit(rounds)
    least = _HITS_OF_A_POINT if None in campaign.weights and campaign.kind == "kill" else 0
    return counted(rounds) >= campaign.hits and all(
        hits[point] >= least for points in KILL_POINTS.values() for point in points
    )


def summary(each: Mapping[str, Any]) -> str:
    """A round in one line."""
    kinds = ("lost", "doubled", "unexpected", "poison", "unsettled")
    sums = {kind: sum(job[kind] for job in each["jobs"]) for kind in kinds}
    rows = sum(job["rows"] for job in each["jobs"])
    what = Counter(f"{hit['fault']} {hit['victim']}" for hit in each["injections"])
    found = ", ".join(f"{kind} {count}" for kind, count in sums.items())
    done = ", ".join(f"{count} {name}" for name, count in what.most_common())
    told = "".join(f"\n    ! {problem[:400]}" for problem in each["problems"])
    return (
        f"{each['campaign']} {each['round']}: {counted([each])} hits ({done}), {len(each['jobs'])} jobs, "
        f"{rows} rows, {found}, {each['seconds']:.0f} s{told}"
    )


def run_campaign(campaign: Campaign, *, seed: int, report: Path, resume: bool, max_rounds: int | None) -> bool:
    """Rounds until there are hits enough; whether all of them were clean."""
    rounds = read_report(report, campaign.name) if resume else []
    first = number = len(rounds) + 1
    while not is_complete(campaign, rounds) and (max_rounds is None or number < first + max_rounds):
        missing = campaign.hits - counted(rounds)
        # Not everything that is done hits: a round that is to bring the last few does some more.
        count = min(campaign.in_round, missing + _BESIDE) if missing > 0 else campaign.in_round
        each = run_round(campaign, seed=seed, number=number, hits=points_hit(rounds), count=count)
        with report.open("a", encoding="utf-8") as file:
            file.write(json.dumps(each) + "\n")
        rounds.append(each)
        sys.stdout.write(summary(each) + "\n")
        sys.stdout.flush()
        number += 1
    return not any(each["problems"] for each in rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description="Hurts a platform that works, and counts what is lost or doubled")
    parser.add_argument("--campaign", choices=[*CAMPAIGNS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hits", type=int, help="instead of the campaign's own number")
    parser.add_argument("--rounds", type=int, help="at most so many of each campaign")
    parser.add_argument("--report", type=Path, default=Path("chaos.jsonl"))
    parser.add_argument("--resume", action="store_true", help="go on where the report ends")
    options = parser.parse_args()
    names = list(CAMPAIGNS) if options.campaign == "all" else [options.campaign]
    clean = True
    for name in names:
        campaign = CAMPAIGNS[name] if options.hits is None else replace(CAMPAIGNS[name], hits=options.hits)
        clean &= run_campaign(
            campaign, seed=options.seed, report=options.report, resume=options.resume, max_rounds=options.rounds
        )
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())

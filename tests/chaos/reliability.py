"""Writes docs/reliability.md: its text is in `reliability.template.md`, its figures are those of the committed report.

    python tests/chaos/reliability.py docs/reliability.md

A test holds that the page is what this writes.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from campaigns import CAMPAIGNS, KILL_POINTS, counted, points_hit
from seeded_defects.catalogue import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Rounds = Sequence[Mapping[str, Any]]

HERE: Final = Path(__file__).resolve().parent

#: What the campaigns have written, round by round.
REPORT: Final = HERE / "report.jsonl"

TEMPLATE: Final = HERE / "reliability.template.md"

#: A placeholder of the template, on a line of its own or in a sentence.
_PLACEHOLDER: Final = re.compile(r"\{\{ (\w+)(?: ([\w-]+))? \}\}")

#: What a job must not show.
_WRONG: Final = ("lost", "doubled", "unexpected", "poison", "unsettled", "parked")


def read_rounds(path: Path = REPORT) -> list[dict[str, Any]]:
    """All rounds of the report, in the order in which they were played."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def page(rounds: Rounds) -> str:
    """The page, with the figures of these rounds."""
    parts: Mapping[str, Callable[..., str]] = {
        "campaigns": lambda: campaigns_table(rounds),
        "victims": lambda name: victims_table(rounds, name),
        "points": lambda: points_table(rounds),
        "memory": lambda name: memory_table(rounds, name),
        "defects": defects_table,
        "found": lambda: (HERE / "found.md").read_text(encoding="utf-8").strip(),
        "hits": lambda name: f"{counted(_of(rounds, name)):,}",
        "rows": lambda: f"{sum(job['rows'] for each in rounds for job in each['jobs']):,}",
        "jobs": lambda: f"{sum(len(each['jobs']) for each in rounds):,}",
        "commits": lambda: ", ".join(sorted({each["commit"] for each in rounds})),
    }

    def filled(match: re.Match[str]) -> str:
        name, argument = match[1], match[2]
        return parts[name](argument) if argument else parts[name]()

    return _PLACEHOLDER.sub(filled, TEMPLATE.read_text(encoding="utf-8"))


def _of(rounds: Rounds, campaign: str) -> Rounds:
    return [each for each in rounds if each["campaign"] == campaign]


def _sum(rounds: Rounds, name: str) -> int:
    return sum(job.get(name) or 0 for each in rounds for job in each["jobs"])


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line) + " |"
                     for line in lines)  # fmt: skip


def campaigns_table(rounds: Rounds) -> str:
    """One line for each campaign: what was done, and what came of it."""
    head = ["campaign", "hits", "of", "rounds", "jobs", "rows", *_WRONG, "leases ended", "fetched again", "problems"]
    rows = []
    for name, campaign in CAMPAIGNS.items():
        mine = _of(rounds, name)
        ended = _sum(mine, "expired") + _sum(mine, "released") + _sum(mine, "retries")
        wrong = [_sum(mine, kind) for kind in _WRONG]
        jobs = sum(len(each["jobs"]) for each in mine)
        done = [name, counted(mine), campaign.hits, len(mine), jobs, _sum(mine, "rows")]
        problems = sum(len(each["problems"]) for each in mine)
        rows.append([*done, *wrong, ended, _sum(mine, "refetched"), problems])
    return _table(head, rows)


def victims_table(rounds: Rounds, campaign: str) -> str:
    """Who was hit how often."""
    hits = [hit for each in _of(rounds, campaign) for hit in each["injections"] if hit["counts"]]
    at_points = Counter(hit["victim"] for hit in hits if hit.get("point"))
    anywhere = Counter(hit["victim"] for hit in hits if not hit.get("point"))
    victims = sorted({*at_points, *anywhere}, key=lambda victim: (-at_points[victim] - anywhere[victim], victim))
    return _table(
        ["who was killed", "at a fault point", "at any moment"],
        [(victim, at_points[victim], anywhere[victim]) for victim in victims],
    )


def memory_table(rounds: Rounds, campaign: str) -> str:
    """Memory of the processes that the longest round of a campaign has spared."""
    head = ["process", "first quarter", "last quarter", "minutes"]
    longest = max(_of(rounds, campaign), key=lambda each: each["seconds"], default=None)
    if longest is None:
        return _table(head, [])
    samples = longest["memory_mb"]
    quarter = len(samples) // 4
    rows = []
    for name in longest["profile"]["spared"]:
        first, last = (median(each[name] for each in part) for part in (samples[1:quarter], samples[-quarter:]))
        rows.append([name, round(first), round(last), round(longest["seconds"] / 60)])
    return _table(head, rows)


def points_table(rounds: Rounds) -> str:
    """How often a process was killed at each fault point."""
    hits = points_hit(_of(rounds, "kills"))
    points = sorted(point for points in KILL_POINTS.values() for point in points)
    scripts: dict[str, dict[str, int]] = {}
    for point in points:
        name, _, moment = point.partition(".")
        scripts.setdefault(name, {})[moment] = hits[point]
    rows = [(name, ", ".join(f"{moment or 'there'} {count}" for moment, count in found.items()))
            for name, found in scripts.items()]  # fmt: skip
    return _table(["point", "kills"], rows)


def defects_table() -> str:
    """What the checker is checked with."""
    return _table(
        ["defect", "what is broken", "found as"],
        [(name, defect.broken, defect.finding) for name, defect in DEFECTS.items()],
    )


def main() -> None:
    Path(sys.argv[1]).write_text(page(read_rounds()), encoding="utf-8")


if __name__ == "__main__":
    main()

"""A slice of each campaign, on a small platform; and that a campaign does what its seed and its report say."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace

import pytest
from campaigns import (
    CAMPAIGNS,
    KILL_POINTS,
    counted,
    is_complete,
    points_hit,
    read_report,
    run_round,
    steps_of,
    summary,
)

pytestmark = pytest.mark.timeout(300)

#: Small, so that a round takes a few seconds.
SMALL = {"nodes": 2, "slots": 1, "apis": 1, "products": 300, "small": 20, "latency_s": 0.15, "failing": 100}


def small(name: str):
    """The campaign on a small platform."""
    campaign = CAMPAIGNS[name]
    profile = replace(campaign.profile, **SMALL)
    return replace(campaign, profile=profile, gap_s=(0.3, 1.0))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("kills", 10),
        ("partitions", 6),
        ("power-everysec", 4),
        ("clocks", 4),
        pytest.param("walls", 6, marks=pytest.mark.long),
        pytest.param("ambiguous", 10, marks=pytest.mark.long),
        pytest.param("zombies", 4, marks=pytest.mark.long),
        pytest.param("power-always", 4, marks=pytest.mark.long),
        pytest.param("power-lied", 4, marks=pytest.mark.long),
        pytest.param("disks", 3, marks=pytest.mark.long),
        pytest.param("storage", 3, marks=pytest.mark.long),
        pytest.param("drains", 4, marks=pytest.mark.long),
    ],
)
def test_a_round_of_a_campaign_loses_nothing_and_doubles_nothing(name, count, show):
    each = run_round(small(name), seed=1, number=1, hits=Counter(), count=count)
    show(summary(each))
    assert each["problems"] == []
    assert counted([each]) >= count // 2
    assert sum(job["rows"] for job in each["jobs"]) == sum(job["expected"] for job in each["jobs"]) >= 300


class Noting:
    """In place of an arena: notes the points at which faults are armed."""

    def __init__(self):
        self.faults = self
        self.points = []
        self.random = random.Random(0)

    def arm(self, point, kind, *, nth):
        self.points.append((point, kind, nth))

    def order(self, *, large, steps=()):
        pass

    def victims(self, _kind):
        return []


def planned(seed: int, *, hits: Counter[str] | None = None, count: int = 60) -> list[tuple[str, str, int]]:
    campaign = replace(CAMPAIGNS["kills"], weights={None: 1})
    arena = Noting()
    for step in steps_of(campaign, random.Random(seed), hits or Counter(), count):
        step(arena)
    return arena.points


def test_a_seed_always_plans_the_same():
    assert planned(7) == planned(7)
    assert planned(7) != planned(8)


def test_points_that_were_met_least_come_first():
    points = [point for points in KILL_POINTS.values() for point in points]
    hits = Counter(dict.fromkeys(points, 3))
    del hits["record.reply"], hits["fetch"]
    assert {point for point, *_ in planned(1, hits=hits, count=2)} == {"record.reply", "fetch"}


def a_round(*points: str, campaign: str = "kills", held: bool = True):
    return {
        "campaign": campaign,
        "injections": [{"fault": "kill", "victim": "worker", "point": point, "counts": held} for point in points],
    }


def test_a_campaign_of_kills_is_complete_with_enough_hits_and_each_point_met_often():
    campaign = CAMPAIGNS["kills"]
    points = [point for points in KILL_POINTS.values() for point in points]
    rounds = [a_round(*points)] * 5
    rounds.append(a_round(*[""] * (campaign.hits - counted(rounds))))
    assert is_complete(campaign, rounds)
    assert not is_complete(campaign, rounds[:-1])
    assert not is_complete(campaign, [*rounds[1:], a_round(*points[1:], "", "")])
    assert not is_complete(campaign, [*rounds[:-1], a_round(*[""] * 1000, held=False)])


def test_a_report_is_read_by_campaign(tmp_path):
    path = tmp_path / "chaos.jsonl"
    assert read_report(path, "kills") == []
    rounds = [a_round("fetch"), a_round("", campaign="drains"), a_round("fetch", "create.call")]
    path.write_text("".join(json.dumps(each) + "\n" for each in rounds))
    assert read_report(path, "kills") == [rounds[0], rounds[2]]
    assert points_hit(read_report(path, "kills")) == {"fetch": 2, "create.call": 1}


def test_the_profile_as_shipped_is_what_the_commands_say():
    from crawler.cli.steward import steward
    from crawler.jobs.seats import SEAT_TTL_S
    from crawler.settings import LEASE_TTL

    profile = CAMPAIGNS["production"].profile
    defaults = {option.name: option.default for option in steward.params}
    assert (profile.ttl_s, profile.seat_ttl_s) == (LEASE_TTL, SEAT_TTL_S)
    assert (profile.segment_age_s, profile.tick_s) == (defaults["segment_age"], defaults["tick"])

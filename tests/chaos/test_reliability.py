"""docs/reliability.md is what `make reliability` writes of the committed report, and the report is what it says."""

from __future__ import annotations

import pytest
from campaigns import CAMPAIGNS
from reliability import campaigns_table, memory_table, page, points_table, read_rounds, victims_table
from workers import ROOT


def test_the_page_is_that_of_the_committed_report():
    assert (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8") == page(read_rounds()), "make reliability"


def test_every_round_of_the_report_belongs_to_a_campaign_and_ran_on_committed_code():
    rounds = read_rounds()
    assert {each["campaign"] for each in rounds} <= set(CAMPAIGNS)
    assert [each["commit"] for each in rounds if "dirty" in each["commit"]] == []


def test_a_round_with_a_problem_is_not_hidden():
    (line,) = [
        line for line in campaigns_table([a_round(problems=["lost"])]).splitlines() if line.startswith("| kills")
    ]
    assert line.startswith("| kills | 2 | 500 | 1 | 1 | 10 |")
    assert line.endswith("| 7 | 3 | 1 |")


def test_hits_are_counted_by_victim_and_by_point():
    rounds = [a_round()]
    assert "| worker | 1 | 1 |" in victims_table(rounds, "kills")
    assert "steward" not in victims_table(rounds, "kills")  # it had nothing in hand
    assert "| commit | call 1, reply 0 |" in points_table(rounds)


@pytest.mark.parametrize("kind", ["lost", "doubled", "unexpected", "poison", "unsettled", "parked"])
def test_each_kind_of_loss_has_its_column(kind):
    head, _, *lines = campaigns_table([a_round(**{kind: 5})]).splitlines()
    (line,) = [line for line in lines if line.startswith("| kills")]
    assert dict(zip(head.split("|"), line.split("|"), strict=True))[f" {kind} "] == " 5 "


def test_memory_is_shown_of_the_longest_round_and_of_those_that_it_spares():
    def soak(seconds, *mb):
        samples = [{"api-1": each, "node-1": 7.0} for each in mb]
        return {"campaign": "soak", "seconds": seconds, "profile": {"spared": ["api-1"]}, "memory_mb": samples}

    rounds = [soak(600, *range(8)), soak(1_800, 1, 100, 104, 120, 130, 150, 160, 171, 180, 200, 190, 210)]
    assert memory_table(rounds, "soak").splitlines()[2:] == ["| api-1 | 102 | 200 | 30 |"]


def a_round(*, problems=(), **found):
    hits = [
        {"fault": "kill", "victim": "worker", "point": "commit.call", "counts": True},
        {"fault": "kill", "victim": "worker", "held": 4, "counts": True},
        {"fault": "kill", "victim": "steward", "point": "hold.call", "counts": False},
    ]
    kinds = ("lost", "doubled", "unexpected", "poison", "unsettled", "parked")
    job = {"rows": 10, "expired": 4, "released": 2, "retries": 1, "refetched": 3, **dict.fromkeys(kinds, 0), **found}
    return {"campaign": "kills", "commit": "abc", "injections": hits, "jobs": [job], "problems": list(problems)}

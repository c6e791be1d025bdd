"""docs/faults.md has every fault point, as `crawler.fault_points` describes it, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

from crawler.fault_points import OBJECTS, POINTS, PROCESSES, SCRIPTS
from crawler.faults import Fault

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """The table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\S+)` \| (.*) \|$", section, re.MULTILINE))


def test_the_page_lists_every_point_and_no_other():
    assert table("Scripts of the store") == SCRIPTS
    assert table("Objects") == OBJECTS
    others = {
        point: sentence
        for point, sentence in POINTS.items()
        if point.partition(".")[0] not in {*SCRIPTS, *(f"put_{kind}" for kind in OBJECTS)}
    }
    assert table("Other places") == others


def test_its_examples_name_points_that_there_are():
    for point in re.findall(r"CRAWLERY_FAULT=([a-z_.]+):", PAGE):
        assert point in POINTS
    files = [json.loads(text) for text in re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)]
    assert [Fault(**files[0]).point, files[1]["point"]] == ["commit.reply"] * 2
    assert all(f"`{process}`" in PAGE for process in (*PROCESSES, "any"))


def test_the_variable_is_in_the_example_of_an_environment_as_one_for_tests():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.search(r"^# For tests only.*docs/faults\.md.*\n#CRAWLERY_FAULT=", example, re.MULTILINE)

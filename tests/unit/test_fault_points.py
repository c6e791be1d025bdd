from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from planned_faults import planned

import crawler
from crawler import faults
from crawler.fault_points import OBJECTS, POINTS, SCRIPTS, kinds_at
from crawler.scripts import Script

ROOT = Path(crawler.__file__).resolve().parents[1]


def scripts() -> dict[str, Script]:
    """Every script that a module of the repository holds, by its name."""
    found: dict[str, Script] = {}
    for path in sorted([*(ROOT / "crawler").rglob("*.py"), *(ROOT / "control_api").rglob("*.py")]):
        if "load_script(" not in path.read_text(encoding="utf-8") or path == ROOT / "crawler" / "store.py":
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for script in vars(module).values():
            if isinstance(script, Script):
                assert script.name not in found, f"two scripts are called {script.name}: their points would be one"
                found[script.name] = script
    return found


def test_every_script_that_is_called_has_its_two_points_and_there_are_no_others():
    assert {name.removesuffix(".lua") for name in scripts()} == SCRIPTS.keys()
    assert {point for point in POINTS if point.endswith(".call") and not point.startswith("put_")} == {
        f"{name}.call" for name in SCRIPTS
    }
    assert {point for point in POINTS if point.endswith(".reply") and not point.startswith("put_")} == {
        f"{name}.reply" for name in SCRIPTS
    }


def test_every_script_in_a_folder_of_scripts_is_called_or_is_part_of_one_that_is():
    sources = "\n".join(script.source for script in scripts().values())
    for path in (ROOT / "crawler").rglob("*.lua"):
        assert path.read_text(encoding="utf-8") in sources, path


def test_every_point_is_described_in_one_sentence():
    for point, sentence in POINTS.items():
        assert re.fullmatch(r"[A-Z](?:[^.]|\.(?=\w))+\.", sentence), (point, sentence)
    assert len(POINTS) == 2 * len(SCRIPTS) + 3 * len(OBJECTS) + 4


@pytest.mark.parametrize(
    ("point", "kinds"),
    [
        ("lease.call", {"kill", "hang", "error"}),
        ("lease.reply", {"kill", "hang", "drop-reply"}),
        ("put_file.half", {"kill", "hang", "error"}),
        ("fetch", {"kill", "hang", "error"}),
        ("worker.spawned", {"kill", "hang"}),
    ],
)
def test_what_can_happen_depends_on_what_has_happened(point, kinds):
    assert set(kinds_at(point)) == kinds


def test_a_plan_of_tests_comes_to_an_end():
    with planned() as plan:
        faults.at("fetch")
        faults.at("no such point")
    assert plan.points == ["fetch"]
    assert not faults.is_on()

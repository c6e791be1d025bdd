"""The checker is checked: it names what is wrong with a product that is broken in one way, and nothing otherwise."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checker import KINDS
from defect_runs import SCENARIOS, Place
from seeded_defects.catalogue import DEFECTS
from workers import HERE, ROOT, unmeasured

pytestmark = pytest.mark.timeout(300)

#: Those that are tried in every run of the suite.
FAST = ("commit-without-lease", "rows-after-commit", "popped-without-lease")


@pytest.fixture
def place(new_valkey, new_seaweed, tmp_path):
    """`place("rows-after-commit")`: where all processes have that defect; "" = where none does."""

    def of(defect: str) -> Place:
        broken = {
            "CRAWLERY_TEST_DEFECT": defect,
            "CRAWLERY_TEST_DEFECT_NOTES": str(tmp_path),
            "PYTHONPATH": str(HERE / "seeded_defects"),
        }
        return Place(
            new_valkey=new_valkey, new_seaweed=new_seaweed, folder=tmp_path, environment=broken if defect else {}
        )

    return of


def cases(names, *, everywhere=()):
    return [pytest.param(name, marks=() if name in everywhere else pytest.mark.long) for name in names]


@pytest.mark.parametrize("name", cases(DEFECTS, everywhere=FAST))
def test_the_checker_sees_a_product_that_is_broken_in_one_way(name, place, tmp_path, show):
    defect = DEFECTS[name]
    since = time.monotonic()
    found = SCENARIOS[defect.scenario](place(name))
    show(f"{name}: {', '.join(found.kinds)} after {time.monotonic() - since:.0f} s")
    for edit in defect.edits:
        assert (tmp_path / f"broken-{Path(edit.file).name}").exists(), f"{edit.file} was never loaded"
    assert defect.finding in found.kinds, found.as_json()


@pytest.mark.parametrize("name", cases(SCENARIOS))
def test_the_checker_finds_nothing_where_nothing_is_broken(name, place, show):
    since = time.monotonic()
    found = SCENARIOS[name](place(""))
    show(f"{name}: nothing broken, nothing found after {time.monotonic() - since:.0f} s")
    assert found.problems == []


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_has_its_places_in_the_product_a_run_and_a_finding(name):
    defect = DEFECTS[name]
    for edit in defect.edits:
        assert (ROOT / edit.file).read_text().count(edit.old) == 1
    assert defect.scenario in SCENARIOS
    assert defect.finding in KINDS


@pytest.mark.parametrize(
    ("name", "says"),
    [("no-such-defect", "there is no 'no-such-defect'"), ("rows-after-commit", "occurs 0 times, not once")],
)
def test_a_process_that_cannot_be_broken_as_it_should_does_not_begin(name, says, tmp_path):
    folder = tmp_path / "tests" / "chaos" / "seeded_defects"  # of a product in which the place is another one
    shutil.copytree(HERE / "seeded_defects", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in (edit for defect in DEFECTS.values() for edit in defect.edits):
        (tmp_path / edit.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / edit.file).write_text("pass\n")
    environment = {**unmeasured(), "PYTHONPATH": str(folder), "CRAWLERY_TEST_DEFECT": name}
    ended = subprocess.run([sys.executable, "-c", "pass"], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert says in ended.stderr


def test_there_are_enough_defects_and_each_run_shows_one():
    assert len(DEFECTS) >= 10
    assert {defect.scenario for defect in DEFECTS.values()} == set(SCENARIOS)

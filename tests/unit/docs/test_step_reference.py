"""The reference of all steps on `docs/recipes.md` is what `scripts/step_reference.py` writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crawler.recipe.steps import catalogue

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parents[3] / "scripts" / "step_reference.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("step_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_the_steps_is_up_to_date(script: ModuleType) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.updated(page) == page, "run `python scripts/step_reference.py`"


def test_a_page_without_a_place_for_the_steps_is_refused(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="no markers"):
        script.updated("# Recipes\n")


def test_every_step_is_listed_with_a_link_in_the_table_of_steps(script: ModuleType) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    missing = [info.name for info in catalogue() if f"[`{info.name}`](#{info.name})" not in page]
    assert missing == []


def test_further_examples_belong_to_steps_that_exist(script: ModuleType) -> None:
    assert set(script.MORE) <= {info.name for info in catalogue()}

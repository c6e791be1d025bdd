"""Checks recipes that strangers send in a process of their own, which has so much time and memory and no more.

A text of a few kilobytes may ask for minutes of processor time (large regular expressions), or for gigabytes (an input
that stands in a template a thousand times), which is found out only by doing it. Whoever serves others does it here.

    python -I -m crawler.recipe.apart LIMITS     reads an order, writes an answer as JSON
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from crawler.errors import InputError, RecipeError
from crawler.recipe.confinement import MIB, ConfinedLimits, run_confined, serve_order
from crawler.recipe.extract import start_requests
from crawler.recipe.loader import load_recipe_text

MODULE: Final = "crawler.recipe.apart"

LIMITS: Final = ConfinedLimits(cpu_s=5, wall_s=10.0, memory_bytes=384 * MIB, answer_bytes=32 * MIB)

#: So many things that are wrong are told.
_MAX_TOLD: Final = 50

TOO_COSTLY: Final = (
    f"checking it takes more than {LIMITS.cpu_s} s, or more than {LIMITS.memory_bytes:,} bytes of memory"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What there is to know of a recipe, and of the inputs for it.

    Attributes:
        name: of the recipe.
        resolved: its text, as jobs have it.
        inputs: resolved, defaults included.
        wrong: what is wrong with the recipe, in sentences; then the others are empty.
        wrong_inputs: what is wrong with the inputs, as `InputError` says it.
    """

    name: str = ""
    resolved: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    wrong_inputs: tuple[str, ...] = ()


def check_apart(text: str, inputs: dict[str, Any] | None = None) -> Checked:
    """Loads a recipe, and makes the first requests of these inputs; without inputs only the recipe is looked at.

    Raises:
        RuntimeError: the process has failed otherwise than by its limits.
    """
    with tempfile.TemporaryDirectory(prefix="crawlery-text-", ignore_cleanup_errors=True) as folder:
        ended = run_confined(MODULE, {"text": text, "inputs": inputs}, folder=Path(folder), limits=LIMITS)
    if ended.is_failed:
        raise RuntimeError(f"a recipe could not be checked: {ended.complaint}")
    if ended.why_not:
        return Checked(wrong=(TOO_COSTLY,))
    return msgspec.json.decode(ended.answer, type=Checked)


def _check(text: str, inputs: dict[str, Any] | None) -> dict[str, Any]:
    try:
        recipe = load_recipe_text(text)
        found: dict[str, Any] = {"name": recipe.name, "resolved": recipe.resolved}
        if inputs is not None:
            found["inputs"] = recipe.inputs.resolve(inputs)
            start_requests(recipe, found["inputs"])
    except RecipeError as error:
        return {"wrong": [str(problem) for problem in error.problems[:_MAX_TOLD]]}
    except InputError as error:
        return {"wrong_inputs": error.messages[:_MAX_TOLD]}
    return found


def main() -> None:
    """The process."""
    serve_order(lambda order: json.dumps(_check(**order)).encode())


if __name__ == "__main__":
    main()

"""Checks recipes that strangers send in a process of their own, which has so much time and memory and no more.

A text of a few kilobytes may ask for minutes of processor time (large regular expressions), or for gigabytes (an input
that stands in a template a thousand times), which is found out only by doing it. Whoever serves others does it here.

    python -I -m crawler.recipe.apart        reads a JSON object on stdin, writes one on stdout
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from crawler.errors import InputError, RecipeError
from crawler.recipe.extract import start_requests
from crawler.recipe.loader import load_recipe_text

#: Of processor time; twice that on the clock.
MAX_CPU_S: Final = 5
MAX_MEMORY_BYTES: Final = 384 * 1024 * 1024

#: So many things that are wrong are told.
_MAX_TOLD: Final = 50

#: Exit status of a process that was refused memory; one that used up its time is killed.
_NO_MEMORY: Final = 3

TOO_COSTLY: Final = f"checking it takes more than {MAX_CPU_S} s, or more than {MAX_MEMORY_BYTES:,} bytes of memory"


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
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "crawler.recipe.apart"],
            input=json.dumps({"text": text, "inputs": inputs}).encode(),
            capture_output=True,
            check=False,
            env={},
            timeout=2 * MAX_CPU_S,
        )
    except subprocess.TimeoutExpired:
        return Checked(wrong=(TOO_COSTLY,))
    if done.returncode < 0 or done.returncode == _NO_MEMORY:
        return Checked(wrong=(TOO_COSTLY,))
    if done.returncode:
        raise RuntimeError(f"a recipe could not be checked: {done.stderr[-2000:].decode(errors='replace')}")
    return msgspec.json.decode(done.stdout, type=Checked)


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
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        json.dump(_check(**json.load(sys.stdin)), sys.stdout)
    except MemoryError:
        sys.exit(_NO_MEMORY)


if __name__ == "__main__":
    main()

"""Whether a recipe that a client has pushed may be used.

It compiles, its own tests pass on its own pages, and it breaks nothing for those who read the files of the version
before, see `crawler.recipe.contract_changes`.

    python -I -m crawler.recipe.approval LIMITS     in a folder with NAME.yaml and, if there are any, pages.tar

reads an order, writes a report as JSON. Run by `crawler.recipe.confinement`, for both files come from strangers. A page
type without a test leaves a recipe untested, unless that is wanted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crawler.errors import RecipeError
from crawler.recipe.check import run_test
from crawler.recipe.confinement import serve_order
from crawler.recipe.contract import item_json_schema
from crawler.recipe.contract_changes import Promise, broken_promises, files_of
from crawler.recipe.loader import load_recipe
from crawler.recipe.pages_archive import ArchiveRefused, unpack_pages
from crawler.recipe.starts import site_of
from crawler.recipe.values import MISSING

if TYPE_CHECKING:
    from crawler.recipe.check import Difference, Verdict
    from crawler.recipe.model import Recipe

MODULE: Final = "crawler.recipe.approval"

#: The archive of saved pages, in the folder of the process.
PAGES_FILE: Final = "pages.tar"

#: Of a report: so many problems, tests, and differences of a test, each of so many characters.
_MAX_PROBLEMS: Final = 50
_MAX_TESTS: Final = 100
_MAX_DIFFERENCES: Final = 5
_MAX_CHARACTERS: Final = 300

#: What is shown of a recipe has so many bytes at most.
_MAX_FACTS_BYTES: Final = 512 * 1024


def approve(name: str, *, may_be_untested: bool, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The report on a recipe of this folder: standing, problems, tests, untested page types, and facts to show.

    `before` is the `Promise` of the version that it follows, as a map.
    """
    try:
        if Path(PAGES_FILE).exists():
            unpack_pages(Path(PAGES_FILE), Path(name))
        recipe = load_recipe(Path(f"{name}.yaml"))
    except ArchiveRefused as error:
        return _rejected([f"the archive of saved pages: {error}"])
    except RecipeError as error:
        return _rejected([str(problem) for problem in error.problems])
    facts: dict[str, Any] = {
        "description": recipe.description,
        "labels": dict(recipe.labels),
        "inputs": recipe.inputs.json_schema(),
        "items": {item: item_json_schema(contract) for item, contract in recipe.items.items()},
        "files": files_of(recipe),
        "site": site_of(recipe),
    }
    if len(json.dumps(facts)) > _MAX_FACTS_BYTES:
        return _rejected([f"the schemas of its inputs and items have more than {_MAX_FACTS_BYTES:,} bytes"])
    if _is_beyond_64_bits(facts):
        return _rejected(["the schemas of its inputs and items have a whole number of more than 64 bits"])
    now = Promise(version=recipe.version, items=facts["items"], files=facts["files"])
    broken = [] if before is None else broken_promises(Promise(**before), now)
    return {**_tested(recipe, broken, may_be_untested=may_be_untested), "facts": facts}


def _tested(recipe: Recipe, broken: list[str], *, may_be_untested: bool) -> dict[str, Any]:
    """What comes of its tests, and of what it breaks for readers of its files."""
    verdicts = [run_test(recipe, test) for test in recipe.tests]
    failed = sum(not verdict.passed for verdict in verdicts)
    untested = sorted(set(recipe.pages) - {test.page for test in recipe.tests})
    problems = [_cut(each) for each in broken[:_MAX_PROBLEMS]]
    problems += [f"{failed} of {len(verdicts)} tests have failed"] if failed else []
    standing = "rejected" if problems else "untested" if untested and not may_be_untested else "passed"
    verdicts.sort(key=lambda verdict: verdict.passed)  # of very many tests, those that failed are told
    return {
        "standing": standing,
        "problems": problems,
        "tests": [_outcome(verdict) for verdict in verdicts[:_MAX_TESTS]],
        "untested": [_cut(page) for page in untested[:_MAX_PROBLEMS]],
    }


def _is_beyond_64_bits(value: Any) -> bool:
    """Whether it holds a whole number that a store cannot keep."""
    if isinstance(value, dict):
        return any(map(_is_beyond_64_bits, value.values()))
    if isinstance(value, list):
        return any(map(_is_beyond_64_bits, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _rejected(problems: list[str]) -> dict[str, Any]:
    return {"standing": "rejected", "problems": [_cut(problem) for problem in problems[:_MAX_PROBLEMS]]}


def _outcome(verdict: Verdict) -> dict[str, Any]:
    problems = [verdict.error] if verdict.error else [_told(each) for each in verdict.differences]
    return {
        "page": _cut(verdict.test.page),
        "snapshot": _cut(verdict.test.snapshot),
        "passed": verdict.passed,
        "problems": [_cut(problem) for problem in problems[:_MAX_DIFFERENCES]],
    }


def _told(difference: Difference) -> str:
    if difference.expected is MISSING and difference.actual is MISSING:
        return f"{difference.path}: {difference.note}"
    note = f" ({difference.note})" if difference.note else ""
    return f"{difference.path}: expected {_value(difference.expected)}, found {_value(difference.actual)}{note}"


def _value(value: Any) -> str:
    shown = "nothing" if value is MISSING or value is None else repr(value)
    return shown if len(shown) <= _MAX_CHARACTERS // 3 else f"{shown[: _MAX_CHARACTERS // 3]}..."


def _cut(text: str) -> str:
    """As it can be stored and shown, and not too long."""
    short = text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
    return short.encode(errors="replace").decode()


def main() -> None:
    """The process."""
    serve_order(lambda order: json.dumps(approve(**order)).encode())


if __name__ == "__main__":
    main()

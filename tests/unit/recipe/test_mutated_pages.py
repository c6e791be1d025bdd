"""Damaged pages: never an exception, never two seconds, and what stands before the damage keeps its value.

A slice of the pages in the short suite, 1,000 of each recipe in the long one. `ParseRefused` is the one thing that may
come instead of a result, and only where a page was made to be costly: a page that is cut off is never refused.

Time is that of this thread's processor: it does not count who else is running, though a slower machine and a measured
coverage do. So it is held against what the same engine takes for an ordinary page here, which was `_ORDINARY_S` where
the two seconds were measured.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import pytest
from mutated_pages import EVERYTHING, MUTATIONS, Mutated, kept, mutation_of
from written_pages import KINDS, Written

from crawler.errors import ParseRefused
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest, PageResult, Recipe
from crawler.recipe.whole_page import no_answer, whole_page

#: Seconds that ordinary pages take where a page must not take more than `_MOST_S`. To be measured again when the engine
#: has become faster.
_ORDINARY_S = 0.067
_MOST_S = 2.0

#: A large page in a busy machine takes longer than many small ones tell.
_SLACK = 2.0

SEED = "mutated pages 1"


@pytest.fixture(scope="module")
def recipes() -> dict[str, Recipe]:
    return {name: load_recipe_text(text) for name, (text, _) in KINDS.items()}


@pytest.fixture(scope="module")
def most_s(recipes) -> float:
    """The two seconds, on this machine as it is now."""
    pages = [(recipe, Mutated(body=written(name, at).body)) for name, recipe in recipes.items() for at in range(20)]
    took_s = min(sum(seconds(*page) for page in pages) for _ in range(5))
    return _SLACK * _MOST_S * max(1.0, took_s / _ORDINARY_S)


def seconds(recipe: Recipe, page: Mutated) -> float:
    begun = time.thread_time()
    read(recipe, page)
    return time.thread_time() - begun


def written(name: str, number: int) -> Written:
    return KINDS[name][1](random.Random(f"{SEED} {name} {number}"))


def read(recipe: Recipe, page: Mutated) -> PageResult:
    request = PageRequest(url="https://shop.test/p/1", page="page")
    headers = {"content-type": page.content_type}
    return whole_page(recipe, PageInput(request=request, url=request.url, body=page.body, headers=headers), no_answer)


def found(result: PageResult) -> dict[str, Any]:
    """Values by path, in the way of `Written`."""
    rows = [row.values for row in result.rows]
    values: dict[str, Any] = {f"rows[{number}]": row for number, row in enumerate(rows)}
    for name, value in rows[0].items() if rows else ():
        values[name] = value
        for number, member in enumerate(value if isinstance(value, list) else ()):
            values[f"{name}[{number}]"] = member
    return values


def same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(same(value, actual.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(same, expected, actual))
    return bool(expected == actual)


def check(recipe: Recipe, number: int, most_s: float, counts: Counter[str]) -> list[str]:
    """What is wrong with what comes of one damaged page."""
    kind, page = mutation_of(number), written(recipe.name, number)
    mutated = MUTATIONS[kind](page, random.Random(f"{SEED} {recipe.name} {number} {kind}"))
    place = f"{recipe.name} {number} {kind}"
    begun = time.thread_time()
    try:
        values = found(read(recipe, mutated))
    except ParseRefused as refused:
        counts["refused"] += 1
        return [] if mutated.may_be_refused else [f"{place}: refused: {refused}"]
    except Exception as error:  # noqa: BLE001 - none may come, and all that come are told
        return [f"{place}: {type(error).__name__}: {error}"]
    took_s = time.thread_time() - begun
    wrong = [f"{place}: {took_s:.1f} s"] if took_s > most_s else []
    still = kept(page, mutated)
    counts["kept"] += len(still)
    return wrong + [
        f"{place}: {path} was {value!r}, is {values.get(path)!r}"
        for path, value in still.items()
        if not same(value, values.get(path))
    ]


@pytest.mark.parametrize("name", KINDS)
def test_pages_as_they_were_written_give_what_was_written(recipes, name):
    for number in range(10):
        page = written(name, number)
        values = found(read(recipes[name], Mutated(body=page.body)))
        assert {path: value for path, value in page.expected.items() if not same(value, values.get(path))} == {}
        assert len(kept(page, Mutated(body=b"", before=EVERYTHING))) == len(page.expected)


@pytest.mark.parametrize("name", KINDS)
def test_damaged_pages_keep_what_stands_before_the_damage(recipes, most_s, name):
    counts: Counter[str] = Counter()
    wrong = [line for number in range(60) for line in check(recipes[name], number, most_s, counts)]
    assert wrong == []
    assert counts["kept"] > 60


@pytest.mark.long
@pytest.mark.parametrize("name", KINDS)
def test_a_thousand_damaged_pages_keep_what_stands_before_the_damage(recipes, most_s, name):
    counts: Counter[str] = Counter()
    wrong = [line for number in range(1000) for line in check(recipes[name], number, most_s, counts)]
    assert wrong == []
    assert counts["kept"] > 1000
    assert counts["refused"] < 100


def test_the_short_slice_has_every_kind_of_damage():
    assert {mutation_of(number) for number in range(60)} == set(MUTATIONS)

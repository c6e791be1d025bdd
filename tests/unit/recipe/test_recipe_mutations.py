"""Every key misspelt, every value retyped, every reference broken: each is refused at its line, with the right hint.

Three recipes that use every key of the language are broken in more than a thousand ways, one at a time. What may be
changed without being wrong is decided by the language's own shapes: a label, a header or a constant is free.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.errors import RecipeError
from crawler.recipe.diagnostics import Report
from crawler.recipe.language import RECIPE
from crawler.recipe.language_rules import Step
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.shape import ByKind, ListOf, Named, NamedMap, Shape, UserMap, Variants
from crawler.recipe.shape_scalars import Anything, Number, Text
from crawler.recipe.shape_walk import Place, walk
from crawler.recipe.steps import catalogue
from crawler.recipe.yaml_nodes import ListNode, Node, Scalar
from crawler.recipe.yaml_reader import read_yaml

LARGE = Path(__file__).parent / "large"
NAMES = ("bazaar", "prices-api", "forum")

#: Maps whose keys the author chooses and nothing in the recipe refers to; what they say is between him and the site.
FREE_MAPS = ("labels", "headers", "query", "form", "formdata", "json", "properties")


@functools.cache
def text_of(name: str) -> str:
    return (LARGE / f"{name}.yaml").read_text(encoding="utf-8")


@functools.cache
def places(name: str) -> tuple[Place, ...]:
    root = read_yaml(text_of(name), file=name, report=Report())
    return tuple(walk(root, RECIPE))


# --- editing ---


def offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def replaced(text: str, node: Node, replacement: str) -> str:
    start, end = offset(text, node.mark.line, node.mark.column), offset(text, node.end.line, node.end.column)
    kept = text[start:end]
    return text[:start] + replacement + text[start + len(kept.rstrip()) :]


def misspellings(word: str) -> list[str]:
    """The word with two neighbours swapped, and with a letter left out (of a short word: doubled)."""
    swaps = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1) if word[i] != word[i + 1]]
    middle = len(word) // 2
    other = word[:middle] + word[middle + 1 :] if len(word) > 3 else word[:middle] + word[middle] + word[middle:]
    return [*swaps[-1:], other]


def refusal(text: str, name: str) -> RecipeError | None:
    try:
        load_recipe_text(text, name=f"{name}.yaml", path=LARGE / f"{name}.yaml")
    except RecipeError as error:
        return error
    return None


def unmet(text: str, name: str, line: int, hint: str | None) -> str | None:
    """Why a mutant is not refused as it should be, None if it is."""
    error = refusal(text, name)
    if error is None:
        return "accepted"
    here = [problem for problem in error.problems if problem.line == line]
    if not here:
        return f"not reported in line {line}:\n  " + "\n  ".join(map(str, error.problems))
    if hint is not None and not any(f"'{hint}'" in (p.hint or "") or f"`{hint}`" in (p.hint or "") for p in here):
        return f"no hint of {hint}:\n  " + "\n  ".join(map(str, here))
    return None


# --- the three kinds of mutant ---


def free(place: Place) -> bool:
    return any(part in FREE_MAPS for part in place.path[:-1] if isinstance(part, str))


def misspelt_keys(name: str) -> Iterator[tuple[str, str, int, str]]:
    text = text_of(name)
    for place in places(name):
        if place.key is None or (not place.named and free(place)):
            continue
        if place.key.style != "plain" or (place.path[:1] == ("tests",) and "inputs" in place.path[:-1]):
            continue
        if not place.named and place.path[-2:-1] == ("fields",) and len(place.path) > 4 and place.path[0] == "pages":
            continue  # fields of nested rows are in no contract
        # One misspelling of each key, of either kind in turn: a load takes some 10 ms.
        wrongs = misspellings(place.key.raw)
        wrong = wrongs[place.key.mark.line % len(wrongs)]
        yield f"{place.path}: {wrong}", replaced(text, place.key, wrong), place.key.mark.line, place.key.raw


def retyped_values(name: str) -> Iterator[tuple[str, str, int]]:
    text = text_of(name)
    for place in places(name):
        if not place.path or isinstance(place.shape, Anything | Step):
            continue
        wrongs = []
        if not (isinstance(place.node, ListNode) and "for_each" in place.path):
            wrongs.append("[[]]")
        if not (isinstance(place.shape, UserMap) and isinstance(place.shape.value, Anything)):
            wrongs.append("{zz: {zz: 1}}")
        if not isinstance(place.shape, Number) and place.shape is not None:
            wrongs.append("12.5")
        if isinstance(place.node, Scalar) and not isinstance(place.node.value, str):
            wrongs.append("maybe")
        wrong = wrongs[place.node.mark.line % len(wrongs)]
        yield f"{place.path} = {wrong}", replaced(text, place.node, wrong), place.node.mark.line


def broken_references(name: str) -> Iterator[tuple[str, str, int, str | None]]:
    text = text_of(name)
    for place in places(name):
        if not isinstance(place.node, Scalar) or not isinstance(place.node.value, str):
            continue
        value, line = place.node.value, place.node.mark.line
        if isinstance(place.shape, Text) and place.shape.noun.startswith("the name of a"):
            for wrong in misspellings(value):
                yield f"{place.path} = {wrong}", replaced(text, place.node, wrong), line, value
            yield f"{place.path} = nowhere9", replaced(text, place.node, "nowhere9"), line, None
        for reference in references(value):
            at = text.index(reference, text.index("{{", offset(text, line, place.node.mark.column)))
            for wrong in [*misspellings(reference), "nowhere9"]:
                changed = text[:at] + wrong + text[at + len(reference) :]
                hint = None if wrong == "nowhere9" else reference
                yield f"{place.path}: {{{{ {wrong} }}}}", changed, line, hint


def references(value: str) -> list[str]:
    """The names that templates in a text refer to, without their scope."""
    pieces = [piece.split("}}")[0].split("|")[0].strip() for piece in value.split("{{")[1:]]
    return [piece.split(".")[1] if "." in piece else piece for piece in pieces]


# --- tests ---


@pytest.mark.parametrize("name", NAMES)
def test_the_unbroken_recipe_is_accepted(name):
    assert load_recipe_text(text_of(name), path=LARGE / f"{name}.yaml").name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_misspelt_key_is_refused_at_its_line_with_the_right_key_as_hint(name):
    cases = list(misspelt_keys(name))
    failed = [f"{what}: {why}" for what, text, line, key in cases if (why := unmet(text, name, line, key))]
    assert len(cases) > 100
    assert not failed, f"{len(failed)} of {len(cases)}:\n" + "\n".join(failed)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name == "bazaar" else name for name in NAMES]
)
def test_every_retyped_value_is_refused_at_its_line(name):
    cases = list(retyped_values(name))
    failed = [f"{what}: {why}" for what, text, line in cases if (why := unmet(text, name, line, None))]
    assert len(cases) > 100
    assert not failed, f"{len(failed)} of {len(cases)}:\n" + "\n".join(failed)


@pytest.mark.parametrize("name", NAMES)
def test_every_broken_reference_is_refused_at_its_line(name):
    cases = list(broken_references(name))
    failed = [f"{what}: {why}" for what, text, line, key in cases if (why := unmet(text, name, line, key))]
    assert len(cases) > 30
    assert not failed, f"{len(failed)} of {len(cases)}:\n" + "\n".join(failed)


def test_every_misspelt_step_is_refused_with_the_right_step_as_hint():
    page = "{item: thing, fields: {name: {css: h1, process: [%s]}}}"
    head = 'schema_version: 1\nname: one\nversion: "1.0.0"\nstart: [{urls: "https://a.example/", page: p}]\n'
    items = "items: {thing: {version: 1, fields: {name: {type: string}}}}\n"
    for info in catalogue():
        for wrong in misspellings(info.name):
            with pytest.raises(RecipeError) as caught:
                load_recipe_text(head + f"pages:\n  p: {page % wrong}\n" + items)
            problems = [problem for problem in caught.value.problems if problem.line == 6]
            assert any(info.name in (problem.hint or "") for problem in problems), wrong


def test_the_three_recipes_use_every_key_of_the_language():
    used = {place.key.raw for name in NAMES for place in places(name) if place.named and place.shape is not None}
    assert sorted(keys_of(RECIPE, set()) - used) == [
        *("basic", "bearer", "cookies", "extends", "password", "token", "username")  # a recipe has one kind of session
    ]


def keys_of(shape: Shape, seen: set[int]) -> set[str]:
    """Every named key of a shape and of those below it."""
    if id(shape) in seen:
        return set()
    seen.add(id(shape))
    below: list[Shape] = []
    if isinstance(shape, Named):
        below = [shape.shape()]
    elif isinstance(shape, NamedMap):
        below = [key.shape for key in shape.keys]
    elif isinstance(shape, Variants):
        below = list(shape.variants.values())
    elif isinstance(shape, UserMap):
        below = [shape.value]
    elif isinstance(shape, ListOf):
        below = [shape.member]
    elif isinstance(shape, ByKind):
        below = [other for other in (shape.scalar, shape.mapping, shape.sequence) if other is not None]
    own = {key.name for key in shape.keys} if isinstance(shape, NamedMap) else set()
    return own.union(*(keys_of(other, seen) for other in below))

"""`crawlery recipe test`: recipes' own tests on their saved pages, with a diff a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import RecipeRefused
from crawler.cli.recipes import RecipeName, chosen_paths
from crawler.errors import RecipeError
from crawler.recipe.check import run_tests
from crawler.recipe.loader import load_recipe
from crawler.recipe.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from crawler.recipe.check import Difference, Verdict
    from crawler.recipe.model import Recipe


@click.command()
@click.argument("names", nargs=-1, type=RecipeName(), metavar="[NAME...]")
@click.pass_context
def test(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Run recipes' own tests on their saved pages; without NAME, of every recipe. Uses no network.

    Exit status 1 if a test fails.
    """
    passed = failed = 0
    for path in chosen_paths(names):
        try:
            recipe = load_recipe(path)
        except RecipeError as error:
            raise RecipeRefused(error) from error
        verdicts = run_tests(recipe)
        print_verdicts(console.out(), recipe, verdicts)
        failed += sum(not verdict.passed for verdict in verdicts)
        passed += sum(verdict.passed for verdict in verdicts)
    style = "bold red" if failed else "bold green"
    console.line(console.out(), (f"{passed} passed" + (f", {failed} failed" if failed else ""), style))
    ctx.exit(exits.TESTS_FAILED if failed else exits.OK)


def print_verdicts(to: Console, recipe: Recipe, verdicts: Iterable[Verdict]) -> None:
    """One line for each test, and below it what differs."""
    verdicts = tuple(verdicts)
    if not verdicts:
        console.line(to, (recipe.name, "bold"), f": no tests; `crawlery recipe record {recipe.name} URL` makes one")
    for verdict in verdicts:
        mark = ("ok    ", "green") if verdict.passed else ("FAILED", "bold red")
        test = verdict.test
        about = f"{console.plural(verdict.checked, 'value')}, " if verdict.passed else ""
        console.line(
            to, mark, " ", (recipe.name, "bold"), f" {test.page} {console.safe(test.snapshot)}",
            (f"  {about}{verdict.elapsed_s * 1000:.0f} ms", "dim"),
        )  # fmt: skip
        if verdict.error:
            console.line(to, f"       {console.safe(verdict.error)}")
        for difference in verdict.differences:
            print_difference(to, difference)
        if not verdict.passed and recipe.path is not None:
            console.line(to, (f"       {recipe.path}:{test.line}", "dim"))


def print_difference(to: Console, difference: Difference) -> None:
    """The path, then expected and found under each other, so that the eye sees where they part."""
    note = f"  ({console.safe(difference.note)})" if difference.note else ""
    console.line(to, "       ", (console.safe(difference.path), "bold"), note)
    if difference.expected is MISSING and difference.actual is MISSING:
        return
    console.line(to, "         expected  ", (_value(difference.expected), "green"))
    console.line(to, "         found     ", (_value(difference.actual), "red"))


def _value(value: object) -> str:
    if value is MISSING or value is None:
        return "nothing"
    return console.shown(value, 1_000)

"""`crawlery recipe validate` and `lint`: what is wrong with recipes and what will be, one problem a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import RecipeRefused
from crawler.cli.recipes import RecipeName, chosen_paths
from crawler.errors import RecipeError
from crawler.recipe.lint import lint_recipe
from crawler.recipe.loader import load_recipe

if TYPE_CHECKING:
    from crawler.recipe.model import Recipe


@click.command()
@click.argument("names", nargs=-1, type=RecipeName(), metavar="[NAME|FILE...]")
@click.pass_context
def validate(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Say everything that is wrong with recipes; without NAME, with every recipe.

    Each problem is one line on stdout, `file:line:column: path: message; hint`, and the exit status is 2.
    """
    problems = broken = 0
    paths = chosen_paths(names)
    for path in paths:
        try:
            recipe = load_recipe(path)
        except RecipeError as error:
            for problem in error.problems:
                click.echo(console.safe(str(problem)))
            problems += len(error.problems)
            broken += 1
        else:
            console.line(console.out(), (f"{path}: ", "bold"), ("valid", "green"), f" ({about(recipe)})")
    if broken:
        recipes = console.plural(broken, "recipe")
        console.line(console.err(), (f"{console.plural(problems, 'problem')} in {recipes}", "bold red"))
    ctx.exit(exits.USAGE if broken else exits.OK)


@click.command()
@click.argument("names", nargs=-1, type=RecipeName(), metavar="[NAME|FILE...]")
@click.pass_context
def lint(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Say what is allowed in recipes but will probably hurt; without NAME, in every recipe.

    Each piece of advice is one line on stdout, as of `validate`, and the exit status is 1.
    """
    advice = 0
    for path in chosen_paths(names):
        try:
            recipe = load_recipe(path)
        except RecipeError as error:
            raise RecipeRefused(error) from error
        found = lint_recipe(recipe)
        advice += len(found)
        for problem in found:
            click.echo(console.safe(str(problem)))
        if not found:
            console.line(console.out(), (f"{path}: ", "bold"), ("nothing to say", "green"))
    ctx.exit(exits.TESTS_FAILED if advice else exits.OK)


def about(recipe: Recipe) -> str:
    """What a recipe consists of: `2 page types, 1 item, 3 tests`."""
    parts = [
        console.plural(len(recipe.pages), "page type"),
        console.plural(len(recipe.items), "item"),
        console.plural(len(recipe.tests), "test"),
    ]
    return ", ".join(parts)

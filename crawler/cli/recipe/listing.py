"""`crawlery recipe list`: what recipes there are, broken ones included."""

from __future__ import annotations

import click
from rich.text import Text

from crawler.cli import console
from crawler.cli.recipes import chosen_paths
from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe


@click.command("list")
def list_recipes() -> None:
    """Show the recipes there are, with their version, inputs and number of tests."""
    grid = console.table("name", "version", "inputs", "tests", "description")
    for path in chosen_paths(()):
        try:
            recipe = load_recipe(path)
        except RecipeError as error:
            count = console.plural(len(error.problems), "problem")
            grid.add_row(path.stem, "-", "", "", Text(f"{count}; see `crawlery recipe validate`", "red"))
            continue
        inputs = ", ".join(recipe.inputs.names)
        grid.add_row(
            recipe.name, recipe.version, inputs, str(len(recipe.tests)), Text(console.safe(recipe.description))
        )
    console.out().print(grid)

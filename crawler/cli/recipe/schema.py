"""`crawlery recipe schema`: JSON Schema of the language, for editors, or of what a recipe takes and gives."""

from __future__ import annotations

import click

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.cli.recipes import RecipeName, load
from crawler.recipe.contract import item_json_schema
from crawler.recipe.language import language_schema


@click.command()
@click.argument("name", required=False, type=RecipeName())
@click.option("--item", metavar="ITEM", help="Of the rows of this item of the recipe NAME.")
@click.option("--inputs", is_flag=True, help="Of the inputs of the recipe NAME.")
def schema(name: str | None, item: str | None, *, inputs: bool) -> None:
    """Print JSON Schema: of the recipe language, or with NAME of its rows (--item) or inputs (--inputs).

    For an editor: `crawlery recipe schema > recipe.schema.json`, then point its YAML plug-in at the file.
    """
    if name is None:
        if item is not None or inputs:
            raise click.UsageError("--item and --inputs need the NAME of a recipe")
        click.echo(console.to_json(language_schema(), indent=2))
        return
    recipe = load(name)
    if inputs and item is not None:
        raise click.UsageError("--item or --inputs, not both")
    if inputs:
        click.echo(console.to_json(recipe.inputs.json_schema(), indent=2))
        return
    chosen = item or (next(iter(recipe.items)) if len(recipe.items) == 1 else None)
    if chosen is None:
        raise click.UsageError(f"which item? --item {', '.join(recipe.items) or '(the recipe has none)'}")
    if chosen not in recipe.items:
        raise CommandFailed(f"{recipe.name} has no item {chosen!r}; there are {', '.join(recipe.items) or 'none'}")
    click.echo(console.to_json(item_json_schema(recipe.items[chosen]), indent=2))

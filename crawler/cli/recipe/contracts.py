"""`crawlery recipe contracts` and `docs`: what readers of files are promised, registered, checked and written down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, RecipeRefused
from crawler.cli.recipes import RecipeName, chosen_paths, load
from crawler.errors import RecipeError
from crawler.recipe.contract_page import contract_page
from crawler.recipe.contract_registry import FOLDER, compare, contracts_of, read_registry, update
from crawler.recipe.loader import load_recipe

if TYPE_CHECKING:
    from crawler.recipe.contract_registry import Comparison


@click.command()
@click.argument("names", nargs=-1, type=RecipeName(), metavar="[NAME|FILE...]")
@click.option("--update", "is_update", is_flag=True, help="Register what they are now; refused where that breaks any.")
@click.option("--check", is_flag=True, help="Only compare: for CI. That is what happens without --update, too.")
@click.pass_context
def contracts(ctx: click.Context, names: tuple[str, ...], *, is_update: bool, check: bool) -> None:
    """Hold recipes against their registered contracts; without NAME, every recipe that has any.

    recipes/NAME/contracts/ITEM@VERSION.json says what the rows of an item and its files are. A change that breaks them
    for readers needs a higher version of the item. Each one that has none is a line on stdout, and the exit status is
    2; so it is when a version is not registered, or not as it is now, which --update mends.
    """
    if is_update and check:
        raise click.UsageError("either --check or --update")
    wrong = 0
    for path in chosen_paths(names):
        folder = path.with_suffix("")
        if not names and not (folder / FOLDER).is_dir():
            continue
        found = _compared(path)
        lines = [*found.broken, *(() if is_update else (f"{line}; `--update` does it" for line in found.stale))]
        for line in lines:
            click.echo(console.safe(f"{path}: {line}"))
        wrong += len(lines)
        if lines:
            continue
        written = _updated(folder, found) if is_update else []
        for file in written:
            console.note(f"wrote {file}")
        if not written:
            many = console.plural(len(found.now), "contract")
            console.line(console.out(), (f"{path}: ", "bold"), (f"{many} as registered", "green"))
    ctx.exit(exits.USAGE if wrong else exits.OK)


@click.command()
@click.argument("names", nargs=-1, type=RecipeName(), metavar="NAME...", required=True)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder; gets a NAME.md of each."
)
def docs(names: tuple[str, ...], *, output: Path | None) -> int:
    """Write a page about the contracts of recipes: fields, types, files, headers, versions. Markdown, on stdout."""
    for name in names:
        recipe = load(name)
        registered = read_registry(recipe.snapshot_dir) if recipe.snapshot_dir is not None else []
        page = contract_page(recipe, contracts_of(recipe), registered)
        if output is None:
            click.echo(page, nl=False)
            continue
        path = output / f"{recipe.name}.md"
        try:
            output.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise CommandFailed(f"{path}: {(error.strerror or str(error)).lower()}") from error
        console.note(f"wrote {path}")
    return exits.OK


def _compared(path: Path) -> Comparison:
    try:
        recipe = load_recipe(path)
    except RecipeError as error:
        raise RecipeRefused(error) from error
    return compare(recipe, read_registry(path.with_suffix("")))


def _updated(folder: Path, found: Comparison) -> list[Path]:
    try:
        return update(folder, found)
    except OSError as error:
        raise CommandFailed(f"{folder / FOLDER}: {(error.strerror or str(error)).lower()}") from error

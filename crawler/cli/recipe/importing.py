"""`crawlery recipe import`: the recipe of another system becomes one here, with a report of what is not the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, RecipeRefused
from crawler.cli.recipes import recipes_dirs
from crawler.errors import RecipeError
from crawler.recipe.importing.convert import FORMATS, import_recipes
from crawler.recipe.importing.findings import counts
from crawler.recipe.importing.foreign_text import MAX_BYTES
from crawler.recipe.language_texts import name_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.importing.convert import Format, Import, Imported
    from crawler.recipe.importing.findings import Kind

_STDIN: Final = "-"
_ENDINGS: Final = (".yaml", ".yml")
#: How the summary counts each kind: one, many.
_COUNTED: Final[Mapping[Kind, tuple[str, str]]] = {
    "noop": ("step that did nothing", "steps that did nothing"),
    "ignored": ("key that was ignored", "keys that were ignored"),
    "changed": ("thing that works otherwise here", "things that work otherwise here"),
    "dropped": ("thing that is left out", "things that are left out"),
    "decide": ("thing to decide", "things to decide"),
}


@click.command(name="import")
@click.argument("file")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path),
    help="NAME.yaml, which also names the recipe, or a folder; by default recipes/.",
)  # fmt: skip
@click.option("--format", "system", type=click.Choice(FORMATS), help="System it is from; told from its keys without.")
@click.option("--force", is_flag=True, help="Overwrite recipes of the same name.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON, for scripts.")
@click.pass_context
def import_file(
    ctx: click.Context, file: str, *, output: Path | None, system: Format | None, force: bool, as_json: bool
) -> None:
    """Make recipes of the recipe of another system, and say what is not the same.

    FILE is YAML or JSON; `-` reads it from stdin. Each line of the report names the place in FILE: steps that did
    nothing there, keys that were ignored there, what works otherwise here, what is left out, and what only a person
    can decide. Uses no network.

    Exit status 1 if there is something to decide.
    """
    one = output if output is not None and output.suffix in _ENDINGS else None
    if one is not None and (problem := name_problem(one.stem)) is not None:
        raise CommandFailed(f"{one}: {problem}")
    content, shown, stem = _content(file)
    try:
        done = import_recipes(content, file=shown, stem=stem, system=system, name=None if one is None else one.stem)
    except RecipeError as error:
        raise RecipeRefused(error) from error
    if one is not None and len(done.recipes) > 1:
        raise CommandFailed(f"{shown} holds {len(done.recipes)} recipes; -o must name a folder for them")
    folder = output or recipes_dirs()[0]
    targets = {recipe.name: one or folder / f"{recipe.name}.yaml" for recipe in done.recipes}
    _write(done, targets, force=force)
    if as_json:
        click.echo(console.to_json(_as_json(done, targets), indent=2))
    else:
        _show(done, targets)
    ctx.exit(exits.TESTS_FAILED if counts(done.findings)["decide"] else exits.OK)


def _content(file: str) -> tuple[bytes, str, str]:
    """The file's bytes, its name for the report, and its name without folder and ending."""
    if file == _STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>", "imported"
    path = Path(file)
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_BYTES + 1), file, path.stem
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror or error}") from error


def _write(done: Import, targets: Mapping[str, Path], *, force: bool) -> None:
    taken = [str(target) for target in targets.values() if target.exists()]
    if taken and not force:
        raise CommandFailed(f"{', '.join(taken)}: there already; -o gives another name, --force overwrites")
    try:
        for recipe in done.recipes:
            target = targets[recipe.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(recipe.text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}") from error


def _show(done: Import, targets: Mapping[str, Path]) -> None:
    for finding in done.findings:
        click.echo(console.safe(str(finding)))
    to = console.out()
    for recipe in done.recipes:
        console.line(to, ("wrote ", "bold"), f"{targets[recipe.name]} ", _state(recipe))
    found = counts(done.findings)
    told = [console.plural(found[kind], *nouns) for kind, nouns in _COUNTED.items() if found[kind]]
    console.line(to, ", ".join(told) or "nothing to tell")
    first = done.recipes[0]
    console.line(to, f"next: crawlery recipe {'try' if first.valid else 'validate'} {targets[first.name]}{_url(first)}")


def _state(recipe: Imported) -> tuple[str, str]:
    return ("(it loads)", "green") if recipe.valid else ("(it does not load yet)", "bold red")


def _url(recipe: Imported) -> str:
    return " URL" if recipe.valid else ""


def _as_json(done: Import, targets: Mapping[str, Path]) -> dict[str, Any]:
    recipes = [
        {"name": recipe.name, "file": str(targets[recipe.name]), "valid": recipe.valid} for recipe in done.recipes
    ]
    findings = [finding.as_json() for finding in done.findings]
    return {"format": done.system, "recipes": recipes, "counts": counts(done.findings), "findings": findings}

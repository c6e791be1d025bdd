"""`crawlery recipe diff`: what two versions of a recipe make of the same saved pages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, RecipeRefused
from crawler.cli.recipes import RecipeName, load, recipe_path
from crawler.errors import RecipeError
from crawler.recipe.check import MAX_SNAPSHOT_BYTES
from crawler.recipe.diff import diff_recipes
from crawler.recipe.diff_report import MAX_TOLD, diff_report
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.saved_pages import saved_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from crawler.recipe.model import Recipe

#: In place of a file: the text comes on stdin.
_STDIN: Final = "-"


@click.command()
@click.argument("old", type=RecipeName(), metavar="OLD")
@click.argument("new", type=RecipeName(), metavar="NEW")
@click.option(
    "--pages", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER",
    help="Where the saved pages are; by default beside NEW, and those that are not there beside OLD.",
)  # fmt: skip
@click.option("--most", type=click.IntRange(min=0), default=MAX_TOLD, show_default=True, help="Differences to show.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, for scripts.")
@click.pass_context
def diff(ctx: click.Context, old: str, new: str, *, folder: Path | None, most: int, as_json: bool) -> None:
    """Run two versions of a recipe on the same saved pages and show which rows and fields differ.

    OLD and NEW are names or files; `-` reads one of them from stdin, such as `git show HEAD:recipes/shop.yaml |
    crawlery recipe diff - shop`. The pages are those that the tests of either version name. Uses no network.

    Exit status 1 if the versions differ.
    """
    if old == new == _STDIN:
        raise CommandFailed("only one of OLD and NEW can come on stdin")
    before, after = _version(old), _version(new)
    folders = [folder] if folder is not None else [*_folders(new), *_folders(old)]
    pages, absent = saved_pages([after, before], lambda name: _body(folders, name))
    if not pages:
        where = " or ".join(f"{each}/" for each in folders) or "--pages FOLDER"
        raise CommandFailed(
            f"there is no saved page to compare on: no test of {old} or {new} names one that is in {where};"
            f" `crawlery recipe record {after.name} URL` saves one"
        )
    for name in absent:
        console.note(f"left out {console.safe(name)}: a test names it, and it is not there")
    report = diff_report(before, after, diff_recipes(before, after, pages), absent=absent, most=most)
    if as_json:
        click.echo(console.to_json(report, indent=2))
    else:
        print_report(console.out(), report)
    ctx.exit(exits.OK if report["same"] else exits.DIFFERENT)


def _version(name: str) -> Recipe:
    """A version by its name or file. Its file may be called anything: it is often a copy."""
    if name == _STDIN:
        return _of_text(sys.stdin.buffer.read().decode("utf-8", "replace"), "<stdin>")
    path = recipe_path(name)
    try:
        return load_recipe_text(path.read_text(encoding="utf-8", errors="replace"), name=str(path))
    except RecipeError as error:
        if any(problem.path == "extends" for problem in error.problems):
            return load(name)  # parents are looked for beside its file, which then has the name of the recipe
        raise RecipeRefused(error) from error


def _of_text(text: str, name: str) -> Recipe:
    try:
        return load_recipe_text(text, name=name)
    except RecipeError as error:
        raise RecipeRefused(error) from error


def _folders(name: str) -> list[Path]:
    """Where the saved pages of a version are."""
    return [] if name == _STDIN else [recipe_path(name).with_suffix("")]


def _body(folders: Sequence[Path], name: str) -> bytes | None:
    for folder in folders:
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            continue
        if path.stat().st_size > MAX_SNAPSHOT_BYTES:
            raise CommandFailed(f"{path} is larger than {MAX_SNAPSHOT_BYTES // 1024 // 1024} MiB")
        return path.read_bytes()
    return None


# --- what is shown ---------------------------------------------------------------------------------------------------


def print_report(to: Console, report: Mapping[str, Any]) -> None:
    """Single differences, then how many rows and how full fields are; a report as `diff_report` makes it."""
    for entry in report["differences"]:
        _print_entry(to, entry)
    if report["left_out"]:
        console.line(to, (f"and {console.plural(report['left_out'], 'difference')} more", "dim"))
    if report["differences"]:
        to.print()
    for name, item in report["items"].items():
        _print_item(to, name, item)
    pages = console.plural(report["pages"], "page")
    told = f"give the same on {pages}" if report["same"] else f"differ on {report['pages_changed']:,} of {pages}"
    style = "bold green" if report["same"] else "bold yellow"
    console.line(to, (console.safe(f"{_named(report['old'])} and {_named(report['new'])} {told}"), style))


def _named(version: Mapping[str, str]) -> str:
    return f"{version['name']} {version['version']}".strip() + f" ({version['sha256'][:8]})"


_MARKS: Final = {"added": ("+", "green"), "gone": ("-", "red"), "changed": ("~", "yellow"), "page": ("~", "yellow")}


def _print_entry(to: Console, entry: Mapping[str, Any]) -> None:
    """One line for the row or page, and one for each value that differs."""
    where = f"  {entry['page']} {console.safe(entry['snapshot'])}"
    if entry["kind"] == "page":
        about = "page"
    else:
        key = ", ".join(f"{name} {console.shown(value, 60)}" for name, value in entry["key"].items())
        about = f"{entry['item']} {key or 'row ' + str(entry['row'])}"
    console.line(to, _MARKS[entry["kind"]], " ", (about, "bold"), (where, "dim"))
    for one in entry.get("changes", ()):
        console.line(to, f"    {console.safe(one['path'])}  ", (console.shown(one["old"]), "red"), " -> ",
                     (console.shown(one["new"]), "green"))  # fmt: skip
    for reason in entry.get("reasons", ()):
        console.line(to, f"    refused: {console.safe(reason)}")


def _print_item(to: Console, name: str, item: Mapping[str, Any]) -> None:
    rows = item["rows"]
    counted = [f"{rows[what]:,} {what}" for what in ("same", "changed", "added", "gone") if rows[what]]
    rejects = item["rejects"]
    if rejects["old"] or rejects["new"]:
        counted.append(f"{rejects['old']:,} -> {rejects['new']:,} rejected")
    numbers = f"  {rows['old']:,} -> {rows['new']:,} rows"
    console.line(to, (name, "bold"), numbers, f": {', '.join(counted)}" if counted else "")
    grid = console.table("  field", "filled before", "now", "filled", "emptied", "changed")
    for field, figures in item["fields"].items():
        cells = [f"  {field}", _share(figures["old"]), _share(figures["new"])]
        grid.add_row(*cells, *_numbers(figures[what] for what in ("filled", "emptied", "changed")))
    to.print(grid)


def _share(figures: Mapping[str, Any]) -> str:
    rate = figures["rate"]
    return "-" if rate is None else f"{figures['filled']:,} ({rate:.1%})"


def _numbers(counts: Iterable[int]) -> list[str]:
    return [f"{count:,}" if count else "" for count in counts]

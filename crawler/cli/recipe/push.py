"""`crawlery recipe push`: hands a recipe with its saved pages to the control API, and says what came of its check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.api_target import api_target, opened, print_json, with_api, with_json
from crawler.cli.groups import CommandFailed
from crawler.cli.recipes import RecipeName, load
from crawler.recipe.check import SnapshotUnreadable, snapshot_body
from crawler.recipe.pages_archive import ArchiveRefused, pack_pages

if TYPE_CHECKING:
    from crawler.client.model import RecipeVersion
    from crawler.recipe.model import Recipe


@click.command()
@click.argument("name", type=RecipeName(), metavar="NAME")
@with_api
@click.option("--client", metavar="ID", help="Whose it is to be; another client's is for admins.")
@click.option("--force", is_flag=True, help="Let jobs have it although page types have no test; for admins.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is checked.")
@with_json
def push(*, name: str, api_url: str | None, client: str | None, force: bool, no_wait: bool, as_json: bool) -> int:
    """Hand a recipe with its tests and saved pages to the control API, where jobs get it once it has passed its check.

    What it extends goes along in its text. Exit status 1 if it is rejected, or has no test for a page type.
    """
    recipe = load(name)
    pages = _pages(recipe)
    with opened(api_target(api_url)) as api:
        version = api.recipes.push(recipe.name, recipe.resolved, pages=pages, client=client, force=force)
        if not no_wait:
            version = api.recipes.checked(version, client=client)
    if as_json:
        print_json(version)
    else:
        print_version(version)
    return exits.OK if version.state in ("checking", "current", "passed") else exits.TESTS_FAILED


def _pages(recipe: Recipe) -> bytes | None:
    """The archive of the pages that its tests name."""
    try:
        names = {name for test in recipe.tests for name in (test.snapshot, *test.answers.values())}
        pages = {name: snapshot_body(recipe, name) for name in sorted(names)}
        return pack_pages(pages) if pages else None
    except (ArchiveRefused, SnapshotUnreadable) as error:
        raise CommandFailed(f"{recipe.path}: {error}") from error


def print_version(version: RecipeVersion) -> None:
    """Its state, and what keeps jobs from having it."""
    to = console.out()
    style = {"current": "bold green", "passed": "green", "checking": "dim"}.get(version.state, "bold red")
    console.line(to, (version.name, "bold"), f" {version.version}  ", (version.state, style))
    for problem in version.report.problems:
        console.line(to, f"  {console.safe(problem)}")
    for test in version.report.tests:
        if not test.passed:
            console.line(to, ("  FAILED", "bold red"), f" {console.safe(test.page)} {console.safe(test.snapshot)}")
            for problem in test.problems:
                console.line(to, f"    {console.safe(problem)}")
    if version.state == "untested":
        pages = ", ".join(console.safe(page) for page in version.report.untested)
        console.line(to, f"  no test for {pages}; `crawlery recipe record` makes one")
    elif version.state == "passed":
        console.line(to, "  a higher version is current: jobs get this one by NAME@VERSION")
    elif version.state == "checking":
        console.line(to, "  the same command again shows what has become of it")

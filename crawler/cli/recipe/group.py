"""`crawlery recipe`: the list of its commands."""

from __future__ import annotations

import click

from crawler.cli.groups import CommandGroup

_HERE = "crawler.cli.recipe"


@click.group(
    cls=CommandGroup,
    lazy={
        "new": (f"{_HERE}.new:new", "Look at a site and write a first recipe for it."),
        "import": (f"{_HERE}.importing:import_file", "Make recipes of those of other systems."),
        "try": (f"{_HERE}.try_page:try_page", "Run one page and show where each field came from."),
        "preview": (f"{_HERE}.preview:preview", "Let the control API run one page."),
        "validate": (f"{_HERE}.validate:validate", "Say everything that is wrong with recipes."),
        "lint": (f"{_HERE}.validate:lint", "Say what is allowed but will probably hurt."),
        "test": (f"{_HERE}.tests:test", "Run recipes' own tests on their saved pages."),
        "diff": (f"{_HERE}.diff:diff", "Say what two versions make of the same saved pages."),
        "bands": (f"{_HERE}.bands:bands", "Show where the next run of a recipe should be."),
        "contracts": (f"{_HERE}.contracts:contracts", "Hold recipes against their registered contracts."),
        "docs": (f"{_HERE}.contracts:docs", "Write a page about the contracts of recipes."),
        "watch": (f"{_HERE}.watch:watch", "Run the tests of a recipe at every save."),
        "record": (f"{_HERE}.record:record", "Save a page and write a test for it."),
        "explain": (f"{_HERE}.explain:explain", "Say in words what a recipe does."),
        "list": (f"{_HERE}.listing:list_recipes", "Show the recipes there are."),
        "push": (f"{_HERE}.push:push", "Hand a recipe with its tests and pages to the control API."),
        "pull": (f"{_HERE}.pull:pull", "Write a recipe of the control API into files."),
        "schema": (f"{_HERE}.schema:schema", "Print JSON Schema: of the language, an item or the inputs."),
    },
)
def recipe() -> None:
    """Make, check, try and test recipes. Nothing here crawls; `new`, `try`, `record`, `preview` fetch single pages.

    `push`, `pull` and `preview` talk to the control API.
    """

"""From the file of another system to recipes that load, and a report: the way into this package.

Every recipe is loaded before it is handed out. What the loader says against it is a thing to decide, told at the place
in the imported file that it comes from, so that nothing wrong is handed out in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from crawler.errors import RecipeError
from crawler.recipe.diagnostics import Report
from crawler.recipe.importing.cardigann import import_cardigann, is_cardigann
from crawler.recipe.importing.draft import draft_text
from crawler.recipe.importing.findings import Findings
from crawler.recipe.importing.foreign_text import read_foreign
from crawler.recipe.importing.replaced import import_replaced, is_replaced
from crawler.recipe.importing.webscraper import import_webscraper, is_webscraper
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.yaml_nodes import MapNode, Mark, SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from crawler.recipe.diagnostics import Path, Problem
    from crawler.recipe.importing.draft import Draft
    from crawler.recipe.importing.findings import Finding

Format: TypeAlias = Literal["replaced", "webscraper", "cardigann"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """One recipe: its name and text, and whether it loads. If it does not, `decide` findings say why."""

    name: str
    text: str
    valid: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """What came of a file: its recipes, in its order, and everything there is to tell."""

    system: Format
    recipes: tuple[Imported, ...]
    findings: tuple[Finding, ...]


_IMPORTERS: Final[Mapping[Format, Callable[..., Iterator[Draft]]]] = {
    "replaced": import_replaced,
    "webscraper": import_webscraper,
    "cardigann": import_cardigann,
}
_KNOWN: Final[Mapping[Format, Callable[[MapNode], bool]]] = {
    "replaced": is_replaced,
    "webscraper": is_webscraper,
    "cardigann": is_cardigann,
}


def import_recipes(
    content: bytes, *, file: str, stem: str, system: Format | None = None, name: str | None = None
) -> Import:
    """The recipes that a file holds.

    Args:
        content: the file, YAML or JSON in UTF-8.
        file: its name, for the report.
        stem: its name without folder and ending; the recipe's name if the file says none.
        system: of which system it is; without it that is told from its keys.
        name: what the recipe is called, if the file holds one only.

    Raises:
        RecipeError: it cannot be read, or is of no known system.
    """
    report = Report()
    root = read_foreign(content, file=file, report=report)
    if report:
        raise RecipeError(report.problems())
    top = Mark(SourceFile(file, ""), 1, 1)
    if not isinstance(root, MapNode):
        report.add(top, (), "this is no recipe of any system that is known here: it is not a map")
        raise RecipeError(report.problems())
    chosen = system or detected(root)
    if chosen is None:
        report.add(top, (), "it is not clear which system this is from", f"say --format {'|'.join(FORMATS)}")
        raise RecipeError(report.problems())
    found = Findings()
    drafts = list(_IMPORTERS[chosen](root, stem=stem, found=found))
    if not drafts:
        report.add(top, (), "there is no recipe in it")
        raise RecipeError(report.problems())
    if name is not None and len(drafts) == 1:
        drafts[0].rename(name)
    recipes = _named(drafts, found, file)
    return Import(system=chosen, recipes=recipes, findings=found.all())


def detected(root: MapNode) -> Format | None:
    """Of which system a file is, by its keys."""
    return next((system for system, known in _KNOWN.items() if known(root)), None)


def _named(drafts: list[Draft], found: Findings, file: str) -> tuple[Imported, ...]:
    """The drafts as texts, each under a name of its own."""
    recipes: dict[str, Imported] = {}
    for draft in drafts:
        first = name = str(draft.values["name"])
        number = 2
        while name in recipes:
            name, number = f"{first}-{number}", number + 1
        if name != first:
            draft.rename(name)
        recipes[name] = _checked(draft, found, file)
    return tuple(recipes.values())


def _checked(draft: Draft, found: Findings, file: str) -> Imported:
    name = str(draft.values["name"])
    draft.remarks.setdefault(
        (), [f"Made from {file} by `crawlery recipe import`, whose report says what is to decide."]
    )
    text = draft_text(draft)
    problems: tuple[Problem, ...] = ()
    try:
        load_recipe_text(text, name=f"{name}.yaml")
    except RecipeError as error:
        problems = error.problems
    for problem in problems:
        origin = draft.origin(_path_of(draft, problem.path)) or Mark(SourceFile(file, ""), 1, 1)
        message = f"{problem.message} (line {problem.line} of {name}.yaml)"
        found.add("decide", origin, (problem.path or name,), message, problem.hint)
    return Imported(name=name, text=text, valid=not problems)


def _path_of(draft: Draft, rendered: str) -> Path:
    """The longest path with an origin that `rendered`, `pages.product.fields.sku`, lies in."""
    words = tuple(rendered.replace("[", ".").replace("]", "").split("."))
    best: Path = ()
    for path in draft.origins:
        if tuple(str(part) for part in path) == words[: len(path)] and len(path) > len(best):
            best = path
    return best

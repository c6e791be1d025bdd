"""Finds recipes by name or path, and loads them.

A recipe's name means NAME.yaml in the folder of recipes: RECIPES_PATH, or `recipes/` of the checkout that the current
folder lies in. Anything with a slash or a `.yaml` ending is a path.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.groups import CommandFailed, RecipeRefused
from crawler.errors import RecipeError
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.loader import load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from crawler.recipe.model import Recipe

_ENDINGS = (".yaml", ".yml")


def recipes_dir() -> Path:
    """The folder of recipes; it need not exist."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "scrapy.cfg").is_file():
            return _short(folder / "recipes")
    return Path("recipes")


def _short(path: Path) -> Path:
    """The path as a person would write it from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def recipe_paths(folder: Path | None = None) -> list[Path]:
    """Every recipe file of the folder, by name."""
    folder = recipes_dir() if folder is None else folder
    return sorted(path for path in folder.glob("*") if path.suffix in _ENDINGS and path.is_file())


def recipe_path(name: str) -> Path:
    """The file of a recipe given by name or path.

    Raises:
        CommandFailed: there is no such recipe.
    """
    if "/" in name or name.endswith(_ENDINGS):
        path = Path(name)
        if not path.is_file():
            raise CommandFailed(f"{name}: {'this is a folder' if path.is_dir() else 'no such file'}")
        return path
    folder = recipes_dir()
    known = {path.stem: path for path in recipe_paths(folder)}
    if name in known:
        return known[name]
    hint = did_you_mean(name, known)
    if hint is None:
        hint = f"there are {', '.join(known)}" if known else f"there is no recipe in {folder}/"
    raise CommandFailed(f"no recipe {name!r} in {folder}/; {hint}")


def load(name: str) -> Recipe:
    """The recipe of that name or path, checked and compiled.

    Raises:
        CommandFailed: there is no such recipe, or it is wrong (every problem is printed).
    """
    try:
        return load_recipe(recipe_path(name))
    except RecipeError as error:
        raise RecipeRefused(error) from error


def chosen_paths(names: Sequence[str]) -> list[Path]:
    """Files of the named recipes; of all in the folder if none is named.

    Raises:
        CommandFailed: one does not exist, or the folder has no recipe at all.
    """
    paths = [recipe_path(name) for name in names] if names else recipe_paths()
    if not paths:
        raise CommandFailed(f"there is no recipe in {recipes_dir()}/; `crawlery recipe new URL` makes one")
    return paths


class RecipeName(click.ParamType[str]):
    """A recipe's name or the path of its file; shells complete the names."""

    name = "recipe"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names of the recipes in the folder that begin with `incomplete`, then files."""
        _ = ctx, param
        names = [path.stem for path in recipe_paths() if path.stem.startswith(incomplete)]
        if names:
            return [click.shell_completion.CompletionItem(name) for name in names]
        return [click.shell_completion.CompletionItem(incomplete, type="file")]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as given; whether it exists is asked when it is loaded."""
        _ = param, ctx
        return str(value)

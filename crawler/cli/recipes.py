"""Finds recipes by name or path, and loads them.

A recipe's name means NAME.yaml in one of the folders of RECIPES_PATH, by default `recipes/` of this checkout. Anything
with a slash or a `.yaml` ending is a path.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.groups import CommandFailed, RecipeRefused
from crawler.config import read_config
from crawler.errors import RecipeError
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.loader import load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from crawler.recipe.model import Recipe

_ENDINGS = (".yaml", ".yml")


def recipes_dirs() -> tuple[Path, ...]:
    """The folders of recipes, the first one winning; as a person would write them from here."""
    here = Path.cwd()
    return tuple(
        path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
        for path in read_config().recipes_paths
    )


def recipe_paths() -> list[Path]:
    """Every recipe file of the folders, by name; of two with the same name the one that wins.

    `_NAME.yaml` are parents only.
    """
    found: dict[str, Path] = {}
    for folder in recipes_dirs():
        for path in sorted(folder.glob("*.yaml")):
            if path.is_file() and not path.name.startswith((".", "_")):
                found.setdefault(path.stem, path)
    return [found[name] for name in sorted(found)]


def is_path(name: str) -> bool:
    """Whether it means a file, rather than a recipe of that name."""
    return "/" in name or name.endswith(_ENDINGS)


def recipe_path(name: str) -> Path:
    """The file of a recipe given by name or path.

    Raises:
        CommandFailed: there is no such recipe.
    """
    if is_path(name):
        path = Path(name)
        if not path.is_file():
            raise CommandFailed(f"{name}: {'this is a folder' if path.is_dir() else 'there is no such file'}")
        return path
    known = {path.stem: path for path in recipe_paths()}
    if name in known:
        return known[name]
    where = " and ".join(f"{folder}/" for folder in recipes_dirs())
    hint = did_you_mean(name, known) or (f"there are {', '.join(known)}" if known else "there is none at all")
    raise CommandFailed(f"no recipe {name!r} in {where}; {hint}")


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
        raise CommandFailed(f"there is no recipe in {recipes_dirs()[0]}/; `crawlery recipe new URL` makes one")
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

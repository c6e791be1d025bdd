"""The recipes of the deployment: files in the folders of RECIPES_PATH, read again when they have changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crawler.recipe.model import Recipe


class RecipeShelf:
    """Recipes by name. Of two files with one name the first folder's wins; `_NAME.yaml` are parents only."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """`folders`: where they are looked for."""
        self._folders = tuple(folders)
        self._lock = threading.Lock()
        self._kept: dict[Path, tuple[tuple[int, ...], Recipe]] = {}

    def names(self) -> list[str]:
        """Of all recipes that there are, sorted."""
        return sorted(self._files())

    def get(self, name: str) -> Recipe | None:
        """The recipe of a name; None if there is none.

        Raises:
            RecipeError: its file cannot be used.
        """
        path = self._files().get(name)
        if path is None:
            return None
        stamp = self._stamp(path)
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        recipe = load_recipe(path)
        with self._lock:
            self._kept[path] = (stamp, recipe)
        return recipe

    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*.yaml")):
                if not path.name.startswith((".", "_")) and path.is_file():
                    found.setdefault(path.stem, path)
        return found

    @staticmethod
    def _stamp(path: Path) -> tuple[int, ...]:
        """When the file and those beside it, which may be its parents, were written last."""
        stats = [beside.stat() for beside in sorted(path.parent.glob("*.yaml"))]
        return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))


def usable(shelf: RecipeShelf) -> list[Recipe]:
    """The recipes that can be used, by name; broken ones are left out."""
    found = []
    for name in shelf.names():
        try:
            recipe = shelf.get(name)
        except RecipeError:
            continue
        found += [] if recipe is None else [recipe]
    return found

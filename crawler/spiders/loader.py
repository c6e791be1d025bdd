"""Spiders by name: every recipe of RECIPES_PATHS, beside the ordinary spiders of SPIDER_MODULES.

Recipes are read when they are asked for, so that a broken one hides no other and `scrapy crawl NAME` does not wait for
a hundred that it does not need. A recipe's spider is called by the `name` in its file, which is the file's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.spiderloader import SpiderLoader

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe
from crawler.spiders.recipe import RecipeSpider

if TYPE_CHECKING:
    import builtins

    from scrapy import Spider
    from scrapy.settings import BaseSettings

    from crawler.recipe.model import Recipe


class RecipeSpiderLoader(SpiderLoader):
    """See the module. A class of this name and a recipe of the same: the class wins.

    `scrapy shell URL` and its kin look for a spider that can handle the URL among ordinary ones only, since a recipe
    may need inputs; `--spider NAME` picks a recipe.
    """

    def __init__(self, settings: BaseSettings) -> None:
        super().__init__(settings)
        self._folders = tuple(Path(folder) for folder in settings.getlist("RECIPES_PATHS"))
        self._recipes: dict[str, type[RecipeSpider]] = {}

    def load(self, spider_name: str) -> type[Spider]:
        """The spider of that name.

        Raises:
            KeyError: there is none.
            RecipeError: it is a recipe with mistakes, all of which the error names.
        """
        if spider_name in self._spiders or spider_name in self._recipes:
            return self._spiders.get(spider_name) or self._recipes[spider_name]
        path = self.recipe_files().get(spider_name)
        if path is None:
            raise KeyError(f"Spider not found: {spider_name}")
        spider = spider_of(load_recipe(path), name=spider_name)
        self._recipes[spider_name] = spider
        return spider

    def list(self) -> builtins.list[str]:
        """All names, those of broken recipes too."""
        return [*dict.fromkeys([*super().list(), *self.recipe_files()])]

    def recipe_files(self) -> dict[str, Path]:
        """Recipes by name; of two folders with the same name the first counts. `_NAME.yaml` are parents only."""
        files: dict[str, Path] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*.yaml")):
                if not path.name.startswith("_"):
                    files.setdefault(path.stem, path)
        return files

    def broken_recipes(self) -> dict[str, RecipeError]:
        """What is wrong with each recipe that cannot be used; reads all of them."""
        broken = {}
        for name in self.recipe_files():
            if name in self._spiders:
                continue
            try:
                self.load(name)
            except RecipeError as error:
                broken[name] = error
        return broken


def spider_of(recipe: Recipe, *, name: str | None = None) -> type[RecipeSpider]:
    """A spider class for a recipe, called by its name."""
    words = re.split(r"[^A-Za-z0-9]+", recipe.name)
    class_name = "".join(word.capitalize() for word in words if word) + "Spider"
    attributes = {"name": name or recipe.name, "recipe": recipe, "__doc__": recipe.description or RecipeSpider.__doc__}
    return type(class_name, (RecipeSpider,), attributes)

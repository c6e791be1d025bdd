"""`client.recipes`: recipes are read, pushed, compared and tried."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.client.calls import given, path_of
from crawler.client.model import (
    LearnedSeries,
    Recipe,
    RecipeDetail,
    RecipeDiff,
    RecipePreview,
    RecipeValidation,
    RecipeVersion,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.client.connection import Connection


class Recipes:
    """`client.recipes`: what jobs can name. `client`: whose they are; by default the key's, others are for an admin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, client: str | None = None) -> tuple[Recipe, ...]:
        """All that jobs can name."""
        return self._connection.ask(_Recipes, "GET", "/v1/recipes", params={"client": client})[0].recipes

    def get(self, name: str, *, version: str | None = None, client: str | None = None) -> RecipeDetail:
        """One, with its text and the JSON Schemas of its inputs and items; of the current version, or of another."""
        params = {"version": version, "client": client}
        return self._connection.ask(RecipeDetail, "GET", path_of("recipes", name), params=params)[0]

    def versions(self, name: str, *, client: str | None = None) -> tuple[RecipeVersion, ...]:
        """Its versions, the highest first, with what came of their checks."""
        path = path_of("recipes", name, "versions")
        return self._connection.ask(_Versions, "GET", path, params={"client": client})[0].versions

    def bands(self, name: str) -> tuple[LearnedSeries, ...]:
        """Where the next runs of one should be, of those with `quality.bands`: by inputs, the newest first.

        Raises:
            ApiError: `not_found`: nothing was learned of it.
        """
        return self._connection.ask(_Learned, "GET", path_of("recipes", name, "bands"))[0].series

    def push(
        self, name: str, text: str, *, pages: bytes | None = None, client: str | None = None, force: bool = False
    ) -> RecipeVersion:
        """Hands a version over, to be checked. The same again is answered with what has become of it.

        Args:
            name: as the recipe says, too.
            text: of the recipe.
            pages: its saved pages, a tar.
            client: whose it is.
            force: let jobs have it although page types have no test; for an admin.

        Raises:
            ApiError: `unprocessable`: no recipe; `conflict`: another text has this version; `name_reserved`.
        """
        files = {"recipe": (f"{name}.yaml", text.encode())}
        if pages is not None:
            files["pages"] = ("pages.tar", pages)
        params = {"client": client, "force": "true" if force else None}
        path = path_of("recipes", name)
        return self._connection.ask(RecipeVersion, "PUT", path, params=params, files=files, is_repeatable=True)[0]

    def checked(
        self, pushed: RecipeVersion, *, client: str | None = None, every_s: float = 0.5, patience_s: float = 120.0
    ) -> RecipeVersion:
        """A version that was pushed, once its check has ended; as it is then if that takes longer than `patience_s`."""
        until = time.monotonic() + patience_s
        while not pushed.is_checked and time.monotonic() < until:
            time.sleep(every_s)
            found = self.versions(pushed.name, client=client)
            pushed = next((each for each in found if each.version == pushed.version), pushed)
        return pushed

    def diff(
        self, name: str, old: str, new: str | None = None, *, limit: int | None = None, client: str | None = None
    ) -> RecipeDiff:
        """What two versions make of the saved pages of both; `new` is by default the current one.

        Args:
            name: of the recipe.
            old: the version before.
            new: the version after.
            limit: differences to tell one by one; figures are of all.
            client: whose it is.

        Raises:
            ApiError: `not_found`; `unprocessable`: no such version, or no saved pages.
        """
        params = {"from": old, "to": new, "limit": limit, "client": client}
        return self._connection.ask(RecipeDiff, "GET", path_of("recipes", name, "diff"), params=params)[0]

    def validate(self, recipe_text: str, *, inputs: Mapping[str, Any] | None = None) -> RecipeValidation:
        """What is wrong with a recipe, and, if they are given, with inputs for it. Nothing is kept.

        Args:
            recipe_text: the recipe itself.
            inputs: of it, typed.
        """
        body = given({"recipe_text": recipe_text, "inputs": inputs})
        return self._connection.ask(RecipeValidation, "POST", "/v1/recipes/validate", body=body, is_repeatable=True)[0]

    def preview(
        self,
        url: str,
        *,
        recipe: str | None = None,
        recipe_text: str | None = None,
        page: str | None = None,
        body: str | None = None,
        content_type: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> RecipePreview:
        """What a recipe makes of one page, which the API fetches unless it is given. Nothing is kept.

        Args:
            url: of the page.
            recipe: `NAME` or `NAME@VERSION` of one that the API has; or else
            recipe_text: the recipe itself.
            page: its type, where the recipe does not tell it by the URL.
            body: the page itself, as text.
            content_type: of `body`; by default HTML.
            inputs: of the recipe, typed.

        Raises:
            ApiError: `unprocessable`: the recipe, an input or the page cannot be used; `errors` says why.
        """
        facts = {
            "url": url,
            "recipe": recipe,
            "recipe_text": recipe_text,
            "page": page,
            "body": body,
            "content_type": content_type,
            "inputs": inputs or None,
        }
        return self._connection.ask(
            RecipePreview, "POST", "/v1/recipes/preview", body=given(facts), is_repeatable=True
        )[0]


class _Recipes(msgspec.Struct, frozen=True):
    recipes: tuple[Recipe, ...] = ()


class _Versions(msgspec.Struct, frozen=True):
    versions: tuple[RecipeVersion, ...] = ()


class _Learned(msgspec.Struct, frozen=True):
    series: tuple[LearnedSeries, ...] = ()

"""The recipes that a caller has, in the words of the replaced system: its own that are current, and the deployment's.

Of two of one name its own counts, as for jobs. What is shown of its own was found out by their check; a stranger's text
is not compiled here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from control_api.problems import Problem, pointer
from control_api.recipe_shelf import usable
from control_api.services import ask, principal, services
from crawler.catalog.model import RecipeFacts, Standing
from crawler.catalog.store import Catalog
from crawler.errors import InvalidRecipeName, RecipeError
from crawler.recipe.starts import site_of

if TYPE_CHECKING:
    from crawler.recipe.model import Recipe
    from crawler.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownRecipe:
    """A recipe that jobs of the caller can name.

    Attributes:
        name: of it.
        version: of it; may be empty.
        description: as it says; may be empty.
        site: where it begins without being told; "" if it has to be told.
        inputs: names of what it takes.
        text: as YAML; empty in lists.
    """

    name: str
    version: str
    description: str
    site: str
    inputs: frozenset[str] = field(default=frozenset())
    text: str = ""

    def entry(self) -> dict[str, Any]:
        """As it stands in a list."""
        return {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "site_url": self.site,
        }

    def is_of(self, url: str) -> bool:
        """Whether it begins at the host of a URL, with or without `www.`."""
        own, asked = (urlsplit(address).hostname or "" for address in (self.site, url))
        return bool(own) and own.removeprefix("www.") == asked.removeprefix("www.")


def known_recipes() -> list[KnownRecipe]:
    """All of them, by name; broken ones of the deployment are left out."""
    found = {recipe.name: _of_deployment(recipe) for recipe in usable(services().recipes)}
    found |= {recipe.name: recipe for recipe in _own()}
    return [found[name] for name in sorted(found)]


def known_by_site(url: str) -> KnownRecipe:
    """The first by name that begins at the host of a URL, the caller's own before those of the deployment.

    Raises:
        Problem: there is none.
    """
    own = _own()
    ours = (_of_deployment(recipe) for recipe in usable(services().recipes))
    for recipe in (*own, *ours):
        if recipe.is_of(url):
            return known(recipe.name)
    raise Problem("not_found", "No recipe is for this site.", replaced_code="RECIPE_NOT_FOUND")


def known(name: str) -> KnownRecipe:
    """The recipe of a name, with its text.

    Raises:
        Problem: there is none, or it is one of the deployment and broken.
    """
    client = principal().client.id

    async def look(store: Store) -> KnownRecipe | None:
        catalog = Catalog(store)
        try:
            current = await catalog.current(client, name)
        except InvalidRecipeName:
            return None
        if current is None:
            return None
        facts = await catalog.facts_of([current.sha256])
        text = await catalog.text_of(current.sha256)
        return _of_client(name, current.version, facts.get(current.sha256, RecipeFacts()), text)

    found = ask(look)
    if found is not None:
        return found
    try:
        recipe = services().recipes.get(name)
    except RecipeError as error:
        errors = [(pointer("body", "recipe"), str(problem)) for problem in error.problems]
        raise Problem(
            "unprocessable", f"The recipe {name} is broken.", errors=errors, replaced_code="EXTRACTION_FAILED"
        ) from error
    if recipe is None:
        raise _none()
    return _of_deployment(recipe)


def wrong_with(name: str) -> list[str]:
    """What keeps jobs from having the recipe of a name, in sentences; empty if nothing does.

    Raises:
        Problem: there is none.
    """
    client = principal().client.id

    async def look(store: Store) -> list[str] | None:
        catalog = Catalog(store)
        try:
            versions = await catalog.versions(client, name)
        except InvalidRecipeName:
            return None
        if not versions:
            return None
        if any(each.standing is Standing.PASSED for each in versions):
            return []
        highest = versions[0]
        return [f"version {highest.version} is {highest.standing}", *highest.report.problems]

    found = ask(look)
    if found == []:
        return []
    try:
        if services().recipes.get(name) is not None:
            return []
    except RecipeError as error:
        return [str(problem) for problem in error.problems]
    if found is None:
        raise _none()
    return found


def _own() -> list[KnownRecipe]:
    client = principal().client.id

    async def look(store: Store) -> list[KnownRecipe]:
        catalog = Catalog(store)
        current = await catalog.all_current(client)
        facts = await catalog.facts_of([each.sha256 for each in current.values()])
        return [_of_client(name, each.version, facts.get(each.sha256, RecipeFacts())) for name, each in current.items()]

    return ask(look)


def _of_client(name: str, version: str, facts: RecipeFacts, text: str = "") -> KnownRecipe:
    return KnownRecipe(
        name=name,
        version=version,
        description=facts.description,
        site=facts.site,
        inputs=frozenset(facts.inputs.get("properties", {})),
        text=text,
    )


def _of_deployment(recipe: Recipe) -> KnownRecipe:
    return KnownRecipe(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        site=site_of(recipe),
        inputs=frozenset(recipe.inputs.fields),
        text=recipe.resolved,
    )


def _none() -> Problem:
    return Problem("not_found", "There is no such recipe.", replaced_code="RECIPE_NOT_FOUND")

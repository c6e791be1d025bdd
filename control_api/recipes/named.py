"""A recipe by NAME or NAME@VERSION: the client's own of that name, else that of the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from control_api.problems import Problem, pointer
from control_api.recipes.own import own_text
from control_api.services import principal, services
from crawler.errors import RecipeError

if TYPE_CHECKING:
    from crawler.recipe.model import Recipe


def named(asked: str) -> str | Recipe:
    """The text of the client's own, which is a stranger's and not compiled in this process; or a recipe of ours.

    Raises:
        Problem: there is none, or that of the deployment is broken.
    """
    name, _, version = asked.partition("@")
    own = own_text(principal().client.id, name, version)
    if own.text is not None:
        return own.text
    try:
        recipe = services().recipes.get(name)
    except RecipeError as error:
        errors = [(pointer("body", "recipe"), str(problem)) for problem in error.problems]
        raise Problem("unprocessable", f"The recipe {name} of this deployment is broken.", errors=errors) from error
    if recipe is None:
        raise _no_recipe(own.why or f"there is no recipe {name}")
    if version and recipe.version != version:
        raise _no_recipe(own.why or f"the recipe {name} has version {recipe.version or 'none'}, not {version}")
    return recipe


def text_of(found: str | Recipe) -> str:
    """The text of what `named` has found, with its parents in it."""
    return found if isinstance(found, str) else found.resolved


def _no_recipe(why: str) -> Problem:
    return Problem("unprocessable", f"{why[0].upper()}{why[1:]}.", errors=[(pointer("body", "recipe"), why)])

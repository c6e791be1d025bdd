"""`POST /v1/recipes/validate`: what is wrong with the text of a recipe. It is compiled apart, and nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import marshmallow as ma
from marshmallow import validate

from control_api.fields import Schema, about
from control_api.gate import needs
from control_api.jobs.schemas import MAX_RECIPE_CHARACTERS
from control_api.problems import of_input
from control_api.recipe_check import look_at
from crawler.access.model import Scope

if TYPE_CHECKING:
    from control_api.blueprint import Blueprint


class ValidateOrderSchema(Schema):
    """The text of a recipe, and inputs for it if they are to be looked at, too."""

    recipe_text = ma.fields.String(
        required=True, validate=validate.Length(1, MAX_RECIPE_CHARACTERS), metadata=about("A recipe as YAML.")
    )
    inputs = ma.fields.Dict(
        keys=ma.fields.String(validate=validate.Length(1, 100)),
        values=ma.fields.Raw(allow_none=True),
        metadata=about("Inputs of the recipe by name.", {"site": "https://shop.example"}),
    )


class WrongInputSchema(Schema):
    """An input that does not fit."""

    pointer = ma.fields.String(required=True, metadata=about("Where it stands in the body.", "/body/inputs/site"))
    message = ma.fields.String(required=True, metadata=about("What is wrong with it.", "is missing"))


class ValidationSchema(Schema):
    """What is wrong with a recipe, and with the inputs for it."""

    valid = ma.fields.Boolean(required=True, metadata=about("Whether nothing is.", False))  # noqa: FBT003 - an example
    name = ma.fields.String(
        required=True, metadata=about("Of the recipe; empty if it cannot be compiled.", "")
    )
    problems = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about(
            "What is wrong with the text: line, column, place, what, and what may have been meant.",
            ['<recipe>:14:5: pages.product.feilds: there is no key "feilds"; did you mean "fields"?'],
        ),
    )
    input_problems = ma.fields.List(
        ma.fields.Nested(WrongInputSchema), required=True, metadata=about("Ditto with the inputs.")
    )


def validate_recipe(order: dict[str, Any]) -> dict[str, Any]:
    """Look for what is wrong with a recipe.

    Compiles its text as a push would, in a process that may use 5 s and 384 MiB, and names everything that is wrong with
    it at once; with `inputs`, whether a job could begin with them. Its tests are not run: they come with their pages,
    when it is pushed.
    """
    found = look_at(order["recipe_text"], order.get("inputs"))
    pairs = [of_input(message) for message in found.wrong_inputs]
    return {
        "valid": not (found.wrong or found.wrong_inputs),
        "name": found.name,
        "problems": list(found.wrong),
        "input_problems": [{"pointer": pointer, "message": message} for pointer, message in pairs],
    }


def add_validate(recipes: Blueprint) -> None:
    """Adds the call to the blueprint of recipes."""
    view = recipes.arguments(ValidateOrderSchema)(recipes.response(200, ValidationSchema)(validate_recipe))
    recipes.route("/validate", methods=["POST"])(needs(Scope.RECIPES_WRITE)(view))

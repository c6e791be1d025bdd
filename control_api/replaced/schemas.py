"""What goes in and out under the paths of the replaced system, in its own words."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from marshmallow import validate

from control_api.fields import Few, Instant, Schema, Text, Truth, Whole, about
from control_api.jobs.schemas import MAX_RECIPE_CHARACTERS
from control_api.replaced.envelope import ALL_CODES

#: However it is escaped, it fits into the line of a request.
MAX_URL_CHARACTERS: Final = 500


class SiteUrl(Text):
    """The address of a site."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = about("Address of the site.", "https://shop.example/") | kwargs.get("metadata", {})
        super().__init__(
            r"[hH][tT][tT][pP][sS]?://[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?",
            most=MAX_URL_CHARACTERS,
            error="must be an address that begins with http:// or https://",
            **kwargs,
        )


class ScrapeOptionsSchema(Schema):
    """Options of a crawl."""

    max_products = Whole(least=1, data_key="maxProducts", metadata=about("Rows kept.", 500))
    categories = Few(
        ma.fields.String(validate=validate.Length(1, 2000)),
        most=1000,
        metadata=about("For recipes with an input of that name."),
    )
    retry_on_failure = Truth(data_key="retryOnFailure", metadata=about("Without effect: recipes say it."))
    max_retries = Whole(most=100, data_key="maxRetries", metadata=about("Without effect: recipes say it."))


class ScrapeOrderSchema(Schema):
    """A crawl to be made."""

    site_url = SiteUrl(required=True, data_key="siteUrl")
    recipe = ma.fields.String(
        required=True, validate=validate.Length(1, 100), metadata=about("Name of the recipe.", "shop")
    )
    options = ma.fields.Nested(ScrapeOptionsSchema, load_default=dict, metadata=about("What else it was told."))


class RecipeCheckSchema(Schema):
    """A recipe to be checked: its YAML, or the name of one that there is."""

    recipe = ma.fields.String(
        required=True, validate=validate.Length(1, MAX_RECIPE_CHARACTERS), metadata=about("YAML, or a name.", "shop")
    )


class SiteQuerySchema(Schema):
    """Which site."""

    site_url = SiteUrl(required=True, data_key="siteUrl")


class DetailSchema(Schema):
    """One part of a request that is wrong."""

    pointer = ma.fields.String(required=True, metadata=about("Where, as a JSON pointer.", "/body/siteUrl"))
    message = ma.fields.String(required=True, metadata=about("What is wrong there.", "must be an address"))


class FailureBodySchema(Schema):
    """What went wrong."""

    code = ma.fields.String(
        required=True, metadata=about("The word to decide by.", "VALIDATION_ERROR") | {"enum": list(ALL_CODES)}
    )
    message = ma.fields.String(required=True, metadata=about("What is wrong, and what to do."))
    details = ma.fields.List(ma.fields.Nested(DetailSchema), metadata=about("The parts of the request that are wrong."))


def _timestamp() -> ma.fields.String:
    said = about("When it was answered.", "2026-01-02T03:04:05.678Z") | {"format": "date-time"}
    return ma.fields.String(required=True, metadata=said)


def _request_id() -> ma.fields.String:
    return ma.fields.String(required=True, metadata=about("As in X-Request-Id.", "0f8fad5bd9cb469fa16570867728950e"))


class ReplacedFailureSchema(Schema):
    """The answer to a call that has not done what was asked."""

    success = ma.fields.Boolean(required=True, metadata=about("It was not done.", example=False) | {"enum": [False]})
    error = ma.fields.Nested(FailureBodySchema, required=True, metadata=about("What went wrong."))
    timestamp = _timestamp()
    requestId = _request_id()  # noqa: N815 - its word


class _SuccessSchema(Schema):
    success = ma.fields.Boolean(required=True, metadata=about("It was done.", example=True) | {"enum": [True]})
    message = ma.fields.String(metadata=about("What else there is to say."))
    timestamp = _timestamp()
    requestId = _request_id()  # noqa: N815 - its word


class StartedSchema(Schema):
    """The id of a crawl that was accepted."""

    jobId = ma.fields.String(  # noqa: N815 - its word
        required=True, metadata=about("Names the crawl.", "mvb2qk7d5xw3o4n6rj5f7a2zle")
    )


class StartedAnswerSchema(_SuccessSchema):
    """The crawl is accepted."""

    data = ma.fields.Nested(StartedSchema, required=True, metadata=about("Its id."))


class StatusSchema(Schema):
    """How far a crawl is."""

    job_id = ma.fields.String(
        required=True, data_key="jobId", metadata=about("Names the crawl.", "mvb2qk7d5xw3o4n6rj5f7a2zle")
    )
    status = ma.fields.String(
        required=True,
        metadata=about("Where it is.", "running")
        | {"enum": ["pending", "running", "paused", "completed", "failed", "cancelled"]},
    )
    recipe = ma.fields.String(required=True, metadata=about("Name of the recipe.", "shop"))
    progress = ma.fields.Integer(
        allow_none=True, required=True, metadata=about("Percent of the pages that are known; null in lists.", 83)
    )
    processed = ma.fields.Integer(
        allow_none=True, required=True, metadata=about("Pages that have come to an outcome; null in lists.", 100)
    )
    total = ma.fields.Integer(allow_none=True, required=True, metadata=about("Pages known by now; null in lists.", 120))
    products = ma.fields.Integer(allow_none=True, required=True, metadata=about("Rows; null in lists.", 88))
    message = ma.fields.String(required=True, metadata=about("What it waits for, in a sentence; may be empty.", ""))
    created_at = Instant(required=True, data_key="createdAt", metadata=about("When it was accepted."))
    started_at = Instant(
        required=True, allow_none=True, data_key="startedAt", metadata=about("When it began; null before.")
    )
    completed_at = Instant(
        required=True,
        allow_none=True,
        data_key="completedAt",
        metadata=about("When it came to its end; null before.") | {"x_example_null": True},
    )


class StatusAnswerSchema(_SuccessSchema):
    """How far a crawl is, in the envelope."""

    data = ma.fields.Nested(StatusSchema, required=True, metadata=about("The crawl."))


class StatusListSchema(Schema):
    """The newest crawls."""

    jobs = ma.fields.List(ma.fields.Nested(StatusSchema), required=True, metadata=about("The newest first."))


class StatusListAnswerSchema(_SuccessSchema):
    """The newest crawls, in the envelope."""

    data = ma.fields.Nested(StatusListSchema, required=True, metadata=about("The list."))


class RecipeEntrySchema(Schema):
    """A recipe in a list."""

    name = ma.fields.String(required=True, metadata=about("To order crawls by.", "shop"))
    version = ma.fields.String(required=True, metadata=about("As the recipe says; may be empty.", "1.0.0"))
    description = ma.fields.String(required=True, metadata=about("As the recipe says; may be empty.", "A shop"))
    site_url = ma.fields.String(
        required=True, data_key="siteUrl", metadata=about("Where it begins; may be empty.", "https://shop.example")
    )


class RecipeTextSchema(RecipeEntrySchema):
    """A recipe with its text."""

    text = ma.fields.String(required=True, metadata=about("The recipe as YAML.", "schema_version: 1\n..."))


class RecipeListSchema(Schema):
    """Recipes of the client, and of the deployment."""

    recipes = ma.fields.List(ma.fields.Nested(RecipeEntrySchema), required=True, metadata=about("By name."))


class RecipeListAnswerSchema(_SuccessSchema):
    """Recipes, in the envelope."""

    data = ma.fields.Nested(RecipeListSchema, required=True, metadata=about("The list."))


class RecipeNamesSchema(Schema):
    """Names of recipes."""

    names = ma.fields.List(ma.fields.String(), required=True, metadata=about("Sorted.", ["shop"]))


class RecipeNamesAnswerSchema(_SuccessSchema):
    """Names of recipes, in the envelope."""

    data = ma.fields.Nested(RecipeNamesSchema, required=True, metadata=about("The list."))


class RecipeAnswerSchema(_SuccessSchema):
    """A recipe, in the envelope."""

    data = ma.fields.Nested(RecipeTextSchema, required=True, metadata=about("The recipe."))


class CheckedSchema(Schema):
    """What is wrong with a recipe."""

    valid = ma.fields.Boolean(required=True, metadata=about("It can be used.", example=True))
    errors = ma.fields.List(ma.fields.String(), required=True, metadata=about("Why not; may be empty.", []))


class CheckedAnswerSchema(_SuccessSchema):
    """What is wrong with a recipe, in the envelope."""

    data = ma.fields.Nested(CheckedSchema, required=True, metadata=about("The result."))

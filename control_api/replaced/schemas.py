"""What goes in and out under the paths of the replaced system, in its own words."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import validate

from control_api.fields import Instant, Schema, Truth, Whole
from control_api.jobs.schemas import MAX_RECIPE_CHARACTERS
from control_api.replaced.envelope import ALL_CODES


class ScrapeOptionsSchema(Schema):
    """Options of a crawl."""

    max_products = Whole(least=1, data_key="maxProducts", metadata={"description": "Rows kept."})
    categories = ma.fields.List(
        ma.fields.String(validate=validate.Length(1, 2000)), validate=validate.Length(max=1000),
        metadata={"description": "For recipes with an input of that name."},
    )  # fmt: skip
    retry_on_failure = Truth(data_key="retryOnFailure", metadata={"description": "Without effect: recipes say it."})
    max_retries = Whole(most=100, data_key="maxRetries", metadata={"description": "Without effect: recipes say it."})


class ScrapeOrderSchema(Schema):
    """A crawl to be made."""

    site_url = ma.fields.Url(required=True, schemes={"http", "https"}, require_tld=False, data_key="siteUrl")
    recipe = ma.fields.String(required=True, validate=validate.Length(1, 100))
    options = ma.fields.Nested(ScrapeOptionsSchema, load_default=dict)


class RecipeCheckSchema(Schema):
    """A recipe to be checked: its YAML, or the name of one of the deployment."""

    recipe = ma.fields.String(required=True, validate=validate.Length(1, MAX_RECIPE_CHARACTERS))


class SiteQuerySchema(Schema):
    """Which site."""

    site_url = ma.fields.Url(required=True, schemes={"http", "https"}, require_tld=False, data_key="siteUrl")


class NoQuerySchema(Schema):
    """Nothing."""


class DetailSchema(Schema):
    """One part of a request that is wrong."""

    pointer = ma.fields.String(required=True)
    message = ma.fields.String(required=True)


class FailureBodySchema(Schema):
    """What went wrong."""

    code = ma.fields.String(required=True, metadata={"enum": list(ALL_CODES)})
    message = ma.fields.String(required=True)
    details = ma.fields.List(ma.fields.Nested(DetailSchema))


class ReplacedFailureSchema(Schema):
    """The answer to a call that has not done what was asked."""

    success = ma.fields.Boolean(required=True, metadata={"enum": [False]})
    error = ma.fields.Nested(FailureBodySchema, required=True)
    timestamp = ma.fields.String(required=True, metadata={"format": "date-time"})
    requestId = ma.fields.String(required=True)  # noqa: N815 - its word


class _SuccessSchema(Schema):
    success = ma.fields.Boolean(required=True, metadata={"enum": [True]})
    message = ma.fields.String()
    timestamp = ma.fields.String(required=True, metadata={"format": "date-time"})
    requestId = ma.fields.String(required=True)  # noqa: N815 - its word


class StartedSchema(Schema):
    """A crawl that was accepted."""

    jobId = ma.fields.String(required=True)  # noqa: N815 - its word


class StartedAnswerSchema(_SuccessSchema):
    """The crawl is accepted."""

    data = ma.fields.Nested(StartedSchema, required=True)


class StatusSchema(Schema):
    """How far a crawl is."""

    job_id = ma.fields.String(required=True, data_key="jobId")
    status = ma.fields.String(
        required=True, metadata={"enum": ["pending", "running", "paused", "completed", "failed", "cancelled"]}
    )
    recipe = ma.fields.String(required=True)
    progress = ma.fields.Integer(
        allow_none=True, required=True, metadata={"description": "Percent of the pages that are known; null in lists."}
    )
    processed = ma.fields.Integer(allow_none=True, required=True, metadata={"description": "Pages."})
    total = ma.fields.Integer(allow_none=True, required=True, metadata={"description": "Pages known by now."})
    products = ma.fields.Integer(allow_none=True, required=True, metadata={"description": "Rows."})
    message = ma.fields.String(required=True)
    created_at = Instant(required=True, data_key="createdAt")
    started_at = Instant(required=True, allow_none=True, data_key="startedAt")
    completed_at = Instant(required=True, allow_none=True, data_key="completedAt")


class StatusAnswerSchema(_SuccessSchema):
    """How far a crawl is."""

    data = ma.fields.Nested(StatusSchema, required=True)


class StatusListSchema(Schema):
    """The newest crawls."""

    jobs = ma.fields.List(ma.fields.Nested(StatusSchema), required=True)


class StatusListAnswerSchema(_SuccessSchema):
    """The newest crawls."""

    data = ma.fields.Nested(StatusListSchema, required=True)


class RecipeEntrySchema(Schema):
    """A recipe."""

    name = ma.fields.String(required=True)
    version = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    site_url = ma.fields.String(
        required=True, data_key="siteUrl", metadata={"description": "Where it starts; may be empty."}
    )


class RecipeTextSchema(RecipeEntrySchema):
    """A recipe with its text."""

    text = ma.fields.String(required=True)


class RecipeListSchema(Schema):
    """Recipes."""

    recipes = ma.fields.List(ma.fields.Nested(RecipeEntrySchema), required=True)


class RecipeListAnswerSchema(_SuccessSchema):
    """Recipes."""

    data = ma.fields.Nested(RecipeListSchema, required=True)


class RecipeNamesSchema(Schema):
    """Names of recipes."""

    names = ma.fields.List(ma.fields.String(), required=True)


class RecipeNamesAnswerSchema(_SuccessSchema):
    """Names of recipes."""

    data = ma.fields.Nested(RecipeNamesSchema, required=True)


class RecipeAnswerSchema(_SuccessSchema):
    """A recipe."""

    data = ma.fields.Nested(RecipeTextSchema, required=True)


class CheckedSchema(Schema):
    """What is wrong with a recipe."""

    valid = ma.fields.Boolean(required=True)
    errors = ma.fields.List(ma.fields.String(), required=True)


class CheckedAnswerSchema(_SuccessSchema):
    """What is wrong with a recipe."""

    data = ma.fields.Nested(CheckedSchema, required=True)

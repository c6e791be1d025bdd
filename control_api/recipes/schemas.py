"""What goes in and out of the calls on recipes."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma

from control_api.access.schemas import ClientId
from control_api.fields import Instant, Schema, Text, about
from crawler.catalog.model import RecipeState

#: Three numbers, as `crawler.catalog.model.check_version` wants them.
VERSION: Final = r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(-[0-9A-Za-z.-]{1,40})?"

_STATES: Final = {"enum": [state.value for state in RecipeState]}
_SHA256: Final = "9f86d081" * 8


class WhoseSchema(Schema):
    """Whose recipes are meant."""

    client = ClientId(
        metadata={"description": "Whose recipes; those of another client need the scope admin.", "example": "alice"}
    )


class WhichSchema(WhoseSchema):
    """Which version is meant, and whose."""

    version = Text(
        VERSION,
        most=80,
        error="must be three numbers, such as 1.0.0",
        metadata=about("One version of a client's recipe, whatever came of its check.", "1.0.0"),
    )


class PushSchema(WhoseSchema):
    """How a recipe is pushed."""

    force = ma.fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata=about("Let jobs have it although page types have no test; needs the scope admin.", False),
    )


class RecipeSummarySchema(Schema):
    """A recipe."""

    name = ma.fields.String(required=True, metadata=about("To order jobs by.", "shop"))
    version = ma.fields.String(required=True, metadata=about("As the recipe says; may be empty.", "1.0.0"))
    description = ma.fields.String(
        required=True, metadata=about("As the recipe says; may be empty.", "Every product of the sample shop")
    )
    sha256 = ma.fields.String(required=True, metadata=about("SHA-256 of its text, in hexadecimal.", _SHA256))
    labels = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata=about("Words of its author.", {"site": "sample-shop"}),
    )
    origin = ma.fields.String(
        required=True,
        metadata=about("Whether it is the client's own, or one of the deployment, which all have.", "deployment")
        | {"enum": ["client", "deployment"]},
    )


class RecipeSchema(RecipeSummarySchema):
    """A recipe with what it takes and gives."""

    state = ma.fields.String(required=True, metadata=about("Of this version.", "current") | _STATES)
    text = ma.fields.String(
        required=True, metadata=about("The recipe as YAML; what it extends is in it.", "schema_version: 1\n...")
    )
    inputs = ma.fields.Dict(
        required=True,
        metadata=about(
            "JSON Schema of a job's inputs; empty before it was checked.",
            {"type": "object", "properties": {"site": {"type": "string"}}},
        ),
    )
    items = ma.fields.Dict(
        required=True,
        metadata=about(
            "JSON Schema of the rows, by item; empty before it was checked.", {"product": {"type": "object"}}
        ),
    )
    pages_sha256 = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("SHA-256 of the archive of its saved pages; null without one.", _SHA256),
    )
    pages_url = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            "Link to the archive, a tar, that works for 15 minutes without a key; null without one.",
            "https://files.example.com/-recipes/pages/9f86.tar?X-Amz-Signature=...",
        ),
    )


class RecipesSchema(Schema):
    """All recipes that jobs can name."""

    recipes = ma.fields.List(ma.fields.Nested(RecipeSummarySchema), required=True, metadata=about("By name."))


class RecipeTestSchema(Schema):
    """What came of one test of a recipe."""

    page = ma.fields.String(required=True, metadata=about("The page type.", "product"))
    snapshot = ma.fields.String(required=True, metadata=about("The saved page.", "shoes.html"))
    passed = ma.fields.Boolean(required=True, metadata=about("The page gave what is expected.", False))
    problems = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about("What differs, or why it could not be run.", ["price: expected '9.99', found nothing"]),
    )


class RecipeReportSchema(Schema):
    """What the check of a version has found."""

    problems = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about("What keeps it from being used, in sentences.", ["1 of 4 tests have failed"]),
    )
    tests = ma.fields.List(
        ma.fields.Nested(RecipeTestSchema), required=True, metadata=about("Its tests; failed ones come first.")
    )
    untested = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("Page types without a test.", ["listing"])
    )


class RecipeVersionSchema(Schema):
    """A version of a recipe, and what came of its check."""

    name = ma.fields.String(required=True, metadata=about("Of the recipe.", "goods"))
    version = ma.fields.String(required=True, metadata=about("As the recipe says.", "1.0.0"))
    state = ma.fields.String(
        required=True,
        metadata=about(
            "checking; current: what jobs get that name no version; passed: a higher one is current; rejected; or"
            " untested: page types have no test, so jobs cannot have it.",
            "checking",
        )
        | _STATES,
    )
    sha256 = ma.fields.String(required=True, metadata=about("SHA-256 of its text, in hexadecimal.", _SHA256))
    pages_sha256 = ma.fields.String(
        required=True, allow_none=True, metadata=about("Of the archive of its saved pages; null without one.", _SHA256)
    )
    pushed_at = Instant(required=True, allow_none=True, metadata=about("Null of one of the deployment."))
    checked_at = Instant(
        required=True,
        allow_none=True,
        metadata=about("When its check ended; null before.") | {"example": None, "x-example-null": True},
    )
    report = ma.fields.Nested(RecipeReportSchema, required=True, metadata=about("What the check has found."))


class RecipeVersionsSchema(Schema):
    """The versions of a recipe."""

    versions = ma.fields.List(
        ma.fields.Nested(RecipeVersionSchema), required=True, metadata=about("The highest first.")
    )


#: The bodies of a push, by content type.
PUSH_BODIES: Final[dict[str, Any]] = {
    "application/yaml": {
        "schema": {"type": "string", "minLength": 1, "description": "The recipe, at most 256 KiB.",
                   "example": 'schema_version: 1\nname: goods\nversion: "1.0.0"\n...'},
    },
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["recipe"],
            "additionalProperties": False,
            "properties": {
                "recipe": {"type": "string", "description": "The recipe, at most 256 KiB.",
                           "example": 'schema_version: 1\nname: goods\nversion: "1.0.0"\n...'},
                "pages": {"type": "string", "format": "binary",
                          "description": "Its saved pages: a tar, packed or not, of at most 20 MiB, 100 MiB unpacked,"
                          " and 500 regular files."},
            },
        },
    },
}  # fmt: skip

"""What goes in and out of the calls on what jobs were judged by."""

from __future__ import annotations

from typing import Final

import marshmallow as ma

from control_api.fields import Choice, Instant, Schema, Text, about
from control_api.jobs.schemas import PublicationSchema
from crawler.exports.overrides import MAX_REASON_CHARACTERS
from crawler.jobs.model import Outcome, State

_JOB_ID: Final = "mvb2qk7d5xw3o4n6rj5f7a2zle"

#: One line that does not begin with a blank.
_INSIDE: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_REASON: Final = rf"[^ {_INSIDE}][^{_INSIDE}]*"


class PublishOrderSchema(Schema):
    """Why files are published that are withheld."""

    reason = Text(
        _REASON,
        least=1,
        most=MAX_REASON_CHARACTERS,
        error="must be one line that does not begin with a blank",
        required=True,
        metadata=about("Why, for those who read the files later.", "the shop has really sold half of its range"),
    )


class PublishedSchema(PublicationSchema):
    """Files that were withheld are published."""

    job = ma.fields.String(required=True, metadata=about("Id of the job.", _JOB_ID))


class CoverageSchema(Schema):
    """How often a field has a value."""

    item = ma.fields.String(required=True, metadata=about("Whose field it is.", "product"))
    field = ma.fields.String(required=True, metadata=about("Its path.", "variants[].price"))
    places = ma.fields.Integer(
        required=True, metadata=about("Where it could have one: rows, or members of lists on its way.", 320)
    )
    filled = ma.fields.Integer(required=True, metadata=about("Where it has one that is not empty.", 314))
    share = ma.fields.Float(required=True, allow_none=True, metadata=about("Fraction; null without places.", 0.98125))


class FiguresSchema(Schema):
    """What was counted of a job."""

    rows = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata=about("Rows kept, by item.", {"product": 320}),
    )
    rejected = ma.fields.Integer(required=True, metadata=about("Rows that broke their contract.", 2))
    rejected_share = ma.fields.Float(required=True, metadata=about("Fraction of the rows seen.", 0.00625))
    fetched = ma.fields.Integer(required=True, metadata=about("Pages that the site was asked for.", 352))
    http_errors = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata=about("Of them, those that it answered with an error or not at all, by outcome.", {"http_404": 1}),
    )
    http_error_share = ma.fields.Float(required=True, metadata=about("Fraction of the pages fetched.", 0.00284))
    coverage = ma.fields.List(
        ma.fields.Nested(CoverageSchema),
        required=True,
        metadata=about("Of fields with a bound; with bands, of all fields."),
    )


class BandSchema(Schema):
    """Where one figure should be."""

    figure = ma.fields.String(
        required=True,
        metadata=about(
            "rows.ITEM, rejected, http_errors or coverage.ITEM.FIELD; all but rows are fractions.", "rows.product"
        ),
    )
    runs = ma.fields.Integer(required=True, metadata=about("Earlier runs that have it.", 12))
    median = ma.fields.Float(required=True, metadata=about("Of them.", 318))
    low = ma.fields.Float(required=True, allow_none=True, metadata=about("Not below this; null = any.", 302.1))
    high = ma.fields.Float(required=True, allow_none=True, metadata=about("Not above this; null = any.", 333.9))
    value = ma.fields.Float(required=True, allow_none=True, metadata=about("Of this job; null if it has none.", 320))
    kept = ma.fields.Boolean(required=True, metadata=about("Whether the job is inside.", True))


class BandsSchema(Schema):
    """What a job was compared with, of a recipe that learns from earlier runs."""

    runs = ma.fields.Integer(required=True, metadata=about("Earlier runs that count.", 12))
    minimum_runs = ma.fields.Integer(
        required=True, metadata=about("Nothing is compared before there are so many; 0 = the recipe learns nothing.", 5)
    )
    why = ma.fields.String(required=True, metadata=about("Why it was compared with nothing; else empty.", ""))
    figures = ma.fields.List(ma.fields.Nested(BandSchema), required=True, metadata=about("One for each figure."))


class LearnedSchema(Schema):
    """Where the next run of a recipe with the same inputs should be."""

    series = ma.fields.String(
        required=True, metadata=about("Names the recipe with these inputs.", "k2u7q5zj3dn6wq4mzt2c5xv7ae")
    )
    job = ma.fields.String(required=True, metadata=about("The newest job with them.", _JOB_ID))
    at = Instant(required=True, metadata=about("When that ended."))
    bands = ma.fields.Nested(BandsSchema, required=True, metadata=about("Its figures have no `value`."))


class LearnedListSchema(Schema):
    """What was learned of the runs of a recipe."""

    series = ma.fields.List(
        ma.fields.Nested(LearnedSchema),
        required=True,
        metadata=about("Up to five, those with the newest runs first."),
    )


class QualitySchema(Schema):
    """What a job was judged by."""

    job = ma.fields.String(required=True, metadata=about("Id of the job.", _JOB_ID))
    state = Choice(State, required=True, metadata=about("How it has ended.", "succeeded"))
    outcome = Choice(Outcome, required=True, metadata=about("What the files are worth.", "complete"))
    withheld = ma.fields.Boolean(required=True, metadata=about("Nobody gets its files.", False))
    why = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("What kept it from complete, in sentences.", [])
    )
    figures = ma.fields.Nested(FiguresSchema, required=True, metadata=about("What was counted."))
    bands = ma.fields.Nested(BandsSchema, required=True, metadata=about("What it was compared with."))
    published = ma.fields.Nested(
        PublicationSchema,
        required=True,
        allow_none=True,
        metadata=about("Who has published files that were withheld; null if nobody had to.") | {"x_example_null": True},
    )

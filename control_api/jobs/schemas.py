"""What goes in and out of the calls on jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import marshmallow as ma
from marshmallow import validate

from control_api.access.schemas import ClientId
from control_api.fields import Instant, Schema, Seconds, Whole, is_one_line
from crawler.jobs.model import Intended, Outcome, Priority, State
from crawler.jobs.store_contract import MAX_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WORKERS: Final = 100
MAX_TAGS: Final = 20
MAX_RECIPE_CHARACTERS: Final = 512 * 1024
MAX_LINK_S: Final = 3600
DEFAULT_LINK_S: Final = 900

_RECIPE: Final = validate.Regexp(
    r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(@[A-Za-z0-9._+-]{1,40})?\Z", error="must be NAME or NAME@VERSION"
)
_TAG: Final[list[Callable[[str], Any]]] = [
    validate.Regexp(r"^[^\s,\x00-\x1f\x7f]{1,64}\Z", error="must be one word of at most 64 characters"),
    is_one_line,
]


def _of(kind: Any) -> Any:
    return ma.fields.Enum(kind, by_value=True)


class LimitsSchema(Schema):
    """What a job may use at most."""

    requests = Whole(least=1, metadata={"description": "Pages fetched."})
    items = Whole(least=1, metadata={"description": "Rows kept."})
    bytes = Whole(least=1, most=10**15, metadata={"description": "Received from sites."})
    duration_s = Seconds(metadata={"description": "From its first page to the end of its last."})
    browser_s = Seconds(metadata={"description": "Spent by pages in browsers."})
    queue_timeout_s = Seconds(metadata={"description": "It must have begun so soon after it was accepted."})


class JobOrderSchema(Schema):
    """A job to be made: of a recipe by name, or of one as text."""

    recipe = ma.fields.String(
        validate=_RECIPE,
        metadata={"description": "NAME, or NAME@VERSION to be refused when it has another version.", "example": "shop"},
    )
    recipe_text = ma.fields.String(
        validate=validate.Length(1, MAX_RECIPE_CHARACTERS),
        metadata={"description": "A recipe as YAML, in place of a name; needs the scope recipes:inline."},
    )
    inputs = ma.fields.Dict(
        keys=ma.fields.String(validate=validate.Length(1, 100)),
        values=ma.fields.Raw(allow_none=True),
        load_default=dict,
        metadata={"description": "Inputs of the recipe by name.", "example": {"site": "https://shop.example"}},
    )
    priority = ma.fields.Enum(Priority, by_value=True, load_default=Priority.NORMAL)
    max_workers = Whole(least=1, most=MAX_WORKERS, load_default=1)
    limits = ma.fields.Nested(LimitsSchema, load_default=dict)
    tags = ma.fields.List(ma.fields.String(validate=_TAG), validate=validate.Length(max=MAX_TAGS), load_default=list)

    @ma.validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_recipe(self, data: dict[str, Any], original: Any, **kwargs: Any) -> None:
        _ = data, kwargs
        if isinstance(original, dict) and ("recipe" in original) == ("recipe_text" in original):
            raise ma.ValidationError("give either recipe or recipe_text")


class LinksSchema(Schema):
    """Where more of a job is found: paths of this API."""

    self = ma.fields.String(required=True)
    failures = ma.fields.String(required=True)
    results = ma.fields.String(required=True)


class JobAcceptedSchema(Schema):
    """A job as it was accepted. The same for every repetition of the call."""

    id = ma.fields.String(required=True)
    client = ma.fields.String(required=True)
    state = ma.fields.Enum(State, by_value=True, required=True, metadata={"description": "queued: what it was then."})
    recipe = ma.fields.String(required=True)
    recipe_sha256 = ma.fields.String(required=True)
    priority = ma.fields.Enum(Priority, by_value=True, required=True)
    max_workers = ma.fields.Integer(required=True)
    tags = ma.fields.List(ma.fields.String(), required=True)
    created_at = Instant(required=True)
    links = ma.fields.Nested(LinksSchema, required=True)


class AttemptSchema(Schema):
    """A process that has worked on a job."""

    node = ma.fields.String(required=True)
    worker = ma.fields.String(required=True)
    started_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)
    how = ma.fields.String(required=True, metadata={"description": "running, exit 0, signal 9, lost with its node."})


class ProgressSchema(Schema):
    """The books of a job."""

    found = ma.fields.Integer(required=True, metadata={"description": "Pages, the first one included."})
    settled = ma.fields.Integer(required=True, metadata={"description": "Pages that have come to an outcome."})
    ready = ma.fields.Integer(required=True)
    delayed = ma.fields.Integer(required=True, metadata={"description": "They wait for another try."})
    leased = ma.fields.Integer(required=True, metadata={"description": "They are in work."})
    failed = ma.fields.Integer(required=True, metadata={"description": "Pages with an outcome that is a failure."})
    retries = ma.fields.Integer(required=True)
    rows = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    outcomes = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    pages_per_s = ma.fields.Float(required=True, allow_none=True, metadata={"description": "Since it began."})
    eta_s = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "Of what is known by now; more may be found."}
    )


class JobSummarySchema(JobAcceptedSchema):
    """A job and how far it has come."""

    spider = ma.fields.String(required=True)
    inputs = ma.fields.Dict(required=True)
    limits = ma.fields.Nested(LimitsSchema, required=True)
    intended = ma.fields.Enum(Intended, by_value=True, required=True, allow_none=True)
    outcome = ma.fields.Enum(Outcome, by_value=True, required=True, allow_none=True)
    why = ma.fields.String(required=True, metadata={"description": "What it waits for, in a sentence; may be empty."})
    started_at = Instant(required=True, allow_none=True)
    finishing_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)


class JobSchema(JobSummarySchema):
    """A job with its books and its workers."""

    progress = ma.fields.Nested(ProgressSchema, required=True)
    attempts = ma.fields.List(ma.fields.Nested(AttemptSchema), required=True)


class JobListQuerySchema(Schema):
    """Which jobs a list has."""

    state = ma.fields.List(_of(State), load_default=list)
    outcome = ma.fields.List(_of(Outcome), load_default=list)
    recipe = ma.fields.String(validate=_RECIPE)
    tag = ma.fields.String(validate=_TAG)
    client = ClientId(metadata={"description": "For keys with the scope admin, which see all otherwise."})
    created_after = Instant()
    created_before = Instant()
    limit = Whole(least=1, most=MAX_PAGE, load_default=50)
    cursor = ma.fields.String(
        validate=validate.Length(1, 300), metadata={"description": "`next` of the page before, with the same filters."}
    )


class JobListSchema(Schema):
    """A page of a list, the newest first. It may be short, even empty, and still have a `next`."""

    jobs = ma.fields.List(ma.fields.Nested(JobSummarySchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class FailureSchema(Schema):
    """A page that failed."""

    url = ma.fields.String(required=True)
    outcome = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)


class FailuresSchema(Schema):
    """Pages that failed: how many of each outcome, and some of them by URL."""

    total = ma.fields.Integer(required=True)
    outcomes = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    failures = ma.fields.List(ma.fields.Nested(FailureSchema), required=True)


class ResultsQuerySchema(Schema):
    """How long links are to live."""

    expires_s = Whole(least=1, most=MAX_LINK_S, load_default=DEFAULT_LINK_S)


class FileSchema(Schema):
    """A file of a job that has ended."""

    name = ma.fields.String(required=True)
    item = ma.fields.String(required=True, metadata={"description": "Whose rows it holds."})
    format = ma.fields.String(required=True, metadata={"description": "csv, jsonl or parquet."})
    content_type = ma.fields.String(required=True)
    columns = ma.fields.List(ma.fields.String(), required=True)
    rows = ma.fields.Integer(required=True)
    size_bytes = ma.fields.Integer(required=True)
    sha256 = ma.fields.String(required=True, metadata={"description": "Of the file, in hexadecimal."})
    url = ma.fields.String(required=True, metadata={"description": "Presigned: it needs no key until it expires."})
    expires_at = Instant(required=True)


class SegmentSchema(Schema):
    """A piece of the rows of a job that runs: JSON lines, packed with zstd."""

    name = ma.fields.String(required=True)
    rows = ma.fields.Integer(required=True)
    size_bytes = ma.fields.Integer(required=True)
    url = ma.fields.String(required=True)
    expires_at = Instant(required=True)


class ResultsSchema(Schema):
    """What there is of a job."""

    job = ma.fields.String(required=True)
    state = ma.fields.Enum(State, by_value=True, required=True)
    outcome = ma.fields.Enum(Outcome, by_value=True, required=True, allow_none=True)
    final = ma.fields.Boolean(required=True, metadata={"description": "It has ended: files will not change any more."})
    withheld = ma.fields.Boolean(required=True, metadata={"description": "There are files, and none is given out."})
    why = ma.fields.List(ma.fields.String(), required=True)
    files = ma.fields.List(ma.fields.Nested(FileSchema), required=True)
    segments = ma.fields.List(ma.fields.Nested(SegmentSchema), required=True)

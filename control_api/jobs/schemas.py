"""What goes in and out of the calls on jobs."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from marshmallow import validate

from control_api.access.schemas import ClientId
from control_api.fields import Choice, Cursor, Few, Instant, Schema, Seconds, Text, Whole, about
from crawler.joblogs.lines import Level
from crawler.joblogs.places import MAX_CHARACTERS
from crawler.jobs.model import Intended, Outcome, Priority, State
from crawler.jobs.outcomes import FAILURES
from crawler.jobs.store_contract import MAX_PAGE

MAX_WORKERS: Final = 100
MAX_FAILURES: Final = 1000
MAX_TAGS: Final = 20
MAX_RECIPE_CHARACTERS: Final = 512 * 1024
MAX_LINK_S: Final = 3600
DEFAULT_LINK_S: Final = 900

#: Records of logs in an answer.
MAX_RECORDS: Final = 1000
DEFAULT_RECORDS: Final = 200

_LINE: Final = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,200}"

_PLACES: Final = "lQHEBAAAAADPAAABoNxPYADEBAAAAACRzQEA"
_TEXT: Final = (
    "2026-11-29 12:00:01 [scrapy.core.scraper] ERROR: Spider error processing <GET https://shop.example/p/17>"
)

#: What an example of a job that runs has where nothing is yet.
_NOT_YET: Final = {"x_example_null": True}

_JOB_ID: Final = "mvb2qk7d5xw3o4n6rj5f7a2zle"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_URL: Final = "https://files.example/crawlery/alice/mvb2qk7d5xw3o4n6rj5f7a2zle/product.csv?X-Amz-Signature=..."


class RecipeName(Text):
    """NAME, or NAME@VERSION."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            "[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(@[A-Za-z0-9._+-]{1,40})?", error="must be NAME or NAME@VERSION", **kwargs
        )


class Tag(Text):
    """A word that jobs are found by."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            r"[^\u0000- \u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff,]{1,64}",
            error="must be one word of at most 64 characters, without commas",
            **kwargs,
        )


class LimitsSchema(Schema):
    """What a job may use at most; what is left out has no limit."""

    requests = Whole(least=1, metadata=about("Pages fetched.", 1000))
    items = Whole(least=1, metadata=about("Rows kept.", 50000))
    duration_s = Seconds(metadata=about("Seconds from its first page to the end of its last.", 3600))
    queue_timeout_s = Seconds(metadata=about("It must have begun so many seconds after it was accepted.", 900))


class JobOrderSchema(Schema):
    """A job to be made: of a recipe by name, or of one as text."""

    recipe = RecipeName(
        metadata=about("NAME of a recipe; or NAME@VERSION, to be refused when it has another version.", "shop")
    )
    recipe_text = ma.fields.String(
        validate=validate.Length(1, MAX_RECIPE_CHARACTERS),
        metadata=about("A recipe as YAML, in place of a name. Needs the scope recipes:inline."),
    )
    inputs = ma.fields.Dict(
        keys=ma.fields.String(validate=validate.Length(1, 100)),
        values=ma.fields.Raw(allow_none=True),
        load_default=dict,
        metadata=about(
            "Inputs by name; `GET /v1/recipes/NAME` has their schema. Whole numbers in them have up to 64 bits.",
            {"site": "https://shop.example"},
        ),
    )
    priority = Choice(
        Priority,
        load_default=Priority.NORMAL,
        metadata=about(
            "Which of this client's jobs gets workers first; idle ones run only when nothing else waits.", "normal"
        ),
    )
    max_workers = Whole(
        least=1, most=MAX_WORKERS, load_default=1, metadata=about("Processes that may work on it at once.", 2)
    )
    limits = ma.fields.Nested(LimitsSchema, load_default=dict, metadata=about("What the job may use at most."))
    tags = Few(
        Tag(),
        most=MAX_TAGS,
        load_default=list,
        metadata=about("Words to find it by.", ["monday"]),
    )

    @ma.validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_recipe(self, data: dict[str, Any], original: Any, **kwargs: Any) -> None:
        _ = data, kwargs
        if isinstance(original, dict) and ("recipe" in original) == ("recipe_text" in original):
            raise ma.ValidationError("give either recipe or recipe_text")


class LinksSchema(Schema):
    """Where more of a job is found: paths of this API."""

    self = ma.fields.String(required=True, metadata=about("The job.", f"/v1/jobs/{_JOB_ID}"))
    failures = ma.fields.String(required=True, metadata=about("Pages that failed.", f"/v1/jobs/{_JOB_ID}/failures"))
    logs = ma.fields.String(required=True, metadata=about("What its workers say.", f"/v1/jobs/{_JOB_ID}/logs"))
    results = ma.fields.String(required=True, metadata=about("Its files.", f"/v1/jobs/{_JOB_ID}/results"))
    quality = ma.fields.String(
        required=True, metadata=about("What it was judged by, once it has ended.", f"/v1/jobs/{_JOB_ID}/quality")
    )


class ReplayOrderSchema(Schema):
    """Which pages of a job are to be fetched again."""

    outcome = ma.fields.String(
        required=True, validate=validate.OneOf(FAILURES), metadata=about("Those that came to this.", "http_5xx")
    )


class ReplaySchema(Schema):
    """What a job fetches again of another one."""

    job = ma.fields.String(required=True, metadata=about("The job whose pages they are.", _JOB_ID))
    outcome = ma.fields.String(required=True, metadata=about("What they came to there.", "http_5xx"))


class JobAcceptedSchema(Schema):
    """A job as it was accepted. The same for every repetition of the call."""

    id = ma.fields.String(
        required=True, metadata=about("Names the job in paths, and in the keys of its files.", _JOB_ID)
    )
    client = ma.fields.String(required=True, metadata=about("Whose it is.", "alice"))
    state = Choice(State, required=True, metadata=about("Where it is; queued when it was accepted.", "queued"))
    recipe = ma.fields.String(
        required=True, metadata=about("Name of the recipe; may be empty for one as text.", "shop")
    )
    recipe_sha256 = ma.fields.String(
        required=True,
        metadata=about("SHA-256 of the recipe's text, in hexadecimal; empty for a spider without a recipe.", _SHA256),
    )
    priority = Choice(Priority, required=True, metadata=about("As it was ordered.", "normal"))
    max_workers = ma.fields.Integer(required=True, metadata=about("Processes that may work on it at once.", 2))
    tags = ma.fields.List(ma.fields.String(), required=True, metadata=about("As they were given.", ["monday"]))
    replay = ma.fields.Nested(
        ReplaySchema,
        required=True,
        allow_none=True,
        metadata=about("What it fetches again of another job; null for one that begins anew.") | _NOT_YET,
    )
    created_at = Instant(required=True, metadata=about("When it was accepted."))
    links = ma.fields.Nested(LinksSchema, required=True, metadata=about("Where more of it is found."))


class AttemptSchema(Schema):
    """A process that has worked on a job."""

    node = ma.fields.String(required=True, metadata=about("Where it ran.", "node-1"))
    worker = ma.fields.String(required=True, metadata=about("Its name; empty before it is known.", "node-1-4711"))
    started_at = Instant(required=True, metadata=about("When it was started."))
    ended_at = Instant(required=True, allow_none=True, metadata=about("When its end was seen; null while it runs."))
    how = ma.fields.String(required=True, metadata=about("running, exit N, signal N, or lost with its node.", "exit 0"))


class ProgressSchema(Schema):
    """The books of a job: found = ready + delayed + leased + parked + settled."""

    found = ma.fields.Integer(required=True, metadata=about("Pages that were found, the first one included.", 120))
    settled = ma.fields.Integer(required=True, metadata=about("Pages that have come to an outcome.", 100))
    ready = ma.fields.Integer(required=True, metadata=about("Pages that can be fetched now.", 12))
    delayed = ma.fields.Integer(required=True, metadata=about("Pages that wait for another try.", 2))
    leased = ma.fields.Integer(required=True, metadata=about("Pages that are in work.", 6))
    parked = ma.fields.Integer(
        required=True, metadata=about("Pages that no worker so far can read; `why` says what they wait for.", 0)
    )
    failed = ma.fields.Integer(required=True, metadata=about("Settled pages with an outcome that is a failure.", 1))
    retries = ma.fields.Integer(required=True, metadata=about("How often a page was tried again.", 3))
    rows = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata=about("Rows kept, by item.", {"product": 88}),
    )
    outcomes = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata=about("Settled pages, by outcome.", {"ok": 99, "http_404": 1}),
    )
    pages_per_s = ma.fields.Float(
        required=True, allow_none=True, metadata=about("Pages settled a second since it began; null before.", 8.25)
    )
    eta_s = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata=about(
            "Seconds that the pages known by now will take; more may be found. Null if it does not run.", 2.4
        ),
    )


class JobSummarySchema(JobAcceptedSchema):
    """A job and how far it has come."""

    state = Choice(State, required=True, metadata=about("Where it is. The last four are its end.", "running"))
    spider = ma.fields.String(required=True, metadata=about("Name of a spider that is no recipe; else empty.", ""))
    inputs = ma.fields.Dict(
        required=True,
        metadata=about("Inputs of the recipe by name, defaults included.", {"site": "https://shop.example"}),
    )
    limits = ma.fields.Nested(LimitsSchema, required=True, metadata=about("What it may use at most."))
    intended = Choice(
        Intended,
        required=True,
        allow_none=True,
        metadata=about("What it will come to once its files are made; null while it takes pages.") | _NOT_YET,
    )
    outcome = Choice(
        Outcome,
        required=True,
        allow_none=True,
        metadata=about("What its files are worth; null before its end.") | _NOT_YET,
    )
    why = ma.fields.String(
        required=True,
        metadata=about(
            "What it waits for, or how it came to its state, in a sentence; may be empty.",
            "the site asked to wait until 12:01:05",
        ),
    )
    started_at = Instant(required=True, allow_none=True, metadata=about("When it began; null before."))
    finishing_at = Instant(
        required=True, allow_none=True, metadata=about("Since when it takes no more pages; null before.") | _NOT_YET
    )
    finished_at = Instant(
        required=True, allow_none=True, metadata=about("When it came to its end; null before.") | _NOT_YET
    )


class JobSchema(JobSummarySchema):
    """A job with its books and its workers."""

    progress = ma.fields.Nested(ProgressSchema, required=True, metadata=about("The books of its pages and rows."))
    attempts = ma.fields.List(
        ma.fields.Nested(AttemptSchema),
        required=True,
        metadata=about("Processes that have worked on it; the newest 500 are kept."),
    )


class JobListQuerySchema(Schema):
    """Which jobs a list has."""

    state = ma.fields.List(
        Choice(State), load_default=list, metadata=about("Jobs in this state; repeat it for several.", ["running"])
    )
    outcome = ma.fields.List(
        Choice(Outcome),
        load_default=list,
        metadata=about("Jobs with this outcome; repeat it for several.", ["complete"]),
    )
    recipe = RecipeName(metadata=about("Jobs of this recipe, by name.", "shop"))
    tag = Tag(metadata=about("Jobs with this tag.", "monday"))
    client = ClientId(
        metadata=about("Jobs of this client. Keys with the scope admin see those of all without it; others their own.")
    )
    created_after = Instant(metadata=about("Jobs accepted after this time."))
    created_before = Instant(metadata=about("Jobs accepted before this time."))
    limit = Whole(least=1, most=MAX_PAGE, load_default=50, metadata=about("Jobs on a page, at most.", 50))
    cursor = Cursor()


class JobListSchema(Schema):
    """A page of a list, the newest first. It may be short, even empty, and still have a `next`."""

    jobs = ma.fields.List(ma.fields.Nested(JobSummarySchema), required=True, metadata=about("The newest first."))
    next = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("`cursor` of the next page; null on the last.", "WzEsIjhhMGM5ZTU0NzFlYzJhMDQiLCIwMTk5Il0"),
    )


class FailuresQuerySchema(Schema):
    """Which failures are wanted."""

    outcome = ma.fields.String(
        validate=validate.OneOf(FAILURES), metadata=about("Pages that came to this.", "http_404")
    )
    limit = Whole(
        least=1, most=MAX_FAILURES, load_default=MAX_FAILURES, metadata=about("Pages in the answer, at most.", 100)
    )
    cursor = Text(
        "[0-9]{1,15}-[0-9]{1,9}",
        least=3,
        most=25,
        error="is no cursor of this list",
        metadata=about("`next` of the answer before, with the same outcome."),
    )


class FailureSchema(Schema):
    """A page that failed."""

    url = ma.fields.String(required=True, metadata=about("Of the page.", "https://shop.example/p/17"))
    outcome = ma.fields.String(required=True, metadata=about("What it came to.", "http_404"))
    reason = ma.fields.String(required=True, metadata=about("More of it, for people; may be empty.", "404 Not Found"))


class FailuresSchema(Schema):
    """Pages that failed: how many of each outcome, and some of them by URL."""

    total = ma.fields.Integer(required=True, metadata=about("Pages that failed.", 1))
    outcomes = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata=about("Settled pages by outcome, harmless ones included.", {"ok": 99, "http_404": 1}),
    )
    failures = ma.fields.List(
        ma.fields.Nested(FailureSchema),
        required=True,
        metadata=about("In the order in which they came; the newest 10,000 or so of a job are kept."),
    )
    next = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("`cursor` of those behind them; null on the last page.", "1790000000000-0"),
    )


class Place(Text):
    """Where a reader of logs is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("[A-Za-z0-9_-]+", least=1, most=MAX_CHARACTERS, error="is no place in these logs", **kwargs)


class LogsQuerySchema(Schema):
    """Which records are wanted."""

    level = Choice(Level, load_default=Level.DEBUG, metadata=about("Records of this level or a higher one.", "warning"))
    text = Text(
        _LINE,
        least=1,
        most=200,
        error="must be a text on one line",
        metadata=about("Records that have this text, upper and lower case alike.", "timeout"),
    )
    worker = Text(
        _LINE,
        least=1,
        most=200,
        error="must be a text on one line",
        metadata=about("Records of the worker, or of the workers of the node, that is called so.", "node-1"),
    )
    limit = Whole(
        least=1,
        most=MAX_RECORDS,
        load_default=DEFAULT_RECORDS,
        metadata=about("Records in the answer, at most.", DEFAULT_RECORDS),
    )
    before = Place(metadata=about("`earlier` of an answer: the records before those."))
    after = Place(metadata=about("`next` of an answer: the records that have come since. Not together with `before`."))


class LogRecordSchema(Schema):
    """What a worker has logged: a line, and those that belong to it, such as a traceback."""

    node = ma.fields.String(required=True, metadata=about("Where it ran.", "node-1"))
    worker = ma.fields.String(required=True, metadata=about("Who has logged it.", "node-1/4711/5ea7ab12cd34ef56"))
    level = Choice(Level, required=True, metadata=about("Its level.", "error"))
    text = ma.fields.String(required=True, metadata=about("As it was written, by the clock of its node.", _TEXT))


class LogsSchema(Schema):
    """Records in the order of their times. There may be fewer than were asked for, and others before them."""

    records = ma.fields.List(
        ma.fields.Nested(LogRecordSchema), required=True, metadata=about("In the order of their times.")
    )
    earlier = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            "`before` of the call for those before these; null if there are none, or with `after`.", _PLACES
        ),
    )
    next = ma.fields.String(
        required=True, metadata=about("`after` of a later call, for what will have come by then.", _PLACES)
    )


class ResultsQuerySchema(Schema):
    """How long links are to live."""

    expires_s = Whole(
        least=1,
        most=MAX_LINK_S,
        load_default=DEFAULT_LINK_S,
        metadata=about("Seconds that the links work.", DEFAULT_LINK_S),
    )


class FileSchema(Schema):
    """A file of a job that has ended."""

    name = ma.fields.String(required=True, metadata=about("To save it under.", "product.csv"))
    item = ma.fields.String(required=True, metadata=about("Whose rows it holds.", "product"))
    format = ma.fields.String(required=True, metadata=about("csv, tsv, jsonl or parquet.", "csv"))
    content_type = ma.fields.String(required=True, metadata=about("As it will be served.", "text/csv; charset=utf-8"))
    columns = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("Names of its columns, in order.", ["url", "title", "price"])
    )
    rows = ma.fields.Integer(required=True, metadata=about("Rows in it.", 88))
    size_bytes = ma.fields.Integer(required=True, metadata=about("Its size.", 18211))
    sha256 = ma.fields.String(required=True, metadata=about("SHA-256 of its bytes, in hexadecimal.", _SHA256))
    url = ma.fields.String(required=True, metadata=about("A link that needs no key until it expires.", _URL))
    expires_at = Instant(required=True, metadata=about("When the link stops working."))


class SegmentSchema(Schema):
    """A piece of the rows of a job that runs: JSON Lines, packed with zstd."""

    name = ma.fields.String(required=True, metadata=about("To save it under.", f"{_JOB_ID}-000001.jsonl.zst"))
    rows = ma.fields.Integer(required=True, metadata=about("Rows in it, of all items.", 1000))
    size_bytes = ma.fields.Integer(required=True, metadata=about("Its size.", 52110))
    url = ma.fields.String(required=True, metadata=about("A link that needs no key until it expires.", _URL))
    expires_at = Instant(required=True, metadata=about("When the link stops working."))


class PublicationSchema(Schema):
    """Who has published files that were withheld, and why."""

    at = Instant(required=True, metadata=about("When."))
    by = ma.fields.String(required=True, metadata=about("The client whose key was used, or user and machine.", "alice"))
    key = ma.fields.String(required=True, metadata=about("Id of the key; empty of a command.", "3fA9bC2d"))
    reason = ma.fields.String(
        required=True, metadata=about("In the words of that person.", "the shop has really sold half of its range")
    )


class ResultsSchema(Schema):
    """What there is of a job."""

    job = ma.fields.String(required=True, metadata=about("Id of the job.", _JOB_ID))
    state = Choice(State, required=True, metadata=about("Where the job is.", "succeeded"))
    outcome = Choice(
        Outcome,
        required=True,
        allow_none=True,
        metadata=about("What the files are worth; null before the end.", "complete"),
    )
    final = ma.fields.Boolean(required=True, metadata=about("The job has ended: its files change no more.", True))
    withheld = ma.fields.Boolean(
        required=True, metadata=about("There are rows, but nobody gets them: they are not what was asked for.", False)
    )
    published = ma.fields.Nested(
        PublicationSchema,
        required=True,
        allow_none=True,
        metadata=about("Who has published files that were withheld; null if nobody had to.") | _NOT_YET,
    )
    why = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("What explains it, in sentences; may be empty.", [])
    )
    files = ma.fields.List(
        ma.fields.Nested(FileSchema), required=True, metadata=about("Files of a job that has ended.")
    )
    segments = ma.fields.List(
        ma.fields.Nested(SegmentSchema),
        required=True,
        metadata=about("Pieces of a job that runs; a piece may hold rows that the files will not.", []),
    )

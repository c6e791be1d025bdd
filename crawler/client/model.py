"""What the control API says, as values: jobs, results, recipes, keys. Only shapes; how they travel is `connection`.

An answer may have more fields than are named here: they are passed over, so an older client understands a newer API.
Words such as states are texts for the same reason. Times are UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

#: States in which a job stays.
ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "expired"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a job may use at most; None = no limit of its own."""

    requests: int | None = None
    items: int | None = None
    duration_s: float | None = None
    queue_timeout_s: float | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is: pages, rows by item, outcomes of pages by name."""

    found: int = 0
    settled: int = 0
    ready: int = 0
    delayed: int = 0
    leased: int = 0
    parked: int = 0
    failed: int = 0
    retries: int = 0
    rows: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    pages_per_s: float | None = None
    eta_s: float | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One process that has worked on a job; `how` says how it ended, or that it runs."""

    node: str = ""
    worker: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    how: str = ""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a job fetches again: pages of another one, by what they came to there."""

    job: str
    outcome: str


class JobAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submit. `is_replayed`: the same order had made the job before (from a header, not the body)."""

    id: str
    client: str = ""
    recipe: str | None = None
    recipe_sha256: str = ""
    priority: str = "normal"
    max_workers: int = 1
    tags: tuple[str, ...] = ()
    replay: Replay | None = None
    created_at: datetime | None = None
    state: str = "queued"
    links: dict[str, str] = {}
    is_replayed: bool = False


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job. Lists and answers to pause, resume and cancel leave `progress` and `attempts` out."""

    id: str
    client: str = ""
    state: str
    intended: str | None = None
    outcome: str | None = None
    why: str | None = None
    recipe: str | None = None
    recipe_sha256: str | None = None
    spider: str | None = None
    inputs: dict[str, Any] = {}
    priority: str = "normal"
    max_workers: int = 1
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    replay: Replay | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finishing_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress | None = None
    attempts: tuple[Attempt, ...] | None = None
    links: dict[str, str] = {}

    @property
    def has_ended(self) -> bool:
        """Whether its state is the last one."""
        return self.state in ENDED


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a watcher of a job is told: a change of its state, or how far it is.

    `id` is where to go on behind it. `kind` is `state`, with `intended`, `outcome` and `at`; or `progress`, with `why`
    and `progress`.
    """

    id: str = ""
    kind: str = ""
    state: str = ""
    intended: str | None = None
    outcome: str | None = None
    at: datetime | None = None
    why: str | None = None
    progress: Progress | None = None

    @property
    def is_end(self) -> bool:
        """Whether it tells the end of the job: nothing comes behind it."""
        return self.kind == "state" and self.state in ENDED


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, the newest first; `next` is the cursor of the page behind it, None on the last one."""

    jobs: tuple[Job, ...] = ()
    next: str | None = None


class PageFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A page that could not be read."""

    url: str | None = None
    outcome: str = ""
    reason: str | None = None


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of a job that could not be read; `total` counts all, `next` is the cursor of the page behind this one."""

    outcomes: dict[str, int] = {}
    failures: tuple[PageFailure, ...] = ()
    total: int = 0
    next: str | None = None


class LogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker has logged: a line, and those that belong to it."""

    node: str = ""
    worker: str = ""
    level: str = ""
    text: str = ""


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records in the order of their times; `earlier` leads to those before, `next` to those that come later.

    There may be none, and others before them all the same: `earlier` says.
    """

    records: tuple[LogRecord, ...] = ()
    earlier: str | None = None
    next: str = ""


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a job; `url` can be fetched until `expires_at` by whoever has it, without a key."""

    name: str
    format: str = ""
    content_type: str = ""
    item: str = ""
    export: str | None = None
    columns: tuple[str, ...] = ()
    rows: int = 0
    size_bytes: int = 0
    sha256: str = ""
    schema_version: int | None = None
    url: str | None = None
    expires_at: datetime | None = None


class ResultSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the rows of a job that runs: JSON lines, zstd."""

    name: str
    rows: int = 0
    size_bytes: int = 0
    url: str | None = None
    expires_at: datetime | None = None


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """Who has published files that were withheld, and why; `by` is a client, or user and machine."""

    at: datetime | None = None
    by: str = ""
    key: str = ""
    reason: str = ""
    job: str = ""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How often a field has a value: in `filled` of `places`."""

    item: str
    field: str
    places: int = 0
    filled: int = 0
    share: float | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of a job; shares are fractions."""

    rows: dict[str, int] = {}
    rejected: int = 0
    rejected_share: float = 0.0
    fetched: int = 0
    http_errors: dict[str, int] = {}
    http_error_share: float = 0.0
    coverage: tuple[Coverage, ...] = ()


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Where one figure should be; `low` and `high` are None where it may be anything."""

    figure: str
    runs: int = 0
    median: float = 0.0
    low: float | None = None
    high: float | None = None
    value: float | None = None
    kept: bool = True


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """What a job was compared with; `why` says why with nothing."""

    runs: int = 0
    minimum_runs: int = 0
    why: str = ""
    figures: tuple[Band, ...] = ()


class LearnedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next run of a recipe with the same inputs should be; `job` is the newest one with them."""

    series: str
    job: str = ""
    at: datetime | None = None
    bands: Bands = Bands()


class JobQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What a job was judged by; `published` says who has published files that were withheld."""

    job: str
    state: str = ""
    outcome: str = ""
    withheld: bool = False
    why: tuple[str, ...] = ()
    figures: Figures = Figures()
    bands: Bands = Bands()
    published: Publication | None = None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Files of a job that has ended (`final`), pieces of one that runs; neither while they are `withheld`.

    Rows are withheld until they are judged, and when they are not what the recipe asks for; `why` says how.
    """

    job: str
    state: str = ""
    outcome: str | None = None
    final: bool = False
    withheld: bool = False
    published: Publication | None = None
    why: tuple[str, ...] = ()
    files: tuple[ResultFile, ...] = ()
    segments: tuple[ResultSegment, ...] = ()


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe that jobs can name; `origin` is `client` or `deployment`."""

    name: str
    version: str = ""
    description: str | None = None
    sha256: str = ""
    labels: dict[str, str] = {}
    origin: str = "deployment"


class RecipeDetail(Recipe, frozen=True, kw_only=True):
    """A recipe with its text, the JSON Schema of its inputs, those of its items by name, and its exports.

    `pages_url` is a link to the archive of its saved pages, which works for a while without a key.
    """

    state: str = "current"
    text: str = ""
    inputs: dict[str, Any] = {}
    items: dict[str, Any] = {}
    exports: Any = None
    pages_sha256: str | None = None
    pages_url: str | None = None


class RecipeTest(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one test of a recipe."""

    page: str = ""
    snapshot: str = ""
    passed: bool = False
    problems: tuple[str, ...] = ()


class RecipeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the check of a version has found; `untested` are page types without a test."""

    problems: tuple[str, ...] = ()
    tests: tuple[RecipeTest, ...] = ()
    untested: tuple[str, ...] = ()


class RecipeVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a recipe: `state` is `checking`, `current`, `passed`, `rejected` or `untested`."""

    name: str
    version: str
    state: str
    sha256: str = ""
    pages_sha256: str | None = None
    pushed_at: datetime | None = None
    checked_at: datetime | None = None
    report: RecipeReport = RecipeReport()

    @property
    def is_checked(self) -> bool:
        """Whether its check has ended."""
        return self.state != "checking"


class WrongInput(msgspec.Struct, frozen=True, kw_only=True):
    """An input that does not fit a recipe: where it stands, and what is wrong with it."""

    pointer: str
    message: str


class RecipeValidation(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the text of a recipe, and with inputs for it."""

    valid: bool
    name: str = ""
    problems: tuple[str, ...] = ()
    input_problems: tuple[WrongInput, ...] = ()


class RecipePreview(msgspec.Struct, frozen=True, kw_only=True):
    """What one page gives, and why not more. Rows, fields and the like are as the API says them."""

    page: str
    url: str
    status: int = 200
    size_bytes: int = 0
    kind: str = ""
    encoding: str = ""
    outcome: str = ""
    error: str = ""
    cause: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    rows_found: int = 0
    rejects: tuple[dict[str, Any], ...] = ()
    rejects_found: int = 0
    links: tuple[dict[str, Any], ...] = ()
    next: str | None = None
    fields: tuple[dict[str, Any], ...] = ()
    misses: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


class RecipeDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What two versions of a recipe make of the same saved pages. Figures and differences are as the API says them."""

    old: dict[str, Any]
    new: dict[str, Any]
    same: bool = False
    pages: int = 0
    pages_changed: int = 0
    pages_absent: tuple[str, ...] = ()
    items: dict[str, dict[str, Any]] = {}
    differences: tuple[dict[str, Any], ...] = ()
    left_out: int = 0


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the fleet: `running` of its `slots` have work."""

    name: str
    url: str | None = None
    slots: int = 0
    running: int = 0
    is_draining: bool = False
    version: str | None = None
    started_at: datetime | None = None


class Quotas(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may use; None = as much as there is."""

    running_jobs: int | None = None
    jobs_per_day: int | None = None
    requests_per_day: int | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key it is, what it may do, and how much of its quotas is used, by name."""

    client: str
    key_id: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    rate_limit: str | None = None
    quotas: Quotas = Quotas()
    usage: dict[str, int | float | None] = {}


class ClientAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A client of the API: whose jobs and keys they are. `rate_limit` "" is that of the deployment."""

    id: str
    name: str = ""
    quotas: Quotas = Quotas()
    rate_limit: str | None = None
    disabled: bool = False
    created_at: datetime | None = None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key; the key itself was told once."""

    id: str
    client: str = ""
    scopes: tuple[str, ...] = ()
    note: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class NewKey(ApiKey, frozen=True, kw_only=True):
    """A key that was just made. `key` is secret and is never told again; `repr` leaves it out."""

    key: str

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r}, client={self.client!r}, scopes={self.scopes!r})"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was changed, or issued, and by whom. `number` is None for the moment until it is sealed."""

    id: str
    number: int | None = None
    at: datetime
    action: str
    object: str = ""
    client: str = ""
    by: str = ""
    actor: str = ""
    key: str = ""
    source: str = ""
    request_id: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, the newest first; `next` is the cursor of the next page, None on the last."""

    entries: tuple[AuditEntry, ...] = ()
    next: str | None = None


class AuditFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with entries `first` to `last`, by number."""

    kind: str
    first: int = 0
    last: int = 0
    why: str = ""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification has found: nothing if it is `whole`. Anchors vouch for entries up to `anchored`."""

    whole: bool
    sealed: int = 0
    anchored: int = 0
    unsealed: int = 0
    findings: tuple[AuditFinding, ...] = ()
    unnamed: int = 0


class ReadyPart(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the API needs: `store`, `storage` or `nodes`; `state` is `ok`, `failed` or `unknown`."""

    name: str
    state: str = ""
    reason: str | None = None


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether jobs can be taken and run."""

    ready: bool
    parts: tuple[ReadyPart, ...] = ()


def to_json(value: msgspec.Struct | dict[str, Any]) -> bytes:
    """The value as the API writes it: JSON, times in UTC with milliseconds."""
    return msgspec.json.encode(_with_times(msgspec.to_builtins(value, builtin_types=(datetime,))))


def time_text(value: datetime) -> str:
    """`2026-01-02T03:04:05.678Z`; a time without a zone is one of UTC."""
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _with_times(value: Any) -> Any:
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, dict):
        return {name: _with_times(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_with_times(member) for member in value]
    return value

"""The checked plan: what a recipe's YAML becomes, ready to run on pages.

Every value is frozen and compiled (selectors, regexes, templates, steps), so that a plan that exists is a plan that can
run. `loader` builds it, `extract` runs it, the Scrapy side reads its `fetch` and `limits`. It knows nothing of YAML
positions: whatever can be wrong was reported before a plan existed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from msgspec import Struct, field

from crawler.recipe.moments import moment_of
from crawler.recipe.row_files import CsvFormat
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from crawler.recipe.cells import Cell
    from crawler.recipe.contract import ItemContract
    from crawler.recipe.incremental import Incremental
    from crawler.recipe.inputs import InputSchema
    from crawler.recipe.quality_plan import Quality
    from crawler.recipe.queries import CssQuery, Query
    from crawler.recipe.regex import Regex
    from crawler.recipe.session_plan import Session
    from crawler.recipe.sitemap_place import SitemapPlace
    from crawler.recipe.steps import Step
    from crawler.recipe.template import Template, ValueTemplate

ParseKind: TypeAlias = Literal["html", "json", "xml", "text", "csv", "jsonl"]
ExportFormat: TypeAlias = Literal["csv", "tsv", "jsonl", "parquet"]

#: The files of each item, of a recipe that names none.
DEFAULT_FORMATS: Final[tuple[ExportFormat, ...]] = ("csv", "jsonl")

# --- sources: where a rule reads -------------------------------------------------------------------------------------


class QuerySource(Struct, frozen=True, kw_only=True):
    """`css:`, `xpath:` or `jmespath:`; bound to the row, or to the page source named by the rule's `from`."""

    query: Query


class MetaSource(Struct, frozen=True, kw_only=True):
    """`meta:` - the `content` of `<meta name=...>`, `property=...`, `itemprop=...` or `http-equiv=...`."""

    name: str


class NodeSource(Struct, frozen=True, kw_only=True):
    """`jsonld:` or `microdata:` - the nodes of a type in what the page says about itself. `raw`: as they are there."""

    syntax: Literal["jsonld", "microdata"]
    type: str
    raw: bool = False


class ResponseSource(Struct, frozen=True, kw_only=True):
    """`response:` - `url`, `request_url`, `status`, `encoding`, `text` or `headers.NAME`."""

    attribute: str


class ConstSource(Struct, frozen=True, kw_only=True):
    """`const:` - a value written in the recipe."""

    value: Value


class TemplateSource(Struct, frozen=True, kw_only=True):
    """`template:` - or a string rule that is a `{{ }}` template."""

    template: Template


class PrecedingSource(Struct, frozen=True, kw_only=True):
    """`preceding:` in a row - the nearest element before the row that matches `css`, and a rule read inside it."""

    css: CssQuery
    value: RuleNode


class TableSource(Struct, frozen=True, kw_only=True):
    """`table:` in a table row - the cell under the column whose header text is `header`."""

    header: str


Source: TypeAlias = (
    QuerySource
    | MetaSource
    | NodeSource
    | ResponseSource
    | ConstSource
    | TemplateSource
    | PrecedingSource
    | TableSource
)

# --- rules -----------------------------------------------------------------------------------------------------------


class Condition(Struct, frozen=True, kw_only=True):
    """`when`, `while`, `drop_if`, `blocked_if`: true if the rule's value holds (see `values.holds`)."""

    rule: RuleNode


class FollowUp(Struct, frozen=True, kw_only=True):
    """`request:` of a rule: one more request for the row, and what its answer is (None: by Content-Type)."""

    spec: RequestSpec
    parse: ParseKind | None


class Take(Struct, frozen=True, kw_only=True):
    """One source and what is done with what it gives: the leaf of every rule."""

    source: Source
    from_: str | None = None
    as_: Literal["text", "html", "count"] = "text"
    remove: tuple[CssQuery, ...] = ()
    all: bool = False
    process: tuple[Step, ...] = ()
    when: Condition | None = None
    default: Value = MISSING  # a Template is rendered; here and in AnyOf, UnionOf
    request: FollowUp | None = None  # the source reads the answer to this request, not the page


class AnyOf(Struct, frozen=True, kw_only=True):
    """Alternatives: the first member whose result is not missing wins. A YAML list, or `any:`."""

    members: tuple[RuleNode, ...]
    all: bool = False
    process: tuple[Step, ...] = ()
    when: Condition | None = None
    default: Value = MISSING


class UnionOf(Struct, frozen=True, kw_only=True):
    """`union:` - the values of all members in one list, missing ones left out."""

    members: tuple[RuleNode, ...]
    process: tuple[Step, ...] = ()
    when: Condition | None = None
    default: Value = MISSING


class RowSelector(Struct, frozen=True, kw_only=True):
    """`each:` - what makes rows. Element matches become rows of the tree, other values become JSON rows.

    Only `source`, `from_`, `remove` and `process` of the take count; `process` turns matches into values first.

    With `parse` each value is text that is parsed on its own (HTML inside JSON).
    """

    take: Take
    parse: ParseKind | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)  # a Struct compares all that it has
class Rows:
    """One row per match of `each`, or one row for the whole scope without it. A field may itself be `Rows`."""

    each: RowSelector | None
    fields: Mapping[str, RuleNode]  # in evaluation order: what a template refers to comes first
    drop_if: Condition | None = None
    when: Condition | None = None
    cartesian: str | None = None  # `else: {cartesian: FIELD}`: rows from the options of a sibling field
    later: frozenset[str] = frozenset()  # fields of a page's row that need the answers to its follow-up requests
    # Of all fields but those of `later`.
    cells: tuple[Cell, ...] = dataclasses.field(default=(), compare=False, repr=False)


RuleNode: TypeAlias = Take | AnyOf | UnionOf | Rows

# --- pages -----------------------------------------------------------------------------------------------------------


class PageSource(Struct, frozen=True, kw_only=True):
    """`sources: NAME` - a value of the page parsed once and addressed by `from: NAME`."""

    name: str
    rule: RuleNode
    parse: ParseKind | None
    csv: CsvFormat = field(default_factory=CsvFormat)
    in_lines: bool = False  # the rule gives HTML, of which the text is read with its line breaks


class Follow(Struct, frozen=True, kw_only=True):
    """Links of a page, with what is carried along to the page type they lead to."""

    links: RuleNode
    each: RowSelector | None = None
    allow: tuple[Regex, ...] = ()
    deny: tuple[Regex, ...] = ()
    carry: Mapping[str, RuleNode] = field(default_factory=dict)
    page: str | None = None  # None: routed by `match` of the page types
    when: Condition | None = None


class Paginate(Struct, frozen=True, kw_only=True):
    """How a list goes on. `next` and `cursor` need the page; `param` and `offset` can step over a lost one."""

    kind: Literal["next", "param", "offset", "cursor"]
    link: RuleNode | None = None  # next: the link; cursor: the cursor's value
    param: str = ""  # the query parameter that `param`, `offset` and `cursor` set
    start: int = 1
    step: int = 1
    total: RuleNode | None = None  # offset: stop when this many rows are behind us
    while_: Condition | None = None
    max_pages: int = 1000
    append: tuple[str, ...] = ()


class Retry(Struct, frozen=True, kw_only=True):
    """`fetch.retry`. Waits grow from `backoff_min_s` to `backoff_max_s`, doubling, with jitter."""

    times: int = 3
    statuses: frozenset[int] = frozenset({408, 429, 500, 502, 503, 504})
    network_errors: bool = True
    backoff_min_s: float = 1.0
    backoff_max_s: float = 60.0
    respect_retry_after: bool = True


class Fetch(Struct, frozen=True, kw_only=True):
    """How a page is requested. A page's own `fetch` is already merged over the recipe's."""

    headers: Mapping[str, Template] = field(default_factory=dict)
    encoding: str | None = None  # None = auto: BOM, HTTP charset, meta
    timeout_s: float | None = None
    retry: Retry = field(default_factory=Retry)


class Page(Struct, frozen=True, kw_only=True):
    """A page type: what a callback is to a spider."""

    name: str
    parse: ParseKind | None  # None: by Content-Type
    match: tuple[Regex, ...]
    fetch: Fetch
    drop_if: Condition | None
    sources: Mapping[str, PageSource]
    follow: tuple[Follow, ...]
    paginate: Paginate | None
    item: str | None
    rows: Rows | None  # set exactly when `item` is
    csv: CsvFormat = field(default_factory=CsvFormat)
    namespaces: Mapping[str, str] = field(default_factory=dict)  # of its XML: addresses by prefix
    session: bool = True  # requested as by somebody who is logged in, where the recipe says how
    blocked_if: tuple[Condition, ...] = ()  # the page keeps crawlers out if any holds; the recipe's own come first
    valid_if: Condition | None = None  # of the session: what every page of somebody who is logged in has
    xpath_documents: frozenset[str | None] = frozenset()  # page sources that XPath reads; None = the page


# --- start -----------------------------------------------------------------------------------------------------------


class RequestSpec(Struct, frozen=True, kw_only=True):
    """`start.request`: one HTTP request with its parts as templates."""

    url: Template
    method: str = "GET"
    query: Mapping[str, ValueTemplate] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    form: Mapping[str, ValueTemplate] | None = None
    json_body: ValueTemplate | None = None


class Sitemap(Struct, frozen=True, kw_only=True):
    """`start.sitemap`: sitemaps that are read for the pages they list."""

    urls: tuple[Template, ...]
    allow: tuple[Regex, ...] = ()
    deny: tuple[Regex, ...] = ()
    alternate_links: bool = False
    modified_since: Template | None = None  # renders to a date, a date with a time, or a duration
    last_run: bool = False  # the moment is the start of the last whole run


class Start(Struct, frozen=True, kw_only=True):
    """One entry of `start`: requests (one per combination of `for_each`) of one page type, or sitemaps that list it.

    `mirrors`: the requests are one, to several addresses; the first that answers counts.
    """

    requests: tuple[RequestSpec, ...]
    for_each: Mapping[str, ValueTemplate]
    page: str | None
    sitemap: Sitemap | None = None
    mirrors: bool = False

    @property
    def urls(self) -> tuple[Template, ...]:
        """All addresses that it names."""
        return tuple(spec.url for spec in self.requests) + (self.sitemap.urls if self.sitemap is not None else ())


# --- run-wide parts --------------------------------------------------------------------------------------------------


class Limits(Struct, frozen=True, kw_only=True):
    """`limits`. None = the deployment's own; a recipe can only be gentler than that."""

    obey_robots: bool | None = None
    delay_s: float | None = None
    concurrency_per_domain: int | None = None
    autothrottle: bool | None = None
    depth: int | None = None
    requests: ValueTemplate | None = None  # renders to an integer
    items: ValueTemplate | None = None  # renders to an integer
    duration_s: float | None = None
    stop_after_errors: int | None = None
    blocked_in_a_row: int | None = None


class Export(Struct, frozen=True, kw_only=True):
    """One file of a run."""

    name: str
    item: str
    format: ExportFormat
    join: Mapping[str, str] = field(default_factory=dict)  # `columns: {tags: {join: "|"}}`
    raw: bool = False  # True: no guard against spreadsheet formulas
    profile: str = "plain@1"  # see `crawler.recipe.profiles`
    gzip: bool = False
    changes: Literal["", "column", "file"] = ""  # how what has changed is shown

    @property
    def file(self) -> str:
        """Name of the file, with its ending."""
        return f"{self.name}.{self.format}" + (".gz" if self.gzip else "")


class RecipeTest(Struct, frozen=True, kw_only=True):
    """One entry of `tests`: a saved page and what must come out of it."""

    page: str
    snapshot: str  # relative to the recipe's folder of pages
    url: str
    expect: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    carried: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    content_type: str | None = None
    date: str | None = None  # when the page was sent, ISO 8601 with a zone
    answers: Mapping[str, str] = field(default_factory=dict)  # to follow-up requests: saved page by URL
    line: int = 0  # where it stands in the file, for reports


class Recipe(Struct, frozen=True, kw_only=True):
    """A whole recipe, checked and compiled."""

    name: str
    version: str
    description: str
    labels: Mapping[str, str]
    allowed_domains: tuple[Template, ...]
    inputs: InputSchema
    fetch: Fetch
    limits: Limits
    session: Session | None
    start: tuple[Start, ...]
    pages: Mapping[str, Page]
    items: Mapping[str, ItemContract]
    incremental: Incremental | None
    quality: Quality | None
    exports: tuple[Export, ...]
    tests: tuple[RecipeTest, ...]
    text: str  # as read, the child of `extends`
    resolved: str  # a text that means the same without its parents; `text` itself if it has none
    sha256: str  # of the text (and of the parent's, if any)
    path: Path | None = None
    blocked_if: tuple[Condition, ...] = ()  # of every page

    @property
    def snapshot_dir(self) -> Path | None:
        """The folder that holds the saved pages: `recipes/NAME/` beside `recipes/NAME.yaml`."""
        return None if self.path is None else self.path.with_suffix("")


# --- what goes in and comes out of one page --------------------------------------------------------------------------


class Chain(Struct, frozen=True, kw_only=True):
    """Where in a paginated list a request stands; travels with the request of each next page."""

    id: str  # names the list: hash of its first page
    number: int = 1  # 1 = the first page of the list
    value: int | str | None = None  # of the parameter that `param`, `offset` and `cursor` set
    rows: int = 0  # rows and links seen on the pages before, for `offset.total`
    lost: int = 0  # pages lost in a row just before this one
    pending: tuple[str, Mapping[str, Any]] | None = None  # with `append`: page 1's base URL and its row before coercion
    visited: tuple[int, ...] = ()  # with `append`: hashes of the URLs behind us


class OpenField(Struct, frozen=True, kw_only=True):
    """A field of a waiting row that has no value yet.

    Attributes:
        asks: the alternatives of its rule that are still to be asked for, in turn; of a rule without alternatives 0.
        otherwise: what the page itself gave behind the last of them, and the number of that alternative; or nothing.
    """

    asks: tuple[int, ...] = ()
    otherwise: tuple[Value, int] | tuple[()] = ()


class Waiting(Struct, frozen=True, kw_only=True):
    """A row that waits for the answer to a follow-up request, and travels with that.

    Attributes:
        url: of the page that the row is of.
        base_url: against which the links in its values are resolved.
        values: before coercion, without those that are missing.
        open: fields without a value yet.
        asked: names the request that it waits for; 0 for none yet.
        failures: of fields that are missing, the last failed step.
        gaps: of fields that are missing, why.
    """

    url: str
    base_url: str
    values: Mapping[str, Any]
    open: Mapping[str, OpenField]
    asked: int = 0
    failures: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)


class PageRequest(Struct, frozen=True, kw_only=True):
    """A request that a recipe wants made. `page` None = its type is found by `match` on the final URL."""

    url: str
    page: str | None
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    carried: Mapping[str, Any] = field(default_factory=dict)
    chain: Chain | None = None
    #: False where a row travels with the request, which must then never be filtered as a duplicate: the pages of an
    #: `append` chain, which watches for loops itself (`Chain.visited`), and follow-up requests.
    dedupe: bool = True
    waiting: Waiting | None = None  # of a follow-up request: the row that its answer completes; `page` is that row's
    sitemap: SitemapPlace | None = None  # the page is a sitemap of `start`, and `page` no page type
    mirrors: tuple[str, ...] = ()  # addresses that are asked in its place, one after the other, if it does not answer
    lastmod: str = ""  # what the sitemap that has listed it says of it, as written


class PageInput(Struct, frozen=True, kw_only=True):
    """One fetched page, as the engine needs it: bytes and url, and what is known about how they came."""

    request: PageRequest
    url: str  # final URL of the response
    body: bytes
    asked_url: str = ""  # before redirects, if there were any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answered_at(self) -> datetime | None:
        """When the site answered, as its `Date` header says; None if there is none that can be read."""
        written = self.headers.get("date")
        return None if written is None else moment_of(written)


class Row(Struct, frozen=True, kw_only=True):
    """A row that the contract has accepted: every field in contract order, None where missing."""

    item: str
    values: dict[str, Any]
    key: tuple[Any, ...] = ()  # values of the contract's `key`; empty without one
    gaps: Mapping[str, str] = field(default_factory=dict)  # of each missing field: why, as far as its rule can tell
    url: str = ""  # of the page that it is of, where that is not the one that gave it out


class Reject(Struct, frozen=True, kw_only=True):
    """A row that the contract refused, with the first reason for each field that broke a rule."""

    item: str
    url: str
    reasons: tuple[Reason, ...]
    values: dict[str, Any]  # as extracted


class Reason(Struct, frozen=True, kw_only=True):
    """Why a row was refused: `FIELD: RULE`, with a sentence."""

    field: str
    rule: str  # required, type, pattern, minimum, ..., check
    message: str


class FieldTrace(Struct, frozen=True, kw_only=True):
    """What happened to one field of one row: for `recipe try` and for alternative statistics."""

    path: str  # "price", "variants[].price"
    value: Value
    winner: int | None  # index of the alternative that won, 0-based; None = none
    matches: int  # matches of the winner, or of the last alternative tried
    source: str = ""  # the winner (or last tried) as written, e.g. `css: h1`
    failure: str | None = None  # last failed step: "step 2 (price): more than one amount"


class EmptyCause(Struct, frozen=True, kw_only=True):
    """Why a page gave nothing, as far as can be told from outside."""

    page: str
    selector: str  # as written; the longest part of it that matches is in `hint`
    status: int
    size_bytes: int
    hint: str = ""
    matches: int = 0  # of the selector; what it matched gave no link

    def sentence(self, pages: int = 1) -> str:
        """The line a person needs, for `pages` pages that failed in the same way."""
        where = f"{pages} page" if pages == 1 else f"{pages} pages"
        facts = f"status {self.status}, {self.size_bytes:,} bytes" + (f": {self.hint}" if self.hint else "")
        return f"{self.page}: `{self.selector}` matched {self.matches} on {where} ({facts})"


class PageResult(Struct, frozen=True, kw_only=True):
    """Everything that one page gave."""

    page: str
    outcome: Literal["ok", "dropped", "empty", "blocked"]  # blocked: only in tests, `extract_page` raises PageBlocked
    rows: tuple[Row, ...] = ()
    rejects: tuple[Reject, ...] = ()
    requests: tuple[PageRequest, ...] = ()
    next: PageRequest | None = None
    follow_ups: tuple[PageRequest, ...] = ()  # each with a row that waits for its answer
    #: Why the list ended here, if it did: "" | "last" | "while" | "total" | "max_pages" | "no_rows" | "loop"
    #: | "too_large" (the row of `append`, to go on to the next page)
    chain_end: str = ""
    stats: Mapping[str, int] = field(default_factory=dict)  # `recipe/...` counters to add up
    traces: tuple[FieldTrace, ...] = ()  # only when asked for
    #: 64-bit ids of what this page of a list shows (links and rows): a list that shows nothing new has stalled.
    marks: tuple[int, ...] = ()
    passed_over: tuple[PageRequest, ...] = ()  # entries of a sitemap that are too old, of an incremental recipe
    cause: EmptyCause | None = None  # for the first page of a list, or any other page, that shows nothing

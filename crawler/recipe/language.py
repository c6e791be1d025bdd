"""The recipe language of this version: every key, what it holds and what it is for, as one tree of shapes.

`RECIPE` is the root. Validation and the published JSON Schema (`language_schema`) both come from it, so a key that is
accepted is a key that is described. Keys of the language that this version does not have yet are named in `later`.
"""

from __future__ import annotations

from typing import Any

from crawler.recipe.diagnostics import one_of
from crawler.recipe.fields import FORMATS, TYPES
from crawler.recipe.inputs import RESERVED_NAMES
from crawler.recipe.language_rules import (
    CONDITION,
    EACH,
    PARSE,
    RULE,
    field_name,
    fields_key,
)
from crawler.recipe.quantities import duration_problem, duration_range_problem, percent_problem
from crawler.recipe.shape import (
    Anything,
    Boolean,
    ByKind,
    Choice,
    FirstOf,
    Integer,
    Key,
    ListOf,
    Named,
    NamedMap,
    Number,
    Schemas,
    Shape,
    Text,
    UserMap,
    Variants,
    one_or_list,
)

#: The `$id` of the published schema changes with this number.
SCHEMA_VERSION = 1

#: What `tests[].expect` says about the page rather than about a field of its first row.
EXPECT_KEYS = ("rows", "follow", "next", "rejects", "outcome")

#: Types of an input: what JSON can hold.
INPUT_TYPES = ("string", "integer", "number", "boolean", "array", "object")

_REGEX = Text(noun="a regular expression")
_TEMPLATE = Text(noun="text, with {{ }} where it depends on something")
_DURATION = Text(
    noun="a duration such as 30s",
    accepts=duration_problem,
    hint="write 500ms, 30s, 10m, 2h or 7d",
    pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$",
)
_DURATION_RANGE = Text(
    noun="a range such as 1s..60s",
    accepts=duration_range_problem,
    hint="write the shortest and the longest: 1s..60s",
    pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)\.\.[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$",
)
_COUNT = Integer(minimum=1)
_COUNT_OR_ZERO = Integer(minimum=0)


def _name_problem(name: str) -> str | None:
    word = name.replace("-", "").replace("_", "")
    if len(name) > 64:
        return "the name is longer than 64 characters"
    if not (word.isascii() and word.isalnum() and name == name.lower()) or not name[0].isalpha():
        return f"'{name}' is no name: use lower-case letters, digits, - and _, beginning with a letter"
    return None


def _input_problem(name: str) -> str | None:
    if name in RESERVED_NAMES:
        return f"the name '{name}' is reserved for the spider"
    return field_name(name)


def _version_problem(version: str) -> str | None:
    core, _, pre = version.partition("-")
    parts = core.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and str(int(part)) == part for part in parts):
        return f"'{version}' is no semantic version"
    if "-" in version and not all(part and part.replace("-", "").isalnum() for part in pre.split(".")):
        return f"'{version}' is no semantic version"
    return None


def _extends_problem(parent: str) -> str | None:
    name, at, major = parent.partition("@")
    if not at or _name_problem(name or "-") or not (major.isascii() and major.isdigit()):
        return f"'{parent}' is no parent recipe"
    return None


def _encoding_problem(name: str) -> str | None:
    if name == "auto":
        return None
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return f"'{name}' is no encoding"
    return None


# --- requests --------------------------------------------------------------------------------------------------------

_HEADERS = UserMap(value=_TEMPLATE, keys="name of a request header; its value may be a template")
_LATER_FETCH = ("render", "wait_for", "block", "actions", "cookies", "proxy")

_RETRY = NamedMap(
    keys=(
        Key("times", Integer(minimum=0, maximum=20), "How often a failed request is tried again (3)"),
        Key(
            "statuses",
            ListOf(member=Integer(minimum=100, maximum=599), noun="a list of HTTP statuses"),
            "HTTP statuses that are tried again (408, 429, 500, 502, 503, 504)",
        ),
        Key("network_errors", Boolean(), "Whether time-outs, resets and DNS errors are tried again (true)"),
        Key("backoff", _DURATION_RANGE, "Shortest and longest wait; each wait doubles the one before (1s..60s)"),
        Key("respect_retry_after", Boolean(), "Whether a Retry-After header sets the wait (true)"),
    )
)

FETCH = NamedMap(
    keys=(
        Key("headers", _HEADERS, "Headers sent with every request"),
        Key(
            "encoding",
            Text(noun="an encoding", accepts=_encoding_problem, hint="write auto, or a name: windows-1255"),
            "Encoding of the pages; auto (the default) asks BOM, HTTP header and meta in turn",
        ),
        Key("timeout", _DURATION, "Longest time for one request"),
        Key("retry", _RETRY, "What is tried again, how often and after which waits"),
    ),
    later=_LATER_FETCH,
)

_VALUES = UserMap(value=Anything(), keys="name of a parameter; a list repeats the name, templates are allowed")

_REQUEST = NamedMap(
    keys=(
        Key("url", _TEMPLATE, "URL of the request; templates allowed", required=True),
        Key(
            "method",
            Choice(values=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
            "HTTP method; GET, or POST when there is a `form` or `json`",
        ),
        Key("query", _VALUES, "Parameters added to the URL; a list repeats the name"),
        Key("headers", _HEADERS, "Headers of this request"),
        Key("form", _VALUES, "Body, sent as application/x-www-form-urlencoded"),
        Key("json", Anything(nullable=False), "Body, sent as application/json; templates allowed"),
    )
)

_FOR_EACH = UserMap(
    value=ByKind(
        noun="a list, or a template that gives one", scalar=_TEMPLATE, sequence=ListOf(member=Anything(nullable=False))
    ),
    keys="bare name that `urls` or `request` may use; one request per combination",
    name=field_name,
)
_START_SHARED = (
    Key("for_each", _FOR_EACH, "Names with the values they take in turn: one request per combination"),
    Key("page", Text(noun="the name of a page type"), "Page type that the responses are; without it `match` decides"),
)
_LATER_START = ("sitemap", "allow", "deny", "alternate_links", "modified_since")

_START = Variants(
    variants={
        "urls": NamedMap(
            keys=(Key("urls", one_or_list(_TEMPLATE), "URL or list of URLs; templates allowed"), *_START_SHARED),
            later=_LATER_START,
            elsewhere={"request": "an entry of `start` has `urls` or `request`: begin a new entry"},
        ),
        "request": NamedMap(
            keys=(Key("request", _REQUEST, "One request with method, query, headers and body"), *_START_SHARED),
            later=_LATER_START,
        ),
    },
    noun="an entry of `start`",
    later=_LATER_START,
)

# --- pages -----------------------------------------------------------------------------------------------------------

_REGEXES = one_or_list(_REGEX)

_FOLLOW = NamedMap(
    keys=(
        Key("links", RULE, "Where the links are: href of a/area/link, src of frame/iframe, or ::attr()", required=True),
        Key("each", EACH, "Rows: `links` and `carry` are then read inside each of them"),
        Key("allow", _REGEXES, "Only links that match one of these regular expressions"),
        Key("deny", _REGEXES, "No links that match one of these regular expressions"),
        Key(
            "carry",
            UserMap(value=RULE, keys="name under which the value goes along, as {{ carried.NAME }}", name=field_name),
            "Values that go along to the page that is followed",
        ),
        Key("page", Text(noun="the name of a page type"), "Page type the links lead to; without it `match` decides"),
        Key("when", CONDITION, "Nothing is followed unless this rule gives a value that is not false"),
    ),
    noun="an entry of `follow`",
)

_PAGINATE_SHARED = (
    Key("while", CONDITION, "The list ends at the page where this rule's value is missing or false"),
    Key("max_pages", _COUNT, "Pages of one list at most (1000)"),
    Key(
        "append",
        ListOf(member=Text(noun="the name of a field"), noun="a list of field names"),
        "Fields of later pages that are joined to the first page's row",
    ),
)


def _paginate(*keys: Key, elsewhere: dict[str, str], also: tuple[str, ...] = ()) -> NamedMap:
    return NamedMap(keys=(*keys, *_PAGINATE_SHARED), later=("scroll", "click"), elsewhere=elsewhere, also=also)


_PARAM = Key("param", Text(), "Query parameter that counts pages, or takes the cursor")
_PAGINATE = Variants(
    variants={
        "cursor": _paginate(
            Key("cursor", RULE, "Rule for the value that names the next page"),
            Key("param", Text(), "Query parameter that takes the cursor", required=True),
            elsewhere={
                "next": "keep `cursor` or `next`",
                "offset": "keep `cursor` or `offset`",
                "start": "`start` goes with `param` or `offset`; a cursor comes from the page",
                "step": "`step` goes with `param`",
                "size": "`size` goes with `offset`",
                "total": "`total` goes with `offset`",
            },
        ),
        "offset": _paginate(
            Key("offset", Text(), "Query parameter that counts rows"),
            Key("size", _COUNT, "Rows per page: what the parameter grows by", required=True),
            Key("start", _COUNT_OR_ZERO, "Value on the first page (0)"),
            Key("total", RULE, "Rule for the number of rows in all: the list ends there"),
            elsewhere={
                "next": "keep `offset` or `next`",
                "param": "keep `offset` or `param`",
                "step": "`step` goes with `param`; `offset` has `size`",
            },
        ),
        "next": _paginate(
            Key("next", RULE, "Rule for the link to the next page"),
            elsewhere={
                "param": "keep `next` or `param`",
                "start": "`start` goes with `param` or `offset`",
                "step": "`step` goes with `param`",
                "size": "`size` goes with `offset`",
                "total": "`total` goes with `offset`",
            },
        ),
        "param": _paginate(
            _PARAM,
            Key("start", _COUNT_OR_ZERO, "Number of the first page (1)"),
            Key("step", _COUNT, "What the parameter grows by (1)"),
            elsewhere={"size": "`size` goes with `offset`", "total": "`total` goes with `offset`"},
            also=("cursor", "next", "offset"),
        ),
    },
    noun="a way to the next page",
    later=("scroll", "click"),
)


def _source_shape() -> Shape:
    """A rule, and how its value is parsed: the rule's own variants with `parse` added."""
    rule = RULE.shape()
    assert isinstance(rule, ByKind)
    assert isinstance(rule.mapping, Variants)
    parse = Key("parse", PARSE, "What the value is: html, json, xml or text")
    variants = {
        name: NamedMap(keys=(*variant.keys, parse), noun=variant.noun, later=variant.later, elsewhere=variant.elsewhere)
        for name, variant in rule.mapping.variants.items()
    }
    return Variants(variants=variants, noun="a page source", later=rule.mapping.later)


_PAGE = NamedMap(
    keys=(
        Key("parse", PARSE, "What the page is; without it the Content-Type decides"),
        Key("match", _REGEXES, "Regular expressions of which the page's final URL must match one"),
        Key("fetch", FETCH, "How pages of this type are requested; merged over the recipe's `fetch`"),
        Key(
            "drop_if", CONDITION, "The page is dropped, as no failure, where this rule gives a value that is not false"
        ),
        Key(
            "sources",
            UserMap(
                value=Named(name="source", shape=_source_shape),
                keys="name by which rules address the source, as `from: NAME`",
                name=field_name,
            ),
            "Parts of the page that are parsed once and addressed by name",
        ),
        Key("follow", ListOf(member=_FOLLOW, noun="a list of links to follow"), "Links that lead to other pages"),
        Key("paginate", _PAGINATE, "How the list goes on: next, param, offset or cursor"),
        Key("each", EACH, "What makes the rows; without it the page is one row"),
        Key("item", Text(noun="the name of an item"), "Contract of the rows, a name of `items`"),
        fields_key(required=False),
    ),
    noun="a page type",
    any_of=("item", "follow", "paginate"),
    together={"item": ("fields",), "fields": ("item",), "each": ("item",)},
)

# --- run-wide parts --------------------------------------------------------------------------------------------------

_INTEGER_OR_TEMPLATE = FirstOf(
    shapes=(
        _COUNT,
        Text(
            noun="a template",
            accepts=lambda text: None if "{{" in text else "is no number",
            pattern=r"\{\{",
        ),
    ),
    noun="a whole number above 0, or a template that gives one",
)

_LIMITS = NamedMap(
    keys=(
        Key("obey_robots", Boolean(), "Whether robots.txt is obeyed"),
        Key("delay", _DURATION, "Wait between two requests to one domain"),
        Key("concurrency_per_domain", _COUNT, "Requests to one domain at a time"),
        Key("autothrottle", Boolean(), "Whether the delay follows the server's answer times"),
        Key("depth", _COUNT, "Links away from the start at most"),
        Key("requests", _INTEGER_OR_TEMPLATE, "Requests of one run at most"),
        Key("items", _INTEGER_OR_TEMPLATE, "Rows of one run at most"),
        Key("duration", _DURATION, "Longest time of one run"),
        Key("stop_after_errors", _COUNT, "Failed pages after which the run stops"),
    )
)

_VALUE_RULES = (
    Key("pattern", _REGEX, "Regular expression that text must match somewhere; ^ and $ for all of it"),
    Key("enum", ListOf(member=Anything(nullable=False)), "Values allowed"),
    Key("minimum", Number(), "Smallest number allowed"),
    Key("maximum", Number(), "Largest number allowed"),
    Key("min_length", _COUNT_OR_ZERO, "Fewest characters"),
    Key("max_length", _COUNT_OR_ZERO, "Most characters"),
    Key("min_items", _COUNT_OR_ZERO, "Fewest members of a list"),
    Key("max_items", _COUNT_OR_ZERO, "Most members of a list"),
)


def _field_spec() -> Shape:
    return _FIELD_SPEC_MAP


def _nested_spec() -> Shape:
    return _NESTED_SPEC_MAP


def _input() -> Shape:
    return _INPUT_MAP


_FIELD_SPEC = Named(name="field_contract", shape=_field_spec)
_NESTED_SPEC = Named(name="member_contract", shape=_nested_spec)
_FIELD_SPEC_SHARED = (
    Key("type", Choice(values=TYPES), "Type the value is turned into without loss", required=True),
    Key("format", Choice(values=FORMATS), "What text is: uri (made absolute), date, date-time or email"),
    *_VALUE_RULES,
    Key("items", _NESTED_SPEC, "Contract of each member of an array"),
    Key(
        "properties",
        UserMap(value=_FIELD_SPEC, keys="name of a property of the object"),
        "Contracts of the properties of an object",
    ),
    Key("required", Boolean(), "true: a row without this value is refused"),
    Key("description", Text(), "What the value means, for readers of the data"),
)
_FIELD_SPEC_MAP: Shape = NamedMap(
    keys=(
        *_FIELD_SPEC_SHARED,
        Key("unique", Boolean(), "true: a second row with the same value is refused"),
    ),
    noun="the contract of a field: a map with `type`",
)
_NESTED_SPEC_MAP: Shape = NamedMap(keys=_FIELD_SPEC_SHARED, noun="the contract of a member: a map with `type`")

_ITEM = NamedMap(
    keys=(
        Key("version", _COUNT, "Version of the contract; raised on an incompatible change", required=True),
        Key(
            "key",
            ListOf(member=Text(noun="the name of a field"), noun="a list of field names"),
            "Fields that identify a row: a second row with the same key is a duplicate",
        ),
        Key(
            "fields",
            UserMap(
                value=_FIELD_SPEC, keys="name of a field; its place here is its place in the files", name=field_name
            ),
            "The fields of a row, in the order of the files",
            required=True,
        ),
        Key(
            "checks",
            ListOf(
                member=NamedMap(
                    keys=(
                        Key("jmespath", Text(noun="a JMESPath expression"), "Must hold for the row", required=True),
                        Key("message", Text(), "What a row that breaks it is told"),
                    )
                )
            ),
            "Rules over several fields, as JMESPath over the row",
        ),
        Key("description", Text(), "What a row is, for readers of the data"),
    ),
    noun="an item's contract",
)

_INPUT = Named(name="input", shape=_input)
_INPUT_SHARED = (
    Key("type", Choice(values=INPUT_TYPES), "JSON Schema type of the value", required=True),
    Key("format", Choice(values=FORMATS), "What text is: uri, date, date-time or email"),
    *_VALUE_RULES,
    Key("items", _INPUT, "Schema of each member of an array"),
    Key("description", Text(), "What the input is for"),
)
_INPUT_MAP: Shape = NamedMap(
    keys=(
        *_INPUT_SHARED,
        Key("default", Anything(nullable=False), "Value when none is given"),
        Key("required", Boolean(), "false: the input may be left out although it has no default"),
    ),
    noun="the schema of an input: a map with `type`",
    later=("secret",),
)

_SHARE_OR_COUNT = FirstOf(
    shapes=(
        _COUNT_OR_ZERO,
        Text(accepts=percent_problem, pattern=r"^[0-9]+(\.[0-9]+)?%$"),
    ),
    noun="a number of rows, or a share such as 2%",
)
_QUALITY = NamedMap(
    keys=(
        Key(
            "items",
            NamedMap(
                keys=(
                    Key("minimum", _COUNT_OR_ZERO, "Fewest rows of a good run"),
                    Key("maximum", _COUNT_OR_ZERO, "Most rows of a good run"),
                ),
                any_of=("minimum", "maximum"),
            ),
            "How many rows a good run has",
        ),
        Key(
            "rejected",
            NamedMap(keys=(Key("maximum", _SHARE_OR_COUNT, "Most rejected rows: a number or 2%", required=True),)),
            "How many rows may be refused",
        ),
    ),
    later=("bands", "coverage", "http_errors"),
    any_of=("items", "rejected"),
)

_EXPORT = NamedMap(
    keys=(
        Key(
            "name",
            Text(noun="a file name", accepts=_name_problem),
            "Name of the file, without its ending",
            required=True,
        ),
        Key("item", Text(noun="the name of an item"), "Item whose rows are written", required=True),
        Key("format", Choice(values=("csv", "jsonl"), later=("parquet", "json", "xml")), "csv or jsonl", required=True),
        Key(
            "columns",
            UserMap(
                value=NamedMap(
                    keys=(Key("join", Text(blank=True), "Text between the members of a list", required=True),)
                ),
                keys="name of a field",
            ),
            "How single columns are written",
        ),
        Key("raw", Boolean(), "true: no guard against formulas in spreadsheets"),
    ),
    noun="an export",
    later=("compression", "profile"),
)

_TEST = NamedMap(
    keys=(
        Key("page", Text(noun="the name of a page type"), "Page type of the saved page", required=True),
        Key(
            "snapshot",
            Text(noun="the name of a saved page"),
            "Saved page, in the folder named like the recipe",
            required=True,
        ),
        Key("url", Text(noun="a URL"), "URL the page was saved from", required=True),
        Key(
            "expect",
            UserMap(value=Anything(), keys=f"field of the first row, or {one_of(EXPECT_KEYS)}"),
            f"What must come out: fields of the first row ({{count: 6}} for a list), {one_of(EXPECT_KEYS)}",
            required=True,
        ),
        Key("inputs", UserMap(value=Anything(nullable=False), keys="name of an input"), "Inputs of the test"),
        Key("carried", UserMap(value=Anything(nullable=False), keys="name of a carried value"), "Carried values"),
        Key("status", Integer(minimum=100, maximum=599), "HTTP status of the page (200)"),
        Key("content_type", Text(), "Content-Type of the page"),
    ),
    noun="a test",
)

RECIPE = NamedMap(
    keys=(
        Key("schema_version", Choice(values=(SCHEMA_VERSION,)), "Version of the recipe language", required=True),
        Key(
            "name",
            Text(noun="a name", accepts=_name_problem, pattern="^[a-z][a-z0-9_-]*$"),
            "Name of the recipe, the spider and the file",
            required=True,
        ),
        Key(
            "version",
            Text(
                noun='a version such as "1.0.0"',
                accepts=_version_problem,
                hint='write three numbers in quotes: "1.0.0"',
                pattern=r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$",
            ),
            "Version of this recipe (semver); written on every row",
            required=True,
        ),
        Key("description", Text(), "What the recipe collects"),
        Key("labels", UserMap(value=Text(), keys="free label"), "Free labels, for searching"),
        Key("allowed_domains", ListOf(member=_TEMPLATE, noun="a list of domains"), "Domains that may be requested"),
        Key(
            "extends",
            Text(noun="a parent recipe", accepts=_extends_problem, hint="write NAME@MAJOR: woocommerce@1"),
            "One parent recipe, NAME@MAJOR, beside this file: maps merge, lists and rules replace",
        ),
        Key(
            "inputs",
            UserMap(value=_INPUT, keys="name of an input, used as {{ inputs.NAME }}", name=_input_problem),
            "What a caller may pass",
        ),
        Key("fetch", FETCH, "How pages are requested; a page's own `fetch` overrides it"),
        Key("limits", _LIMITS, "Bounds of a run; the deployment's own are never exceeded"),
        Key("start", ListOf(member=_START, noun="a list of entries"), "Where the crawl begins", required=True),
        Key(
            "pages", UserMap(value=_PAGE, keys="name of a page type", name=field_name), "The page types", required=True
        ),
        Key("items", UserMap(value=_ITEM, keys="name of an item", name=field_name), "The contracts of the rows"),
        Key("quality", _QUALITY, "When a run is good enough to be published"),
        Key("exports", ListOf(member=_EXPORT, noun="a list of exports"), "Files that a run writes"),
        Key("tests", ListOf(member=_TEST, noun="a list of tests"), "Saved pages and what must come out of them"),
    ),
    noun="a recipe: a map with `schema_version`, `name`, `version`, `start`, `pages`",
    later=("session", "incremental"),
)


def language_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the language, for editors; every key has a description."""
    schemas = Schemas()
    root = RECIPE.schema(schemas)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Crawlery recipe, language version {SCHEMA_VERSION}",
        "description": "One YAML file that says how a site becomes rows.",
        **root,
        "$defs": dict(sorted(schemas.definitions.items())),
    }


__all__ = ["EXPECT_KEYS", "FETCH", "RECIPE", "SCHEMA_VERSION", "language_schema"]

"""The recipe language of this version: every key, what it holds and what it is for, as one tree of shapes.

`RECIPE` is the root. Validation and the published JSON Schema (`language_schema`) both come from it, so a key that is
accepted is a key that is described. Keys of the language that this version does not have yet are named in `later`.
"""

from __future__ import annotations

from typing import Any

from crawler.recipe.diagnostics import one_of
from crawler.recipe.fields import FORMATS, TYPES
from crawler.recipe.language_incremental import CHANGES, INCREMENTAL
from crawler.recipe.language_pages import FETCH, PAGE, START
from crawler.recipe.language_quality import QUALITY
from crawler.recipe.language_rules import CONDITION
from crawler.recipe.language_session import SECRET, SESSION
from crawler.recipe.language_texts import (
    COUNT,
    COUNT_OR_ZERO,
    DOMAIN,
    DURATION,
    REGEX,
    URL,
    extends_problem,
    field_name,
    input_problem,
    moment_problem,
    name_problem,
    version_problem,
)
from crawler.recipe.profiles import PROFILES
from crawler.recipe.shape import Key, ListOf, Named, NamedMap, Schemas, Shape, UserMap
from crawler.recipe.shape_scalars import Anything, Boolean, Choice, FirstOf, Integer, Number, Text

#: The `$id` of the published schema changes with this number.
SCHEMA_VERSION = 1

#: What `tests[].expect` says about the page rather than about a field of its first row.
EXPECT_KEYS = ("rows", "follow", "next", "rejects", "outcome")

#: Types of an input: what JSON can hold.
INPUT_TYPES = ("string", "integer", "number", "boolean", "array", "object")

# --- run-wide parts --------------------------------------------------------------------------------------------------

_INTEGER_OR_TEMPLATE = FirstOf(
    shapes=(
        COUNT,
        Text(
            noun="a template",
            accepts=lambda text: None if text.startswith("{{") and text.endswith("}}") else "is no number",
            pattern=r"^\{\{.*\}\}$",
        ),
    ),
    noun="a whole number above 0, or a template that gives one",
)

_LIMITS = NamedMap(
    keys=(
        Key("obey_robots", Boolean(), "Whether robots.txt is obeyed"),
        Key("delay", DURATION, "Wait between two requests to one domain"),
        Key("concurrency_per_domain", COUNT, "Requests to one domain at a time"),
        Key("autothrottle", Boolean(), "Whether the delay follows the server's answer times"),
        Key("depth", COUNT, "Links away from the start at most"),
        Key("requests", _INTEGER_OR_TEMPLATE, "Requests of one run at most"),
        Key("items", _INTEGER_OR_TEMPLATE, "Rows of one run at most"),
        Key("duration", DURATION, "Longest time of one run"),
        Key("stop_after_errors", COUNT, "Failed pages after which the run stops"),
        Key("blocked_in_a_row", COUNT, "Answers of one host that keep the crawl out, one after another, that pause it"),
    )
)

_VALUE_RULES = (
    Key("pattern", REGEX, "Regular expression that text must match somewhere; ^ and $ for all of it"),
    Key("enum", ListOf(member=Anything(nullable=False)), "Values allowed"),
    Key("minimum", Number(), "Smallest number allowed"),
    Key("maximum", Number(), "Largest number allowed"),
    Key("min_length", COUNT_OR_ZERO, "Fewest characters"),
    Key("max_length", COUNT_OR_ZERO, "Most characters"),
    Key("min_items", COUNT_OR_ZERO, "Fewest members of a list"),
    Key("max_items", COUNT_OR_ZERO, "Most members of a list"),
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
        Key("version", COUNT, "Version of the contract; raised on an incompatible change", required=True),
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
        Key("secret", SECRET, "Name of a secret that the machines that crawl keep; no caller passes it"),
    ),
    noun="the schema of an input: a map with `type`",
)

_EXPORT = NamedMap(
    keys=(
        Key(
            "name",
            Text(noun="a file name", accepts=name_problem),
            "Name of the file, without its ending",
            required=True,
        ),
        Key("item", Text(noun="the name of an item"), "Item whose rows are written", required=True),
        Key(
            "format",
            Choice(values=("csv", "tsv", "jsonl", "parquet"), later=("json", "xml")),
            "csv, tsv, jsonl or parquet",
            required=True,
        ),
        Key("profile", Choice(values=tuple(PROFILES)), "What the file is for: columns as some importer wants them"),
        Key("compression", Choice(values=("gzip",)), "gzip: the file is NAME.csv.gz"),
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
        CHANGES,
    ),
    noun="an export",
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
        Key("url", URL, "URL the page was saved from", required=True),
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
        Key(
            "date",
            Text(noun="a time with its zone", accepts=moment_problem, hint="write 2024-03-07T10:00:00Z"),
            "When the page was sent, for dates that are told from a day",
        ),
        Key(
            "answers",
            UserMap(value=Text(noun="the name of a saved page"), keys="URL of a follow-up request"),
            "Saved answers to follow-up requests; a request without one counts as failed",
        ),
    ),
    noun="a test",
)

RECIPE = NamedMap(
    keys=(
        Key("schema_version", Choice(values=(SCHEMA_VERSION,)), "Version of the recipe language", required=True),
        Key(
            "name",
            Text(noun="a name", accepts=name_problem, pattern="^[a-z][a-z0-9_-]*$"),
            "Name of the recipe, the spider and the file",
            required=True,
        ),
        Key(
            "version",
            Text(
                noun='a version such as "1.0.0"',
                accepts=version_problem,
                hint='write three numbers in quotes: "1.0.0"',
                pattern=r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$",
            ),
            "Version of this recipe (semver); written on every row",
            required=True,
        ),
        Key("description", Text(), "What the recipe collects"),
        Key("labels", UserMap(value=Text(), keys="free label"), "Free labels, for searching"),
        Key("allowed_domains", ListOf(member=DOMAIN, noun="a list of domains"), "Domains that may be requested"),
        Key(
            "extends",
            Text(noun="a parent recipe", accepts=extends_problem, hint="write NAME@MAJOR: woocommerce@1"),
            "One parent recipe, NAME@MAJOR, beside this file: maps merge, lists and rules replace",
        ),
        Key(
            "inputs",
            UserMap(value=_INPUT, keys="name of an input, used as {{ inputs.NAME }}", name=input_problem),
            "What a caller may pass",
        ),
        Key("fetch", FETCH, "How pages are requested; a page's own `fetch` overrides it"),
        Key("limits", _LIMITS, "Bounds of a run; the deployment's own are never exceeded"),
        Key(
            "blocked_if",
            CONDITION,
            "A page of any type keeps crawlers out, and comes back later, where any of these rules holds",
        ),
        Key("session", SESSION, "How the crawl is logged in: login, request, cookies, basic or bearer"),
        Key("start", ListOf(member=START, noun="a list of entries"), "Where the crawl begins", required=True),
        Key("pages", UserMap(value=PAGE, keys="name of a page type", name=field_name), "The page types", required=True),
        Key("items", UserMap(value=_ITEM, keys="name of an item", name=field_name), "The contracts of the rows"),
        Key("incremental", INCREMENTAL, "What a run takes over from those before it, and what counts as changed"),
        Key("quality", QUALITY, "When a run is good enough to be published"),
        Key("exports", ListOf(member=_EXPORT, noun="a list of exports"), "Files that a run writes"),
        Key("tests", ListOf(member=_TEST, noun="a list of tests"), "Saved pages and what must come out of them"),
    ),
    noun="a recipe: a map with `schema_version`, `name`, `version`, `start`, `pages`",
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

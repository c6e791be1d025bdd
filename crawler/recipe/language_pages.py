"""Shapes of requests and page types: `fetch`, `start`, `pages`."""

from __future__ import annotations

from crawler.recipe.language_requests import HEADERS, REQUEST
from crawler.recipe.language_rules import CONDITION, EACH, PARSE, RULE, fields_key
from crawler.recipe.language_texts import (
    COUNT,
    COUNT_OR_ZERO,
    DURATION,
    DURATION_RANGE,
    REGEX,
    TEMPLATE,
    encoding_problem,
    field_name,
)
from crawler.recipe.shape import ByKind, Key, ListOf, Named, NamedMap, Shape, UserMap, Variants, one_or_list
from crawler.recipe.shape_scalars import Anything, Boolean, Integer, Text
from crawler.recipe.template import SCOPES

# --- requests --------------------------------------------------------------------------------------------------------

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
        Key("backoff", DURATION_RANGE, "Shortest and longest wait; each wait doubles the one before (1s..60s)"),
        Key("respect_retry_after", Boolean(), "Whether a Retry-After header sets the wait (true)"),
    )
)

FETCH = NamedMap(
    keys=(
        Key("headers", HEADERS, "Headers sent with every request"),
        Key(
            "encoding",
            Text(noun="an encoding", accepts=encoding_problem, hint="write auto, or a name: windows-1255"),
            "Encoding of the pages; auto (the default) asks BOM, HTTP header and meta in turn",
        ),
        Key("timeout", DURATION, "Longest time for one request"),
        Key("retry", _RETRY, "What is tried again, how often and after which waits"),
    ),
    later=_LATER_FETCH,
)


def _bare_name(name: str) -> str | None:
    return f"'{name}' is the name of a scope" if name in SCOPES else field_name(name)


_FOR_EACH = UserMap(
    value=ByKind(
        noun="a list, or a template that gives one", scalar=TEMPLATE, sequence=ListOf(member=Anything(nullable=False))
    ),
    keys="bare name that `urls` or `request` may use; one request per combination",
    name=_bare_name,
)
_START_SHARED = (
    Key("for_each", _FOR_EACH, "Names with the values they take in turn: one request per combination"),
    Key("page", Text(noun="the name of a page type"), "Page type that the responses are; without it `match` decides"),
)
_REGEXES = one_or_list(REGEX)
_ONE_WAY = "an entry of `start` has `urls`, `request` or `sitemap`: begin a new entry"
_OF_SITEMAPS = dict.fromkeys(
    ("allow", "deny", "alternate_links", "modified_since"),
    "it goes with `sitemap`; links of pages are chosen in `follow`",
)

_MIRRORS = NamedMap(
    keys=(
        Key(
            "any",
            ListOf(member=TEMPLATE, noun="a list of URLs", minimum=2),
            "Addresses of one page; the first that answers counts",
            required=True,
        ),
    ),
    noun="a map with `any`",
)
_URLS = ByKind(
    noun="a URL, a list of URLs, or a map with `any`",
    scalar=TEMPLATE,
    sequence=ListOf(member=TEMPLATE),
    mapping=_MIRRORS,
)

START = Variants(
    variants={
        "urls": NamedMap(
            keys=(
                Key(
                    "urls",
                    _URLS,
                    "URL or list of URLs; {any: [...]}: mirrors, of which the first that answers counts. Templates"
                    " allowed",
                ),
                *_START_SHARED,
            ),
            elsewhere={"request": _ONE_WAY, "sitemap": _ONE_WAY, **_OF_SITEMAPS},
        ),
        "request": NamedMap(
            keys=(Key("request", REQUEST, "One request with method, query, headers and body"), *_START_SHARED),
            elsewhere={"sitemap": _ONE_WAY, **_OF_SITEMAPS},
        ),
        "sitemap": NamedMap(
            keys=(
                Key(
                    "sitemap",
                    one_or_list(TEMPLATE),
                    "Sitemap, index of sitemaps (also .gz) or the robots.txt that names them; templates allowed",
                ),
                Key("allow", _REGEXES, "Only pages whose URL matches one of these regular expressions"),
                Key("deny", _REGEXES, "No pages whose URL matches one of these regular expressions"),
                Key("alternate_links", Boolean(), "Whether the same page in other languages is fetched, too (false)"),
                Key(
                    "modified_since",
                    Text(noun="a date or a duration"),
                    "Only what has changed since then, by its <lastmod>: a date, 7d before the crawl, or last_run",
                ),
                *_START_SHARED,
            ),
        ),
    },
    noun="an entry of `start`",
)

# --- pages -----------------------------------------------------------------------------------------------------------


def _delimiter_problem(text: str) -> str | None:
    return None if len(text) == 1 and text not in '"\r\n' else f"{text!r} is not one character"


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
    Key("max_pages", COUNT, "Pages of one list at most (1000)"),
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
            Key("size", COUNT, "Rows per page: what the parameter grows by", required=True),
            Key("start", COUNT_OR_ZERO, "Value on the first page (0)"),
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
            Key("start", COUNT_OR_ZERO, "Number of the first page (1)"),
            Key("step", COUNT, "What the parameter grows by (1)"),
            elsewhere={"size": "`size` goes with `offset`", "total": "`total` goes with `offset`"},
            also=("cursor", "next", "offset"),
        ),
    },
    noun="a way to the next page",
    later=("scroll", "click"),
)


_CSV = NamedMap(
    keys=(
        Key(
            "delimiter",
            Text(noun="one character", accepts=_delimiter_problem, blank=True, hint='write it in quotes: ";" or "\\t"'),
            "What stands between cells; without it the most frequent of , ; | and tab in the first line",
        ),
        Key(
            "header",
            ByKind(
                noun="true, false or the names of the columns",
                scalar=Boolean(),
                sequence=ListOf(member=Text(noun="the name of a column"), noun="the names of the columns"),
            ),
            "true (the default): the first line names the columns; false: column_1 and so on; or a list of names",
        ),
        Key("skip", COUNT, "Lines before the header that are left out"),
    ),
    noun="how the CSV is written",
)
_NAMESPACES = UserMap(
    value=Text(noun="the address of a namespace"), keys="prefix of names in this namespace", name=field_name
)
_CSV_KEY = Key("csv", _CSV, "How CSV is written, with parse: csv")


def _source_shape() -> Shape:
    """A rule, and how its value is parsed: the rule's own variants with `parse` added."""
    rule = RULE.shape()
    assert isinstance(rule, ByKind)
    assert isinstance(rule.mapping, Variants)
    parse = Key("parse", PARSE, "What the value is: html, json, xml, text, csv or jsonl")
    variants = {
        name: NamedMap(
            keys=(*variant.keys, parse, _CSV_KEY), noun=variant.noun, later=variant.later, elsewhere=variant.elsewhere
        )
        for name, variant in rule.mapping.variants.items()
    }
    return Variants(variants=variants, noun="a page source", later=rule.mapping.later)


PAGE = NamedMap(
    keys=(
        Key("parse", PARSE, "What the page is; without it the Content-Type decides"),
        _CSV_KEY,
        Key("namespaces", _NAMESPACES, "Namespaces that names in XML keep, as `g|price` in CSS and `g:price` in XPath"),
        Key("match", _REGEXES, "Regular expressions of which the page's final URL must match one"),
        Key("fetch", FETCH, "How pages of this type are requested; merged over the recipe's `fetch`"),
        Key(
            "drop_if", CONDITION, "The page is dropped, as no failure, where this rule gives a value that is not false"
        ),
        Key(
            "blocked_if", CONDITION, "The page keeps crawlers out, and comes back later, where any of these rules holds"
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
        Key("session", Boolean(), "false: pages of this type are requested as by somebody who is not logged in (true)"),
        Key("item", Text(noun="the name of an item"), "Contract of the rows, a name of `items`"),
        fields_key(required=False),
    ),
    noun="a page type",
    any_of=("item", "follow", "paginate"),
    together={"item": ("fields",), "fields": ("item",), "each": ("item",)},
)

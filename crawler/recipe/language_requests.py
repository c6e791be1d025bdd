"""Shapes of requests that a recipe writes out: those of `start`, and those that rules make for their row."""

from __future__ import annotations

from crawler.recipe.language_texts import TEMPLATE
from crawler.recipe.shape import Key, NamedMap, UserMap
from crawler.recipe.shape_scalars import Anything, Choice

#: What a value or an answer may be, and what a page may be.
VALUE_KINDS = ("html", "json", "xml", "text")
PARSE_KINDS = (*VALUE_KINDS, "csv", "jsonl")

HEADERS = UserMap(value=TEMPLATE, keys="name of a request header; its value may be a template")

VALUES = UserMap(value=Anything(), keys="name of a parameter; a list repeats the name, templates are allowed")

_KEYS = (
    Key("url", TEMPLATE, "URL of the request; templates allowed", required=True),
    Key(
        "method",
        Choice(values=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
        "HTTP method; GET, or POST when there is a `form` or `json`",
    ),
    Key("query", VALUES, "Parameters added to the URL; a list repeats the name"),
    Key("headers", HEADERS, "Headers of this request"),
    Key("form", VALUES, "Body, sent as application/x-www-form-urlencoded"),
    Key("json", Anything(nullable=False), "Body, sent as application/json; templates allowed"),
)

#: An entry of `start`.
REQUEST = NamedMap(keys=_KEYS)

#: The request of a rule, of which the rule reads the answer.
FOLLOW_UP = NamedMap(
    keys=(
        *_KEYS,
        Key(
            "parse",
            Choice(values=VALUE_KINDS),
            "What the answer is; JSON for `jmespath`, else its Content-Type decides",
        ),
    ),
    noun="a follow-up request",
)

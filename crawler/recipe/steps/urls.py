"""Steps on URLs and their escapes."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit

from w3lib.url import canonicalize_url

from crawler.recipe.scalars import describe
from crawler.recipe.steps.definition import (
    Run,
    StepDefinition,
    StepFailed,
    StepInfo,
    choice,
    needed_text,
    no_argument,
    options_argument,
    text_argument,
    text_step,
)
from crawler.recipe.urls import http_link
from crawler.recipe.values import MISSING, Value


def _canonical_url(value: Value, base_url: str) -> Value:
    url = http_link(base_url, needed_text(value))
    if url is None:
        raise StepFailed(f"{describe(value)} is no http(s) URL")
    try:
        canonical = canonicalize_url(url)
    except ValueError:  # w3lib is stricter than urllib in places
        canonical = " "
    if not canonical.isascii() or " " in canonical:  # in the host name, where nothing can be escaped
        raise StepFailed(f"{describe(value)} is no http(s) URL")
    return canonical


def _build_canonical_url(argument: Any) -> Run:
    no_argument(argument)
    return _canonical_url


def _build_query_param(argument: Any) -> Run:
    name = text_argument(argument, "query_param: id", what="needs the name of a query parameter")

    def run(text: str) -> Value:
        try:
            pairs = parse_qsl(urlsplit(text).query, keep_blank_values=True)
        except ValueError:
            raise StepFailed(f"{describe(text)} is no URL") from None
        return next((value for key, value in pairs if key == name), MISSING)

    return text_step(run)


def _build_url_encode(argument: Any) -> Run:
    no_argument(argument)
    return text_step(lambda text: quote(text, safe="", errors="replace"))


_DECODE_OPTIONS: Final = {"plus": "`blank` (as in queries) or `plus` (the default): what a + stands for"}


def _build_url_decode(argument: Any) -> Run:
    if argument is MISSING:
        return text_step(unquote)
    if not isinstance(argument, dict):
        no_argument(argument)
    options = options_argument(argument, _DECODE_OPTIONS)
    blank = choice(options, "plus", ("blank", "plus"), "plus") == "blank"
    return text_step(unquote_plus if blank else unquote)


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="canonical_url",
            summary="Makes a URL absolute, sorts its query and drops its fragment: equal pages, equal URLs.",
            example=(MISSING, "/p?b=2&a=1#top", "https://shop.example/p?a=1&b=2"),
        ),
        build=_build_canonical_url,
    ),
    StepDefinition(
        info=StepInfo(
            name="query_param",
            summary="Takes a parameter out of a URL's query, unescaped; the first if it is there twice.",
            argument="the parameter's name",
            example=("id", "/product?id=42&ref=home", "42"),
        ),
        build=_build_query_param,
    ),
    StepDefinition(
        info=StepInfo(
            name="url_encode",
            summary="Escapes everything but letters, digits and `-._~`.",
            example=(MISSING, "a b/c", "a%20b%2Fc"),
        ),
        build=_build_url_encode,
    ),
    StepDefinition(
        info=StepInfo(
            name="url_decode",
            summary="Undoes %-escapes.",
            argument="nothing, or a map",
            options=_DECODE_OPTIONS,
            example=(MISSING, "%D7%9B%D7%99%D7%A1%D7%90", "כיסא"),
        ),
        build=_build_url_decode,
    ),
)

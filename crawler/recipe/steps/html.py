"""Steps on HTML that is kept as text."""

from __future__ import annotations

import html
from typing import Any, Final

import nh3

from crawler.recipe.scalars import describe, whole_text
from crawler.recipe.steps.definition import (
    Run,
    StepDefinition,
    StepError,
    StepInfo,
    needed_text,
    no_argument,
    options_argument,
    text_step,
)
from crawler.recipe.urls import absolute_url
from crawler.recipe.values import MISSING, Value


def _build_html_unescape(argument: Any) -> Run:
    no_argument(argument)
    return text_step(html.unescape)


_SAFE_OPTIONS: Final = {"tags": "the elements that may stay; default: those of formatted text, lists, tables, images"}


def _build_safe_html(argument: Any) -> Run:
    if argument is MISSING:
        return _cleaned(None)
    if not isinstance(argument, dict):
        raise StepError(f"takes a map of options, got {describe(argument)}", "write `safe_html: {tags: [p, b]}`")
    tags = options_argument(argument, _SAFE_OPTIONS).get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise StepError("`tags` must be a list of element names", "write `safe_html: {tags: [p, b]}`")
    allowed = {tag.lower() for tag in tags}
    unknown = sorted(allowed - nh3.ALLOWED_TAGS)
    if unknown:
        raise StepError(f"`tags`: `{unknown[0]}` is not an element that can be allowed")
    return _cleaned(allowed)


#: Attributes that hold one address.
_ADDRESSES: Final = frozenset({"href", "src", "cite"})


def _cleaned(tags: set[str] | None) -> Run:
    """Addresses become absolute: what is kept is shown elsewhere."""

    def run(value: Value, base_url: str) -> Value:
        def absolute(_element: str, attribute: str, address: str) -> str | None:
            return absolute_url(base_url, address) or address if attribute in _ADDRESSES else address

        return nh3.clean(whole_text(needed_text(value)), tags=tags, attribute_filter=absolute if base_url else None)

    return run


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="html_unescape",
            summary="Turns `&amp;` and its like into the characters, for text that was escaped twice.",
            example=(MISSING, "Oak &amp; Ash", "Oak & Ash"),
        ),
        build=_build_html_unescape,
    ),
    StepDefinition(
        info=StepInfo(
            name="safe_html",
            summary="Keeps formatted text with absolute links; removes scripts, styles, handlers, unknown elements.",
            argument="nothing, or a map",
            options=_SAFE_OPTIONS,
            example=(MISSING, '<p onclick="x()">Oak<script>x()</script></p>', "<p>Oak</p>"),
        ),
        build=_build_safe_html,
    ),
)

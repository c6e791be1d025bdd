"""Selectors of browsers and of jQuery, as recipes can have them.

It says what is wrong with one here, and how an attribute of what it finds is read. It knows no format.
"""

from __future__ import annotations

from typing import Final

from crawler.recipe.css import compile_css, is_html_element
from crawler.recipe.query_error import QueryError

#: Elements whose text is empty, and the attribute that is meant.
_TEXTLESS: Final = {"img": "src", "meta": "content", "input": "value"}


def css_problem(selector: str, *, row: bool = False) -> tuple[str, str | None] | None:
    """Why a recipe cannot have this selector, and what to write instead; None if it can."""
    try:
        compile_css(selector, row=row)
    except QueryError as error:
        return str(error.args[0]), error.hint
    if selector.isalpha() and selector.isascii() and not is_html_element(selector):
        return f"'{selector}' is no HTML element", None
    return None


def selector_parts(selector: str) -> list[str]:
    """The parts of a comma list; commas in brackets and quotes do not count."""
    parts, start, depth, quote = [], 0, 0, ""
    for index, char in enumerate(selector):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(selector[start:index].strip())
            start = index + 1
    return [part for part in (*parts, selector[start:].strip()) if part]


def with_attribute(selector: str, attribute: str) -> str:
    """The selector of an attribute of each match: `::attr()` behind every part."""
    return ", ".join(f"{part}::attr({attribute})" for part in selector_parts(selector))


def last_element(selector: str) -> str:
    """The name of the element that a selector without commas finds, empty if it names none."""
    depth, quote, start = 0, "", 0
    for index, char in enumerate(selector):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif depth == 0 and char in " >+~":
            start = index + 1
    name = ""
    for char in selector[start:]:
        if not char.isalnum():
            break
        name += char
    return name.lower()


def read_text(selector: str) -> str:
    """The selector with which the text of a match is read: of `meta` its content, of `img` its address."""
    parts = []
    for part in selector_parts(selector):
        attribute = _TEXTLESS.get(last_element(part))
        parts.append(f"{part}::attr({attribute})" if attribute else part)
    return ", ".join(parts)

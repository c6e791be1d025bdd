"""Saved pages of recipes: a page as it was, and all that a recipe has to know to be run on it again.

Knows where they are named (in `tests` of a recipe), and not where they lie: bytes are asked for by name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from crawler.recipe.model import PageInput, PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crawler.recipe.model import Recipe, RecipeTest


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPage:
    """One page. `inputs` are as a caller would give them; of its headers `content_type` and `date` are known."""

    name: str  # of its file, relative to the folder of pages
    page: str  # its type
    url: str
    body: bytes
    status: int = 200
    content_type: str | None = None
    date: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    carried: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, bytes] = field(default_factory=dict)  # to follow-up requests, by URL

    def answer(self, request: PageRequest) -> PageInput | None:
        """The saved answer to a follow-up request."""
        body = self.answers.get(request.url)
        if body is None:
            return None
        return PageInput(request=request, url=request.url, body=body, headers=saved_headers(None, self.date))

    def input_of(self, recipe: Recipe) -> PageInput:
        """The page as a recipe is run on it.

        Raises:
            InputError: its inputs do not fit this recipe.
        """
        return PageInput(
            request=PageRequest(url=self.url, page=self.page, carried=self.carried),
            url=self.url,
            body=self.body,
            status=self.status,
            headers=saved_headers(self.content_type, self.date),
            inputs=recipe.inputs.resolve(self.inputs),
        )


def saved_headers(content_type: str | None, date: str | None) -> dict[str, str]:
    """The headers of a saved page, as far as they are known. `date` is ISO 8601, as in a test."""
    headers = {} if content_type is None else {"content-type": content_type}
    if date is not None:
        headers["date"] = format_datetime(datetime.fromisoformat(date))
    return headers


def saved_pages(recipes: Iterable[Recipe], body_of: Callable[[str], bytes | None]) -> tuple[list[SavedPage], list[str]]:
    """The pages that tests of these recipes name, each once, and the names of those that are not there.

    Two tests name the same page if they have its file, type, URL, inputs and what is carried to it in common; of the
    rest, the first recipe's word counts.

    Args:
        recipes: in the order in which they are believed.
        body_of: the bytes of a file by its name; None if there is none.
    """
    pages: dict[str, SavedPage] = {}
    absent: dict[str, None] = {}
    for recipe in recipes:
        for test in recipe.tests:
            same = json.dumps([test.snapshot, test.page, test.url, test.inputs, test.carried], default=str)
            if same in pages or test.snapshot in absent:
                continue
            body = body_of(test.snapshot)
            if body is None:
                absent[test.snapshot] = None
            else:
                answers = {url: found for url, name in test.answers.items() if (found := body_of(name)) is not None}
                pages[same] = replace(_saved(test, body), answers=answers)
    return list(pages.values()), list(absent)


def _saved(test: RecipeTest, body: bytes) -> SavedPage:
    return SavedPage(
        name=test.snapshot,
        page=test.page,
        url=test.url,
        body=body,
        status=test.status,
        content_type=test.content_type,
        date=test.date,
        inputs=test.inputs,
        carried=test.carried,
    )

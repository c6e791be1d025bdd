"""A page with the answers to its follow-up requests, for those who have them saved or fetch them one by one.

A crawl does not come this way: there each answer is a page of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from crawler.errors import PageError
from crawler.recipe.extract import after_loss, extract_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.recipe.model import PageInput, PageRequest, PageResult, Recipe

#: Gives the answer to a follow-up request; None: there is none, and the row goes on without it.
Answer: TypeAlias = "Callable[[PageRequest], PageInput | None]"


def no_answer(request: PageRequest) -> None:
    """Answers nothing."""
    _ = request


def whole_page(recipe: Recipe, page_input: PageInput, answer: Answer, *, trace: bool = False) -> PageResult:
    """Everything that a page gives, its rows whole. Rows that had to wait come after those that had not.

    Raises:
        PageError: as `extract_page` of the page itself; an answer that cannot be read is one that never came.
    """
    result = extract_page(recipe, page_input, trace=trace)
    rows, rejects, traces = list(result.rows), list(result.rejects), list(result.traces)
    stats = dict(result.stats)
    for request in result.follow_ups:
        following: PageRequest | None = request
        while following is not None:
            given = _given(recipe, following, page_input, answer(following), trace=trace)
            rows += given.rows
            rejects += given.rejects
            traces += given.traces
            for name, count in given.stats.items():
                stats[name] = stats.get(name, 0) + count
            following = given.follow_ups[0] if given.follow_ups else None
    return replace(result, rows=tuple(rows), rejects=tuple(rejects), traces=tuple(traces), stats=stats, follow_ups=())


def _given(
    recipe: Recipe, request: PageRequest, page_input: PageInput, answer: PageInput | None, *, trace: bool
) -> PageResult:
    if answer is not None:
        try:
            return extract_page(recipe, replace(answer, request=request, inputs=page_input.inputs), trace=trace)
        except PageError:
            pass
    return after_loss(recipe, request, page_input.inputs)

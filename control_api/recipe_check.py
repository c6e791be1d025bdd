"""Recipes that came as text, checked apart from this process: a few at a time, see `crawler.recipe.apart`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from control_api.problems import Problem, pointer, unavailable
from crawler.errors import InputError
from crawler.recipe.apart import check_apart

if TYPE_CHECKING:
    from crawler.recipe.apart import Checked

#: Of each process of the API; a check may take a processor for seconds.
_AT_ONCE: Final = 2

#: A call waits for its turn so long, in seconds.
_PATIENCE_S: Final = 5.0

_turns: Final = threading.BoundedSemaphore(_AT_ONCE)


def look_at(text: str, inputs: dict[str, Any] | None = None) -> Checked:
    """What there is to know of a recipe, and of these inputs for it.

    Raises:
        Problem: too many others are being checked.
    """
    if not _turns.acquire(timeout=_PATIENCE_S):
        raise unavailable("Other recipes are being checked.")
    try:
        return check_apart(text, inputs)
    finally:
        _turns.release()


def check_order(text: str, inputs: dict[str, Any]) -> Checked:
    """The same of a job's, which are as they should be.

    Raises:
        Problem: the recipe cannot be used; or see `look_at`.
        InputError: the inputs do not fit it.
    """
    found = look_at(text, inputs)
    if found.wrong:
        errors = [(pointer("body", "recipe_text"), why) for why in found.wrong]
        raise Problem("unprocessable", "The recipe cannot be used; `errors` says why.", errors=errors)
    if found.wrong_inputs:
        raise InputError(found.wrong_inputs)
    return found

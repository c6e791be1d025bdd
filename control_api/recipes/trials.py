"""Trials of recipes for callers: a few at a time, each in a process of its own, see `crawler.trials`."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from flask import Response

from control_api.problems import Problem, pointer, unavailable
from crawler.trials.process import TooCostly, TrialRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger: Final = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Of each process of the API; a trial may take a processor for many seconds.
_AT_ONCE: Final = 2

#: A call waits for its turn so long, in seconds.
_PATIENCE_S: Final = 5.0

_turns: Final = threading.BoundedSemaphore(_AT_ONCE)

#: Decimals keep their digits, as numbers.
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


def tried(trial: Callable[[], _T], *, parts: Mapping[str, str], costly: str) -> _T:
    """What a trial finds.

    Args:
        trial: what to do.
        parts: pointers to the parts of the request, by the name that a trial has for them.
        costly: the pointer that is blamed if it takes too much.

    Raises:
        Problem: `unprocessable`, with what is wrong; or too many others are being tried.
    """
    if not _turns.acquire(timeout=_PATIENCE_S):
        raise unavailable("Other recipes are being tried.")
    try:
        return trial()
    except TrialRefused as refused:
        if refused.for_operators:
            logger.warning("A preview has fetched no page: %s", refused.for_operators)
        at = parts.get(refused.part, pointer("body"))
        errors = [(at, message) for message in refused.messages]
        raise Problem("unprocessable", "This cannot be tried; `errors` says why.", errors=errors) from refused
    except TooCostly as error:
        raise Problem("unprocessable", "Trying it takes too much.", errors=[(costly, str(error))]) from error
    finally:
        _turns.release()


def exactly(found: dict[str, Any]) -> Response:
    """The answer, with numbers as pages have them."""
    return Response(_JSON.encode(found), mimetype="application/json")

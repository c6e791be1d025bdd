"""Cursors: where a list goes on, for whoever asks for the same list again.

A cursor is base64 of JSON: version, a hash of the filters, a place of `crawler.jobs.store_contract`. With other
filters, which includes those of another client, it is refused.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from control_api.problems import Problem, bad_request
from crawler.errors import InvalidJob
from crawler.jobs.store_contract import check_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VERSION: Final = 1
_FOREIGN: Final = "is no cursor of this list; take `next` of a page with the same filters, or leave it out"


def write_cursor(place: str, filters: Mapping[str, Any]) -> str | None:
    """The cursor of a place; None at the end of the list."""
    if not place:
        return None
    return urlsafe_b64encode(msgspec.json.encode([_VERSION, _hash(filters), place])).decode().rstrip("=")


def read_cursor(text: str, filters: Mapping[str, Any], *, check: Callable[[str], str] = check_place) -> str:
    """The place of a cursor; "" is the beginning. `check` refuses what is no place, as `check_place` does.

    Raises:
        Problem: it is none, or that of a list with other filters.
    """
    if not text:
        return ""
    try:
        encoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        version, of, place = msgspec.json.decode(encoded, type=tuple[int, str, str])
        if version == _VERSION and of == _hash(filters):
            return check(place)
    except (ValueError, msgspec.DecodeError, InvalidJob):
        pass
    raise foreign_cursor()


def foreign_cursor() -> Problem:
    """What is said of a cursor that is none of this list."""
    return bad_request([("/query/cursor", _FOREIGN)])


def _hash(filters: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(filters, order="deterministic")).hexdigest()[:16]

"""JSON bodies, read strictly: what two readers could understand differently, or what no store can keep, is refused.

Refused are: another content type, no UTF-8, nesting deeper than 32, a key that occurs twice in an object (which value
counts differs from reader to reader), NaN and Infinity (no JSON), NUL and lone surrogates in texts, and numbers that
fit nowhere.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import msgspec

from control_api.problems import Problem, bad_request, pointer

if TYPE_CHECKING:
    from flask import Request

MAX_DEPTH: Final = 32

#: So many places of a body are named; who sends more has sent something else.
_MAX_ERRORS: Final = 50

#: Integers that a store of 64 bits takes.
_INTEGERS: Final = range(-(2**63), 2**64)


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_json(request: Request) -> Any:
    """The body of a request.

    Raises:
        Problem: it is none; 415 for another content type, 400 for everything else, with pointers.
    """
    if request.mimetype != "application/json":
        raise Problem(
            "unsupported_media_type",
            f"The body is {request.mimetype or 'of no type'}; send JSON, with Content-Type: application/json.",
        )
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise Problem("unsupported_media_type", "The body must be UTF-8.")
    return parse_json(request.get_data())


def parse_json(raw: bytes) -> Any:
    """The value that the bytes say.

    Raises:
        Problem: they say none, or one of those that are refused.
    """
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise bad_request([("/body", f"is nested deeper than {MAX_DEPTH}")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise bad_request([("/body", f"is no JSON: {error}")]) from None
    errors = _refused(value)
    if errors:
        raise bad_request(errors[:_MAX_ERRORS])
    try:  # the other reader: it knows of keys that occur twice; depth and numbers are known to be harmless by now
        json.loads(raw, object_pairs_hook=_once)
    except _Twice as twice:
        shown = twice.key if len(twice.key) <= 80 else f"{twice.key[:80]}..."
        raise bad_request([("/body", f"has the key {shown!r} twice in one object")]) from None
    except ValueError as error:
        raise bad_request([("/body", f"is no JSON: {error}")]) from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise _Twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]  # None is false
    return found


def _refused(value: Any) -> list[tuple[str, str]]:
    """Where and why a value is refused, without recursion."""
    errors: list[tuple[str, str]] = []
    pending: list[tuple[tuple[str | int, ...], Any]] = [(("body",), value)]
    while pending:
        path, member = pending.pop()
        if len(path) > MAX_DEPTH + 1:
            return [(pointer(*path[:4]), f"is nested deeper than {MAX_DEPTH}")]
        if isinstance(member, dict):
            errors += [(pointer(*path), f"has a key that {why}") for key in member if (why := _bad_text(key))]
            pending += [((*path, key), inner) for key, inner in member.items()]
        elif isinstance(member, list):
            pending += [((*path, index), inner) for index, inner in enumerate(member)]
        elif isinstance(member, str):
            if why := _bad_text(member):
                errors.append((pointer(*path), why))
        elif isinstance(member, float) and not math.isfinite(member):
            errors.append((pointer(*path), "is no number that can be kept"))
        elif isinstance(member, int) and not isinstance(member, bool) and member not in _INTEGERS:
            errors.append((pointer(*path), "is too large a number"))
    return sorted(errors)


def _bad_text(text: str) -> str:
    if "\0" in text:
        return "holds the character NUL"
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return "holds half of a surrogate pair"
    return ""

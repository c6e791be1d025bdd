"""JSON bodies, read strictly: what two readers could understand differently, or what no store can keep, is refused.

Refused are: another content type, no UTF-8, nesting deeper than 32, a key that occurs twice in an object (which value
counts differs from reader to reader), NaN and Infinity (no JSON), NUL and lone surrogates in texts, and numbers that
fit nowhere.
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, overload

import msgspec
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from control_api.problems import MAX_ERRORS, Problem, bad_request, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH: Final = 32

#: A body must have arrived after so long, in seconds.
BODY_PATIENCE_S: Final = 10.0

#: Integers that a store of 64 bits takes.
_INTEGERS: Final = range(-(2**63), 2**64)


class BoundedRequest(Request):
    """A request whose body is refused when it is over the limit, also if nothing was said of its length before.

    Werkzeug reads no more of such a body than `max_content_length`, and gives what it has read as if it were all. So
    that is set one byte above the limit.
    """

    @overload
    def get_data(self, cache: bool = ..., as_text: Literal[False] = ..., parse_form_data: bool = ...) -> bytes: ...  # noqa: FBT001 - as Werkzeug has it
    @overload
    def get_data(self, cache: bool = ..., as_text: Literal[True] = ..., parse_form_data: bool = ...) -> str: ...  # noqa: FBT001 - as Werkzeug has it
    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> bytes | str:  # noqa: FBT001, FBT002 - as it is declared there
        """The body.

        Raises:
            RequestEntityTooLarge: it is over the limit.
            ClientDisconnected: it has not arrived in time.
        """
        with self.patience(BODY_PATIENCE_S):
            raw = super().get_data(cache=cache, parse_form_data=parse_form_data)
        if self.max_content_length is not None and len(raw) >= self.max_content_length:
            raise RequestEntityTooLarge
        return raw.decode(errors="replace") if as_text else raw

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Waits so long for the rest of a body, and no longer: threads are few, and gunicorn waits for ever."""
        connection: socket.socket | None = self.environ.get("gunicorn.socket")
        if connection is None:
            yield
            return
        timer = threading.Timer(seconds, _end_of, (connection,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _end_of(connection: socket.socket) -> None:
    """Whoever reads from it finds its end; it can still be answered."""
    with contextlib.suppress(OSError):  # it is gone already
        connection.shutdown(socket.SHUT_RD)


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_json(request: Request) -> Any:
    """The body of a request.

    Raises:
        Problem: it is none; 415 for another content type, 400 for everything else, with pointers.
    """
    if request.content_encoding:
        raise Problem("unsupported_media_type", "The body must not be packed: leave out Content-Encoding.")
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
        raise bad_request(errors)
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
    """Where and why a value is refused, without recursion; of very many places the first ones.

    Each pointer is as long as the keys above its place, so those of all places could be a million times the body.
    """
    errors: list[tuple[str, str]] = []
    pending: list[tuple[tuple[str | int, ...], Any]] = [(("body",), value)]
    while pending and len(errors) < MAX_ERRORS:
        path, member = pending.pop()
        if isinstance(member, dict | list) and len(path) > MAX_DEPTH:
            return [(pointer(*path[:4]), f"is nested deeper than {MAX_DEPTH}")]
        if isinstance(member, dict):
            wrong = (why for key in member if (why := _bad_text(key)))
            errors += [(pointer(*path), f"has a key that {why}") for why in islice(wrong, MAX_ERRORS)]
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

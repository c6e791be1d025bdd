"""Which sites' scripts may call from a browser: those of a list, written out, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_cors import CORS

if TYPE_CHECKING:
    from flask import Flask

_HEADERS: Final = ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id", "Last-Event-ID"]
_SHOWN: Final = [
    "Location",
    "Retry-After",
    "X-Request-Id",
    "Idempotent-Replayed",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
]


def install(app: Flask, origins: tuple[str, ...]) -> None:
    """Answers preflights of these origins; without any, no header is sent, and browsers refuse."""
    if origins:
        CORS(app, origins=list(origins), allow_headers=_HEADERS, expose_headers=_SHOWN, max_age=600)

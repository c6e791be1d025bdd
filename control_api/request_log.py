"""One line of the log for each request, with its id; and the headers that every answer has.

The line holds no body, no query and no header: secrets travel in all of them.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from flask import g, request

from control_api import metrics
from control_api.gate import request_id

if TYPE_CHECKING:
    from flask import Flask, Response

logger: Final = logging.getLogger("control_api.request")

#: What a line holds beside its text, where the log is JSON.
MEMBERS: Final = ("request_id", "client", "key", "address", "method", "route", "status", "ms", "bytes")

#: OWASP's for an API that gives out JSON only; /docs is a page without scripts, so the same fits.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cache-Control": "no-store",
}


def install(app: Flask) -> None:
    """Before everything else, and after it."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = request_id()
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    seconds = time.monotonic() - g.began
    route = request.url_rule.rule if request.url_rule is not None else "(none)"
    metrics.count(response, method=request.method, route=route, seconds=seconds)
    caller = g.get("principal")
    facts = {
        "request_id": g.request_id,
        "client": caller.client.id if caller is not None else "",
        "key": caller.key.id if caller is not None else "",
        "address": request.remote_addr or "",
        "method": request.method if request.method in metrics.METHODS else "OTHER",
        "route": route,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "bytes": response.calculate_content_length() or 0,
    }
    text = "%(method)s %(route)s %(status)d, %(ms).1f ms, client %(client)s, request %(request_id)s"
    logger.info(text, facts, extra=facts)
    return response

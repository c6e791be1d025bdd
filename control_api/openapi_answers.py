"""What the description says of answers: their headers, and components for the problems that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from control_api.problems import CODES, CONTENT_TYPE
from control_api.replaced import envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNT: Final = {"type": "integer", "minimum": 0}

#: Headers of answers, by name.
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "Id of the request in our logs: the one that came with it, if it was 1 to 128 of A-Z, a-z, 0-9,"
        " `.`, `_` and `-`; else a new one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "example": "0f8fad5bd9cb469fa16570867728950e",
    },
    "RateLimit-Limit": {
        "description": "Calls that the client may make in the time of its rate.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 600,
    },
    "RateLimit-Remaining": {"description": "Calls that are left of them.", "schema": _COUNT, "example": 599},
    "RateLimit-Reset": {
        "description": "Seconds until all of them are there again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 60,
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
        "example": "Bearer",
    },
    "Location": {
        "description": "Path of what was made.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/v1/jobs/mvb2qk7d5xw3o4n6rj5f7a2zle",
    },
    "Idempotent-Replayed": {
        "description": "Only on the answer to a call that was made before, with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}

_RATES: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

#: What examples of problems say, by code: details, and members beside the usual ones.
_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "bad_request": {
        "detail": "The request is wrong in /body/limits/requests; `errors` says how.",
        "errors": [{"pointer": "/body/limits/requests", "message": "must be a whole number"}],
    },
    "invalid_key": {"detail": "Send Authorization: Bearer and a valid API key."},
    "missing_scope": {"detail": "This needs an API key with the scope jobs:write.", "scope": "jobs:write"},
    "not_found": {"detail": "There is no such job."},
    "conflict": {"detail": "job mvb2qk7d5xw3o4n6rj5f7a2zle is succeeded, which is its end", "state": "succeeded"},
    "name_reserved": {"detail": "The deployment has a recipe shop, which all clients see; take another name."},
    "idempotency_conflict": {
        "detail": "This Idempotency-Key has come with another body before; send the same one, or take another key."
    },
    "too_large": {"detail": "A body may have 1,048,576 bytes."},
    "unsupported_media_type": {
        "detail": "The body is text/plain; send JSON, with Content-Type: application/json.",
    },
    "unprocessable": {
        "detail": "There is no recipe sjop.",
        "errors": [{"pointer": "/body/recipe", "message": "there is no recipe sjop"}],
    },
    "rate_limited": {"detail": "This client has made too many requests; wait as long as Retry-After says."},
    "quota_exceeded": {
        "detail": "client alice may have 10 jobs at a time that have not ended, and has",
        "quota": "running_jobs",
    },
    "internal": {"detail": "This is a bug; the log has it under the request id."},
    "unavailable": {"detail": "The store of jobs does not answer."},
}


def header(name: str) -> dict[str, str]:
    """A reference to a header of `HEADERS`."""
    return {"$ref": f"#/components/headers/{name}"}


def success_headers(*, with_key: bool) -> dict[str, Any]:
    """Those of an answer that is none of a problem."""
    return {name: header(name) for name in ("X-Request-Id", *(_RATES if with_key else ()))}


def problem_component(codes: Sequence[str], *, is_replaced: bool) -> tuple[str, dict[str, Any]]:
    """Name and text of an answer that has one of these codes, all of one status.

    `is_replaced`: in the envelope of the replaced system.
    """
    status = CODES[codes[0]][0]
    names = ["X-Request-Id"]
    if status in (429, 503):
        names.append("Retry-After")
    if status == 401:
        names.append("WWW-Authenticate")
    elif status not in (413, 500, 503):  # these may come before calls are counted
        names += _RATES
    kind, schema = ("application/json", "ReplacedFailure") if is_replaced else (CONTENT_TYPE, "Problem")
    examples = [(_replaced_example(code) if is_replaced else _example(code)) for code in codes]
    return ("Replaced" if is_replaced else "") + "Or".join(code.title().replace("_", "") for code in codes), {
        "description": "; or: ".join(CODES[code][1] for code in codes) + ".",
        "headers": {name: header(name) for name in names},
        "content": {
            kind: {
                "schema": {"$ref": f"#/components/schemas/{schema}"},
                "examples": {code: {"value": example} for code, example in zip(codes, examples, strict=True)},
            }
        },
    }


def _replaced_example(code: str) -> dict[str, Any]:
    example = _example(code)
    error = {"code": envelope.code_of(code), "message": example["detail"]}
    details = {"details": example["errors"]} if "errors" in example else {}
    return {
        "success": False,
        "error": error | details,
        "timestamp": "2026-01-02T03:04:05.678Z",
        "requestId": example["request_id"],
    }


def _example(code: str) -> dict[str, Any]:
    status, title = CODES[code]
    usual = {"type": f"urn:crawlery:problem:{code}", "title": title, "status": status}
    said = dict(_EXAMPLES[code])
    detail = said.pop("detail")
    return {
        **usual,
        "detail": detail,
        "code": code,
        "request_id": HEADERS["X-Request-Id"]["example"],
        **said,
    }

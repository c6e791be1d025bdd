"""How the replaced system answers: {success, data | error, message?, timestamp, requestId}. Pure but for the clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from flask import g

from control_api.fields import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from control_api.problems import Problem

PREFIX: Final = "/api/"

#: Its codes, by those of `problems.CODES`. It had none for keys and limits: it knew neither.
_CODES: Final[Mapping[str, str]] = {
    "bad_request": "VALIDATION_ERROR",
    "unprocessable": "VALIDATION_ERROR",
    "too_large": "VALIDATION_ERROR",
    "unsupported_media_type": "VALIDATION_ERROR",
    "not_found": "NOT_FOUND",
    "method_not_allowed": "METHOD_NOT_ALLOWED",
    "conflict": "CONFLICT",
    "name_reserved": "CONFLICT",
    "idempotency_conflict": "IDEMPOTENCY_CONFLICT",
    "invalid_key": "UNAUTHORIZED",
    "missing_scope": "FORBIDDEN",
    "rate_limited": "RATE_LIMITED",
    "quota_exceeded": "QUOTA_EXCEEDED",
    "unavailable": "SERVICE_UNAVAILABLE",
    "internal": "INTERNAL_ERROR",
}

#: Every code that an answer may have.
ALL_CODES: Final = tuple(
    sorted({*_CODES.values(), "RECIPE_NOT_FOUND", "JOB_NOT_FOUND", "STORAGE_ENTRY_NOT_FOUND", "EXTRACTION_FAILED"})
)


def success(data: Any, message: str = "") -> dict[str, Any]:
    """The answer to a call that has done what was asked."""
    return {"success": True, "data": data} | ({"message": message} if message else {}) | _frame()


def code_of(code: str) -> str:
    """The replaced system's word for one of `problems.CODES`."""
    return _CODES[code]


def failure(problem: Problem) -> dict[str, Any]:
    """The answer to one that has not. A member `replaced_code` of the problem says more than its own code."""
    error: dict[str, Any] = {
        "code": problem.members.get("replaced_code") or code_of(problem.code),
        "message": problem.detail,
    }
    if problem.errors:
        error["details"] = [{"pointer": pointer, "message": message} for pointer, message in problem.errors]
    return {"success": False, "error": error} | _frame()


def _frame() -> dict[str, Any]:
    return {"timestamp": written(time.time_ns() // 1_000_000), "requestId": g.get("request_id", "")}

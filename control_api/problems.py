"""What goes wrong, as `application/problem+json` (RFC 9457): the one table from exceptions to answers.

    {"type": "urn:crawlery:problem:CODE", "title": ..., "status": ..., "detail": ..., "code": CODE, "request_id": ...,
     "errors": [{"pointer": "/body/limits/requests", "message": ...}]}

`errors` names each part of a request that is wrong by a JSON pointer (RFC 6901) that begins with where it stands: body,
query, header or path. Answers never tell what another client has.
"""

from __future__ import annotations

import http
import logging
import math
import re
from typing import TYPE_CHECKING, Any, Final

import redis
from flask import Response, g, json, request
from flask_limiter.errors import RateLimitExceeded
from werkzeug.exceptions import HTTPException

from control_api.replaced import envelope
from crawler.errors import (
    CatalogFull,
    ClientExists,
    Contended,
    CrawleryError,
    InputError,
    InvalidAccess,
    InvalidJob,
    InvalidRecipeName,
    KeyRefused,
    NoSuchJob,
    NothingToPublish,
    NothingToReplay,
    ObjectStoreError,
    QuotaExceeded,
    RecipeError,
    StoreError,
    TransitionRefused,
    VersionTaken,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Flask

logger: Final = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"

#: Status and title of each code.
CODES: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "The request is not well-formed"),
    "invalid_key": (401, "No valid API key"),
    "missing_scope": (403, "The API key may not do this"),
    "not_found": (404, "There is no such object"),
    "method_not_allowed": (405, "This path does not know the method"),
    "conflict": (409, "The object does not allow this now"),
    "name_reserved": (409, "The name is one of the deployment"),
    "idempotency_conflict": (409, "The Idempotency-Key belongs to another request"),
    "too_large": (413, "The request is too large"),
    "unsupported_media_type": (415, "The body is of another type"),
    "unprocessable": (422, "The request asks for what cannot be"),
    "rate_limited": (429, "Too many requests"),
    "quota_exceeded": (429, "A quota is used up"),
    "internal": (500, "The API has failed"),
    "unavailable": (503, "Something that is needed is away"),
}

#: So many wrong parts of a request are named; who sends more has sent something else.
MAX_ERRORS: Final = 50

#: What `crawler.recipe.inputs` says of an input: its name, where in its value, what is wrong, what to type instead.
_INPUT: Final = re.compile(r"input (\w+)([^:]*): (.*?)(?:; give it as -a .*)?", re.DOTALL)

#: When to try again if nothing better is known, in seconds.
_RETRY_S: Final = 2


class Problem(Exception):
    """An answer other than the one that was asked for."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """A problem.

        Args:
            code: one of `CODES`.
            detail: what is wrong here, and what to do.
            errors: pairs of pointer and message.
            headers: of the answer.
            members: of the body, beside those that all have.
        """
        super().__init__(detail)
        self.code, self.detail = code, detail
        self.errors, self.headers, self.members = tuple(errors[:MAX_ERRORS]), dict(headers or {}), members

    @property
    def status(self) -> int:
        """Of the answer."""
        return CODES[self.code][0]

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        body = {
            "type": f"urn:crawlery:problem:{self.code}",
            "title": CODES[self.code][1],
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": g.get("request_id", ""),
            **self.members,
        }
        if self.errors:
            body["errors"] = [{"pointer": pointer, "message": message} for pointer, message in self.errors]
        return body


def bad_request(errors: Sequence[tuple[str, str]]) -> Problem:
    """A request that is wrong in these places."""
    where = ", ".join(_short(pointer) for pointer, _ in errors[:3]) + (" ..." if len(errors) > 3 else "")
    detail = f"The request is wrong in {where}; `errors` says how."
    shown = [(_short(pointer, 500), message) for pointer, message in errors[:MAX_ERRORS]]
    return Problem("bad_request", detail, errors=shown)


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def not_found(what: str = "object") -> Problem:
    """What does not exist, or is not this client's: nobody can tell which."""
    return Problem("not_found", f"There is no such {what}.")


def unavailable(detail: str, *, retry_after_s: float = _RETRY_S) -> Problem:
    """Something is away that time brings back."""
    return Problem("unavailable", detail, headers={"Retry-After": whole_seconds(retry_after_s)})


def whole_seconds(seconds: float) -> str:
    """As Retry-After has it: never 0, which would mean at once."""
    return str(max(1, math.ceil(seconds)))


def pointer(*parts: str | int) -> str:
    """The JSON pointer of parts."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def respond(problem: Problem) -> Response:
    """The answer of a problem: in the form of the replaced system under its paths, of RFC 9457 elsewhere."""
    if request.path.startswith(envelope.PREFIX):
        body = json.dumps(envelope.failure(problem))
        return Response(body, problem.status, problem.headers, mimetype="application/json")
    return Response(json.dumps(problem.body()), problem.status, problem.headers, mimetype=CONTENT_TYPE)


def register(app: Flask) -> None:
    """Every exception that can leave a view."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(CrawleryError, lambda error: respond(_of_ours(error)))
    app.register_error_handler(redis.RedisError, lambda error: respond(_of_store(error)))
    app.register_error_handler(HTTPException, lambda error: respond(_of_http(error)))
    app.register_error_handler(Exception, lambda error: respond(_of_bug(error)))


def _of_ours(error: CrawleryError) -> Problem:  # noqa: PLR0911 - one line for each kind of error is the table
    match error:
        case KeyRefused():
            return Problem("invalid_key", str(error), headers={"WWW-Authenticate": "Bearer"})
        case NoSuchJob():
            return not_found("job")
        case TransitionRefused():
            return Problem("conflict", str(error), state=error.state)
        case ClientExists() | Contended() | VersionTaken() | CatalogFull() | NothingToReplay() | NothingToPublish():
            return Problem("conflict", str(error))
        case QuotaExceeded():
            retry = {"Retry-After": whole_seconds(error.retry_after_s)}
            return Problem("quota_exceeded", str(error), headers=retry, quota=error.quota)
        case RecipeError():
            errors = [(pointer("body", "recipe_text"), str(problem)) for problem in error.problems]
            return Problem("unprocessable", "The recipe cannot be used; `errors` says why.", errors=errors)
        case InputError():
            errors = [of_input(message) for message in error.messages[:MAX_ERRORS]]
            return Problem("unprocessable", "The inputs do not fit the recipe; `errors` says how.", errors=errors)
        case InvalidJob() | InvalidAccess() | InvalidRecipeName():
            return Problem("unprocessable", str(error))
        case StoreError():
            return _of_store(error)
        case ObjectStoreError():
            logger.error("The storage of files has failed us: %s", error)
            return unavailable("The storage of files does not answer as it should.")
    return _of_bug(error)


def of_input(message: str) -> tuple[str, str]:
    """Which input is wrong, and how; without the advice for those who type it."""
    match = _INPUT.fullmatch(message)
    if match is None:
        return pointer("body", "inputs"), message
    name, inside, why = match.groups()
    return pointer("body", "inputs", name), f"{inside.strip()}: {why}" if inside.strip() else why


def _of_store(error: Exception) -> Problem:
    logger.error("The store has failed us: %s", error)
    return unavailable("The store of jobs does not answer.")


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if isinstance(error, RateLimitExceeded):
        return Problem("rate_limited", "This client has made too many requests; wait as long as Retry-After says.")
    if status == 405:
        allowed = ", ".join(sorted(dict(error.get_headers()).get("Allow", "").split(", ")))
        return Problem("method_not_allowed", f"Allowed are: {allowed}.", headers={"Allow": allowed})
    codes = {404: "not_found", 413: "too_large", 415: "unsupported_media_type"}
    if status == 404:
        return Problem("not_found", "There is no such path.")
    if status in codes:
        return Problem(codes[status], error.description or http.HTTPStatus(status).phrase)
    if 400 <= status < 500:
        return Problem("bad_request", error.description or http.HTTPStatus(status).phrase)
    return _of_bug(error)


def _of_bug(error: Exception) -> Problem:
    logger.error("Request %s has failed", g.get("request_id", ""), exc_info=error)
    return Problem("internal", "This is a bug; the log has it under the request id.")

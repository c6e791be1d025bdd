"""The description of the API: what flask-smorest makes of the views, and what all of them have in common.

Each call is described with the scope that it needs, and with every answer that it can give; so a client may rely on
what is written, and the tests compare the two.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import flask_smorest
import marshmallow as ma

from control_api.fields import Schema
from control_api.gate import ANY_KEY, OPEN, needed
from control_api.problems import CODES, CONTENT_TYPE
from control_api.replaced import envelope
from control_api.replaced.schemas import ReplacedFailureSchema
from crawler.access.model import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})

#: Statuses of each kind of call, beside its own.
_WITH_KEY: Final = (401, 429, 503)
_WITH_BODY: Final = (413, 415)
_ALWAYS: Final = (500,)

#: What only some calls answer, by the name of their view.
_SPECIAL: Final[dict[str, tuple[int, ...]]] = {
    "jobs.create_job": (400, 403, 409, 422),
    "jobs.pause_job": (409,),
    "jobs.resume_job": (409,),
    "jobs.cancel_job": (409,),
    "clients.create_client": (409, 422),
    "clients.change_client": (422,),
    "keys.create_key": (422,),
    "keys.rotate_key": (409,),
    "recipes.get_recipe": (422,),
    "scrape.init_scrape": (400, 404, 409, 422),
    "scrape.scrape_cancel": (409,),
    "old_recipes.old_recipe_get": (422,),
    "old_recipes.old_recipe_by_site": (404,),
    "old_recipes.old_recipe_validate": (404,),
    "system.ready": (503,),
    "system.metrics": (401, 404),
}

#: Calls that take an Idempotency-Key.
_IDEMPOTENT: Final = ("jobs.create_job", "scrape.init_scrape")

_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes the call safe to repeat: 1 to 128 printable ASCII characters.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
}

_DESCRIPTION: Final = """Submit crawls, follow them, and fetch their files.

Send `Authorization: Bearer ck_live_...`. Errors are `application/problem+json`; `errors` names what is wrong in a
request by JSON pointers. `429` and `503` say in `Retry-After` when to come again."""


class WrongPartSchema(Schema):
    """One part of a request that is wrong."""

    pointer = ma.fields.String(required=True, metadata={"description": "Begins with /body, /query, /header or /path."})
    message = ma.fields.String(required=True)


class ProblemSchema(Schema):
    """What went wrong (RFC 9457)."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    code = ma.fields.String(required=True, metadata={"enum": sorted(CODES)})
    request_id = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Nested(WrongPartSchema))
    state = ma.fields.String(metadata={"description": "Of a job that does not allow the call."})
    quota = ma.fields.String(metadata={"description": "That is used up."})
    scope = ma.fields.String(metadata={"description": "That the key lacks."})


class Api(flask_smorest.Api):
    """flask-smorest's, which leaves errors to `problems` and serves no pages of its own."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """`problems` has all of them."""


def configure(app: Flask, version: str) -> Api:
    """The description of an app, to which blueprints are registered."""
    app.config.update(
        API_TITLE="Crawlery control API",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
    )
    api = Api(
        app,
        spec_kwargs={
            "info": {"description": _DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
        },
    )
    assert api.spec is not None
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "bearerFormat": "ck_live_..."})
    api.spec.components.schema("ReplacedFailure", schema=ReplacedFailureSchema)
    return api


def described(app: Flask, api: Api) -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    assert api.spec is not None
    spec: dict[str, Any] = deepcopy(api.spec.to_dict())
    spec["components"].pop("responses", None)  # the library's own errors
    for path, method, operation in operations(spec):
        endpoint = next(
            rule.endpoint
            for rule in app.url_map.iter_rules()
            if _path(rule.rule) == path and method.upper() in (rule.methods or ())
        )
        with app.app_context():
            what = needed(endpoint)
        operation["operationId"] = endpoint.rpartition(".")[2]
        operation["responses"] = {
            status: answer
            for status, answer in operation["responses"].items()
            if status.isdigit() and int(status) < 400
        }
        _add_problems(operation, endpoint, what, path=path)
        if what != OPEN:
            operation["security"] = [{"key": []}]
            operation["x-scope"] = str(what)
        if endpoint in _IDEMPOTENT:
            operation.setdefault("parameters", []).append(_IDEMPOTENCY)
    return spec


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each call."""
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _add_problems(operation: dict[str, Any], endpoint: str, what: Scope | str | None, *, path: str) -> None:
    statuses = {*_ALWAYS, *_SPECIAL.get(endpoint, ())}
    if what != OPEN:
        statuses.update(_WITH_KEY)
    if isinstance(what, Scope):
        statuses.add(403)
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses.update((400, *_WITH_BODY))
    if any(parameter.get("in") == "query" for parameter in operation.get("parameters", ())):
        statuses.add(400)
    for status in sorted(statuses):
        operation["responses"][str(status)] = _answer(status, is_replaced=path.startswith(envelope.PREFIX))


def _answer(status: int, *, is_replaced: bool) -> dict[str, Any]:
    titles = [title for code_status, title in CODES.values() if code_status == status]
    kind, schema = ("application/json", "ReplacedFailure") if is_replaced else (CONTENT_TYPE, "Problem")
    answer: dict[str, Any] = {
        "description": "; or ".join(titles),
        "content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    return answer


def _path(rule: str) -> str:
    """A rule of Flask as a path of OpenAPI."""
    parts = [f"{{{part[1:-1].rpartition(':')[2]}}}" if part.startswith("<") else part for part in rule.split("/")]
    return "/".join(parts)


__all__ = ["ANY_KEY", "Api", "configure", "described", "operations"]

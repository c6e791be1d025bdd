"""The description of the API: what flask-smorest makes of the views, and what all of them have in common.

Each call is described with the scope that it needs, and with every answer that it can give; so a client may rely on
what is written, and the tests compare the two.
"""

from __future__ import annotations

import inspect
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import flask_smorest
import marshmallow as ma

from control_api.fields import Schema, about
from control_api.gate import ANY_KEY, OPEN, needed
from control_api.jobs.events import ProgressEventSchema, StateEventSchema
from control_api.openapi_answers import HEADERS, header, problem_component, success_headers
from control_api.openapi_examples import example_of
from control_api.problems import CODES
from control_api.replaced import envelope
from control_api.replaced.schemas import ReplacedFailureSchema
from crawler.access.model import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})

#: Codes of problems of each kind of call.
_ALWAYS: Final = ("internal",)
_WITH_KEY: Final = ("bad_request", "invalid_key", "too_large", "rate_limited", "unavailable")
_WITH_SCOPE: Final = ("missing_scope",)
_WITH_ID: Final = ("not_found",)
_WITH_BODY: Final = ("unsupported_media_type",)

#: What only some calls answer, by the name of their view.
_SPECIAL: Final[dict[str, tuple[str, ...]]] = {
    "jobs.create_job": ("idempotency_conflict", "unprocessable", "quota_exceeded"),
    "jobs.replay_job": ("conflict", "idempotency_conflict", "quota_exceeded"),
    "jobs.pause_job": ("conflict",),
    "jobs.resume_job": ("conflict",),
    "jobs.cancel_job": ("conflict",),
    "jobs.get_quality": ("conflict",),
    "jobs.publish_results": ("conflict",),
    "clients.create_client": ("conflict",),
    "keys.create_key": ("unprocessable",),
    "keys.rotate_key": ("conflict",),
    "recipes.get_recipe": ("unprocessable",),
    "audit.verify_audit": ("conflict",),
    "recipes.preview_recipe": ("unprocessable",),
    "recipes.diff_recipe": ("unprocessable",),
    "recipes.put_recipe": ("conflict", "name_reserved", "unprocessable"),
    "scrape.init_scrape": ("not_found", "idempotency_conflict", "unprocessable", "quota_exceeded"),
    "scrape.scrape_cancel": ("conflict",),
    "old_recipes.old_recipe_get": ("unprocessable",),
    "old_recipes.old_recipe_by_site": ("not_found",),
    "old_recipes.old_recipe_validate": ("not_found",),
    "system.ready": ("unavailable",),
    "system.metrics": ("invalid_key", "not_found"),
}

#: Calls that take an Idempotency-Key.
_IDEMPOTENT: Final = ("jobs.create_job", "jobs.replay_job", "scrape.init_scrape")

_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the call safe to repeat: 1 to 128 printable ASCII characters, such as a UUID.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
    "example": "7d3f6b0e-monday",
}

#: Parameters of paths, by name.
_IN_PATHS: Final[dict[str, dict[str, Any]]] = {
    "job_id": {"description": "Id of the job.", "example": "mvb2qk7d5xw3o4n6rj5f7a2zle"},
    "client_id": {"description": "Id of the client.", "example": "alice"},
    "key_id": {"description": "Id of the key: the eight characters behind `ck_live_`.", "example": "k7m2p4q6"},
    "name": {"description": "Name of the recipe.", "example": "shop"},
    "kind": {"description": "Which file: that of products, or that of their variations.", "example": "parent"},
}

#: What the library has no words for, by schema and member.
_KEYWORDS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("JobOrder", ""): {"oneOf": [{"required": ["recipe"]}, {"required": ["recipe_text"]}]},
    ("PreviewOrder", ""): {"oneOf": [{"required": ["recipe"]}, {"required": ["recipe_text"]}]},
    ("PreviewOrder", "inputs"): {"propertyNames": {"minLength": 1, "maxLength": 100}},
    ("ValidateOrder", "inputs"): {"propertyNames": {"minLength": 1, "maxLength": 100}},
    ("JobOrder", "inputs"): {"propertyNames": {"minLength": 1, "maxLength": 100}},
}

#: What an example of a request has, of all that it could have.
_ENOUGH: Final[dict[str, frozenset[str]]] = {
    "create_job": frozenset({"recipe", "inputs", "tags"}),
    "change_client": frozenset({"rate_limit"}),
    "preview_recipe": frozenset({"recipe", "inputs", "page", "url"}),
    "create_key": frozenset({"client", "scopes", "note"}),
    "init_scrape": frozenset({"siteUrl", "recipe"}),
}

_DESCRIPTION: Final = """Submit crawls, follow them, and fetch their files.

Send `Authorization: Bearer ck_live_...` with every call under `/v1`. A key has scopes; each call says below which one
it needs. What belongs to another client is answered like what does not exist.

Errors are `application/problem+json` (RFC 9457); `code` is the word to decide by, and `errors` names each part of a
request that is wrong by a JSON pointer that begins with `/body`, `/query`, `/header` or `/path`. `429` and `503` say in
`Retry-After` when to come again. Every answer has an `X-Request-Id`; with a key also `RateLimit-Limit`,
`RateLimit-Remaining` and `RateLimit-Reset`.

Times are UTC, as `2026-01-02T03:04:05.678Z`. Requests with members or parameters that are not named here are refused;
answers may get new members, so read over those that you do not know."""


class WrongPartSchema(Schema):
    """One part of a request that is wrong."""

    pointer = ma.fields.String(
        required=True, metadata=about("Where: begins with /body, /query, /header or /path.", "/body/limits/requests")
    )
    message = ma.fields.String(required=True, metadata=about("What is wrong there.", "must be a whole number"))


class ProblemSchema(Schema):
    """What went wrong (RFC 9457)."""

    type = ma.fields.String(
        required=True, metadata=about("A URN that ends in the code.", "urn:crawlery:problem:conflict")
    )
    title = ma.fields.String(required=True, metadata=about("What the code means.", CODES["conflict"][1]))
    status = ma.fields.Integer(required=True, metadata=about("That of the answer.", 409))
    detail = ma.fields.String(required=True, metadata=about("What is wrong here, and what to do.", "job is cancelled"))
    code = ma.fields.String(
        required=True, metadata=about("The word to decide by.", "conflict") | {"enum": sorted(CODES)}
    )
    request_id = ma.fields.String(
        required=True, metadata=about("As in X-Request-Id.", "0f8fad5bd9cb469fa16570867728950e")
    )
    errors = ma.fields.List(
        ma.fields.Nested(WrongPartSchema), metadata=about("The parts of the request that are wrong.")
    )
    state = ma.fields.String(metadata=about("State of a job that does not allow the call.", "cancelled"))
    quota = ma.fields.String(metadata=about("The quota that is used up.", "running_jobs"))
    scope = ma.fields.String(metadata=about("The scope that the key lacks.", "jobs:write"))


class Api(flask_smorest.Api):
    """flask-smorest's, which leaves errors to `problems` and serves no pages of its own."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """`problems` has all of them."""

    def schema_names(self) -> Iterator[tuple[type[ma.Schema], str]]:
        """Classes of the schemas that are described, and their names in the description."""
        for key, name in self.ma_plugin.converter.refs.items():
            yield key[0], name


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
            "servers": [{"url": "/", "description": "Where this description comes from."}],
        },
    )
    assert api.spec is not None
    scheme = {"type": "http", "scheme": "bearer"}
    api.spec.components.security_scheme("key", {**scheme, "description": "An API key: `ck_live_...`."})
    api.spec.components.security_scheme("metrics_token", {**scheme, "description": "METRICS_TOKEN of the deployment."})
    api.spec.components.schema("ReplacedFailure", schema=ReplacedFailureSchema)
    api.spec.components.schema("StateEvent", schema=StateEventSchema)
    api.spec.components.schema("ProgressEvent", schema=ProgressEventSchema)
    return api


def described(app: Flask, api: Api) -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    assert api.spec is not None
    spec: dict[str, Any] = _plain(deepcopy(api.spec.to_dict()))
    components = spec["components"]
    components["headers"] = deepcopy(HEADERS)
    components["responses"] = {}  # in place of the library's own
    components["schemas"].pop("PaginationMetadata", None)
    for (name, member), keywords in _KEYWORDS.items():
        schema = components["schemas"][name]
        (schema["properties"][member] if member else schema).update(keywords)
    for schema_class, name in api.schema_names():
        if name in components["schemas"]:
            components["schemas"][name]["description"] = inspect.getdoc(schema_class)
    _open_answers(spec)
    for path, method, operation in operations(spec):
        endpoint = next(
            rule.endpoint
            for rule in app.url_map.iter_rules()
            if _path(rule.rule) == path and method.upper() in (rule.methods or ())
        )
        with app.app_context():
            what = needed(endpoint)
        components["responses"].update(_complete(operation, endpoint, what, path=path))
        _add_examples(operation, components["schemas"])
    for item in spec["paths"].values():
        for parameter in item.get("parameters", ()):
            parameter.update(_IN_PATHS[parameter["name"]])
    return spec


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each call."""
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _complete(
    operation: dict[str, Any], endpoint: str, what: Scope | str | None, *, path: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Adds what the library does not know of a call, and gives the answers that it refers to."""
    operation["operationId"] = endpoint.rpartition(".")[2]
    successes = {
        status: answer for status, answer in operation["responses"].items() if status.isdigit() and int(status) < 400
    }
    for answer in successes.values():
        own = {name: header(name) for name in answer.get("headers", ())}
        answer["headers"] = success_headers(with_key=what != OPEN) | own
    operation["responses"] = successes
    if what != OPEN:
        operation["security"] = [{"key": []}]
        operation["x-scope"] = str(what)
    elif endpoint == "system.metrics":
        operation["security"] = [{"metrics_token": []}]
        operation["x-scope"] = "METRICS_TOKEN"
    if endpoint in _IDEMPOTENT:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY)
    codes = _codes(operation, endpoint, what, path=path)
    for status in sorted({CODES[code][0] for code in codes}):
        same = tuple(code for code in CODES if code in codes and CODES[code][0] == status)
        name, answer = problem_component(same, is_replaced=path.startswith(envelope.PREFIX))
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
        yield name, answer


def _codes(operation: dict[str, Any], endpoint: str, what: Scope | str | None, *, path: str) -> set[str]:
    """Of problems that a call may answer."""
    codes = {*_ALWAYS, *_SPECIAL.get(endpoint, ())}
    if what != OPEN:
        codes.update(_WITH_KEY)
    if isinstance(what, Scope):
        codes.update(_WITH_SCOPE)
    if "{" in path:
        codes.update(_WITH_ID)
    if "requestBody" in operation:
        codes.update(_WITH_BODY)
    return codes


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A whole example of the request, and of the answer."""
    only = _ENOUGH.get(operation["operationId"])
    for media in operation.get("requestBody", {}).get("content", {}).values():
        media["example"] = example_of(media["schema"], schemas, only=only)
    for answer in operation["responses"].values():
        for kind, media in answer.get("content", {}).items():
            if kind == "application/json":
                media["example"] = example_of(media["schema"], schemas)


def _plain(value: Any) -> Any:
    """Words of fields as JSON Schema 2020-12 has them: `examples`; and nothing where a limit was taken back."""
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _plain(member) for key, member in value.items() if key not in ("example", "x-example-null")}
    if plain.get("minimum", 0) is None:
        del plain["minimum"]
    if "x-example-null" in value:
        plain["examples"] = [None]
    elif "example" in value:
        plain["examples"] = [value["example"]]
    return plain


def _open_answers(spec: dict[str, Any]) -> None:
    """Answers may get new members; only what is sent in requests is closed."""
    schemas = spec["components"]["schemas"]
    pending = [body["schema"] for body in _request_bodies(spec)]
    closed: set[str] = set()
    while pending:
        for name in set(_references(pending.pop())) - closed:
            closed.add(name)
            pending.append(schemas[name])
    for name, schema in schemas.items():
        if name not in closed:
            schema.pop("additionalProperties", None)


def _request_bodies(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for _, _, operation in operations(spec):
        yield from operation.get("requestBody", {}).get("content", {}).values()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def _path(rule: str) -> str:
    """A rule of Flask as a path of OpenAPI."""
    parts = [f"{{{part[1:-1].rpartition(':')[2]}}}" if part.startswith("<") else part for part in rule.split("/")]
    return "/".join(parts)


__all__ = ["ANY_KEY", "Api", "configure", "described", "operations"]

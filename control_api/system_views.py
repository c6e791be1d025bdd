"""What is asked by probes, browsers and machines: health, readiness, version, the description of the API."""

from __future__ import annotations

import hmac
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import marshmallow as ma
from flask import Blueprint as PlainBlueprint
from flask import Response, current_app, json

from control_api.blueprint import Blueprint
from control_api.fields import Schema, about
from control_api.gate import OPEN, bearer, needs
from control_api.metrics import exposition
from control_api.problems import Problem, unavailable
from control_api.reference import as_html
from control_api.services import services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

system: Final = Blueprint("system", __name__, description="For probes and machines.")
described: Final = PlainBlueprint("described", __name__)


class HealthSchema(Schema):
    """The process answers."""

    status = ma.fields.String(required=True, metadata=about("Always ok.", "ok") | {"enum": ["ok"]})


class OpenReadySchema(Schema):
    """Whether the store takes and gives."""

    ready = ma.fields.Boolean(required=True, metadata=about("Always true; otherwise the answer is a problem.", True))


class VersionSchema(Schema):
    """Which Crawlery this is."""

    name = ma.fields.String(required=True, metadata=about("Always crawlery.", "crawlery"))
    version = ma.fields.String(required=True, metadata=about("Of the package.", "0.1.0"))


@system.route("/health", methods=["GET"])
@needs(OPEN)
@system.response(200, HealthSchema)
def health() -> dict[str, Any]:
    """Say that the process answers.

    Needs no key, and asks nothing else: for probes that restart what hangs.
    """
    return {"status": "ok"}


@system.route("/ready", methods=["GET"])
@needs(OPEN)
@system.response(200, OpenReadySchema)
def ready() -> dict[str, Any]:
    """Say whether calls can be answered.

    Needs no key. It is ready if the store took and gave a moment ago: for probes that decide where calls go.
    """
    if services().store_watch.problem:
        raise unavailable("The store of jobs does not answer.", retry_after_s=5)
    return {"ready": True}


@system.route("/version", methods=["GET"])
@needs(OPEN)
@system.response(200, VersionSchema)
def show_version() -> dict[str, Any]:
    """Say which Crawlery this is.

    Needs no key.
    """
    return {"name": "crawlery", "version": version("crawlery")}


@system.route("/metrics", methods=["GET"])
@needs(OPEN)
@system.response(200, content_type="text/plain", schema={"type": "string"})
def metrics() -> ResponseReturnValue:
    """Give the figures of the API.

    For Prometheus, with METRICS_TOKEN of the deployment as bearer; `404` where none is set.
    """
    token = services().config.metrics_token
    if not token:
        raise Problem("not_found", "There is no such path.")
    if not hmac.compare_digest(bearer().encode("utf-8", "replace"), token.encode()):
        current_app.extensions["crawlery-failures"]()  # who guesses has as few tries as with keys
        raise Problem(
            "invalid_key", "Send Authorization: Bearer METRICS_TOKEN.", headers={"WWW-Authenticate": "Bearer"}
        )
    body, content_type = exposition()
    return Response(body, content_type=content_type)


@described.route("/openapi.json", methods=["GET"])
def openapi() -> ResponseReturnValue:
    """The description of this API, OpenAPI 3.1."""
    return Response(json.dumps(current_app.extensions["crawlery-spec"]()), mimetype="application/json")


@described.route("/docs", methods=["GET"])
def docs() -> ResponseReturnValue:
    """The description of this API, for people."""
    return Response(as_html(current_app.extensions["crawlery-spec"]()), mimetype="text/html")

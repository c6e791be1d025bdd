"""Blueprints of the API: flask-smorest's, with strict bodies and every wrong part of a request named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import flask_smorest
from flask import Request, g, request
from webargs import core
from webargs.flaskparser import FlaskParser

from control_api.bodies import read_json
from control_api.problems import bad_request, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import marshmallow as ma

_PLACES = {"json": "body", "query": "query", "headers": "header", "path": "path"}


class StrictParser(FlaskParser):
    """Reads what a view asks for, and refuses what it does not know."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - so it is declared there
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": None,
        "query": "raise",
    }

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """The body."""
        _ = schema
        return read_json(req)

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **kwargs: Any) -> NoReturn:
        """Names what is wrong.

        Raises:
            Problem: always.
        """
        _ = req, schema, kwargs
        assert isinstance(error.messages, dict)
        raise bad_request([*g.get("header_errors", ()), *_pointed(error.messages)])


def _pointed(messages: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for place, inside in messages.items():
        yield from _walk((_PLACES.get(place, place),), inside)


def _walk(path: tuple[str | int, ...], inside: Any) -> Iterator[tuple[str, str]]:
    if isinstance(inside, dict):
        for key, deeper in inside.items():
            # of a mapping marshmallow says whether the key or the value is wrong; of an object, what is wrong with it
            step = () if (key in ("_schema", "key", "value") and len(path) > 2) or key == "_schema" else (key,)
            yield from _walk((*path, *step), deeper)
    elif isinstance(inside, list):
        for message in inside:
            yield pointer(*path), str(message).rstrip(".")
    else:
        yield pointer(*path), str(inside)


class Blueprint(flask_smorest.Blueprint):
    """See the module."""

    ARGUMENTS_PARSER = StrictParser()


def no_arguments() -> None:
    """Refuses a query where a call takes none.

    Raises:
        Problem: there is one.
    """
    if request.args:
        raise bad_request([(pointer("query", name), "Unknown field") for name in sorted(request.args)])


__all__ = ["Blueprint", "StrictParser", "core", "no_arguments"]

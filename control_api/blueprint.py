"""Blueprints of the API: flask-smorest's, with strict bodies and every wrong part of a request named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import flask_smorest
from flask import Request, current_app, g, request
from webargs.flaskparser import FlaskParser

from control_api.bodies import read_json
from control_api.gate import OPEN, needed
from control_api.problems import Problem, bad_request, pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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
        try:
            return read_json(req)
        except Problem as problem:
            if problem.code != "bad_request":
                raise
            raise bad_request([*g.get("header_errors", ()), *problem.errors]) from None

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See flask_smorest."""
        super().__init__(*args, **kwargs)
        self.before_request(_no_arguments)

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """What a view takes from a place; with "query", that it takes arguments."""
        decorate = super().arguments(schema, location=location, **kwargs)

        def take(view: Callable[..., Any]) -> Any:
            taking = decorate(view)
            taking.takes_query = location == "query" or getattr(view, "takes_query", False)
            return taking

        return take


def _no_arguments() -> None:
    """Refuses a query where a call takes none; what probes ask may have any.

    Raises:
        Problem: there is one.
    """
    view = current_app.view_functions[request.endpoint or ""]
    if request.args and needed(request.endpoint) != OPEN and not getattr(view, "takes_query", False):
        raise bad_request([(pointer("query", name), "Unknown field") for name in sorted(request.args)])


__all__ = ["Blueprint", "StrictParser"]

"""Requests from their templates: URL, query, headers and body filled in.

Pure; what is asked first, and how often, is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from crawler.recipe.model import PageRequest
from crawler.recipe.urls import http_link
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.model import RequestSpec
    from crawler.recipe.template import Template, ValueTemplate

#: Exact digits: a Decimal is written as the number it is.
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class Address(NamedTuple):
    """A URL, or the sentence that says why there is none."""

    address: str = ""
    problem: str = ""


def url_of(template: Template, scopes: Mapping[str, Mapping[str, Value]], *, base_url: str = "") -> Address:
    """The http(s) URL that a template gives; `base_url` as in `made_request`."""
    rendered = template.render(scopes)
    if is_missing(rendered):
        return Address(problem=f"`{template.text}` is empty with these {'fields' if base_url else 'inputs'}")
    url = http_link(base_url, rendered)
    if url is None:
        return Address(problem=f"`{template.text}` gives {str(rendered)[:200]!r}, which is no http(s) URL")
    return Address(address=url)


def made_request(
    spec: RequestSpec, page: str | None, scopes: Mapping[str, Mapping[str, Value]], *, base_url: str = ""
) -> PageRequest | str:
    """The request, or the sentence that says why there is none.

    Args:
        spec: its templates.
        page: the type of the page that is asked for.
        scopes: what the templates may refer to.
        base_url: against which its URL is resolved; "" where it must be absolute.

    Raises:
        StepFailed: a step of a template does not fit its value.
    """
    url = url_of(spec.url, scopes, base_url=base_url)
    if not url.address:
        return url.problem
    headers = {
        name: str(value) for name, template in spec.headers.items() if not is_missing(value := template.render(scopes))
    }
    body = b""
    if spec.form is not None:
        body = urlencode(pairs_of(spec.form, scopes)).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif spec.json_body is not None:
        body = _JSON.encode(spec.json_body.render(scopes))
        headers.setdefault("Content-Type", "application/json")
    return PageRequest(
        url=_with_query(url.address, pairs_of(spec.query, scopes)),
        page=page,
        method=spec.method,
        headers=tuple(headers.items()),
        body=body,
    )


def pairs_of(
    templates: Mapping[str, ValueTemplate], scopes: Mapping[str, Mapping[str, Value]]
) -> list[tuple[str, str]]:
    """Query or form pairs; a list repeats its key, a missing value leaves it out."""
    pairs: list[tuple[str, str]] = []
    for name, template in templates.items():
        value = template.render(scopes)
        members = value if isinstance(value, list) else [value]
        pairs.extend((name, _text(member)) for member in members if member is not MISSING and member is not None)
    return pairs


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(pairs))))))

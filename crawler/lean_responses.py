"""Responses that are made of what is known to be right: of a body of bytes, of finished headers.

Scrapy's classes look at each value again, in three constructors one inside the other. Here their private attributes are
set directly; `tests/unit/test_lean_responses.py` holds such responses against Scrapy's own and fails if an upgrade
brings another attribute.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scrapy.http import HtmlResponse, JsonResponse, Response, TextResponse, XmlResponse
from scrapy.responsetypes import responsetypes

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from scrapy.http import Headers

#: Classes that do no more when they are made than is done here; those of a project are made as they wish.
_TEXTS: Final = frozenset({TextResponse, HtmlResponse, XmlResponse, JsonResponse})

#: Characters of a type of content that is remembered; what a site makes up may be long.
_SHORT: Final = 100

#: What a text says of its JSON that nobody has asked for yet.
_NOT_DECODED: Final = TextResponse("")._cached_decoded_json


def is_lean(response: Response) -> bool:
    """Whether it is of one of the classes that are made here, and not of one of a project."""
    return type(response) in _TEXTS or type(response) is Response


def lean_response(
    kind: type[Response],
    url: str,
    *,
    status: int,
    headers: Headers,
    body: bytes,
    flags: list[str] | None,
    ip_address: IPv4Address | IPv6Address | None,
    protocol: str | None,
) -> Response:
    """A response of a class of Scrapy's, without a request or a certificate; the values are taken over as they are."""
    if kind not in _TEXTS and kind is not Response:
        made = kind(url, status=status, body=body, flags=flags, ip_address=ip_address, protocol=protocol)
        made.headers = headers
        return made
    response = kind.__new__(kind)
    response._url = url
    response.status = status
    response._headers = headers
    response._body = body
    response._flags = flags
    response.request = response.certificate = None
    response.ip_address = ip_address
    response.protocol = protocol
    if isinstance(response, TextResponse):
        response._encoding = response._cached_benc = response._cached_ubody = response._cached_selector = None
        response._cached_decoded_json = _NOT_DECODED
    return response


def class_of(headers: Headers, url: str, body: bytes) -> type[Response]:
    """The class that `responsetypes` chooses, which nearly always looks at no more than the type of the content."""
    content_types = dict.get(headers, b"Content-Type")
    if content_types and b"Content-Encoding" not in headers.keys():  # noqa: SIM118 - `in headers` would spell it anew
        content_type = content_types[-1]
        look = _class_of_type if len(content_type) <= _SHORT else responsetypes.from_content_type
        found = look(content_type)
        if found is not Response:
            return found
    return responsetypes.from_args(headers=headers, url=url, body=body)


@lru_cache(maxsize=1024)
def _class_of_type(content_type: bytes) -> type[Response]:
    return responsetypes.from_content_type(content_type)

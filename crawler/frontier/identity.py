"""When two requests are the same: the 64-bit id by which a frontier knows them.

The id is blake2b keyed with a secret of the job, so that a site cannot construct two links that collide. Odds that any
two of 10 million pages of a job share an id, so that one is never fetched: 3e-6.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from w3lib.url import canonicalize_url

#: The one request that a job begins with; every other id comes from a hash.
START_ID: Final = 1

#: A lower-case host, a path that needs no escapes, nothing else.
_CANONICAL: Final = re.compile(
    r"https?://[a-z0-9.-]+(?::(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?/[A-Za-z0-9/_.~-]*"
).fullmatch


def is_canonical(url: str) -> bool:
    """Whether a URL is of a plain form that `canonicalize_url` gives back as it is, and that needs no escapes."""
    return _CANONICAL(url) is not None and "/." not in url


def request_id(secret: bytes, *, url: str, method: str = "GET", body: bytes = b"", page_type: str = "") -> int:
    """Identity of a request: page type, method, canonical URL (query sorted, no fragment) and body.

    Headers, cookies, priority and what a request carries along are no part of it.

    Args:
        secret: of the job, 1 to 64 bytes.
        url: absolute.
        method: in upper case.
        body: as sent.
        page_type: what the page is read as; the same URL may be two page types, and then it is two pages.
    """
    canonical = url if is_canonical(url) else canonicalize_url(url)
    return _hashed(
        secret, b"page", page_type.encode(), method.encode(), canonical.encode("utf-8", "surrogatepass"), body
    )


def plain_request_id(secret: bytes, *, url: str, page_type: str) -> int:
    """What `request_id` gives for a GET of a URL that is known to be canonical."""
    return _hashed(secret, b"page", page_type.encode(), b"GET", url.encode(), b"")


def child_id(secret: bytes, *, parent: int, page: int, occurrence: int) -> int:
    """Identity of a request that must not be filtered as a duplicate: the second request for a page is another page.

    It is the same again when the parent is read again, also if that then gives its requests in another order.

    Args:
        secret: of the job, 1 to 64 bytes.
        parent: id of the page that asks for it.
        page: the id that it would have if it were filtered.
        occurrence: 1 for the first request of this parent for that page, 2 for the second one; see `Occurrences`.
    """
    return _hashed(secret, b"child", str(parent).encode(), str(page).encode(), str(occurrence).encode())


class Occurrences:
    """Numbers the requests of one parent for the same page."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def __call__(self, page: int) -> int:
        """The number of one more request for this page, from 1."""
        number = self._numbers[page] = self._numbers.get(page, 0) + 1
        return number


def foreign_id(secret: bytes, fingerprint: bytes) -> int:
    """Identity from a project's own request fingerprinter."""
    return _hashed(secret, b"fingerprint", fingerprint)


def text_id(secret: bytes, *parts: str) -> int:
    """A 64-bit id of any text, for the marks of a list."""
    return _hashed(secret, b"text", *(part.encode("utf-8", "surrogatepass") for part in parts))


def _hashed(secret: bytes, *parts: bytes) -> int:
    digest = blake2b(digest_size=8, key=secret)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    number = int.from_bytes(digest.digest(), "big")
    return number if number > START_ID else START_ID + 1

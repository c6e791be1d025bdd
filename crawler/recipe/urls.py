"""URLs of links: absolute by RFC 3986, without fragment, http(s) only."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urldefrag, urljoin, urlsplit

if TYPE_CHECKING:
    from crawler.recipe.values import Value

#: White space and controls that browsers strip from an href's ends, and remove inside (tab, newline).
_ENDS = "".join(map(chr, range(0x21)))
_INSIDE = str.maketrans("", "", "\t\r\n")

#: Paths that RFC 3986 leaves as they are: nothing to escape, and no segment that begins with a dot. The usual case.
_PLAIN_PATH: Final = r"(?:/(?:[A-Za-z0-9\-_~!$&'()*+,=:@%][A-Za-z0-9\-._~!$&'()*+,=:@%]*)?)"
_PLAIN_QUERY: Final = r"(?:\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]+)?"
#: A longer base URL is taken apart each time: what is remembered of pages must not fill memory.
_LONGEST: Final = 2_000
_PLAIN_PORT: Final = r"(?::(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?"
_PLAIN_REFERENCE = re.compile(rf"/(?:[A-Za-z0-9\-_~%][A-Za-z0-9\-._~%+,=:@!]*{_PLAIN_PATH}*)?{_PLAIN_QUERY}", re.ASCII)
_PLAIN_URL = re.compile(
    rf"(https?://[a-z0-9](?:[a-z0-9.\-]*[a-z0-9])?{_PLAIN_PORT}){_PLAIN_PATH}*{_PLAIN_QUERY}", re.ASCII
)


@functools.lru_cache(maxsize=256)
def _origin(base_url: str) -> str | None:
    """Scheme and host of a base URL, to put before a plain reference; None where that is not all there is to do."""
    plain = _PLAIN_URL.fullmatch(base_url)
    return None if plain is None else plain[1]


def plain_link(base_url: str, reference: str) -> str | None:
    """The absolute http(s) URL of a reference that needs nothing but its host; None for any other one.

    What it gives has no fragment, nothing to escape, a host, and is what `absolute_url` gives.
    """
    if len(base_url) > _LONGEST:
        return None
    if _PLAIN_REFERENCE.fullmatch(reference) is not None:
        origin = _origin(base_url)
        return None if origin is None else origin + reference
    return reference if _PLAIN_URL.fullmatch(reference) is not None and _origin(base_url) is not None else None


def absolute_url(base_url: str, reference: str) -> str | None:
    """`reference` resolved against `base_url` as RFC 3986 section 5 says; None if it is no URL at all."""
    cleaned = reference.strip(_ENDS).translate(_INSIDE)
    try:
        url = urljoin(base_url, cleaned)
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number raises only when asked for
    except ValueError:
        return None
    return url if parts.scheme else None


def http_link(base_url: str, reference: Value) -> str | None:
    """The absolute http(s) URL of a link without its fragment; None for `mailto:`, `javascript:`, numbers and noise."""
    if not isinstance(reference, str):
        return None
    plain = plain_link(base_url, reference)
    if plain is not None:
        return plain
    if not reference.strip():
        return None
    url = absolute_url(base_url, reference)
    if url is None:
        return None
    url = urldefrag(url).url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.scheme + url[len(parts.scheme) :]  # in lower case, so that `allow` may begin with ^https

"""URLs of links: absolute by RFC 3986, without fragment, http(s) only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

if TYPE_CHECKING:
    from crawler.recipe.values import Value

#: White space and controls that browsers strip from an href's ends, and remove inside (tab, newline).
_ENDS = "".join(map(chr, range(0x21)))
_INSIDE = str.maketrans("", "", "\t\r\n")


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
    if not isinstance(reference, str) or not reference.strip():
        return None
    url = absolute_url(base_url, reference)
    if url is None:
        return None
    url = urldefrag(url).url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.scheme + url[len(parts.scheme) :]  # in lower case, so that `allow` may begin with ^https

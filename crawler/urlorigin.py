"""Where a URL leads: scheme, host and site, looked up by its beginning, which the pages of a site have in common.

`urlsplit` looks at each character of a URL each time; a crawl asks for the host of each of its requests five times.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_BEGINNING: Final = re.compile(r"[^/?#]*//[^/?#]*").match


class UrlOrigin(NamedTuple):
    """The beginning of a URL.

    Attributes:
        scheme: in lower case.
        host: in lower case, without a port; "" if there is none.
        site: scheme, host and port as they are written.
        length: characters of all that, in the URL.
    """

    scheme: str
    host: str
    site: str
    length: int


#: Longer ones, which no site has, are not remembered.
_LONGEST: Final = 300

_NOWHERE: Final = UrlOrigin("", "", "", 0)


def url_origin(url: str) -> UrlOrigin:
    """The origin of a URL; an empty one if it has no `//`.

    Raises:
        ValueError: what stands where the host should cannot be one.
    """
    end = url.find("/", 8 if url[:8] == "https://" else 7 if url[:7] == "http://" else len(url))
    beginning = url[: max(end, 0)]
    if end < 0 or "?" in beginning or "#" in beginning:  # no path follows the host
        found = _BEGINNING(url)
        if found is None:
            return _NOWHERE
        beginning = found[0]
    look = _origin if len(beginning) <= _LONGEST else _origin.__wrapped__
    return look(beginning)


@lru_cache(maxsize=8192)
def _origin(beginning: str) -> UrlOrigin:
    parts = urlsplit(beginning)
    return UrlOrigin(parts.scheme, parts.hostname or "", f"{parts.scheme}://{parts.netloc}", len(beginning))

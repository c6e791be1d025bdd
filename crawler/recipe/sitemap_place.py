"""Where a sitemap of `start` stands among those that lead to each other: a value that travels with its request."""

from __future__ import annotations

from msgspec import Struct


class SitemapPlace(Struct, frozen=True, kw_only=True):
    """Where a sitemap stands.

    Attributes:
        entry: of `start`.
        level: sitemaps that lead to it.
        left: further sitemaps that may be read below it.
        since: moment (ISO 8601) before which nothing is wanted, or `incremental.LAST_RUN`; "" = everything is.
    """

    entry: int
    level: int = 0
    left: int = 0
    since: str = ""

"""Which time counts as a page's own: from when its request leaves, or its answer comes without one, to its end.

A page that takes longer than it may is taken from its holder, who must be stuck (`held_leases`). Whoever waits at the
door of a slow host, or of one that wants silence for an hour, is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy import Request

    from crawler.middlewares.open_pages import OpenPage, OpenPages
    from crawler.scheduling.appetite import Appetite
    from crawler.scheduling.held_leases import HeldLeases


class PageTimes:
    """Tells the table of leases and the appetite; without a table nothing is ever taken from anybody."""

    def __init__(self, pages: OpenPages, held: HeldLeases | None, appetite: Appetite) -> None:
        self._pages = pages
        self._held = held
        self._appetite = appetite

    def waits(self, request: Request) -> None:
        """A request has come to the door."""
        page = self._pages.of(request)
        if page is not None and self._held is not None:
            self._held.waits(page.lease)

    def leaves(self, request: Request) -> None:
        """A request is sent now."""
        page = self._pages.of(request)
        if page is not None:
            self.goes_on(page)

    def goes_on(self, page: OpenPage) -> None:
        """A page has just begun, or shown in another way that it is not stuck."""
        self._appetite.left(page)
        if self._held is not None:
            self._held.alive(page.lease)

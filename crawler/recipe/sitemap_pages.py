"""What the sitemaps of `start` lead to: which of their entries are pages to fetch, and which are further sitemaps.

One that lists itself, or lists others without end, comes to an end: sitemaps stand `MAX_LEVELS` deep at most, and the
number of those that may be read below one is shared out among them, so that no worker has to count.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from crawler.recipe.incremental import LAST_RUN
from crawler.recipe.model import EmptyCause, PageRequest, PageResult
from crawler.recipe.paging import mark
from crawler.recipe.quantities import seconds
from crawler.recipe.sitemap_place import SitemapPlace
from crawler.recipe.sitemaps import latest_moment, read_sitemap
from crawler.recipe.urls import http_link

if TYPE_CHECKING:
    from crawler.recipe.model import PageInput, Recipe, Sitemap
    from crawler.recipe.sitemaps import SitemapEntry, SitemapFile

#: robots.txt, an index, an index of it, a list of URLs.
MAX_LEVELS: Final = 4

#: Counters that say that a sitemap was read in part only.
IN_PART: Final = tuple(f"recipe/sitemap/{name}" for name in ("cut", "damaged", "too_many"))

#: Sitemaps that one entry of `start` reads at most.
MAX_SITEMAPS: Final = 10_000


def page_name(entry: int) -> str:
    """What the sitemaps of an entry of `start` are called where page types are; no page type can have that name."""
    return f"sitemap:{entry}"


def first_request(url: str, *, entry: int, since: str) -> PageRequest:
    """The request of a sitemap that `start` names."""
    place = SitemapPlace(entry=entry, left=MAX_SITEMAPS - 1, since=since)
    return PageRequest(url=url, page=page_name(entry), sitemap=place)


def is_robots(url: str) -> bool:
    """Whether a URL is that of a robots.txt."""
    return urlsplit(url).path == "/robots.txt"


def since_of(written: str, *, now: datetime) -> str:
    """The moment before which nothing is wanted, of a date, a date with a time, or a duration before `now`.

    Raises:
        ValueError: it is none; says what it may be.
    """
    text = written.strip()
    try:
        return (now - timedelta(seconds=seconds(text))).isoformat()
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text[:40]}' is no date such as 2026-11-01, and no duration such as 7d") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).isoformat()


def sitemap_page(recipe: Recipe, page_input: PageInput, place: SitemapPlace) -> PageResult:
    """The requests that a sitemap leads to.

    Raises:
        PageError: it is no sitemap, or one that is not read.
    """
    spec = recipe.start[place.entry].sitemap
    if spec is None:
        raise AssertionError("only entries with `sitemap` ask for one")
    robots = is_robots(page_input.asked_url or page_input.request.url) or is_robots(page_input.url)
    file = read_sitemap(page_input.body, robots=robots)
    reading = _Reading(spec, page_input, place, page=recipe.start[place.entry].page)
    requests = reading.sitemaps(file) if file.sitemaps else reading.pages(file)
    for name, holds in (("cut", file.cut), ("damaged", file.damaged)):
        if holds:
            reading.stats[f"recipe/sitemap/{name}"] += 1
    cause = None
    if not file.entries:
        cause = EmptyCause(
            page=page_name(place.entry),
            selector="Sitemap:" if robots else "sitemap > loc" if file.sitemaps else "url > loc",
            status=page_input.status,
            size_bytes=len(page_input.body),
            hint="name the sitemap itself in `start`" if robots else "",
        )
    return PageResult(
        page=page_name(place.entry),
        outcome="ok" if file.entries else "empty",
        requests=tuple(requests),
        passed_over=tuple(reading.passed_over) if recipe.incremental is not None else (),
        stats=dict(reading.stats),
        marks=tuple(mark("link", request.url) for request in requests),
        cause=cause,
    )


class _Reading:
    def __init__(self, spec: Sitemap, page_input: PageInput, place: SitemapPlace, *, page: str | None) -> None:
        self.stats: Counter[str] = Counter()
        self._spec = spec
        self._input = page_input
        self._place = place
        self._page = page
        # Whoever fetches knows when the last run was, and passes over what is older.
        self._since = datetime.fromisoformat(place.since) if place.since not in ("", LAST_RUN) else None
        self.passed_over: list[PageRequest] = []

    def sitemaps(self, file: SitemapFile) -> list[PageRequest]:
        """The requests of further sitemaps."""
        place = self._place
        found = list(self._links(file)[0])
        self.stats["recipe/sitemap/sitemaps"] += len(found)
        if place.level + 1 >= MAX_LEVELS or len(found) > place.left:
            room = 0 if place.level + 1 >= MAX_LEVELS else place.left
            self.stats["recipe/sitemap/too_many"] += len(found) - room
            found = found[:room]
        below = (place.left - len(found)) // len(found) if found else 0
        onward = replace(place, level=place.level + 1, left=below)
        return [PageRequest(url=url, page=page_name(place.entry), sitemap=onward) for url in found]

    def pages(self, file: SitemapFile) -> list[PageRequest]:
        """The requests of pages."""
        found, old = self._links(file)
        self.stats["recipe/sitemap/urls"] += len(found)
        allowed = {url: lastmod for url, lastmod in found.items() if self._is_allowed(url)}
        if len(allowed) < len(found):
            self.stats["recipe/sitemap/not_allowed"] += len(found) - len(allowed)
        self.passed_over = [
            PageRequest(url=url, page=self._page, lastmod=old[url]) for url in old if url not in allowed
        ]
        return [PageRequest(url=url, page=self._page, lastmod=lastmod) for url, lastmod in allowed.items()]

    def _is_allowed(self, url: str) -> bool:
        if self._spec.allow and not any(pattern.search(url) for pattern in self._spec.allow):
            return False
        return not any(pattern.search(url) for pattern in self._spec.deny)

    def _links(self, file: SitemapFile) -> tuple[dict[str, str], dict[str, str]]:
        """The URLs of all entries that are new enough, each once, with what is said of them; and the old ones."""
        links: dict[str, str] = {}
        old: dict[str, str] = {}
        for entry in file.entries:
            is_old = self._is_old(entry)
            if is_old:
                self.stats["recipe/sitemap/unchanged"] += 1
            for written in (entry.url, *(entry.alternates if self._spec.alternate_links else ())):
                url = http_link(self._input.url, written)
                if url is None:
                    self.stats["recipe/link_ignored"] += 1
                else:
                    (old if is_old else links)[url] = entry.modified
        return links, old

    def _is_old(self, entry: SitemapEntry) -> bool:
        """Whether it has not changed since then; one that does not say so may have."""
        if self._since is None or not entry.modified:
            return False
        modified = latest_moment(entry.modified)
        return modified is not None and modified <= self._since

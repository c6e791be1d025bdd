"""Looks around on a site for `recipe new`: which page lists items, which page shows one, what lies between.

A handful of pages is fetched, each because the one before gave a reason to. What is concluded from them is pure and
lies in `crawler.recipe.propose*`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from protego import Protego

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.egress.single_page import FetchFailed, PageFetcher
from crawler.errors import PageError
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.propose import Level, Sample, sample_of
from crawler.recipe.propose_data import looks_like_item
from crawler.recipe.propose_item import facts_of, words_shown
from crawler.recipe.propose_list import MIN_SCORE, LinkGroup, is_listed, link_groups, links_below, next_page
from crawler.recipe.propose_rows import row_draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.recipe.propose_list import NextPage
    from crawler.recipe.propose_rows import RowDraft

#: Pages fetched at most; a person waits, and a stranger's site is asked.
MAX_PAGES = 14
#: Item pages that the fields are compared on.
_ITEM_SAMPLES = 3
#: Characters in paragraphs from which a page without a list is taken for an article.
_MIN_WORDS = 300
#: A group of links that may be menus: they are looked at when a page has nothing better.
_LEAST_SCORE = -3.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What was found. Without `listing` and `rows` the URL itself shows one item."""

    items: tuple[Sample, ...] = ()
    listing: Level | None = None
    listing_page: Sample | None = None
    categories: Level | None = None
    categories_page: Sample | None = None
    rows: RowDraft | None = None
    rows_next: NextPage | None = None

    def pages(self) -> Iterator[tuple[str, Sample]]:
        """Every page worth keeping as a test, with its page type; items have the type `""`."""
        if self.categories_page is not None:
            yield "categories", self.categories_page
        if self.listing_page is not None:
            yield "listing", self.listing_page
        for sample in self.items:
            yield "", sample


@dataclass(slots=True)
class Surveyor:
    """Fetches pages and remembers them."""

    fetcher: PageFetcher
    robots: dict[str, Protego] = field(default_factory=dict)
    seen: dict[str, Sample | None] = field(default_factory=dict)

    def first(self, url: str) -> Sample:
        """The page that the person named.

        Raises:
            FetchFailed: it could not be fetched.
            PageError: it is an error page or no HTML.
        """
        sample = self._looked_at(url)
        self.seen[sample.input.url] = sample
        return sample

    def get(self, url: str) -> Sample | None:
        """A page, None if it is an error, no HTML, or too many were asked for already."""
        if url not in self.seen and len(self.seen) < MAX_PAGES:
            try:
                self.seen[url] = self._looked_at(self.allowed(url))
            except (FetchFailed, PageError) as error:
                console.note(f"left out {error}")
                self.seen[url] = None
        return self.seen.get(url)

    def allowed(self, url: str) -> str:
        """The URL, if robots.txt lets us follow it. What the person named was asked for by a person.

        Raises:
            PageError: it does not.
        """
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self.robots:
            try:
                fetched = self.fetcher.get(f"{site}/robots.txt")
                text = fetched.body.decode("utf-8", "replace") if fetched.status == 200 else ""
            except FetchFailed:
                text = ""
            self.robots[site] = Protego.parse(text)
        if not self.robots[site].can_fetch(url, "Crawlery"):
            raise PageError(f"{url}: robots.txt forbids it")
        return url

    def _looked_at(self, url: str) -> Sample:
        fetched = self.fetcher.get(url)
        if fetched.status >= 400:
            raise PageError(f"{fetched.url} answers with status {fetched.status}; there is nothing to look at")
        request = PageRequest(url=url, page=None)
        sample = sample_of(
            PageInput(
                request=request, url=fetched.url, body=fetched.body, status=fetched.status, headers=fetched.headers
            )
        )
        console.note(f"looked at {fetched.url} ({len(fetched.body):,} bytes)")
        return sample


def survey(surveyor: Surveyor, url: str) -> Survey:
    """Find the list and its items, beginning at `url`.

    Raises:
        FetchFailed: the page itself could not be fetched.
        PageError: it is an error page or no HTML.
        CommandFailed: nothing on it can be made a recipe of.
    """
    first = surveyor.first(url)
    groups = link_groups(first.seen)
    if looks_like_item(first.seen) and not _is_long_list(groups):
        return Survey(items=(first,))
    found = _listing(surveyor, first, groups) or _departments(surveyor, first)
    if found is not None:
        return found
    rows = row_draft(first.seen)
    if rows is not None:
        return Survey(rows=rows, rows_next=next_page(first.seen), listing_page=first)
    if facts_of(first.seen).known:
        return Survey(items=(first,))
    raise CommandFailed(
        f"{first.input.url}: found no list of links, no repeated elements and no heading"
        + (" (hardly any text: probably rendered by JavaScript)" if len(first.input.body) < 20_000 else "")
    )


def _is_long_list(groups: Sequence[LinkGroup]) -> bool:
    return bool(groups) and groups[0].score > 2 * MIN_SCORE and len(groups[0].urls) > 8


def is_item(sample: Sample) -> bool:
    """Whether a page shows one item rather than a list of them."""
    groups = link_groups(sample.seen)
    if _is_long_list(groups):
        return False
    if looks_like_item(sample.seen):
        return True
    known = facts_of(sample.seen).known
    if "name" not in known:
        return False
    price = known.get("price")
    if price is not None and not any(is_listed(sample.seen, group, price.node) for group in groups):
        return True
    return not groups and words_shown(sample.seen) >= _MIN_WORDS


def _listing(surveyor: Surveyor, page: Sample, groups: Sequence[LinkGroup]) -> Survey | None:
    """The page as a list, if one of its groups of links leads to items."""
    for group in groups[:3]:
        sample = surveyor.get(group.urls[0])
        if sample is None and len(group.urls) > 1:
            sample = surveyor.get(group.urls[1])
        if sample is None or not is_item(sample):
            continue
        level = Level(links=group.selector, count=len(group.urls), next=next_page(page.seen, group.urls))
        items = tuple(_items(surveyor, group, sample))
        return Survey(items=items, listing=level, listing_page=page)
    return None


def _items(surveyor: Surveyor, group: LinkGroup, first: Sample) -> Iterator[Sample]:
    """Items from the beginning and the end of the list, and one with an old price: they differ in what they show."""
    yield first
    given = {first.input.url}
    for url in (group.urls[-1], *group.discounted[:2], group.urls[len(group.urls) // 2]):
        if len(given) == _ITEM_SAMPLES:
            return
        sample = surveyor.get(url)
        if sample is not None and sample.input.url not in given and is_item(sample):
            given.add(sample.input.url)
            yield sample


def _departments(surveyor: Surveyor, page: Sample) -> Survey | None:
    """The page as a list of lists. A few links to items, as on many home pages, are the second choice."""
    second: Survey | None = None
    here = urlsplit(page.input.url).path
    groups = [*links_below(page.seen), *link_groups(page.seen, least=_LEAST_SCORE)]
    for group in groups:
        below = ""
        for url in group.urls[:2]:
            sample = surveyor.get(url)
            if sample is None:
                continue
            if is_item(sample) and len(group.urls) > 2 and urlsplit(url).path != here:
                second = second or _listing(surveyor, page, [group])
                break
            found = _listing(surveyor, sample, link_groups(sample.seen))
            if found is None or found.listing is None:
                below = below or next((deeper.selector for deeper in links_below(sample.seen)), "")
                continue
            listing = Level(links=found.listing.links, count=found.listing.count, next=found.listing.next, below=below)
            categories = Level(links=group.selector, count=len(group.urls))
            return Survey(
                items=found.items,
                listing=listing,
                listing_page=found.listing_page,
                categories=categories,
                categories_page=page,
            )
    return second

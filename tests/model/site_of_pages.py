"""A site made from a seed: what each page answers, and what a crawl of it must come to, whatever happens on the way.

Pages link, redirect, fail for a while or for ever, kill who reads them, list in several pages that stall, turn in a
circle or join another list. What a page answers depends on the number of its counted tries only, so the end of every
page is known before the crawl begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from crawler.frontier.contract import FrontierRequest, Row
from crawler.frontier.identity import START_ID

if TYPE_CHECKING:
    from random import Random

#: A page that has failed so often is given up.
MAX_TRIES = 3

#: More links than a store looks at in one call.
MANY_LINKS = 230


@dataclass(slots=True)
class SitePage:
    """One page. `fails`: how often it fails before it answers; `following`: the next page of its list."""

    id: int
    host: str
    kind: str = "ok"  # ok, redirect, missing, killer
    fails: int = 0
    links: list[int] = field(default_factory=list)
    following: int | None = None
    chain: str | None = None
    marks: frozenset[int] = frozenset()
    rows: tuple[Row, ...] = ()
    priority: int = 0


class Site:
    """Pages by id, `START_ID` among them."""

    def __init__(self, random: Random, *, size: int | None = None) -> None:
        self.random = random
        self.hosts = [f"host{number}" for number in range(random.randint(1, 4))]
        self.pages: dict[int, SitePage] = {START_ID: SitePage(START_ID, "start")}
        self._next_id = 10
        self._make_pages(size or random.randint(4, 30))
        self._anywhere = [*self.pages]  # what links may lead to; pages of lists are reached through their lists only
        self._joinable: list[int] = []
        self._shown: list[frozenset[int]] = []  # by the pages of the lists so far
        for number in range(random.randint(0, 2)):
            self._make_list(f"list{number}")
        if size is None and random.random() < 0.05:
            self._make_large_page()
        for page in self.pages.values():
            page.rows = self._make_rows(page)
        self.pages[START_ID].rows = ()

    # --- making it ---

    def _new(self, **kwargs) -> SitePage:
        page = SitePage(self._next_id, self.random.choice(self.hosts), **kwargs)
        page.priority = self.random.choice((0, 0, 0, 1, 9))
        self.pages[page.id] = page
        self._next_id += 1
        return page

    def _make_pages(self, size: int) -> None:
        """A tree, so that all can be reached, with links to anywhere on top."""
        for _ in range(size):
            parents = [page for page in self.pages.values() if page.kind == "ok" and page.fails < MAX_TRIES]
            parent = self.random.choice(parents[-6:])
            kinds = ("ok",) * 12 + ("redirect", "missing", "failing", "failing", "hopeless", "killer")
            kind = self.random.choice(kinds)
            page = self._new(kind="ok" if kind in {"failing", "hopeless"} else kind)
            if kind in {"failing", "hopeless"}:
                page.fails = MAX_TRIES if kind == "hopeless" else self.random.randint(1, MAX_TRIES - 1)
            parent.links.append(page.id)
        for page in self.pages.values():
            if page.kind == "redirect":
                page.links = [self.random.choice([number for number in self.pages if number != START_ID])]
            elif page.kind == "ok":
                page.links += self.random.choices([*self.pages], k=self.random.randint(0, 3))

    def _make_list(self, chain: str) -> None:
        """Pages of a list, each behind the one before; its end is none, a stall, a circle or another list."""
        pages = [self._new(chain=chain) for _ in range(self.random.randint(1, 5))]
        self.pages[START_ID].links.append(pages[0].id)
        echo = self.random.random() < 0.5  # it shows what another list has shown, and must be read all the same
        for number, page in enumerate(pages):
            page.marks = frozenset({self._next_id * 1000 + number, *self.random.sample(range(5), 2)})
            if number < len(self._shown) and echo:
                page.marks = self._shown[number]
            page.fails = self.random.choice((0, 0, 0, 1))
            page.links.append(self.random.choice(self._anywhere))
        for page, following in pairwise(pages):
            page.following = following.id
        self._shown = self._shown or [page.marks for page in pages]
        last = pages[-1]
        end = self.random.choice(("none", "stall", "circle", "join", "join"))
        if end == "stall":
            last.marks = pages[0].marks if len(pages) > 1 else frozenset()
            last.following = self._new().id
        elif end == "circle":
            last.following = self.random.choice(pages).id
        elif end == "join" and self._joinable:
            last.following = self._joinable[-1]
        elif len(pages) > 1:
            self._joinable.append(last.id)

    def _make_large_page(self) -> None:
        page = self._new()
        self.pages[START_ID].links.append(page.id)
        leaves = [self._new().id for _ in range(15)]
        page.links = [*leaves, *self.random.choices(self._anywhere, k=MANY_LINKS - len(leaves))]

    def _make_rows(self, page: SitePage) -> tuple[Row, ...]:
        if page.kind != "ok" or len(page.links) >= MANY_LINKS:
            return ()
        rows = []
        for number in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            body = f"{page.id}/{number}".encode()
            key = self.random.choice((0, page.id * 10 + number, page.id * 10 + number, self.random.randint(1, 5)))
            unique = (self.random.randint(1, 20),) if self.random.random() < 0.1 else ()
            rows.append(Row(item=self.random.choice(("a", "b")), body=body, key=key, unique=unique))
        return tuple(rows)

    # --- asking it ---

    def request(self, number: int, *, chain: str | None = None) -> FrontierRequest:
        page = self.pages[number]
        return FrontierRequest(
            id=number,
            host=page.host,
            body=str(number).encode(),
            priority=page.priority,
            chain=chain,
            on_progress=chain is not None,
        )

    def children(self, page: SitePage, chain: str | None) -> tuple[FrontierRequest, ...]:
        """What a page that was read as one of the list `chain` leads to."""
        children = [self.request(number) for number in page.links]
        if page.following is not None:
            children.append(self.request(page.following, chain=chain))
        return tuple(children)

    # --- what it must come to ---

    def outcomes(self) -> dict[int, str]:
        """The outcome of every page that can be reached."""
        found: dict[int, str] = {}
        waiting = [START_ID]
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            page = self.pages[number]
            found[number] = self._outcome(page)
            if found[number] in {"ok", "redirected"}:
                waiting += page.links
            if found[number] == "ok" and page.following is not None and not self._stalls(page):
                waiting.append(page.following)
        return found

    def _outcome(self, page: SitePage) -> str:
        if page.kind == "ok":
            return "gave_up" if page.fails >= MAX_TRIES else "ok"
        return {"redirect": "redirected", "missing": "http_404", "killer": "poison"}[page.kind]

    def _stalls(self, page: SitePage) -> bool:
        """Whether all that this page shows was shown by pages of its list before it."""
        shown: set[int] = set()
        for other in self.pages.values():
            if other.chain == page.chain and other.id < page.id:
                shown |= other.marks
        return page.marks <= shown

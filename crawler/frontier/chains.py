"""Whether a paginated list still shows anything new.

Progress is judged within one list. Two categories may show the same articles, and one that overlaps another entirely
must still be read to its end: see `docs/decisions/001-stalled-lists.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.frontier.contract import FrontierRequest, PageCommit


@dataclass(slots=True)
class _Chain:
    marks: set[int] = field(default_factory=set)  # what it has shown
    pages: set[int] = field(default_factory=set)  # ids of its pages, read or waiting


class Chains:
    """The lists that are being read, by the id of their chain."""

    def __init__(self) -> None:
        self._chains: dict[str, _Chain] = {}

    def show(self, commit: PageCommit) -> bool:
        """Notes what a page of a list has shown; whether any of it is new. True for a page of no list."""
        if commit.chain is None:
            return True
        chain = self._chains.setdefault(commit.chain, _Chain())
        progress = not commit.marks <= chain.marks
        chain.marks |= commit.marks
        chain.pages.add(commit.lease.request.id)
        return progress

    def stalls(self, child: FrontierRequest, *, progress: bool) -> bool:
        """Whether following this link would read nothing new: the list goes in a circle, or stands still."""
        chain = self._chains.get(child.chain) if child.chain is not None else None
        looping = chain is not None and child.id in chain.pages
        return looping or (child.on_progress and not progress)

    def add(self, child: FrontierRequest) -> None:
        """Notes an accepted page of a list."""
        if child.chain is not None:
            self._chains.setdefault(child.chain, _Chain()).pages.add(child.id)

    def end(self, chain: str | None) -> None:
        """Forgets a list of which no page can follow."""
        if chain is not None:
            self._chains.pop(chain, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._chains.clear()

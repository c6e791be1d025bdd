"""Which jobs a list shows: what can be asked for, and whether a job is such a one. Pure: knows no store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.jobs.model import LATEST_MS

if TYPE_CHECKING:
    from collections.abc import Collection

    from crawler.jobs.model import Outcome, State
    from crawler.jobs.store_contract import StoredJob

#: Behind every place.
_BEYOND: Final = "~"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """What is asked for; empty = all.

    Attributes:
        client: whose jobs.
        states: where they are.
        outcomes: what their files are worth.
        recipe: name of the recipe, as jobs have it.
        tag: one of their tags.
        created_after_ms: accepted at that time or later, ms of the store's clock since 1970.
        created_before_ms: accepted before that time.
    """

    client: str = ""
    states: Collection[State] = ()
    outcomes: Collection[Outcome] = ()
    recipe: str = ""
    tag: str = ""
    created_after_ms: int | None = None
    created_before_ms: int | None = None

    @property
    def first(self) -> str:
        """Places of such jobs are not before this one; "" = there is no bound."""
        return _place_of(self.created_after_ms)

    @property
    def behind(self) -> str:
        """They are before this one; "" = there is no bound."""
        return _place_of(self.created_before_ms)

    @property
    def looks_inside(self) -> bool:
        """Whether jobs have to be looked at, and not only their places in the list of their client."""
        return bool(self.states or self.outcomes or self.recipe or self.tag)

    def fits(self, stored: StoredJob) -> bool:
        """Whether a job is such a one, as far as its place does not say so."""
        job, status = stored
        return (
            (not self.client or job.client == self.client)
            and (not self.states or status.state in self.states)
            and (not self.outcomes or status.outcome in self.outcomes)
            and (not self.recipe or job.recipe == self.recipe)
            and (not self.tag or self.tag in job.tags)
        )


def _place_of(time_ms: int | None) -> str:
    """What is before all places of that time, and behind all of the time before."""
    if time_ms is None:
        return ""
    return _BEYOND if time_ms > LATEST_MS else f"{max(0, time_ms):0{len(str(LATEST_MS))}d}:"

"""What a store of jobs promises: one id is one job, a job never changes, and its state moves by the rules only.

`memory` keeps the jobs of one process, `redis` those of a deployment; both pass `tests/contract/jobs`. Nothing here
knows what a job does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from crawler.errors import InvalidJob
from crawler.jobs.model import Job, JobStatus, check_job_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from crawler.jobs.history import History
    from crawler.jobs.model import Intended, Outcome, State

#: A page of a list has at most so many jobs.
MAX_PAGE: Final = 200

#: And the orders of its jobs together so many bytes: a single one may have a mebibyte. One job is always on it.
MAX_PAGE_BYTES: Final = 8 * 1024 * 1024

#: One call of `newest` looks at so many jobs at most.
MAX_SCANNED: Final = 1_000

#: A place is kept for so long for a job that has not been accepted, ms of the store's clock.
RESERVED_MS: Final = 60_000


class StoredJob(NamedTuple):
    """A job and how far it has come, read together."""

    job: Job
    status: JobStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPage:
    """Jobs, the newest first. `next` is where to go on; "" when there are no more. A page may be short, even empty."""

    jobs: tuple[StoredJob, ...]
    next: str = ""


class JobStore(Protocol):
    """The calls. Each is atomic and safe to repeat.

    Ids that are none raise `InvalidJob`, stored bytes that cannot be read `crawler.wire.Undecodable`.
    """

    async def create(self, job: Job) -> tuple[Job, bool]:
        """Accepts a job, `queued`; answers it, as stored, and True. If its id is taken: the job that has it, and False.

        Raises:
            InvalidJob: it cannot be stored; says why.
        """
        ...

    async def get(self, job: str) -> StoredJob | None:
        """The job of an id; None if there is none."""
        ...

    async def status(self, job: str) -> JobStatus | None:
        """How far it has come; None if there is none."""
        ...

    async def history(self, job: str) -> History | None:
        """How far it has come and by which changes, read together: at least the newest 100; None if there is none."""
        ...

    async def owner(self, job: str) -> str | None:
        """The client whose job it is; None if there is none, which takes no more and no less time to find out."""
        ...

    async def move(
        self,
        job: str,
        to: State,
        *,
        intended: Intended | None = None,
        outcome: Outcome | None = None,
        why: str | None = None,
        version: int | None = None,
    ) -> JobStatus:
        """Moves it as `states.transition` says; with `version`, only if that is still its version.

        A move into the state that it is in already answers its status, whatever the version.

        Raises:
            NoSuchJob: there is none of this id.
            TransitionRefused: the rules do not allow it, or it has changed since `version`; carries the present state.
        """
        ...

    async def intend(self, job: str, intended: Intended, *, why: str | None = None) -> JobStatus:
        """Says what it is to come to, as `states.intend` does: it gives out no more pages from now on.

        Raises:
            NoSuchJob: there is none of this id.
            TransitionRefused: it has ended, or is to come to something else; carries the present state.
        """
        ...

    async def adopt(self, job: str, end: State, *, outcome: Outcome, why: str | None = None) -> JobStatus:
        """Ends a job that is finishing as its manifest says, as `states.adopted` does, whatever was intended.

        Raises:
            NoSuchJob: there is none of this id.
            TransitionRefused: it is not finishing, and has not ended so; carries the present state.
        """
        ...

    async def set_why(self, job: str, why: str, *, version: int | None = None) -> bool:
        """Says what it waits for, in one sentence; with `version`, only if that is still its version.

        False, and nothing is said, if it has ended, does not exist, or has changed since `version`.
        """
        ...

    async def newest(
        self,
        *,
        client: str = "",
        states: Collection[State] = (),
        outcomes: Collection[Outcome] = (),
        recipe: str = "",
        tag: str = "",
        created_after_ms: int | None = None,
        created_before_ms: int | None = None,
        after: str = "",
        limit: int = 50,
    ) -> JobPage:
        """A page of the list: jobs that are all of what is asked for, the newest first, from behind `after`.

        Looks at `MAX_SCANNED` jobs at most, and a store may end a page at `MAX_PAGE_BYTES`, so one may be short; gives
        `MAX_PAGE` at most. The order is kept
        beside the jobs: one that was being accepted when its process died may be missing until `reindex`.
        What cannot be read is left out and logged.

        Args:
            client: whose jobs; "" = everybody's. Only those are looked at.
            states: where they are, one of these; empty = anywhere.
            outcomes: what their files are worth, one of these; empty = anything.
            recipe: name of the recipe, as jobs have it; "" = any.
            tag: one of their tags; "" = any.
            created_after_ms: accepted at that time of the store's clock or later, ms since 1970. Only those are looked
                at.
            created_before_ms: accepted before that time; ditto.
            after: `next` of the page before; it is good for any list, whatever is asked for.
            limit: at most so many.

        Raises:
            InvalidJob: `after` is no place in a list.
        """
        ...

    async def live(self) -> tuple[str, ...]:
        """Ids of the jobs that have not ended, in their own order.

        Kept beside the jobs, as the order of `newest` is: one may be named that has ended meanwhile, and one whose
        acceptance was cut short is missing until it is repeated, or until `reindex`.
        """
        ...

    async def live_of(self, client: str) -> tuple[str, ...]:
        """Ids of the jobs of a client that have not ended, in their own order, and of those that it has reserved."""
        ...

    async def reserve(self, client: str, job: str, limit: int | None) -> bool:
        """Keeps a place for a job that is to be accepted, unless `limit` jobs of its client have one; None = no limit.

        Atomic: of many that ask at once, no more get a place than there are. A job that has one is told so again.
        It is given back when the job has ended, by `release`, or after `RESERVED_MS` if no job of this id was accepted
        until then. A job that is accepted without a reservation has a place all the same, beyond the limit or not.
        """
        ...

    async def release(self, client: str, job: str) -> None:
        """Gives the place of a job back that was not accepted after all; repeating does no harm."""
        ...

    async def reindex(self) -> int:
        """Makes what `newest`, `live` and `live_of` read anew from the jobs; answers how many there are."""
        ...

    async def delete(self, job: str) -> None:
        """Forgets a job that has ended; one that does not exist is forgotten already. Its pages are not its business.

        Raises:
            TransitionRefused: it has not ended; carries the present state.
        """
        ...


#: Digits of a time in a place: fixed, so that places sort like times.
_DIGITS: Final = 15


def place(job: str, created_ms: int) -> str:
    """Where a job stands in a list: places sort by time, then by id."""
    return f"{created_ms:0{_DIGITS}d}:{job}"


def check_place(text: str) -> str:
    """The place, as a client sent it back; "" is the beginning.

    Raises:
        InvalidJob: no list has such a place.
    """
    time, colon, job = text.partition(":")
    if text and not (colon and len(time) == _DIGITS and time.isascii() and time.isdigit()):
        raise InvalidJob(f"{text[:80]!r} is no place in a list of jobs; give what the page before says in `next`")
    if text:
        check_job_id(job)
    return text


def bounded(limit: int) -> int:
    """A limit that a page can have."""
    return max(1, min(limit, MAX_PAGE))

"""What workers share beside pages: robots.txt of a site, fetched once for all, and the session of a job.

`shared_memory` keeps them in one process, `shared_redis` for a fleet; both pass `tests/contract/shared`.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

#: Of a longer robots.txt this much is kept: as much as RFC 9309 (2.5) asks to be read.
MAX_ROBOTS_BYTES: Final = 512 * 1024

#: robots.txt counts for at most so long (RFC 9309, 2.4).
ROBOTS_FRESH_S: Final = 24 * 3600.0

#: A robots.txt that could not be read is asked for again after so long.
ROBOTS_UNREADABLE_S: Final = 60.0

#: Whoever fetches robots.txt says so again within so long; else it is taken for dead, and another worker fetches.
ROBOTS_CLAIM_S: Final = 10.0


#: Whoever logs in says so again within so long; else it is taken for dead, and another worker logs in.
LOGIN_CLAIM_S: Final = 10.0

#: So long everybody is told that a login has failed, who asks for a session. Long enough that all have heard of it.
LOGIN_FAILED_S: Final = 5.0


class Robots(Struct, frozen=True, kw_only=True):
    """A site's robots.txt as it was answered; `status` 0: there was no answer. Kept up to `MAX_ROBOTS_BYTES`."""

    status: int
    body: bytes = b""

    @property
    def readable(self) -> bool:
        """Whether it says anything, be it that there are no rules (a 404); a 5xx or no answer does not."""
        return self.status != 0 and self.status < 500


class RobotsReply(Struct, frozen=True, kw_only=True):
    """What a worker that needs a robots.txt is to do: use `robots`, fetch it (`yours`), or ask again (neither)."""

    robots: Robots | None = None
    yours: bool = False


class RobotsStore(Protocol):
    """robots.txt by site: scheme, host and port."""

    async def ask(self, site: str, *, worker: str) -> RobotsReply:
        """The rules, or who fetches them: one worker at a time, as long as it asks again within `ROBOTS_CLAIM_S`.

        The worker whose they are to fetch is told so whenever it asks, and has as much time again: within a worker, one
        has to ask for all.
        """
        ...

    async def keep(self, site: str, robots: Robots) -> None:
        """Keeps an answer: for `ROBOTS_FRESH_S`; for `ROBOTS_UNREADABLE_S` after a 5xx or no answer at all.

        What could not be read, late, does not take the place of what could.
        """
        ...


class Session(Struct, frozen=True, kw_only=True):
    """Cookies and whatever else a login gave, opaque here.

    Attributes:
        version: 0 = there is none yet.
        body: what it is.
        good: the newest version that a page has shown to be good, or the one after which a login has failed.
        ever_good: a page has shown that of any version.
    """

    version: int = 0
    body: bytes = b""
    good: int = 0
    ever_good: bool = False


class SessionReply(Struct, frozen=True, kw_only=True):
    """What a worker that needs a session is to do.

    Attributes:
        session: the newest one; to be used, if it is newer than what the worker knows as worthless.
        yours: log in, and write what comes of it in the place of `session`.
        failed: why somebody could not log in, a moment ago; "" = nobody has failed.

    With neither, another worker is at it: ask again.
    """

    session: Session
    yours: bool = False
    failed: str = ""


class SessionStore(Protocol):
    """The session of a job; written by whoever has just logged in, read by all."""

    async def read(self) -> Session:
        """The newest session."""
        ...

    async def ask(self, *, worker: str, beyond: int) -> SessionReply:
        """A session newer than version `beyond`, or who logs in: one worker at a time, as long as it asks again.

        The worker whose turn it is is told so whenever it asks, and has `LOGIN_CLAIM_S` as of then. That one has failed
        is said to all for `LOGIN_FAILED_S`; then somebody may try again.
        """
        ...

    async def fail(self, why: str, *, worker: str) -> None:
        """The worker whose turn it was could not log in. Of another nothing is noted.

        Logins in vain (`Session.good`) are counted anew from here.
        """
        ...

    async def confirm(self, version: int) -> None:
        """A page has shown that this version is good."""
        ...

    async def write(self, body: bytes, *, expected: int) -> Session | None:
        """Puts a new session in place of version `expected`; None, and nothing changed, if there is another by now.

        The same words twice are one: whoever repeats a call of which the answer got lost hears that it counted.
        """
        ...

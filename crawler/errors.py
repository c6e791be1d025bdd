"""Every exception that Crawlery raises on purpose, in one tree.

    CrawleryError
    +-- ConfigError          a setting or an environment variable is wrong
    +-- RecipeError          a recipe cannot be used; carries every problem found in it
    +-- InputError           the inputs given to a recipe do not fit its schema
    +-- JobError             a job cannot be what was asked for
        +-- InvalidJob       a value of it, its id or a place in a list of jobs is impossible
        +-- NoSuchJob        there is none of that id
        +-- TransitionRefused  its state does not allow it
    +-- StoreError           the store answers with an error
    +-- ObjectStoreError     the storage of files does not take or give an object
        +-- NoSuchObject     there is none of that key
    +-- SegmentDamaged       a piece of a job's rows is not what was recorded of it
    +-- ManifestDamaged      what says which files a job has cannot be read
    +-- EgressError          nothing is sent to a host
        +-- EgressRefused    it has an address that may not be talked to
        +-- NoAddress        it has none
    +-- PlatformError        the platform cannot run on this machine as it is asked to
        +-- ChildFailed      a process of it does not come up
    +-- PageError            one page could not be turned into rows
        +-- ParseRefused     its bytes are too deep, too many or no such document
        +-- PageMismatch     it is not the page type that was asked for
        +-- PathGone         the path that makes its rows is not there

Each message says what was wrong, where, and what to do. Nothing here knows about Scrapy, HTTP or the command line:
the borders turn these into an exit status or a response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.recipe.diagnostics import Problem


class CrawleryError(Exception):
    """Root of the tree: whatever a caller may want to show instead of a traceback."""


class ConfigError(CrawleryError):
    """A setting or an environment variable has a value that cannot be used."""


class RecipeError(CrawleryError):
    """A recipe cannot be used. `problems` holds everything wrong with it, in file order; never empty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(CrawleryError):
    """The inputs given to a recipe do not fit its schema; one message per input in `messages`."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = tuple(messages)
        super().__init__("\n".join(self.messages))


#: The kind of an address that the deployment itself denies.
DENIED: Final = "denied here"


class EgressError(CrawleryError):
    """Nothing is sent to a host."""


class EgressRefused(EgressError):
    """A host has an address that may not be talked to. The message is for operators; whoever asked hears less.

    Attributes:
        host: as it was asked for.
        address: the one that was refused.
        kind: why, in a word or two.
    """

    def __init__(self, host: str, *, address: str, kind: str) -> None:
        self.host, self.address, self.kind = host, address, kind
        super().__init__(f"{host} leads to {address}, which is no address of the public internet ({kind})")

    @property
    def for_operators(self) -> str:
        """The whole of it in one line, with what would let it pass."""
        denied = self.kind == DENIED
        way_out = "EGRESS_DENY has it" if denied else f"EGRESS_ALLOW={self.address} would allow it"
        return f"{self}: nothing is sent to it. {way_out}"


class NoAddress(EgressError):
    """A host has no address, or no resolver said one in time."""


class PlatformError(CrawleryError):
    """The platform cannot run on this machine as it is asked to: a server is missing, a port or a folder is taken."""


class ChildFailed(PlatformError):
    """A process of the platform does not come up; the message ends with what it said last."""


class PageError(CrawleryError):
    """One page could not be turned into rows; the crawl goes on without it and counts it by its class."""


class ParseRefused(PageError):
    """A page is too large, too deep or not the kind of document it should be."""


class PageMismatch(PageError):
    """The final URL matches no page type, several, or not the one that was asked for."""


class PathGone(PageError):
    """The `each` path of a JSON page does not exist: the site has changed, which an empty list would not say."""


class JobError(CrawleryError):
    """A job cannot be what was asked for."""


class InvalidJob(JobError):
    """A value of a job, its id or a place in a list of jobs is impossible."""


class NoSuchJob(JobError):
    """There is no job of that id."""


class TransitionRefused(JobError):
    """The present state of a job, which is in `state`, does not allow what was asked for."""

    def __init__(self, message: str, *, state: str) -> None:
        self.state = state
        super().__init__(message)


class StoreError(CrawleryError):
    """The store answers with an error that waiting does not heal; says to what."""


class ObjectStoreError(CrawleryError):
    """The storage of files does not take or give an object; says what was asked, and why not.

    Attributes:
        passing: time may heal it (it is away, slow or full); otherwise it refuses us (no such bucket, no access).
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(message)


class NoSuchObject(ObjectStoreError):
    """The storage of files has no object of that key."""


class SegmentDamaged(CrawleryError):
    """A recorded segment is not what the record says: no file may be made of it."""


class ManifestDamaged(CrawleryError):
    """A manifest cannot be read, or one of a version that is not known here."""

"""Every exception that Crawlery raises on purpose, in one tree.

    CrawleryError
    +-- ConfigError          a setting or an environment variable is wrong
    +-- RecipeError          a recipe cannot be used; carries every problem found in it
    +-- InputError           the inputs given to a recipe do not fit its schema
    +-- JobError             a job cannot be what was asked for
        +-- InvalidJob       a value of it, its id or a place in a list of jobs is impossible
        +-- NoSuchJob        there is none of that id
        +-- TransitionRefused  its state does not allow it
        +-- NothingToReplay  no page of it can be fetched again
    +-- AccessError          a client or a key cannot be what was asked for
        +-- InvalidAccess    a value of one is impossible
        +-- KeyRefused       no key, or none that may be used (any more)
        +-- ClientExists     there is one of that id
        +-- Contended        others change it all the time
        +-- QuotaExceeded    a client has used what it may use
    +-- CatalogError         a client's recipe cannot be what was asked for
        +-- InvalidRecipeName  a name or a version of one is impossible
        +-- VersionTaken     another text has this version
        +-- CatalogFull      a client has as many recipes as it may have
    +-- StoreError           the store answers with an error
        +-- StoreAway        or not at all, for as long as a caller may wait
    +-- ObjectStoreError     the storage of files does not take or give an object
        +-- NoSuchObject     there is none of that key
    +-- SegmentDamaged       a piece of a job's rows is not what was recorded of it
    +-- ManifestDamaged      what says which files a job has cannot be read
    +-- ReplayDamaged        what a job has left for its replay cannot be read
    +-- EgressError          nothing is sent to a host
        +-- EgressRefused    it has an address that may not be talked to
        +-- NoAddress        it has none
    +-- PlatformError        the platform cannot run on this machine as it is asked to
        +-- ChildFailed      a process of it does not come up
    +-- ApiError             the control API refuses, or cannot do, what it was asked for
    +-- ApiUnreachable       it does not answer
    +-- DownloadFailed       a file of a job has not come as it is
    +-- LoginFailed          nobody is logged in at a site
    +-- PageError            one page could not be turned into rows
        +-- ParseRefused     its bytes are too deep, too many or no such document
        +-- PageMismatch     it is not the page type that was asked for
        +-- PathGone         the path that makes its rows is not there
        +-- SessionExpired   it is that of somebody who is not logged in
        +-- PageBlocked      it keeps crawlers out, as the recipe says

Each message says what was wrong, where, and what to do. Nothing here knows about Scrapy, HTTP or the command line:
the borders turn these into an exit status or a response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.recipe.diagnostics import Problem


class CrawleryError(Exception):
    """Root of the tree: whatever a caller may want to show instead of a traceback."""


class ConfigError(CrawleryError):
    """A setting or an environment variable has a value that cannot be used."""


class StoreUnreachable(ConfigError):
    """The store that is named does not answer: its address is wrong, or it is away for a while."""


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


class SessionExpired(PageError):
    """The page is that of somebody who is not logged in: nothing of it may be used."""


class PageBlocked(PageError):
    """The page is one that keeps crawlers out, by `blocked_if` of the recipe: nothing of it may be used."""


class LoginFailed(CrawleryError):
    """Nobody is logged in; the message says why, and never with what. `passing`: the site may be better soon."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(message)


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


class NothingToReplay(JobError):
    """No page of a job came to that outcome, or what it takes to fetch them again is not there."""


class NothingToPublish(JobError):
    """The files of a job are not withheld, or there are none: nobody has to publish them."""


class AccessError(CrawleryError):
    """A client or a key cannot be what was asked for."""


class InvalidAccess(AccessError):
    """A value of a client or a key is impossible."""


class KeyRefused(AccessError):
    """No key that may be used: unknown, wrong, expired, revoked, or of a client that is disabled. Never says which."""


class ClientExists(AccessError):
    """There is a client of that id already."""


class Contended(AccessError):
    """Others change a client or a key all the time, so that no change of ours fits what is there."""


class QuotaExceeded(AccessError):
    """A client has used up one of its quotas.

    Attributes:
        quota: its name, as in `crawler.access.model.Quotas`.
        retry_after_s: when it may be worth another try.
    """

    def __init__(self, message: str, *, quota: str, retry_after_s: float) -> None:
        self.quota, self.retry_after_s = quota, retry_after_s
        super().__init__(message)


class CatalogError(CrawleryError):
    """A client's recipe cannot be what was asked for."""


class InvalidRecipeName(CatalogError):
    """A name or a version of a recipe is impossible."""


class VersionTaken(CatalogError):
    """Another text, or the same one with other pages, has this version of a recipe; versions do not change."""


class CatalogFull(CatalogError):
    """A client has as many recipes, or a recipe as many versions, as there may be."""


class StoreError(CrawleryError):
    """The store answers with an error that waiting does not heal; says to what."""


class StoreAway(StoreError):
    """The store does not answer for as long as a caller may wait; what was asked may have been done all the same."""


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


class StateDamaged(CrawleryError):
    """What a series knows cannot be read, or is of a version that is not known here."""


class ReplayDamaged(CrawleryError):
    """What a job has left for its replay is not what was written."""


class AuditDamaged(CrawleryError):
    """A piece of the audit in the storage of files cannot be read."""


class FieldError(NamedTuple):
    """What is wrong with one value of a request: where it is, such as `/body/limits/requests`, and why."""

    pointer: str
    message: str


class ApiError(CrawleryError):
    """The control API refuses, or cannot do, what it was asked for.

    Attributes:
        status: of HTTP.
        code: a word for programs, such as `not_found`; `http_502` and the like where something else has answered.
        detail: a sentence for people.
        errors: one for each value that is wrong.
        request_id: by which the API's log knows the request; may be "".
        retry_after_s: when it is worth another try; None if nothing was said of it.
        state: of the job that does not allow what was asked for; "" otherwise.
    """

    def __init__(
        self,
        asked: str,
        *,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        request_id: str = "",
        retry_after_s: float | None = None,
        state: str = "",
    ) -> None:
        self.status, self.code, self.detail, self.errors = status, code, detail, tuple(errors)
        self.request_id, self.retry_after_s, self.state = request_id, retry_after_s, state
        parts = [detail, *(f"{error.pointer}: {error.message}" for error in self.errors)]
        request = f" (request {request_id})" if request_id else ""
        super().__init__(f"{asked}: {status} {code}: {'; '.join(parts)}{request}")


class ApiUnreachable(CrawleryError):
    """The control API does not answer; says which, and for how long it was tried."""


class DownloadFailed(CrawleryError):
    """A file of a job has not come as it is: nothing stands under its name that is not the whole file."""

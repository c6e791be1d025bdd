"""The pages that are between their lease and their end: what has happened to each, kept beside the requests.

Downloader and spider middlewares only *note* here what they see; the scheduler settles a page when the engine has let
go of its request, because only then are its items through the pipelines. Notes lie in a table keyed by the request
object, never in `meta`, which `Request(meta=response.meta)` would copy to another page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field
from scrapy.exceptions import (
    CannotResolveHostError,
    CloseSpider,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.spidermiddlewares.httperror import HttpError

from crawler.errors import ParseRefused
from crawler.frontier.identity import Occurrences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy import Request
    from scrapy.http import Response

    from crawler.exports.page_notes import PageNote
    from crawler.exports.series_state import KnownPage
    from crawler.frontier.contract import FrontierRequest, Lease, Row


#: In-place redirects of one page (cookie walls) before it is given up.
MAX_HOPS: Final = 5


class PageTurn(IgnoreRequest):
    """Raised by our downloader middlewares: this request ends here, and the page goes on in another way."""


class TryLater(PageTurn):
    """The page comes back after a wait."""

    def __init__(self, reason: str, *, wait_s: float, hold_host_s: float, blocked: bool = False) -> None:
        self.wait_s = wait_s
        self.hold_host_s = hold_host_s
        self.blocked = blocked  # the host keeps us out, and that counts
        super().__init__(reason)


class Redirected(PageTurn):
    """The site sent us on to another page."""

    def __init__(self, target: Request, reason: str) -> None:
        self.target = target
        super().__init__(reason)


class Hop(PageTurn):
    """The site sent us to the same page again (it wants its cookie back): the same lease goes on with this request."""

    def __init__(self, request: Request) -> None:
        self.request = request
        super().__init__(f"again: {request.url}")


class Stopped(PageTurn):
    """The crawl is ending before the request was sent: the page goes back, untouched."""


class SentBack(PageTurn):
    """The site wants to be left alone for long, and the request was not sent: the page goes back, untouched."""


class LeaseLost(PageTurn):
    """The page may be somebody else's by now: nothing more is sent for it, and nothing of it counts here."""


class RobotsForbidden(IgnoreRequest):
    """robots.txt does not allow it."""


class RedirectedTooOften(IgnoreRequest):
    """Its redirects lead nowhere."""


class Blocked(IgnoreRequest):
    """The site keeps us out of it, and has done so often enough. `counts`: as `PageCommit` has it."""

    def __init__(self, reason: str, *, counts: bool = True) -> None:
        self.counts = counts
        super().__init__(reason)


class RobotsUnreachable(DownloadFailedError):
    """Nothing was asked: robots.txt of its site could not be had."""


class OpenPage(Struct, eq=False):
    """A page in our hands, and the notes about it.

    Attributes:
        lease: what the frontier gave.
        request: the object that the engine has.
        url: as asked for, for the record.
        hops: in-place redirects so far.
        at_login: the last one was to where people log in, to see whether it asks for that.
        coming: the engine has it, and its request has not left.
        responded: a response has reached the spider.
        turn: how the request ended other than by a response or a failure.
        outcome: of the first failure noted; empty while there is none.
        counts: that the site keeps us out of it does, see `PageCommit`.
        gave_up: the failure is one that was tried often enough.
        announced: requests of it that were not refused, so far.
        occurrences: numbers those that are not filtered.
        children: requests found so far, as the frontier takes them, and as they were unless they were packed at once.
        rows: what it gave that passed the pipelines: as the frontier takes it, and as it was.
        rejected: rows that it gave and that are not what they should be.
        in_pipelines: items of `start()` that are still in the pipelines; for other pages the engine knows.
        chain: the list that this page is part of, `marks` what it shows.
        lost: its lease is, so that nothing of it counts here.
        ended: `start()` has come to its end.
        session: version of the session that its request was sent with; 0 = with none.
        sent_s: when that was, on the monotonic clock.
        aliases: other requests under which it is known.
        stand_in: the request that a downloader middleware has put in its place, until that is a child of the page.
        known: what an earlier run knows of it; its request has asked whether that still holds.
        note: on it, for the next run of its series; counts only if the page ends well.
    """

    lease: Lease
    request: Request
    url: str
    hops: int = 0
    at_login: bool = False
    coming: bool = False
    responded: bool = False
    turn: PageTurn | None = None
    outcome: str = ""
    reason: str = ""
    counts: bool = True
    gave_up: str = ""
    announced: int = 0
    occurrences: Occurrences = field(default_factory=Occurrences)
    children: list[tuple[FrontierRequest, Request | None]] = field(default_factory=list)
    rows: list[tuple[Row, Any]] = field(default_factory=list)
    rejected: int = 0
    in_pipelines: int = 0
    chain: str | None = None
    marks: set[int] = field(default_factory=set)
    lost: bool = False
    ended: bool = False
    session: int = 0
    sent_s: float = 0.0
    aliases: list[Request] = field(default_factory=list)
    stand_in: Request | None = None
    known: KnownPage | None = None
    note: PageNote | None = None

    def fail(self, outcome: str, reason: str) -> None:
        """Notes a failure; the first one counts."""
        if not self.outcome:
            self.outcome, self.reason = outcome, reason

    def replaced(self, reason: str) -> None:
        """Another page is fetched in the place of this one, which is no failure then."""
        self.outcome, self.reason = "redirected", reason


class OpenPages:
    """The table."""

    def __init__(self) -> None:
        self._pages: dict[Request, OpenPage] = {}
        self._stand_ins: dict[Request, OpenPage] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[OpenPage]:
        return iter(list(dict.fromkeys(self._pages.values())))

    def add(self, page: OpenPage) -> None:
        """Notes a page whose request is handed to the engine."""
        self._pages[page.request] = page

    def of(self, request: Request | None) -> OpenPage | None:
        """The page of a request; None for requests that are no page (robots.txt, images, `engine.download_async`)."""
        return self._pages.get(request) if request is not None else None

    def alias(self, request: Request, response: Response) -> None:
        """Lets a page be found by the request that its response names, when a middleware has put in another."""
        page = self._pages.get(request)
        if page is not None and response.request is not None and response.request not in self._pages:
            self._pages[response.request] = page
            page.aliases.append(response.request)

    def replace(self, request: Request, stand_in: Request) -> None:
        """Notes what a downloader middleware has put in the place of a page's request: the engine hands it in next."""
        page = self._pages.get(request)
        if page is not None:
            page.stand_in = stand_in
            self._stand_ins[stand_in] = page

    def replaced_by(self, request: Request) -> OpenPage | None:
        """The page in whose place a request stands; it is forgotten with that."""
        page = self._stand_ins.pop(request, None)
        if page is not None:
            page.stand_in = None
        return page

    def remove(self, page: OpenPage) -> None:
        """Forgets a page."""
        if page.stand_in is not None and self._stand_ins.get(page.stand_in) is page:
            del self._stand_ins[page.stand_in]
        for request in (page.request, *page.aliases):
            if self._pages.get(request) is page:
                del self._pages[request]
        page.aliases.clear()


_NETWORK_ERRORS = (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    ResponseDataLossError,
    ConnectionError,
)


def reason_of(closing: CloseSpider) -> str:
    """Why a spider closes itself, as the engine reads it."""
    return str(closing.reason or "cancelled")


def outcome_of(error: Any) -> tuple[str, str]:
    """Outcome and one-line reason of what a download, a middleware or a callback raised."""
    reason = " ".join(str(error).split())[:500] or type(error).__name__
    if isinstance(error, HttpError):
        return _outcome_of_status(error.response.status)
    if isinstance(error, RobotsForbidden):
        return "robots", reason
    if isinstance(error, Blocked):
        return "blocked", reason
    if isinstance(error, RedirectedTooOften):
        return "gave_up", reason
    if isinstance(error, DownloadCancelledError) or (isinstance(error, IgnoreRequest) and "DOWNLOAD_MAXSIZE" in reason):
        return "too_large", reason
    if isinstance(error, IgnoreRequest | NotSupported | UnsupportedURLSchemeError):
        return "filtered", reason
    if isinstance(error, DownloadTimeoutError):
        return "timeout", reason
    if isinstance(error, ParseRefused):
        return "parse_refused", reason
    if isinstance(error, _NETWORK_ERRORS):
        return "gave_up", f"{type(error).__name__}: {reason}"
    return "page_error", f"{type(error).__name__}: {reason}"


def _outcome_of_status(status: int) -> tuple[str, str]:
    reason = f"status {status}"
    if status in (404, 410):
        return "http_404", reason
    if status == 304:
        return "page_error", f"{reason}, to a request that has not asked whether the page has changed"
    if status >= 500:
        return "http_5xx", reason
    if status >= 400:
        return "http_4xx", reason
    return "page_error", f"{reason}, which no callback handles"

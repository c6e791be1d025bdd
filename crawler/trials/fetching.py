"""Fetches the page of a preview: robots.txt obeyed, connections judged as those of a crawl, size and time limited.

Who asked is a stranger, so an address that may not be talked to reads like a port that nobody listens on; what it
really was goes to the log.
"""

from __future__ import annotations

import http.client
import signal
import ssl
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.error import URLError
from urllib.parse import urlsplit

from protego import Protego

from crawler.egress.single_page import FetchFailed, PageFetcher
from crawler.errors import EgressError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.egress.addresses import EgressPolicy
    from crawler.egress.single_page import Fetched

#: For robots.txt, redirects and the page together, in seconds; and bytes of the page, packed and unpacked.
FETCH_S: Final = 15
MAX_PAGE_BYTES: Final = 8 * 1024 * 1024

#: Of a robots.txt so much counts (RFC 9309, 2.5).
_MAX_RULES_BYTES: Final = 512 * 1024

#: The name that rules in robots.txt go by, as for crawls.
_ROBOT: Final = "Crawlery"
_USER_AGENT: Final = f"{_ROBOT}/{version('crawlery')} (preview of one page)"


class Unfetched(Exception):
    """There is no page. The message is for who asked; `for_operators` for the log, if that is more."""

    def __init__(self, message: str, for_operators: str = "") -> None:
        super().__init__(message)
        self.for_operators = for_operators


class PreviewFetcher:
    """Fetches one page in the main thread of a process that does nothing else."""

    def __init__(self, egress: EgressPolicy, *, fetch_s: float = FETCH_S) -> None:
        """`egress`: what the deployment allows and denies. `fetch_s`: for all of it, in seconds."""
        self._fetch_s = fetch_s
        self._rules: dict[str, Protego] = {}
        given = {"timeout_s": fetch_s, "max_bytes": MAX_PAGE_BYTES, "user_agent": _USER_AGENT}
        self._pages = PageFetcher(egress, may_follow=self._check_rules, **given)  # type: ignore[arg-type]  # mypy: mixed values
        self._robots = PageFetcher(egress, **given)  # type: ignore[arg-type]  # the same

    def get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """The page. An error status is a page too.

        Raises:
            Unfetched: there is none, or it may not be fetched.
        """
        try:
            with self._in_time():
                self._check_rules(url)
                return self._pages.get(url, headers=headers)
        except FetchFailed as error:
            raise Unfetched(_for_strangers(error), str(error)) from error
        except TimeoutError as error:
            raise Unfetched(f"there is no complete answer within {self._fetch_s:.0f} s") from error

    def _check_rules(self, url: str) -> None:
        """Obeys robots.txt of the site of a URL (RFC 9309): a rule, or rules that cannot be read, forbid it."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            fetched = self._robots.get(f"{site}/robots.txt")
            if fetched.status >= 500:
                raise Unfetched(f"robots.txt of {site} cannot be read (status {fetched.status}), so nothing is allowed")
            text = fetched.body[:_MAX_RULES_BYTES].decode("utf-8", "replace") if fetched.status < 400 else ""
            self._rules[site] = Protego.parse(text)
        if not self._rules[site].can_fetch(url, _ROBOT):
            raise Unfetched(f"robots.txt of {site} forbids it")

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Ends all of it after so many seconds, however slowly the bytes drip."""

        def end(number: int, frame: object) -> None:
            _ = number, frame
            raise TimeoutError

        before = signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, self._fetch_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _for_strangers(error: FetchFailed) -> str:
    """Why there is no page, in words that are the same for all that lies behind a wall."""
    cause = error.__cause__
    reason = cause.reason if isinstance(cause, URLError) else cause
    if isinstance(reason, TimeoutError):
        return "there is no complete answer in time"
    is_answered = isinstance(reason, ssl.SSLError | http.client.HTTPException | ValueError) or cause is None
    if isinstance(reason, EgressError) or not is_answered:
        return "the site cannot be reached"
    return str(error).partition(": ")[2] or str(error)

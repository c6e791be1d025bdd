"""Fetches single pages for those who look at one: `recipe try`, `record`, `new`, and previews.

One page, asked for by a person, needs no crawler: redirects, cookies and compression are followed as a browser would,
sizes and times are capped, and whatever goes wrong is one sentence. Crawls never come here; they run on Scrapy.

It connects where a crawl may connect, by the same rule (`crawler.egress`): each connection, those of redirects too, is
to an address that was judged. Where a person at this machine begins may be a place of their own. Knows no robots.txt:
who must obey it says so by `may_follow`.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from w3lib.url import safe_url_string

from crawler.egress.persons import PersonsHosts, hosts_of
from crawler.egress.resolve import resolve
from crawler.errors import CrawleryError, EgressRefused, NoAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Protocol, TypeAlias

    from crawler.egress.addresses import EgressPolicy

    #: Connects to a host and port within so many seconds; a third argument of `http.client`'s is never given.
    _Dial: TypeAlias = Callable[..., socket.socket]

    class _Readable(Protocol):
        def read(self, size: int, /) -> bytes: ...


#: Bytes of one page, packed and unpacked.
MAX_BYTES: Final = 32 * 1024 * 1024
#: Seconds for the whole page, redirects included.
TIMEOUT_S: Final = 30.0
USER_AGENT: Final = f"Crawlery/{version('crawlery')} (single page, asked for by a person)"
_CHUNK: Final = 64 * 1024


class FetchFailed(CrawleryError):
    """A page could not be fetched: no such host, or none to talk to, refused, too slow, too large, not http(s)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A response as it came, after redirects and decompression. `headers` have names in lower case."""

    url: str
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    elapsed_s: float = 0.0

    @property
    def content_type(self) -> str:
        """The Content-Type header, empty if there is none."""
        return self.headers.get("content-type", "")


class PageFetcher:
    """Fetches pages one after another; cookies that one page set are sent with the next."""

    def __init__(
        self,
        egress: EgressPolicy,
        *,
        typed: Iterable[str] = (),
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
        user_agent: str = USER_AGENT,
        may_follow: Callable[[str], None] | None = None,
    ) -> None:
        """A fetcher that has no cookies yet.

        Args:
            egress: what the deployment allows and denies.
            typed: URLs that a person gave, whose hosts may be their own. Never such as a page or a recipe has.
            timeout_s: for one page.
            max_bytes: of one page.
            user_agent: who is said to ask.
            may_follow: is told where a redirect leads before it is followed, and may raise FetchFailed.
        """
        self.timeout_s = timeout_s
        self.max_bytes = max_bytes
        self._user_agent = user_agent
        self._egress = egress
        self._persons = PersonsHosts(hosts_of(typed))
        self._opener = urllib.request.OpenerDirector()
        # Named one by one: the default opener also reads files and speaks FTP, also after a redirect.
        for handler in (
            urllib.request.ProxyHandler(),
            _HttpHandler(self._dial),
            _HttpsHandler(self._dial),
            _RedirectHandler(may_follow),
            urllib.request.HTTPCookieProcessor(CookieJar()),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            self._opener.add_handler(handler)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Fetched:
        """Fetch one page. An error status (404, 500) is a page too.

        Raises:
            FetchFailed: there is no response, or one that is too large.
        """
        sent = {
            "User-Agent": self._user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en",
            "Accept-Encoding": "gzip, deflate",
            **(headers or {}),
        }
        begun = time.monotonic()
        try:
            # `http_url` has refused every scheme but http and https.
            request = urllib.request.Request(http_url(url), headers=sent, method=method, data=body or None)  # noqa: S310
            response = self._open(request)
            with response:
                packed = self._read(response, begun)
                body_ = unpacked(packed, response.headers.get("Content-Encoding", ""), self.max_bytes)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Fetched(
                    url=response.geturl(),
                    status=response.status or 0,
                    body=body_,
                    headers=found,
                    elapsed_s=time.monotonic() - begun,
                )
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
            raise FetchFailed(f"{url}: {reason_of(error, self.timeout_s)}") from error
        except EgressRefused as error:
            raise FetchFailed(f"{url}: {error.for_operators}") from error
        except NoAddress as error:
            raise FetchFailed(f"{url}: {error}") from error

    def _dial(self, address: tuple[str, int], timeout_s: float, _source: None = None) -> socket.socket:
        """Connects to an address that was judged; the name is looked up here and nowhere else.

        Raises:
            EgressError: the host has no address that may be talked to.
            OSError: none of those that it has takes a connection.
        """
        host, port = address
        found = asyncio.run(resolve(host, self._persons.policy(host, self._egress), timeout_s=timeout_s))
        for number, judged in enumerate(found, 1):
            try:
                return socket.create_connection((str(judged), port), timeout_s)
            except OSError:
                if number == len(found):
                    raise
        raise AssertionError("a host that is resolved has an address")

    def _open(self, request: urllib.request.Request) -> http.client.HTTPResponse | urllib.error.HTTPError:
        try:
            response: http.client.HTTPResponse | None = self._opener.open(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            return error
        if response is None:
            raise ValueError("redirected to something that is not http or https")
        return response

    def _read(self, response: _Readable, begun: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > self.max_bytes:
                raise ValueError(f"larger than {self.max_bytes // 1024 // 1024} MiB")
            if time.monotonic() - begun > self.timeout_s:
                raise TimeoutError
        return b"".join(chunks)


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    def __init__(self, may_follow: Callable[[str], None] | None) -> None:
        self._may_follow = may_follow

    def redirect_request(  # noqa: PLR0917 - as it is declared there
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if self._may_follow is not None:
            self._may_follow(newurl)
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed is not None and not _is_one_site(req.full_url, followed.full_url):
            for name in ("Authorization", "Cookie"):  # what one site is shown, another is not
                followed.remove_header(name)
        return followed


def _is_one_site(url: str, other: str) -> bool:
    here, there = urlsplit(url), urlsplit(other)
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)


class _HttpHandler(urllib.request.HTTPHandler):
    def __init__(self, dial: _Dial) -> None:
        super().__init__()
        self._dial = dial

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPConnection:
        return _dialling(http.client.HTTPConnection(host, **options), self._dial)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, dial: _Dial) -> None:
        super().__init__()
        self._dial = dial

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPConnection:
        return _dialling(http.client.HTTPSConnection(host, **options), self._dial)


def _dialling(connection: http.client.HTTPConnection, dial: _Dial) -> http.client.HTTPConnection:
    """The connection, which `dial` will make. `http.client` has this seam and no public one."""
    connection._create_connection = dial  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    return connection


def http_url(url: str) -> str:
    """The URL as it is sent: blanks and letters beyond ASCII escaped.

    Raises:
        FetchFailed: it is no http(s) URL.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        hint = f"; did you mean https://{url}?" if "://" not in url and "." in url.split("/", 1)[0] else ""
        raise FetchFailed(f"{url!r} is no http or https URL{hint}")
    return safe_url_string(url.strip())


def unpacked(body: bytes, encoding: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The body after its Content-Encoding (gzip, deflate); an unknown one is left as it is.

    Raises:
        ValueError: it is broken, or larger than `max_bytes` when unpacked.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name in ("gzip", "x-gzip"):
            body = _inflate(body, 16 + zlib.MAX_WBITS, max_bytes)
        elif name == "deflate":
            # Some servers send it with zlib's header, as they should, some without.
            zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
            body = _inflate(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS, max_bytes)
        elif name != "identity":
            raise ValueError(f"its Content-Encoding {name!r} was not asked for and is not understood")
    return body


def _inflate(body: bytes, window_bits: int, max_bytes: int) -> bytes:
    try:
        unpacker = zlib.decompressobj(window_bits)
        plain = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"its compressed body is broken ({error})") from error
    if len(plain) > max_bytes:
        raise ValueError(f"larger than {max_bytes // 1024 // 1024} MiB when unpacked")
    return plain


def reason_of(error: Exception, timeout_s: float) -> str:
    """One sentence for what went wrong."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no complete answer within {timeout_s:.0f} s"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused; is the server running?"
    if isinstance(cause, UnicodeError):
        return "its host name is not valid"
    if isinstance(cause, http.client.IncompleteRead):
        return f"the connection broke after {len(cause.partial):,} bytes"
    if isinstance(cause, http.client.HTTPException):
        return f"the server's answer is not HTTP ({type(cause).__name__})"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror[0].lower() + cause.strerror[1:]
    return str(cause) or type(cause).__name__

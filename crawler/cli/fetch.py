"""Fetches single pages for `recipe try`, `record` and `new`.

One page, asked for by a person, needs no crawler: redirects, cookies and compression are followed as a browser would,
sizes and times are capped, and whatever goes wrong is one sentence. Crawls never come here; they run on Scrapy.
"""

from __future__ import annotations

import http.client
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

from crawler.errors import CrawleryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class _Readable(Protocol):
        def read(self, size: int, /) -> bytes: ...


#: Bytes of one page, packed and unpacked.
MAX_BYTES: Final = 32 * 1024 * 1024
#: Seconds for the whole page, redirects included.
TIMEOUT_S: Final = 30.0
USER_AGENT: Final = f"Crawlery/{version('crawlery')} (single page, asked for by a person)"
_CHUNK: Final = 64 * 1024


class FetchFailed(CrawleryError):
    """A page could not be fetched: no such host, refused, too slow, too large, not http(s)."""


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

    def __init__(self, *, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES) -> None:
        self.timeout_s = timeout_s
        self.max_bytes = max_bytes
        self._opener = urllib.request.OpenerDirector()
        # Named one by one: the default opener also reads files and speaks FTP, also after a redirect.
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPRedirectHandler(),
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
            "User-Agent": USER_AGENT,
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

"""Scrapy's download handler for http and https on libcurl: requests become transfers, answers become responses.

What it does as Scrapy's own handler, and what it does in another way, is in docs/downloads.md; one suite of tests holds
for both (`tests/contract/download`). `crawler.downloader.curl_client` does the work and may be used without Scrapy's
requests: `client_of` has the one of a crawl.
"""

from __future__ import annotations

import logging
import ssl
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import certifi
import pycurl
from pydispatch import dispatcher
from scrapy import signals
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    NotConfigured,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)
from scrapy.utils.asyncio import is_asyncio_available
from twisted.python.failure import Failure

from crawler.downloader.curl_answer import FetchFailed, Why
from crawler.downloader.curl_client import CurlClient
from crawler.downloader.curl_handle import ClientOptions, Proxy
from crawler.downloader.resolver import installed_resolver
from crawler.lean_requests import finished_headers
from crawler.lean_responses import class_of, lean_response

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Headers, Response
    from scrapy.settings import BaseSettings

    from crawler.downloader.curl_answer import Fetched, Head, HeaderPairs

logger = logging.getLogger(__name__)

_TLS_VERSIONS: Final = {
    "TLSv1.0": (pycurl.SSLVERSION_TLSv1_0, pycurl.SSLVERSION_MAX_TLSv1_0),
    "TLSv1.1": (pycurl.SSLVERSION_TLSv1_1, pycurl.SSLVERSION_MAX_TLSv1_1),
    "TLSv1.2": (pycurl.SSLVERSION_TLSv1_2, pycurl.SSLVERSION_MAX_TLSv1_2),
    "TLSv1.3": (pycurl.SSLVERSION_TLSv1_3, pycurl.SSLVERSION_MAX_TLSv1_3),
}

#: Signals that tell of an answer while it comes; the last is what those listen to who listen to everything.
_OF_DOWNLOADS: Final = frozenset({signals.headers_received, signals.bytes_received, dispatcher.Any})

#: Names and values of headers up to so many bytes are remembered.
_SHORT: Final = 100

_clients: WeakKeyDictionary[Crawler, CurlClient] = WeakKeyDictionary()


def client_of(crawler: Crawler) -> CurlClient:
    """The client of a crawl: one for http and https, and for whoever fetches without Scrapy's requests.

    Raises:
        ConfigError: EGRESS_ALLOW or EGRESS_DENY has what is no range.
        ValueError: DOWNLOAD_TLS_MIN_VERSION or DOWNLOAD_TLS_MAX_VERSION is none.
    """
    client = _clients.get(crawler)
    if client is None:
        settings = crawler.settings
        client = _clients[crawler] = CurlClient(installed_resolver(settings), options_of(settings))
    return client


def options_of(settings: BaseSettings) -> ClientOptions:
    """What settings of Scrapy's say to the client.

    Raises:
        ValueError: DOWNLOAD_TLS_MIN_VERSION or DOWNLOAD_TLS_MAX_VERSION is none.
    """
    ca_file, ca_folder = _authorities()
    return ClientOptions(
        verify=settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES"),
        tls_versions=_tls_version(settings, "MIN") | _tls_version(settings, "MAX"),
        ciphers=settings["DOWNLOADER_CLIENT_TLS_CIPHERS"] or "",
        ca_file=ca_file,
        ca_folder=ca_folder,
        http2=settings.getbool("DOWNLOAD_HTTP2"),
        most_idle=max(16, 2 * settings.getint("CONCURRENT_REQUESTS")),
    )


def _tls_version(settings: BaseSettings, end: str) -> int:
    name = f"DOWNLOAD_TLS_{end}_VERSION"
    if settings[name] is None:
        return 0
    try:
        version: int = _TLS_VERSIONS[settings[name]][end == "MAX"]
    except KeyError:
        raise ValueError(f"{name} is {settings[name]!r}; it must be one of {', '.join(_TLS_VERSIONS)}") from None
    return version


def _authorities() -> tuple[str, str]:
    """Certificates of authorities, as a file or as a folder: where this Python has them, or those of Mozilla.

    libcurl's own default is where the distribution has them on which the wheel was built.
    """
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile, ""
    if paths.capath and any(Path(paths.capath).iterdir()):
        return "", paths.capath
    return certifi.where(), ""


class CurlDownloadHandler(BaseDownloadHandler):
    """See the module. Scrapy makes one for http and one for https; both have the same client."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        """Of a crawl.

        Raises:
            ConfigError: EGRESS_ALLOW or EGRESS_DENY has what is no range.
            NotConfigured: Scrapy does not run on asyncio.
            ValueError: a setting of TLS is wrong.
        """
        if not is_asyncio_available():
            raise NotConfigured("downloads by libcurl need the asyncio reactor of Twisted")
        super().__init__(crawler)
        settings = crawler.settings
        self._client = client_of(crawler)
        self._timeout_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._max_bytes = settings.getint("DOWNLOAD_MAXSIZE")
        self._warn_bytes = settings.getint("DOWNLOAD_WARNSIZE")
        self._fail_on_data_loss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._warned_of_data_loss = False
        self._bind_address = settings["DOWNLOAD_BIND_ADDRESS"]

    async def download_request(self, request: Request) -> Response:
        """As of Scrapy's handlers.

        Raises:
            Exception: of `scrapy.exceptions`, those with which Scrapy's own handler fails.
        """
        meta = request.meta
        timeout_s = meta.get("download_timeout") or self._timeout_s
        max_bytes = int(meta.get("download_maxsize", self._max_bytes) or 0)
        listener = _SignalSender(self.crawler, request) if self._somebody_listens() else None
        try:
            fetched = await self._client.fetch(
                request.method,
                request.url,
                headers=_pairs(request.headers),
                body=request.body,
                timeout_s=timeout_s,
                max_bytes=max_bytes,
                proxy=_proxy(request) if meta.get("proxy") else None,
                bind=_address(meta.get("bindaddress") or self._bind_address),
                listener=listener,
            )
        except FetchFailed as error:
            fetched = self._failed(error, request, max_bytes)
        meta["download_latency"] = fetched.latency_s
        warn_bytes = meta.get("download_warnsize", self._warn_bytes)
        if warn_bytes:
            _warn_of_size(fetched, warn_bytes, request)
        response = response_of(fetched, request.url.partition("#")[0])
        if listener is not None and listener.stop is not None and listener.stop.fail:
            listener.stop.response = response
            raise listener.stop
        return response

    async def close(self) -> None:
        """Closes the client of the crawl; the handler of the other scheme does the same, which does not matter."""
        await self._client.close()

    def _failed(self, error: FetchFailed, request: Request, max_bytes: int) -> Fetched:
        """What is left of an answer that broke off, if that is wanted.

        Raises:
            Exception: of Scrapy's, otherwise.
        """
        if error.why is Why.DATA_LOSS and error.partial is not None:
            if not request.meta.get("download_fail_on_dataloss", self._fail_on_data_loss):
                return error.partial
            request.meta["download_latency"] = error.partial.latency_s
            if not self._warned_of_data_loss:
                self._warned_of_data_loss = True
                logger.warning(
                    "%s: %s. DOWNLOAD_FAIL_ON_DATALOSS = False would take what has come; this is not said again",
                    request.url,
                    error,
                )
        if error.why is Why.TOO_LARGE:
            has = "announces" if error.announced else "has sent"
            message = f"{request.url} {has} {error.size} bytes, more than DOWNLOAD_MAXSIZE ({max_bytes})"
            logger.warning("%s", message)
            raise DownloadCancelledError(message) from error
        raise _ERRORS[error.why](str(error)) from error

    def _somebody_listens(self) -> bool:
        for who in (self.crawler.signals.sender, dispatcher.Any):
            receivers = dispatcher.connections.get(id(who), ())
            if not _OF_DOWNLOADS.isdisjoint(receivers):
                return True
        return False


_ERRORS: Final[dict[Why, type[Exception]]] = {
    Why.UNRESOLVED: CannotResolveHostError,
    Why.REFUSED: DownloadConnectionRefusedError,
    Why.TIMEOUT: DownloadTimeoutError,
    Why.DATA_LOSS: ResponseDataLossError,
    Why.INVALID: UnsupportedURLSchemeError,
    Why.FAILED: DownloadFailedError,
}


class _SignalSender:
    """Tells Scrapy's signals of an answer while it comes.

    Attributes:
        stop: what a receiver has raised that has had enough of it.
    """

    def __init__(self, crawler: Crawler, request: Request) -> None:
        self._crawler, self._request = crawler, request
        self.stop: StopDownload | None = None

    def head(self, head: Head) -> bool:
        """All headers have come."""
        return self._send(signals.headers_received, headers=headers_of(head.headers), body_length=head.length)

    def data(self, chunk: bytes) -> bool:
        """A piece of the body has come."""
        return self._send(signals.bytes_received, data=chunk)

    def _send(self, signal: object, **what: Any) -> bool:
        sent = self._crawler.signals.send_catch_log(
            signal=signal, request=self._request, spider=self._crawler.spider, **what
        )
        for receiver, result in sent:
            if isinstance(result, Failure) and isinstance(result.value, StopDownload):
                logger.debug("%s stops the download of %s", receiver.__qualname__, self._request)
                self.stop = result.value
                return False
        return True


def _pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Names and values as they are sent. Those of `Headers.items` are the same, looked up once more each."""
    return [(name, value) for name, values in dict.items(headers) for value in values]


def _proxy(request: Request) -> Proxy:
    url: str = request.meta["proxy"]
    return Proxy(url if "://" in url else f"http://{url}", request.headers.get(b"Proxy-Authorization") or b"")


def _address(bind: Any) -> tuple[IPv4Address | IPv6Address, int] | None:
    if not bind:
        return None
    host, port = (bind, 0) if isinstance(bind, str) else bind
    try:
        return ip_address(host), int(port)
    except ValueError as error:
        raise DownloadFailedError(f"{host!r} is no address from which a page can be asked for") from error


def _warn_of_size(fetched: Fetched, warn_bytes: int, request: Request) -> None:
    size = len(fetched.body)
    if size > warn_bytes:
        logger.warning("%s has sent %d bytes, more than DOWNLOAD_WARNSIZE (%d)", request.url, size, warn_bytes)


def response_of(fetched: Fetched, url: str) -> Response:
    """The response that Scrapy's handlers would make of an answer, without its certificate."""
    headers = headers_of(fetched.headers)
    return lean_response(
        class_of(headers, url, fetched.body),
        url,
        status=fetched.status,
        headers=headers,
        body=fetched.body,
        flags=list(fetched.flags) if fetched.flags else None,
        ip_address=_ip(fetched.ip),
        protocol=fetched.protocol,
    )


def headers_of(pairs: HeaderPairs) -> Headers:
    """The same as `Headers(pairs)`, without what that looks at in each of them again."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        # As Scrapy spells it. What a site makes up is not remembered: it may be long.
        title = _short_titled(name) if len(name) <= _SHORT else name.title()
        if title in values:
            values[title].append(value)
        else:
            values[title] = [value]
    return finished_headers(values)


@lru_cache(maxsize=2048)
def _short_titled(name: bytes) -> bytes:
    return name.title()


@lru_cache(maxsize=1024)
def _ip(text: str) -> IPv4Address | IPv6Address | None:
    return ip_address(text) if text else None

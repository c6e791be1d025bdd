"""Pages over HTTP by libcurl: one method, one URL, one answer. Nothing is followed, kept or unpacked.

Every name is resolved by whoever knows the egress rule (`crawler.egress`), and libcurl is told what came of it. It has
no resolver of its own: what it was not told, it cannot find. Before it dials, the very address is judged once more. So
neither a mistake of the one nor of the other leads to a place where nothing may be sent.

Knows nothing of Scrapy.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import urlsplit

import pycurl

from crawler.downloader.curl_answer import (
    DATA_LOSS,
    PARTIAL,
    REFUSED,
    STOPPED,
    Fetched,
    FetchFailed,
    Why,
    kind_of,
)
from crawler.downloader.curl_handle import Handle, check_header, header_lines
from crawler.downloader.curl_multi import CLOSED, Multi
from crawler.errors import EgressRefused, NoAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.downloader.curl_answer import Head
    from crawler.downloader.curl_handle import ClientOptions, Listener, Proxy
    from crawler.egress.addresses import Address

#: So many handles are kept for later; more only while more transfers are under way.
_MOST_HANDLES: Final = 256

#: A wait for an address that is shorter than this is none: the address was known.
_SHORT_S: Final = 0.01

#: What libcurl is told of hosts is kept for so many.
_MOST_HOSTS: Final = 4096


class Egress(Protocol):
    """Who knows where hosts are, and where anything may be sent."""

    def known(self, host: str) -> tuple[Address, ...] | None:
        """The addresses of a host if they are known and may all be talked to."""

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """The same, asked for if need be.

        Raises:
            EgressRefused: at least one of them may not be talked to.
            NoAddress: there is none, or no answer.
        """

    def refusal(self, host: str, address: Address) -> str:
        """Why an address that a host has led to may not be dialled; "" = it may."""


#: What the headers of a request depend on: what is to be said, the method, and whether there is a body.
_Asked: TypeAlias = tuple[list[tuple[bytes, bytes]], str, bool]


class _Origin(NamedTuple):
    """Where a URL leads: the beginning of it as libcurl gets it, without user and password, and what is dialled."""

    url: str
    host: str
    port: int
    tls: bool


@lru_cache(maxsize=4096)
def _origin(beginning: str) -> _Origin:
    """Of a URL up to its path.

    Raises:
        ValueError: it is none of http or https, or has no host or a port that is none.
    """
    parts = urlsplit(beginning)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{beginning!r} is no http or https URL")
    tls = parts.scheme == "https"
    netloc = parts.netloc.rpartition("@")[2]
    port = parts.port if parts.port is not None else (443 if tls else 80)
    url = f"{parts.scheme}://{netloc}{parts.path}{'?' * bool(parts.query)}{parts.query}"
    return _Origin(url, parts.hostname, port, tls)


def _resolved(host: str, port: int, addresses: Iterable[Address]) -> list[str]:
    """What libcurl is told of a host."""
    found = ",".join([str(address) if address.version == 4 else f"[{address}]" for address in addresses])
    entries = [f"+{f'[{host}]' if ':' in host else host}:{port}:{found}"]
    if host != found and (":" in host or host.rstrip(".").rpartition(".")[2][:1].isdigit()):
        entries.append(f"+{found}:{port}:{found}")  # 127.1, ::0001: libcurl writes it as the address that it is
    return entries


class CurlClient:
    """See the module. Belongs to the loop of its first transfer.

    Attributes:
        options: of all transfers.
    """

    def __init__(self, egress: Egress, options: ClientOptions) -> None:
        """Nothing under way, nothing open."""
        self._egress = egress
        self.options = options
        self._multi: Multi | None = None
        self._idle: list[Handle] = []
        self._told: dict[_Origin, tuple[tuple[Address, ...], list[str]]] = {}
        self._said: tuple[_Asked, list[bytes]] = (([], "", False), [])
        self._closed = False

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        timeout_s: float = 60.0,
        max_bytes: int = 0,
        proxy: Proxy | None = None,
        bind: tuple[Address, int] | None = None,
        listener: Listener | None = None,
    ) -> Fetched:
        """Asks for a page.

        Args:
            method: in capitals.
            url: as it is sent, in ASCII; a fragment is not.
            headers: all that are sent, in their order, but for Host and those that tell the length of the body.
            body: of the request.
            timeout_s: how long everything may take; 0 = as long as it takes.
            max_bytes: how large the body may be; 0 = as large as it is.
            proxy: through whom.
            bind: address and port (0 = any) of this machine from which it is sent.
            listener: hears of the answer while it comes.

        Raises:
            FetchFailed: no answer, or one that may not be used.
        """
        started = monotonic()
        try:
            origin, target = _target(url)
            dialled = _origin(proxy.url) if proxy is not None else origin
            lines = self._lines(list(headers), method, body)
            if method != "GET":
                _check_method(method)
            if proxy is not None:
                check_header(proxy.authorization)
        except ValueError as error:
            raise FetchFailed(Why.INVALID, str(error)) from error
        addresses = self._egress.known(dialled.host)
        if addresses is None:
            addresses = await self._addresses(dialled.host, url, timeout_s)
        waited_s = monotonic() - started
        handle, multi = self._handle()
        try:
            resolved = self._resolved(dialled, addresses)
            handle.aim(dialled.host, target, resolved, lines)
            handle.limit(_left_ms(timeout_s, waited_s), max_bytes if method != "HEAD" else 0)
            if method != "GET" or body:
                handle.ask(method, body)
            if proxy is not None:
                handle.go_through(proxy, tunnel=origin.tls)
            if bind is not None:
                handle.leave_from(*bind, resolved)
            if listener is not None:
                handle.tell(listener)
        except (pycurl.error, TypeError, ValueError) as error:
            handle.easy.close()
            raise FetchFailed(Why.INVALID, f"libcurl takes no such request: {error}") from error
        try:
            code, message = await multi.start(handle.easy)
        except asyncio.CancelledError:
            multi.stop(handle.easy)
            self._put_back(handle)
            raise
        try:
            if code:
                return _failed(handle, code, message, url=url, timeout_s=timeout_s, waited_s=waited_s)
            return _fetched(handle, handle.head(), method, waited_s=waited_s)
        finally:
            self._put_back(handle)

    async def close(self) -> None:
        """Ends what is under way and closes all connections; later transfers fail."""
        self._closed = True
        if self._multi is not None:
            self._multi.close()
        await asyncio.sleep(0)  # whoever waited for a transfer puts its handle back
        for handle in self._idle:
            handle.easy.close()
        self._idle.clear()

    async def _addresses(self, host: str, url: str, timeout_s: float) -> tuple[Address, ...]:
        try:
            async with asyncio.timeout(timeout_s or None):
                return await self._egress.addresses(host)
        except EgressRefused as error:
            raise FetchFailed(Why.REFUSED, REFUSED) from error
        except NoAddress as error:
            raise FetchFailed(Why.UNRESOLVED, str(error)) from error
        except TimeoutError as error:
            raise FetchFailed(Why.TIMEOUT, _too_long(url, timeout_s)) from error

    def _lines(self, headers: list[tuple[bytes, bytes]], method: str, body: bytes) -> list[bytes]:
        """The headers as libcurl takes them; those of one page are mostly those of the page before."""
        asked: _Asked = (headers, method, bool(body))
        if asked != self._said[0]:
            self._said = asked, header_lines(headers, method=method, body=body)
        return self._said[1]

    def _resolved(self, dialled: _Origin, addresses: tuple[Address, ...]) -> list[str]:
        told = self._told.get(dialled)
        if told is None or told[0] is not addresses:
            if len(self._told) >= _MOST_HOSTS:
                self._told.clear()
            told = self._told[dialled] = (addresses, _resolved(dialled.host, dialled.port, addresses))
        return told[1]

    def _handle(self) -> tuple[Handle, Multi]:
        if self._closed:
            raise FetchFailed(Why.FAILED, CLOSED[1])
        if self._multi is None:
            self._multi = Multi(most_idle=self.options.most_idle)
        handle = self._idle.pop() if self._idle else Handle(self._egress.refusal, self._multi, self.options)
        return handle, self._multi

    def _put_back(self, handle: Handle) -> None:
        if self._closed or len(self._idle) >= _MOST_HANDLES:
            handle.easy.close()
        else:
            handle.reset()
            self._idle.append(handle)


def _check_method(method: str) -> None:
    if not (method.isascii() and method.replace("-", "").isalnum()):
        raise ValueError(f"{method!r} is no method")


def _target(url: str) -> tuple[_Origin, str]:
    """Where a URL leads, and the URL as libcurl gets it."""
    if not url.isascii():
        raise ValueError(f"{url!r} is not in ASCII")
    if "#" in url:
        url = url.partition("#")[0]
    end = url.find("/", len("https://"))
    if end < 0:
        origin = _origin(url)
        return origin, origin.url
    origin = _origin(url[:end])
    return origin, origin.url + url[end:]


def _left_ms(timeout_s: float, waited_s: float) -> int:
    """What is left of the time after a wait; a short one is not counted, so that mostly nothing changes."""
    if not timeout_s:
        return 0
    return max(1, int((timeout_s - (waited_s if waited_s > _SHORT_S else 0.0)) * 1000))


def _too_long(url: str, timeout_s: float) -> str:
    return f"Getting {url} took longer than {timeout_s} seconds."


def _fetched(
    handle: Handle, head: Head | None, method: str = "", *, waited_s: float, flags: tuple[str, ...] = ()
) -> Fetched:
    """The answer that has come."""
    if head is None:
        raise FetchFailed(Why.FAILED, "the answer has no headers")
    if not flags and head.length is None and head.ends_with_connection(method):
        flags = (PARTIAL,)
    chunks, easy = handle.chunks, handle.easy
    return Fetched(
        head.status,
        head.headers,
        chunks[0] if len(chunks) == 1 else b"".join(chunks),
        waited_s + easy.getinfo(pycurl.STARTTRANSFER_TIME),
        head.protocol,
        easy.getinfo(pycurl.PRIMARY_IP),
        flags,
    )


def _failed(handle: Handle, code: int, message: str, *, url: str, timeout_s: float, waited_s: float) -> Fetched:
    """An answer of which a listener had enough, or the error of a transfer that libcurl has not ended well."""
    if handle.error is not None:
        raise FetchFailed(Why.FAILED, f"{type(handle.error).__name__}: {handle.error}") from handle.error
    if code == CLOSED[0]:
        raise FetchFailed(Why.FAILED, message)
    head = handle.head()
    if handle.stopped:
        return _fetched(handle, head, waited_s=waited_s, flags=(STOPPED,))
    if handle.refused:
        raise FetchFailed(Why.REFUSED, REFUSED)
    why = kind_of(code, errno=handle.easy.getinfo(pycurl.OS_ERRNO), answered=head is not None)
    if why is Why.TOO_LARGE:
        length, max_bytes = head.length if head is not None else None, handle.max_bytes
        announced = length is not None and length > max_bytes
        size = length if announced and length is not None else max(max_bytes + 1, sum(map(len, handle.chunks)))
        raise FetchFailed(why, message, size=size, announced=announced)
    partial = _fetched(handle, head, waited_s=waited_s, flags=(DATA_LOSS,)) if why is Why.DATA_LOSS else None
    known = {Why.REFUSED: REFUSED, Why.TIMEOUT: _too_long(url, timeout_s)}
    raise FetchFailed(why, known.get(why) or message or f"error {code} of libcurl", partial=partial)

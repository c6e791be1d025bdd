"""One transfer of libcurl at a time: what is asked, in its options, and what comes, as it calls back.

Setting up a handle costs as much as a page, so it is used again and only what differs is set. Knows nothing of Scrapy,
and nothing of where hosts are.
"""

from __future__ import annotations

import logging
import socket
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import pycurl

from crawler.downloader.curl_answer import read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crawler.downloader.curl_answer import Head
    from crawler.downloader.curl_multi import Multi
    from crawler.egress.addresses import Address

logger = logging.getLogger(__name__)

#: Headers that say where a message ends, or are meant for a proxy: whoever sends it knows better.
_NOT_SENT: Final = frozenset({b"content-length", b"transfer-encoding", b"proxy-authorization", b"proxy-connection"})

#: libcurl would add these to what is sent; a line with a name alone keeps it from that.
_SUPPRESSED: Final = ((b"accept", b"Accept:"),)
_SUPPRESSED_WITH_BODY: Final = ((b"content-type", b"Content-Type:"), (b"expect", b"Expect:"), *_SUPPRESSED)

#: A body of length 0 is announced with these (RFC 9110, 8.6).
_HAVE_BODIES: Final = frozenset({"POST", "PUT"})

_NO_SOCKET: Final[int] = pycurl.SOCKET_BAD

#: Bytes that are taken from a socket at once; all transfers of a client have one buffer. libcurl's 16 KiB are three or
#: four calls a page.
_BUFFER_BYTES: Final = 64 * 1024


class Listener(Protocol):
    """Who wants to hear of an answer while it comes; False = that is enough of it."""

    def head(self, head: Head) -> bool:
        """All headers have come."""

    def data(self, chunk: bytes) -> bool:
        """A piece of the body has come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientOptions:
    """What holds for all transfers of a client.

    Attributes:
        verify: certificates.
        tls_versions: of libcurl, the least and the highest; 0 = its own choice.
        ciphers: in the words of OpenSSL; empty = its own choice.
        ca_file: certificates of authorities in one file, or
        ca_folder: in a folder of OpenSSL's.
        http2: is spoken with https sites that do.
        most_idle: connections that are kept for later transfers.
    """

    verify: bool = True
    tls_versions: int = 0
    ciphers: str = ""
    ca_file: str = ""
    ca_folder: str = ""
    http2: bool = True
    most_idle: int = 64


class Proxy(NamedTuple):
    """Through whom a page is asked for.

    Attributes:
        url: `http://HOST:PORT` or `https://HOST:PORT`.
        authorization: value of the header `Proxy-Authorization`; empty = none.
    """

    url: str
    authorization: bytes = b""


def header_lines(pairs: Iterable[tuple[bytes, bytes]], *, method: str, body: bytes) -> list[bytes]:
    """The headers of a request as libcurl takes them.

    Raises:
        ValueError: a name or a value has a line end or a NUL, with which it would say more than one header says.
    """
    lines, names = [], set()
    for name, value in pairs:
        lower = name.lower()
        if lower not in _NOT_SENT:
            names.add(lower)
            lines.append(b"%b: %b" % (name, value) if value.strip() else name + b";")
    check_header(b"".join(lines))
    for name, line in _SUPPRESSED_WITH_BODY if body or method in _HAVE_BODIES else _SUPPRESSED:
        if name not in names:
            lines.append(line)
    return lines


def check_header(text: bytes) -> None:
    """What is sent as one header, or several, says no more than that.

    Raises:
        ValueError: it has a line end or a NUL.
    """
    if b"\n" in text or b"\r" in text or b"\0" in text:
        raise ValueError("a header has a line end or a NUL in it")


class Handle:
    """An easy handle of libcurl's and what its transfer has brought so far. It is used again and again.

    Attributes:
        easy: of libcurl.
        lines: of headers that have come.
        chunks: of the body.
        plain: its transfer is a GET without a body, a proxy or a listener, as nearly all are. After any other it is set
            up anew, so that nothing of that is left.
        host: to which it leads.
        max_bytes: that its body may have; 0 = any number.
        refused: why an address was not dialled.
        stopped: the listener has had enough.
        error: that a callback has raised.
    """

    def __init__(self, refusal: Callable[[str, Address], str], multi: Multi, options: ClientOptions) -> None:
        """A handle that has done nothing yet.

        Args:
            refusal: why an address to which a host has led may not be dialled; "" = it may be.
            multi: in which its transfers run.
            options: of all of them.
        """
        self._refusal, self._multi, self._options = refusal, multi, options
        self.easy = pycurl.Curl()
        self.lines: list[bytes] = []
        self.chunks: list[bytes] = []
        self._set_up()

    def _set_up(self) -> None:
        easy, options = self.easy, self._options
        self.plain = True
        self.host = self.refused = ""
        self.stopped = self._tunnels = self._dialled = False
        self.error: Exception | None = None
        self._listener: Listener | None = None
        self._sent: list[bytes] = []
        self._timeout_ms = self.max_bytes = -1
        easy.setopt(pycurl.USERAGENT, "")  # or else PycURL names itself
        easy.setopt(pycurl.NOSIGNAL, 1)
        easy.setopt(pycurl.BUFFERSIZE, _BUFFER_BYTES)
        easy.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        easy.setopt(pycurl.PATH_AS_IS, 1)
        easy.setopt(pycurl.PROXY, "")  # or else the environment says which
        easy.setopt(pycurl.NOPROXY, "")
        easy.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        easy.setopt(pycurl.WRITEFUNCTION, self.chunks.append)
        easy.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        easy.setopt(pycurl.RESOLVER_START_FUNCTION, _resolve_nothing)
        easy.setopt(
            pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS if options.http2 else pycurl.CURL_HTTP_VERSION_1_1
        )
        easy.setopt(pycurl.SSL_VERIFYPEER, int(options.verify))
        easy.setopt(pycurl.SSL_VERIFYHOST, 2 * options.verify)
        for option, value in (
            (pycurl.SSLVERSION, options.tls_versions),
            (pycurl.SSL_CIPHER_LIST, options.ciphers),
            (pycurl.CAINFO, options.ca_file),
            (pycurl.CAPATH, options.ca_folder),
        ):
            if value:
                easy.setopt(option, value)

    def reset(self) -> None:
        """Forgets what the last transfer was about, so that nothing of it is kept in memory or sent again."""
        self.lines.clear()
        self.chunks.clear()
        self.refused = ""
        if not self.plain:
            self.easy.reset()
            self._set_up()

    def aim(self, host: str, url: str, resolved: list[str], lines: list[bytes]) -> None:
        """Where the next transfer leads, and its headers."""
        easy = self.easy
        self.host = host
        easy.setopt(pycurl.URL, url)
        easy.setopt(pycurl.RESOLVE, resolved)
        if lines != self._sent:
            easy.setopt(pycurl.HTTPHEADER, lines)
            self._sent = lines

    def limit(self, timeout_ms: int, max_bytes: int) -> None:
        """How long the next transfer may take, and how large its body may be; 0 = any size."""
        if timeout_ms != self._timeout_ms:
            self.easy.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            self.easy.setopt(pycurl.CONNECTTIMEOUT_MS, timeout_ms)
            self._timeout_ms = timeout_ms
        if max_bytes != self.max_bytes:
            self.easy.setopt(pycurl.MAXFILESIZE_LARGE, max_bytes)
            self.max_bytes = max_bytes

    def ask(self, method: str, body: bytes) -> None:
        """By which method, for a transfer that is not plain."""
        self.plain = False
        if method == "HEAD":
            self.easy.setopt(pycurl.NOBODY, 1)
            return
        if body or method in _HAVE_BODIES:
            self.easy.setopt(pycurl.POSTFIELDS, body)
        self.easy.setopt(pycurl.CUSTOMREQUEST, method)

    def go_through(self, proxy: Proxy, *, tunnel: bool) -> None:
        """Through whom, for a transfer that is not plain; by a tunnel, or as any page is asked for."""
        self.plain = False
        self._tunnels = tunnel
        easy, lines = self.easy, [b"Proxy-Connection:"]
        easy.setopt(pycurl.PROXY, proxy.url)
        if proxy.authorization:
            lines.append(b"Proxy-Authorization: " + proxy.authorization)
            # The header above is what is sent. By the user, libcurl tells one tunnel from that of somebody else.
            easy.setopt(pycurl.PROXYUSERNAME, proxy.authorization)
        easy.setopt(pycurl.PROXYHEADER, lines)
        if self._options.tls_versions:
            easy.setopt(pycurl.PROXY_SSLVERSION, self._options.tls_versions)
        if self._options.ciphers:
            easy.setopt(pycurl.PROXY_SSL_CIPHER_LIST, self._options.ciphers)
        easy.setopt(pycurl.PROXY_SSL_VERIFYPEER, int(self._options.verify))
        easy.setopt(pycurl.PROXY_SSL_VERIFYHOST, 2 * self._options.verify)
        if self._options.ca_file:
            easy.setopt(pycurl.PROXY_CAINFO, self._options.ca_file)
        if self._options.ca_folder:
            easy.setopt(pycurl.PROXY_CAPATH, self._options.ca_folder)

    def leave_from(self, address: Address, port: int, resolved: list[str]) -> None:
        """From which address of this machine, for a transfer that is not plain; port 0 = any."""
        self.plain = False
        own = str(address) if address.version == 4 else f"[{address}]"
        # libcurl looks this address up as it does that of a host, always at port 80.
        self.easy.setopt(pycurl.RESOLVE, [*resolved, f"+{own}:80:{own}"])
        self.easy.setopt(pycurl.INTERFACE, f"host!{address}")
        if port:
            self.easy.setopt(pycurl.LOCALPORT, port)

    def tell(self, listener: Listener) -> None:
        """Who hears of it, for a transfer that is not plain."""
        self.plain = False
        self._listener = listener
        self.easy.setopt(pycurl.HEADERFUNCTION, self._hear_line)
        self.easy.setopt(pycurl.WRITEFUNCTION, self._hear_chunk)

    def head(self) -> Head | None:
        """What has come of an answer, if all of its headers have."""
        return read_head(self.lines, tunnelled=self._tunnels and self._dialled)

    # --- what libcurl calls; what is raised here would be lost in it --------------------------------------------------

    def _open(self, _purpose: int, address: Any) -> int:
        """Opens the socket that libcurl connects to an address, if anything may be sent there."""
        try:
            if address.family not in (socket.AF_INET, socket.AF_INET6):
                return _NO_SOCKET
            why = self._refusal(self.host, ip_address(address.addr[0]))
            if why:
                logger.warning("%s has led to %s (%s): nothing is sent to it", self.host, address.addr[0], why)
                self.refused = why
                return _NO_SOCKET
            opened = socket.socket(address.family, address.socktype, address.protocol)
            # libcurl dials past the interpreter: whoever audits that hears of it here.
            sys.audit("socket.connect", opened, address.addr)
            self._dialled = True
            return self._multi.adopt(opened)
        except Exception as error:
            logger.exception("no socket can be opened for libcurl")
            self.error = error
            return _NO_SOCKET

    def _hear_line(self, line: bytes) -> int | None:
        self.lines.append(line)
        if line.strip():
            return None
        try:
            head = None if self.chunks else self.head()  # with chunks these are trailers
            if head is None and not self.chunks and not self._tunnels:
                self.lines.clear()  # an interim answer: read again at each of the next, thousands would take minutes
            if head is None or self._listener is None or self._listener.head(head):
                return None
            self.stopped = True
        except Exception as error:
            logger.exception("who listens to a download has failed")
            self.error = error
        return -1

    def _hear_chunk(self, chunk: bytes) -> int | None:
        self.chunks.append(chunk)
        try:
            if self._listener is None or self._listener.data(chunk):
                return None
            self.stopped = True
        except Exception as error:
            logger.exception("who listens to a download has failed")
            self.error = error
        return -1


def _resolve_nothing() -> int:
    """Called by libcurl when it wants to resolve what it was not told."""
    return 1

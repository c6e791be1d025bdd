"""What came of a transfer, and what went wrong with it: values, and how they are read from what libcurl hands over.

Knows libcurl's codes and lines of headers, and nothing of connections, addresses or Scrapy.
"""

from __future__ import annotations

from enum import Enum
from errno import ECONNREFUSED
from typing import TYPE_CHECKING, Final, NamedTuple

import pycurl

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Names and values as they were sent; a name that came twice is there twice.
HeaderPairs = list[tuple[bytes, bytes]]

#: Flags of an answer: its end was that of the connection, so it may not be whole; it broke off, and is not;
#: whoever listened has had enough of it.
PARTIAL, DATA_LOSS, STOPPED = "partial", "dataloss", "download_stopped"

#: What a port says behind which nobody listens; a host that may not be talked to says the same.
REFUSED: Final = "Connection was refused by other side: 111: Connection refused."


class Fetched(NamedTuple):
    """An answer.

    Attributes:
        status: three digits.
        headers: of the answer itself, not of a proxy's or of an interim one.
        body: as it was sent, but for chunks.
        latency_s: from the call to the first byte of the answer.
        protocol: `HTTP/1.0`, `HTTP/1.1` or `h2`.
        ip: the address of who answered, which is the proxy's if there is one.
        flags: of PARTIAL, DATA_LOSS and STOPPED.
    """

    status: int
    headers: HeaderPairs
    body: bytes
    latency_s: float
    protocol: str
    ip: str
    flags: tuple[str, ...] = ()


class Why(Enum):
    """Of what kind a failure is."""

    UNRESOLVED = "its host has no address"
    REFUSED = "nobody answers there, or nobody may"
    TIMEOUT = "it took too long"
    TOO_LARGE = "its body is larger than it may be"
    DATA_LOSS = "its body broke off"
    INVALID = "it cannot be asked for"
    FAILED = "anything else between here and there"


class FetchFailed(Exception):
    """No answer, or one that may not be used.

    Attributes:
        why: the kind.
        size: of a body that is too large: as it was announced, or what had come.
        announced: which of the two.
        partial: of an answer that broke off: what had come of it.
    """

    def __init__(
        self,
        why: Why,
        message: str,
        *,
        size: int = 0,
        announced: bool = False,
        partial: Fetched | None = None,
    ) -> None:
        self.why = why
        self.size = size
        self.announced = announced
        self.partial = partial
        super().__init__(message)


#: libcurl has asked for an address itself, which it may not; it has the same code for every callback that says no.
_ABORTED: Final = pycurl.E_ABORTED_BY_CALLBACK

_KINDS: Final = {
    pycurl.E_OPERATION_TIMEDOUT: Why.TIMEOUT,
    pycurl.E_FILESIZE_EXCEEDED: Why.TOO_LARGE,
    pycurl.E_COULDNT_RESOLVE_HOST: Why.UNRESOLVED,
    pycurl.E_COULDNT_RESOLVE_PROXY: Why.UNRESOLVED,
    _ABORTED: Why.UNRESOLVED,
    pycurl.E_URL_MALFORMAT: Why.INVALID,
}


def kind_of(code: int, *, errno: int, answered: bool) -> Why:
    """The kind of a failure.

    Args:
        code: of libcurl.
        errno: of the system's last failed attempt to connect; 0 = none.
        answered: all headers of an answer had come.
    """
    kind = _KINDS.get(code)
    if kind is not None:
        return kind
    if answered:
        return Why.DATA_LOSS
    if code == pycurl.E_COULDNT_CONNECT and errno == ECONNREFUSED:
        return Why.REFUSED
    return Why.FAILED


class Head(NamedTuple):
    """The first part of an answer, and how its end is known."""

    status: int
    protocol: str
    headers: HeaderPairs
    length: int | None
    chunked: bool

    def ends_with_connection(self, method: str) -> bool:
        """Whether only the end of the connection tells the end of the body."""
        return (
            self.length is None
            and not self.chunked
            and self.protocol.startswith("HTTP/1")
            and method != "HEAD"
            and self.status not in (204, 304)
        )


def read_head(lines: Sequence[bytes], *, tunnelled: bool) -> Head | None:
    """The head of an answer in all lines that came with it; None if it is not whole.

    Before it there may be interim answers (1xx) and that of a proxy to CONNECT; behind it, trailers.

    Args:
        lines: with their ends.
        tunnelled: a proxy was asked for a tunnel in this transfer, and has given one.
    """
    status, protocol, begins = 0, "", True
    headers: HeaderPairs = []
    length, chunked = None, False
    for line in lines:
        if begins:
            begins = False
            version, _, rest = line.partition(b" ")
            status = int(rest[:3])
            protocol = _PROTOCOLS.get(version) or version.decode("latin-1")
            continue
        name, colon, value = line.partition(b":")
        if colon:
            value = value.strip()
            headers.append((name, value))
            if len(name) == _LENGTH_CHARS and name.lower() == b"content-length":
                length = int(value) if value.isdigit() else None
            elif len(name) == _CODING_CHARS and name.lower() == b"transfer-encoding":
                chunked = b"chunked" in value.lower()
        elif not line.strip():
            if status >= 200 and not tunnelled:
                return Head(status, protocol, headers, length, chunked)
            tunnelled = tunnelled and not 200 <= status < 300
            headers, length, chunked, begins = [], None, False, True
    return None


_PROTOCOLS: Final = {b"HTTP/1.1": "HTTP/1.1", b"HTTP/1.0": "HTTP/1.0", b"HTTP/2": "h2"}
_LENGTH_CHARS: Final = len(b"content-length")
_CODING_CHARS: Final = len(b"transfer-encoding")

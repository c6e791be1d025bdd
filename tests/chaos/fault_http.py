"""HTTP/1.1 as far as the fault proxy needs it: where messages begin and end, and answers in the server's stead.

It knows nothing of sockets: bytes go in, parts of messages come out. Pipelined requests and upgrades are beyond it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fault_modes import Mode

#: A head that is longer is none.
MAX_HEAD_BYTES = 65536

#: What S3 calls these.
S3_CODES = {
    400: "BadRequest",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}


class NotHttp(Exception):
    """What came is no HTTP/1.1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The first lines of a message; of a request `method` and `target`, of an answer `status`."""

    method: str = ""
    target: str = ""
    status: int = 0
    version: str
    fields: dict[str, str]  # names in lower case

    @property
    def expects_continue(self) -> bool:
        return self.fields.get("expect", "").lower() == "100-continue"

    @property
    def closes(self) -> bool:
        return self.version == "HTTP/1.0" or self.fields.get("connection", "").lower() == "close"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Some bytes of a message as they came. `head`: they are one. `ends`: the message ends with them."""

    raw: bytes
    head: Head | None = None
    ends: bool = False


class _Expected(enum.Enum):
    HEAD = 0
    BODY = 1  # of a known length
    CHUNK_SIZE = 2
    CHUNK = 3  # with the line break after it
    TRAILER = 4
    ALL = 5  # until the connection ends


class HttpReader:
    """Cuts a stream into parts of messages."""

    def __init__(self, *, answers_to: str | None = None) -> None:
        """`answers_to`: the method of the request whose answer is read; None: requests are read."""
        self._answers_to = answers_to
        self._buffer = bytearray()
        self._expected = _Expected.HEAD
        self._left_bytes = 0

    def feed(self, data: bytes) -> Iterator[Part]:
        """All parts that are whole now.

        Raises:
            NotHttp: the stream makes no sense; what has not been given back is in `rest`.
        """
        self._buffer += data
        while self._buffer and (part := self._next()) is not None:
            yield part

    def rest(self) -> bytes:
        """What has come and belongs to no part yet; from now on it is nobody's."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _next(self) -> Part | None:
        match self._expected:
            case _Expected.HEAD:
                return self._head()
            case _Expected.CHUNK_SIZE:
                return self._chunk_size()
            case _Expected.TRAILER:
                line = self._line()
                if line is None:
                    return None
                ends = line == b"\r\n"
                self._expected = _Expected.HEAD if ends else _Expected.TRAILER
                return Part(raw=line, ends=ends)
            case _Expected.ALL:
                return Part(raw=self.rest())
        raw = self._take(self._left_bytes)
        self._left_bytes -= len(raw)
        if self._left_bytes:
            return Part(raw=raw)
        ends = self._expected is _Expected.BODY
        self._expected = _Expected.HEAD if ends else _Expected.CHUNK_SIZE
        return Part(raw=raw, ends=ends)

    def _head(self) -> Part | None:
        length = self._buffer.find(b"\r\n\r\n") + 4
        if length < 4:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise NotHttp(f"no head ends within {MAX_HEAD_BYTES} bytes")
            return None
        head = _parsed(bytes(self._buffer[:length]), is_request=self._answers_to is None)
        coding = head.fields.get("transfer-encoding", "").lower()
        content_length = head.fields.get("content-length", "")
        if self._has_no_body(head):
            self._expected = _Expected.HEAD
        elif coding:
            if coding != "chunked":
                raise NotHttp(f"Transfer-Encoding {coding!r}")
            self._expected = _Expected.CHUNK_SIZE
        elif content_length:
            if not content_length.isdecimal():
                raise NotHttp(f"Content-Length {content_length!r}")
            self._left_bytes = int(content_length)
            self._expected = _Expected.BODY if self._left_bytes else _Expected.HEAD
        else:
            self._expected = _Expected.HEAD if self._answers_to is None else _Expected.ALL
        return Part(raw=self._take(length), head=head, ends=self._expected is _Expected.HEAD)

    def _has_no_body(self, head: Head) -> bool:
        return self._answers_to is not None and (
            self._answers_to == "HEAD" or head.status < 200 or head.status in {204, 304}
        )

    def _chunk_size(self) -> Part | None:
        line = self._line()
        if line is None:
            return None
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise NotHttp(f"{line!r} is no size of a chunk") from None
        self._left_bytes = size + 2
        self._expected = _Expected.CHUNK if size else _Expected.TRAILER
        return Part(raw=line)

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise NotHttp(f"no line ends within {MAX_HEAD_BYTES} bytes")
            return None
        return self._take(end + 2)

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken


def _parsed(raw: bytes, *, is_request: bool) -> Head:
    first, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    words = first.split(" ", 2)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    version = words[-1] if is_request else words[0]
    if len(words) < 2 or not version.startswith("HTTP/1."):
        raise NotHttp(f"{first!r} begins no message")
    if is_request:
        return Head(method=words[0], target=words[1], version=version, fields=fields)
    if not words[1].isdecimal():
        raise NotHttp(f"{first!r} begins no answer")
    return Head(status=int(words[1]), version=version, fields=fields)


def answer(mode: Mode, request: Head, *, closes: bool) -> bytes:
    """A whole answer as the mode says it: an error of S3 unless it has a body of its own."""
    assert mode.status is not None
    body, headers = mode.body, {"Content-Type": "text/html; charset=utf-8"}
    if body is None:
        code = S3_CODES.get(mode.status, "InternalError")
        where = escape(request.target.partition("?")[0])
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>Said by the fault proxy.</Message>"
            f"<Resource>{where}</Resource><RequestId>fault-proxy</RequestId></Error>"
        )
        headers = {"Content-Type": "application/xml", "x-amz-request-id": "fault-proxy"}
    content = body.encode()
    headers |= {"Content-Length": str(len(content)), **({"Connection": "close"} if closes else {}), **mode.headers}
    try:
        reason = HTTPStatus(mode.status).phrase
    except ValueError:
        reason = "Fault"
    lines = [f"HTTP/1.1 {mode.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "\r\n"]).encode() + (b"" if request.method == "HEAD" else content)

"""A small HTTP/1.1 server on asyncio: keep-alive, HEAD, gzip, and a log of every request.

It answers with whatever a handler returns and survives whatever a client sends. It knows nothing of shops.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self, TypeAlias
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from types import TracebackType

#: The most a request line with its headers, and a request body, may take.
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
#: How long a connection may stay silent.
IDLE_S: Final = 60.0
#: Bodies shorter than this are not worth compressing.
_MIN_GZIP_BYTES: Final = 500
_COMPRESSED_BEFORE: Final = ("image/gif", "application/gzip")


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """One request. `path` is as sent (percent-encoded, without the query); header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as they stood in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters, decoded; the last value of a repeated one."""
        return {name: values[-1] for name, values in parse_qs(self.query, keep_blank_values=True).items()}

    @property
    def cookies(self) -> dict[str, str]:
        """Name and value of each cookie sent."""
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpResponse:
    """One answer. `delay_s` is waited before it is sent; with `cut` the connection breaks in the middle of the body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str | None = "text/html; charset=utf-8"
    delay_s: float = 0.0
    cut: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEntry:
    """One request as the server saw it."""

    at_s: float  # time.monotonic() of its arrival
    method: str
    path: str  # with the query
    status: int
    concurrent: int  # requests being answered at that moment, this one included
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


Handler: TypeAlias = Callable[[HttpRequest], HttpResponse]


class BadRequest(Exception):
    """Bytes that are no request. `status` is what the client is told."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


class HttpServer:
    """Serves a handler on one address: `async with HttpServer(handler) as server: server.url`."""

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._concurrent = 0
        self._log: list[LogEntry] = []

    @property
    def url(self) -> str:
        """`http://HOST:PORT` without a slash at the end; the port is known once the server runs."""
        return f"http://{self._host}:{self._port}"

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Every request so far, in the order of arrival; may be read from another thread."""
        return tuple(self._log)

    async def __aenter__(self) -> Self:
        # one accept queue long enough for a test that opens hundreds of connections at once
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, limit=MAX_HEAD_BYTES, backlog=512
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client went away, or never said anything
        except asyncio.CancelledError:
            # the server stops: the task ends here and has nobody to tell
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._connections.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; True if the connection stays open."""
        try:
            async with asyncio.timeout(IDLE_S):
                request, keep = await _read_request(reader, writer)
        except BadRequest as error:
            answer = HttpResponse(status=error.status, body=str(error).encode(), content_type="text/plain")
            writer.write(_encode(answer, head_only=False, gzipped=False, keep=False))
            await writer.drain()
            return False
        self._concurrent += 1
        try:
            answer = self._handler(request)
            self._log.append(
                LogEntry(
                    at_s=time.monotonic(),
                    method=request.method,
                    path=request.target,
                    status=answer.status,
                    concurrent=self._concurrent,
                    headers=request.headers,
                )
            )
            if answer.delay_s:
                await asyncio.sleep(answer.delay_s)
            gzipped = "gzip" in request.headers.get("accept-encoding", "")
            message = _encode(answer, head_only=request.method == "HEAD", gzipped=gzipped, keep=keep)
            if answer.cut:
                writer.write(message[: len(message) // 2])
                await writer.drain()
                return False
            writer.write(message)
            await writer.drain()
        finally:
            self._concurrent -= 1
        return keep


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[HttpRequest, bool]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequest("the headers are too long", 431) from None
    except asyncio.IncompleteReadError as error:
        if not error.partial.strip():
            raise
        raise BadRequest("the request ends in its headers") from None
    lines = head[:-4].decode("latin-1").lstrip("\r\n").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[0].isalpha():
        raise BadRequest("the request line is not METHOD TARGET HTTP/1.1")
    method, target, version = parts
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise BadRequest("a header line has no name or no colon")
        headers[name.strip().lower()] = value.strip()
    if target.startswith("http://"):  # absolute form, as to a proxy
        target = "/" + target[7:].partition("/")[2]
    if not target.startswith("/"):
        raise BadRequest("the target does not begin with a slash")
    path, _, query = target.partition("?")
    body = await _read_body(reader, writer, headers)
    connection = headers.get("connection", "").lower()
    keep = connection == "keep-alive" if version == "HTTP/1.0" else connection != "close"
    return HttpRequest(method=method, path=path, query=query, headers=headers, body=body), keep


async def _read_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Mapping[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        raise BadRequest("send a Content-Length: chunked bodies are not read here", 501)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest("Content-Length is not a number")
    if int(length) > MAX_BODY_BYTES:
        raise BadRequest("the body is too long", 413)
    if length != "0" and headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(int(length))


def _encode(answer: HttpResponse, *, head_only: bool, gzipped: bool, keep: bool) -> bytes:
    body, kind = answer.body, answer.content_type
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", "Server: sample-shop"]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
        if gzipped and len(body) >= _MIN_GZIP_BYTES and kind not in _COMPRESSED_BEFORE:
            body = _compressed(body)
            lines.append("Content-Encoding: gzip")
        lines.append("Vary: Accept-Encoding")
    lines.extend(f"{name}: {value}" for name, value in answer.headers)
    if answer.status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if head_only or answer.status in (204, 304) else head + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


@lru_cache(maxsize=4096)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=5, mtime=0)

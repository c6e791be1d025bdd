"""An HTTP server that answers what a test tells it to: the control API on its bad days, and a storage that cuts files.

    api.on("POST", "/v1/jobs", Reply(status=503), Reply(status=201, body={"id": "j"}))

Replies are given in their order, the last one again and again. What was asked is in `api.requests`.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as it has come."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer. `cut_at`: the connection ends after so many bytes of the body; `is_dropped`: before any answer."""

    status: int = 200
    body: Any = b""  # bytes, or what becomes JSON
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    is_dropped: bool = False


def problem(status: int, code: str, detail: str = "it is so", **more) -> Reply:
    """A refusal of the API."""
    body = {"type": f"urn:crawlery:problem:{code}", "title": code, "status": status, "detail": detail, "code": code}
    headers = {"Content-Type": "application/problem+json", **more.pop("headers", {})}
    return Reply(status=status, body={**body, "request_id": "r-1", **more}, headers=headers)


def served(content: bytes, *, cut_at: int | None = None, ranges: bool = True) -> Callable[[Asked], Reply]:
    """A file of a storage; with `ranges`, also from where it is asked. Cut after so many bytes of the answer."""

    def reply(asked: Asked) -> Reply:
        begin = asked.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        if not begin or not ranges:
            return Reply(body=content, cut_at=cut_at)
        rest = content[int(begin) :]
        if not rest:
            return Reply(status=416)
        says = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        return Reply(status=206, body=rest, headers=says, cut_at=cut_at)

    return reply


class StandInApi:
    """The server. `url` stays the same when it is stopped and started again."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self._replies: dict[tuple[str, str], list[Reply | Callable[[Asked], Reply]]] = {}
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler_of(self))
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Nobody listens any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def on(self, method: str, path: str, *replies: Reply | Callable[[Asked], Reply] | dict[str, Any]) -> None:
        """What is answered from now on; a mapping is a body with status 200."""
        self._replies[method, path] = [Reply(body=each) if isinstance(each, dict) else each for each in replies]

    def asked(self, method: str, path: str) -> list[Asked]:
        """Those of the requests."""
        return [each for each in self.requests if (each.method, each.path) == (method, path)]

    def reply_to(self, asked: Asked) -> Reply:
        self.requests.append(asked)
        replies = self._replies.get((asked.method, asked.path))
        if not replies:
            return problem(404, "not_found", f"there is no {asked.path}")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply if isinstance(reply, Reply) else reply(asked)


def _handler_of(api: StandInApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(method=self.command, path=parts.path, query=parse_qs(parts.query), headers=headers, body=body)
            reply = api.reply_to(asked)
            self.close_connection = reply.is_dropped or reply.cut_at is not None or self.close_connection
            if reply.is_dropped:
                return
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            says = {"Content-Type": "application/json", "Content-Length": str(len(content)), **reply.headers}
            for name, value in says.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: reply.cut_at])

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 - names of http.server

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    return Handler

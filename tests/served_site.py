"""A site whose answers are a function of the path, on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from crawler.sample_shop.httpd import HttpResponse, HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self


class ServedSite:
    """Serves while its context lasts; `url` is without a slash at the end.

    Attributes:
        asked: paths with their queries, in their order.
    """

    def __init__(self, page: Callable[[str, str], str | None]) -> None:
        """`page(site, path)` is the text of a page, XML and JSON by how it begins; None: there is none."""
        self._page = page
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        started: Future = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)))
        self._thread.start()
        self.url, self._loop, self._stop = started.result(timeout=30)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=30)

    async def _serve(self, started: Future) -> None:
        stop = asyncio.Event()
        async with HttpServer(self._answer) as server:
            started.set_result((server.url, asyncio.get_running_loop(), stop))
            await stop.wait()

    def _answer(self, request) -> HttpResponse:
        path = request.target
        self.asked.append(path)
        text = self._page(self.url, path)
        if text is None:
            return HttpResponse(status=404, body=b"no", content_type="text/html")
        kind = {"<?xml": "application/xml", '{"pro': "application/json"}.get(text[:5], "text/html")
        return HttpResponse(body=text.encode(), content_type=f"{kind}; charset=utf-8")

"""A site on a thread of its own, for tests that start processes; what it answers is its subclass's business."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future
from typing import TYPE_CHECKING

from crawler.sample_shop.httpd import HttpServer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from crawler.sample_shop.httpd import HttpRequest, HttpResponse


class ThreadedSite(ABC):
    """A context; `url`, without a slash at the end, is that of the site while it is served."""

    url: str

    def __enter__(self) -> Self:
        started: Future = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)))
        self._thread.start()
        self.url, self._loop, self._stop = started.result(timeout=30)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=30)

    @abstractmethod
    def _answer(self, request: HttpRequest) -> HttpResponse:
        """What it answers; on its own thread."""

    async def _serve(self, started: Future) -> None:
        stop = asyncio.Event()
        async with HttpServer(self._answer) as server:
            started.set_result((server.url, asyncio.get_running_loop(), stop))
            await stop.wait()

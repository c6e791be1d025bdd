"""What is asked of a node by machines: whether it takes work, its figures, and that it takes no more of it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from scrapyd.webservice import param
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from crawler.scrapyd.services import StoreService, refuse

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from twisted.web.server import Request

    from crawler.scrapyd.console import Console


class Ready(Resource):
    """/ready: 200 if the node takes seats, else 503 and why not. Asks nobody for a password, and tells no more."""

    isLeaf = True  # noqa: N815 - Twisted's name for it

    def __init__(self, root: Console) -> None:
        super().__init__()
        self._root = root

    def render_GET(self, txrequest: Request) -> int:  # noqa: N802 - Twisted's name for it
        """One line of text."""
        task = asyncio.ensure_future(self._answer(txrequest))
        self._root.answering.add(task)
        task.add_done_callback(self._root.answering.discard)
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        why = await self._root.presence.not_ready()
        if request._disconnected:  # noqa: SLF001 - Twisted has no public word for it
            return
        request.setResponseCode(http.SERVICE_UNAVAILABLE if why else http.OK)
        request.setHeader("Content-Type", "text/plain; charset=utf-8")
        request.write(f"not ready: {why}\n".encode() if why else b"ready\n")
        request.finish()


class Metrics(Resource):
    """/metrics: for Prometheus."""

    isLeaf = True  # noqa: N815 - Twisted's name for it

    def __init__(self, root: Console) -> None:
        super().__init__()
        self._root = root

    def render_GET(self, txrequest: Request) -> bytes:  # noqa: N802 - Twisted's name for it
        """See `figures`."""
        presence, launcher = self._root.presence, self._root.launcher
        gauges = {
            "slots": launcher.max_proc,
            "workers": len(launcher.processes),
            "wanted_jobs": len(presence.wanted),
            "draining": int(presence.is_draining),
            "store_up": int(presence.store_answers),
            "fork_server_restarts": launcher.forks.restarts,
        }
        txrequest.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        return presence.figures.text(gauges).encode()


class Drain(StoreService):
    """/drain: takes no more seats. Workers go on until their jobs end, or leave at once with `workers=stop`."""

    @param("workers", required=False, default="")
    def render_POST(self, txrequest: Request, workers: str) -> Coroutine[Any, Any, dict[str, Any]]:  # noqa: N802 - ditto
        """Answers how many workers there are. The node itself stays until it gets SIGTERM."""
        _ = txrequest
        if workers not in ("", "stop"):
            raise refuse(f"workers={workers}: only workers=stop, which lets them leave at once")
        return self._drain(stop=workers == "stop")

    async def _drain(self, *, stop: bool) -> dict[str, Any]:
        self.presence.is_draining = True
        launcher = self.root.launcher
        if stop:
            launcher.stop_workers(signal.SIGTERM)
        await self.presence.look()
        return {"draining": True, "running": len(launcher.processes)}

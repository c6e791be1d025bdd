"""Scrapyd's JSON services where jobs are in the store: the same requests and answers, without `scrapy list` or eggs.

As in Scrapyd an answer is 200 also for a refusal, with `status: error` and a message in it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from scrapyd import webservice
from scrapyd.webservice import WsResource, param
from twisted.web import error, http
from twisted.web.server import NOT_DONE_YET

from crawler.errors import CrawleryError
from crawler.scrapyd.config import PROJECT
from crawler.scrapyd.eggstorage import REFUSAL
from crawler.scrapyd.orders import cancel_job, spider_names, where_is
from crawler.scrapyd.presence import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from twisted.web.server import Request

    from crawler.scrapyd.presence import Presence

logger = logging.getLogger(__name__)

_TOO_LATE: Final = "the store does not answer; nothing is lost, ask again"


def refuse(message: str) -> error.Error:
    """What a service raises to refuse, in Scrapyd's way."""
    return error.Error(code=http.OK, message=message.encode())


class OwnPages:
    """Scrapyd lets the pages of any site read its answers (CORS); those of a node are for its own."""

    def render(self, txrequest: Request) -> Any:
        """As the service's own, without that permission."""
        content = super().render(txrequest)  # type: ignore[misc]  # of the service that this is mixed into
        for name in ("origin", "methods", "headers"):
            txrequest.responseHeaders.removeHeader(f"access-control-allow-{name}")
        return content


class DaemonStatus(OwnPages, webservice.DaemonStatus):
    """daemonstatus.json."""


class ListProjects(OwnPages, webservice.ListProjects):
    """listprojects.json."""


class StoreService(OwnPages, WsResource):
    """A service that has to ask the store: `answer_get` or `answer_post` gives the data of its answer."""

    @property
    def presence(self) -> Presence:
        """Of the node."""
        presence: Presence = self.root.presence
        return presence

    def later(self, request: Request, answer: Coroutine[Any, Any, dict[str, Any]]) -> int:
        """Sends what `answer` gives, or why it gives nothing."""
        task = asyncio.ensure_future(self._finish(request, answer))
        self.root.answering.add(task)
        task.add_done_callback(self.root.answering.discard)
        return NOT_DONE_YET

    def render(self, txrequest: Request) -> bytes | int:
        """As Scrapyd's, but for an answer that comes later."""
        handler = getattr(self, f"render_{txrequest.method.decode('ascii', 'replace')}", None)
        if txrequest.method == b"OPTIONS" or handler is None:
            plain: bytes = super().render(txrequest)
            return plain
        try:
            answer = handler(txrequest)
        except error.Error as refusal:
            return self._encoded(txrequest, {"status": "error", "message": _text(refusal)})
        return self.later(txrequest, answer)

    async def _finish(self, request: Request, answer: Coroutine[Any, Any, dict[str, Any]]) -> None:
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                data = {**await answer, "status": "ok"}
        except TimeoutError:
            data = {"status": "error", "message": _TOO_LATE}
        except error.Error as refusal:
            data = {"status": "error", "message": _text(refusal)}
        except CrawleryError as problem:
            data = {"status": "error", "message": str(problem)}
        except Exception:  # the process border: a client is told that it failed, the log says how
            logger.exception("%s failed", type(self).__name__)
            data = {"status": "error", "message": "the node failed; its log says how"}
        content = self._encoded(request, data)
        if not request._disconnected:  # noqa: SLF001 - Twisted has no public word for it
            request.write(content)
            request.finish()

    def _encoded(self, request: Request, data: dict[str, Any]) -> bytes:
        content: bytes = self.json_encoder.encode({**data, "node_name": self.root.node_name}).encode() + b"\n"
        request.setHeader("Content-Type", "application/json")
        request.setHeader("Content-Length", str(len(content)))
        return content


def _text(refusal: error.Error) -> str:
    return (refusal.message or b"").decode("utf-8", "replace")


def _check_project(project: str | None) -> None:
    if project not in (None, PROJECT):
        raise refuse(f"project '{project}' not found; this node has {PROJECT}")


class Schedule(StoreService):
    """schedule.json: makes a job. Answers its id; the same `jobid` again is the same job."""

    @param("project")
    @param("spider")
    @param("priority", required=False, default=0, type=float)
    @param("setting", dest="settings", required=False, default=list, multiple=True)
    @param("_version", required=False, default=None)
    @param("jobid", dest="_job", required=False, default="")
    def render_POST(  # noqa: N802 - Twisted's name for it
        self, txrequest: Request, *, project: str, spider: str, priority: float, **scrapyds: Any
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """Whatever else the form has is an input."""
        _check_project(project)
        try:
            inputs = {name.decode(): values[0].decode() for name, values in txrequest.args.items()}
        except UnicodeDecodeError as problem:
            raise refuse(f"an input is not UTF-8: {problem}") from problem
        return self._schedule(spider, priority, {**inputs, **scrapyds})

    async def _schedule(self, spider: str, priority: float, arguments: dict[str, Any]) -> dict[str, Any]:
        adding = self.root.poller.queues[PROJECT].add(spider, priority, **arguments)
        job = await adding.asFuture(asyncio.get_running_loop())
        await self.presence.look()
        return {"jobid": job.id}


class Cancel(StoreService):
    """cancel.json: cancels a job, wherever in the fleet its workers are."""

    @param("project")
    @param("job")
    @param("signal", required=False, default="")
    def render_POST(  # noqa: N802 - Twisted's name for it
        self, txrequest: Request, project: str, job: str, signal: str
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """Workers finish the pages that they have."""
        _ = txrequest
        _check_project(project)
        if signal:
            raise refuse("signal is not taken: a job is cancelled on all nodes, and its workers leave in order")
        return self._cancel(job)

    async def _cancel(self, job: str) -> dict[str, Any]:
        before = await cancel_job(self.presence.store, job)
        await self.presence.look()
        return {"prevstate": before}


class Status(StoreService):
    """status.json: where a job is, as the store says; also of jobs that other nodes run."""

    @param("job")
    @param("project", required=False)
    def render_GET(  # noqa: N802 - Twisted's name for it
        self, txrequest: Request, job: str, project: str | None
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        """`currstate` is null for a job that nobody knows."""
        _ = txrequest
        _check_project(project)
        return self._status(job)

    async def _status(self, job: str) -> dict[str, Any]:
        return {"currstate": await where_is(self.presence.store, job)}


class ListSpiders(OwnPages, WsResource):
    """listspiders.json: recipes and spiders of this installation, read anew each time."""

    @param("project")
    @param("_version", dest="version", required=False, default=None)
    def render_GET(self, txrequest: Request, project: str, version: str | None) -> dict[str, Any]:  # noqa: N802 - ditto
        """Names only: a broken recipe is refused when it is scheduled."""
        _ = txrequest
        _check_project(project)
        if version:
            raise refuse(f"version '{version}' not found: {REFUSAL}")
        return {"spiders": spider_names()}


class ListJobs(OwnPages, webservice.ListJobs):
    """listjobs.json: what this node runs and has run, and what waits for any node; with exit codes."""

    def render_GET(self, txrequest: Request) -> dict[str, Any]:  # noqa: N802 - Twisted's name for it
        """As Scrapyd's, and `exit_code` and `signal` of what has ended."""
        listed: dict[str, Any] = super().render_GET(txrequest)
        for entry, ended in zip(listed["finished"], self.root.launcher.finished, strict=False):
            entry.update(exit_code=ended.exit_code, signal=ended.signal, pid=ended.pid)
        return listed


class NoDeployment(OwnPages, WsResource):
    """addversion.json and its kin."""

    def render_GET(self, txrequest: Request) -> dict[str, Any]:  # noqa: N802 - Twisted's name for it
        """Refuses."""
        _ = txrequest
        raise refuse(REFUSAL)

    def render_POST(self, txrequest: Request) -> dict[str, Any]:  # noqa: N802 - ditto
        """Refuses."""
        _ = txrequest
        raise refuse(REFUSAL)

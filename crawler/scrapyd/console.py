"""Scrapyd's web console on seats: how workers ended is on its page of jobs, and each has a log of its own."""

from __future__ import annotations

import hmac
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapyd import website
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import fail, succeed
from twisted.web import http
from twisted.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from twisted.web.pages import errorPage
from twisted.web.resource import IResource, Resource
from zope.interface import implementer

from crawler.scrapyd.probes import Ready

if TYPE_CHECKING:
    import asyncio

    from twisted.internet.defer import Deferred
    from twisted.python.components import Componentized
    from twisted.web.server import Request

    from crawler.scrapyd.config import NodeConfig, ScrapydConfig
    from crawler.scrapyd.jobstorage import EndedWorker
    from crawler.scrapyd.launcher import RunningWorker
    from crawler.scrapyd.presence import Presence


class Console(website.Root):
    """The root of the site.

    Attributes:
        presence: of the node.
        answering: tasks of answers that come later.
    """

    def __init__(self, config: ScrapydConfig, app: Componentized) -> None:
        self.presence: Presence = config.presence
        self.answering: set[asyncio.Task[None]] = set()
        super().__init__(config, app)
        self.putChild(b"jobs", Jobs(self))

    def get_log_url(self, job: RunningWorker | EndedWorker) -> str | None:
        """Where the log of a worker is served."""
        return f"/logs/{job.log}"


class Jobs(website.Jobs):
    """The page of jobs, with a column for how each worker ended."""

    def __init__(self, root: Console) -> None:
        super().__init__(root)
        self.headers.insert(self.headers.index("Log"), "Exit")

    def prepare_finished(self) -> str:
        """Rows of the third part of the table."""
        return "\n".join(self.prepare_row(self._cells(ended)) for ended in self.root.launcher.finished)

    def _cells(self, ended: EndedWorker) -> dict[str, Any]:
        return {
            "Project": escape(ended.project),
            "Spider": escape(ended.spider),
            "Job": escape(ended.job),
            "PID": ended.pid,
            "Start": website.no_microseconds(ended.start_time),
            "Runtime": website.no_microseconds(ended.end_time - ended.start_time),
            "Finish": website.no_microseconds(ended.end_time),
            "Exit": ended.how,
            "Log": self.html_log_url(ended),
        }


class Front(Resource):
    """What the node serves: `/ready` to anybody, all else to those who know the password, if there is one."""

    def __init__(self, console: Console, config: NodeConfig) -> None:
        super().__init__()
        self._ready = Ready(console)
        self._rest = guarded(console, config)

    def getChildWithDefault(self, path: bytes, request: Request) -> Any:  # noqa: N802 - Twisted's name for it
        """The resource for the first part of a path."""
        if path == b"ready":
            return self._ready
        if request.method == b"POST" and _is_from_elsewhere(request):
            return errorPage(http.FORBIDDEN, "Forbidden", "This form was sent from the page of another site.")
        return self._rest.getChildWithDefault(path, request)


def _is_from_elsewhere(request: Request) -> bool:
    """Whether a browser sends a form that is not ours, with the password that it has kept for us."""
    origin = request.getHeader("origin")
    return origin is not None and urlsplit(origin).netloc != request.getHeader("host")


def guarded(console: Console, config: NodeConfig) -> Any:
    """The console, behind basic authentication if the node has a password."""
    if not config.username:
        return console
    realm: Any = _Realm(console)
    checker: Any = _Checker(config.username, config.password)
    portal = Portal(realm, [checker])
    return HTTPAuthSessionWrapper(portal, [BasicCredentialFactory(b"Crawlery node")])


@implementer(IRealm)
class _Realm:
    def __init__(self, console: Console) -> None:
        self._console = console

    def requestAvatar(self, avatarId: bytes, mind: Any, *interfaces: Any) -> tuple[Any, Any, Any]:  # noqa: N802, N803 - ditto
        _ = avatarId, mind
        if IResource not in interfaces:
            raise NotImplementedError("only pages are served")
        return IResource, self._console, lambda: None


@implementer(ICredentialsChecker)
class _Checker:
    """Compares in a time that tells nothing."""

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted's name for it

    def __init__(self, username: str, password: str) -> None:
        self._username, self._password = username.encode(), password.encode()

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:  # noqa: N802 - ditto
        is_user = hmac.compare_digest(credentials.username, self._username)
        is_password = hmac.compare_digest(credentials.password, self._password)
        return succeed(self._username) if is_user and is_password else fail(UnauthorizedLogin())

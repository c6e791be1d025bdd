"""The session of a crawl: who logs in, when a session has ended, and what becomes of pages that show that.

A session is a version and what a login gave. Every page is sent with the newest one and remembers its version. The
first page that shows that nobody is logged in makes a version *doubtful*; it comes back later. When the next one shows
it too, without a good page in between, the session has ended: one worker of all logs in, as the store says, and the
others wait for what it writes, so that there is one login for each session that ends. A page that is odd by itself -
it never has what `valid_if` asks for - ends as `blocked`; among good pages it costs no login.

A login that fails is not tried again: a wrong password tried a hundred times is a locked account. The job is paused,
with the reason; whoever resumes it has it tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from scrapy import Request
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http.request import NO_CALLBACK

from crawler.config import read_secret
from crawler.downloader.downloader import is_ending, our_downloader
from crawler.errors import ConfigError, LoginFailed, StoreError
from crawler.extensions.session_cookies import Cookie, SessionCookies
from crawler.frontier.shared_contract import LOGIN_CLAIM_S, Session
from crawler.middlewares.blocked_signs import is_login_address
from crawler.middlewares.open_pages import Blocked, PageTurn, SentBack, Stopped, TryLater
from crawler.middlewares.redirect import LOGIN_HEADERS, LOGIN_SITES
from crawler.middlewares.retry_policies import RetryPolicies
from crawler.middlewares.retry_policy import reason_of
from crawler.recipe.model import PageInput
from crawler.recipe.session_plan import Credentials, FormLogin, RequestLogin
from crawler.recipe.sessions import (
    bare,
    basic_of,
    check_answer,
    first_request,
    form_request,
    is_shown,
    login_sites,
    token_of,
)
from crawler.scheduler import our_scheduler

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.downloader.shared import Shared
    from crawler.middlewares.open_pages import OpenPage
    from crawler.recipe.model import PageRequest, Recipe

logger = logging.getLogger(__name__)

#: Who waits for another worker's login looks again so often, in seconds.
_ASK_EVERY_S: Final = 0.1

#: A login that fails for a reason that may pass is tried so often, with these waits in seconds.
_LOGIN_WAITS_S: Final = (1.0, 4.0)

#: So many logins in a row after which no page was good are enough to see that another one does not help.
_MOST_IN_VAIN: Final = 2

#: So many are enough where pages were good before. Some odd pages cost fewer: each has at most one login for each of
#: its tries (`_TRIES`). A site that takes every login and lets nobody in would have them for ever.
_MOST_IN_A_ROW: Final = 8

#: After logins in vain, where other pages were good, the next one waits twice as long each time, up to so many seconds.
_LONGEST_S: Final = 8.0

#: A page that shows that nobody is logged in comes back at least so often, whatever `fetch.retry` says: it may meet
#: several workers that have not noticed yet.
_TRIES: Final = 6

#: How long a page waits that comes back, in seconds.
_WAIT_S: Final = 0.1

#: Pages wait so long before they go back when another worker could not log in: the job is being paused.
_PAUSE_S: Final = 1.0


class _Shown(msgspec.Struct, frozen=True):
    """What a session is, on the wire."""

    v: int = 1
    cookies: tuple[Cookie, ...] = ()
    token: str = ""
    digest: str = ""  # of credentials that nobody logs in with; they themselves stay where they are


@dataclass(slots=True)
class _Known:
    """What this worker knows of the newest version.

    Attributes:
        version: 0 = none.
        header: value of `Authorization`; "" = none.
        since_s: of the clock, when this worker took it.
        in_vain: logins before it after which no page was good.
        good: a page has shown that somebody is logged in.
        doubtful_since_s: of the clock, when a page showed that nobody is; 0 = none has, since the last good one.
    """

    version: int = 0
    header: str = ""
    since_s: float = 0.0
    in_vain: int = 0
    good: bool = False
    doubtful_since_s: float = 0.0


class Sessions:
    """See the module."""

    def __init__(self, crawler: Crawler, recipe: Recipe) -> None:
        """The session of a recipe's crawl."""
        if recipe.session is None:
            raise AssertionError("only for recipes with a session")
        self._crawler = crawler
        self._recipe = recipe
        self._way = recipe.session.way
        self._known = _Known()
        self._ended = 0  # versions up to here are worthless
        self._sign = ""  # the last one that a session has ended
        self._confirming: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._pausing: asyncio.Task[None] | None = None
        self._policies = RetryPolicies(crawler)
        self._cookies = SessionCookies(crawler)
        self._hosts: frozenset[str] | None = None
        self._login_urls: frozenset[str] = frozenset()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The session of a crawl.

        Raises:
            NotConfigured: its spider is no recipe with a session.
        """
        recipe: Recipe | None = getattr(crawler.spider, "recipe", None)
        if recipe is None or recipe.session is None:
            raise NotConfigured
        return cls(crawler, recipe)

    @property
    def _spider(self) -> Any:
        """A recipe's spider; its class imports this module."""
        return self._crawler.spider

    # --- what middlewares and the spider ask ---

    async def show(self, request: Request) -> int:
        """Makes a request one of somebody who is logged in; the version of the session, 0 if it is not sent with one.

        Raises:
            SentBack: nobody can be logged in; the page goes back.
            Stopped: the crawl ends.
        """
        self._cookies.leave(request)
        if not self._covers(request):
            return 0
        while not self._known.version or self._known.version <= self._ended:
            if self._asking is None:
                self._asking = asyncio.get_running_loop().create_task(self._renew())
                self._asking.add_done_callback(self._asked)
            try:
                await asyncio.shield(self._asking)
            except LoginFailed as error:
                raise SentBack(f"nobody is logged in: {error}") from error
        self._cookies.enter(request, self._known.version)
        if self._known.header:
            request.headers["Authorization"] = self._known.header
        return self._known.version

    def hide(self, request: Request) -> None:
        """Takes away what was shown: what becomes of the request must not be written anywhere with it."""
        for name in ("Authorization", "Cookie"):
            request.headers.pop(name, None)

    def is_login(self, url: str) -> bool:
        """Whether a URL is where people log in."""
        return is_login_address(url) or bare(url) in self._login_urls

    def valid(self, page: OpenPage) -> None:
        """A page has shown that somebody is logged in."""
        known = self._known
        if page.session == known.version and page.session:
            if not known.good:
                known.good = True
                self._confirming = asyncio.get_running_loop().create_task(self._confirm(known.version))
            if page.sent_s > known.doubtful_since_s:
                known.doubtful_since_s = 0.0

    def invalid(self, page: OpenPage, request: Request, sign: str) -> PageTurn | Blocked:
        """A page has shown that nobody is logged in; what is to be raised, or noted, for it."""
        stats = self._crawler.stats
        stats.inc_value("session/invalid")
        if page.session != self._known.version or page.session <= self._ended:
            return SentBack(sign)  # it was under way when the session ended, which says nothing of the page
        self._doubt(page, sign)
        if page.lease.tries >= max(_TRIES, self._policies.of(request).times):
            return Blocked(f"nobody is logged in on this page: {sign} (given up after {page.lease.tries + 1} tries)")
        logger.info("Nobody is logged in on %s (%s); it comes back", page.url, sign)
        return TryLater(f"nobody is logged in: {sign}", wait_s=max(_WAIT_S, self._patience_s()), hold_host_s=0.0)

    def _doubt(self, page: OpenPage, sign: str) -> None:
        """Notes that a page was not good."""
        known = self._known
        self._sign = f"{bare(page.url)}: {sign}"
        if not known.doubtful_since_s or self._patience_s() > 0:
            known.doubtful_since_s = known.doubtful_since_s or time.monotonic()
            self._looking = asyncio.get_running_loop().create_task(self._look())
            return
        self._ended = page.session
        self._crawler.stats.inc_value("session/ended")
        logger.info("The session has ended: somebody has to log in again")

    def _patience_s(self) -> float:
        """How long the next login has to wait where the last ones were in vain, and pages with it.

        Pages were good before: these may be odd, and an account that logs in for each of them is locked soon.
        """
        known = self._known
        if known.good or not known.in_vain:
            return 0.0
        return known.since_s + min(_LONGEST_S, 2.0**known.in_vain) - time.monotonic()

    async def _look(self) -> None:
        """Takes a session that others have had meanwhile, or what they have found out about this one."""
        with contextlib.suppress(StoreError, LoginFailed):
            newest = await self._shared().session.read()
            if newest.version > self._known.version:
                self._take(newest)
            elif newest.good == self._known.version:
                self._known.good = True

    async def _confirm(self, version: int) -> None:
        with contextlib.suppress(StoreError):
            await self._shared().session.confirm(version)

    def _covers(self, request: Request) -> bool:
        """Whether a request is to be sent as somebody who is logged in: by its page type and its host."""
        facts = request.meta.get("recipe")
        page = self._recipe.pages.get(facts.get("page") or "") if isinstance(facts, dict) else None
        if not isinstance(facts, dict) or (page is not None and not page.session):
            return False
        if self._hosts is None:
            self._hosts = frozenset(self._spider.session_hosts)
        return is_shown(request.url, self._hosts)

    # --- a new session ---

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # whoever waits has it

    async def _renew(self) -> None:
        """Has a session that is newer than those that have ended.

        Raises:
            LoginFailed: nobody can log in.
            Stopped: the crawl ends.
        """
        try:
            await self._ask_until_there_is_one(self._shared())
        except LoginFailed as error:
            if not error.passing:
                self._pause(str(error))
            raise

    async def _ask_until_there_is_one(self, shared: Shared) -> None:
        while True:
            if is_ending(self._crawler):
                raise Stopped("the crawl is ending")
            reply = await shared.session.ask(worker=shared.worker, beyond=self._ended)
            if reply.session.version > self._ended:
                self._take(reply.session)
                return
            if reply.failed:
                await asyncio.sleep(_PAUSE_S)
                raise LoginFailed(reply.failed, passing=True)  # whoever has failed pauses the job
            if reply.yours:
                await self._check_that_it_helps(reply.session, shared)
                await self._log_in(reply.session, shared)
            else:
                await asyncio.sleep(_ASK_EVERY_S)

    async def _check_that_it_helps(self, before: Session, shared: Shared) -> None:
        """Looks whether any of the last logins has led to a good page.

        Raises:
            LoginFailed: none has, and several were tried.
        """
        in_vain = before.version - before.good
        if in_vain < (_MOST_IN_A_ROW if before.ever_good else _MOST_IN_VAIN):
            return
        times = f" {in_vain} times in a row" if before.ever_good else ""
        why = f"logged in{times}, but its pages are those of somebody who is not; see `session.valid_if` ({self._sign})"
        await shared.session.fail(why, worker=shared.worker)
        raise LoginFailed(why)

    async def _log_in(self, before: Session, shared: Shared) -> None:
        """Logs in and writes the session, in the place of `before`.

        Raises:
            LoginFailed: it has not worked.
        """
        login = asyncio.get_running_loop().create_task(self._shown(before))
        try:
            while not (await asyncio.wait({login}, timeout=LOGIN_CLAIM_S / 3))[0]:
                with contextlib.suppress(StoreError):  # then another one logs in, too
                    await shared.session.ask(worker=shared.worker, beyond=before.version)
            shown = login.result()
        except LoginFailed as error:
            self._crawler.stats.inc_value("session/login_failed")
            why = f"could not log in: {error}"
            await shared.session.fail(why, worker=shared.worker)
            raise LoginFailed(why) from error
        finally:
            login.cancel()
        self._crawler.stats.inc_value("session/logins")
        written = await shared.session.write(msgspec.json.encode(shown), expected=before.version)
        logger.info("Logged in (session %d)%s", before.version + 1, "" if written else ", but another was faster")

    async def _shown(self, before: Session) -> _Shown:
        """What there is to show for a login.

        Raises:
            LoginFailed: it does not work.
        """
        if isinstance(self._way, Credentials):
            digest = hashlib.sha256(self._credentials(self._way).encode()).hexdigest()
            if before.version and msgspec.json.decode(before.body, type=_Shown).digest == digest:
                raise LoginFailed("the site does not accept the secret any more; it needs a new one")
            return _Shown(digest=digest)
        for wait_s in (*_LOGIN_WAITS_S, None):
            try:
                return await self._logged_in(self._way)
            except LoginFailed as error:
                if not error.passing or wait_s is None or is_ending(self._crawler):
                    raise
                logger.warning("The login did not work (%s); again in %g s", error, wait_s)
                await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    async def _logged_in(self, way: FormLogin | RequestLogin) -> _Shown:
        inputs = {**self._spider.inputs, **_secrets(self._recipe, self._spider)}
        sites = login_sites(self._recipe, inputs)
        with self._cookies.login() as jar:
            first = first_request(way, inputs)
            self._login_urls |= {bare(first.url)}
            page = await self._fetch(first, jar, sites)
            if isinstance(way, FormLogin):
                self._login_urls |= {bare(page.url)}
                page = await self._fetch(form_request(self._recipe, way, page, inputs), jar, sites)
            check_answer(self._recipe, way, page)
            token = token_of(self._recipe, way, page) if isinstance(way, RequestLogin) else ""
            cookies = self._cookies.of(jar)
        if not cookies and not token:
            raise LoginFailed("the site has set no cookie")
        return _Shown(cookies=cookies, token=token)

    async def _fetch(self, wanted: PageRequest, jar: str, sites: tuple[str, ...]) -> PageInput:
        request = Request(
            wanted.url,
            method=wanted.method,
            headers=dict(wanted.headers),
            body=wanted.body,
            callback=NO_CALLBACK,
            # People log in where robots.txt keeps crawlers out, and somebody has asked us to; nothing of it is read.
            meta={
                "cookiejar": jar,
                "dont_obey_robotstxt": True,
                "allow_offsite": True,
                LOGIN_SITES: sites,
                LOGIN_HEADERS: tuple(name for name, _ in wanted.headers),
            },
        )
        try:
            response: Response = await self._crawler.engine.download_async(request)
        except (PageTurn, IgnoreRequest) as error:
            raise LoginFailed(
                f"{bare(wanted.url)} was not fetched: {error}", passing=isinstance(error, PageTurn)
            ) from error
        except OSError as error:
            raise LoginFailed(f"{bare(wanted.url)} was not fetched: {reason_of(error)}", passing=True) from error
        except Exception as error:  # of Twisted, and of whatever fetches: there are many kinds
            logger.debug("A login failed", exc_info=True)
            raise LoginFailed(f"{bare(wanted.url)} was not fetched: {reason_of(error)}", passing=True) from error
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.items()
        }
        return PageInput(request=wanted, url=response.url, body=response.body, status=response.status, headers=headers)

    def _take(self, session: Session) -> None:
        """Shows this session from now on.

        Raises:
            LoginFailed: the secrets that it consists of are not here.
        """
        if session.version == self._known.version:
            return
        shown = msgspec.json.decode(session.body, type=_Shown)
        header, cookies = f"Bearer {shown.token}" if shown.token else "", shown.cookies
        if isinstance(self._way, Credentials):
            secret = self._credentials(self._way)
            header = {"bearer": f"Bearer {secret}", "basic": f"Basic {secret}"}.get(self._way.kind, "")
            if self._way.kind == "cookies":
                cookies = self._cookies.written(secret, self._spider.session_hosts)
        self._cookies.fill(session.version, cookies)
        self._known = _Known(
            version=session.version,
            header=header,
            since_s=time.monotonic(),
            in_vain=max(0, session.version - 1 - session.good),
            good=session.good == session.version,
        )

    # --- secrets ---

    def _credentials(self, way: Credentials) -> str:
        """What is sent with every request.

        Raises:
            LoginFailed: a secret is not here.
        """
        if way.kind != "basic":
            return _secret(way.secret, self._spider)
        return basic_of(way, {**self._spider.inputs, **_secrets(self._recipe, self._spider)})

    # --- the job ---

    def _pause(self, why: str) -> None:
        scheduler = our_scheduler(self._crawler)
        logger.warning("No page can be read: %s", why)
        if scheduler is not None and (self._pausing is None or self._pausing.done()):
            host = next(iter(sorted(self._hosts or ())), "the site").rpartition("//")[2]
            sentence = f"{host}: {why}; resume the job when that is mended, or cancel it"
            self._pausing = asyncio.get_running_loop().create_task(scheduler.ending.pause(sentence))

    def _shared(self) -> Shared:
        downloader = our_downloader(self._crawler)
        if downloader is None:
            raise LoginFailed("another downloader is in the place of Crawlery's, which knows of no session")
        return downloader.shared


def _secrets(recipe: Recipe, spider: Any) -> dict[str, str]:
    """The inputs of a recipe that are secrets.

    Raises:
        LoginFailed: one is not here.
    """
    return {name: _secret(secret, spider) for name, secret in recipe.inputs.secrets.items()}


def _secret(name: str, spider: Any) -> str:
    job = getattr(spider, "stored_job", None)
    try:
        text = read_secret(name, client="" if job is None else job.client)
    except ConfigError as error:
        raise LoginFailed(str(error)) from error
    if not text.isprintable():
        raise LoginFailed(f"the secret {name!r} is no single line")
    return text


def sessions_of(crawler: Crawler) -> Sessions | None:
    """That of a running crawl; None if its spider has none."""
    sessions: Sessions | None = crawler.get_extension(Sessions)
    return sessions

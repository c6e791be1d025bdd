"""Redirects as pages: the page is settled as `redirected`, its target is its only child.

So the target is filtered as a duplicate, refused when it is off-site and asked politely like any link. Two redirects
are no new page, and stock Scrapy drops both as duplicates: one to the page itself (a cookie wall that wants its cookie
back), which is followed in place, and one back to where we came from by way of another page (the same wall in two
steps), which is read again. What a redirect looks like and which headers travel is Scrapy's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from scrapy.downloadermiddlewares.redirect import BaseRedirectMiddleware
from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware as ScrapyMetaRefreshMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware as ScrapyRedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.httpobj import urlparse_cached

from crawler.extensions.blocks import blocks_of
from crawler.middlewares.blocked_signs import is_login_address
from crawler.middlewares.open_pages import MAX_HOPS, Hop, Redirected, RedirectedTooOften
from crawler.recipe.sessions import bare, may_log_in_at
from crawler.scheduler import our_scheduler
from crawler.spiders.requests import RecipeFacts, take_the_place

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

    from crawler.middlewares.open_pages import OpenPage
    from crawler.scheduler import Scheduler

#: Key of `meta` for a request that logs in: who may be told who we are, as `crawler.recipe.sessions` names them.
LOGIN_SITES: Final = "login_sites"

#: And names of the headers that the recipe gives it, which may be secrets.
LOGIN_HEADERS: Final = "login_headers"

#: How often a page may be come back to through other pages.
_MAX_RETURNS: Final = 5

#: Where Scrapy looks for a refresh: 4,096 characters, of one byte each in ASCII, and of at most 4 otherwise. What has
#: escapes is no ASCII, although its bytes are: two of them are one character of Japanese in ISO-2022-JP.
_HEAD_BYTES: Final = 4096
_MOST_HEAD_BYTES: Final = 4 * _HEAD_BYTES
_ESCAPE: Final = b"\x1b"

#: So many letters `q` are looked at one by one; hardly any page has more.
_MOST_QS: Final = 32
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")

#: What Scrapy's components note in `meta` about one download; it says nothing about the next one.
_DOWNLOAD_META: Final = ("download_latency", "download_slot", "_auth_proxy", "_scheme_proxy", "_dont_cache")


class _PageRedirects(BaseRedirectMiddleware):
    """Puts pages on the frontier instead of handing the target to the engine."""

    def _redirect(self, redirected: Request, request: Request, reason: Any) -> Request:
        """The target, for a request that is no page.

        Raises:
            IgnoreRequest: a login would be sent to another site.
            Hop: to the page itself.
            Redirected: to another page.
            RedirectedTooOften: the page leads nowhere; or, where that is a way to keep crawlers out, what follows then.
        """
        scheduler = our_scheduler(self.crawler)
        page = scheduler.pages.of(request) if scheduler is not None else None
        if scheduler is None or page is None:
            target = super()._redirect(redirected, request, reason)
            self._forget_download(target, request)
            self._tell_no_stranger(target, request)
            return target
        try:
            target = super()._redirect(redirected, request, reason)
        except IgnoreRequest as error:
            self._leads_nowhere(page, request, f"redirected more than {self.max_redirect_times} times", error)
        self._forget_download(target, request)
        take_the_place(target)
        if scheduler.codec.identity(target) == scheduler.codec.identity(request):
            if page.hops >= MAX_HOPS:
                self._leads_nowhere(page, request, f"redirected to itself {page.hops + 1} times")
            hop = request.replace(url=target.url, cookies=None)
            raise Hop(hop)
        if self._may_be_a_wall(page, request, target):
            page.at_login = True
            raise Hop(target)
        if not RecipeFacts.of(request).dedupe:
            # A row travels with it, and would be gone with a target that is refused (off-site).
            if page.hops >= MAX_HOPS:
                self._leads_nowhere(page, request, f"redirected more than {MAX_HOPS} times")
            raise Hop(target)
        if self._returns(scheduler, target):
            returns = target.meta["redirect_returns"] = target.meta.get("redirect_returns", 0) + 1
            if returns > _MAX_RETURNS:
                self._leads_nowhere(page, request, f"redirected in a circle: {target.url}")
            target.dont_filter = True
        raise Redirected(target, f"{reason} to {target.url}")

    @staticmethod
    def _tell_no_stranger(target: Request, request: Request) -> None:
        """Sees to it that a login goes to no other site: after 307 and 308 its body would, and its headers always.

        Raises:
            IgnoreRequest: it would.
        """
        sites = request.meta.get(LOGIN_SITES)
        if not sites or may_log_in_at(target.url, sites, sent_by=request.url):
            return
        if target.body:
            raise IgnoreRequest(
                f"it would have the login sent to {bare(target.url)}, another site, which is not told who we are; name"
                " its host in `session.domains` if it may be told"
            )
        for name in request.meta.get(LOGIN_HEADERS, ()):
            target.headers.pop(name, None)

    def _leads_nowhere(self, page: OpenPage, request: Request, what: str, error: Exception | None = None) -> NoReturn:
        blocks = blocks_of(self.crawler)
        if blocks is not None and blocks.page_of(request) is page:
            blocks.refused(page, request, what, may_be_this_page_only=True)
        raise RedirectedTooOften(what) from error

    def _may_be_a_wall(self, page: OpenPage, request: Request, target: Request) -> bool:
        """Whether the site may want us to log in for a page: its own login, for a page that is to hold something.

        All pages behind a wall lead to one address, which as a page of its own would be read once, and the others
        would be no failures. So it is read in place of each, to see whether it is a form.
        """
        blocks = blocks_of(self.crawler)
        if blocks is None or blocks.page_of(request) is not page or not blocks.gives_rows(request):
            return False
        if page.hops >= MAX_HOPS or not is_login_address(target.url) or is_login_address(page.url):
            return False
        asked, wanted = urlparse_cached(request).hostname or "", urlparse_cached(target).hostname or ""
        return asked == wanted or asked.endswith(f".{wanted}") or wanted.endswith(f".{asked}")

    def _forget_download(self, target: Request, request: Request) -> None:
        """Drops the downloader's notes, so that a target on another host waits at the door of that host."""
        for name in _DOWNLOAD_META:
            target.meta.pop(name, None)
        if request.meta.get("download_slot") not in (None, self._own_slot(request)):
            target.meta["download_slot"] = request.meta["download_slot"]  # the spider's wish, not the downloader's note

    def _own_slot(self, request: Request) -> str:
        bare = request.replace(meta={})
        return self.crawler.engine.downloader.get_slot_key(bare)

    def _returns(self, scheduler: Scheduler, target: Request) -> bool:
        """Whether the target is one of the pages that sent us here."""
        identity = scheduler.codec.identity(target)
        behind = (target.replace(url=url) for url in target.meta.get("redirect_urls", ()))
        return any(scheduler.codec.identity(earlier) == identity for earlier in behind)


class RedirectMiddleware(_PageRedirects, ScrapyRedirectMiddleware):
    """3xx with a Location."""


class MetaRefreshMiddleware(_PageRedirects, ScrapyMetaRefreshMiddleware):
    """`<meta http-equiv=refresh>`."""

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Looks only at pages that hold the word: decoding text whose charset must be guessed takes 5 ms a page."""
        _ = spider
        head = response.body[:_HEAD_BYTES]
        if not head.isascii() or _ESCAPE in head:
            head = response.body[:_MOST_HEAD_BYTES]
        if (_has_equiv(head) and b"refresh" in head.lower()) or head.startswith(_UTF_16):
            return super().process_response(request, response)
        return response


def _has_equiv(head: bytes) -> bool:
    """Whether `http-equiv` may be in it, by its rare letter: to change the case of all others is ten times the work."""
    left = _MOST_QS
    for letter in (b"q", b"Q"):
        at = head.find(letter)
        while at >= 0:
            left -= 1
            if not left or head[at : at + 4].lower() == b"quiv":
                return True
            at = head.find(letter, at + 1)
    return False

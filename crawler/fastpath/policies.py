"""What is done with a request before it is sent and with its answer: by Scrapy's and our own middlewares, in one pass.

A middleware whose class is known here is called when it has something to do, as its own code says; else its step costs
a look. All others are called as Scrapy calls them. The order is Scrapy's.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlunparse

from scrapy.downloadermiddlewares.defaultheaders import DefaultHeadersMiddleware
from scrapy.downloadermiddlewares.downloadtimeout import DownloadTimeoutMiddleware
from scrapy.downloadermiddlewares.httpauth import HttpAuthMiddleware
from scrapy.downloadermiddlewares.httpcompression import ACCEPTED_ENCODINGS
from scrapy.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from scrapy.downloadermiddlewares.stats import DownloaderStats, get_status_size
from scrapy.downloadermiddlewares.useragent import UserAgentMiddleware
from scrapy.http import Headers, Response
from scrapy.utils.httpobj import urlparse_cached

from crawler.middlewares.blocked import BlockedMiddleware
from crawler.middlewares.cookies import CookiesMiddleware
from crawler.middlewares.httpcompression import HttpCompressionMiddleware
from crawler.middlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware
from crawler.middlewares.retry import RetryMiddleware
from crawler.middlewares.robots import RobotsTxtMiddleware
from crawler.middlewares.settle import SettleDownloaderMiddleware
from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from scrapy import Request
    from scrapy.crawler import Crawler

    #: A step before a request is sent; what it gives may have to be awaited.
    Before: TypeAlias = Callable[[Request], Any]

    #: A step with an answer, which it gives, or another one in its place.
    After: TypeAlias = Callable[[Request, Response], Any]


class _Middleware(Protocol):
    def process_response(self, request: Request, response: Response) -> Any: ...


def before_steps(crawler: Crawler, middlewares: Iterable[Any]) -> list[Before]:
    """Of middlewares in Scrapy's order."""
    steps: list[Before] = []
    for middleware in middlewares:
        make = _BEFORE.get(type(middleware))
        if make is not None:
            step = make(middleware, crawler)
            if step is not None:
                steps.append(step)
        elif hasattr(middleware, "process_request"):
            steps.append(middleware.process_request)
    return steps


def after_steps(crawler: Crawler, middlewares: Iterable[Any]) -> list[After]:
    """Of middlewares in Scrapy's order, which is that of requests; answers pass them the other way round."""
    steps: list[After] = []
    for middleware in reversed(list(middlewares)):
        make = _AFTER.get(type(middleware))
        if make is not None:
            steps.append(make(middleware, crawler))
        elif hasattr(middleware, "process_response"):
            steps.append(middleware.process_response)
    return steps


def wants_spider(middlewares: Iterable[Any]) -> bool:
    """Whether any of them insists on being given the spider, as they were before Scrapy 2.14."""
    methods = [
        getattr(middleware, name)
        for middleware in middlewares
        for name in ("process_request", "process_response", "process_exception")
        if hasattr(middleware, name)
    ]
    return any(
        parameter.name == "spider" and parameter.default is parameter.empty
        for method in methods
        for parameter in inspect.signature(method).parameters.values()
    )


# --- before -----------------------------------------------------------------------------------------------------------


def _robots(middleware: RobotsTxtMiddleware, _crawler: Crawler) -> Before:
    """Waits only for rules that are not known yet."""

    def step(request: Request) -> Any:
        rules = None if request.meta.get("dont_obey_robotstxt") else middleware.known_rules(request)
        return middleware.process_request(request) if rules is None else middleware.process_request_2(rules, request)

    return step


def _auth(middleware: HttpAuthMiddleware, _crawler: Crawler) -> Before:
    """Nothing, where neither settings, spider nor request have a password."""

    def step(request: Request) -> Any:
        meta = request.meta
        if middleware._auth or "http_user" in meta or "http_pass" in meta:  # noqa: SLF001 - Scrapy tells nobody
            return middleware.process_request(request)
        return None

    return step


def _timeout(middleware: DownloadTimeoutMiddleware, _crawler: Crawler) -> Before:
    def step(request: Request) -> None:
        seconds = middleware._timeout  # noqa: SLF001 - the settings', or that of the spider, once it is open
        if seconds:
            request.meta.setdefault("download_timeout", seconds)

    return step


def _headers(given: Iterable[tuple[str, Any]]) -> Before:
    """Default headers; of Scrapy's `Headers`, which spell each name and value anew, the finished form is kept."""
    finished = [(name, list(values)) for name, values in Headers(dict(given)).items()]

    def step(request: Request) -> None:
        headers = request.headers
        for name, values in finished:
            if name not in headers.keys():  # noqa: SIM118 - `in headers` would spell the name anew
                dict.__setitem__(headers, name, list(values))

    return step


def _default_headers(middleware: DefaultHeadersMiddleware, _crawler: Crawler) -> Before:
    return _headers(middleware._headers)  # noqa: SLF001 - those of the settings, without those that are None


def _user_agent(middleware: UserAgentMiddleware, _crawler: Crawler) -> Before:
    steps: dict[str, Before] = {}  # a spider with a name of its own gives that when it is opened

    def step(request: Request) -> None:
        name = middleware.user_agent
        if name:
            if name not in steps:
                steps[name] = _headers([("User-Agent", name)])
            steps[name](request)

    return step


def _accepted(_middleware: HttpCompressionMiddleware, _crawler: Crawler) -> Before:
    return _headers([("Accept-Encoding", b", ".join(ACCEPTED_ENCODINGS))])


def _proxy(middleware: HttpProxyMiddleware, _crawler: Crawler) -> Before:
    """Nothing, where no proxy is named."""

    def step(request: Request) -> Any:
        meta = request.meta
        if middleware.proxies or "proxy" in meta or "_auth_proxy" in meta or b"Proxy-Authorization" in request.headers:
            return middleware.process_request(request)
        return None

    return step


def _count_request(_middleware: DownloaderStats, crawler: Crawler) -> Before:
    stats = crawler.stats

    def step(request: Request) -> None:
        stats.inc_value("downloader/request_count")
        stats.inc_value(f"downloader/request_method_count/{request.method}")
        stats.inc_value("downloader/request_bytes", request_bytes(request))

    return step


def request_bytes(request: Request) -> int:
    """The length of a request as Scrapy counts it (`scrapy.utils.request.request_httprepr`)."""
    origin = url_origin(request.url)
    path = request.url[origin.length :].partition("#")[0]
    if "?" in path or ";" in path:  # empty ones do not count
        parts = urlparse_cached(request)
        path = urlunparse(("", "", parts.path or "/", parts.params, parts.query, ""))
    size = len(request.method) + 1 + len(path or "/") + len(b" HTTP/1.1\r\nHost: \r\n") + len(origin.host)
    for name, values in dict.items(request.headers):
        for value in values:
            size += len(name) + len(value) + 4
    return size + 2 + len(request.body)


_BEFORE: Final[dict[type, Any]] = {
    RobotsTxtMiddleware: _robots,
    HttpAuthMiddleware: _auth,
    DownloadTimeoutMiddleware: _timeout,
    DefaultHeadersMiddleware: _default_headers,
    UserAgentMiddleware: _user_agent,
    HttpCompressionMiddleware: _accepted,
    HttpProxyMiddleware: _proxy,
    DownloaderStats: _count_request,
}


# --- after ------------------------------------------------------------------------------------------------------------


def _only_if(applies: Callable[[Response], bool]) -> Callable[[_Middleware, Crawler], After]:
    """The middleware's own method, for those answers that it applies to."""

    def make(middleware: _Middleware, _crawler: Crawler) -> After:
        process = middleware.process_response
        return lambda request, response: process(request, response) if applies(response) else response

    return make


def _sets_cookies(response: Response) -> bool:
    names = response.headers.keys()
    return b"Set-Cookie" in names or b"Set-Cookie2" in names


def _redirects(response: Response) -> bool:
    return 300 <= response.status < 400


def _is_packed(response: Response) -> bool:
    return b"Content-Encoding" in response.headers.keys()  # noqa: SIM118 - as above


def _is_no_plain_answer(response: Response) -> bool:
    return response.status != 200


def _count_response(_middleware: DownloaderStats, crawler: Crawler) -> After:
    stats = crawler.stats

    def step(_request: Request, response: Response) -> Response:
        stats.inc_value("downloader/response_count")
        stats.inc_value(f"downloader/response_status_count/{response.status}")
        stats.inc_value("downloader/response_bytes", response_bytes(response))
        return response

    return step


#: Scrapy looks the words of a status up in a module that warns of each use of some others.
_status_size = lru_cache(maxsize=1024)(get_status_size)


def response_bytes(response: Response) -> int:
    """The length of a response as Scrapy's `DownloaderStats` counts it."""
    headers = response.headers
    size = len(response.body) + _status_size(response.status) + 4 + 2 * (len(headers) - 1)
    for name, values in dict.items(headers):
        for value in values:
            size += len(name) + len(value) + 2
    return size


def _retried(middleware: RetryMiddleware, crawler: Crawler) -> After:
    """Status 200 is tried again only where a recipe says so."""
    if middleware.policies.may_retry(200):
        return middleware.process_response
    return _only_if(_is_no_plain_answer)(middleware, crawler)


def _as_it_is(middleware: _Middleware, _crawler: Crawler) -> After:
    return middleware.process_response


_AFTER: Final[dict[type, Any]] = {
    DownloaderStats: _count_response,
    CookiesMiddleware: _only_if(_sets_cookies),
    RedirectMiddleware: _only_if(_redirects),
    HttpCompressionMiddleware: _only_if(_is_packed),
    BlockedMiddleware: _as_it_is,
    MetaRefreshMiddleware: _as_it_is,
    RetryMiddleware: _retried,
    SettleDownloaderMiddleware: _as_it_is,
}

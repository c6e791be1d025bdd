"""What Scrapy's spider middlewares do with each request that a page gives: their own functions, without their loops."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.depth import DepthMiddleware
from scrapy.spidermiddlewares.metacopy import MetaCopyDetectionMiddleware
from scrapy.spidermiddlewares.referer import DefaultReferrerPolicy, RefererMiddleware
from scrapy.spidermiddlewares.start import StartSpiderMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from scrapy import Request
    from scrapy.http import Response

    Step: TypeAlias = Callable[[Request, Response], Request | None]

#: These do nothing with requests of pages; a recipe's requests are made anew, with nothing of another's `meta`.
_NOTHING: Final = (StartSpiderMiddleware, MetaCopyDetectionMiddleware)


def request_steps(middlewares: Iterable[Any]) -> list[Step]:
    """Of spider middlewares in Scrapy's order; what a page gives passes them the other way round."""
    steps: list[Step] = []
    for middleware in reversed(list(middlewares)):
        make = _STEPS.get(type(middleware))
        if make is not None:
            steps.append(make(middleware))
        elif isinstance(middleware, BaseSpiderMiddleware) and not isinstance(middleware, _NOTHING):
            steps.append(middleware.get_processed_request)
    return steps


def _depth(middleware: DepthMiddleware) -> Step:
    def step(request: Request, response: Response) -> Request | None:
        if "depth" not in response.meta:
            middleware._init_depth(response)  # noqa: SLF001 - what it does before the first request of a page
        return middleware.get_processed_request(request, response)

    return step


def _length(middleware: UrlLengthMiddleware) -> Step:
    def step(request: Request, response: Response) -> Request | None:
        if len(request.url) <= middleware.maxlength:
            return request
        return middleware.get_processed_request(request, response)

    return step


def _referer(middleware: RefererMiddleware) -> Step:
    """By Scrapy's default policy the header is the same for all links of a page that lead to its own scheme."""

    def step(request: Request, response: Response) -> Request | None:
        said, is_certain = said_to_own_scheme(middleware, response)
        scheme = response.url[: response.url.find(":") + 1]
        if not is_certain or "referrer_policy" in request.meta or not request.url.startswith(scheme):
            return middleware.get_processed_request(request, response)
        if said is not None:
            dict.setdefault(request.headers, b"Referer", list(said))
        return request

    return step


def said_to_own_scheme(middleware: RefererMiddleware, response: Response) -> tuple[list[bytes] | None, bool]:
    """What links of a page that lead to its own scheme say of it (None: nothing), and whether that is certain.

    It is not where the page or the settings have another policy than Scrapy's default.
    """
    if (
        middleware.default_policy is not DefaultReferrerPolicy or b"Referrer-Policy" in response.headers.keys()  # noqa: SIM118 - `in headers` would spell the name anew
    ):
        return None, False
    referrer = _default_referrer(response.url)
    return None if referrer is None else [referrer.encode()], True


@lru_cache(maxsize=64)
def _default_referrer(url: str) -> str | None:
    return DefaultReferrerPolicy().referrer(url, url)


_STEPS: Final[dict[type, Callable[[Any], Step]]] = {
    DepthMiddleware: _depth,
    UrlLengthMiddleware: _length,
    RefererMiddleware: _referer,
}

"""What Scrapy's spider middlewares do with each request that a page gives: their own functions, without their loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.depth import DepthMiddleware
from scrapy.spidermiddlewares.metacopy import MetaCopyDetectionMiddleware
from scrapy.spidermiddlewares.start import StartSpiderMiddleware

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
        if isinstance(middleware, DepthMiddleware):
            steps.append(_depth(middleware))
        elif isinstance(middleware, BaseSpiderMiddleware) and not isinstance(middleware, _NOTHING):
            steps.append(middleware.get_processed_request)
    return steps


def _depth(middleware: DepthMiddleware) -> Step:
    def step(request: Request, response: Response) -> Request | None:
        if "depth" not in response.meta:
            middleware._init_depth(response)  # noqa: SLF001 - what it does before the first request of a page
        return middleware.get_processed_request(request, response)

    return step

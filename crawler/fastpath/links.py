"""Links of a recipe's page to plain pages, packed for the frontier without a request of Scrapy's in between.

That is what most links are: a URL that needs no escapes, to be asked for with GET, by a page type that sends no headers
of its own, with nothing to carry along. What the engine, the spider middlewares and the packing of a request would do
with one comes to a few values, which are the same here. Any other link takes the long way; so do all where somebody
listens who would have to be shown each request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.spidermiddlewares.depth import DepthMiddleware
from scrapy.spidermiddlewares.referer import RefererMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware

from crawler.fastpath.requests import said_to_own_scheme
from crawler.frontier.codec import encode_plain
from crawler.frontier.contract import FrontierRequest
from crawler.frontier.identity import is_canonical
from crawler.middlewares.offsite import OffsiteMiddleware
from crawler.spiders.recipe import facts_of
from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.fastpath.announcer import Announcer
    from crawler.middlewares.open_pages import OpenPage
    from crawler.recipe.model import PageRequest
    from crawler.spiders.recipe import RecipeSpider, Wanted
    from crawler.spiders.requests import RequestCodec


class Links:
    """Those of one crawl."""

    def __init__(
        self,
        crawler: Crawler,
        spider: RecipeSpider,
        codec: RequestCodec,
        announcer: Announcer,
        middlewares: Iterable[Any],
    ) -> None:
        """`middlewares`: the spider's, in any order."""
        self._crawler, self._spider, self._codec, self._announcer = crawler, spider, codec, announcer
        found = {type(middleware): middleware for middleware in middlewares}
        self._depth: DepthMiddleware | None = found.get(DepthMiddleware)
        self._length: UrlLengthMiddleware | None = found.get(UrlLengthMiddleware)
        self._referer: RefererMiddleware | None = found.get(RefererMiddleware)
        self._plain_types = frozenset(
            name
            for name, page in spider.recipe.pages.items()
            if not page.fetch.headers and page.fetch.timeout_s is None
        )
        self._possible = codec.packs_plainly and _counts_only(self._depth)

    def begin(self, response: Response) -> PageLinks | None:
        """The links of a page; None if they all take the long way."""
        if not self._possible:
            return None
        receivers = self._announcer.receivers(signals.request_scheduled)
        offsite = getattr(receivers[0], "__self__", None) if len(receivers) == 1 else None
        if receivers and type(offsite) is not OffsiteMiddleware:
            return None
        said: list[bytes] | None = None
        if self._referer is not None:
            said, is_certain = said_to_own_scheme(self._referer, response)
            if not is_certain:
                return None
        depth = None if self._depth is None else response.meta.setdefault("depth", 0) + 1
        return PageLinks(self, response.url, offsite, said=said, depth=depth)

    def is_plain(self, wanted: PageRequest) -> bool:
        """Whether nothing of a request is out of the ordinary."""
        return (
            wanted.page in self._plain_types
            and wanted.method == "GET"
            and wanted.dedupe
            and not (wanted.headers or wanted.body or wanted.carried or wanted.lastmod or wanted.mirrors)
            and wanted.chain is None
            and wanted.waiting is None
            and wanted.sitemap is None
            and is_canonical(wanted.url)
            and (self._length is None or len(wanted.url) <= self._length.maxlength)
        )

    def is_onsite(self, offsite: OffsiteMiddleware | None, host: str) -> bool:
        """Whether the spider's sites are known to hold a host."""
        return offsite is None or offsite.knows(host, self._spider)

    def pack(self, page: OpenPage, wanted: Wanted, *, host: str, depth: int | None, said: list[bytes] | None) -> None:
        """Makes a link a child of its page."""
        meta: dict[str, Any] = {"recipe": facts_of(wanted)}
        if depth is not None:
            meta["depth"] = depth
        request = wanted.request
        body = encode_plain(
            url=request.url,
            headers=[(b"Referer", said)] if said is not None else [],
            meta=meta,
            callback="parse",
            errback="lost",
        )
        number = self._codec.plain_id(request.url, request.page or "")
        page.announced += 1
        page.children.append((FrontierRequest(id=number, host=host, body=body, on_progress=wanted.on_progress), None))

    def count_depth(self, depth: int) -> None:
        """The stats of a link's depth."""
        self._crawler.stats.max_value("request_depth_max", depth)


class PageLinks:
    """The links of one page."""

    __slots__ = ("_counted", "_depth", "_links", "_offsite", "_said", "_scheme")

    def __init__(
        self, links: Links, url: str, offsite: OffsiteMiddleware | None, *, said: list[bytes] | None, depth: int | None
    ) -> None:
        """`said`: the referer; `depth`: of the links. None: there is none."""
        self._links, self._offsite, self._said, self._depth = links, offsite, said, depth
        self._counted = False
        self._scheme = url[: url.find(":") + 1]

    def add(self, page: OpenPage, wanted: Wanted) -> bool:
        """Adds a link to its page; False if it takes the long way."""
        links, url = self._links, wanted.request.url
        if not (links.is_plain(wanted.request) and url.startswith(self._scheme)):
            return False
        host = url_origin(url).host
        if not links.is_onsite(self._offsite, host):
            return False
        if not self._counted and self._depth is not None:
            links.count_depth(self._depth)  # the same of all
            self._counted = True
        links.pack(page, wanted, host=host, depth=self._depth, said=self._said)
        return True


def _counts_only(middleware: DepthMiddleware | None) -> bool:
    """Whether depths limit nothing and set no priority."""
    return middleware is None or not (middleware.maxdepth or middleware.prio or middleware.verbose_stats)

"""Answers requests as the sample shop: which page lies at which path, and which faults it was told to have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, unquote

from crawler.sample_shop import feeds, pages
from crawler.sample_shop.assets import STYLE_SHEET, drawing
from crawler.sample_shop.catalogue import DEFAULT_PRODUCTS, DEFAULT_SEED, build_catalogue
from crawler.sample_shop.httpd import HttpResponse
from crawler.sample_shop.layout import Rendered
from crawler.sample_shop.product_page import product_page
from crawler.sample_shop.traps import trap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crawler.sample_shop.httpd import HttpRequest
    from crawler.sample_shop.model import Catalogue, Category

_CLUB_COOKIE: Final = "club"
_PAGES_KEPT: Final = 4000  # some 60 MB; the whole default shop is 500
_TEXTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "/about.html": ("About this shop", ("Nothing here is for sale.", "It is drawn from a seed, for crawlers.")),
    "/shipping.html": ("Shipping & returns", ("Nothing is shipped.", "Nothing can be returned.")),
    "/contact.html": ("Contact", ("shop@example.com",)),
    "/basket.html": ("Basket", ("Your basket is empty.",)),
    pages.PRIVATE_PATH: ("Prototype", ("Robots were asked not to come here.",)),
}
_API: Final[Mapping[str, Callable[[Catalogue, str, Mapping[str, str]], Rendered]]] = {
    "/api/products": feeds.api_products,
    "/api/feed": feeds.api_cursor,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ShopConfig:
    """What is sold, where it listens, and what goes wrong. Paths may carry a query; without one they match any.

    `heals` answer 500 the first `heal_after` times of a server's life; None = one product and one list page.
    `rate_limited` maps a path to (times, seconds): so often it answers 429 with that Retry-After.
    """

    seed: int = DEFAULT_SEED
    products: int = DEFAULT_PRODUCTS
    host: str = "127.0.0.1"
    port: int = 0  # 0 = any free one
    heal_after: int = 2
    heals: frozenset[str] | None = None
    always_500: frozenset[str] = frozenset()
    rate_limited: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    delay_ms: float = 0.0  # of every answer
    slow_ms: Mapping[str, float] = field(default_factory=dict)  # of one path, instead
    crawl_delay_s: float | None = None  # in robots.txt


class SampleShop:
    """The shop as a handler of requests. Keeps count of the faults that heal, and every page it has drawn."""

    def __init__(self, config: ShopConfig) -> None:
        self._config = config
        self.catalogue = build_catalogue(config.seed, config.products)
        self.heals = default_heals(self.catalogue) if config.heals is None else config.heals
        self._faults: dict[str, int] = {}
        self._products = {product.path: product for product in self.catalogue.products}
        self._draw = lru_cache(maxsize=_PAGES_KEPT)(self._render)
        self._fixed = _fixed_pages(self.catalogue, config)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answers one request. Never raises for anything a client can send."""
        delay_ms = self._of(self._config.slow_ms, request, self._config.delay_ms)
        answer = self._fault(request) or self._answer(request)
        if not delay_ms:
            return answer
        return HttpResponse(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            delay_s=delay_ms / 1000,
            cut=answer.cut,
        )

    def _of(self, table: Mapping[str, float], request: HttpRequest, default: float) -> float:
        return table.get(request.target, table.get(request.path, default))

    def _fault(self, request: HttpRequest) -> HttpResponse | None:
        for path in dict.fromkeys((request.target, request.path)):
            if path in self._config.always_500 or (path in self.heals and self._counts(path, self._config.heal_after)):
                return HttpResponse(status=500, body=b"<!DOCTYPE html><title>Error</title><h1>Internal error</h1>")
            times, after_s = self._config.rate_limited.get(path, (0, 0.0))
            if times and self._counts(path, times):
                headers = (("Retry-After", f"{after_s:g}"),)
                return HttpResponse(status=429, headers=headers, body=b"<!DOCTYPE html><title>Slow down</title>")
        return None

    def _counts(self, path: str, times: int) -> bool:
        """Counts one more fault of that path; False once there have been enough."""
        seen = self._faults.get(path, 0)
        self._faults[path] = seen + 1
        return seen < times

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/traps/"):
            return trap(request) or self._not_found(404)
        if request.method == "POST":
            return self._post(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers=(("Allow", "GET, HEAD, POST"),), body=b"no such method here")
        moved = self._moved(request)
        if moved is not None:
            return moved
        drawn = self._draw(request.path, request.query, self._site(request))
        if drawn is None:
            return self._not_found(404)
        return HttpResponse(body=drawn.body, content_type=drawn.content_type)

    def _site(self, request: HttpRequest) -> str:
        """The shop's address as the client knows it; only characters that a host and port have."""
        host = request.headers.get("host", "")
        plain = host.replace(".", "").replace(":", "").replace("-", "").replace("[", "").replace("]", "")
        return f"http://{host}" if plain.isascii() and plain.isalnum() and len(host) < 256 else "http://127.0.0.1"

    def _moved(self, request: HttpRequest) -> HttpResponse | None:
        """Redirects: the old software's product pages, an old category path, and the members' cookie wall."""
        if request.path == "/garden":
            return _redirect(301, "/c/garden/")
        if request.path == "/product.php":
            product = self.catalogue.product(request.parameters.get("id", ""))
            return self._not_found(404) if product is None else _redirect(301, product.path)
        if request.path.startswith("/club/") and request.cookies.get(_CLUB_COOKIE) != "member":
            return _redirect(302, request.target, ("Set-Cookie", f"{_CLUB_COOKIE}=member; Path=/; HttpOnly"))
        return None

    def _not_found(self, status: int) -> HttpResponse:
        drawn = self._draw(pages.SOFT_404_PATH, "", "")
        assert drawn is not None
        return HttpResponse(status=status, body=drawn.body, content_type=drawn.content_type)

    def _post(self, request: HttpRequest) -> HttpResponse:
        """`/api/search` takes a form or JSON with `category`, `page` and `size`, and answers as the API does."""
        if request.path != "/api/search":
            return HttpResponse(status=405, headers=(("Allow", "GET, HEAD"),), body=b"nothing takes a form here")
        parameters = _posted(request)
        if parameters is None:
            body = b'{"error": "send a form, or a JSON object of texts and numbers"}'
            return HttpResponse(status=400, body=body, content_type="application/json")
        drawn = feeds.api_products(self.catalogue, self._site(request), parameters)
        return HttpResponse(body=drawn.body, content_type=drawn.content_type)

    def _render(self, path: str, query: str, site: str) -> Rendered | None:
        """The page at a path; None if there is none. Equal arguments give equal pages, so that they can be kept."""
        product = self._products.get(quote(unquote(path)))
        if product is not None:
            return product_page(self.catalogue, product, site)
        product = self.catalogue.product(unquote(path.removeprefix("/api/products/")))
        if product is not None:
            return feeds.api_product(product, site)
        if path in self._fixed:
            return self._fixed[path](site)
        if path.startswith("/media/") and path.endswith(".svg"):
            return Rendered(body=drawing(path).encode(), content_type="image/svg+xml")
        parameters = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
        return self._queried_page(path, parameters, site)

    def _queried_page(self, path: str, parameters: Mapping[str, str], site: str) -> Rendered | None:
        if path in _API:
            return _API[path](self.catalogue, site, parameters)
        if path == "/search":
            return pages.search_page(self.catalogue, parameters.get("q", ""))
        for category in self.catalogue.categories:
            number = _page_number(category, path, parameters)
            if number is not None:
                return pages.list_page(self.catalogue, category, number, site)
        return None


def _fixed_pages(catalogue: Catalogue, config: ShopConfig) -> dict[str, Callable[[str], Rendered]]:
    """The pages that no query changes, by path; each is drawn for one address of the shop."""

    def plain(drawn: Rendered) -> Callable[[str], Rendered]:
        return lambda _site: drawn

    home = pages.home_page(catalogue)
    icon = Rendered(body=drawing("/icon/1.svg").encode(), content_type="image/svg+xml")
    return {
        "/": plain(home),
        "/index.html": plain(home),
        "/robots.txt": lambda site: feeds.robots_txt(site, config.crawl_delay_s),
        "/sitemap.xml": feeds.sitemap_index,
        "/sitemap-categories.xml": lambda site: feeds.sitemap_categories(catalogue, site),
        "/sitemap-products.xml.gz": lambda site: feeds.sitemap_products(catalogue, site),
        "/feed.xml": lambda site: feeds.product_feed(catalogue, site),
        "/stock.txt": lambda _site: feeds.stock_list(catalogue),
        "/assets/shop.css": plain(Rendered(body=STYLE_SHEET.encode(), content_type="text/css; charset=utf-8")),
        "/assets/icon.svg": plain(icon),
        pages.SOFT_404_PATH: plain(pages.not_found_page(catalogue)),
        **{path: plain(pages.text_page(catalogue, *words)) for path, words in _TEXTS.items()},
    }


def default_heals(catalogue: Catalogue) -> frozenset[str]:
    """The pages that are broken at first: the first product of the outdoor category and the last page of its list."""
    category = catalogue.category("outdoor")
    return frozenset({catalogue.of(category)[0].path, pages.page_path(category, pages.page_count(catalogue, category))})


def _page_number(category: Category, path: str, parameters: Mapping[str, str]) -> int | None:
    """Which page of the category's list lies at a path; None if it is none of them."""
    if path == category.path:
        page = parameters.get("page", "1") if category.paging == "query" else "1"
    else:
        pattern = pages.page_path(category, 0)  # no such page: only its form is wanted
        before, _, after = pattern.partition("0")
        if category.paging == "query" or not (path.startswith(before) and path.endswith(after)):
            return None
        page = path.removeprefix(before).removesuffix(after)
    return int(page) if page.isascii() and page.isdigit() and len(page) < 10 else None


def _posted(request: HttpRequest) -> dict[str, str] | None:
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            values = json.loads(request.body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict) or not all(isinstance(value, str | int) for value in values.values()):
            return None
        return {name: str(value) for name, value in values.items()}
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def _redirect(status: int, location: str, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(
        status=status, headers=(("Location", location), *headers), body=b"<!DOCTYPE html><title>Moved</title>"
    )

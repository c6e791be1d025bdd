"""A shop whose goods change between two visits, as validators and its sitemap say; it counts what it sends."""

from __future__ import annotations

import hashlib
from collections import Counter

from threaded_site import ThreadedSite

from crawler.sample_shop.httpd import HttpResponse

RECIPE = """schema_version: 1
name: shelves
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
limits: {delay: 1ms, autothrottle: false, concurrency_per_domain: 8}
start:
  - {urls: ["{{ inputs.site }}/list/1"], page: list}
pages:
  list: {follow: [{links: a.good, page: good, carry: {shelf: h2}}], paginate: {next: a.next}}
  good: {item: good, fields: {sku: h1, price: .price, shelf: "{{ carried.shelf }}"}}
items:
  good:
    version: 1
    key: [sku]
    fields: {sku: {type: string, required: true}, price: {type: decimal}, shelf: {type: string}}
incremental:
  skip_unchanged: [sitemap_lastmod, etag, last_modified]
  emit: changed
  gone_after: 1
exports:
  - {name: goods, item: good, format: csv, changes: column}
"""

#: Of an answer, without the headers that it has to say itself.
_HEAD_BYTES = 160

#: The same, by a sitemap.
BY_SITEMAP = (
    RECIPE.replace(
        """  - {urls: ["{{ inputs.site }}/list/1"], page: list}
""",
        """  - {sitemap: "{{ inputs.site }}/sitemap.xml", page: good}
""",
    )
    .replace(
        """  list: {follow: [{links: a.good, page: good, carry: {shelf: h2}}], paginate: {next: a.next}}
  good: {item: good, fields: {sku: h1, price: .price, shelf: "{{ carried.shelf }}"}}
""",
        """  good: {item: good, fields: {sku: h1, price: .price}}
""",
    )
    .replace(", shelf: {type: string}", "")
)


class ChangingSite(ThreadedSite):
    """The site, on a thread of its own.

    Attributes:
        url: without a slash at the end.
        goods: version of each good by its number; whoever changes it changes the site.
        validators: which it sends: "etag", "last_modified".
        lies: it answers 304 to whatever it is asked.
        shelf: what lists call themselves.
        unpriced: goods whose pages show no price.
        dead: goods that are listed, and whose pages are not there.
        asked: paths in the order in which they were asked for.
        answers: how often it has answered with which status.
        sent_bytes: that it has sent.
    """

    def __init__(self, *, goods: int, per_list: int = 10, page_bytes: int = 0, validators=("etag",)) -> None:
        self.goods: dict[int, int] = dict.fromkeys(range(1, goods + 1), 0)
        self.validators = frozenset(validators)
        self.lies = False
        self.shelf = "shelf"
        self.unpriced: set[int] = set()
        self.dead: set[int] = set()
        self.asked: list[str] = []
        self.answers: Counter[int] = Counter()
        self.sent_bytes = 0
        self._per_list = per_list
        self._filler = "<p>" + "x" * page_bytes + "</p>" if page_bytes else ""

    def forget(self) -> None:
        """What was asked for so far does not count."""
        self.asked.clear()
        self.answers.clear()
        self.sent_bytes = 0

    def _answer(self, request) -> HttpResponse:
        answer = self._page(request)
        self.asked.append(request.target)
        self.answers[answer.status] += 1
        self.sent_bytes += (
            len(answer.body) + _HEAD_BYTES + sum(len(f"{name}: {value}") for name, value in answer.headers)
        )
        return answer

    def _page(self, request) -> HttpResponse:
        if self.lies:
            return HttpResponse(status=304, content_type=None)
        if request.path == "/sitemap.xml":
            return HttpResponse(body=self._sitemap().encode(), content_type="application/xml")
        kind, _, number = request.path.strip("/").partition("/")
        page = {"list": self._list, "good": self._good}.get(kind)
        text = page(int(number)) if page is not None and number.isdigit() else None
        if text is None:
            return HttpResponse(status=404, body=b"no")
        body = f"<html><body>{text}{self._filler}</body></html>".encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        modified = f"Sun, {self._day(int(number)):02d} Nov 2020 00:00:00 GMT"
        headers = []
        if "etag" in self.validators:
            headers.append(("ETag", etag))
            if request.headers.get("if-none-match") == etag:
                return HttpResponse(status=304, headers=tuple(headers), content_type=None)
        if "last_modified" in self.validators and kind == "good":
            headers.append(("Last-Modified", modified))
            if request.headers.get("if-modified-since") == modified:
                return HttpResponse(status=304, headers=tuple(headers), content_type=None)
        return HttpResponse(body=body, headers=tuple(headers))

    def _day(self, number: int) -> int:
        return 1 + self.goods.get(number, 0)

    def _lastmod(self, number: int) -> str:
        """Long ago; of a good that is too young for that, in the future."""
        day = self._day(number)
        return f"2020-11-{day:02d}" if day <= 30 else "2090-01-01"

    def _list(self, number: int) -> str | None:
        """Goods stand on the list of their number, so that one that comes or goes changes one list."""
        last = (max(self.goods) - 1) // self._per_list + 1
        if not 1 <= number <= last:
            return None
        first = (number - 1) * self._per_list + 1
        links = "".join(
            f'<a class="good" href="/good/{good}">{good}</a>'
            for good in range(first, first + self._per_list)
            if good in self.goods
        )
        following = f'<a class="next" href="/list/{number + 1}">next</a>' if number < last else ""
        return f"<h2>{self.shelf} {number}</h2>{links}{following}"

    def _good(self, number: int) -> str | None:
        if number not in self.goods or number in self.dead:
            return None
        price = "" if number in self.unpriced else f'<b class="price">{number}.{self.goods[number]:02d}</b>'
        return f"<h1>sku-{number}</h1>{price}<i>{self.goods[number]}</i>"

    def _sitemap(self) -> str:
        entries = "".join(
            f"<url><loc>{self.url}/good/{good}</loc><lastmod>{self._lastmod(good)}</lastmod></url>"
            for good in self.goods
        )
        return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'

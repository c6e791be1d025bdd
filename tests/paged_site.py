"""A site of one list and its goods, which answers single pages as a test says, and counts what it is asked for."""

from __future__ import annotations

from collections import Counter

from threaded_site import ThreadedSite

from crawler.sample_shop.httpd import HttpResponse

RECIPE = """schema_version: 1
name: goods
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
fetch: {retry: {statuses: [503]}}
start:
  - {urls: ["{{ inputs.site }}/"], page: list}
pages:
  list: {follow: [{links: a, page: good}]}
  good: {item: good, fields: {name: h1}}
items:
  good: {version: 1, fields: {name: {type: string, required: true}}}
exports:
  - {name: goods, item: good, format: csv}
"""


class PagedSite(ThreadedSite):
    """The site, on a thread of its own.

    Attributes:
        url: without a slash at the end.
        recipe: text of one that reads it.
        answers: statuses by the number of a good; 200 without one.
        asked: how often each path was asked for.
    """

    def __init__(self, *, goods: int) -> None:
        self.recipe = RECIPE
        self.answers: dict[int, int] = {}
        self.asked: Counter[str] = Counter()
        self._goods = goods

    def _answer(self, request) -> HttpResponse:
        path = request.path
        self.asked[path] += 1
        if path == "/":
            links = "".join(f'<a href="/p/{number}">{number}</a>' for number in range(self._goods))
            return HttpResponse(body=links.encode(), content_type="text/html")
        number = int(path.removeprefix("/p/"))
        status = self.answers.get(number, 200)
        body = f"<h1>good {number}</h1>" if status == 200 else "no"
        return HttpResponse(status=status, body=body.encode(), content_type="text/html")

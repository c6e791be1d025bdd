"""Pages under /traps/ that a crawler must not drown in. Nothing outside links to them: only tests go there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.sample_shop.httpd import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.sample_shop.httpd import HttpRequest

#: What each trap is, by the path to start at.
TRAPS: Final[Mapping[str, str]] = {
    "/traps/calendar?page=1": "a list that always has a next page, always with the same content",
    "/traps/loop/page-1.html": "a list whose third page leads back to the first",
    "/traps/deep/": "links that lead one folder deeper for ever",
    "/traps/redirect-a": "two pages that redirect to each other",
    "/traps/redirect-self": "a page that redirects to itself, whatever cookie comes along",
    "/traps/api-gone?page=1": "a JSON list whose items are elsewhere from page 2 on",
    "/traps/api-empty": "a JSON list without items",
    "/traps/empty": "status 200 and not one byte",
    "/traps/javascript": "a list that only a browser can see",
    "/traps/cut": "a connection that breaks in the middle of the page",
    "/traps/nested": "elements nested deeper than any honest page",
    "/traps/wide": "more siblings than any honest page",
}

_PRODUCTS: Final = "".join(
    f'<article class="product-card"><h2><a href="/traps/item/{number}.html">Item {number}</a></h2></article>\n'
    for number in range(1, 6)
)


def trap(request: HttpRequest) -> HttpResponse | None:
    """The answer for a path under /traps/; None if there is no such trap."""
    name = request.path.removeprefix("/traps/")
    fixed = _FIXED.get(name)
    if fixed is not None:
        return fixed
    page = request.parameters.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 10 else 1
    if name == "calendar":
        return _html(f'<h1>Events</h1>\n{_PRODUCTS}<a class="next" href="?page={number + 1}">Next</a>')
    if name.startswith("loop/page-") and name.removesuffix(".html")[-1] in "123":
        place = int(name.removesuffix(".html")[-1])
        own = f'<article class="product-card"><h2><a href="/traps/item/l{place}.html">Item</a></h2></article>'
        return _html(f'{own}<a class="next" href="page-{place % 3 + 1}.html">Next</a>')
    if name.startswith("deep/"):
        return _html('<h1>Down</h1><a class="deeper" href="deeper/">deeper</a>')
    if name.startswith("item/"):
        return _html(f'<article class="product"><h1>Item</h1><span class="sku">{len(name)}</span></article>')
    if name == "api-gone":
        if number > 1:
            return _json('{"payload": {"results": [{"sku": "B-1"}]}, "has_next": false}')
        return _json('{"items": [{"sku": "A-1"}, {"sku": "A-2"}], "has_next": true}')
    return None


def _html(body: str) -> HttpResponse:
    head = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Trap</title></head>\n'
    return HttpResponse(body=f"{head}<body>{body}</body></html>".encode())


def _json(body: str) -> HttpResponse:
    return HttpResponse(body=body.encode(), content_type="application/json")


def _redirect(location: str) -> HttpResponse:
    return HttpResponse(status=302, headers=(("Location", location), ("Set-Cookie", "seen=1; Path=/traps/")))


_FIXED: Final[Mapping[str, HttpResponse]] = {
    "": _html(
        "<ul>"
        + "".join(f'<li><a href="{path.replace("&", "&amp;")}">{words}</a></li>' for path, words in TRAPS.items())
        + "</ul>"
    ),
    "redirect-a": _redirect("/traps/redirect-b"),
    "redirect-b": _redirect("/traps/redirect-a"),
    "redirect-self": _redirect("/traps/redirect-self"),
    "api-empty": _json('{"items": [], "has_next": false}'),
    "empty": HttpResponse(body=b""),
    "javascript": HttpResponse(
        body=b'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Shop</title>'
        b'<script defer src="/assets/app.3f9c1d.js"></script></head>\n'
        b'<body><noscript>Please enable JavaScript.</noscript><div id="root"></div></body></html>\n'
    ),
    "cut": HttpResponse(body=b"<!DOCTYPE html><title>Cut</title>" + b"<p>half of this is missing</p>" * 200, cut=True),
    "nested": _html("<div>" * 2000 + "x" + "</div>" * 2000),
    "wide": _html("<i></i>" * 30000),
}

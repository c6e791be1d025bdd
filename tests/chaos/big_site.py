"""A site of a few thousand pages, the same at every visit, and the process that serves it and keeps its log.

`BigSite` is what the site contains, so that rows can be compared with it. Lists have pages; products stand in one or
two lists, and every tenth in none: only the product before it leads there, so that a page that is lost hides another.
One list of a site that has so many shows its first hundreds of products on one page: more than goes into one call to
the store.

`python big_site.py --products 1919 --latency-ms 20` prints where it serves as one line of JSON, and serves until it is
killed. Its second address answers questions about the first: `/log`, `/progress`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from crawler.sample_shop.httpd import HttpRequest, HttpResponse, HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Products on one page of a list.
PAGE_SIZE = 25

#: Products for each list.
LIST_SIZE = 48

#: Up to this product they stand on the page of the first ones, too, if there are so many.
FIRST = 700


@dataclass(frozen=True, kw_only=True, slots=True)
class BigSite:
    """What the site contains; paths begin with a slash."""

    products: int

    @property
    def lists(self) -> int:
        return max(1, self.products // LIST_SIZE)

    def links(self) -> dict[str, list[str]]:
        """Where each page leads to: the whole site."""
        pages: dict[str, list[str]] = {"/": []}
        in_lists: dict[int, list[str]] = {number: [] for number in range(self.lists)}
        for number in range(1, self.products + 1):
            pages[product(number)] = [product(number + 1)] if self.hidden(number + 1) else []
            pages[product(number)].append(product(number * 3 % self.products // 10 * 10 + 1))
            if not self.hidden(number):
                home = number + number // 10
                for chosen in {home % self.lists, *({(home * 7 + 1) % self.lists} if number % 4 == 1 else ())}:
                    in_lists[chosen].append(product(number))
        for number, members in in_lists.items():
            pages[page_of_list(number, 0)] = []
            for first in range(0, len(members), PAGE_SIZE):
                path = page_of_list(number, first // PAGE_SIZE)
                pages[path] = members[first : first + PAGE_SIZE]
                if first + PAGE_SIZE < len(members):
                    pages[path].append(page_of_list(number, first // PAGE_SIZE + 1))
            pages["/"].append(page_of_list(number, 0))
        if self.products >= FIRST:
            pages["/"].append(FIRST_PRODUCTS)
            pages[FIRST_PRODUCTS] = [product(number) for number in range(1, FIRST + 1) if not self.hidden(number)]
        return pages

    def hidden(self, number: int) -> bool:
        return number % 10 == 0 and number <= self.products

    def rows(self, url: str) -> dict[str, dict[str, str]]:
        """Every row that a crawl must give, by path."""
        return {product(number): row(url, number) for number in range(1, self.products + 1)}


#: Path of the page that shows many.
FIRST_PRODUCTS = "/list/first"


def product(number: int) -> str:
    return f"/product/{number}"


def page_of_list(number: int, page: int) -> str:
    return f"/list/{number}?page={page + 1}" if page else f"/list/{number}"


def row(url: str, number: int) -> dict[str, str]:
    return {
        "url": f"{url}{product(number)}",
        "name": f"Product {number}",
        "price": f"{number * 7919 % 100_000 / 100:.2f}",
    }


def html_of(path: str, links: Sequence[str]) -> bytes:
    """A page of the site."""
    parts = ["<!DOCTYPE html><html><body>"]
    if path.startswith("/product/"):
        facts = row("", int(path.removeprefix("/product/")))
        parts.append(f'<h1>{facts["name"]}</h1><b class="price">{facts["price"]}</b>')
    this_list = path.partition("?")[0]
    for link in links:
        kind = "product" if link.startswith("/product/") else "next" if link.startswith(f"{this_list}?") else "list"
        parts.append(f'<a class="{kind}" href="{link}">x</a>')
    return "".join([*parts, "</body></html>"]).encode()


def _redirect(to: str) -> HttpResponse:
    return HttpResponse(status=302, headers=(("Location", to),))


#: How a site keeps crawlers out: what it answers in place of a page, by the path that was asked for.
WALLS: Mapping[str, Callable[[str], HttpResponse]] = {
    "challenge": lambda _: HttpResponse(status=403, headers=(("cf-mitigated", "challenge"),), body=b"<h1>No</h1>"),
    "challenge page": lambda _: HttpResponse(
        body=b"<title>Just a moment...</title><h1>Just a moment</h1><script>window._cf_chl_opt = {}</script>"
    ),
    "login": lambda _: _redirect(_LOGIN),
    "empty page": lambda _: HttpResponse(body=b" "),
    "circle": _redirect,
    "reset": lambda _: HttpResponse(body=b"<h1>" * 4096, cut=True),
    "tarpit": lambda _: HttpResponse(body=b"late", delay_s=600),
}

_LOGIN = "/login"

#: A redirect to the page itself is no wall as long as it ends: so often in a row is one.
_TIMES = {"circle": 8}


# --- the process ---


class Served:
    """Answers for the site and about it.

    `answers` says for some paths how the first requests are answered, each once and in order: `status` (without it the
    page itself), `retry_after` and `delay` in seconds. "*" is whatever page is asked for after `after` requests. Walls
    are put up later, each for the next page that is asked for.
    """

    def __init__(
        self, site: BigSite, *, latency_s: float, answers: Mapping[str, Sequence[Mapping[str, float]]]
    ) -> None:
        self._bodies = {path: html_of(path, links) for path, links in site.links().items()}
        self._latency_s = latency_s
        self._answers = {path: list(planned) for path, planned in answers.items()}
        self._delays: list[float] = []  # of each request in the log
        self._walls: list[str] = []  # kinds
        self._behind: dict[str, list[str]] = {}  # kinds, by path
        self.server = HttpServer(self.page)

    def page(self, request: HttpRequest) -> HttpResponse:
        answer = self._answer(request)
        self._delays.append(answer.delay_s)
        return answer

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/robots.txt":
            return HttpResponse(body=b"User-agent: *\nDisallow: /forbidden\n", content_type="text/plain")
        if request.path == _LOGIN:
            return HttpResponse(body=b'<h1>Hello again</h1><form><input name="who"><input type="password"></form>')
        if self._walls and request.target not in self._behind:
            kind = self._walls.pop(0)
            self._behind[request.target] = [kind] * _TIMES.get(kind, 1)
        if self._behind.get(request.target):
            return WALLS[self._behind[request.target].pop()](request.target)
        plan = self._plan(request.target)
        delay_s = plan.get("delay", self._latency_s)
        body = self._bodies.get(request.target)
        if "status" in plan:
            headers = (("Retry-After", f"{plan['retry_after']:g}"),) if "retry_after" in plan else ()
            return HttpResponse(status=int(plan["status"]), headers=headers, body=b"<h1>No</h1>", delay_s=delay_s)
        if body is None:
            return HttpResponse(status=404, body=b"<h1>Not found</h1>", delay_s=delay_s)
        return HttpResponse(body=body, delay_s=delay_s)

    def _plan(self, path: str) -> Mapping[str, float]:
        anywhere = self._answers.get("*", [])
        if anywhere and len(self.server.log) >= anywhere[0]["after"]:
            return anywhere.pop(0)
        here = self._answers.get(path, [])
        return here.pop(0) if here else {}

    def about(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/wall":
            self._walls.append(request.parameters["kind"])
            return HttpResponse(body=b"{}", content_type="application/json")
        log = self.server.log
        answer: object = len({entry.path for entry in log if entry.status == 200} - {"/robots.txt"})
        if request.path == "/log":
            answer = [
                (entry.at_s, entry.path, entry.status, entry.concurrent, entry.headers.get("user-agent", ""), delay_s)
                for entry, delay_s in zip(log, self._delays, strict=True)
            ]
        return HttpResponse(body=json.dumps(answer).encode(), content_type="application/json")


async def serve(served: Served) -> None:
    async with served.server as site, HttpServer(served.about) as control:
        sys.stdout.write(json.dumps({"site": site.url, "control": control.url}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


# --- its other end ---


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request as the site saw it; `at_s` by the clock that all processes of a machine share."""

    at_s: float
    path: str
    status: int
    concurrent: int
    user_agent: str
    delay_s: float  # so long after it the answer began to leave


class SiteProcess:
    """The site in a process of its own: `with SiteProcess(BigSite(products=400)) as site: site.url`."""

    def __init__(
        self,
        site: BigSite,
        *,
        latency_s: float = 0.0,
        answers: Mapping[str, Sequence[Mapping[str, float]]] | None = None,
    ) -> None:
        self.site = site
        self.url = ""
        self._control = ""
        self._arguments = ["--products", str(site.products), "--latency-ms", f"{latency_s * 1000:g}"]
        self._arguments += ["--answers", json.dumps(answers or {})]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        from valkey_server import mortal  # the process itself starts in this folder and finds neither
        from workers import unmeasured

        command = mortal(sys.executable, str(Path(__file__)), *self._arguments)
        self._process = subprocess.Popen(command, env=unmeasured(), stdout=subprocess.PIPE, text=True)
        addresses = json.loads(self._process.stdout.readline())
        self.url, self._control = addresses["site"], addresses["control"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def log(self) -> list[Visit]:
        """Every request so far, robots.txt too."""
        names = ("at_s", "path", "status", "concurrent", "user_agent", "delay_s")
        return [Visit(**dict(zip(names, values, strict=True))) for values in self._ask("/log")]

    def progress(self) -> int:
        """Different pages that have been given."""
        return self._ask("/progress")

    def wall(self, kind: str) -> None:
        """The next page that is asked for is answered so (`WALLS`); never one that was before."""
        self._ask(f"/wall?{urllib.parse.urlencode({'kind': kind})}")

    def fetches(self) -> Counter[str]:
        """How often each page was given."""
        return Counter(visit.path for visit in self.log() if visit.status == 200 and visit.path != "/robots.txt")

    def _ask(self, path: str):
        with urllib.request.urlopen(f"{self._control}{path}", timeout=20) as answer:
            return json.load(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description="A site of a few thousand pages, for tests")
    parser.add_argument("--products", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--answers", type=json.loads, default={})
    options = parser.parse_args()
    site = BigSite(products=options.products)
    asyncio.run(serve(Served(site, latency_s=options.latency_ms / 1000, answers=options.answers)))


if __name__ == "__main__":
    main()

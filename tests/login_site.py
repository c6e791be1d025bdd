"""A site that shows its goods only to those who are logged in, and forgets them after a number of pages."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from crawler.sample_shop.httpd import HttpResponse

if TYPE_CHECKING:
    from crawler.sample_shop.httpd import HttpRequest

USER, PASSWORD = "reader", "correct horse & staple"

RECIPE = """
schema_version: 1
name: members
version: "1.0.0"
inputs:
  site: {type: string, format: uri}
  user: {type: string, default: reader}
  password: {type: string, secret: shop_password}
fetch: {retry: {backoff: 20ms..50ms}}
session:
  login:
    url: "{{ inputs.site }}/login"
    formdata: {who: "{{ inputs.user }}", word: "{{ inputs.password }}"}
    error: .error
  valid_if: a.logout
start:
  - {urls: "{{ inputs.site }}/", page: list}
pages:
  list: {follow: [{links: a.good, page: good}]}
  good: {item: good, fields: {name: h1}}
items:
  good: {version: 1, key: [name], fields: {name: {type: string, required: true}}}
"""


@dataclass
class LoginSite:
    """The site.

    Attributes:
        goods: how many there are.
        lasts: pages that a login is good for; None = it does not end.
        logins: that have worked, so that the last of them counts.
        refused: logins that have not.
        ended: logins that have been used up, and that somebody has asked for a page with since.
        strangers: pages that were asked for by nobody who is logged in.
        odd: goods whose pages have no logout.
        walls: strangers are sent to the login.
        password: that is taken.
    """

    goods: int = 20
    lasts: int | None = None
    logins: int = 0
    refused: int = 0
    ended: set[int] = field(default_factory=set)
    strangers: int = 0
    odd: frozenset[int] = frozenset()
    walls: bool = False
    password: str = PASSWORD
    asked: Counter[str] = field(default_factory=Counter)
    _left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: HttpRequest) -> HttpResponse:
        with self._lock:
            self.asked[request.path] += 1
            if request.path == "/robots.txt":
                return _text("User-agent: *\nDisallow: /login\n")
            if request.path == "/login":
                return self._login(request)
            return self._page(request)

    def _login(self, request: HttpRequest) -> HttpResponse:
        cookies = _cookies(request)
        if request.method != "POST":
            return _html(
                '<form id="search"><input name="q"></form><form id="login" action="/login" method="post">'
                '<input type="hidden" name="csrf" value="c-1"><input name="who"><input type="password" name="word">'
                '<button name="go" value="1">Log in</button></form>',
                ("Set-Cookie", "visit=v1; Path=/; HttpOnly"),
            )
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        wanted = {"csrf": "c-1", "go": "1", "who": USER, "word": self.password}
        if form != wanted or cookies.get("visit") != "v1":
            self.refused += 1
            return _html('<p class="error">Wrong name or password</p>')
        self.logins += 1
        self._left = self.lasts if self.lasts is not None else 10**9
        answer = _html("Welcome", ("Set-Cookie", f"sid={self.logins}; Path=/; HttpOnly"))
        return HttpResponse(status=303, headers=(*answer.headers, ("Location", "/account")), body=b"")

    def _page(self, request: HttpRequest) -> HttpResponse:
        sid = _cookies(request).get("sid", "")
        known = sid == str(self.logins) and self._left > 0
        if sid == str(self.logins) and self._left <= 0:
            self.ended.add(self.logins)
        if not known:
            self.strangers += 1
            if self.walls:
                return HttpResponse(status=302, headers=(("Location", f"/login?next={request.path}"),), body=b"")
            return _html('<h1>Please log in</h1><a href="/login">log in</a>')
        self._left -= 1
        logout = '<a class="logout" href="/logout">log out</a>'
        if request.path == "/":
            links = "".join(f'<a class="good" href="/g/{number}">x</a>' for number in range(self.goods))
            return _html(links + logout)
        if request.path.startswith("/g/"):
            number = int(request.path.rpartition("/")[2])
            return _html(f"<h1>Good {number}</h1>" + ("" if number in self.odd else logout))
        return _html("<h1>Account</h1>" + logout)


def _cookies(request: HttpRequest) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs if name}


def _html(text: str, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(body=f"<!DOCTYPE html><html><body>{text}</body></html>".encode(), headers=headers)


def _text(text: str) -> HttpResponse:
    return HttpResponse(body=text.encode(), content_type="text/plain")

"""Scrapy requests as frontier requests, and back.

A request of a page type, in a chain, says so in `meta["recipe"]` (see `RecipeFacts`); every other request has neither.
A request that cannot travel (a lambda as its callback, an open file in its meta) can still be crawled by the process
that made it: it stays there as an object, and the frontier holds its number. Where several processes share a frontier
it is refused: any of them may be given it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scrapy import Request
from scrapy.http import FormRequest, JsonRequest, XmlRpcRequest

from crawler.dupefilter import Filtering, filtering_of
from crawler.frontier.codec import NotEncodable, Undecodable, WireRequest, decode, encode
from crawler.frontier.contract import FrontierRequest
from crawler.frontier.identity import child_id, foreign_id, plain_request_id, request_id
from crawler.lean_requests import LeanRequest
from crawler.urlorigin import url_origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Spider
    from scrapy.crawler import Crawler

#: The only classes that a request may be made of again.
_KINDS: Final[dict[str, type[Request]]] = {
    kind.__name__: kind for kind in (Request, FormRequest, JsonRequest, XmlRpcRequest)
}
_NAMES: Final = {**{kind: name for name, kind in _KINDS.items()}, LeanRequest: "Request"}

_LOCAL = b"local:"

_AS_USUAL: Final = Filtering()


class CannotTravel(ValueError):
    """A request that another process could not read; the message says which, why and what to do.

    Attributes:
        problem: the message without the URL, the same for all requests of this kind.
    """

    def __init__(self, url: str, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{url} cannot travel to other workers: {problem}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeFacts:
    """What `meta["recipe"]` says about a request."""

    page_type: str = ""
    chain: str | None = None
    on_progress: bool = False
    dedupe: bool = True

    @classmethod
    def of(cls, request: Request) -> RecipeFacts:
        """The facts of a request; those of a hand-written spider have none."""
        facts = request.meta.get("recipe")
        if not isinstance(facts, dict):
            return _NO_FACTS
        return cls(
            page_type=facts.get("page") or "",
            chain=chain_of(request),
            on_progress=bool(facts.get("on_progress")),
            dedupe=bool(facts.get("dedupe", True)),
        )


_NO_FACTS = RecipeFacts()


def chain_of(request: Request) -> str | None:
    """The list that a request's page is part of, as its facts say."""
    facts = request.meta.get("recipe")
    chain = facts.get("chain") if isinstance(facts, dict) else None
    return chain["id"] if isinstance(chain, dict) else None


def take_the_place(request: Request) -> None:
    """Makes a request one that stands for a page: that was accepted already, whatever its list has shown since."""
    facts = request.meta.get("recipe")
    if isinstance(facts, dict):
        request.meta["recipe"] = {**facts, "on_progress": False}


class RequestCodec:
    """Turns the requests of one spider into frontier requests and back."""

    def __init__(self, *, spider: Spider, secret: bytes, filtering: Filtering = _AS_USUAL) -> None:
        """The codec of one spider.

        Args:
            spider: whose methods are the callbacks.
            secret: of the job, 1 to 64 bytes; ids are keyed with it.
            filtering: which requests are the same page.
        """
        self.secret = secret
        self.shared = False  # others read what is written here, so that no request can stay; the scheduler says so
        self._spider = spider
        self._filtering = filtering
        self._local: dict[int, Request] = {}
        self._numbers = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler, *, secret: bytes) -> RequestCodec:
        """The codec of a crawl, with the idea of identity that its settings name.

        Raises:
            ConfigError: DUPEFILTER_CLASS names nothing that could be a filter.
        """
        spider = crawler.spider
        if spider is None:
            raise AssertionError("a codec belongs to a spider that runs")
        return cls(spider=spider, secret=secret, filtering=filtering_of(crawler))

    @property
    def packs_plainly(self) -> bool:
        """Whether requests are filtered by page type and URL, as it is unless a project says otherwise."""
        return self._filtering.fingerprint is None and self._filtering.active

    def plain_id(self, url: str, page_type: str) -> int:
        """The id of a GET of a URL that is canonical, for a codec that packs plainly."""
        return plain_request_id(self.secret, url=url, page_type=page_type)

    def identity(self, request: Request) -> int:
        """The id by which a request is known as seen."""
        if self._filtering.fingerprint is not None:
            return foreign_id(self.secret, self._filtering.fingerprint(request))
        page_type = RecipeFacts.of(request).page_type
        return request_id(self.secret, url=request.url, method=request.method, body=request.body, page_type=page_type)

    def pack(
        self, request: Request, *, parent: int, occurrences: Callable[[int], int], keep: bool = False
    ) -> FrontierRequest:
        """A request as the frontier takes it.

        Args:
            request: a copy of it travels; it waits in the queue of its download slot.
            parent: id of the page that found it.
            occurrences: numbers the requests of that page for the same page, by its id; asked only about requests
                that are not filtered.
            keep: keep the very object, for those who hold a reference to it (`scrapy shell`), unless others share it.

        Raises:
            CannotTravel: others share the frontier, and could not read this request.
        """
        facts = RecipeFacts.of(request)
        page = self.identity(request)
        filtered = self._filtering.active and facts.dedupe and not request.dont_filter
        body = self._keep(request) if keep and not self.shared else self._encoded(request)
        return FrontierRequest(
            id=page if filtered else child_id(self.secret, parent=parent, page=page, occurrence=occurrences(page)),
            host=request.meta.get("download_slot") or url_origin(request.url).host,
            body=body,
            priority=request.priority,
            chain=facts.chain,
            on_progress=facts.on_progress,
        )

    def unpack(self, packed: FrontierRequest) -> Request:
        """The request, to be handed to the engine.

        Raises:
            Undecodable: its bytes are none of ours.
        """
        if packed.body.startswith(_LOCAL):
            number = int(packed.body[len(_LOCAL) :])
            if number not in self._local:
                raise Undecodable(f"request {number} belongs to another process")
            return self._local[number]
        wire = decode(packed.body)
        if wire.kind not in _KINDS:
            raise Undecodable(f"unknown kind of request: {wire.kind!r}")
        # A plain one was escaped and spelt before it was packed.
        make: Callable[..., Request] = LeanRequest.of if wire.kind == "Request" else _KINDS[wire.kind]
        if "://" not in wire.url and not wire.url.startswith(("about:", "data:")):
            raise Undecodable(f"{wire.url}: no URL")
        try:
            return make(
                wire.url,
                method=wire.method,
                headers=wire.headers,
                body=wire.body,
                cookies=wire.cookies,
                meta=wire.meta,
                cb_kwargs=wire.cb_kwargs,
                callback=self._method(wire.callback),
                errback=self._method(wire.errback),
                encoding=wire.encoding,
                priority=wire.priority,
                dont_filter=wire.dont_filter,
                flags=wire.flags,
            )
        except (AttributeError, ValueError, TypeError) as error:
            raise Undecodable(f"{wire.url}: {error}") from error

    def forget(self, packed: FrontierRequest) -> None:
        """Drops the object of a request that is settled or was never accepted."""
        if packed.body.startswith(_LOCAL):
            self._local.pop(int(packed.body[len(_LOCAL) :]), None)

    # --- inside ---

    def _encoded(self, request: Request) -> bytes:
        kind = _NAMES.get(type(request))
        if kind is None:
            return self._stay(request, f"its class is {type(request).__name__}; make it one of {', '.join(_KINDS)}")
        callback, errback = self._name(request.callback), self._name(request.errback)
        if callback is _NO_NAME or errback is _NO_NAME:
            field, function = ("callback", request.callback) if callback is _NO_NAME else ("errback", request.errback)
            name = getattr(function, "__qualname__", type(function).__name__)
            return self._stay(request, f"its {field} {name} is no method of spider {self._spider.name!r}; make it one")
        wire = WireRequest(
            kind=kind,
            url=request.url,
            method=request.method,
            headers=list(request.headers.items()),
            body=request.body,
            cookies=request.cookies or None,
            meta=request.meta,
            cb_kwargs=request.cb_kwargs,
            callback=callback or None,
            errback=errback or None,
            encoding=request.encoding,
            priority=request.priority,
            dont_filter=request.dont_filter,
            flags=request.flags,
        )
        try:
            return encode(wire)
        except NotEncodable as error:
            problem = str(error).removeprefix(f"{request.url}: ")
            return self._stay(request, f"{problem}; let it carry plain values, and few of them")

    def _stay(self, request: Request, problem: str) -> bytes:
        if self.shared:
            raise CannotTravel(request.url, problem)
        return self._keep(request)

    def _keep(self, request: Request) -> bytes:
        self._numbers += 1
        self._local[self._numbers] = request
        return _LOCAL + str(self._numbers).encode()

    def _name(self, callback: Any) -> str:
        """The name of a method of our spider; "" for no callback."""
        if callback is None:
            return ""
        name = getattr(callback, "__name__", None)
        if getattr(callback, "__self__", None) is self._spider and getattr(self._spider, str(name), None) == callback:
            return str(name)
        return _NO_NAME

    def _method(self, name: str | None) -> Callable[..., Any] | None:
        if name is None:
            return None
        method: object = getattr(self._spider, name)
        if not callable(method):
            raise TypeError(f"{name} is no method of spider {self._spider.name!r}")
        return method


#: Stands for a callback that is no method of the spider.
_NO_NAME: Final = "\0"

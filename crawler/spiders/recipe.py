"""A recipe as a Scrapy spider: pages in, rows and requests out. What a page means is `crawler.recipe`'s business.

The loader makes a subclass for each recipe. A request carries what its page needs to know in `meta["recipe"]`, as plain
values: the page type, what was carried along, its place in a list. The scheduler reads the page type, the chain and
whether the request depends on progress.
"""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import asdict, replace
from scrapy import Request, Spider
from scrapy.spidermiddlewares.httperror import HttpError

from crawler.downloader.pace import LIMITED
from crawler.errors import PageBlocked, PageError, PageMismatch, SessionExpired
from crawler.exports.coverage import Coverage
from crawler.extensions.blocks import blocks_of
from crawler.extensions.sessions import sessions_of
from crawler.middlewares.open_pages import Blocked, PageTurn, outcome_of
from crawler.recipe.blocked_pages import blocked_sign
from crawler.recipe.extract import after_loss, extract_page, start_requests
from crawler.recipe.follow_ups import follow_up_hosts
from crawler.recipe.model import Chain, OpenField, PageInput, PageRequest, PageResult, Waiting
from crawler.recipe.sessions import IS_VALID, session_hosts
from crawler.recipe.sitemap_pages import IN_PART, is_robots
from crawler.recipe.sitemap_place import SitemapPlace
from crawler.recipe.values import is_missing
from crawler.scheduler import open_page
from crawler.signals import page_settled, row_rejected
from crawler.spiders.limits import Deployment, gentler
from crawler.spiders.report import RecipeReport, alternative_name
from crawler.spiders.rows import RecipeRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings
    from twisted.python.failure import Failure

    from crawler.extensions.incremental import Incremental
    from crawler.jobs.model import Job
    from crawler.middlewares.open_pages import OpenPage
    from crawler.recipe.model import Recipe, Retry

#: Arguments that come from launchers, not from a person.
_LAUNCHER_ARGUMENTS = frozenset({"_job", "name", "job"})

#: Scrapy looks for `return VALUE` in callbacks that are generators, and forgets at once what it found in a method: it
#: would read and parse our source for every page, 6 % of its CPU time, to warn of what our own tests exclude.
_OURS: Final = {"WARN_ON_GENERATOR_RETURN_VALUE": False}

#: The answer to the question whether a page has changed.
NOT_MODIFIED: Final = 304

#: Facts of a request that say nothing of the page request it was made of, but for its page type.
_PLAIN_FACTS: Final = frozenset({"page", "depth", "on_progress"})

#: Bytes of the name of a header that is remembered.
_SHORT_NAME: Final = 100

#: Outcomes after which a list page has done its duty.
_LIST_READ = frozenset({"ok", "redirected", "not_modified", "cancelled"})

#: Rows wait for follow-up requests, in the queue of the job: they come before pages that would add to them.
_BEFORE_PAGES: Final = 1

#: Outcomes of a linked page that hides no list: there is none, or it was never ours to read.
_LINKED = frozenset({"robots", "http_404"})


class Wanted(NamedTuple):
    """A page that a page leads to.

    Attributes:
        request: as the recipe makes it.
        depth: links from the start to it.
        on_progress: it counts only if its list shows something new.
    """

    request: PageRequest
    depth: int
    on_progress: bool = False


class RecipeSpider(Spider):
    """The spider of one recipe; `recipe` is set on the subclass that the loader makes."""

    recipe: ClassVar[Recipe]
    stored_job: ClassVar[Job | None] = None  # whose inputs hold, for a job that is read from the store

    def __init__(self, *, inputs: Mapping[str, Any]) -> None:
        """`inputs` as `recipe.inputs` resolved them."""
        super().__init__()
        self.inputs = dict(inputs)
        self.job = ""  # of `-a job=ID`
        self.began = False  # with its own start
        self.incremental: Incremental | None = None  # what it takes over from earlier runs; the extension says so
        self.report = RecipeReport(coverage=Coverage(self.recipe))
        self.unique_fields = {
            item: tuple(name for name, field in contract.fields.items() if field.unique)
            for item, contract in self.recipe.items.items()
        }
        self._start = start_requests(self.recipe, self.inputs)
        self.session_hosts = session_hosts(self.recipe, self.inputs, self._start)
        self.start_urls = [wanted.url for wanted in self._start]
        self.allowed_domains = _allowed_domains(self.recipe, self.inputs, self._start)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """The spider with the inputs of `-a name=value`; applies the recipe's limits to the crawl's settings.

        Raises:
            InputError: the inputs do not fit, with every problem.
        """
        _ = args
        spider = cls(inputs=cls.inputs_of(kwargs))
        spider.job = str(kwargs.get("job") or "")
        spider._set_crawler(crawler)
        settings, ignored = gentler(cls.recipe.limits, _deployment(crawler.settings), spider.inputs)
        if not crawler.settings.frozen:
            # The door tells the pace of the deployment, which all jobs keep together, from that of this one.
            before = {name: crawler.settings[name] for name in LIMITED}
            crawler.settings.setdict({"DEPLOYMENT_PACE": before, **_OURS, **settings}, priority="spider")
        for sentence in ignored:
            spider.logger.warning(sentence)
        crawler.signals.connect(spider.page_settled, signal=page_settled)
        return spider

    @classmethod
    def inputs_of(cls, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Typed inputs from the texts of a command line.

        Raises:
            InputError: with every problem.
        """
        if cls.stored_job is not None:
            return cls.recipe.inputs.resolve(cls.stored_job.inputs)
        texts = {name: text for name, text in arguments.items() if name not in _LAUNCHER_ARGUMENTS}
        return cls.recipe.inputs.from_text(texts)

    # --- requests ---

    async def start(self) -> AsyncIterator[Request]:
        """The requests of `start`."""
        self.began = True
        for page_request in self._start:
            yield self.request_of(Wanted(page_request, 0))

    def request_of(self, found: Wanted) -> Request:
        """A request of Scrapy's for a page that is wanted."""
        wanted = found.request
        page = self.recipe.pages.get(wanted.page or "")
        fetch = self.recipe.fetch if page is None else page.fetch
        scopes = {"inputs": self.inputs, "carried": wanted.carried, "item": {}, "row": {}, "": {}}
        headers = dict(wanted.headers)
        for name, template in fetch.headers.items():
            value = template.render(scopes)
            if not is_missing(value):
                headers.setdefault(name, str(value))
        facts = facts_of(found)
        meta: dict[str, Any] = {"recipe": facts}
        if wanted.sitemap is not None and is_robots(wanted.url):  # which robots.txt cannot forbid (RFC 9309, 2.2.2)
            meta["dont_obey_robotstxt"] = True
        if fetch.timeout_s is not None:
            meta["download_timeout"] = fetch.timeout_s
        return Request(
            wanted.url,
            callback=self.parse,
            errback=self.lost,
            method=wanted.method,
            headers=headers,
            body=wanted.body,
            meta=meta,
            priority=_BEFORE_PAGES if wanted.waiting is not None else 0,
        )

    def retry_policy(self, request: Request) -> Retry | None:
        """The page's own `fetch.retry`, for the retry middleware."""
        facts = request.meta.get("recipe")
        if not isinstance(facts, dict):
            return None
        page = self.recipe.pages.get(facts.get("page") or "")
        policy = self.recipe.fetch.retry if page is None else page.fetch.retry
        return replace(policy, times=0) if facts.get("mirrors") else policy  # the next mirror is the next try

    def rows_expected(self, request: Request) -> bool:
        """Whether a page is to hold rows or links, for those who look for answers that keep crawlers out."""
        facts = request.meta.get("recipe")
        return isinstance(facts, dict) and "sitemap" not in facts

    def blocked_sign(self, request: Request, response: Response) -> str:
        """What the recipe says of an answer that will be no page: the sign that it keeps crawlers out, "" for none."""
        if not isinstance(request.meta.get("recipe"), dict):
            return ""
        return blocked_sign(self.recipe, _page_input(response, self._page_request(request), self.inputs, request.meta))

    # --- pages ---

    def parse(self, response: Response, page: str | None = None) -> Iterator[RecipeRow | Request]:
        """Everything that a page gives, for Scrapy.

        `page` names the page type of a response that no request of ours asked for: `scrapy parse --spider=books
        --cbkwargs='{"page": "book"}' URL`.
        """
        return self._requested(self.read(response, page))

    def _requested(self, outputs: Iterable[RecipeRow | Wanted]) -> Iterator[RecipeRow | Request]:
        for output in outputs:
            yield self.request_of(output) if isinstance(output, Wanted) else output

    def read(self, response: Response, page: str | None = None) -> Iterator[RecipeRow | Wanted]:
        """As `parse`, with requests as the recipe wants them."""
        request = response.request
        if request is None:
            raise AssertionError("Scrapy gives every response its request")
        asked = self._page_request(request)
        if response.status == NOT_MODIFIED:
            yield from self._unchanged(request)
            return
        page_input = _page_input(
            response, asked if page is None else replace(asked, page=page), self.inputs, request.meta
        )
        opened, incremental = open_page(self.crawler, request), self.incremental
        try:
            result = extract_page(self.recipe, page_input)
        except SessionExpired as error:
            if not self._comes_back(opened, request, error):
                yield from self._after_loss(request)
            return
        except PageBlocked as error:
            if not self._let_in_later(opened, request, error):
                yield from self._after_loss(request)
            return
        except PageError as error:
            outcome, reason = outcome_of(error)
            self.logger.warning("%s: %s", outcome, reason)
            if opened is not None:
                opened.fail(outcome, reason)
            yield from self._after_loss(request)
            return
        if opened is not None:
            if opened.session and self._shows_a_login(result) and (sessions := sessions_of(self.crawler)) is not None:
                sessions.valid(opened)
            opened.marks.update(result.marks)
            if result.next is not None and result.next.chain is not None:
                opened.chain = result.next.chain.id
            if result.outcome == "dropped":
                opened.fail("filtered", "drop_if")
            if incremental is not None and asked.sitemap is not None:
                result = incremental.without_known(opened, request, result, asked.sitemap)
            elif incremental is not None and asked.waiting is None:
                incremental.read(opened, request, response, result)
        self._note(result, response.url, answer=asked.waiting is not None)
        yield from self._output(result, request, response.url)

    def _unchanged(self, request: Request) -> Iterator[RecipeRow | Wanted]:
        """A page that is what it was: its rows are known, and what it has led to is led to again."""
        opened, incremental = open_page(self.crawler, request), self.incremental
        if opened is None or incremental is None or opened.known is None:
            raise PageMismatch(f"{request.url}: status {NOT_MODIFIED}, and nobody has asked whether it has changed")
        opened.fail("not_modified", "")
        requests, following = incremental.unchanged(opened, request)
        if following is not None and following.chain is not None:
            opened.chain = following.chain.id
        page = request.meta["recipe"].get("page") or ""
        self.report.pages[page] += 1
        result = PageResult(page=page, outcome="ok", requests=tuple(requests), next=following)
        yield from self._output(result, request, request.url, unchanged=True)

    def _comes_back(self, opened: OpenPage | None, request: Request, error: SessionExpired) -> bool:
        """Whether a page of nobody who is logged in comes back; else it ends as one that is kept from us."""
        sessions = sessions_of(self.crawler)
        if opened is None or sessions is None or not opened.session:
            if opened is not None:
                opened.fail("blocked", str(error))
            return False
        turn = sessions.invalid(opened, request, str(error))
        if isinstance(turn, PageTurn):
            opened.turn = turn
            return True
        opened.fail("blocked", str(turn))
        return False

    def _let_in_later(self, opened: OpenPage | None, request: Request, error: PageBlocked) -> bool:
        """Whether a page that keeps us out, as the recipe says, comes back; else it has ended."""
        blocks = blocks_of(self.crawler)
        if opened is None:
            return False
        if blocks is None or blocks.page_of(request) is None:
            opened.fail("blocked", str(error))
            return False
        try:
            blocks.refused(opened, request, str(error))
        except PageTurn as turn:
            opened.turn = turn
            return True
        except Blocked as blocked:
            opened.counts = blocked.counts
            opened.fail("blocked", str(blocked))
            return False

    def _shows_a_login(self, result: PageResult) -> bool:
        """Whether a page that was read shows that somebody is logged in: as `valid_if` says, or by being there."""
        page = self.recipe.pages.get(result.page)
        return page is not None and (page.valid_if is None or IS_VALID in result.stats)

    def lost(self, failure: Failure) -> Iterator[RecipeRow | Request]:
        """What is left to do when a page never came."""
        request: Request = failure.request  # type: ignore[attr-defined] # Scrapy sets it on failures it hands out
        status = failure.value.response.status if isinstance(failure.value, HttpError) else None
        return self._requested(self._after_loss(request, status=status))

    def _after_loss(self, request: Request, *, status: int | None = None) -> Iterator[RecipeRow | Wanted]:
        asked = self._page_request(request)
        result = after_loss(self.recipe, asked, self.inputs, status=status)
        opened = open_page(self.crawler, request)
        if asked.mirrors and opened is not None:
            self.logger.warning("%s does not answer (%s); %s is asked", asked.url, opened.reason, asked.mirrors[0])
            opened.replaced(f"{opened.reason}; {asked.mirrors[0]} is asked")
        yield from self._output(result, request, request.url, lost=True)

    def _page_request(self, request: Request) -> PageRequest:
        """The page request that a Scrapy request was made of.

        One from outside (`scrapy parse`, `scrapy shell`) is a start request if its URL is, else routed by `match`.
        """
        facts = request.meta.get("recipe")
        if not isinstance(facts, dict):
            known = (start for start in self._start if start.url == request.url)
            return next(known, PageRequest(url=request.url, page=None))
        if _PLAIN_FACTS.issuperset(facts):  # as of most
            return PageRequest(url=request.url, page=facts.get("page"), method=request.method, body=request.body)
        chain = facts.get("chain")
        return PageRequest(
            url=request.url,
            page=facts.get("page"),
            method=request.method,
            headers=tuple((name, value) for name, value in facts.get("headers", ())),
            body=request.body,
            carried=facts.get("carried") or {},
            chain=Chain(**chain) if isinstance(chain, dict) else None,
            dedupe=bool(facts.get("dedupe", True)),
            waiting=_waiting(facts.get("waiting")),
            sitemap=SitemapPlace(**sitemap) if isinstance(sitemap := facts.get("sitemap"), dict) else None,
            mirrors=tuple(facts.get("mirrors") or ()),
            lastmod=facts.get("lastmod") or "",
        )

    def _output(
        self, result: PageResult, request: Request, url: str, *, lost: bool = False, unchanged: bool = False
    ) -> Iterator[RecipeRow | Wanted]:
        page = open_page(self.crawler, request) if result.rejects else None
        if page is not None:
            page.rejected += len(result.rejects)
        for reject in result.rejects:
            self.crawler.signals.send_catch_log(row_rejected, reject=reject, spider=self)
        for row in result.rows:
            yield RecipeRow(row.values, item=row.item, key=row.key, url=row.url or url, gaps=row.gaps)
        facts = request.meta.get("recipe")
        depth = facts.get("depth", 0) if isinstance(facts, dict) else 0
        deepest = self.recipe.limits.depth
        if deepest is not None and depth >= deepest and result.requests:
            self.crawler.stats.inc_value("recipe/depth_limited", len(result.requests))
        else:
            # What a sitemap lists, and a mirror, is as near to the start as they are.
            deeper = 0 if isinstance(facts, dict) and ("sitemap" in facts or lost) else 1
            for wanted in result.requests:
                yield Wanted(wanted, depth + deeper)
        for wanted in result.follow_ups:
            yield from self._follow_up(wanted, request, depth=depth)
        if result.next is not None:
            # A page that was not read shows nothing new, and its list goes on as it did.
            on_progress = result.next.dedupe and not (lost or unchanged)
            yield Wanted(result.next, depth, on_progress)

    def _follow_up(self, wanted: PageRequest, request: Request, *, depth: int) -> Iterator[RecipeRow | Wanted]:
        """A follow-up request; one that is off-site would be dropped with its row, so the row goes on without it."""
        if _is_on(wanted.url, self.allowed_domains):
            yield Wanted(wanted, depth)
            return
        self.crawler.stats.inc_value("recipe/follow_up_offsite")
        result = after_loss(self.recipe, wanted, self.inputs)
        yield from self._output(result, request, wanted.url, lost=True)

    # --- notes ---

    def _note(self, result: PageResult, url: str, *, answer: bool) -> None:
        stats, report = self.crawler.stats, self.report
        if answer:
            stats.inc_value("recipe/follow_up_answers")
        else:
            report.pages[result.page] += 1
        item = self.recipe.pages[result.page].item or "" if result.page in self.recipe.pages else ""
        for name, count in result.stats.items():
            if name.startswith("recipe/alternative/"):
                path, _, number = name.removeprefix("recipe/alternative/").rpartition("/")
                source = alternative_name(self.recipe, result.page, path, int(number))
                report.alternatives[item, path, source] += count
                stats.inc_value(f"recipe/alternative/{item}/{path}/{number}", count)
            else:
                stats.inc_value(name, count)
        if result.outcome == "dropped":
            report.dropped[result.page] += 1
            stats.inc_value(f"recipe/dropped/{result.page}")
        elif result.outcome == "empty":
            stats.inc_value(f"recipe/parse_empty/{result.page}")
        if not result.stats.keys().isdisjoint(IN_PART):
            report.lost_lists[url] = "sitemap read in part"
        if result.cause is not None:
            report.empty(result.cause)
        if result.chain_end:
            stats.inc_value(f"recipe/list_end/{result.chain_end}")
            report.end_of_list(result.chain_end, url)
            if result.chain_end == "max_pages":
                self.logger.warning("A list was cut at max_pages: %s", url)

    def page_settled(self, page: OpenPage, outcome: str) -> None:
        """Notes list pages that never came: what they listed may be missing.

        A 404 or 410 on a later page of a counting list is how many lists end, and `drop_if` is the recipe's own word. A
        link that is dead, or that robots.txt forbids, hides no list; a start page or a list's next page is missed.
        """
        facts = page.request.meta.get("recipe")
        if outcome in _LIST_READ or not isinstance(facts, dict) or page.reason == "drop_if" or facts.get("waiting"):
            return
        if "sitemap" in facts:
            self.report.lost_lists[page.url] = outcome
            return
        page_type = self.recipe.pages.get(facts.get("page") or "")
        if page_type is None or not (page_type.follow or page_type.paginate):
            return
        chain = facts.get("chain")
        if outcome in _LINKED and chain is None and facts.get("depth"):
            return
        counting = page_type.paginate is not None and page_type.paginate.kind in ("param", "offset")
        if outcome == "http_404" and counting and isinstance(chain, dict) and chain["number"] > 1:
            return
        self.report.lost_lists[page.url] = outcome


def facts_of(found: Wanted) -> dict[str, Any]:
    """What `meta["recipe"]` says of a request: the page type, and what is not as usual, since each of it is stored."""
    wanted = found.request
    facts: dict[str, Any] = {"page": wanted.page}
    if found.on_progress:
        facts["on_progress"] = True
    if found.depth:
        facts["depth"] = found.depth
    if wanted.carried:
        facts["carried"] = dict(wanted.carried)
    if wanted.chain is not None:
        facts["chain"] = asdict(wanted.chain)
    if wanted.headers:
        facts["headers"] = list(wanted.headers)
    if not wanted.dedupe:
        facts["dedupe"] = False
    if wanted.waiting is not None:
        left = {name: asdict(field) for name, field in wanted.waiting.open.items()}
        facts["waiting"] = {**asdict(wanted.waiting), "open": left}
    if wanted.lastmod:
        facts["lastmod"] = wanted.lastmod
    if wanted.mirrors:
        facts["mirrors"] = list(wanted.mirrors)
    if wanted.sitemap is not None:
        facts["sitemap"] = asdict(wanted.sitemap)
    return facts


def _waiting(facts: Any) -> Waiting | None:
    """The row of a follow-up request, of what `asdict` has made of it."""
    if not isinstance(facts, dict):
        return None
    fields = {name: OpenField(**field) for name, field in facts["open"].items()}
    return Waiting(**{**facts, "open": fields})


def _page_input(
    response: Response, request: PageRequest, inputs: Mapping[str, Any], meta: Mapping[str, Any]
) -> PageInput:
    headers = {
        _lower(name): (values[0] if len(values) == 1 else b", ".join(values)).decode("latin-1")
        for name, values in dict.items(response.headers)  # those of Scrapy look each value up again
    }
    # Whoever receives an answer without a date notes when it came (RFC 9110, 6.6.1): relative dates are told from it.
    if "date" not in headers:
        headers["date"] = formatdate(usegmt=True)
    redirected_from = meta.get("redirect_urls") or [""]
    return PageInput(
        request=request,
        url=response.url,
        asked_url=redirected_from[0],
        body=response.body,
        status=response.status,
        headers=headers,
        inputs=inputs,
    )


def _lower(name: bytes) -> str:
    """A header's name. What a site makes up is not remembered: it may be long."""
    return _short_lower(name) if len(name) <= _SHORT_NAME else name.decode("latin-1").lower()


@lru_cache(maxsize=1024)
def _short_lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _allowed_domains(recipe: Recipe, inputs: Mapping[str, Any], start: list[PageRequest]) -> list[str]:
    """The declared domains, and the hosts of the start pages where an input gives them or nothing is declared."""
    scopes = {"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": {}}
    rendered = [template.render(scopes) for template in recipe.allowed_domains]
    domains = [_host(str(value)) for value in rendered if not is_missing(value)]
    from_inputs = any(
        reference.scope == "inputs" for entry in recipe.start for url in entry.urls for reference in url.references
    )
    if from_inputs or not domains:
        domains += [urlsplit(url).hostname or "" for request in start for url in (request.url, *request.mirrors)]
    domains += follow_up_hosts(recipe)
    return [domain for domain in dict.fromkeys(domains) if domain]


def _is_on(url: str, domains: list[str]) -> bool:
    """Whether a URL is on one of the domains or below it."""
    host = (urlsplit(url).hostname or "").lower()
    return any(host == domain.lower() or host.endswith(f".{domain.lower()}") for domain in domains)


def _host(text: str) -> str:
    """The host of what may be written as a domain, a host with a port or a URL."""
    return urlsplit(text if "//" in text else f"//{text}").hostname or ""


def _deployment(settings: BaseSettings) -> Deployment:
    return Deployment(
        obey_robots=settings.getbool("ROBOTSTXT_OBEY"),
        delay_s=settings.getfloat("DOWNLOAD_DELAY"),
        concurrency_per_domain=settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
        autothrottle=settings.getbool("AUTOTHROTTLE_ENABLED"),
        requests=settings.getint("REQUESTS_LIMIT"),
        items=settings.getint("ITEMS_LIMIT"),
        duration_s=settings.getfloat("DURATION_LIMIT"),
        errors=settings.getint("ERRORS_LIMIT"),
        blocked_in_a_row=settings.getint("BLOCKED_IN_A_ROW"),
    )

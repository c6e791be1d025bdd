"""What a crawl of an incremental recipe takes over from the runs before it, and what it notes for the next one.

Where workers share a job, each reads the newest state of the series, which its node fetches once; what it learns of a
page is committed with the page, and a steward makes the next state of that. A crawl of its own keeps its states in a
local folder (INCREMENTAL_FOLDER): rows get their signs as they come, and the next state is made when the crawl has
ended well.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace
from scrapy import signals
from scrapy.exceptions import NotConfigured
from w3lib.url import safe_url_string

from crawler.config import read_config
from crawler.errors import ConfigError, CrawleryError
from crawler.exports import series_store
from crawler.exports.coverage import Coverage
from crawler.exports.formats import compact_json
from crawler.exports.keys import SeriesKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.page_notes import PageNote, packed_ids
from crawler.exports.series import recipe_digest, series_id
from crawler.exports.series_state import Carried, Comparison, KnownPages, RunState, StateMeta, told_of
from crawler.exports.series_store import Pointer
from crawler.fleet import fleet_settings
from crawler.frontier.contract import FINISHED
from crawler.frontier.identity import request_id
from crawler.jobs.outcomes import FAILURES
from crawler.recipe.incremental import LAST_RUN, depends_on_others
from crawler.recipe.sitemap_pages import IN_PART
from crawler.recipe.sitemaps import latest_moment
from crawler.scheduler import our_scheduler
from crawler.signals import page_settled
from crawler.spiders.page_children import decoded_children, encoded_children
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.exports.objects import ObjectStore
    from crawler.exports.series_state import KnownPage
    from crawler.middlewares.open_pages import OpenPage
    from crawler.recipe.model import PageRequest, PageResult, Recipe
    from crawler.recipe.sitemap_place import SitemapPlace
    from crawler.scheduler import Scheduler

logger = logging.getLogger(__name__)

#: Outcomes of pages whose notes count.
READ: Final = frozenset({"ok", "not_modified"})

#: Longer ones are none that a server could compare.
_MAX_VALIDATOR: Final = 1024

#: Of a node's cache, states that nobody has fetched for so long are removed, in seconds.
_OLD_S: Final = 86400.0

#: Names of files in the cache: states, and those that are being fetched.
_CACHED: Final = re.compile(r"\.state-.+|[^.].*-[0-9a-f]{32}-.+\.sqlite", re.ASCII)

#: A page that is not there holds nothing, so a crawl that has read all others has read everything.
_NOT_THERE: Final = "http_404"


class Incremental:
    """See the module.

    Attributes:
        own: the run of a crawl that is not shared; None in a worker.
    """

    def __init__(self, crawler: Crawler, recipe: Recipe, keys: SeriesKeys, *, now: float) -> None:
        """`keys`: of the series; `now`: seconds since 1970."""
        if recipe.incremental is None:
            raise AssertionError("only an incremental recipe belongs to a series")
        self.own: OwnRun | None = None
        self._crawler = crawler
        self._recipe = recipe
        self._plan = recipe.incremental
        self._keys = keys
        self._text = recipe_digest(recipe.resolved)
        self._known: KnownPages | None = None
        self._began = now
        self._scheduler: Scheduler | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Reads what is known.

        Raises:
            NotConfigured: it takes nothing over: its recipe is not incremental, or it fetches failed pages again.
            ConfigError: INCREMENTAL_FOLDER cannot be used.
        """
        spider = crawler.spider
        recipe: Recipe | None = getattr(spider, "recipe", None)
        job = getattr(spider, "stored_job", None)
        if recipe is None or recipe.incremental is None or (job is not None and job.replay is not None):
            raise NotConfigured
        client = job.client if job is not None else "local"
        keys = SeriesKeys(client, series_id(client, recipe.name, getattr(spider, "inputs", {})))
        made = cls(crawler, recipe, keys, now=time.time())
        setattr(spider, "incremental", made)  # noqa: B010 - a spider of a recipe has that
        is_full = crawler.settings.getbool("INCREMENTAL_FULL")
        if fleet_settings(crawler.settings) is not None:
            if not is_full:
                made._read_shared(Path(crawler.settings["INCREMENTAL_CACHE"] or default_cache()))
            return made
        folder = Path(crawler.settings["INCREMENTAL_FOLDER"])
        try:
            own = made.own = OwnRun(recipe, keys, folder)
            if own.base is not None and not is_full:
                made._known = KnownPages(own.base, recipe=made._text)
        except (CrawleryError, OSError) as error:
            raise ConfigError(f"INCREMENTAL_FOLDER: {folder}: {error}") from error
        crawler.signals.connect(made.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(made.item_scraped, signal=signals.item_scraped)
        crawler.signals.connect(made.page_settled, signal=page_settled)
        crawler.signals.connect(made.engine_stopped, signal=signals.engine_stopped)
        return made

    def _read_shared(self, cache: Path) -> None:
        """Opens the newest state. Without it everything is read, which costs more and loses nothing."""
        config = read_config()
        if not config.storage_url:
            logger.warning("STORAGE_URL is not set, so nothing is known of earlier runs: every page is read whole")
            return
        from crawler.exports.storage import object_store_of  # noqa: PLC0415 - boto3 takes half a second to load

        try:
            path = cached_state(object_store_of(config), self._keys, cache)
            self._known = None if path is None else KnownPages(path, recipe=self._text)
        except (CrawleryError, OSError) as error:
            logger.warning("Nothing is known of earlier runs, every page is read whole: %s", error)

    # --- asking ---

    def to_ask_for(self, request: Request) -> KnownPage | None:
        """What is known of a page, if it is to be asked whether that still holds."""
        facts = request.meta.get("recipe")
        if not isinstance(facts, dict) or "sitemap" in facts or facts.get("waiting"):
            return None
        known = self._page(_id_of(request))
        if known is None or not self._is_fresh(known) or known.carried != _carried(request):
            return None
        return known if self.conditions(known) else None

    def conditions(self, known: KnownPage) -> dict[str, str]:
        """The headers of the question."""
        asked = {}
        if known.etag and "etag" in self._plan.skip_unchanged:
            asked["If-None-Match"] = known.etag
        if known.modified and "last_modified" in self._plan.skip_unchanged:
            asked["If-Modified-Since"] = known.modified
        return asked

    def _page(self, number: int) -> KnownPage | None:
        if self._known is None:
            return None
        try:
            return self._known.page(number)
        except (CrawleryError, OSError) as error:
            logger.warning("What is known of earlier runs cannot be read; pages are read whole from here on: %s", error)
            self._known.close()
            self._known = None
            return None

    def _is_fresh(self, known: KnownPage) -> bool:
        every_s = self._plan.recrawl_every_s
        return every_s is None or known.fetched_ms / 1000 + every_s > self._began

    # --- noting ---

    def unchanged(self, page: OpenPage, request: Request) -> tuple[list[PageRequest], PageRequest | None]:
        """Notes that a page is what it was; what it has led to then, and still does."""
        if page.known is None:
            raise AssertionError("only a page that was asked for so can say that it has not changed")
        page.note = PageNote(page=_id_of(request), lastmod=_lastmod(request), unchanged=True)
        self._crawler.stats.inc_value("incremental/not_modified")
        return self._children(page.known)

    def read(self, page: OpenPage, request: Request, response: Response, result: PageResult) -> None:
        """Notes a page that was read whole."""
        number = _id_of(request)
        children = encoded_children(result) if self._can_be_kept(result) and request.method == "GET" else None
        if children is None:
            if self._passes_over or self._page(number) is not None:
                page.note = PageNote(page=number)
            return
        note = PageNote(
            page=number,
            etag=_header(response, "ETag"),
            modified=_header(response, "Last-Modified"),
            lastmod=_lastmod(request),
            carried=_carried(request),
            fetched_ms=int(time.time() * 1000),
            rows=len(result.rows),
            children=children,
        )
        if note.etag or note.modified or note.lastmod or self._passes_over or self._page(number) is not None:
            page.note = note

    def _can_be_kept(self, result: PageResult) -> bool:
        """Whether the rows of a page are known when the page is known to be unchanged."""
        page = self._recipe.pages.get(result.page)
        has_keys = all(any(part is not None for part in row.key) for row in result.rows)
        return (
            result.outcome == "ok" and page is not None and not (result.rejects or depends_on_others(page)) and has_keys
        )

    def without_known(self, page: OpenPage, request: Request, result: PageResult, place: SitemapPlace) -> PageResult:
        """What a sitemap leads to: not to the pages that it says are unchanged, but to what these have led to."""
        last_run = self._last_run if place.since == LAST_RUN else None
        wanted: list[PageRequest] = []
        children: list[PageRequest] = []
        skipped: list[int] = []
        passed: list[int] = []
        entries = [(each, False) for each in result.requests] + [(each, True) for each in result.passed_over]
        for each, is_old in entries:
            number = page_id(each)
            known = self._page(number)
            is_same = known is not None and self._is_fresh(known) and not known.carried
            if known is not None and is_same and (is_old or self._says_same(each, known, last_run)):
                skipped.append(number)
                requests, following = self._children(known)
                children += requests if following is None else [*requests, following]
            elif not is_old or known is not None:
                wanted.append(each)
            else:
                passed.append(number)
        in_part = any(name in result.stats for name in IN_PART) or (bool(passed) and self._has_rows_of_others)
        if skipped or passed or in_part:
            page.note = PageNote(
                page=_id_of(request), skipped=packed_ids(skipped), passed=packed_ids(passed), in_part=in_part
            )
        if skipped:
            self._crawler.stats.inc_value("incremental/skipped", len(skipped))
        return replace(result, requests=(*wanted, *children))

    @property
    def _passes_over(self) -> bool:
        """Whether pages may not be wanted of which nothing is known but to which page rows belong."""
        return any(each.sitemap is not None and each.sitemap.modified_since is not None for each in self._recipe.start)

    @property
    def _has_rows_of_others(self) -> bool:
        """Whether rows may come from pages that their own page has led to: of which page they are is not known then."""
        return any(page.item is not None and depends_on_others(page) for page in self._recipe.pages.values())

    def _says_same(self, request: PageRequest, known: KnownPage, last_run: datetime | None) -> bool:
        if not request.lastmod:
            return False
        if "sitemap_lastmod" in self._plan.skip_unchanged and request.lastmod == known.lastmod:
            return True
        modified = latest_moment(request.lastmod) if last_run is not None else None
        return modified is not None and last_run is not None and modified <= last_run

    @property
    def _last_run(self) -> datetime | None:
        at_ms = self._known.meta.whole_ms if self._known is not None else 0
        return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms else None

    def _children(self, known: KnownPage) -> tuple[list[PageRequest], PageRequest | None]:
        try:
            return decoded_children(known.children)
        except Undecodable as error:  # of a damaged state, whose pages would be lost unseen
            raise AssertionError(f"a state that was read holds what it should: {error}") from error

    # --- a crawl of its own ---

    def spider_opened(self) -> None:
        """The engine forgets its scheduler before the last signal."""
        self._scheduler = our_scheduler(self._crawler)

    def item_scraped(self, item: Any, response: Response | None) -> None:
        """A row gets its sign."""
        if self.own is not None and hasattr(item, "change"):
            request = response.request if response is not None else None
            item.change = self.own.state.add_row(item.item, item, page=_id_of(request) if request is not None else 0)
            self.own.counts[item.change] += 1

    def page_settled(self, page: OpenPage, outcome: str) -> None:
        """A note counts when its page does."""
        if self.own is not None and page.note is not None and outcome in READ:
            self.own.state.add_note(page.note, page=page.note.page)

    def settle(self) -> OwnRun | None:
        """The crawl is over: what is gone, and how much has not changed. None in a worker."""
        if self.own is not None and self._crawler.spider is not None:
            self.own.settle(self._text, is_whole=self._is_whole(), began_ms=int(self._began * 1000))
        return self.own

    def _is_whole(self) -> bool:
        books = self._scheduler.final if self._scheduler is not None else None
        if books is None or books.closed != FINISHED or not self._has_begun:
            return False
        failed = sum(count for outcome, count in books.settled.items() if outcome in FAILURES and outcome != _NOT_THERE)
        return not (failed or books.settled.get("cancelled", 0) or self._crawler.stats.get_value("limits/reached"))

    @property
    def _has_begun(self) -> bool:
        """Whether it was the recipe's own start that was crawled, and no single page."""
        return bool(getattr(self._crawler.spider, "began", False))

    def conclude(self, *, is_good: bool) -> None:
        """The crawl has been judged; what it has learnt counts if that came out well."""
        own = self.settle()
        try:
            if own is not None and is_good and self._has_begun:
                own.commit(self._recipe.name)
        except (CrawleryError, OSError) as error:
            logger.error("What this crawl has learnt is lost to the next one: %s", error)  # noqa: TRY400 - that is all
        finally:
            self._let_go()

    def engine_stopped(self) -> None:
        """The last signal of what is no crawl, and is not judged: `scrapy shell`."""
        if self._crawler.stats.get_value("finish_reason") is None:
            self._let_go()

    def _let_go(self) -> None:
        if self._known is not None:
            self._known.close()
        if self.own is not None:
            self.own.close()


class OwnRun:
    """A crawl that nobody shares, in its series.

    Attributes:
        base: the file of the newest state; None if there is none.
        state: what is to become the next one.
        counts: rows so far, by sign.
        carried: what was not read because it has not changed; when the crawl is over.
    """

    def __init__(self, recipe: Recipe, keys: SeriesKeys, folder: Path) -> None:
        """`folder`: of all states of this machine."""
        folder.mkdir(parents=True, exist_ok=True)
        self.counts: Counter[str] = Counter()
        self.carried = Carried()
        self.base: Path | None = None
        self._keys = keys
        self._objects: ObjectStore = FolderObjectStore(folder)
        self._work = tempfile.TemporaryDirectory(prefix=".run-", dir=folder)
        self._path = Path(self._work.name) / "state"
        plan = recipe.incremental
        if plan is None:
            raise AssertionError("only an incremental recipe belongs to a series")
        self._gone_after = plan.gone_after
        self._job = f"local-{int(time.time() * 1000)}-{os.getpid()}"
        self._settled = False
        order = self._fetch()
        row_keys = {item: contract.key for item, contract in recipe.items.items()}
        comparison = Comparison(only=plan.only, ignore=plan.ignore)
        with told_of(self._path):
            self.state = RunState(self._path, keys=row_keys, comparison=comparison, cover=Coverage(recipe).cover)
        self.state.order = max(self.state.order, order + 1)

    def _fetch(self) -> int:
        pointer = series_store.newest(self._objects, self._keys)
        if pointer is None:
            return 0
        base = self._path.with_name("base")
        series_store.fetch(self._objects, pointer.state, base)
        shutil.copyfile(base, self._path)
        self.base = base
        return pointer.order

    def settle(self, text: str, *, is_whole: bool, began_ms: int) -> None:
        """Nothing more comes; safe to repeat. `text`: digest of the recipe's."""
        if self._settled:
            return
        self._settled = True
        before = self.state.before
        self.carried = self.state.all_here(recipe=text)
        is_whole = is_whole and not self.carried.unknown
        whole_ms = began_ms if is_whole else before.whole_ms
        meta = StateMeta(order=self.state.order, job=self._job, recipe=text, whole_ms=whole_ms)
        self.counts["-"] = self.state.settle(meta, is_whole=is_whole, gone_after=self._gone_after)

    def gone(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Item and key of each row that is gone."""
        return self.state.gone()

    def commit(self, recipe: str) -> None:
        """Makes the state the newest one; `recipe`: its name.

        Raises:
            ObjectStoreError: it cannot be written.
        """
        with told_of(self._path):
            self.state.finish()
        key = series_store.put(self._objects, self._keys, self._job, self._path)
        now_ms = int(time.time() * 1000)
        pointer = Pointer(order=self.state.order, job=self._job, state=key, recipe=recipe, made_ms=now_ms)
        series_store.advance(self._objects, self._keys, pointer)
        series_store.tidy(self._objects, older_than_s=0.0, now_s=time.time() - 1.0)

    def close(self) -> None:
        """Lets the files of the crawl go."""
        with self.state:
            pass
        self._work.cleanup()


def incremental_of(crawler: Crawler) -> Incremental | None:
    """What this crawl takes over; None if its recipe is not incremental."""
    found: Incremental | None = crawler.get_extension(Incremental)
    return found


def default_cache() -> Path:
    """Where the workers of a machine that are one user's keep states."""
    return Path(tempfile.gettempdir()) / f"crawlery-states-{os.getuid()}"


def cached_state(objects: ObjectStore, keys: SeriesKeys, folder: Path) -> Path | None:
    """The newest state of a series as a file, which is fetched if it is not there; None if there is none.

    Raises:
        CrawleryError: it cannot be had.
        OSError: the folder cannot be used.
    """
    pointer = series_store.newest(objects, keys)
    if pointer is None:
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise ConfigError(f"INCREMENTAL_CACHE: {folder} is somebody else's; name another folder")
    name = f"{keys.client}-{keys.series}-"
    path = folder / f"{name}{pointer.state.rpartition('/')[2]}.sqlite"
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".state-", delete=False) as made:
            part = Path(made.name)
        try:
            series_store.fetch(objects, pointer.state, part)
            part.replace(path)  # of several workers the last one wins, with the same bytes
        finally:
            part.unlink(missing_ok=True)
    for other in folder.iterdir():
        if other != path and _CACHED.fullmatch(other.name) and _is_old(other):
            with contextlib.suppress(OSError):
                other.unlink()
    return path


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - _OLD_S
    except FileNotFoundError:
        return False


def page_id(wanted: PageRequest) -> int:
    """The id of a page, the same in all jobs."""
    return request_id(
        b"", url=safe_url_string(wanted.url), method=wanted.method, body=wanted.body, page_type=wanted.page or ""
    )


def _id_of(request: Request) -> int:
    facts = request.meta.get("recipe")
    page_type = (facts.get("page") or "") if isinstance(facts, dict) else ""
    return request_id(b"", url=request.url, method=request.method, body=request.body, page_type=page_type)


def _lastmod(request: Request) -> str:
    facts: Mapping[str, Any] = request.meta.get("recipe") or {}
    return str(facts.get("lastmod") or "")


def _carried(request: Request) -> str:
    """Digest of what a request has carried along: where that has changed, the rows of its page may have, too."""
    carried = (request.meta.get("recipe") or {}).get("carried")
    return hashlib.blake2b(compact_json(carried).encode(), digest_size=8).hexdigest() if carried else ""


def _header(response: Response, name: str) -> str:
    value = response.headers.get(name)
    text = value.decode("latin-1").strip() if value is not None else ""
    return text if len(text) <= _MAX_VALIDATOR else ""

"""A site in a thread, terminals on which `scrapy crawl` runs, and what their job has come to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valkey_server import mortal

from crawler.frontier.redis import RedisFrontier
from crawler.jobs.rows import decode_row
from crawler.sample_shop.httpd import HttpRequest, HttpResponse, HttpServer
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator

PROJECT = Path(__file__).parent / "ordinary"

#: Whatever does not happen within this time, in seconds, never will.
PATIENCE_S = 60.0

LISTS, PER_LIST = 8, 10


def wait_until(condition: Callable[[], Any], *, what: str, patience_s: float = PATIENCE_S) -> None:
    """Looks often; fails loudly."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_s:g} s for {what}"
        time.sleep(0.02)


class Shop:
    """`/` links to lists, lists to products; `/search` takes a form.

    Attributes:
        walled: products are behind a challenge, which is counted.
    """

    def __init__(self) -> None:
        self.url = ""
        self.hits: Counter[str] = Counter()
        self.visits: Counter[str] = Counter()  # by User-Agent
        self.delay_s = 0.0
        self.walled = False
        self.challenges = 0
        self.opened = threading.Event()
        self.opened.set()
        self._other: Callable[[HttpRequest], HttpResponse] | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Shop]:
        shop = cls()
        started: Future = Future()

        async def serve() -> None:
            stop = asyncio.Event()
            async with HttpServer(shop.answer) as server:
                shop.url = server.url
                started.set_result((asyncio.get_running_loop(), stop))
                await stop.wait()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        loop, stop = started.result(timeout=PATIENCE_S)
        try:
            yield shop
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(timeout=PATIENCE_S)

    def answer_with(self, handler: Callable[[HttpRequest], HttpResponse]) -> None:
        """Another site in the place of the shop."""
        self._other = handler

    def answer(self, request: HttpRequest) -> HttpResponse:
        if self._other is not None:
            assert self.opened.wait(PATIENCE_S), "the site stays closed"
            return self._other(request)
        self.hits[request.target] += 1
        self.visits[request.headers.get("user-agent", "")] += 1
        assert self.opened.wait(PATIENCE_S), "the shop stays closed"
        time.sleep(self.delay_s)  # one page after another, so that a crawl lasts
        kind, _, number = request.path.strip("/").partition("/")
        if kind == "":
            return _page("".join(f'<a href="/list/{page}">x</a>' for page in range(LISTS)))
        if kind == "list":
            first = int(number) * PER_LIST
            return _page("".join(f'<a href="/item/{first + at}">x</a>' for at in range(PER_LIST)))
        if kind == "item" and self.walled:
            self.challenges += 1
            return HttpResponse(status=403, headers=(("cf-mitigated", "challenge"),), body=b"<h1>Wait</h1>")
        if kind == "item":
            return _page(f"<h1>Item {number}</h1><b>{number}.50</b>")
        if kind == "search" and request.body == b"q=stools":
            return _page("<h1>Stool</h1><b>9.50</b>")
        return HttpResponse(status=404, body=b"<h1>Not found</h1>")


def _page(text: str) -> HttpResponse:
    return HttpResponse(body=f"<!DOCTYPE html><html><body>{text}</body></html>".encode())


class Terminal:
    """One `scrapy crawl` of the ordinary project."""

    def __init__(self, folder: Path, spider: str, *, store: str, settings: dict[str, Any], **arguments: str) -> None:
        self._log = folder / f"{spider}-{time.monotonic_ns()}.log"
        words = [word for name, value in arguments.items() for word in ("-a", f"{name}={value}")]
        words += [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
        own = {"SCRAPY_SETTINGS_MODULE": "ordinary_settings", "PYTHONPATH": str(PROJECT)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                mortal(
                    sys.executable,
                    "-m",
                    "scrapy",
                    "crawl",
                    spider,
                    *(["-s", f"REDIS_URL={store}"] if store else []),
                    *words,
                ),
                cwd=folder,
                env={**os.environ, **own, "CRAWLERY_EXPORTS_DIR": str(folder / "out")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str) -> None:
        """Until its log says so."""
        wait_until(lambda: text in self.log() or not self.running, what=f"{text!r} in a log")
        assert text in self.log(), self.log()[-3000:]

    def finished(self) -> int:
        """Its exit status."""
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log()[-5000:]}") from None

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.finished()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)


class StoredJob:
    """What the store holds of a job."""

    def __init__(self, store: str, job: str) -> None:
        self._store = store
        self._job = job

    def ask(self, question: Callable[[RedisFrontier], Coroutine[Any, Any, Any]]) -> Any:
        async def run() -> Any:
            store = Store(connect({"url": self._store}))
            try:
                return await question(RedisFrontier(store, job=self._job))
            finally:
                await store.close()

        return asyncio.run(run())

    def ledger(self):
        return self.ask(lambda frontier: frontier.ledger())

    def settled(self) -> int:
        return sum(self.ledger().settled.values())

    def rows(self) -> list[dict[str, Any]]:
        async def read(frontier: RedisFrontier) -> list[dict[str, Any]]:
            rows, after = [], ""
            while part := await frontier.read_rows(after=after, limit=500):
                after = part[-1].position
                rows += [{"item": row.item, **decode_row(row.body)} for row in part]
            return rows

        return self.ask(read)


def crawls(folder: Path, spider: str, *words: str, log: str) -> subprocess.Popen[bytes]:
    """`scrapy crawl SPIDER WORDS` on the recipes in a folder, where its log is, too; whoever calls kills it."""
    own = {
        "SCRAPY_SETTINGS_MODULE": "crawler.settings",
        "RECIPES_PATH": str(folder),
        "CRAWLERY_EXPORTS_DIR": str(folder / "out"),
    }
    with (folder / log).open("wb") as said:
        return subprocess.Popen(
            mortal(sys.executable, "-m", "scrapy", "crawl", spider, *words),
            cwd=folder,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )


def kill(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Kills those that still run."""
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=PATIENCE_S)

"""The competitors: how each is started, which transports it is measured on, and what it needs.

Each crawls the whole shop in a process of its own with 64 requests at once, keeps robots.txt (but for the limit, which
keeps nothing), logs at INFO and writes 15 fields and the URL of each product. Ours has on what is on by default:
robots.txt, cookies, AutoThrottle, the delay and the limit of a host, with values that a site on loopback cannot fill.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
ROOT: Final = HERE.parents[2]

#: The interpreter of the environment of the peers, see `requirements-peers.txt`.
PEERS_PYTHON: Final = Path(os.environ.get("CRAWL_PEERS", ROOT / ".venv-peers")) / "bin" / "python"

COMPRESSED: Final = ("gzip", "br")
ALL: Final = ("plain", *COMPRESSED, "https/1.1", "https/2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One competitor.

    Attributes:
        name: as in figures.
        what: it is, for readers.
        command: of a site, a transport and the file of rows.
        transports: it is measured on these.
        environment: beside the usual one.
        needs_store: its command wants the URL of a store, which is empty.
        missing: why it cannot be measured here; empty if it can.
        keeps_robots: it reads robots.txt, and the server looks that it has.
        keeps_cookies: it sends the shop's cookie back, ditto.
    """

    name: str
    what: str
    command: Callable[[str, str, Path], Sequence[str]]
    transports: tuple[str, ...] = ("plain",)
    environment: Mapping[str, str] = field(default_factory=dict)
    needs_store: bool = False
    missing: str = ""
    keeps_robots: bool = True
    keeps_cookies: bool = True


#: A setting of Scrapy: it notes when the spider opens and closes.
MARKS: Final = "EXTENSIONS=" + '{"marks.OpenToClose": 0}'

_AT_ONCE: Final = {"CONCURRENT_REQUESTS": "64", "CONCURRENT_REQUESTS_PER_DOMAIN": "64", "LOG_LEVEL": "INFO"}

#: AutoThrottle's delay is the latency through the target: with four times as many as may be open it follows the site
#: and never waits for it.
OUR_SETTINGS: Final = {
    **_AT_ONCE,
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "1",
    "AUTOTHROTTLE_START_DELAY": "0",
    "AUTOTHROTTLE_TARGET_CONCURRENCY": "256",
    "ROBOTSTXT_OBEY": "1",
    "COOKIES_ENABLED": "1",
}

_H2: Final = 'DOWNLOAD_HANDLERS={"https": "scrapy.core.downloader.handlers.http2.H2DownloadHandler"}'


def _options(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]


def _ours(recipe: str) -> Callable[[str, str, Path], Sequence[str]]:
    def command(site: str, transport: str, rows: Path) -> Sequence[str]:
        words = [sys.executable, "-m", "scrapy", "crawl", recipe, "-a", f"site={site}", "-O", str(rows)]
        return [*words, *_options(OUR_SETTINGS), "-s", MARKS]

    return command


def _by_hand(file: str, **settings: str) -> Callable[[str, str, Path], Sequence[str]]:
    def command(site: str, transport: str, rows: Path) -> Sequence[str]:
        is_h2 = transport == "https/2"
        python = str(PEERS_PYTHON) if is_h2 else sys.executable
        words = [python, "-m", "scrapy", "runspider", str(PROGRAMS / file), "-a", f"site={site}", "-O", str(rows)]
        h2 = ["-s", _H2] if is_h2 else []
        return [*words, *_options({**_AT_ONCE, "ROBOTSTXT_OBEY": "1", **settings}), "-s", MARKS, *h2]

    return command


def _program(
    file: str, *options: str, python: Path | str = sys.executable
) -> Callable[[str, str, Path], Sequence[str]]:
    return lambda site, transport, rows: [str(python), str(PROGRAMS / file), site, str(rows), *options]


_REDIS: Final = {
    "CONCURRENT_ITEMS": "1",
    "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
    "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
}

_RECIPES: Final = {"SCRAPY_SETTINGS_MODULE": "crawler.settings", "RECIPES_PATH": str(HERE / "recipes")}

_NO_PEERS: Final = "" if PEERS_PYTHON.exists() else "the environment of the peers is missing: `make bench` makes it"

VARIANTS: Final = (
    Variant(name="ours", what="a recipe, everything on", command=_ours("shop"), transports=ALL, environment=_RECIPES),
    Variant(name="hand", what="hand-written Scrapy, parsel CSS, stock settings", command=_by_hand("hand_shop.py")),
    Variant(
        name="hand-ci1",
        what="the same with CONCURRENT_ITEMS=1",
        command=_by_hand("hand_shop.py", CONCURRENT_ITEMS="1"),
        transports=ALL if PEERS_PYTHON.exists() else ALL[:-1],  # HTTP/2 of Scrapy's needs what is there
    ),
    Variant(name="ours-xpath", what="a recipe of XPath only", command=_ours("shop-xpath"), environment=_RECIPES),
    Variant(
        name="hand-xpath",
        what="hand-written Scrapy, XPath, CONCURRENT_ITEMS=1",
        command=_by_hand("hand_shop_xpath.py", CONCURRENT_ITEMS="1"),
    ),
    Variant(
        name="scrapy-redis",
        what="hand-written Scrapy with scrapy-redis and Valkey, CONCURRENT_ITEMS=1",
        command=_by_hand("hand_shop.py", **_REDIS),
        needs_store=True,
    ),
    Variant(
        name="crawlee-parsel",
        what="crawlee, ParselCrawler",
        command=_program("crawlee_parsel.py", python=PEERS_PYTHON),
        missing=_NO_PEERS,
        keeps_cookies=False,
    ),
    Variant(
        name="crawlee-lexbor",
        what="crawlee, HttpCrawler with lexbor",
        command=_program("crawlee_lexbor.py", python=PEERS_PYTHON),
        missing=_NO_PEERS,
        keeps_cookies=False,
    ),
    Variant(
        name="colly",
        what="colly with goquery",
        command=_program("colly"),
        missing="it is in no registry that this benchmark installs from",
    ),
    Variant(
        name="limit",
        what="event loop, httptools, lexbor; no crawler",
        command=_program("bare_loop.py"),
        keeps_robots=False,
        keeps_cookies=False,
    ),
)

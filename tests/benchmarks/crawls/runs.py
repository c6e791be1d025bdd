"""One crawl of the shop by one competitor: what it took, and whether it did what all do.

A crawl whose rows, pages or protocol are not as they should be has no figures.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from crawls.server import TRANSPORTS
from crawls.variants import PROGRAMS, ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from crawls.server import Sent, ShopServer
    from crawls.shop import Shop
    from crawls.variants import Variant

#: A crawl that is not done after so many seconds is killed.
PATIENCE_S: Final = 600.0

#: Beginnings of variables that would make a crawl another one than a user's; without byte code, ours would be compiled
#: each time it begins, and what was installed from wheels would not.
_NOT_THEIRS: Final = ("COVERAGE_", "SCRAPY_", "PYTEST", "PYTHONDONTWRITEBYTECODE")

#: The columns that are compared.
COLUMNS: Final = (
    *("url", "name", "sku", "price", "regular_price", "availability", "brand", "category", "description", "images"),
    *("rating", "votes", "canonical", "weight", "spec_values", "reviewers"),
)


class CrawlWrong(Exception):
    """It gave other rows, left pages out or asked twice: no figure of this run of the benchmark counts."""


class OtherProtocol(Exception):
    """It does not speak the protocol that is measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What one crawl took.

    Attributes:
        cpu_s: user and system time of its process and threads, from the opening of the spider to its closing.
        wall_s: by the clock, ditto.
        process_cpu_s: user and system time of the process and all that it has waited for, from first to last.
        process_wall_s: by the clock, ditto.
        peak_mib: the most memory that the process has had.
        rows: a hash of the sorted rows.
    """

    cpu_s: float
    wall_s: float
    process_cpu_s: float
    process_wall_s: float
    peak_mib: float
    rows: str

    def figures(self) -> dict[str, Any]:
        """As in a file of JSON."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def crawl(
    variant: Variant,
    *,
    server: ShopServer,
    transport: str,
    shop: Shop,
    folder: Path,
    cores: Collection[int],
    store_url: str = "",
) -> Run:
    """Runs it.

    Raises:
        CrawlWrong: see there.
        OtherProtocol: see there.
    """
    folder.mkdir(parents=True)
    rows, site = folder / "rows.csv", server.url(transport)
    command = list(variant.command(site, transport, rows))
    if variant.needs_store:
        command += ["-s", f"REDIS_URL={store_url}"]
    environment = _environment(variant, folder, ca_path=server.ca_path)
    server.sent()
    status, cpu_s, wall_s = _process(command, folder, environment, cores)
    if status != 0:
        raise CrawlWrong(
            f"{variant.name} ({shop.size}, {transport}) ended with {status}:\n{(folder / 'log').read_text()[-3000:]}"
        )
    check_sent(server.sent(), variant, shop, transport=transport)
    opened, closed = marks_of(folder / "marks")
    return Run(
        cpu_s=closed["cpu_s"] - opened["cpu_s"],
        wall_s=closed["wall_s"] - opened["wall_s"],
        process_cpu_s=cpu_s,
        process_wall_s=wall_s,
        peak_mib=closed["peak_mib"],
        rows=hash_of_rows(rows, site=site, count=shop.products),
    )


def _environment(variant: Variant, folder: Path, *, ca_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
    return {
        **own,
        "EGRESS_ALLOW": "127.0.0.0/8",
        "CRAWLERY_EXPORTS_DIR": str(folder),
        "CRAWL_MARKS": str(folder / "marks"),
        "PYTHONPATH": f"{PROGRAMS}{os.pathsep}{ROOT}",
        "SSL_CERT_FILE": str(ca_path),
        **variant.environment,
    }


def _process(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], cores: Collection[int]
) -> tuple[int, float, float]:
    """Its exit status, the CPU time of it and of all that it has waited for, and the time that it was there."""
    ours = os.sched_getaffinity(0)
    began = time.monotonic()
    with (folder / "log").open("wb") as log:
        os.sched_setaffinity(0, cores)
        try:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        finally:
            os.sched_setaffinity(0, ours)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - began > PATIENCE_S:
            process.kill()
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)  # nobody else can ask any more
    return process.returncode, usage.ru_utime + usage.ru_stime, time.monotonic() - began


def marks_of(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `marks` has noted at the opening and at the closing."""
    opened, closed = (json.loads(line) for line in path.read_text().splitlines())
    return opened, closed


def check_sent(sent: Sent, variant: Variant, shop: Shop, *, transport: str) -> None:
    """Each page once, with the manners that the competitor is said to have, by the protocol that is measured.

    Raises:
        CrawlWrong: pages were left out, asked for twice, or not there; or it has other manners.
        OtherProtocol: another one was spoken.
    """
    what = f"{variant.name} ({shop.size}, {transport})"
    paths = shop.paths()
    missing, strange = sorted(paths - sent.pages.keys()), sorted(sent.pages.keys() - paths)
    twice = [path for path, times in sent.pages.items() if times > 1]
    if missing or strange or twice or sent.others:
        facts = {"missing": missing, "unknown": strange, "twice": twice, "not 200": list(sent.others)}
        told = "; ".join(f"{len(value)} {name}, as {value[0]}" for name, value in facts.items() if value)
        raise CrawlWrong(f"{what} did not ask for each page once: {told}")
    if variant.keeps_robots and not sent.robots:
        raise CrawlWrong(f"{what} did not read robots.txt")
    if variant.keeps_cookies and sent.with_cookie < shop.products // 2:
        raise CrawlWrong(f"{what} sent the cookie with {sent.with_cookie} of {shop.pages} requests")
    protocol = TRANSPORTS[transport][2]
    if sent.protocols != {protocol}:
        raise OtherProtocol(f"{what} spoke {', '.join(sorted(sent.protocols))}, not {protocol}")


def hash_of_rows(path: Path, *, site: str, count: int) -> str:
    """Of the sorted rows; the site's own address, which is another one each time, counts as one.

    Raises:
        CrawlWrong: there are more or fewer, or a cell is empty.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [tuple(cell(row[name]).replace(site, "") for name in COLUMNS) for row in csv.DictReader(file)]
    if len(rows) != count:
        raise CrawlWrong(f"{path} has {len(rows)} rows, not {count}")
    empty = sorted({name for row in rows for name, value in zip(COLUMNS, row, strict=True) if not value})
    if empty:
        raise CrawlWrong(f"{path} has rows without {', '.join(empty)}")
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


def cell(text: str) -> str:
    """A list as its members with commas between them: as JSON, it is what others write with commas."""
    return ",".join(json.loads(text)) if text.startswith("[") else text

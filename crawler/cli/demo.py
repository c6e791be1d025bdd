"""`crawlery demo`: the whole platform at work on the sample shop, with one worker killed on the way.

Everything is real: a store, a storage of files, the control API, two nodes and a steward as processes of their own, and
four workers on one job, which a client of the API has submitted. The rows in the end are compared with what the shop
says that it sells.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import tempfile
from csv import DictReader
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import urlopen

import click

from crawler.cli import console, exits
from crawler.cli.demo_truth import compared
from crawler.cli.groups import CommandFailed
from crawler.cli.job_desk_api import ApiDesk
from crawler.cli.outputs import check_writable
from crawler.client.client import Client
from crawler.config import process_environment
from crawler.up.options import PlatformOptions
from crawler.up.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.cli.job_view import JobView
    from crawler.cli.progress import ProgressDisplay
    from crawler.client.model import JobAccepted, Results
    from crawler.up.spec import ChildState

_ROWS_SHOWN: Final = 5
_COLUMNS_SHOWN: Final = ("sku", "name", "price", "currency", "availability")

_NODES: Final = 2
_SLOTS: Final = 2

#: As a shop that answers like most do, and that takes more visitors at once than strangers are usually asked to bear:
#: four workers would have nothing to do otherwise.
_SHOP_DELAY_MS: Final = 60.0
_SETTINGS: Final = {"CONCURRENT_REQUESTS_PER_DOMAIN": "16"}

#: A worker is killed when all are at work, or when so many pages are settled.
_KILL_AFTER_PAGES: Final = 200

#: Of the key that the demo makes for its client.
_SCOPES: Final = ("jobs:write", "jobs:read", "results:read")

_LINK_S: Final = 900
_LINK_TIMEOUT_S: Final = 10.0

#: NODE/PID/SEAT, as nodes call their workers.
_WORKER: Final = re.compile(r"(?P<node>[^/]+)/(?P<pid>\d+)/")


@click.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), default=Path("out/shop.csv"), show_default=True,
    help="File for the rows, .csv.",
)  # fmt: skip
@click.pass_context
def demo(ctx: click.Context, *, output: Path) -> None:
    """Start a platform, crawl the bundled sample shop with four workers, kill one, and check the rows.

    Nothing of it stays but the file.
    """
    check_writable(output, "--output")
    with tempfile.TemporaryDirectory(prefix="crawlery-demo-") as folder:
        ctx.exit(asyncio.run(_Demo(Path(folder), output).run()))


class _Demo:
    def __init__(self, folder: Path, output: Path) -> None:
        self._folder = folder
        self._output = output
        self._options = PlatformOptions(
            data_dir=folder / "platform",
            nodes=_NODES,
            slots=_SLOTS,
            settings=_SETTINGS,
            shop=True,
            shop_delay_ms=_SHOP_DELAY_MS,
            environment=process_environment(),
        )
        self._killed = 0

    async def run(self) -> int:
        """Runs it; the exit status.

        Raises:
            CrawleryError: the platform does not come up, or its API refuses.
        """
        console.note(f"starting Valkey, SeaweedFS, API, steward, {_NODES} nodes and the sample shop in {self._folder}")
        async with Platform(self._options, on_change=_tell) as platform:
            shop = next(state.address for state in platform.states() if state.name == "shop")
            return await asyncio.to_thread(self._crawl, platform.environment, shop)

    def _crawl(self, reach: Mapping[str, str], shop: str) -> int:
        """What a client of the API does, from its first key to its file."""
        url = reach["CRAWLERY_API_URL"]
        with Client(url, reach["CRAWLERY_API_KEY"]) as admin:
            account = admin.clients.create("demo", name="The demo")
            key = admin.keys.create(account.id, scopes=_SCOPES, note="of the demo")
        console.note(f"API at {url}: client {account.id}, key {key.id} with the scopes {', '.join(_SCOPES)}")
        with Client(url, key.key) as client:

            def submit() -> JobAccepted:
                return client.jobs.submit(
                    recipe="shop", inputs={"site": shop}, max_workers=_NODES * _SLOTS, idempotency_key="demo"
                )

            job, again = submit(), submit()
            if again.id != job.id:
                raise CommandFailed(f"one Idempotency-Key has made two jobs, {job.id} and {again.id}")
            console.note(f"job {job.id}: the shop at {shop}, up to {job.max_workers} workers")
            console.note("submitted twice with one Idempotency-Key, as after a lost answer: it is one job")
            status = ApiDesk(client).watch(job.id, look=self._look)
            return self._show(client.results.get(job.id, expires_s=_LINK_S), shop) or status

    def _look(self, display: ProgressDisplay, seen: JobView) -> None:
        """Kills one worker, once, and says so."""
        if self._killed:
            return
        running = [_WORKER.match(worker.name) for worker in seen.workers if worker.is_running]
        workers = [match for match in running if match is not None]
        late = sum(seen.books.settled.values()) >= _KILL_AFTER_PAGES
        if len(workers) < (2 if late else _NODES * _SLOTS):
            return
        self._killed = int(workers[0]["pid"])
        try:
            os.kill(self._killed, signal.SIGKILL)
        except ProcessLookupError:
            self._killed = 0
            return
        text = f"kill -9 {self._killed}: one of {len(workers)} workers, on {workers[0]['node']}"
        display.to.print(text, style="bold red", soft_wrap=True)

    def _show(self, results: Results, shop: str) -> int:
        """The file, its link, and whether it is what the shop sells."""
        if not results.files:
            raise CommandFailed(f"job {results.job} has ended without files, which should not be")
        file = next((file for file in results.files if file.format == "csv"), results.files[0])
        link = file.url
        if link is None:
            raise CommandFailed(f"{file.name} of job {results.job} is withheld, which should not be")
        with urlopen(link, timeout=_LINK_TIMEOUT_S) as answer:  # noqa: S310 - our own storage, on loopback
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise CommandFailed(f"{file.name} is not what the API says of job {results.job}: other bytes")
        self._output.parent.mkdir(parents=True, exist_ok=True)
        self._output.write_bytes(content)
        to = console.out()
        with self._output.open(encoding="utf-8", newline="") as lines:
            rows = list(DictReader(lines))
        names = [name for name in _COLUMNS_SHOWN if rows and name in rows[0]]
        console.line(to, "")
        console.print_rows(to, names, [[row[name] for name in names] for row in rows[:_ROWS_SHOWN]])
        console.line(to, "")
        console.line(to, ("Downloaded from this presigned link: ", "bold"), link)
        differences = compared(rows, site=shop)
        for difference in differences[:5]:
            console.line(to, (f"  {difference}", "red"))
        verdict = "every cell is what the shop sells" if not differences else f"{len(differences)} differences"
        killed = f", though worker {self._killed} was killed" if self._killed else ""
        console.line(to, (f"{len(rows):,} rows in {self._output}", "bold"), f": {verdict}{killed}")
        console.note("`crawlery up --demo` runs the same platform until Ctrl-C; the recipe is recipes/shop.yaml")
        return 1 if differences or not self._killed else exits.OK


def _tell(state: ChildState) -> None:
    """One line for each child that is ready, or in trouble."""
    if state.state in ("ready", "down", "failed"):
        why = f" ({state.why})" if state.why else ""
        console.note(f"  {state.name:<10} {state.state} {state.address}{why}")

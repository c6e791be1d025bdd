"""`crawlery demo`: the whole platform at work on the sample shop, with one worker killed on the way.

Everything is real: a store, a storage of files, two nodes and a steward as processes of their own, four workers on one
job. The rows in the end are compared with what the shop says that it sells.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import tempfile
from csv import DictReader
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import urlopen

import click

from crawler.cli import console, exits
from crawler.cli.demo_truth import compared
from crawler.cli.groups import CommandFailed
from crawler.cli.job_desk_store import followed
from crawler.cli.job_submit import new_job, submit
from crawler.cli.outputs import check_writable
from crawler.cli.recipes import load
from crawler.config import process_environment, read_config
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.storage import object_store_of
from crawler.jobs.seats import RedisSeats
from crawler.store import Store, connect
from crawler.up.options import PlatformOptions
from crawler.up.platform import Platform

if TYPE_CHECKING:
    from crawler.cli.progress import ProgressDisplay
    from crawler.exports.objects import ObjectStore
    from crawler.frontier.contract import Ledger
    from crawler.jobs.model import Job
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
            CrawleryError: the platform does not come up.
        """
        console.note(f"starting Valkey, SeaweedFS, a steward, {_NODES} nodes and the sample shop in {self._folder}")
        async with Platform(self._options, on_change=_tell) as platform:
            shop = next(state.address for state in platform.states() if state.name == "shop")
            config = replace(
                read_config(running_platform=False),
                redis_url=platform.environment["REDIS_URL"],
                storage_url=platform.environment["STORAGE_URL"],
                s3_endpoint_url=platform.environment["S3_ENDPOINT_URL"],
                s3_region=platform.environment["S3_REGION"],
                s3_sse=platform.environment["S3_SSE"],
                s3_access_key_id=platform.environment["AWS_ACCESS_KEY_ID"],
                s3_secret_access_key=platform.environment["AWS_SECRET_ACCESS_KEY"],
            )
            objects = object_store_of(config)
            store = Store(connect({"url": config.redis_url}))
            try:
                job, _ = await submit(store, objects, new_job(load("shop"), {"site": shop}, workers=_NODES * _SLOTS))
                console.note(f"job {job.id}: the shop at {shop}, up to {job.max_workers} workers")
                status = await followed(
                    store, job.id, look=lambda display, books: self._look(display, books, store, job)
                )
            finally:
                await store.close()
            return await asyncio.to_thread(self._show, objects, job, shop) or status

    async def _look(self, display: ProgressDisplay, books: Ledger, store: Store, job: Job) -> None:
        """Kills one worker, once, and says so."""
        if self._killed:
            return
        seats = await RedisSeats(store).of(job.id)
        workers = [match for seat in seats if (match := _WORKER.match(seat.worker))]
        late = sum(books.settled.values()) >= _KILL_AFTER_PAGES
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

    def _show(self, objects: ObjectStore, job: Job, shop: str) -> int:
        """The file, its link, and whether it is what the shop sells."""
        manifest = read_manifest(objects, JobKeys(client=job.client, job=job.id))
        if manifest is None or not manifest.files:
            raise CommandFailed(f"job {job.id} has ended without files, which should not be")
        file = next((file for file in manifest.files if file.format == "csv"), manifest.files[0])
        link = objects.link(file.key, file_name=file.name, expires_s=_LINK_S)
        with urlopen(link, timeout=_LINK_TIMEOUT_S) as answer:  # noqa: S310 - our own storage, on loopback
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise CommandFailed(f"{file.key} is not what the manifest of {job.id} says: other bytes")
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

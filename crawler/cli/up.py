"""`crawlery up`: the whole platform on this machine, in the foreground, until Ctrl-C."""

from __future__ import annotations

import asyncio
import shlex
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import pairs
from crawler.cli.up_display import DRAWN_EVERY_S, UpDisplay
from crawler.config import process_environment, read_config
from crawler.store import shown_address
from crawler.up import servers, workers
from crawler.up.options import PlatformOptions
from crawler.up.platform import Platform

if TYPE_CHECKING:
    from crawler.up.spec import ChildState

_PORT: Final = click.IntRange(1, 65535)

_EPILOG = """
Without further options everything is started here, on 127.0.0.1: Valkey (the store of jobs), SeaweedFS (an S3), the
control API, stewards and nodes. What dies is started again, and what there is is kept in the data folder over a
restart. Other commands typed in the same folder find the platform by themselves.

Ctrl-C stops all of it in order: nodes give back the pages that they have, within 30 s. A second Ctrl-C kills at once,
after which nothing is lost either.
"""


@click.command(epilog=_EPILOG)
@click.option("--nodes", type=click.IntRange(0, 64), default=2, show_default=True, help="How many nodes.")
@click.option("--slots", type=click.IntRange(1, 64), help="Crawls that one node runs at once.")
@click.option("--stewards", type=click.IntRange(0, 8), default=1, show_default=True, help="How many stewards.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where everything is kept.  [env: CRAWLERY_DATA_DIR; default: crawlery-data]",
)  # fmt: skip
@click.option("--set", "-s", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of Scrapy, for workers.")
@click.option("--demo", is_flag=True, help="Serve the bundled sample shop too, as a site to crawl.")
@click.option("--redis-url", metavar="URL", help="A store that is there already.  [env: REDIS_URL]")
@click.option("--storage-url", metavar="URL", help="s3://BUCKET/PREFIX or file:///FOLDER.  [env: STORAGE_URL]")
@click.option("--valkey-port", type=_PORT, help="Instead of the port that is kept in the data folder.")
@click.option("--s3-port", type=_PORT, help="The same for S3.")
@click.option("--api-port", type=_PORT, help="The same for the control API.")
@click.pass_context
def up(
    ctx: click.Context,
    *,
    nodes: int,
    slots: int | None,
    stewards: int,
    data_dir: Path | None,
    settings: tuple[str, ...],
    demo: bool,
    redis_url: str | None,
    storage_url: str | None,
    valkey_port: int | None,
    s3_port: int | None,
    api_port: int | None,
) -> None:
    """Run the whole platform on this machine until Ctrl-C."""
    config = read_config(running_platform=False)
    storage = storage_url or config.storage_url
    if not storage and config.s3_endpoint_url:
        storage = f"s3://{servers.BUCKET}"
    ports = {servers.VALKEY: valkey_port, "s3": s3_port, workers.API: api_port}
    options = PlatformOptions(
        data_dir=data_dir or config.data_dir,
        nodes=nodes,
        slots=slots,
        stewards=stewards,
        settings=pairs(settings, "--set"),
        shop=demo,
        redis_url=redis_url or config.redis_url,
        storage=replace(config, storage_url=storage) if storage else None,
        ports={name: port for name, port in ports.items() if port is not None},
        environment=process_environment(),
    )
    ctx.exit(asyncio.run(_Foreground(options).run()))


class _Foreground:
    """A platform that is shown, and that ends with a signal."""

    def __init__(self, options: PlatformOptions) -> None:
        self._platform = Platform(options, on_change=self._changed)
        self._display = UpDisplay(console.out(), self._platform.states)
        self._asked = asyncio.Event()
        self._killed = False

    async def run(self) -> int:
        """Runs it from start to end; the exit status.

        Raises:
            CrawleryError: it cannot run; everything that was started has ended.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        with self._display:
            clock = asyncio.create_task(self._tick())
            try:
                await self._until_asked()
            finally:
                await self._platform.stop()
                clock.cancel()
        if self._platform.states():
            ended = "Everything was killed" if self._killed else "Everything has stopped"
            console.line(console.out(), f"{ended}; what there was is kept in {self._shown(self._platform.folder.path)}")
        return exits.INTERRUPTED if self._killed else exits.OK

    async def _until_asked(self) -> None:
        start = asyncio.create_task(self._platform.start())
        asked = asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait((start, asked), return_when=asyncio.FIRST_COMPLETED)
            if not start.done():
                start.cancel()
                await asyncio.wait((start,))
                return
            start.result()
            self._welcome()
            await asked
        finally:
            asked.cancel()

    def _signalled(self) -> None:
        if not self._asked.is_set():
            self._asked.set()
            self._display.line(("Stopping, nodes first; Ctrl-C again kills everything at once", "bold"))
            return
        self._killed = True
        self._platform.kill_all()

    def _changed(self, state: ChildState) -> None:
        self._display.changed(state)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(DRAWN_EVERY_S)
            self._display.draw()

    def _welcome(self) -> None:
        """Where everything is, and what to type next."""
        platform, line = self._platform, self._display.line
        options, where = platform.options, self._shown(platform.folder.path)
        addresses = {state.name: state.address for state in platform.states()}
        line("")
        line(("The platform is up.", "bold green"))
        rows = [(name, addresses[name]) for name in (workers.API, *workers.node_names(options))]
        if options.storage is None:
            rows.append(("S3", f"{addresses[servers.SEAWEEDFS]}, bucket {servers.BUCKET}"))
        else:
            rows.append(("files", options.storage.storage_url))
        store = (shown_address(options.redis_url) or "that address") if options.redis_url else addresses[servers.VALKEY]
        rows.append(("store", store))
        if options.shop:
            rows.append(("shop", addresses[workers.SHOP]))
        user = platform.environment.get("SCRAPYD_USERNAME")
        consoles = f" (consoles of nodes: user {user})" if user else ""
        rows += [("passwords", f"{where}/platform.env{consoles}"), ("logs", f"{where}/logs")]
        for name, what in rows:
            line(f"  {name:<10} {what}")
        line("")
        if platform.first_api_key:
            line("An API key with every scope that an administrator needs; it is shown this once:")
            line((f"  {platform.first_api_key}", "bold"))
            line("")
        site = addresses[workers.SHOP] if options.shop else "http://..."
        line("Submit a job, in another terminal" + (" and this folder:" if self._is_usual() else ":"))
        if not self._is_usual():
            line((f"  export CRAWLERY_DATA_DIR={shlex.quote(str(platform.folder.path))}", "bold"))
        line((f"  crawlery job run shop -i site={site}", "bold"))
        line("Ctrl-C stops everything in order.")
        line("")

    def _is_usual(self) -> bool:
        """Whether commands that are typed in this folder find the data folder without being told."""
        return self._platform.folder.path == Path.cwd() / "crawlery-data"

    def _shown(self, path: Path) -> str:
        here = Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) and path != here else path)

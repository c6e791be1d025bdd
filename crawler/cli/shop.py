"""`crawlery shop` and `crawlery demo`: the bundled sample shop, to try things on and to see a crawl."""

from __future__ import annotations

import asyncio
import logging
import signal
from csv import DictReader
from pathlib import Path
from typing import Final

import click

from crawler.cli import console
from crawler.cli.crawl import feeds, find_spider, report
from crawler.cli.crawling import run_spider
from crawler.cli.groups import CommandFailed
from crawler.sample_shop.server import ShopConfig, ShopServer, running_shop
from crawler.spiders.runner import project_settings

_ROWS_SHOWN: Final = 5
_COLUMNS_SHOWN: Final = ("sku", "name", "price", "currency", "availability")


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--products", type=click.IntRange(1, 100_000), default=320, show_default=True, help="How many it sells.")
@click.option("--delay-ms", type=click.FloatRange(0, 60_000), default=0.0, help="Wait before every answer.")
def shop(*, port: int, products: int, delay_ms: float) -> None:
    """Serve the bundled sample shop on 127.0.0.1 until Ctrl-C. Its pages never change."""
    try:
        asyncio.run(_serve(ShopServer(ShopConfig(port=port, products=products, delay_ms=delay_ms))))
    except OSError as error:
        hint = "--port 0 takes a free one" if error.errno is not None else ""
        raise CommandFailed(f"port {port}: {(error.strerror or str(error)).lower()}; {hint}") from error


async def _serve(server: ShopServer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        click.echo(server.url)
        console.note(f"serving the sample shop; a list to begin with: {server.url}/c/lighting/ (Ctrl-C ends)")
        await stop.wait()


@click.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), default=Path("out/shop.csv"), show_default=True,
    help="File for the rows, .csv or .jsonl.",
)  # fmt: skip
@click.pass_context
def demo(ctx: click.Context, *, output: Path) -> None:
    """Crawl the bundled sample shop with recipes/shop.yaml and show what came out."""
    settings = project_settings()
    spider, recipe = find_spider("shop", settings)
    settings.set("FEEDS", feeds(output, recipe, None), priority="cmdline")
    with running_shop() as server:
        console.note(f"the sample shop is at {server.url}; crawling it with the recipe `shop`")
        finished = run_spider(
            spider, {"site": server.url}, settings, to=console.err(), log_level=logging.WARNING, log_file=None
        )
    status = report(finished, sample=False)
    if output.suffix == ".csv" and output.is_file():
        console.line(console.out(), "")
        with output.open(encoding="utf-8", newline="") as file:
            reader = DictReader(file)
            names = [name for name in _COLUMNS_SHOWN if name in (reader.fieldnames or ())]
            rows = [[row[name] for name in names] for _, row in zip(range(_ROWS_SHOWN), reader, strict=False)]
        console.print_rows(console.out(), names, rows)
    console.line(console.out(), "")
    console.line(console.out(), ("The rows are in ", "bold"), str(output), "; the recipe is recipes/shop.yaml")
    ctx.exit(status)

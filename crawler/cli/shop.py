"""`crawlery shop`: the bundled sample shop, to try things on."""

from __future__ import annotations

import asyncio
import signal

import click

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.sample_shop.server import ShopConfig, ShopServer


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

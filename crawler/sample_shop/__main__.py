"""`python -m crawler.sample_shop`: serves the shop, or a folder of saved pages, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.errors import ConfigError
from crawler.sample_shop.catalogue import DEFAULT_PRODUCTS, DEFAULT_SEED
from crawler.sample_shop.server import ShopConfig, ShopServer, serve_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.sample_shop.httpd import HttpServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the first line on stdout is the address.

    Returns:
        0 after SIGINT or SIGTERM, 2 if it could not start.

    """
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(_server(options)))
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"sample shop: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crawler.sample_shop", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one (default)")
    parser.add_argument("--products", type=int, default=DEFAULT_PRODUCTS, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed is another shop")
    parser.add_argument("--heal-after", type=int, default=2, metavar="N", help="500s before broken pages heal")
    parser.add_argument("--always-500", action="append", default=[], metavar="PATH", help="a path that never works")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="wait before every answer")
    parser.add_argument("--crawl-delay", type=float, default=None, metavar="S", help="Crawl-delay in robots.txt")
    parser.add_argument("--directory", type=Path, help="serve the files of this folder instead of the shop")
    return parser


def _server(options: argparse.Namespace) -> HttpServer:
    if options.directory is not None:
        return serve_directory(options.directory, host=options.host, port=options.port)
    return ShopServer(
        ShopConfig(
            seed=options.seed,
            products=options.products,
            host=options.host,
            port=options.port,
            heal_after=options.heal_after,
            always_500=frozenset(options.always_500),
            delay_ms=options.delay_ms,
            crawl_delay_s=options.crawl_delay,
        )
    )


async def _serve(server: HttpServer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())

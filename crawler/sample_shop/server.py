"""Runs the sample shop, or a folder of saved pages: inside an event loop, or beside the calling thread.

async with ShopServer(ShopConfig()) as shop: ...     # in a loop of your own
with running_shop(products=40) as shop: ...          # in a thread; everything on 127.0.0.1
with running_site(Path("saved")) as site: ...
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from crawler.sample_shop.httpd import HttpServer
from crawler.sample_shop.shop import SampleShop, ShopConfig
from crawler.sample_shop.static import directory_handler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crawler.sample_shop.model import Catalogue

_Server = TypeVar("_Server", bound=HttpServer)

__all__ = ["ShopConfig", "ShopServer", "running_server", "running_shop", "running_site", "serve_directory"]


class ShopServer(HttpServer):
    """The sample shop on a port. `url` and `log` as of every `HttpServer`."""

    def __init__(self, config: ShopConfig | None = None) -> None:
        config = config or ShopConfig()
        self._shop = SampleShop(config)
        super().__init__(self._shop.handle, host=config.host, port=config.port)

    @property
    def catalogue(self) -> Catalogue:
        """What is sold; `catalogue.truth(url)` are the rows that a correct recipe gives."""
        return self._shop.catalogue

    @property
    def heals(self) -> frozenset[str]:
        """The paths that answer 500 at first."""
        return self._shop.heals


def serve_directory(directory: Path, *, host: str = "127.0.0.1", port: int = 0) -> HttpServer:
    """A server for the files of a folder; ConfigError if there is no such folder."""
    return HttpServer(directory_handler(directory), host=host, port=port)


@contextmanager
def running_shop(**config: Any) -> Iterator[ShopServer]:
    """Runs the shop in a thread until the block ends. Keywords are those of `ShopConfig`."""
    with running_server(ShopServer(ShopConfig(**config))) as shop:
        yield shop


@contextmanager
def running_site(directory: Path, *, port: int = 0) -> Iterator[HttpServer]:
    """Serves a folder of saved pages from a thread until the block ends."""
    with running_server(serve_directory(directory, port=port)) as site:
        yield site


@contextmanager
def running_server(server: _Server) -> Iterator[_Server]:
    """Runs any server of this package in a thread until the block ends; OSError if its port is taken."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        try:
            async with server:
                started.set_result((asyncio.get_running_loop(), stop))
                await stop.wait()
        except OSError as error:  # the port is taken: the caller wants to know, not this thread
            started.set_exception(error)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="sample-shop", daemon=True)
    thread.start()
    try:
        loop, stop = started.result()
    except OSError:
        thread.join()
        raise
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()

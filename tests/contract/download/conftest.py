"""Both download handlers of http and https, ours and Scrapy's, and sites for them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest
from canary import Canary
from scrapy import Request, Spider
from scrapy.crawler import Crawler

from crawler.downloader.http import HttpDownloadHandler
from crawler.downloader.resolver import installed_resolver
from crawler.spiders.runner import project_settings

sys.path.insert(0, str(Path(__file__).parent))

from wire import PATIENCE_S, Authority, wire_proxy, wire_site


class Client:
    """A handler of a crawl that has these settings, and calls of it from the thread of a test."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, settings: dict) -> None:
        self.name, self._loop = name, loop
        self.run(self._start({"DOWNLOAD_CLIENT": name, "DOWNLOAD_TIMEOUT": 10, **settings}))

    async def _start(self, settings: dict) -> None:
        self.crawler = Crawler(Spider, project_settings(settings))
        self.crawler.spider = Spider("hand")
        installed_resolver(self.crawler.settings)
        self.handler = HttpDownloadHandler.from_crawler(self.crawler)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    def request(self, url: str, **kwargs) -> Request:
        kwargs.setdefault("meta", {}).setdefault("download_timeout", 10.0)  # as DownloadTimeoutMiddleware sets it
        return Request(url, **kwargs)

    def get(self, url: str, **kwargs):
        return self.run(self.handler.download_request(self.request(url, **kwargs)))

    def get_all(self, urls):
        async def go():
            requests = [self.handler.download_request(self.request(url)) for url in urls]
            return await asyncio.gather(*requests, return_exceptions=True)

        return self.run(go())

    def close(self) -> None:
        self.run(self.handler.close())


@pytest.fixture
def new_client(reactor_loop):
    """Makes clients: `new_client("curl", DOWNLOAD_MAXSIZE=5)`."""
    with contextlib.ExitStack() as stack:

        def new(name: str, **settings) -> Client:
            client = Client(reactor_loop, name, settings)
            stack.callback(client.close)
            return client

        yield new


@pytest.fixture(params=["curl", "scrapy"])
def name(request):
    """Of the client."""
    return request.param


@pytest.fixture
def client(name, new_client):
    """A client of each kind, with the settings of the project."""
    return new_client(name)


@pytest.fixture
def canary():
    canary = Canary("127.0.0.2", "127.0.0.1")
    yield canary
    canary.close()


@pytest.fixture
def site():
    with wire_site() as site:
        yield site


@pytest.fixture
def proxy(site):
    with wire_proxy(site.port) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, monkeypatch):
    """The authority of the tests, trusted as that of a system is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority

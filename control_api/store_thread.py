"""The store of jobs, for threads that wait: one event loop in a thread of its own, on which everybody's calls run.

Stores of jobs, frontiers and nodes are asyncio, and calls that are made together leave together: so a hundred threads
need one connection. Calls wait for ever when the store is away; who calls the API waits until its deadline, and is
told.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crawler.errors import StoreAway
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

_T = TypeVar("_T")

#: A frozen store is noticed after so long, in seconds: shorter than what a caller waits.
_CONNECT_TIMEOUT_S: Final = 0.5
_ANSWER_TIMEOUT_S: Final = 1.0


class StoreThread:
    """See the module. Made where it is used: an event loop does not survive a fork."""

    def __init__(self, url: str, *, prefix: str = "crawlery") -> None:
        """`url` of the store; `prefix` of its keys."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="store", daemon=True)
        self._thread.start()
        self.store = asyncio.run_coroutine_threadsafe(self._connected(url, prefix), self._loop).result()

    @staticmethod
    async def _connected(url: str, prefix: str) -> Store:
        options = {"socket_connect_timeout": _CONNECT_TIMEOUT_S, "socket_timeout": _ANSWER_TIMEOUT_S}
        return Store(connect({"url": url, **options}), prefix=prefix)

    def ask(self, call: Callable[[Store], Coroutine[Any, Any, _T]], *, within_s: float) -> _T:
        """What `call` answers.

        Raises:
            StoreAway: there is no answer in time. What was asked may have been done.
            StoreError: the store refuses it.
        """
        future = asyncio.run_coroutine_threadsafe(call(self.store), self._loop)
        try:
            return future.result(timeout=max(0.001, within_s))
        except FutureTimeoutError:
            if future.cancel():
                raise StoreAway(f"the store does not answer within {within_s:.1f} s") from None
            return future.result()  # it has come this moment, or is a time-out of `call` itself

    def begin(self, call: Callable[[Store], Coroutine[Any, Any, _T]]) -> Future[_T]:
        """Lets `call` go on beside whoever asks; the future tells its end, and can cancel it."""
        return asyncio.run_coroutine_threadsafe(call(self.store), self._loop)

    def close(self) -> None:
        """Lets the connection go, and ends the thread."""
        asyncio.run_coroutine_threadsafe(self.store.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

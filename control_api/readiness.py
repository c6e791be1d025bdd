"""Whether what the API stands on takes and gives, asked in the background every so often: `/ready` itself asks nobody.

Nobody is asked for nodes: a deployment that starts nodes when there is work would never start any.
"""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING, Final

from crawler.errors import ObjectStoreError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from control_api.store_thread import StoreThread
    from crawler.exports.objects import ObjectStore
    from crawler.store import Store

logger: Final = logging.getLogger(__name__)

_STORE_EVERY_S: Final = 5.0
_STORAGE_EVERY_S: Final = 60.0

#: An answer that is not there yet is waited for so long.
_PATIENCE_S: Final = 2.0


class Watch:
    """Asks something in a thread of its own, and remembers what it said."""

    def __init__(self, what: str, look: Callable[[], str], *, every_s: float) -> None:
        """Begins to ask at once.

        Args:
            what: is asked, for the log.
            look: tells what is wrong in a sentence, "" if nothing is.
            every_s: seconds between two questions.
        """
        self._what = what
        self._look = look
        self._every_s = every_s
        self._problem = ""
        self._stop = threading.Event()
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch {what}", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        """What is wrong, as of a moment ago; "" if nothing is."""
        return self._problem if self._asked.wait(_PATIENCE_S) else f"{self._what} has not answered yet"

    def close(self) -> None:
        """Asks no more; a question that is under way is waited for a little."""
        self._stop.set()
        self._thread.join(_PATIENCE_S)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                problem = self._look()
            except Exception:  # the border of a thread: one that ended would say for ever what it had seen last
                logger.exception("%s could not be asked", self._what)
                problem = f"{self._what} could not be asked"
            if problem != self._problem:
                logger.warning("%s: %s", self._what, problem or "well again")
            self._problem = problem
            self._asked.set()
            self._stop.wait(self._every_s)


def watch_store(store: StoreThread) -> Watch:
    """Whether the store of jobs takes and gives."""

    def look() -> str:
        try:
            return store.ask(_write_and_read, within_s=_PATIENCE_S)
        except StoreError as error:
            return str(error)

    return Watch("the store", look, every_s=_STORE_EVERY_S)


def watch_storage(objects: ObjectStore) -> Watch:
    """Whether the storage of files does."""

    def look() -> str:
        try:
            objects.check()
        except ObjectStoreError as error:
            return str(error)
        return ""

    return Watch("the storage of files", look, every_s=_STORAGE_EVERY_S)


async def _write_and_read(store: Store) -> str:
    key, value = f"{store.prefix}:ready:{secrets.token_hex(4)}", secrets.token_hex(8)
    await store.command("SET", key, value, "PX", 10_000)
    return "" if await store.command("GET", key) == value.encode() else "the store does not give what it took"

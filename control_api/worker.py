"""The process of gunicorn that answers: threads, of which a caller who is slow holds none for ever.

Gunicorn waits without end for the rest of the headers of a request, once its first byte has come, and for somebody to
take an answer. A few dozen such callers, who need no key, would be all threads. Here a connection is cut when it has
not come so far in time. Knows nothing of what is asked and answered.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn.workers.gthread import TConn

#: The headers of a request must have arrived after so long, in seconds. Five of them are gunicorn's own, in which it
#: waits for the first byte.
HEAD_PATIENCE_S: Final = 15.0

#: From then on it must be answered, and the answer taken, after so long.
CALL_PATIENCE_S: Final = 60.0


class PatientWorker(ThreadWorker):
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See gunicorn."""
        super().__init__(*args, **kwargs)
        self._until: dict[TConn, float] = {}  # connections that a thread is busy with
        self.on_told_to_go: Callable[[], None] = lambda: None

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Told to go when what has begun is answered; calls that would go on for long can end themselves."""
        super().handle_exit(sig, frame)
        self.on_told_to_go()

    def handle(self, conn: TConn) -> Any:
        """One request, in a thread."""
        self._until[conn] = time.monotonic() + HEAD_PATIENCE_S
        try:
            return super().handle(conn)
        finally:
            self._until.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """The same, now that its headers are there."""
        self._until[conn] = time.monotonic() + CALL_PATIENCE_S
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Cuts those that are late; called about once a second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, until in self._until.copy().items():
            if until < now:
                with contextlib.suppress(OSError):  # it is gone already
                    conn.sock.shutdown(socket.SHUT_RDWR)  # its thread finds the end of it, and closes it

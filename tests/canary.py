"""A port of this machine to which nobody should connect, and the count of those who did."""

from __future__ import annotations

import contextlib
import socket

#: So often a port that is free on one address is looked for on the others.
_TRIES = 50


class Canary:
    """Listens on one port of several addresses of this machine; by default on 127.0.0.2 alone."""

    def __init__(self, *hosts: str) -> None:
        self.sockets: list[socket.socket] = []
        for _ in range(_TRIES):
            try:
                port = 0
                for host in hosts or ("127.0.0.2",):
                    family = socket.AF_INET6 if ":" in host else socket.AF_INET
                    self.sockets.append(socket.create_server((host, port), family=family, backlog=512))
                    port = self.sockets[0].getsockname()[1]
                break
            except OSError:
                self.close()
        else:
            raise AssertionError(f"no port is free on all of {hosts}")
        for listening in self.sockets:
            listening.setblocking(False)
        self.port = port

    def url(self, host="127.0.0.2", path="/secret"):
        return f"http://{host}:{self.port}{path}"

    @property
    def connections(self):
        """How many came since the last look."""
        found = 0
        for listening in self.sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    listening.accept()[0].close()
                    found += 1
        return found

    def close(self):
        for listening in self.sockets:
            listening.close()
        self.sockets.clear()

"""A port of this machine to which nobody should connect, and the count of those who did."""

from __future__ import annotations

import contextlib
import socket


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


#: Two addresses of this machine, and that of IPv6 if it has one.
LOOPBACKS = ("127.0.0.1", "127.0.0.2", *(["::1"] if _has_ipv6() else []))

#: So often a port that is free on one address is looked for on the others.
_TRIES = 50


class Canary:
    """Listens on one port of several addresses of this machine; by default on a free one of 127.0.0.2 alone."""

    def __init__(self, *hosts: str, port: int = 0) -> None:
        self.sockets: list[socket.socket] = []
        for _ in range(1 if port else _TRIES):
            try:
                number = port
                for host in hosts or ("127.0.0.2",):
                    family = socket.AF_INET6 if ":" in host else socket.AF_INET
                    self.sockets.append(socket.create_server((host, number), family=family, backlog=512))
                    number = self.sockets[0].getsockname()[1]
                break
            except OSError:
                self.close()
        else:
            raise OSError(f"port {port or 'of any number'} is not free on all of {hosts}")
        for listening in self.sockets:
            listening.setblocking(False)
        self.port = number

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

"""Ports on loopback that stay the same over restarts: chosen once, then kept; never moved behind anybody's back.

Knows nothing of what listens there.
"""

from __future__ import annotations

import secrets
import socket
import time
from typing import TYPE_CHECKING, Final

from crawler.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

HOST: Final = "127.0.0.1"

#: From where ports are chosen: below what the kernel gives to connections that go out (from 32768), one of which would
#: otherwise sit on a kept port now and then. `COMPANION` above a port must be below that, too.
_LOWEST: Final = 10_240
_HIGHEST: Final = 22_700
#: SeaweedFS looks for the gRPC port of its admin server so far above the other one, whatever it is told.
COMPANION: Final = 10_000
#: Ports of one platform lie together, so that two that start at once rarely choose the same.
_BLOCK: Final = 30
#: What the last platform had is free after this many seconds at most.
_PATIENCE_S: Final = 2.0


class PortTaken(PlatformError):
    """Something else listens on a port that is not to be moved."""


def is_free(port: int) -> bool:
    """Whether a server could listen there; ends of old connections do not count, as they do not for servers."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def settle_ports(
    names: Iterable[str],
    *,
    kept: Mapping[str, int],
    given: Mapping[str, int],
    state_file: Path,
    with_companion: frozenset[str] = frozenset(),
) -> dict[str, int]:
    """A port for each name: the given one, or the kept one, or a free one.

    Args:
        names: what ports are needed for.
        kept: from earlier starts; those of other names are left as they are.
        given: by options (`valkey` is `--valkey-port`).
        state_file: where kept ports are, for messages.
        with_companion: names that also need the port `COMPANION` above.

    Returns:
        All kept ports, with those of `names`.

    Raises:
        PortTaken: a given or kept port is in use; says which, for what, and what to do.
    """
    ports = {**kept, **given}
    chosen = _free_ports(taken=set(ports.values()))
    for name in names:
        offsets = (0, COMPANION) if name in with_companion else (0,)
        if name in ports:
            for offset in offsets:
                _require_free(name, ports[name] + offset, given=name in given, state_file=state_file)
            continue
        ports[name] = next(port for port in chosen if all(is_free(port + offset) for offset in offsets))
    return ports


def _require_free(name: str, port: int, *, given: bool, state_file: Path) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not is_free(port):
        if time.monotonic() < deadline_s:
            time.sleep(0.05)
            continue
        taken = f"port {port} for {name} is taken: something else listens on {HOST}:{port}, or this user may not"
        if given:
            raise PortTaken(f"{taken}; --{name}-port {port} says so: give another, or leave it out")
        raise PortTaken(
            f'{taken}; end that, or remove "{name}" from "ports" in {state_file}, and another port is chosen (then '
            f"links and a REDIS_URL that somebody has written down are no longer right)"
        )


def _free_ports(taken: set[int]) -> Iterable[int]:
    """Ports that nobody has, none of them twice; never ends, but for want of ports.

    Raises:
        PlatformError: there are none.
    """
    blocks = list(range(_LOWEST, _HIGHEST, _BLOCK))
    while blocks:
        first = blocks.pop(secrets.randbelow(len(blocks)))
        block = [port for port in range(first, first + _BLOCK) if port not in taken and is_free(port)]
        if len(block) > _BLOCK / 2:
            yield from block
    raise PlatformError(f"no free ports from {_LOWEST} to {_HIGHEST}")

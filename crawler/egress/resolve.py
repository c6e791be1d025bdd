"""A name becomes addresses once, and all of them are judged: whoever connects does so to what was judged here.

A name whose answer changes between a look and the connection (DNS rebinding) is looked up only once. One that has a
public and a private address at a time is refused as a whole, since the choice between the two would be its owner's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from crawler.egress.addresses import refusal
from crawler.errors import EgressRefused, NoAddress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from crawler.egress.addresses import Address, EgressPolicy

logger = logging.getLogger(__name__)

#: Longer than a name may be (RFC 1035); such a text reaches no resolver.
_LONGEST_NAME: Final = 253


async def resolve(
    host: str,
    policy: EgressPolicy,
    *,
    timeout_s: float,
    lookup: Callable[[str], Awaitable[Sequence[Any]]] | None = None,
) -> tuple[Address, ...]:
    """The addresses of a host, in the order in which they should be tried; at least one.

    Args:
        host: a name, or an address in any notation that the system's resolver knows.
        policy: of the deployment.
        timeout_s: how long to wait for the resolver.
        lookup: asks it, with answers as `getaddrinfo` gives them; by default the system's.

    Raises:
        EgressRefused: at least one of them may not be talked to.
        NoAddress: there is none, or no answer.
    """
    if len(host) > _LONGEST_NAME:
        raise NoAddress("a name of more than 253 characters has no address")
    try:
        async with asyncio.timeout(timeout_s):
            answers = await (lookup or _system_lookup)(host)
    except (OSError, ValueError) as error:  # ValueError: a label that is no part of a name, a NUL
        reason = getattr(error, "strerror", None) or str(error) or "no answer in time"
        raise NoAddress(f"{host} has no address: {reason}") from error
    addresses = tuple(dict.fromkeys(ip_address(answer[4][0]) for answer in answers))
    for address in addresses:
        kind = refusal(address, policy)
        if kind:
            raise EgressRefused(host, address=str(address), kind=kind)
    if not addresses:
        raise NoAddress(f"{host} has no address")
    return addresses


async def _system_lookup(host: str) -> Sequence[Any]:
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)

"""Nodes of a fleet, as they report themselves: where each is, how many workers it can run, and how many it runs.

A node that is silent is forgotten; nobody depends on the list, for nodes come for their seats by themselves.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from crawler.store import Caller

logger: Final = logging.getLogger(__name__)

#: A node that has reported nothing for so long is forgotten.
NODE_TTL_S: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One node. Times are ms since 1970, of the node's clock.

    Attributes:
        name: unique in the fleet.
        url: of its console.
        slots: workers that it can run.
        running: workers that it runs.
        is_draining: it takes no more seats.
        version: of Crawlery.
        started_ms: since when it is up.
    """

    name: str
    url: str
    slots: int
    running: int = 0
    is_draining: bool = False
    version: str = ""
    started_ms: int = 0


class RedisNodes:
    """The nodes of a store."""

    def __init__(self, store: Caller) -> None:
        self._store = store
        self._index = f"{store.prefix}:nodes"

    async def report(self, node: Node, *, ttl_s: float = NODE_TTL_S) -> None:
        """Says that a node is there, for the next `ttl_s` seconds.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.command("SADD", self._index, node.name)
        await self._store.command("SET", self._key(node.name), msgspec.json.encode(node), "PX", int(ttl_s * 1000))

    async def leave(self, name: str) -> None:
        """Takes a node off the list.

        Raises:
            StoreError: the store refuses us.
        """
        await self._store.command("UNLINK", self._key(name))
        await self._store.command("SREM", self._index, name)

    async def all(self) -> tuple[Node, ...]:
        """The nodes that are there, by name.

        Raises:
            StoreError: the store refuses us.
        """
        names = sorted(name.decode() for name in await self._store.command("SMEMBERS", self._index))
        nodes: list[Node] = []
        for name in names:
            reported = await self._store.command("GET", self._key(name))
            if reported is None:
                await self._store.command("SREM", self._index, name)
                continue
            try:
                nodes.append(msgspec.json.decode(reported, type=Node))
            except msgspec.DecodeError as error:
                logger.warning("The list of nodes leaves out %s, whose report cannot be read: %s", name, error)
        return tuple(nodes)

    def _key(self, name: str) -> str:
        return f"{self._store.prefix}:node:{name}"

"""What only the stores of one process do; their rules are in tests/contract/shared."""

from __future__ import annotations

import asyncio

from crawler.frontier.shared_contract import Robots, RobotsReply
from crawler.frontier.shared_memory import MAX_SITES, MemoryRobotsStore


def test_of_very_many_sites_those_asked_for_last_are_kept():
    async def main():
        store = MemoryRobotsStore()
        for number in range(MAX_SITES + 1):
            await store.keep(f"https://h{number}:443", Robots(status=200))
            await store.ask("https://h0:443", worker="w")
        return [await store.ask(f"https://h{number}:443", worker="w") for number in (0, 2, MAX_SITES, 1)]

    kept = RobotsReply(robots=Robots(status=200))
    assert asyncio.run(main()) == [kept, kept, kept, RobotsReply(yours=True)]

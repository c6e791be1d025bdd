"""Many watchers of jobs as one process, so that they do not share an interpreter with whoever measures.

Reads one line of JSON: host, port, key, jobs, count. Writes `{"watching": ...}` when each has been told how far its job
is, and after the end of all jobs what has happened: versions that each was told in order, ends of streams by the
monotonic clock of the machine, refusals, broken connections.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field

ENDED = ("succeeded", "failed", "cancelled", "expired")


@dataclass
class Watcher:
    """One of them."""

    job: str
    last: str = ""
    versions: list[int] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)  # of streams that said `come again`
    statuses: list[int] = field(default_factory=list)
    cut: int = 0
    is_told: bool = False
    has_ended: bool = False

    async def watch(self, said: dict) -> None:
        while not self.has_ended:
            try:
                await self.stream(said)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.cut += 1
            await asyncio.sleep(0.2)

    async def stream(self, said: dict) -> None:
        reader, writer = await asyncio.open_connection(said["host"], said["port"])
        try:
            going_on = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
            path = f"/v1/jobs/{self.job}/events"
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {said['key']}\r\n{going_on}\r\n"
            writer.write(head.encode())
            self.statuses.append(int((await asyncio.wait_for(reader.readline(), 60)).split()[1]))
            if self.statuses[-1] != 200:
                await asyncio.sleep(1)
                return
            is_clean = False
            while line := (await asyncio.wait_for(reader.readline(), 60)).decode().strip("\r\n"):
                assert line  # the headers
            event: dict[str, str] = {}
            while line := await asyncio.wait_for(reader.readline(), 60):
                name, _, value = line.decode().strip("\r\n").partition(": ")
                if name in ("id", "event", "data"):
                    event[name] = value
                elif value == "come again":
                    is_clean = True
                elif name == "0":  # the last chunk
                    break
                if name == "data":
                    self.hear(event)
                    event = {}
            if is_clean:
                self.ends.append(time.monotonic())
            elif not self.has_ended:
                self.cut += 1
        finally:
            writer.close()

    def hear(self, event: dict[str, str]) -> None:
        self.last = event.get("id", self.last)
        if event["event"] == "progress":
            self.is_told = True
            return
        self.versions.append(int(self.last.partition("-")[0]))
        self.has_ended = json.loads(event["data"])["state"] in ENDED


async def run() -> None:
    said = json.loads(sys.stdin.readline())
    watchers = [Watcher(said["jobs"][number % len(said["jobs"])]) for number in range(said["count"])]
    tasks = [asyncio.create_task(each.watch(said)) for each in watchers]
    while not all(each.is_told for each in watchers):  # noqa: ASYNC110 - of hundreds of tasks
        await asyncio.sleep(0.1)
    print(json.dumps({"watching": len(watchers)}), flush=True)
    await asyncio.gather(*tasks)
    facts = [
        {"job": each.job, "versions": each.versions, "ends": each.ends, "statuses": each.statuses, "cut": each.cut}
        for each in watchers
    ]
    print(json.dumps(facts), flush=True)


asyncio.run(run())

"""How to tell that a child is ready: a store that answers, a bucket that is there, a line that it prints, a port.

Each probe makes sure that it is the child who answers and not another server that happens to have its port.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import redis

from crawler.errors import ObjectStoreError
from crawler.store import connect_sync
from crawler.up.ports import HOST
from crawler.up.spec import Answer

if TYPE_CHECKING:
    from crawler.exports.objects_s3 import S3ObjectStore
    from crawler.up.spec import Started


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreAnswers:
    """A Valkey that has loaded its data. While it loads it is at work: that takes as long as there is data."""

    port: int
    password: str = field(repr=False)

    async def ask(self, started: Started) -> Answer:
        """Asks it for its pid, in a thread."""
        return await asyncio.to_thread(self._ask, started.pid)

    def _ask(self, pid: int) -> Answer:
        client = connect_sync({"host": HOST, "port": self.port, "password": self.password})
        try:
            answering = client.info("server")["process_id"]
        except redis.BusyLoadingError:
            return Answer(ready=False, at_work=True, why="it loads its data")
        except redis.RedisError as error:
            return Answer(ready=False, why=str(error))
        finally:
            client.close()
        if answering != pid:
            return Answer(ready=False, why=f"another server answers on port {self.port}")
        return Answer(ready=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketTakesFiles:
    """An S3 that knows our key and keeps an object in our bucket; the bucket is made if it is missing."""

    port: int
    store: S3ObjectStore = field(repr=False)

    async def ask(self, started: Started) -> Answer:
        """Asks it, in a thread."""
        _ = started
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> Answer:
        try:
            # The client would try a server that does not listen yet several times, with pauses that grow.
            socket.create_connection((HOST, self.port), timeout=1.0).close()
        except OSError as error:
            return Answer(ready=False, why=str(error))
        try:
            self.store.check()
        except ObjectStoreError as error:
            if not error.passing:
                return self._make(error)
            return Answer(ready=False, why=str(error))
        return Answer(ready=True)

    def _make(self, problem: ObjectStoreError) -> Answer:
        try:
            self.store.create_bucket()
        except ObjectStoreError as error:
            return Answer(ready=False, why=str(error))
        return Answer(ready=False, why=str(problem))


@dataclass(frozen=True, kw_only=True, slots=True)
class SaysLine:
    """A child that prints a line of JSON when it is ready: `{key: its name, "url": where it is}`, `url` if any."""

    key: str

    async def ask(self, started: Started) -> Answer:
        """Looks at what it has printed."""
        for line in started.output.splitlines():
            if not line.startswith(b"{"):
                continue
            try:
                said = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError:
                continue
            if self.key in said:
                return Answer(ready=True, address=str(said.get("url", "")))
        return Answer(ready=False, why=f'it has printed no line {{"{self.key}": ...}}')


@dataclass(frozen=True, kw_only=True, slots=True)
class SaysAddress:
    """A child that prints the URL where it is on a line of its own when it is ready."""

    async def ask(self, started: Started) -> Answer:
        """Looks at what it has printed."""
        for line in started.output.splitlines(keepends=True):
            if line.startswith((b"http://", b"https://")) and line.endswith(b"\n"):
                return Answer(ready=True, address=line.decode(errors="replace").strip())
        return Answer(ready=False, why="it has printed no address")

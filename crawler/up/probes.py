"""How to tell that a child is ready: a store that answers, a bucket that is there, a line that it prints, a port.

Each probe makes sure that it is the child who answers and not another server that happens to have its port.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
import botocore.exceptions
import msgspec
import redis

from crawler.store import connect_sync
from crawler.up.ports import HOST
from crawler.up.spec import Answer

if TYPE_CHECKING:
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
class BucketIsThere:
    """An S3 that knows our key, and has the bucket; it is made if it is missing."""

    endpoint_url: str
    region: str
    bucket: str
    key_id: str
    secret: str = field(repr=False)

    async def ask(self, started: Started) -> Answer:
        """Asks for the bucket, in a thread."""
        _ = started
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> Answer:
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            config=botocore.config.Config(
                connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
            ),
        )
        try:
            client.head_bucket(Bucket=self.bucket)
        except botocore.exceptions.ClientError as error:
            return self._make(client, error)
        except botocore.exceptions.BotoCoreError as error:
            return Answer(ready=False, why=str(error))
        finally:
            client.close()
        return Answer(ready=True)

    def _make(self, client: Any, error: botocore.exceptions.ClientError) -> Answer:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            return Answer(ready=False, why=str(error))
        try:
            client.create_bucket(Bucket=self.bucket)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as refused:
            return Answer(ready=False, why=str(refused))
        return Answer(ready=False, why=f"the bucket {self.bucket} is being made")


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

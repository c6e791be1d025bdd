"""A job on a platform, seen from outside: what the store says of it while it runs, and its files at the end."""

from __future__ import annotations

import csv
import io
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
import redis
from checker import Findings, check
from job_store import JobInStore
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY

from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.objects_s3 import S3ObjectStore

if TYPE_CHECKING:
    from arena import Site
    from client_orders import Order
    from seaweed_server import SeaweedServer
    from valkey_server import ValkeyServer

    from crawler.exports.manifest import Manifest
    from crawler.frontier.contract import Ledger

#: States that a job does not leave.
ENDS = ("succeeded", "failed", "cancelled", "expired")

#: A job is looked at so often.
_LOOK_EVERY_S = 0.25

_WORKER = re.compile(r"(?P<node>[^/]+)/(?P<pid>\d+)/")


class JobOnPlatform:
    """See the module.

    Attributes:
        order: that made it.
        state: as it was seen last; "" before the store knows it.
        settled: pages with an outcome, as of then.
        ended: whether it will not change any more.
    """

    def __init__(self, *, order: Order, site: Site, store: ValkeyServer, storage: SeaweedServer, client: str) -> None:
        self.order = order
        self.site = site
        self.state = ""
        self.settled = 0
        self.ended = False
        self.begun = time.monotonic()
        self.seconds = 0.0
        self._store, self._storage, self._client = store, storage, client
        self._look_at = 0.0

    @property
    def id(self) -> str:
        return self.order.job

    @property
    def share(self) -> float:
        """Of its pages that have an outcome."""
        return self.settled / len(self.site.content.links())

    @property
    def books(self) -> JobInStore:
        return JobInStore(self._store.url, self.id)

    def look(self) -> None:
        """Asks the store, now and then."""
        if self.ended or not self.id or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        try:
            self.state, self.settled = self.books.state(), self.books.settled()
        except redis.RedisError:  # it is away, or full: later
            return
        if self.state in ENDS:
            self.ended = True
            self.seconds = round(time.monotonic() - self.begun, 1)

    def sitting(self) -> list[tuple[str, int]]:
        """Node and process id of each worker that has a seat."""
        with redis.Redis.from_url(self._store.url) as client:
            seats = client.hvals(f"crawlery:{{{self.id}}}:seats")
        names = (msgspec.msgpack.decode(seat)[3] for seat in seats)
        return [(match["node"], int(match["pid"])) for name in names if (match := _WORKER.match(name))]

    def waiting_rows(self) -> int:
        """Bytes of rows that no recorded segment has."""
        with redis.Redis.from_url(self._store.url) as client:
            return int(client.hget(f"crawlery:{{{self.id}}}:books", "rows_bytes") or 0)

    def why(self) -> str:
        with redis.Redis.from_url(self._store.url) as client:
            return (client.hget(f"crawlery:{{{self.id}}}:job", "why") or b"").decode()

    def manifest(self) -> Manifest | None:
        objects = S3ObjectStore(
            bucket=BUCKET,
            prefix="arena",
            endpoint_url=self._storage.url,
            credentials=(ACCESS_KEY, SECRET_KEY, None),
        )
        found = read_manifest(objects, self._keys)
        if found is not None:
            self._objects = objects
        return found

    @property
    def _keys(self) -> JobKeys:
        return JobKeys(client=self._client, job=self.id)

    def findings(self, *, fetches: dict[str, int] | None, rewound: bool = False) -> Findings:
        """What is wrong with its files.

        Args:
            fetches: by path, of its site, if only this job has visited it.
            rewound: the store has forgotten something: what it counts is no measure.
        """
        manifest = self.manifest()
        if manifest is None:
            raise AssertionError(f"job {self.id} is {self.state} and has no manifest")
        books = self.books.ledger()
        again = books.expired + books.released + books.retries
        return check(
            expected=self.site.content.rows(self.site.url),
            pages=list(self.site.content.links()),
            rows=self._rows(manifest),
            fetches=fetches,
            settled=manifest.ledger.settled,
            leases_lost=None if rewound else again,
        )

    def _rows(self, manifest: Manifest) -> list[dict[str, str]]:
        (file,) = [file for file in manifest.files if file.format == "csv"]
        text = self._objects.get(file.key).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def ledger(self) -> Ledger:
        return self.books.ledger()

    def tell(self) -> dict[str, Any]:
        """What is known of it, for a person."""
        if not self.id:
            return {"order": self.order.last_error, "tries": self.order.tries}
        facts = {"job": self.id, "state": self.state, "why": self.why(), "seats": str(self.sitting())}
        return {**facts, "books": msgspec.to_builtins(self.ledger())}

"""A job on a platform, seen from outside: what the store says of it while it runs, and its files at the end."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import msgspec
import redis
from checker import Findings, check
from job_store import JobInStore

from crawler.errors import NoSuchObject, ObjectStoreError
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.jobs.attempts import decode_attempt

if TYPE_CHECKING:
    from arena import Site
    from client_orders import Order
    from valkey_server import ValkeyServer

    from crawler.exports.manifest import Manifest
    from crawler.exports.objects_s3 import S3ObjectStore

#: States that a job does not leave.
ENDS = ("succeeded", "failed", "cancelled", "expired")

#: A job is looked at so often.
_LOOK_EVERY_S = 0.25

#: One that has ended is looked at again: a store may have forgotten that. At first so often, in seconds, and later on,
#: when no store can have forgotten it any more, a tenth as often.
_LOOK_AGAIN_S = 2.0
_ENDED_LONG_AGO_S = 30.0

#: Exit statuses of workers that have left in order, or found the store away when they began.
_IN_ORDER = (0, 3, 4, 75, 130)

_WORKER = re.compile(r"(?P<node>[^/]+)/(?P<pid>\d+)/")


class JobOnPlatform:
    """See the module.

    Attributes:
        order: that made it.
        is_large: whether it is the only one that visits its site.
        state: as it was seen last; "" while the store does not know it.
        settled: pages with an outcome, as of then.
        parked: the most pages that were seen parked.
        ended: whether it has ended, as far as could be seen: a store may forget that.
        seconds: from its order to its end.
    """

    def __init__(
        self,
        *,
        order: Order,
        site: Site,
        is_large: bool,
        store: ValkeyServer,
        objects: S3ObjectStore,
        client: str,
    ) -> None:
        self.order = order
        self.site = site
        self.is_large = is_large
        self.state = ""
        self.settled = 0
        self.parked = 0
        self.ended = False
        self.seconds = 0.0
        self._begun = time.monotonic()
        self._store, self._client, self._objects = store, client, objects
        self._look_at = 0.0
        self._ended_at = 0.0
        self._first_manifest = b""

    @property
    def id(self) -> str:
        return self.order.job

    @property
    def books(self) -> JobInStore:
        return JobInStore(self._store.url, self.id)

    def look(self) -> None:
        """Asks the store, now and then."""
        now = time.monotonic()
        if not self.id or now < self._look_at:
            return
        if not self.ended:
            self._look_at = now + _LOOK_EVERY_S
        else:
            self._look_at = now + (_LOOK_AGAIN_S if now < self._ended_at + _ENDED_LONG_AGO_S else 10 * _LOOK_AGAIN_S)
        try:
            self.state, self.settled, parked = self.books.glance()
            self.parked = max(self.parked, parked)
            # What the store has forgotten has ended, if its manifest is there.
            has_ended = self.state in ENDS or (not self.state and bool(self.manifest_bytes()))
            if has_ended and not self.ended:
                self.seconds, self._ended_at = round(now - self._begun, 1), now
                self._first_manifest = self._first_manifest or self.manifest_bytes()
        except (redis.RedisError, ObjectStoreError):  # it is away, or full: later
            return
        self.ended = has_ended

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

    def failed_attempts(self) -> list[str]:
        """Workers that ended otherwise than in order, or by SIGKILL: how, and their last words."""
        with redis.Redis.from_url(self._store.url) as client:
            kept = map(decode_attempt, client.hvals(f"crawlery:{{{self.id}}}:attempts"))
        return [
            f"worker {each.worker} ended with {each.exit_code}, signal {each.signal}: {' / '.join(each.log_tail[-3:])}"
            for each in kept
            if each.exit_code not in (None, *_IN_ORDER) or each.signal not in (None, signal.SIGKILL)
        ]

    # --- its files ---

    @property
    def _keys(self) -> JobKeys:
        return JobKeys(client=self._client, job=self.id)

    def manifest_bytes(self) -> bytes:
        """The manifest as it lies there; empty if there is none."""
        try:
            return self._objects.get(self._keys.manifest)
        except NoSuchObject:
            return b""

    def findings(self, *, rewound: bool) -> Findings:
        """What is wrong with its files, if it was to run to its end.

        Args:
            rewound: the store has forgotten something: what it counts is no measure.
        """
        manifest = self._checked_manifest()
        books = self.books.ledger()
        again = books.expired + books.released + books.retries
        return check(
            expected=self.site.content.rows(self.site.url),
            pages=list(self.site.content.links()),
            rows=self._rows(manifest),
            fetches=self.site.process.fetches() if self.is_large else None,
            settled=manifest.ledger.settled,
            leases_lost=None if rewound else again,
            unbalanced=0 if books.balanced else 1,
            changed=int(self.manifest_bytes() != self._first_manifest),
        )

    def disagreements(self) -> list[str]:
        """What store, manifest and files say differently of it."""
        manifest = self._checked_manifest()
        wanted = ("cancelled",) if self.order.is_to_be_cancelled else ("succeeded",)
        problems = [] if manifest.state in (*wanted, "succeeded") else [f"it has {manifest.state}: {manifest.why}"]
        if manifest.state == "succeeded" and manifest.outcome != "complete":
            problems.append(f"it is {manifest.outcome}: {manifest.why}")
        if self.state and self.state != manifest.state:
            problems.append(f"the store says {self.state}, its manifest {manifest.state}")
        for file in manifest.files:
            content = self._objects.get(file.key)
            if (hashlib.sha256(content).hexdigest(), len(content)) != (file.sha256, file.size_bytes):
                problems.append(f"{file.key} is not what the manifest says")
        if len(self._rows(manifest)) != sum(manifest.ledger.rows.values()):
            problems.append(f"{len(self._rows(manifest))} rows, and the books say {manifest.ledger.rows}")
        if self.parked:
            problems.append(f"{self.parked} pages were parked")
        return problems

    def _checked_manifest(self) -> Manifest:
        manifest = read_manifest(self._objects, self._keys)
        assert manifest is not None, f"job {self.id} is {self.state or 'forgotten'} and has no manifest"
        return manifest

    @property
    def outcome(self) -> str:
        return self._checked_manifest().outcome

    def _rows(self, manifest: Manifest) -> list[dict[str, str]]:
        (file,) = [file for file in manifest.files if file.format == "csv"]
        text = self._objects.get(file.key).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def rows_of_a_cancelled_one(self) -> Findings:
        """What is wrong with the files of a job that was cancelled: whatever it has is of the site, and once."""
        manifest = self._checked_manifest()
        rows = self._rows(manifest)
        given = {row["url"] for row in rows}
        content = self.site.content.rows(self.site.url)
        expected = {path: row for path, row in content.items() if row["url"] in given}
        return check(expected=expected, pages=[], rows=rows, fetches=None, settled=None, leases_lost=None)

    def tell(self) -> dict[str, Any]:
        """What is known of it, for a person."""
        if not self.id:
            return {"order": self.order.last_error, "tries": self.order.tries}
        facts = {"job": self.id, "state": self.state, "why": self.why(), "seats": str(self.sitting())}
        return {**facts, "steps": self.order.steps, "books": msgspec.to_builtins(self.books.ledger())}

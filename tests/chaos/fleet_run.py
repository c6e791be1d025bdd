"""A whole fleet as processes: stewards and nodes on a store and a storage of files that can be killed, one job, and
what became of it.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import secrets
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import redis
from checker import Findings, check, not_ended
from job_store import JobInStore
from preloads import together
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY
from workers import HERE, LEASE_TTL_S, SPEED, Worker, ends, unmeasured, wait_until

from crawler.exports.intents import write_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.objects_s3 import S3ObjectStore
from crawler.jobs.attempts import Attempt, RedisAttempts
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.seats import RedisSeats, Seat
from crawler.recipe.loader import load_recipe
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from big_site import SiteProcess
    from seaweed_server import SeaweedServer
    from valkey_server import ValkeyServer

    from crawler.exports.manifest import Manifest

_T = TypeVar("_T")

CRAWLERY = Path(sys.executable).with_name("crawlery")

#: Nodes, stewards and workers that are silent for so long are replaced, in these tests.
SEAT_TTL_S = 3.0

#: As the environment of every process of the fleet has it: the same code, only more impatient.
IMPATIENT = {"LEASE_TTL": f"{LEASE_TTL_S:g}", "SEAT_TTL": f"{SEAT_TTL_S:g}", **SPEED}

_WORKER = re.compile(r"[^/]+/(\d+)/")


@dataclass(kw_only=True)
class Fleet:
    """One job on a fleet of its own.

    Attributes:
        more: of the environment of all its processes, beside what they need.
        surroundings: of a kind of process, `node` or `steward`: what its environment has beside the rest, as that of a
            `Clock`. It holds for what is started from then on.
    """

    site: SiteProcess
    store: ValkeyServer
    storage: SeaweedServer
    folder: Path
    job: str = "j"
    workers: int = 4
    slots: int = 2
    per_site: int = 64
    surroundings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    processes: list[Worker] = field(default_factory=list)
    killed_workers: int = 0
    more: Mapping[str, str] = field(default_factory=dict)
    prefix: str = field(default_factory=lambda: f"chaos-{secrets.token_hex(4)}")

    @classmethod
    @contextmanager
    def of(cls, *, stewards: int = 2, nodes: int = 2, **facts: Any) -> Iterator[Self]:
        """A fleet that is gone afterwards."""
        fleet = cls(**facts)
        try:
            for _ in range(stewards):
                fleet.start_steward()
            for _ in range(nodes):
                fleet.start_node()
            yield fleet
        finally:
            for process in fleet.processes:
                process.kill()

    # --- processes ---

    @property
    def environment(self) -> dict[str, str]:
        own = {"REDIS_URL": self.store.url, "RECIPES_PATH": str(HERE / "recipes"), "CRAWLERY_LOG_LEVEL": "INFO"}
        return {**own, **self.storage.environment, "STORAGE_URL": f"s3://{BUCKET}/{self.prefix}", **self.more}

    @property
    def whole_environment(self) -> dict[str, str]:
        """For a command that a person would type."""
        return {**unmeasured(), **self.environment}

    def start_steward(self, *options: str, **environment: str) -> Worker:
        """One more steward; `environment`: what is another one for it."""
        ttls = ("--hold", "3", "--seat-ttl", f"{SEAT_TTL_S:g}", "--lease-ttl", f"{LEASE_TTL_S:g}")
        haste = ("--tick", "0.2", "--segment-age", "1", "--storage-patience", "1")
        ttls += ("--folder", str(self.folder / "compose"))
        return self._start("steward", *ttls, *haste, *options, **environment)

    def start_node(self, *options: str) -> Worker:
        """One more node."""
        wanted = {**IMPATIENT, "CONCURRENT_REQUESTS_PER_DOMAIN": str(self.per_site)}
        settings = [word for name, value in wanted.items() for word in ("--set", f"{name}={value}")]
        name = f"node-{len(self.processes) + 1}"
        where = ("--port", "0", "--slots", str(self.slots), "--dir", str(self.folder / name))
        return self._start("node", *where, *settings, *options)

    def _start(self, command: str, *options: str, **environment: str) -> Worker:
        name = f"{command}-{len(self.processes) + 1}"
        words = [
            str(CRAWLERY),
            command,
            "--name",
            name,
            *options,
        ]
        surroundings = together(self.environment, self.surroundings.get(command, {}), environment)
        self.processes.append(Worker(name, self.folder, words, surroundings))
        return self.processes[-1]

    def of_kind(self, kind: str) -> list[Worker]:
        """The running processes of a kind: `node`, `steward`."""
        return [process for process in self.processes if process.running and process.name.startswith(kind)]

    def kill_node(self, node: Worker) -> None:
        """SIGKILL of a node; its workers go with it."""
        self.note_loss(node.name)
        node.kill()

    def kill_worker(self) -> int:
        """SIGKILL of one worker process that sits; its pid."""
        pid = self.a_worker()
        self.killed_workers += 1
        os.kill(pid, signal.SIGKILL)
        return pid

    def a_worker(self) -> int:
        """The pid of a worker that holds leases."""
        found: list[int] = []

        def holds() -> bool:
            found[:] = [pid for pid in self.worker_pids() if self.books.held_by(pid)]
            return bool(found)

        wait_until(holds, what="a worker with leases")
        return found[0]

    def worker_pids(self, node: str = "") -> list[int]:
        """Of all workers that sit, or of those of a node."""
        seats = [seat for seat in self.seats() if node in ("", seat.node)]
        return [int(match[1]) for seat in seats if (match := _WORKER.match(seat.worker))]

    def note_loss(self, node: str = "") -> None:
        """Workers that are about to die with what they hold."""
        self.killed_workers += len(self.worker_pids(node))

    # --- the job ---

    def submit(self) -> None:
        """The big site as a job."""
        recipe = load_recipe(HERE / "recipes" / "big.yaml")
        order = Job(
            id=self.job,
            recipe=recipe.name,
            recipe_text=recipe.resolved,
            inputs=recipe.inputs.from_text({"site": self.site.url}),
            max_workers=self.workers,
            secret=secrets.token_bytes(32),
        )
        write_intent(self.objects, order)
        self.ask(lambda store: RedisJobStore(store).create(order))

    @property
    def books(self) -> JobInStore:
        return JobInStore(self.store.url, self.job)

    @property
    def objects(self) -> S3ObjectStore:
        return S3ObjectStore(
            bucket=BUCKET,
            prefix=self.prefix,
            endpoint_url=self.storage.url,
            credentials=(ACCESS_KEY, SECRET_KEY, None),
        )

    @property
    def keys(self) -> JobKeys:
        return JobKeys(client="local", job=self.job)

    def seats(self) -> tuple[Seat, ...]:
        return self.ask(lambda store: RedisSeats(store).of(self.job))

    def attempts(self) -> tuple[Attempt, ...]:
        return self.ask(lambda store: RedisAttempts(store).of(self.job))

    def why(self) -> str:
        with redis.Redis.from_url(self.store.url) as client:
            return (client.hget(f"crawlery:{{{self.job}}}:job", "why") or b"").decode()

    def wait_for_share(self, share: float) -> None:
        """Waits until so much of the site has an outcome."""
        wanted = share * len(self.site.site.links())
        self.wait(lambda: self.books.settled() >= wanted, what=f"{share:.0%} of the pages")

    def wait(self, holds: Callable[[], bool], *, what: str) -> float:
        """Waits until it holds; how long it took, in seconds."""
        since = time.monotonic()
        try:
            wait_until(holds, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.tell()}") from None
        return time.monotonic() - since

    def wait_for_end(self) -> Manifest:
        """Waits until the job has ended; its manifest."""
        self.wait(self.has_ended, what="the end of the job")
        manifest = read_manifest(self.objects, self.keys)
        assert manifest is not None, "a job that has ended has a manifest"
        return manifest

    def has_ended(self) -> bool:
        return self.books.state() in ("succeeded", "failed", "cancelled", "expired")

    def findings_at_end(self, *, still_s: float) -> Findings:
        """What is wrong with the job once it has ended; `unfinished` if nothing has moved for so long before it has."""
        if ends(self.has_ended, moves=self._sign, still_s=still_s):
            return self.findings(self.wait_for_end())
        why = f"{self.books.state() or 'unknown'}: {self.why()} {self.books.ledger()}"
        return not_ended(pages=list(self.site.site.links()), fetches=self.site.fetches(), why=why)

    def _sign(self) -> tuple[str, int, int]:
        """It changes as long as the job moves: its state, pages with an outcome, and what all processes say."""
        said = sum(path.stat().st_size for path in self.folder.rglob("*.log"))
        return self.books.state(), self.books.settled(), said

    def rows(self, manifest: Manifest) -> list[dict[str, str]]:
        """The rows of the CSV that the manifest names."""
        (file,) = [file for file in manifest.files if file.format == "csv"]
        text = self.objects.get(file.key).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def findings(self, manifest: Manifest) -> Findings:
        """What is wrong with the files of the job."""
        log = "".join(path.read_text(errors="replace") for path in self.folder.rglob("*.log"))
        stale = log.count("was lost; what it gave does not count")
        return check(
            expected=self.site.site.rows(self.site.url),
            pages=list(self.site.site.links()),
            rows=self.rows(manifest),
            fetches=self.site.fetches(),
            settled=manifest.ledger.settled,
            leases_lost=self.killed_workers * 64 + stale,
            changed=int(read_manifest(self.objects, self.keys) != manifest),
        )

    def tell(self) -> str:
        """What a person would look at when the job does not end."""
        books = self.books.ledger()
        logs = {process.name: process.log()[-1500:] for process in self.processes}
        facts = {"state": self.books.state(), "why": self.why(), "books": str(books), "seats": str(self.seats())}
        return json.dumps({**facts, **logs}, indent=1)

    def ask(self, question: Callable[[Store], Coroutine[Any, Any, _T]]) -> _T:
        """The store's answer."""

        async def ask() -> _T:
            store = Store(connect({"url": self.store.url}))
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(ask())

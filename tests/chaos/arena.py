"""A platform that is to be hurt: store, storage, sites, nodes, stewards, APIs, as processes, and jobs of clients on it.

Whatever dies is started again after a moment, as a service manager would; what a campaign does to it is not known here.
One thread drives all of it: `turn` is called again and again, and does what is due.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
from api_people import USUAL, new_key
from api_process import ApiProcess
from armed_faults import ArmedFaults
from big_site import BigSite, SiteProcess
from client_orders import Order
from fault_proxy import FaultProxies
from job_on_platform import JobOnPlatform
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedServer
from valkey_server import ValkeyServer
from wall_clock import Clock
from workers import HERE, SPEED, Worker, wait_until

from crawler.access.model import Quotas
from crawler.exports.objects_s3 import S3ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from fault_proxy import Link

CRAWLERY = Path(sys.executable).with_name("crawlery")

#: The client whose jobs they are.
CLIENT = "acme"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How the platform is set up. The defaults are impatient: the same code, so that failures are seen in seconds.

    Attributes:
        ttl_s: of leases.
        seat_ttl_s: of seats; and a steward's hold.
        segment_age_s: rows are moved into segments after so long.
        tick_s: between rounds of a steward.
        nodes, slots, stewards, apis: how many.
        products: of the site of the large jobs; its pages are about 3 % more.
        small: products of the site of the small jobs.
        latency_s: of both.
        concurrency: requests that a worker has open.
        failing: every so many-th product answers 500 the first time that it is asked for; 0 = none.
        appendfsync: of the store.
        with_links: whether a proxy stands before store, storage and sites.
        power_fails: whether the store may lose power.
        with_clocks: whether each place, and the store, has a clock that may jump.
        spared: places that nothing is done to.
        large: large jobs at a time.
        patience_s: of workers with a site that does not answer.
    """

    ttl_s: float = 3.0
    seat_ttl_s: float = 3.0
    segment_age_s: float = 1.0
    tick_s: float = 0.2
    nodes: int = 3
    slots: int = 2
    stewards: int = 2
    apis: int = 2
    products: int = 4_860
    small: int = 40
    latency_s: float = 0.3
    concurrency: int = 8
    failing: int = 400
    appendfsync: str = "always"
    with_links: bool = False
    power_fails: bool = False
    with_clocks: bool = False
    spared: tuple[str, ...] = ()
    large: int = 1
    patience_s: float = 180.0


IMPATIENT = Profile()

#: Seconds as Crawlery is shipped.
PRODUCTION = Profile(ttl_s=60, seat_ttl_s=30, segment_age_s=30, tick_s=1, failing=0)


@dataclass(kw_only=True, eq=False)
class Place:
    """Where a process of the platform runs, again and again, with links of its own to what it needs."""

    kind: str  # node, steward, api
    name: str
    folder: Path
    store: Link | None = None
    storage: Link | None = None
    process: Worker | ApiProcess | None = None
    back_at: float | None = None  # monotonic seconds; None: it is not missed
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of what all have

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running


class Arena:
    """See the module. `with Arena(folder, profile, random) as arena`: everything runs, and is gone afterwards.

    Attributes:
        faults: armed here, they happen in the process that comes to their point first.
        jobs: all that were ordered.
    """

    def __init__(self, folder: Path, profile: Profile, random: Random) -> None:
        self.folder = folder
        self.profile = profile
        self.random = random
        self.begun = time.monotonic()
        self.places: list[Place] = []
        self.jobs: list[JobOnPlatform] = []
        self.faults = ArmedFaults(folder / "faults")
        self.deaths: list[str] = []  # of processes that ended with a status that they should not have
        self.leaving: dict[str, float] = {}  # nodes that were told to end, and when (monotonic)
        self.drains_s: list[float] = []  # how long those took that have ended in order
        self.clocks: dict[str, Clock] = {}  # by place, and `store`
        self._stack = contextlib.ExitStack()
        self.frozen: dict[int, float] = {}  # processes that stand still, and until when (monotonic)
        self._disturbed: set[str] = set()  # links to which something happens
        self._is_full = False
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self._store_back_at: float | None = None
        self._mend_store: Callable[[], None] = lambda: None
        self._storage_back_at: float | None = None

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        profile = self.profile
        for name in ("store", "storage", "compose"):
            (self.folder / name).mkdir()
        self.store = ValkeyServer(
            self.folder / "store",
            appendfsync=profile.appendfsync,
            power_fails=profile.power_fails,
            clock=self._clock("store"),
        )
        self.storage = SeaweedServer(self.folder / "storage")
        stack.callback(self.store.stop)
        stack.callback(self.storage.kill)
        self.store.start()
        self.storage.start()
        self._objects = S3ObjectStore(
            bucket=BUCKET,
            prefix="arena",
            endpoint_url=self.storage.url,
            credentials=(ACCESS_KEY, SECRET_KEY, None),
        )
        self._proxies = stack.enter_context(FaultProxies()) if profile.with_links else None
        self.small = self._site(stack, profile.small)
        self._key = new_key(
            self.store.url,
            CLIENT,
            USUAL,
            rate_limit="100000/second",
            quotas=Quotas(running_jobs=100_000, jobs_per_day=100_000),  # counted, and never reached
        )
        stack.callback(self._kill_places)
        kinds = {"steward": profile.stewards, "node": profile.nodes, "api": profile.apis}
        for kind, count in kinds.items():
            for number in range(1, count + 1):
                self._fill(self._new_place(kind, f"{kind}-{number}"))

    def _clock(self, name: str) -> Clock | None:
        """A clock of its own for a process, if clocks may jump."""
        if not self.profile.with_clocks:
            return None
        folder = self.folder / f"clock-{name}"
        folder.mkdir()
        self.clocks[name] = Clock(folder)
        return self.clocks[name]

    def _site(self, stack: contextlib.ExitStack, products: int) -> Site:
        answers = {}
        if self.profile.failing:
            failing = range(self.profile.failing, products, self.profile.failing)
            answers = {f"/product/{number}": [{"status": 500}] for number in failing}
        process = stack.enter_context(
            SiteProcess(BigSite(products=products), latency_s=self.profile.latency_s, answers=answers)
        )
        port = int(process.url.rpartition(":")[2])
        link = self._link(port, f"site {port}", http=True)
        return Site(process=process, url=process.url if link is None else f"http://127.0.0.1:{link.port}", link=link)

    def _link(self, port: int, name: str, *, http: bool = False) -> Link | None:
        return None if self._proxies is None else self._proxies.link(port, name=name, http=http)

    # --- processes ---

    def _new_place(self, kind: str, name: str) -> Place:
        folder = self.folder / name
        folder.mkdir()
        clock = self._clock(name)
        place = Place(kind=kind, name=name, folder=folder, environment={} if clock is None else clock.environment)
        place.store = self._link(self.store.port, f"{name}>store")
        place.storage = self._link(self.storage.ports["s3.port"], f"{name}>storage", http=True)
        self.places.append(place)
        return place

    def _environment(self, place: Place) -> dict[str, str]:
        store = self.store.url if place.store is None else f"redis://127.0.0.1:{place.store.port}"
        own = {"REDIS_URL": store, "RECIPES_PATH": str(HERE / "recipes"), "CRAWLERY_LOG_LEVEL": "INFO"}
        own |= {"EGRESS_ALLOW": "127.0.0.0/8", "CRAWLERY_API_URL": "", "CRAWLERY_API_KEY": ""}
        own |= {**self.storage.environment, "STORAGE_URL": f"s3://{BUCKET}/arena", **self.faults.environment}
        if place.storage is not None:
            own["S3_ENDPOINT_URL"] = f"http://127.0.0.1:{place.storage.port}"
        return {**own, **place.environment}

    def _fill(self, place: Place) -> None:
        """Starts the process of a place; an API is not waited for."""
        place.back_at = None
        if place.kind == "api":
            place.process = self._api(place)
            return
        words = self._steward_words(place) if place.kind == "steward" else self._node_words(place)
        environment = self._environment(place)
        place.process = Worker(place.name, self.folder, [str(CRAWLERY), place.kind, *words], environment)

    def _api(self, place: Place) -> ApiProcess:
        environment = self._environment(place)
        url = environment.pop("REDIS_URL")
        api = ApiProcess(place.folder, redis_url=url, storage={}, **environment)
        api.start(wait=False)
        return api

    def _steward_words(self, place: Place) -> list[str]:
        profile = self.profile
        seconds = {
            "--hold": max(1.0, profile.seat_ttl_s / 3 if profile.seat_ttl_s > 10 else profile.seat_ttl_s),
            "--seat-ttl": profile.seat_ttl_s,
            "--lease-ttl": profile.ttl_s,
            "--tick": profile.tick_s,
            "--segment-age": profile.segment_age_s,
            "--storage-patience": min(5.0, profile.ttl_s / 3),
        }
        options = [word for name, value in seconds.items() for word in (name, f"{value:g}")]
        return ["--name", place.name, "--folder", str(self.folder / "compose"), *options]

    def _node_words(self, place: Place) -> list[str]:
        profile = self.profile
        settings = {
            **SPEED,
            "ROBOTSTXT_OBEY": "1",
            "LEASE_TTL": f"{profile.ttl_s:g}",
            "SEAT_TTL": f"{profile.seat_ttl_s:g}",
            "CONCURRENT_REQUESTS": str(profile.concurrency),
            # Connections of dead workers count for another 15 s; nobody is to wait for them here.
            "CONCURRENT_REQUESTS_PER_DOMAIN": "1000",
            "DOWNLOAD_TIMEOUT": f"{profile.patience_s:g}",
        }
        options = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        where = ("--port", "0", "--slots", str(profile.slots), "--dir", str(place.folder))
        return ["--name", place.name, *where, *options]

    def of_kind(self, kind: str) -> list[Place]:
        """Places whose process runs."""
        return [place for place in self.places if place.kind == kind and place.running]

    def victims(self, kind: str) -> list[Place]:
        """Those of a kind that may be hit."""
        return [place for place in self.of_kind(kind) if place.name not in self.profile.spared]

    def memory_mb(self) -> dict[str, float]:
        """What each process of a place has of memory, an API all of its processes; the store and the storage, too."""
        found = {place.name: _family_rss_mb(place.process.pid) for place in self.places if place.running}
        servers = {"store": self.store, "storage": self.storage}
        return found | {name: _rss_mb(server.pid) for name, server in servers.items() if server.running}

    def _kill_places(self) -> None:
        for place in self.places:
            if place.process is not None:
                place.process.kill()

    def miss(self, place: Place, *, after_s: float) -> None:
        """Its process has been ended on purpose: it is started again after so long."""
        place.back_at = time.monotonic() + after_s

    def kill_store(self, *, down_s: float) -> None:
        """SIGKILL of the store, which is up again after so long."""
        self.store.kill()
        self.miss_store(down_s=down_s)

    def miss_store(self, *, down_s: float, mend: Callable[[], None] | None = None) -> None:
        """The store has been ended or cannot work: after so long it is mended, which is to start it again."""
        self._store_back_at = time.monotonic() + down_s
        self._mend_store = mend or self.store.restart

    def kill_storage(self, *, down_s: float) -> None:
        """SIGKILL of the storage of files."""
        self.storage.kill()
        self._storage_back_at = time.monotonic() + down_s

    @property
    def store_is_missed(self) -> bool:
        return self._store_back_at is not None

    @property
    def storage_is_missed(self) -> bool:
        return self._storage_back_at is not None

    # --- time ---

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Does it when so much time has passed, in a `turn`."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), action))

    @property
    def has_timers(self) -> bool:
        return bool(self._timers)

    @property
    def at_s(self) -> float:
        """Seconds since it began."""
        return round(time.monotonic() - self.begun, 2)

    def turn(self) -> None:
        """What is due: timers, processes that are missed, jobs that have ended."""
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        if self._store_back_at is not None and self._store_back_at <= now:
            self._mend_store()
            self._store_back_at = None
        if self._storage_back_at is not None and self._storage_back_at <= now:
            self.storage.restart()
            self._storage_back_at = None
        for place in self.places:
            if place.back_at is not None and place.back_at <= now:
                self._fill(place)
            elif place.back_at is None and not place.running:
                self._note_death(place)
                self.miss(place, after_s=self.random.uniform(0, 1.5))
        if not self.store_is_missed:
            for job in self.jobs:
                job.look()

    def _note_death(self, place: Place) -> None:
        """One that nobody has killed, and no fault: it has given up, which it should not have."""
        code = place.process.returncode
        told_at = self.leaving.pop(place.name, None)
        if told_at is not None and code == 0:
            self.drains_s.append(round(time.monotonic() - told_at, 2))
        elif code != -signal.SIGKILL:  # which a fault may have done to one that was leaving
            self.deaths.append(f"{place.name} ended by itself with {code}: {place.process.log()[-1500:]}")

    # --- jobs ---

    def freeze(self, pid: int, *, seconds: float) -> bool:
        """Lets a process stand still for so long; False if it does already, or has ended."""
        if pid in self.frozen or not stop_process(pid):
            return False
        self.thaw_later(pid, seconds=seconds)
        return True

    def thaw_later(self, pid: int, *, seconds: float) -> None:
        """A process that stands still goes on after so long."""
        self.frozen[pid] = time.monotonic() + seconds
        self.later(seconds, lambda: self.thaw(pid))

    def thaw(self, pid: int) -> None:
        """It goes on."""
        self.frozen.pop(pid, None)
        signal_process(pid, signal.SIGCONT)

    def disturb(self, link: Link, mode: str, *, seconds: float, **options: Any) -> bool:
        """Something happens to a link for so long; False if something does already."""
        if link.name in self._disturbed:
            return False
        self._disturbed.add(link.name)
        link.set(mode, **options)
        self.later(seconds, lambda: self._heal(link))
        return True

    def _heal(self, link: Link) -> None:
        link.heal()
        self._disturbed.discard(link.name)

    def fill_memory(self, *, seconds: float) -> bool:
        """The store has no room for so long; False if it has none already."""
        if self._is_full:
            return False
        with self.redis() as client:
            client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.02))
        self._is_full = True
        self.later(seconds, self._free_memory)
        return True

    def _free_memory(self) -> None:
        self._is_full = False
        with contextlib.suppress(redis.RedisError), self.redis() as client:  # one that is started anew has no limit
            client.config_set("maxmemory", 0)

    @property
    def live_jobs(self) -> list[JobOnPlatform]:
        return [job for job in self.jobs if not job.ended]

    def order(self, *, large: bool, steps: Sequence[str] = ()) -> JobOnPlatform:
        """One more job of the client, by whichever API answers; the order is repeated until it is confirmed.

        A large job has a site of its own. `steps`: `pause`, `resume`, `cancel`, what the client does with it then.
        """
        site = self._site(self._stack, self.profile.products) if large else self.small
        number = len(self.jobs) + 1
        order = Order(
            key=self._key,
            urls=lambda: [place.process.url for place in self.of_kind("api")],
            idempotency_key=f"arena-{number}",
            recipe="big",
            inputs={"site": site.url},
            max_workers=self.profile.nodes * self.profile.slots if large else 1,
            steps=steps,
        )
        job = JobOnPlatform(
            order=order, site=site, is_large=large, store=self.store, objects=self._objects, client=CLIENT
        )
        self.jobs.append(job)
        order.start()
        return job

    # --- what is in flight ---

    def redis(self) -> redis.Redis:
        """The store, asked directly."""
        return redis.Redis.from_url(self.store.url, socket_timeout=5)

    def workers(self, place: Place | None = None) -> list[tuple[JobOnPlatform, int]]:
        """Processes that sit, of a node or of all, with the job of each."""
        return [
            (job, pid)
            for job in self.live_jobs
            if job.id
            for node, pid in job.sitting()
            if place is None or node == place.name
        ]

    def tell(self) -> str:
        """What a person would look at when a job does not end."""
        jobs = [job.tell() for job in self.live_jobs]
        logs = {place.name: place.process.log()[-2500:] for place in self.places if place.process is not None}
        return json.dumps({"jobs": jobs, **logs}, indent=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A site of the arena as workers know it."""

    process: SiteProcess
    url: str
    link: Link | None

    @property
    def content(self) -> BigSite:
        return self.process.site


def is_stopped(pid: int) -> bool:
    """Whether a process stands still, by SIGSTOP."""
    return _state(pid) in "Tt"


def is_gone(pid: int) -> bool:
    """Whether it has ended; one whose parent has not noticed it yet has."""
    return _state(pid) in "ZX"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _rss_mb(pid: int) -> float:
    """Resident memory of a process in MB; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return round(pages * 4096 / 1e6, 1)


def _family_rss_mb(pid: int) -> float:
    """That of a process and of those that it has started itself, workers of a crawl not: they come and go."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return round(_rss_mb(pid) + sum(_rss_mb(int(child)) for child in children), 1)


def stop_process(pid: int) -> bool:
    """SIGSTOP; whether it stands still now, which one that ends does not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(pid) or is_gone(pid), what=f"process {pid} to stand still")
    return is_stopped(pid)


def signal_process(pid: int, number: signal.Signals) -> None:
    """Sends it; one that is gone hears nothing."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def any_of(random: Random, choices: list[Any]) -> Any:
    """One of them; None of none."""
    return random.choice(choices) if choices else None

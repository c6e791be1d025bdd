"""The smallest runs that bring a defect to light: real processes, and one thing done to them at one exact moment.

Each works as well with the product as it is, and then finds nothing. A process is held at its moment on the wire, by
words that it says to the store or to the storage of files; so nothing here has to hit a moment by luck.
"""

from __future__ import annotations

import subprocess
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from big_site import BigSite, SiteProcess
from fleet_run import CRAWLERY, Fleet
from job_run import JobRun, run_with_one_killed
from seaweed_server import BUCKET
from tcp_proxy import Moment, TcpProxy
from workers import HERE, wait_until

from crawler.frontier.contract import MAX_CRASH_TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from checker import Findings
    from seaweed_server import SeaweedServer
    from valkey_server import ValkeyServer
    from workers import Worker

#: A job in which nothing has moved for so many seconds never ends: five times as long as leases and seats live.
STILL_S = 15.0

#: What a commit says of the rows of a product, and nothing else does.
ROWS = b"Product "

#: What is said of links to products.
LINKS = b"/product/"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run happens.

    Attributes:
        new_valkey: starts a store.
        new_seaweed: starts a storage of files.
        folder: for logs and notes.
        environment: of all processes: the defect, if any.
    """

    new_valkey: Callable[..., ValkeyServer]
    new_seaweed: Callable[..., SeaweedServer]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def processes(self) -> Mapping[str, str]:
        """The environment of workers, which find what they need of the tests, too."""
        path = self.environment.get("PYTHONPATH")
        return {**self.environment, "PYTHONPATH": f"{path}:{HERE}"} if path else self.environment

    @contextmanager
    def job(
        self, *, products: int = 150, latency_s: float = 0.0, answers: Mapping | None = None, **settings: str
    ) -> Iterator[JobRun]:
        """A job whose workers are started one by one."""
        store = self.new_valkey(appendfsync="always")
        with (
            SiteProcess(BigSite(products=products), latency_s=latency_s, answers=answers) as site,
            JobRun.of(
                site=site,
                store=store,
                folder=self.folder,
                job="d",
                settings=settings,
                environment=self.processes,
            ) as run,
        ):
            yield run

    @contextmanager
    def fleet(
        self, *, products: int = 150, latency_s: float = 0.0, answers: Mapping | None = None, **facts: int
    ) -> Iterator[Fleet]:
        """A fleet of one node, without stewards."""
        with (
            SiteProcess(BigSite(products=products), latency_s=latency_s, answers=answers) as site,
            Fleet.of(
                site=site,
                store=self.new_valkey(appendfsync="always"),
                storage=self.new_seaweed(),
                folder=self.folder,
                more=self.environment,
                **{"stewards": 0, "nodes": 1, **facts},
            ) as fleet,
        ):
            yield fleet


@contextmanager
def held_worker(run: JobRun, words: bytes, **settings: str) -> Iterator[tuple[Worker, TcpProxy]]:
    """A worker that has just begun to say these words to the store, which has not heard them yet."""
    with closing(TcpProxy(run.store.port)) as proxy:
        proxy.hold(words, Moment.BEFORE)
        victim = run.start(settings={"REDIS_URL": f"redis://127.0.0.1:{proxy.port}", **settings})
        proxy.wait_until_held()
        yield victim, proxy


# --- workers ---


def late_commit(place: Place) -> Findings:
    """A worker stands still in the middle of a commit until another one has read all its pages; then it is heard."""
    with place.job() as run, held_worker(run, ROWS) as (victim, proxy):
        victim.freeze()
        assert run.start().finished() == 0
        proxy.let_go(late=True)
        victim.thaw()
        return run.finish(still_s=STILL_S)


def killed_while_rows_are_told(place: Place) -> Findings:
    """A worker is killed when it begins to tell of rows."""
    return _killed_at(place, ROWS)


def killed_before_it_asks_for_more_time(place: Place) -> Findings:
    """As before, by a worker that has had no reason yet to prolong its leases: on a busy machine it would have."""
    return _killed_at(place, ROWS, LEASE_TTL="10")


def killed_while_links_are_told(place: Place) -> Findings:
    """A worker is killed when it begins to tell of links."""
    return _killed_at(place, LINKS)


def _killed_at(place: Place, words: bytes, **settings: str) -> Findings:
    with place.job() as run, held_worker(run, words, **settings) as (victim, _):
        victim.freeze()
        run.kill_frozen(victim)
        run.start()
        return run.finish(still_s=STILL_S)


def killed_worker(place: Place) -> Findings:
    """One of two workers is killed with pages in hand."""
    with place.job(latency_s=0.2) as run:
        return run_with_one_killed(run, kill_at=0.3, restarted=False, still_s=STILL_S)


def killed_again_and_again(place: Place) -> Findings:
    """A page is slow, and workers are killed one after the other, for no fault of its own, while they wait for it."""
    slow = "/product/7"
    with place.job(answers={slow: [{"delay": 60.0}] * MAX_CRASH_TRIES}, LEASE_TTL="1") as run:
        for times in range(1, MAX_CRASH_TRIES + 1):
            victim = run.start()
            wait_until(lambda times=times: run.site.fetches()[slow] == times, what=f"visit {times} of {slow}")
            run.kill_while_it_works(victim)
        run.start()
        return run.finish(still_s=STILL_S)


def slow_page(place: Place) -> Findings:
    """A page takes as long as several lives of a lease; nobody is killed."""
    with place.job(answers={"/product/7": [{"delay": 5.0}] * 8}, LEASE_TTL="1.5") as run:
        run.start()
        run.start()
        return run.finish(still_s=STILL_S, none_lost=True)


def slow_commit(place: Place) -> Findings:
    """A commit with links is long on its way, while another worker reads some of the same pages."""
    with place.job(products=300) as run, held_worker(run, LINKS, CONCURRENT_REQUESTS="1") as (victim, proxy):
        run.start()

        def only_the_victim_holds() -> bool:
            books = run.books.ledger()
            return (
                books.settled.get("ok", 0) > 100 and not books.ready and books.leased == run.books.held_by(victim.pid)
            )

        wait_until(only_the_victim_holds, what="the end of all other pages")
        proxy.let_go(late=True)
        return run.finish(still_s=STILL_S)


def told_to_go(place: Place) -> Findings:
    """One of two workers is told to go with pages in hand that take too long to be waited for."""
    slow = {f"/product/{number}": [{"delay": 9.0}] for number in range(2, 150, 5)}
    with place.job(answers=slow) as run:
        victim = run.start()
        wait_until(lambda: run.books.held_by(victim.pid) >= 8, what="pages in hand")
        run.start()
        run.tell_to_go(victim)
        return run.finish(still_s=STILL_S)


# --- stewards and nodes ---


def steward_killed_at_segment(place: Place) -> Findings:
    """A steward is killed when it begins to write a segment, and another one goes on."""
    with place.fleet() as fleet, _s3_of(fleet) as proxy:
        proxy.hold(f"PUT /{BUCKET}/{fleet.prefix}/{fleet.keys.segment_prefix}".encode(), Moment.BEFORE)
        steward = fleet.start_steward(S3_ENDPOINT_URL=f"http://127.0.0.1:{proxy.port}")
        fleet.submit()
        proxy.wait_until_held()
        steward.kill()
        fleet.start_steward()
        return fleet.findings_at_end(still_s=STILL_S)


def late_record(place: Place) -> Findings:
    """A steward stands still when it is about to record a segment, until another one has recorded the same rows.

    The job has a slow page, lest it has ended by then.
    """
    with (
        place.fleet(answers={"/product/7": [{"delay": 15.0}]}) as fleet,
        closing(TcpProxy(fleet.store.port)) as proxy,
    ):
        proxy.hold(fleet.keys.segment_prefix.encode(), Moment.BEFORE)
        late = fleet.start_steward(REDIS_URL=f"redis://127.0.0.1:{proxy.port}")
        fleet.submit()
        proxy.wait_until_held()
        late.freeze()
        other = fleet.start_steward()
        fleet.wait(lambda: "segment 1," in other.log(), what="the segment of another steward")
        proxy.let_go(late=True)
        late.thaw()
        return fleet.findings_at_end(still_s=STILL_S)


def late_manifest(place: Place) -> Findings:
    """A steward stands still when it is about to put the manifest, until another one has put its own."""
    with place.fleet() as fleet, _s3_of(fleet) as proxy:
        proxy.hold(f"PUT /{BUCKET}/{fleet.prefix}/{fleet.keys.manifest}".encode(), Moment.BEFORE)
        late = fleet.start_steward(S3_ENDPOINT_URL=f"http://127.0.0.1:{proxy.port}")
        fleet.submit()
        proxy.wait_until_held()
        late.freeze()
        fleet.start_steward()
        manifest = fleet.wait_for_end()
        proxy.let_go(late=True)
        late.thaw()
        fleet.wait(lambda: f"Job {fleet.job} succeeded" in late.log(), what="the end as the late one sees it")
        return fleet.findings(manifest)


def emptied_store(place: Place) -> Findings:
    """A job is accepted, and then the store comes back with nothing in it."""
    with place.fleet(nodes=0) as fleet:
        words = [str(CRAWLERY), "job", "run", "big", "-i", f"site={fleet.site.url}", "--workers", "2"]
        told = subprocess.run(words, env=fleet.whole_environment, capture_output=True, text=True, check=True)
        fleet.job = told.stdout.strip()
        fleet.store.flush()
        fleet.start_steward()
        fleet.start_node()
        return fleet.findings_at_end(still_s=STILL_S)


def killed_node(place: Place) -> Findings:
    """The only node is killed with all workers that the job may have; a new one comes."""
    with place.fleet(latency_s=0.1, workers=2) as fleet:
        fleet.start_steward()
        fleet.submit()
        fleet.wait_for_share(0.2)
        fleet.kill_node(fleet.of_kind("node")[0])
        fleet.start_node()
        return fleet.findings_at_end(still_s=STILL_S)


def _s3_of(fleet: Fleet) -> closing[TcpProxy]:
    return closing(TcpProxy(fleet.storage.ports["s3.port"]))


#: By the names that the catalogue of defects has for them.
SCENARIOS: dict[str, Callable[[Place], Findings]] = {
    run.__name__.replace("_", "-"): run
    for run in (
        late_commit,
        killed_while_rows_are_told,
        killed_before_it_asks_for_more_time,
        killed_while_links_are_told,
        killed_worker,
        killed_again_and_again,
        slow_page,
        slow_commit,
        told_to_go,
        steward_killed_at_segment,
        late_record,
        late_manifest,
        emptied_store,
        killed_node,
    )
}

"""Scrapyd's launcher: a worker for each seat, forked warm, and its end told to the store however it came.

Scrapyd's own forgets exit codes, leaves its processes behind when it ends, and starts each one cold.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from scrapyd.interfaces import IJobStorage, IPoller
from twisted.application.service import Service

from crawler import faults
from crawler.errors import StoreError
from crawler.fleet import worker_name
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.attempts import MAX_LOG_LINES, Attempt
from crawler.log import harmless
from crawler.scrapyd.forks import Exit, ForkServer, ForkServerGone
from crawler.scrapyd.joblogs import KeptLog
from crawler.scrapyd.jobstorage import EndedWorker

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from twisted.python.components import Componentized

    from crawler.jobs.seats import Seat
    from crawler.scrapyd.config import ScrapydConfig
    from crawler.scrapyd.forks import Child

logger = logging.getLogger(__name__)

#: Exit statuses of a worker that has left in order, and handed back what it had.
_IN_ORDER: Final = frozenset({0, 3, 4, 130})

#: A worker that fails sooner than this, in seconds, could not begin. Its seat is left to end by itself, so that the
#: fleet does not start one after another.
_COULD_NOT_BEGIN_S: Final = 5.0

#: Seats of the workers that run are looked at so often; a worker without one has `SEAT_TTL` to leave, at least so long.
_WATCH_EVERY_S: Final = 2.0
_SHORTEST_PATIENCE_S: Final = 5.0

#: So much of the end of a log is read for its last lines.
_TAIL_BYTES: Final = 16 * 1024


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunningWorker:
    """A process of this node, with the attributes that Scrapyd's console expects.

    Attributes:
        project: always the same.
        spider: name of the recipe or the spider.
        job: its job's id.
        start_time: naive and local, as Scrapyd's.
        started_at: the same in monotonic seconds, for a clock may be set while it runs.
        log: its log, below the folder of logs.
        seat: the seat that it has.
        attempt: as the store knows it.
        child: the process.
        kept_log: its log on its way into the storage of files.
    """

    project: str
    spider: str
    job: str
    start_time: datetime
    started_at: float
    log: str
    seat: Seat
    attempt: Attempt
    child: Child
    kept_log: KeptLog

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.child.pid


class Launcher(Service):
    """See the module.

    Attributes:
        processes: workers that run, by slot.
        finished: those that have ended.
        max_proc: number of slots.
        forks: what workers are forked from.
    """

    name = "launcher"

    def __init__(self, config: ScrapydConfig, app: Componentized) -> None:
        self.processes: dict[int, RunningWorker] = {}
        self.finished = app.getComponent(IJobStorage)
        self.max_proc = config.getint("max_proc")
        self.forks = ForkServer()
        self._node = config.node
        self._presence = config.presence
        self._poller = app.getComponent(IPoller)
        self._working: set[asyncio.Task[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Future[None] | None = None

    def startService(self) -> None:  # noqa: N802 - Twisted's name for it
        """Starts the fork server, waits for a seat in every slot, and watches those that are taken."""
        super().startService()
        self.forks.start()
        for slot in range(self.max_proc):
            self._wait_for_seat(slot)

        self._watching = asyncio.ensure_future(self._watch_seats())

    async def _watch_seats(self) -> None:
        """Kills workers that should have left: whoever still runs long after its seat has gone hears nothing."""
        patience_s = max(_SHORTEST_PATIENCE_S, self._node.seat_ttl_s)
        gone_since: dict[str, float] = {}
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            now = time.monotonic()
            for worker in tuple(self.processes.values()):
                token = worker.seat.token
                try:
                    seats = await self._presence.seats.of(worker.job)
                except StoreError as error:
                    logger.warning("The seats of %s cannot be read: %s", worker.job, error)
                    continue
                if any(seat.token == token for seat in seats):
                    gone_since.pop(token, None)
                elif now - gone_since.setdefault(token, now) > patience_s:
                    logger.warning("Worker %s has no seat and does not leave; it is killed", worker.attempt.worker)
                    self.forks.signal(worker.pid, signal.SIGKILL)
            running = {worker.seat.token for worker in self.processes.values()}
            gone_since = {token: since for token, since in gone_since.items() if token in running}

    def _wait_for_seat(self, slot: int) -> None:
        self._poller.next().addCallback(self._begin, slot)

    def _begin(self, message: dict[str, Any], slot: int) -> None:
        _keep(self._work(message, slot), self._working)

    # --- the end of the node ---

    def close(self) -> None:
        """Ends the fork server, and workers that still run."""
        if self._watching is not None:
            self._watching.cancel()
        self.forks.stop()

    def stop_workers(self, number: signal.Signals) -> None:
        """Signals all of them."""
        for worker in self.processes.values():
            self.forks.signal(worker.pid, number)

    async def ended(self, *, patience_s: float) -> bool:
        """Waits until no worker runs, at most for so long; whether that is so."""
        return await _all_done(self._working, patience_s)

    async def settled(self, *, patience_s: float) -> bool:
        """Waits until the store knows of all ends, at most for so long; whether that is so."""
        return await _all_done(self._telling, patience_s)

    # --- one worker ---

    async def _work(self, message: dict[str, Any], slot: int) -> None:
        seat: Seat = message["_seat"]
        if self._presence.is_draining:
            _keep(self._give_back(seat), self._telling)
            return
        try:
            faults.at("seat.taken")
            worker = await self._start(message)
            faults.at("worker.spawned")
        except (ForkServerGone, OSError) as error:
            logger.error("No worker of %s could be started: %s", seat.job, error)  # noqa: TRY400 - it is said
            _keep(self._give_back(seat), self._telling)
            await asyncio.sleep(1.0)
        else:
            self._presence.figures.starts.add(time.monotonic() - message["_taken_s"])
            self.processes[slot] = worker
            if self._presence.is_leaving:
                self.forks.signal(worker.pid, signal.SIGTERM)
            begun = asyncio.ensure_future(self._presence.attempts.begin(seat.job, worker.attempt))
            ended = await worker.child.ended
            del self.processes[slot]
            _keep(self._tell(worker, ended, begun), self._telling)
        self._wait_for_seat(slot)

    async def _start(self, message: dict[str, Any]) -> RunningWorker:
        seat: Seat = message["_seat"]
        log = f"{message['_project']}/{message['_spider']}/{seat.job}.{seat.token}.log"
        path = self._node.logs / log
        path.parent.mkdir(parents=True, exist_ok=True)
        order = {
            "job": seat.job,
            "seat": seat.token,
            "node": self._node.name,
            "log": str(path),
            "settings": self._node.worker_settings,
        }
        child = await self.forks.spawn(order)
        name = worker_name(node=self._node.name, token=seat.token, pid=child.pid)
        logger.info("Worker %s of job %s runs", name, seat.job)
        now_ms = time.time_ns() // 1_000_000
        attempt = Attempt(seat=seat.token, node=self._node.name, worker=name, pid=child.pid, started_ms=now_ms)
        return RunningWorker(
            project=message["_project"],
            spider=message["_spider"],
            job=seat.job,
            start_time=datetime.now(),  # noqa: DTZ005 - naive, as Scrapyd's
            started_at=time.monotonic(),
            log=log,
            seat=seat,
            attempt=attempt,
            child=child,
            kept_log=KeptLog(self._node.objects, self._presence.jobs, job=seat.job, attempt=attempt, path=path),
        )

    async def _tell(self, worker: RunningWorker, ended: Exit, begun: asyncio.Future[None]) -> None:
        """Others get its pages and its seat first; then how it ended is written down."""
        self._list(worker, ended)
        ran_s = time.monotonic() - worker.started_at
        try:
            frontier = RedisFrontier(self._presence.store, job=worker.job)
            if ended.code in _IN_ORDER:  # one that was told to go as soon as it had begun, or twice, still has some
                await frontier.release(worker=worker.attempt.worker)
            else:
                await frontier.abandon(worker.attempt.worker)
            if ended.code in (None, *_IN_ORDER) or ran_s > _COULD_NOT_BEGIN_S:
                await self._presence.seats.leave(worker.job, worker.seat.token)
            await begun
            await self._presence.attempts.end(
                worker.job,
                worker.attempt,
                ended_ms=worker.attempt.started_ms + round(ran_s * 1000),
                exit_code=ended.code,
                signal=ended.signal,
                log_tail=last_lines(self._node.logs / worker.log),
            )
        except StoreError as error:
            logger.warning("The store is not told of the end of worker %s: %s", worker.attempt.worker, error)
        await worker.kept_log.finish()

    def _list(self, worker: RunningWorker, ended: Exit) -> None:
        done = EndedWorker(
            seat=worker.seat.token,
            project=worker.project,
            spider=worker.spider,
            job=worker.job,
            pid=worker.pid,
            start_time=worker.start_time,
            end_time=datetime.now(),  # noqa: DTZ005 - naive, as Scrapyd's
            exit_code=ended.code,
            signal=ended.signal,
            log=worker.log,
        )
        self.finished.add(done)
        self._presence.figures.exits[exit_kind(ended)] += 1
        level = logging.INFO if ended.code in _IN_ORDER else logging.WARNING
        logger.log(level, "Worker %s of job %s has ended: %s", worker.attempt.worker, worker.job, done.how)

    async def _give_back(self, seat: Seat) -> None:
        try:
            await self._presence.seats.leave(seat.job, seat.token)
        except StoreError as error:
            logger.warning("The seat in %s ends by itself: %s", seat.job, error)


def _keep(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Runs it in a task that is one of `tasks` until it is done."""
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _all_done(tasks: set[asyncio.Task[None]], patience_s: float) -> bool:
    if not tasks:
        return True
    _, pending = await asyncio.wait(tasks, timeout=patience_s)
    return not pending


def exit_kind(ended: Exit) -> str:
    """One of `figures.EXIT_KINDS`."""
    if ended.signal is not None:
        return "signal"
    if ended.code in _IN_ORDER:
        return "stopped" if ended.code == 130 else "done"
    return "failed"


def last_lines(log: Path) -> tuple[str, ...]:
    """The last lines of a log, harmless; none if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(harmless(line) for line in text.splitlines()[-MAX_LOG_LINES:])

"""Runs children: in the order of their needs, again when they die, and to an end in the reverse order.

It knows nothing of what the children are. All of it happens in one event loop, whose thread must live as long as the
children are to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.errors import ChildFailed
from crawler.up import spec as words
from crawler.up.child import Process
from crawler.up.spec import Backoff, ChildState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from crawler.up.spec import ChildSpec

logger = logging.getLogger(__name__)


class _Supervised:
    """One child with its state, over all its lives."""

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.process: Process | None = None
        self.task: asyncio.Task[None] | None = None
        self.came_up = asyncio.Event()
        self.state = ChildState(
            name=spec.name,
            role=spec.role,
            state=words.WAITING,
            pid=None,
            address=spec.address,
            restarts=0,
            since_s=time.time(),
            why="",
        )


class Supervisor:
    """Children of one supervisor. `on_change` is called with each new state of a child."""

    def __init__(
        self, *, logs: Path, environment: Mapping[str, str], on_change: Callable[[ChildState], None] | None = None
    ) -> None:
        """`logs`: the folder of their logs. `environment`: what all children get, and nothing but that."""
        self._logs = logs
        self._environment = dict(environment)
        self._on_change = on_change
        self._children: dict[str, _Supervised] = {}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()

    def states(self) -> list[ChildState]:
        """How all children are, in the order in which they were given."""
        return [child.state for child in self._children.values()]

    def kill(self, name: str) -> None:
        """SIGKILL to a child and to what it has started; it is started again, as after any other death.

        Raises:
            KeyError: there is no such child.
        """
        process = self._children[name].process
        if process is not None:
            process.kill()

    def log(self, name: str) -> Path:
        """The file with what a child says; KeyError if there is no such child."""
        return self._children[name].log

    async def changed(self) -> None:
        """Returns after the next change of any child's state."""
        await self._changed.wait()

    async def start(self, *specs: ChildSpec) -> None:
        """Starts children, those that need nobody first; returns when all of them are ready.

        Args:
            specs: of children; those that were started by earlier calls may be among their needs.

        Raises:
            ChildFailed: one of them does not come up. The others run on: `stop` ends them.
        """
        for spec in specs:
            unknown = {*spec.needs} - {*self._children, *(other.name for other in specs)}
            assert not unknown, f"{spec.name} needs {', '.join(unknown)}"
            self._children[spec.name] = _Supervised(spec, self._logs / f"{spec.name}.log")
        started = [self._children[spec.name] for spec in specs]
        for child in started:
            missing = [name for name in child.spec.needs if not self._children[name].came_up.is_set()]
            if missing:
                self._show(child, words.WAITING, why=f"for {', '.join(missing)}")
            child.task = asyncio.create_task(self._run(child), name=f"child {child.spec.name}")
        tasks = [child.task for child in started if child.task is not None]
        up = asyncio.create_task(self._up(started))
        try:
            # The task of a child ends before `stop` only if the child does not come up.
            await asyncio.wait((up, *tasks), return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            up.cancel()

    async def stop(self) -> None:
        """Ends all children, each before those that it needs and those that are to outlive it."""
        self._stopping.set()
        running = {name: child for name, child in self._children.items() if child.task is not None}
        while running:
            kept = {name for child in running.values() for name in (*child.spec.needs, *child.spec.outlived_by)}
            # A ring of needs would end nobody: then all of them at once.
            leaving = {name: child for name, child in running.items() if name not in kept} or dict(running)
            await asyncio.gather(*(self._end(child) for child in leaving.values()))
            for name in leaving:
                del running[name]

    def kill_all(self) -> None:
        """SIGKILL to all children and what they have started; `stop` then has nothing to wait for."""
        self._stopping.set()
        for child in self._children.values():
            if child.process is not None:
                child.process.kill()

    async def _end(self, child: _Supervised) -> None:
        process, task = child.process, child.task
        assert task is not None
        if process is not None:
            self._show(child, words.STOPPING, why=f"at most {child.spec.stop_within_s:g} s")
            await process.stop()
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # `start` has raised it, if anybody waited for it
        if child.state.state != words.FAILED:
            self._show(child, words.STOPPED)

    async def _run(self, child: _Supervised) -> None:
        """A child's lives, one after another.

        Raises:
            ChildFailed: it does not come up the first time.
        """
        for name in child.spec.needs:
            await self._children[name].came_up.wait()
        backoff = Backoff(child.spec.restart)
        while not self._stopping.is_set():
            lived_s = await self._live(child)
            if self._stopping.is_set():
                return
            pause_s = backoff.pause_s(lived_s)
            self._show(child, words.DOWN, why=f"{child.state.why}; again in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)
            child.state = replace(child.state, restarts=child.state.restarts + 1)

    async def _live(self, child: _Supervised) -> float:
        """One life; returns its length in seconds, with the reason of its end in the state."""
        first = not child.came_up.is_set()
        try:
            child.process = process = await Process.launch(child.spec, child.log, self._environment)
        except ChildFailed as error:
            self._failed(child, error, first=first)
            return 0.0
        try:
            self._show(child, words.STARTING)
            address = await process.ready()
            if not self._stopping.is_set():
                self._show(child, words.READY, address=address or child.spec.address)
                child.came_up.set()
            await process.ended()
            if not self._stopping.is_set():
                logger.warning("%s %s%s", child.spec.name, process.ending(), process.last_words())
            child.state = replace(child.state, why=f"it {process.ending()}")
        except ChildFailed as error:
            process.kill()
            await process.ended()
            child.process = None
            self._failed(child, error, first=first)
        finally:
            child.process = None
        return process.lived_s

    def _failed(self, child: _Supervised, error: ChildFailed, *, first: bool) -> None:
        """Notes that a life did not come to anything.

        Raises:
            ChildFailed: it was the first one.
        """
        if self._stopping.is_set():
            return
        if first:
            self._show(child, words.FAILED, why="it did not come up")
            raise error
        logger.warning("%s", error)
        child.state = replace(child.state, why="it did not come up again")

    async def _up(self, children: Sequence[_Supervised]) -> None:
        for child in children:
            await child.came_up.wait()

    def _show(self, child: _Supervised, state: str, *, why: str = "", address: str | None = None) -> None:
        child.state = replace(
            child.state,
            state=state,
            why=why,
            pid=child.process.pid if child.process is not None and state != words.STOPPED else None,
            address=child.state.address if address is None else address,
            since_s=time.time(),
        )
        self._changed.set()
        self._changed = asyncio.Event()
        if self._on_change is not None:
            self._on_change(child.state)

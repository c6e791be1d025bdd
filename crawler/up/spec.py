"""What a child process is: its command, when it is ready, whom it needs, and when it is started again.

Plain values, which nothing here acts on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart:
    """When a child that has ended is started again.

    Attributes:
        first_s: seconds before the first attempt; doubled for each further one.
        longest_s: what the doubling stops at.
        healthy_s: a child that has lived for so long begins with `first_s` anew.
    """

    first_s: float = 0.2
    longest_s: float = 10.0
    healthy_s: float = 30.0


class Backoff:
    """The pauses before one child is started again."""

    def __init__(self, policy: Restart) -> None:
        self._policy = policy
        self._next_s = policy.first_s

    def pause_s(self, lived_s: float) -> float:
        """Seconds to wait after a child that has lived for `lived_s`."""
        if lived_s >= self._policy.healthy_s:
            self._next_s = self._policy.first_s
        pause_s = self._next_s
        self._next_s = min(self._policy.longest_s, pause_s * 2)
        return pause_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A process to be asked whether it is ready: its pid, and what it has said since its start."""

    pid: int
    output: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a probe found.

    Attributes:
        ready: the child can be used.
        address: where it is, for people; empty if the probe does not learn that.
        at_work: it is not ready, but does something that may take long: the time it is given begins anew.
        why: what is missing.
    """

    ready: bool
    address: str = ""
    at_work: bool = False
    why: str = ""


class Probe(Protocol):
    """Tells whether a child is ready. Asked again and again until it is, or until its time is over."""

    async def ask(self, started: Started) -> Answer:
        """Never raises for a child that is not there yet."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSpec:
    """One child process.

    Attributes:
        name: what people call it; also the name of its log.
        command: program, as an absolute path, and arguments. Anybody can see them, so they hold no secret.
        ready: whether it is ready.
        environment: variables beside those that all children get.
        folder: where it runs; None: where the supervisor does.
        needs: names of children that must be ready before it starts, and that go on until it has ended.
        outlived_by: names of further children that go on until it has ended.
        address: where it will be, as far as that is known before it runs.
        role: what it is, in a few words, for people.
        leaves: files that it would leave behind when it is killed.
        ready_within_s: seconds it may take until it is ready.
        stop_within_s: seconds it may take to end after SIGTERM, before it is killed.
        restart: when it is started again.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    needs: tuple[str, ...] = ()
    outlived_by: tuple[str, ...] = ()
    address: str = ""
    role: str = ""
    leaves: tuple[Path, ...] = ()
    ready_within_s: float = 30.0
    stop_within_s: float = 10.0
    restart: Restart = Restart()


#: What `state` of a child can be.
WAITING: Final = "waiting"  # for a child that it needs
STARTING: Final = "starting"
READY: Final = "ready"
DOWN: Final = "down"  # it has ended, and is started again after a pause
STOPPING: Final = "stopping"
STOPPED: Final = "stopped"
FAILED: Final = "failed"  # it did not come up at all, so the platform does not


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildState:
    """How a child is.

    Attributes:
        name: of its spec.
        role: of its spec.
        state: one of the words above.
        pid: of its process; None while there is none.
        address: where it is; may be empty.
        restarts: how often it was started again.
        since_s: since when it is in this state, in seconds since 1970.
        why: what happened to it, or what it waits for; may be empty.
    """

    name: str
    role: str
    state: str
    pid: int | None
    address: str
    restarts: int
    since_s: float
    why: str

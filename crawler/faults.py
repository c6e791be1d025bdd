"""Faults on purpose, for tests of what happens when a process dies, stops or loses an answer at the worst moment.

`at("commit.reply")` stands where it would hurt. It does nothing, unless CRAWLERY_FAULT names that point, in one of two
forms:

    commit.reply:3:kill,fetch:1:hang     the third time this process comes to the one, the first time to the other
    /FOLDER                              a fault is a file of that folder, and happens once in all processes

In a folder, `armed/ID` is an object in JSON: `point`, `kind`, `nth` (1, if it is missing: counted in each process from
when it first saw the file) and `process` ("any", if it is missing). The process that is to fail moves it to `fired/ID`,
which only one of them can, says in `fired/ID.json` who it is and when, and then fails. Whoever arms a fault writes the
file under a name that begins with a dot, and renames it.

The points are those of `crawler.fault_points`. Nothing here knows what they are about.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, get_args

from crawler.config import read_fault
from crawler.errors import ConfigError
from crawler.fault_points import POINTS, PROCESSES, FaultKind, Process, kinds_at

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

#: In a file: whichever process comes first.
ANY: Final = "any"

#: Names of folders.
ARMED: Final = "armed"
FIRED: Final = "fired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is to happen.

    Attributes:
        point: where; one of `POINTS`.
        kind: what.
        nth: the how many-th time a process comes there, from 1.
        process: what the process must be; `ANY` of them.
    """

    point: str
    kind: FaultKind
    nth: int = 1
    process: Process | str = ANY


class _Plan(Protocol):
    """What faults there are to be."""

    def due(self, point: str) -> FaultKind | None:
        """What happens to this process, which has come to a point."""
        ...


#: None: nothing ever happens. It is read once, by what makes connections and by whoever says what the process is.
_plan: _Plan | None = None
_is_read = False
_process: Process | str = ""


def at(point: str) -> None:
    """This process has come to a point.

    Raises:
        ConnectionResetError: that is the fault.
    """
    if _plan is not None:
        _come(_plan, point)


def is_on() -> bool:
    """Whether anything can ever happen in this process: otherwise there is no need to make up names of points."""
    return _plan is not None


def be(process: Process) -> None:
    """Says what this process is, at its beginning; it has come to no point yet, whatever it was forked from.

    Raises:
        ConfigError: CRAWLERY_FAULT cannot be used; says why.
    """
    global _process, _is_read
    _process, _is_read = process, False
    read_once()


def read_once() -> None:
    """Looks at the environment, if nobody has in this process.

    Raises:
        ConfigError: CRAWLERY_FAULT cannot be used; says why.
    """
    global _plan, _is_read  # noqa: PLW0603 - one environment, one plan
    if _is_read:
        return
    text = read_fault()
    _plan = _read(text) if text else None
    _is_read = True
    if _plan is not None:
        logger.warning("CRAWLERY_FAULT=%s: this process fails on purpose, which is for tests only", text)


def _come(plan: _Plan, point: str) -> None:
    kind = plan.due(point)
    if kind is None:
        return
    logger.warning("CRAWLERY_FAULT: %s at %s", kind, point)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "hang":
        # To this thread, which then goes no further; to the process, it might be another one that stops the rest.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    else:
        raise ConnectionResetError(f"{kind} at {point}, as CRAWLERY_FAULT says")


def _read(text: str) -> _Plan:
    if "/" in text:
        return _Folder(Path(text))
    faults, problems = [], []
    for part in text.split(","):
        try:
            faults.append(_listed(part.strip()))
        except ValueError as error:
            problems.append(f"environment: CRAWLERY_FAULT: {part.strip()!r}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return _Listed(faults)


def _listed(text: str) -> Fault:
    """One fault as POINT:NTH:KIND.

    Raises:
        ValueError: it is none.
    """
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError("it is no fault; write POINT:NTH:KIND, or the path of a folder")
    point, nth, kind = parts
    return _fault({"point": point, "nth": int(nth) if nth.isascii() and nth.isdecimal() else nth, "kind": kind})


def _fault(values: Mapping[str, Any]) -> Fault:
    """A fault of values that somebody has written.

    Raises:
        ValueError: one of them is wrong.
    """
    point, kind = values.get("point"), values.get("kind")
    nth, process = values.get("nth", 1), values.get("process", ANY)
    unknown = ", ".join(sorted(values.keys() - {"point", "kind", "nth", "process"}))
    if unknown:
        raise ValueError(f"a fault has no {unknown}")
    if not isinstance(point, str) or point not in POINTS:
        raise ValueError(f"there is no point {point!r}; docs/faults.md lists them")
    if kind not in get_args(FaultKind):
        raise ValueError(f"there is no kind {kind!r}; one of {', '.join(get_args(FaultKind))}")
    if kind not in kinds_at(point):
        raise ValueError(f"{kind} cannot happen there; one of {', '.join(kinds_at(point))}")
    if not isinstance(nth, int) or isinstance(nth, bool) or nth < 1:
        raise ValueError(f"{nth!r} is no number of a time; they are counted from 1")
    if process not in (ANY, *PROCESSES):
        raise ValueError(f"there is no process {process!r}; one of {', '.join((ANY, *PROCESSES))}")
    return Fault(point=point, kind=cast("FaultKind", kind), nth=nth, process=process)


class _Listed:
    """Faults of this process."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._times = dict.fromkeys((fault.point for fault in faults), 0)
        self._lock = threading.Lock()

    def due(self, point: str) -> FaultKind | None:
        if point not in self._times:
            return None
        with self._lock:
            self._times[point] += 1
            times = self._times[point]
        return next((fault.kind for fault in self._faults if (fault.point, fault.nth) == (point, times)), None)


@dataclass(slots=True)
class _Seen:
    """A file in `armed`: its fault, None if it is none; and how often this process has come to its point since."""

    version: tuple[int, int, int]
    fault: Fault | None
    times: int = 0


class _Folder:
    """Faults of all processes that look into a folder."""

    def __init__(self, folder: Path) -> None:
        """The folder; made, if it is not there.

        Raises:
            ConfigError: it cannot be used.
        """
        self._armed, self._fired = folder / ARMED, folder / FIRED
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()
        try:
            for each in (self._armed, self._fired):
                each.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"environment: CRAWLERY_FAULT: {folder} cannot be used: {error}") from error

    def due(self, point: str) -> FaultKind | None:
        with self._lock:
            self._look()
            kind = None
            for name, seen in self._seen.items():
                fault = seen.fault
                if fault is None or fault.point != point or fault.process not in (ANY, _process):
                    continue
                seen.times += 1
                # Whoever comes later than that fails too: another process may have had its turn, and lost the race.
                if kind is None and seen.times >= fault.nth and self._claimed(name, fault):
                    kind = fault.kind
            return kind

    def _look(self) -> None:
        """What is armed now; a file that has changed is another one."""
        names = set()
        with contextlib.suppress(FileNotFoundError), os.scandir(self._armed) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                with contextlib.suppress(FileNotFoundError):  # fired meanwhile
                    found = entry.stat()
                    version = (found.st_ino, found.st_mtime_ns, found.st_size)
                    names.add(entry.name)
                    if entry.name not in self._seen or self._seen[entry.name].version != version:
                        self._seen[entry.name] = _Seen(version, _armed(Path(entry.path)))
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}

    def _claimed(self, name: str, fault: Fault) -> bool:
        """Whether it is this process that is to fail; then it is written down."""
        try:
            (self._armed / name).rename(self._fired / name)
        except FileNotFoundError:
            return False
        report = {
            "point": fault.point,
            "kind": fault.kind,
            "pid": os.getpid(),
            "process": _process,
            "at_s": time.time(),
        }
        spool = self._fired / f".{name}.json"
        spool.write_text(json.dumps(report), encoding="utf-8")
        spool.replace(self._fired / f"{name}.json")
        return True


def _armed(path: Path) -> Fault | None:
    """The fault of a file; None, and said so, if it is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004, TRY301 - as what json says of it
        return _fault(values)
    except FileNotFoundError:
        return None  # fired meanwhile
    except (OSError, ValueError) as error:
        logger.warning("CRAWLERY_FAULT: %s is no fault: %s", path, error)
        return None

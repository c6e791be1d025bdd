"""Faults that wait in a folder for the process that comes to their point first, see `crawler.faults`."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Fired:
    """A fault that has happened, as the process has written it down just before."""

    id: str
    point: str
    kind: str
    pid: int
    process: str  # worker, node, steward, api
    at_s: float


class ArmedFaults:
    """One folder for all processes of a platform; each fault happens once."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._fired = folder / "armed", folder / "fired"
        for each in (self._armed, self._fired):
            each.mkdir(parents=True)
        self._numbers = itertools.count(1)
        self._seen: set[str] = set()
        self.environment = {"CRAWLERY_FAULT": str(folder)}

    def arm(self, point: str, kind: str, *, process: str = "any", nth: int = 1) -> str:
        """The fault's id; it happens when a process of this kind comes to the point for the nth time from now on."""
        name = f"{next(self._numbers)}-{point}"
        draft = self._armed.parent / name
        draft.write_text(json.dumps({"point": point, "kind": kind, "nth": nth, "process": process}))
        draft.rename(self._armed / name)  # a reader sees it whole
        return name

    def disarm(self, fault: str) -> bool:
        """Takes it back; False if it has happened, or is about to."""
        try:
            (self._armed / fault).unlink()
        except FileNotFoundError:
            return False
        return True

    def waiting(self) -> list[str]:
        """Those that have not happened."""
        return [path.name for path in self._armed.iterdir()]

    def fired(self) -> list[Fired]:
        """Those that have happened since this was asked last."""
        fresh = []
        for path in sorted(self._fired.glob("*.json")):
            if path.name not in self._seen and not path.name.startswith("."):  # those are still being written
                self._seen.add(path.name)
                fresh.append(Fired(id=path.stem, **json.loads(path.read_text())))
        return fresh

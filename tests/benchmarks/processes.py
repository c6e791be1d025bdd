"""What the kernel says of a process: memory and processor time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024


class Memory(NamedTuple):
    """In MiB: resident, and the part of that which is counted for this process where others share it."""

    rss: float
    pss: float


def memory_of(pid: int) -> Memory:
    """What a process holds now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(rss=sizes["Rss"] / _MIB, pss=sizes["Pss"] / _MIB)


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS

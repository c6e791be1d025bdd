"""A wall clock that jumps under processes that run, as that of a machine whose time is set.

It knows nothing of the processes. Their monotonic clocks and timers go on as they were.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Final

from preloads import built

if TYPE_CHECKING:
    from pathlib import Path

_AHEAD: Final = struct.Struct("@q")  # native: written at one go


class Clock:
    """One clock for all processes that have its `environment`, and for what they start; it is right in the beginning.

    Attributes:
        environment: of a process: it says where the clock is.
    """

    def __init__(self, folder: Path) -> None:
        """`folder`: where its file is; a clock needs a folder of its own."""
        path = folder / "wall_clock"
        path.write_bytes(bytes(_AHEAD.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(built("wall_clock")), "WALL_CLOCK": str(path)}

    @property
    def ahead_s(self) -> float:
        """How far it is before the real time; behind it if negative."""
        return _AHEAD.unpack_from(self._memory)[0] / 1e9

    def jump(self, seconds: float) -> None:
        """From now on it shows so many seconds more, or less, than it would."""
        self.set_ahead(self.ahead_s + seconds)

    def set_ahead(self, seconds: float) -> None:
        """From now on it is so far from the real time; 0: it is right again."""
        _AHEAD.pack_into(self._memory, 0, round(seconds * 1e9))

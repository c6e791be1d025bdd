"""What a disk has when its machine loses power: what it was told to keep of each file, and by luck a part of the rest.

`kill -9` alone takes nothing that was written, since the kernel still has it. It knows files and no servers; that names
of files outlive a loss of power is taken for granted.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from preloads import built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: As in synced_sizes.c: inode and size in bytes of each file.
_SLOT: Final = struct.Struct("<QQ")
_SLOTS: Final = 256

#: Sizes of files are looked at so often, in seconds, and kept for so many looks.
_LOOK_S: Final = 0.05
_LOOKS: Final = 200


class SyncedFiles:
    """Which part of the files in a folder is on the disk. The folder may come later.

    Attributes:
        environment: what the one process that writes there must have; see `synced_sizes.c`.
    """

    def __init__(self, folder: Path, *, notes: Path) -> None:
        """`notes`: a file that it makes and owns."""
        self._folder = folder
        self._notes = notes
        self._notes.write_bytes(bytes(_SLOT.size * _SLOTS))
        self.environment = {"LD_PRELOAD": str(built("synced_sizes")), "SYNCED_SIZES": str(notes)}

    def unsynced(self) -> int:
        """How many bytes are not on the disk."""
        synced = self._synced()
        return sum(max(0, size - synced.get(inode, 0)) for _, inode, size in _files(self._folder))

    def lose(self, *, keep: float) -> int:
        """Cuts each file, while nobody has it open, to what was synced and the share `keep` of what was not.

        What is there afterwards is on the disk. Returns the bytes that were lost.
        """
        assert 0 <= keep <= 1, "a share"
        synced = self._synced()

        def left(_: Path, inode: int, size: int) -> int:
            safe = min(size, synced.get(inode, 0))
            return safe + round(keep * (size - safe))

        return self._cut(left)

    def cut_to(self, sizes: dict[Path, int]) -> int:
        """Cuts each file to a size, those without one to nothing, whatever was synced. Returns the bytes lost."""
        return self._cut(lambda path, _, size: min(size, sizes.get(path, 0)))

    def _cut(self, left: Callable[[Path, int, int], int]) -> int:
        lost = 0
        now = {}
        for path, inode, size in _files(self._folder):
            now[inode] = left(path, inode, size)
            if now[inode] < size:
                os.truncate(path, now[inode])
            lost += size - now[inode]
        slots = b"".join(_SLOT.pack(*slot) for slot in now.items())
        with self._notes.open("r+b") as notes, mmap.mmap(notes.fileno(), 0) as memory:
            memory[:] = slots.ljust(len(memory), b"\0")
        return lost

    def _synced(self) -> dict[int, int]:
        return {inode: size for inode, size in _SLOT.iter_unpack(self._notes.read_bytes()) if inode}


class SizesInPast:
    """The sizes that files of a folder had a moment ago, as a thread saw them; for a disk that lied about a sync."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: deque[tuple[float, dict[Path, int]]] = deque(maxlen=_LOOKS)
        self._end = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._run, name="sizes in past", daemon=True)
        self._thread.start()

    def before(self, seconds: float) -> dict[Path, int]:
        """Sizes so many seconds ago, by path; the oldest that are known if none are so old."""
        until = time.monotonic() - seconds
        seen = list(self._seen)
        return next((sizes for at, sizes in reversed(seen) if at <= until), seen[0][1])

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(_LOOK_S):
            self._look()

    def _look(self) -> None:
        at = time.monotonic()
        self._seen.append((at, {path: size for path, _, size in _files(self._folder)}))


def _files(folder: Path) -> Iterator[tuple[Path, int, int]]:
    """Path, inode and size of each; one that is renamed or removed meanwhile is left out."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            facts = Path(entry.path).stat()
        except FileNotFoundError:
            continue
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path), facts.st_ino, facts.st_size

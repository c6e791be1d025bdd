"""Fault points of objects that are put: about to be sent, sent by half, and there without anybody having heard of it.

Knows no storage: each one comes to the points in its own way.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Literal, TypeAlias, cast

from crawler import faults
from crawler.exports.keys import kind_of

Moment: TypeAlias = Literal["call", "half", "reply"]


def put_point(key: str, moment: Moment) -> str:
    """The point of an object; of one that is none of a job, a point at which nothing can happen."""
    return f"put_{kind_of(key)}.{moment}"


def halfway(file: BinaryIO, point: str) -> BinaryIO:
    """The file from its beginning, so that this process comes to the point when half of it has been taken."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return cast("BinaryIO", _Halfway(file, size // 2, point))


class _Halfway:
    """What is needed of a file by those who send one."""

    def __init__(self, file: BinaryIO, half: int, point: str) -> None:
        self._file = file
        self._left = half
        self._point = point
        self._is_past = False

    def read(self, size: int = -1, /) -> bytes:
        if not self._is_past and self._left == 0:
            self._is_past = True
            faults.at(self._point)
        if self._is_past:
            return self._file.read(size)
        chunk = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

"""A set of ids of 64 bits in little more memory than the ids themselves: 9 bytes each, where a `set` of int needs 75.

A crawl in one process knows every URL that it has seen for as long as it lasts, and every key of its rows.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import Final

_BITS: Final = 64

#: Ids in one array on an average, before there are twice as many arrays. An id is put into its place by moving those
#: behind it: 8 KB at the most, which takes a fraction of a microsecond.
_PER_ARRAY: Final = 1_024


class IdSet:
    """Ids from 0 to 2**64 - 1, which are hashes: evenly spread. Others are held, too, only not as fast."""

    __slots__ = ("_arrays", "_bits", "_count")

    def __init__(self) -> None:
        self._bits = 0  # so many of the first bits of an id say in which array it is
        self._arrays = [array("Q")]  # each sorted
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        ids = self._arrays[number >> (_BITS - self._bits)]
        place = bisect_left(ids, number)
        return place < len(ids) and ids[place] == number

    def add(self, number: int) -> bool:
        """Whether it is new."""
        ids = self._arrays[number >> (_BITS - self._bits)]
        place = bisect_left(ids, number)
        if place < len(ids) and ids[place] == number:
            return False
        ids.insert(place, number)
        self._count += 1
        if self._count > _PER_ARRAY << self._bits:
            self._split()
        return True

    def _split(self) -> None:
        """One more bit says where an id is."""
        self._bits += 1
        width = _BITS - self._bits
        halves = []
        for number, ids in enumerate(self._arrays):
            middle = bisect_left(ids, (2 * number + 1) << width)
            halves += [ids[begin:end] for begin, end in pairwise((0, middle, len(ids)))]
        self._arrays = halves

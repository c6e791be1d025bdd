"""What a test of stewards knows: the rows of pages, and a storage that fails when it is told to."""

from __future__ import annotations

import asyncio
import csv
import io

from crawler.errors import ObjectStoreError
from crawler.exports.keys import JobKeys

KEYS = JobKeys(client="local", job="j")


def names_in(text: str) -> list[str]:
    return [row["name"] for row in csv.DictReader(io.StringIO(text, newline=""))]


def goods(pages: int) -> list[str]:
    return [f"good {page}-{each}" for page in range(1, pages + 1) for each in range(2)]


class Fails:
    """A storage of which some calls fail: all `put`s while `away`, or the first one of a key with certain words."""

    def __init__(self, objects) -> None:
        self._objects = objects
        self.away = False
        self.lose_answer_of = ""
        self.die_after = ""
        self.puts: list[str] = []

    def __getattr__(self, name):
        return getattr(self._objects, name)

    def put(self, key, body, **options):
        if self.away:
            raise ObjectStoreError("it does not answer", passing=True)
        written = self._objects.put(key, body, **options)
        self.puts.append(key)
        if self.lose_answer_of and self.lose_answer_of in key:
            self.lose_answer_of = ""
            raise ObjectStoreError("the answer got lost", passing=True)
        if self.die_after and self.die_after in key:
            self.die_after = ""
            raise asyncio.CancelledError
        return written

"""What a storage of files promises: objects by key, each written whole or not at all.

`objects_s3` keeps them in any S3, `objects_folder` in a local folder; both pass `tests/contract/exports`. Keys are
made by `crawler.exports.keys` only. Calls block and may come from several threads; nothing here knows what an object
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object without its bytes; `modified_s` in seconds since 1970, of the storage's clock."""

    key: str
    size_bytes: int
    modified_s: float


class ObjectStore(Protocol):
    """The calls. What fails raises `ObjectStoreError`, which says whether time may heal it."""

    def put(self, key: str, body: bytes | BinaryIO, *, content_type: str, only_new: bool = False) -> bool:
        """Writes an object, encrypted at rest where the storage can; one that is there is replaced.

        Args:
            key: of the object.
            body: its bytes, or a file that is read from its beginning to its end; it may be of any size.
            content_type: MIME type, with which a link is answered.
            only_new: leave an object alone that is there already.

        Returns:
            Whether it was written; False only with `only_new`. After an answer that got lost, a call may find its own
            object: whoever uses `only_new` reads what is there, and compares.
        """
        ...

    def get(self, key: str) -> bytes:
        """The bytes of a small object.

        Raises:
            NoSuchObject: there is none.
        """
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The bytes of an object of any size, to be read from the beginning.

        Raises:
            NoSuchObject: there is none.
        """
        ...

    def info(self, key: str) -> ObjectInfo | None:
        """Size and time of an object; None if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects whose keys begin so, in no order that could be relied on: S3 servers differ in it."""
        ...

    def delete(self, keys: Collection[str]) -> None:
        """Removes objects; those that are not there are removed already."""
        ...

    def link(self, key: str, *, file_name: str, expires_s: int) -> str:
        """A URL with which anybody can download the object for so long, as a file of that name."""
        ...

    def check(self) -> None:
        """Whether it can be used as it is configured: asks it.

        Raises:
            ObjectStoreError: it cannot; says what to do.
        """
        ...

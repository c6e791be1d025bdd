"""Rows that wait in a file for their feed, which can be written when all of them are there."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Final

from crawler.jobs.rows import decode_row, encode_row
from crawler.wire import NotEncodable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

#: Before each row.
_LENGTH_BYTES: Final = 4


class KeptRows:
    """Rows in a file without a name, which is gone with the context."""

    def __init__(self, folder: str | None) -> None:
        """`folder`: for the file; None: the system's own."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as this

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, row: Any) -> None:
        """Keeps a row.

        Raises:
            OSError: it cannot be kept; ends the crawl, as a full disk does.
        """
        try:
            body = encode_row(row)
        except NotEncodable as error:
            raise OSError(f"a row cannot be kept: {error}") from error
        self._file.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All of them, from the first."""
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            yield decode_row(self._file.read(int.from_bytes(length, "big")))

"""Files of text, whatever is in them: CSV, TSV, JSON Lines or the lines of a profile, compressed or not.

The same rows have the same bytes, compressed ones too: a gzip header of ours has neither a name nor a time.
"""

from __future__ import annotations

import gzip
import io
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from crawler.exports.formats import CsvWriter, JsonlWriter
from crawler.exports.profiles.files import ProfileWriter, is_shaped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crawler.exports.formats import TextFile

#: The text between the cells of a format; a format that is not here has none.
SEPARATORS: Final = {"csv": ",", "tsv": "\t"}

TextWriter: TypeAlias = CsvWriter | ProfileWriter | JsonlWriter


def text_writer(
    file: TextFile,
    fmt: str,
    columns: Sequence[str] | None,
    *,
    join: Mapping[str, str] | None = None,
    raw: bool = False,
    profile: str = "plain@1",
    own: Collection[str] = (),
) -> TextWriter:
    """A writer that has not written anything yet.

    Args:
        file: open for text with `newline=""`.
        fmt: csv, tsv or jsonl.
        columns: of a file with a header all; None, for JSON Lines: those of each row.
        join: see `CsvWriter`.
        raw: see `CsvWriter`.
        profile: of the file, if it has a header; JSON Lines are rows as they are.
        own: see `CsvWriter`.
    """
    if fmt not in SEPARATORS:
        return JsonlWriter(file, columns)
    if is_shaped(profile):
        return ProfileWriter(file, profile, columns or (), raw=raw)
    return CsvWriter(file, columns or (), join=join, raw=raw, separator=SEPARATORS[fmt], own=own)


def guarded_cells(writer: object) -> int:
    """How many cells a writer has guarded against spreadsheets."""
    return writer.guarded if isinstance(writer, CsvWriter | ProfileWriter) else 0


def compressed(file: IO[bytes]) -> IO[bytes]:
    """A file whose content gets into `file` with gzip; closing it completes and does not close `file`."""
    return cast("IO[bytes]", gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))


def text_of(file: IO[bytes], *, gzipped: bool, buffer_bytes: int) -> io.TextIOWrapper:
    """Text into `file`, which is closed with it."""
    if not gzipped:
        return io.TextIOWrapper(file, encoding="utf-8", newline="")
    # The type of GzipFile says less than it can.
    packed = io.BufferedWriter(cast("io.RawIOBase", _ClosesBelow(file)), buffer_size=buffer_bytes)
    return io.TextIOWrapper(packed, encoding="utf-8", newline="")


class _ClosesBelow(gzip.GzipFile):
    """Closes the file that it writes to."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(filename="", mode="wb", fileobj=file, mtime=0)
        self._below = file

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._below.close()

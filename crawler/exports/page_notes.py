"""Notes on pages: what the next run of an incremental recipe wants to know of a page that this one has read.

A note travels as the last of its page's rows, under the name `crawler.jobs.rows.NOTE`, so that it counts exactly when
the page does. Knows rows, not who writes or reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ID_BYTES: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class PageNote:
    """A note on one page.

    Attributes:
        page: 64-bit id of it that is the same in all jobs.
        etag: of the answer, as the site has sent it; "" = it has sent none.
        modified: its Last-Modified, ditto.
        lastmod: of the sitemap that has listed it, as written there; ditto.
        carried: digest of what its request has carried along, which its rows may hold; "" = nothing.
        fetched_ms: when it was read whole, ms since 1970.
        rows: how many it gave.
        children: what it led to, as whoever crawls has encoded it.
        unchanged: the site, or its sitemap, has said that it is what the state of the series knows; only `page` and
            `lastmod` count then.
        skipped: ids of pages that were not asked for because their sitemap says that they are unchanged, packed; of the
            page that is the sitemap.
        passed: ids of pages of which nothing is known, and that were not wanted because they are older than
            `modified_since`; of the page that is the sitemap.
        in_part: the page is a sitemap that could not be read to its end, so a run with it has not seen everything.

    A note on another page without `etag`, `modified` and `lastmod` says that the page has to be read again.
    """

    page: int
    etag: str = ""
    modified: str = ""
    lastmod: str = ""
    carried: str = ""
    fetched_ms: int = 0
    rows: int = 0
    children: bytes = b""
    unchanged: bool = False
    skipped: bytes = b""
    passed: bytes = b""
    in_part: bool = False

    @property
    def is_of_sitemap(self) -> bool:
        """Whether it says something of other pages, and nothing of its own."""
        return bool(self.skipped or self.passed or self.in_part)

    def values(self) -> dict[str, Any]:
        """As the values of a row, for `crawler.jobs.rows.encode_row`."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in said.items() if value not in ("", 0, b"", False) or name == "page"}


_NAMES: Final = frozenset(field.name for field in fields(PageNote))


def note_of(values: Mapping[str, Any]) -> PageNote:
    """The note of a row's values; what a later version has added is left out.

    Raises:
        TypeError: they are those of no note.
    """
    return PageNote(**{name: value for name, value in values.items() if name in _NAMES})


def packed_ids(ids: Iterable[int]) -> bytes:
    """Ids of 64 bits in a row."""
    return b"".join(number.to_bytes(_ID_BYTES, "big") for number in ids)


def unpacked_ids(packed: bytes) -> Iterator[int]:
    """The ids that `packed_ids` has packed."""
    for first in range(0, len(packed), _ID_BYTES):
        yield int.from_bytes(packed[first : first + _ID_BYTES], "big")

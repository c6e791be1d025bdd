"""Reads sitemaps: robots.txt that names them, indexes, lists of URLs as XML or text, each of them plain or as gzip.

They are read piece by piece, so that a large one, or a bomb, takes no more memory than its entries. What an entry is
good for is `sitemap_pages`' business; nothing here knows of recipes.
"""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from lxml import etree
from msgspec import Struct, field

from crawler.errors import PageMismatch, ParseRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of one sitemap, as its protocol has it (sitemaps.org): entries, and bytes when it is unpacked.
MAX_ENTRIES: Final = 50_000
MAX_BYTES: Final = 50 * 1024 * 1024

#: A URL that is longer is none; the protocol allows 2,048 characters.
_MAX_URL: Final = 8192

#: Elements of all entries and of one, how deep they stand, and bytes without any. An entry with a link for each of 200
#: languages has some hundred.
_MAX_ELEMENTS: Final = 1_000_000
_MAX_INSIDE: Final = 5_000
_MAX_DEPTH: Final = 32
_MAX_WITHOUT: Final = 256 * 1024

_PIECE: Final = 64 * 1024

#: Gzip files in one; those that are written block by block have a thousand in `MAX_BYTES`.
_MAX_MEMBERS: Final = 10_000
_GZIP: Final = b"\x1f\x8b"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_BLANKS: Final = b"\xef\xbb\xbf \t\r\n"

_INTERNAL_DTD: Final = re.compile(rb"<!DOCTYPE[^>\[]*\[", re.IGNORECASE)
_HTML: Final = re.compile(rb"<!doctype\s+html|<html\b", re.IGNORECASE)
_BARE_AMPERSAND: Final = re.compile(rb"&(?!#?[0-9A-Za-z]{1,10};)")
_ROBOTS_LINE: Final = re.compile(r"[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.IGNORECASE)
_HTTP: Final = re.compile(r"https?://", re.IGNORECASE)
_W3C_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class SitemapEntry(Struct, frozen=True, kw_only=True):
    """One `<url>` or `<sitemap>`, or a line of text; URLs as written."""

    url: str
    modified: str = ""
    alternates: tuple[str, ...] = ()


class SitemapFile(Struct, frozen=True, kw_only=True):
    """What one file says.

    Attributes:
        sitemaps: its entries are sitemaps, not pages.
        entries: at most `MAX_ENTRIES`.
        cut: it has more.
        damaged: it is no XML from its beginning to its end; there may have been more in it.
    """

    sitemaps: bool
    entries: tuple[SitemapEntry, ...]
    cut: bool = False
    damaged: bool = False


class _Entries(Struct):
    found: list[SitemapEntry] = field(default_factory=list)
    cut: bool = False

    def add(self, entry: SitemapEntry) -> bool:
        """Whether there is room for more."""
        if len(self.found) >= MAX_ENTRIES:
            self.cut = True
            return False
        self.found.append(entry)
        return True


def read_sitemap(body: bytes, *, robots: bool = False) -> SitemapFile:
    """The entries of a file.

    Args:
        body: as it came, gzip or not.
        robots: it is a robots.txt, of which only the lines `Sitemap:` count.

    Raises:
        PageMismatch: it is no sitemap, such as a page that says that there is none.
        ParseRefused: it is larger than a sitemap may be, damaged, or made to cost too much.
    """
    pieces = _unpacked(body)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _PIECE:
            break
    start = head.lstrip(_BLANKS)
    if not robots and (start.startswith(b"<") or head.startswith(_UTF_16)):
        return _xml(head, pieces)
    return _text(head, pieces, robots=robots)


def latest_moment(text: str) -> datetime | None:
    """The latest moment that a date of W3C's kind may mean, in UTC: the end of its day or year. None if it is none."""
    written = text.strip()
    whole = _W3C_DATE.fullmatch(written)
    try:
        if whole is None:
            moment = datetime.fromisoformat(written)
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
        year, month, day = (None if part is None else int(part) for part in whole.groups())
        if year is None:
            raise AssertionError("the pattern begins with a year")
        if day is not None and month is not None:
            return datetime(year, month, day, tzinfo=UTC) + timedelta(days=1)
        first = datetime(year, month or 12, 1, tzinfo=UTC)
        return (first + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError):
        return None


# --- bytes -----------------------------------------------------------------------------------------------------------


def _unpacked(body: bytes) -> Iterator[bytes]:
    """The file piece by piece, never more than `MAX_BYTES` of it."""
    if not body.startswith(_GZIP):
        if len(body) > MAX_BYTES:
            raise ParseRefused(f"a sitemap has at most {MAX_BYTES:,} bytes; this one has {len(body):,}")
        for start in range(0, len(body), _PIECE):
            yield body[start : start + _PIECE]
        return
    yield from _unpacked_gzip(memoryview(body))


def _unpacked_gzip(body: memoryview) -> Iterator[bytes]:
    """A gzip file, which may be several of them, one behind the other.

    It is given to zlib in pieces: what is left of one is copied each time.
    """
    total = begin = members = 0
    while bytes(body[begin : begin + len(_GZIP)]) == _GZIP:
        members += 1
        if members > _MAX_MEMBERS:
            raise ParseRefused(f"the gzip file is made of more than {_MAX_MEMBERS:,} others; it can be a trap")
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            packed = body[begin : begin + _PIECE]
            try:
                piece = unpacker.decompress(packed, _PIECE)
            except zlib.error as error:
                raise ParseRefused(f"the gzip file is damaged: {error}") from None
            begin += len(packed) - len(unpacker.unused_data or unpacker.unconsumed_tail)
            total += len(piece)
            if total > MAX_BYTES:
                raise ParseRefused(f"a sitemap has at most {MAX_BYTES:,} bytes; this one unpacks to more")
            if piece:
                yield piece
            elif not packed and not unpacker.eof:
                raise ParseRefused("the gzip file ends in the middle")


# --- XML -------------------------------------------------------------------------------------------------------------


def _xml(head: bytes, pieces: Iterator[bytes]) -> SitemapFile:
    if _INTERNAL_DTD.search(head):
        raise ParseRefused("the sitemap brings a DTD of its own, which is not read; a file like this can be a trap")
    if _HTML.match(head.lstrip(_BLANKS)):
        raise PageMismatch("this is no sitemap: it is an HTML page")
    parser = etree.XMLPullParser(
        events=("start", "end"),
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    reader = _XmlReader(parser)
    try:
        for piece in _mended(_chained(head.lstrip(_BLANKS), _with_tags(pieces))):
            parser.feed(piece)
            if not reader.go_on():
                return reader.result(damaged=False)
        parser.close()
        reader.go_on()
    except etree.XMLSyntaxError:
        return reader.result(damaged=True)
    return reader.result(damaged=bool(parser.feed_error_log))


def _with_tags(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, as long as they are not one text, one comment or one tag without end."""
    without = 0
    for piece in pieces:
        without = 0 if b">" in piece else without + len(piece)
        if without > _MAX_WITHOUT:
            raise ParseRefused("the sitemap has a text or a tag that is longer than any needs to be; it can be a trap")
        yield piece


def _mended(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, with `&` written as it has to be: in addresses it often is not, and would be lost with what follows.

    A file with CDATA may mean it as it is, and one in UTF-16 is not looked at.
    """
    tail = b""
    for piece in pieces:
        data = tail + piece
        if b"<![CDATA[" in data or data.startswith(_UTF_16):
            yield data
            yield from pieces
            return
        cut = data.rfind(b"&", max(0, len(data) - 12))
        cut = len(data) if cut < 0 else cut
        tail = data[cut:]
        yield _BARE_AMPERSAND.sub(b"&amp;", data[:cut])
    yield _BARE_AMPERSAND.sub(b"&amp;", tail)


def _chained(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces


class _XmlReader:
    """Takes entries out of a tree while it grows, and cuts off what has been read."""

    def __init__(self, parser: etree.XMLPullParser) -> None:
        self.root = ""
        self._parser = parser
        self._entries = _Entries()
        self._depth = 0
        self._inside = 0
        self._elements = 0

    def go_on(self) -> bool:
        """Reads what there is; False when that is enough.

        Raises:
            PageMismatch: the file is something else.
            ParseRefused: an entry has too much in it.
        """
        for event, element in self._parser.read_events():
            if not isinstance(element, etree._Element):  # noqa: SLF001 - what lxml calls an element
                continue
            if event == "start":
                self._begins(element)
                continue
            self._depth -= 1
            if self._depth == 1 and not self._ends(element):
                return False
        return True

    def _begins(self, element: etree._Element) -> None:
        self._depth += 1
        self._inside += 1
        self._elements += 1
        if not self.root:
            self.root = _local(element)
            if self.root not in ("urlset", "sitemapindex"):
                raise PageMismatch(f"this is no sitemap: it begins with <{self.root[:40]}>")
        if self._inside > _MAX_INSIDE or self._depth > _MAX_DEPTH:
            raise ParseRefused("an entry of the sitemap has more in it than any sitemap needs; it can be a trap")
        if self._elements > _MAX_ELEMENTS:
            raise ParseRefused(f"the sitemap has more than {_MAX_ELEMENTS:,} elements")

    def _ends(self, element: etree._Element) -> bool:
        self._inside = 0
        goes_on = True
        if _local(element) in ("url", "sitemap"):
            url, modified, alternates = "", "", []
            for child in element:
                name, text = _local(child), (child.text or "").strip()
                if name == "loc" and not url:
                    url = text
                elif name == "lastmod":
                    modified = text
                elif name == "link" and child.get("rel") == "alternate":
                    alternates.append(str(child.get("href") or "").strip())
            if url and len(url) <= _MAX_URL:
                kept = tuple(other for other in alternates if other and len(other) <= _MAX_URL)
                goes_on = self._entries.add(SitemapEntry(url=url, modified=modified[:64], alternates=kept))
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]
        return goes_on

    def result(self, *, damaged: bool) -> SitemapFile:
        """What was found. `damaged`: as in `SitemapFile`.

        Raises:
            PageMismatch: there was no element at all.
        """
        if not self.root:
            raise PageMismatch("this is no sitemap: there is no element in it")
        entries = tuple(self._entries.found)
        return SitemapFile(
            sitemaps=self.root == "sitemapindex", entries=entries, cut=self._entries.cut, damaged=damaged
        )


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


# --- text ------------------------------------------------------------------------------------------------------------


def _text(head: bytes, pieces: Iterator[bytes], *, robots: bool) -> SitemapFile:
    entries = _Entries()
    for line in _lines(head, pieces):
        said = _ROBOTS_LINE.match(line)
        if robots:
            url = "" if said is None else said[1]
        elif _HTTP.match(line):
            url = line
        elif line:
            shown = line if len(line) <= 40 else line[:40] + "..."
            raise PageMismatch(f"this is no sitemap: it has the line {shown!r}")
        else:
            continue
        if url and len(url) <= _MAX_URL and not entries.add(SitemapEntry(url=url)):
            break
    if not robots and not entries.found:
        raise PageMismatch("this is no sitemap: there is nothing in it")
    return SitemapFile(sitemaps=robots, entries=tuple(entries.found), cut=entries.cut)


def _lines(head: bytes, pieces: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in _chained(head.lstrip(_BLANKS), pieces):
        *whole, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").strip()
        if len(rest) > _MAX_URL:
            rest = rest[: _MAX_URL + 1]
    yield rest.decode("utf-8", "replace").strip()

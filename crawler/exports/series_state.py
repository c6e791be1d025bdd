"""What a series knows: one file of SQLite, with the pages that its last runs have read and the keys of their rows.

    meta    text by name: format, order, job, recipe (SHA-256 of its text), whole_ms (start of the last whole run)
    items   a number for each item
    pages   by id: validators and what the page has led to; only of pages that need not be read again to know their rows
    rows    by item and hash of the key: hash of what is compared, the page that gave it, the key itself, in how many
            whole runs it was missed in a row, in which run it was last seen, and which fields it has a value in

It is read from disk page by page, however many keys it has. Who keeps the file, and which one is the newest, is not
known here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.errors import StateDamaged
from crawler.exports.formats import compact_json
from crawler.exports.page_notes import PageNote, unpacked_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

#: Raised whenever an older reader could misread what is written.
FORMAT: Final = 1

#: Of the file, so much is kept in memory.
_CACHE_KIB: Final = 32 * 1024

_HASH_BYTES: Final = 16

#: What helps.
_ANEW: Final = "`crawlery state forget NAME` lets the series begin anew"

_FIELDS: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS pages (
    id INTEGER PRIMARY KEY, etag TEXT NOT NULL, modified TEXT NOT NULL, lastmod TEXT NOT NULL, carried TEXT NOT NULL,
    fetched_ms INTEGER NOT NULL, children BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS rows (
    item INTEGER NOT NULL, key BLOB NOT NULL, hash BLOB NOT NULL, page INTEGER NOT NULL, fields TEXT NOT NULL,
    missed INTEGER NOT NULL, seen INTEGER NOT NULL, cover TEXT NOT NULL, PRIMARY KEY (item, key)
) WITHOUT ROWID;
"""

#: What is known of a run while it is looked at, in a file of its own that is gone with the connection. `fid` is the
#: number of a page within its job. Rows of `unread` pages are what they were, as far as anybody knows: what pages hold
#: that were passed over may not be known by the text of this recipe, but it is not gone.
_RUN_SCHEMA: Final = """
CREATE TABLE run.notes (
    page INTEGER PRIMARY KEY, fid INTEGER NOT NULL UNIQUE, etag TEXT NOT NULL, modified TEXT NOT NULL,
    lastmod TEXT NOT NULL, carried TEXT NOT NULL, fetched_ms INTEGER NOT NULL, rows INTEGER NOT NULL,
    children BLOB NOT NULL
);
CREATE TABLE run.given (fid INTEGER PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE run.same (id INTEGER PRIMARY KEY, asked INTEGER NOT NULL);
CREATE TABLE run.passed (id INTEGER PRIMARY KEY);
CREATE TABLE run.lastmods (id INTEGER PRIMARY KEY, lastmod TEXT NOT NULL);
CREATE TABLE run.gone (item TEXT NOT NULL, fields TEXT NOT NULL);
CREATE VIEW run.unread AS SELECT id FROM same UNION SELECT id FROM passed;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StateMeta:
    """Of which run a state is.

    Attributes:
        order: how many states of the series came before it.
        job: the job that has made it.
        recipe: SHA-256 of the recipe's resolved text. What is known of pages holds for this text only.
        whole_ms: when the last run began that has read everything, ms since 1970; 0 = none has.
    """

    order: int = 0
    job: str = ""
    recipe: str = ""
    whole_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPage:
    """A page that an earlier run has read; see `PageNote`."""

    etag: str
    modified: str
    lastmod: str
    carried: str
    fetched_ms: int
    children: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Which fields say whether a row has changed: those of `only`, or all but `ignore`."""

    only: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()

    def counts(self, name: str) -> bool:
        """Whether a field does."""
        return name in self.only if self.only else name not in self.ignore


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What a run did not read, because it has not changed.

    Attributes:
        rows: how many, by item.
        covers: item, which fields have a value (see `Coverage.cover`), and how many rows are so.
        pages: those that the site was not even asked for.
        unknown: pages that are said to be unchanged, of which this state knows nothing, and sitemaps that were read in
            part: a run with any has not seen everything.
    """

    rows: Counter[str] = field(default_factory=Counter)
    covers: tuple[tuple[str, str, int], ...] = ()
    pages: int = 0
    unknown: int = 0


class KnownPages:
    """The pages of a state, for those who crawl. Read only; it may be removed while it is open."""

    def __init__(self, path: Path, *, recipe: str) -> None:
        """A state's file.

        Args:
            path: of the file.
            recipe: SHA-256 of the text that is crawled; pages that were read by another one are not known.

        Raises:
            StateDamaged: it is no state, or one of a later version.
        """
        self._path = path
        self._base = open_state(path, read_only=True)
        self.meta = read_meta(self._base)
        self._is_same = self.meta.recipe == recipe

    def page(self, page: int) -> KnownPage | None:
        """What is known of a page.

        Raises:
            StateDamaged: the file is damaged.
            OSError: it cannot be read.
        """
        if not self._is_same:
            return None
        query = "SELECT etag, modified, lastmod, carried, fetched_ms, children FROM pages WHERE id = ?"
        with told_of(self._path):
            found = self._base.execute(query, (signed(page),)).fetchone()
        if found is None:
            return None
        names = ("etag", "modified", "lastmod", "carried", "fetched_ms", "children")
        return KnownPage(**dict(zip(names, found, strict=True)))

    def count(self) -> int:
        """How many pages are known."""
        return int(self._base.execute("SELECT count(*) FROM pages").fetchone()[0])

    def rows(self) -> dict[str, int]:
        """How many rows are known, by item."""
        query = "SELECT items.name, count(*) FROM rows JOIN items ON items.id = rows.item GROUP BY rows.item"
        return dict(self._base.execute(query))

    def close(self) -> None:
        """Lets the file go."""
        self._base.close()


def open_state(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """The database of a state; a new one is made. Whoever writes has a copy of its own, which may break with it.

    Raises:
        StateDamaged: it is no state, or one of a later version.
    """
    mode = "?mode=ro&immutable=1" if read_only else ""
    base = sqlite3.connect(f"{path.absolute().as_uri()}{mode}", uri=True, isolation_level=None, check_same_thread=False)
    try:
        base.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        base.execute("PRAGMA mmap_size = 0")
        if not read_only:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                base.execute(f"PRAGMA {pragma}").fetchone()
            base.executescript(SCHEMA)
        said = dict(base.execute("SELECT name, value FROM meta"))
    except sqlite3.DatabaseError as error:
        base.close()
        raise StateDamaged(f"{path}: it is no state of a series: {error}; {_ANEW}") from error
    version = said.get("format", str(FORMAT))
    if version != str(FORMAT):
        base.close()
        raise StateDamaged(f"{path}: version {version} of a state; this reader knows {FORMAT}")
    return base


def read_meta(base: sqlite3.Connection) -> StateMeta:
    """Of which run it is; of a new file none."""
    said = dict(base.execute("SELECT name, value FROM meta"))
    return StateMeta(
        order=int(said.get("order", 0)),
        job=said.get("job", ""),
        recipe=said.get("recipe", ""),
        whole_ms=int(said.get("whole_ms", 0)),
    )


def write_meta(base: sqlite3.Connection, meta: StateMeta) -> None:
    """Says of which run it is."""
    said = {"format": FORMAT, "order": meta.order, "job": meta.job, "recipe": meta.recipe, "whole_ms": meta.whole_ms}
    base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(name, str(value)) for name, value in said.items()])


# --- one run ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Says of a state what SQLite says of it.

    Raises:
        OSError: the disk is full, or cannot be read or written.
        StateDamaged: the file is none, or damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more of the same
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM):
            raise OSError(errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO, str(error), str(path)) from error
        raise StateDamaged(f"{path}: it is no state of a series: {error}; {_ANEW}") from error


class RunState:
    """A copy of a state on its way to the next one: every row of a run is looked up in it, and noted.

    A context; nothing of the file may be used after an error.
    """

    def __init__(
        self,
        path: Path,
        *,
        keys: Mapping[str, Sequence[str]],
        comparison: Comparison,
        cover: Callable[[str, Mapping[str, Any]], str] | None = None,
    ) -> None:
        """The copy of a state, or a file that is not there yet.

        Args:
            path: of the file.
            keys: by item, the fields that identify a row; () where none do.
            comparison: which fields count.
            cover: says of an item's row which fields have a value; given out again for rows that are carried on.

        Raises:
            StateDamaged: it is no state, or one of a later version.
        """
        self._base = open_state(path)
        self._keys = keys
        self._comparison = comparison
        self._cover = cover
        self.before = read_meta(self._base)
        self.order = self.before.order + 1
        self._items: dict[str, int] = {name: number for number, name in self._base.execute("SELECT * FROM items")}
        self._beside = path.with_name(f"{path.name}-run")
        self._base.execute("ATTACH ? AS run", (str(self._beside),))
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._base.execute(f"PRAGMA run.{pragma}").fetchone()
        self._base.executescript(_RUN_SCHEMA)
        self._base.execute("BEGIN")
        self._in_part = 0  # sitemaps
        self._given: tuple[int, int] = (0, 0)  # a page, and how many rows of it came in a row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._base.close()
        self._beside.unlink(missing_ok=True)

    # --- what has come ---

    def add_row(self, item: str, values: Mapping[str, Any], *, page: int) -> str:
        """Notes a row; its sign: "+" new, "~" changed, "=" the same. One without a key is always new.

        `page`: any number that notes on its page have, too.
        """
        names = [name for name in self._keys.get(item, ()) if values.get(name) is not None]
        if not names:
            return "+"
        key, content = self.key_hash(item, values), self._content_hash(values)
        number = self._item(item)
        cover = self._cover(item, values) if self._cover is not None else ""
        self._count(page)
        found = self._base.execute("SELECT hash FROM rows WHERE item = ? AND key = ?", (number, key)).fetchone()
        if found is not None and found[0] == content:
            query = "UPDATE rows SET page = ?, missed = 0, seen = ?, cover = ? WHERE item = ? AND key = ?"
            self._base.execute(query, (signed(page), self.order, cover, number, key))
            return "="
        fields = compact_json({name: values.get(name) for name in self._keys[item]})
        query = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, 0, ?, ?)"
        self._base.execute(query, (number, key, content, signed(page), fields, self.order, cover))
        return "+" if found is None else "~"

    def add_note(self, note: PageNote, *, page: int) -> None:
        """Notes what a page has said of itself; `page`: as of its rows."""
        if note.is_of_sitemap:
            skipped, passed = ([(signed(one),) for one in unpacked_ids(ids)] for ids in (note.skipped, note.passed))
            self._base.executemany("INSERT OR IGNORE INTO run.same VALUES (?, 0)", skipped)
            self._base.executemany("INSERT OR IGNORE INTO run.passed VALUES (?)", passed)
            self._in_part += note.in_part
        if note.unchanged:
            self._base.execute("INSERT OR REPLACE INTO run.same VALUES (?, 1)", (signed(note.page),))
            self._base.execute("INSERT OR REPLACE INTO run.lastmods VALUES (?, ?)", (signed(note.page), note.lastmod))
        elif not note.is_of_sitemap:
            self._base.execute(
                "INSERT OR REPLACE INTO run.notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    signed(note.page),
                    signed(page),
                    note.etag,
                    note.modified,
                    note.lastmod,
                    note.carried,
                    note.fetched_ms,
                    note.rows,
                    note.children,
                ),
            )

    def all_here(self, *, recipe: str) -> Carried:
        """All rows and notes have come; what is on pages that have not changed, and was not read.

        A page that the state does not know, because another run has taken it out meanwhile, is not one of them.

        Args:
            recipe: SHA-256 of the text that was crawled. Pages that another one has read are not known.
        """
        self._count(0)
        base = self._base
        if self.before.recipe != recipe:
            base.execute("DELETE FROM pages")
        base.execute("DELETE FROM run.same WHERE id IN (SELECT page FROM run.notes)")
        unknown = base.execute("DELETE FROM run.same WHERE id NOT IN (SELECT id FROM pages)").rowcount
        # Two sitemaps may list a page, or a link lead to it.
        base.execute("DELETE FROM run.passed WHERE id IN (SELECT page FROM run.notes UNION SELECT id FROM run.same)")
        # Of a page with rows that count as those of another one it cannot be said that it is unchanged.
        base.execute(
            "UPDATE run.notes SET etag = '', modified = '', lastmod = ''"
            " WHERE rows > coalesce((SELECT n FROM run.given WHERE given.fid = notes.fid), 0)"
        )
        base.execute(
            "UPDATE rows SET page = coalesce((SELECT page FROM run.notes WHERE fid = rows.page), 0) WHERE seen = ?",
            (self.order,),
        )
        # What a page has given before, and not this time, is not carried on when the page is unchanged next time.
        base.execute("UPDATE rows SET page = 0 WHERE seen <> ? AND page IN (SELECT page FROM run.notes)", (self.order,))
        counted = base.execute(
            "SELECT items.name, iif(page IN (SELECT id FROM run.same), cover, ''), count(*) FROM rows"
            " JOIN items ON items.id = rows.item WHERE seen <> ? AND page IN (SELECT id FROM run.unread) GROUP BY 1, 2",
            (self.order,),
        )
        covers = tuple((str(item), str(cover), int(count)) for item, cover, count in counted)
        rows: Counter[str] = Counter()
        for item, _, count in covers:
            rows[item] += count
        (pages,) = base.execute("SELECT count(*) FROM run.same WHERE asked = 0").fetchone()
        return Carried(rows=rows, covers=covers, pages=int(pages), unknown=unknown + self._in_part)

    # --- what follows ---

    def settle(self, meta: StateMeta, *, is_whole: bool, gone_after: int) -> int:
        """Makes the next state of it; how many rows are gone: `gone` gives them.

        Args:
            meta: of the next state.
            is_whole: everything was read: a row that was not seen is missed, a page that was not seen is forgotten.
            gone_after: so many whole runs in a row must have missed a row.
        """
        base = self._base
        base.execute(
            "UPDATE rows SET seen = ?, missed = 0 WHERE seen <> ? AND page IN (SELECT id FROM run.unread)",
            (self.order, self.order),
        )
        if is_whole:
            base.execute("UPDATE rows SET missed = missed + 1 WHERE seen <> ?", (self.order,))
            base.execute("DELETE FROM pages WHERE id NOT IN (SELECT id FROM run.same)")
        base.execute("DELETE FROM pages WHERE id IN (SELECT page FROM run.notes)")
        base.execute(
            "INSERT INTO pages SELECT page, etag, modified, lastmod, carried, fetched_ms, children FROM run.notes"
            " WHERE etag <> '' OR modified <> '' OR lastmod <> ''"
        )
        base.execute(
            "UPDATE pages SET lastmod = (SELECT lastmod FROM run.lastmods WHERE lastmods.id = pages.id)"
            " WHERE id IN (SELECT id FROM run.lastmods WHERE lastmod <> '')"
        )
        base.execute(
            "INSERT INTO run.gone SELECT items.name, fields FROM rows JOIN items ON items.id = rows.item"
            " WHERE missed >= ? ORDER BY rows.item, rows.key",
            (gone_after,),
        )
        base.execute("DELETE FROM rows WHERE missed >= ?", (gone_after,))
        write_meta(base, meta)
        return int(base.execute("SELECT count(*) FROM run.gone").fetchone()[0])

    def gone(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Item and key of each row that is gone, in an order that is always the same."""
        for item, fields in self._base.execute("SELECT item, fields FROM run.gone ORDER BY rowid"):
            yield item, _FIELDS.decode(fields)

    def finish(self) -> None:
        """The file is complete."""
        self._base.execute("COMMIT")
        self._base.execute("DETACH run")

    # --- inside ---

    def key_hash(self, item: str, values: Mapping[str, Any]) -> bytes:
        """Of the key of a row."""
        return _hashed(compact_json([values.get(name) for name in self._keys[item]]))

    def _content_hash(self, values: Mapping[str, Any]) -> bytes:
        counts = self._comparison.counts
        # A field that is missing and one that an older contract did not have are the same.
        return _hashed(
            compact_json({name: values[name] for name in sorted(values) if counts(name) and values[name] is not None})
        )

    def _item(self, name: str) -> int:
        if name not in self._items:
            added = self._base.execute("INSERT INTO items (name) VALUES (?)", (name,))
            self._items[name] = int(added.lastrowid or 0)
        return self._items[name]

    def _count(self, page: int) -> None:
        """Counts the rows of each page. They come one after the other, but for those of a very large page."""
        before, count = self._given
        if page == before:
            self._given = (page, count + 1)
            return
        if count:
            query = "INSERT INTO run.given VALUES (?, ?) ON CONFLICT (fid) DO UPDATE SET n = n + excluded.n"
            self._base.execute(query, (signed(before), count))
        self._given = (page, 1)


def signed(number: int) -> int:
    """64 bits as SQLite has them."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _hashed(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()

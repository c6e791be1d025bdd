"""Values of the frontier's contract as words of its scripts, and answers of the scripts as values.

The scripts take ids and tokens as decimals in text, because Lua's numbers are exact to 53 bits only, and ids as signed
numbers, because sets of integers hold those. Nothing here talks to a store; `redis` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from crawler.frontier.blocks import BLOCKED, blocked_why
from crawler.frontier.codec import url_of
from crawler.frontier.contract import (
    CommitReply,
    Failure,
    Fate,
    FrontierRequest,
    Lease,
    Ledger,
    PageCommit,
    Reply,
    Row,
    RowFate,
    StoredRow,
)
from crawler.jobs.outcomes import HARMLESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.jobs.failed_pages import FailedPage
    from crawler.store import Word

#: One call carries at most so many entries (children, rows, marks) and bytes; the rest of a page is staged in parts.
MAX_ENTRIES: Final = 200
MAX_BYTES: Final = 256 * 1024

#: Pages of one call and what they gave, together: what a turn of a fast worker has (64 pages with four entries each).
MAX_BATCH: Final = 300

_FATES: Final = {"E": Fate.ENQUEUED, "S": Fate.SEEN, "J": Fate.JOINED, "T": Fate.STALLED, "C": Fate.CLOSED}
_ROW_FATES: Final = {
    "S": RowFate.STORED,
    "D": RowFate.DUPLICATE,
    "N": RowFate.NOT_UNIQUE,
    "O": RowFate.OVER_LIMIT,
}

#: Id, token, outcome, chain, failure (URL, reason, `pause_words`), marks, children, rows, rejected: a page as
#: `commit.lua` has it; a large one names the number of its staged parts, too, and one with `handed_in` says so.
_WholePage: TypeAlias = tuple[
    str,
    str,
    str,
    str,
    tuple[str, str, int, str] | Literal[False],
    list[str],
    list[tuple[Any, ...]],
    list[tuple[Any, ...]],
    int,
]
PageWords: TypeAlias = _WholePage | tuple[*_WholePage, int] | tuple[*_WholePage, int | Literal[False], Literal[True]]


def signed(number: int) -> int:
    """A 64-bit id as sets of integers hold it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned(word: bytes) -> int:
    """The id that `signed` has made this of."""
    return int(word) % (1 << 64)


def token_words(leases: Sequence[Lease]) -> list[int]:
    """Id and token of each."""
    return [word for lease in leases for word in (signed(lease.request.id), lease.token)]


def named(leases: Sequence[Lease], places: Sequence[int]) -> list[Lease]:
    """Those at the places that `renew.lua` answers: a page may be named with a lost lease and with one that holds."""
    return [leases[place] for place in places]


class _Facts(msgspec.Struct, frozen=True, array_like=True):
    """What is stored with a request. A later release may add to its end what this one need not know."""

    priority: int
    chain: str | None
    on_progress: bool


def pause_words(lease: Lease, reason: str, limit: int) -> tuple[int, str]:
    """How many answers may be none (0: any number may, or this one does not count), and why the job is paused then."""
    if not limit:
        return 0, ""
    why = blocked_why(lease.request.host, times=limit, reason=reason)
    return limit, f"{why}; resume the job when the site lets crawlers in again, or cancel it"


#: A stored request is a plain body behind a zero byte, or one with facts behind their length, which is never zero.
_PLAIN: Final = b"\0"


def request_words(request: FrontierRequest) -> list[Word]:
    """Id, host, priority and what is stored of a request: as `enqueue.lua` and stages take it."""
    return [str(signed(request.id)), request.host, request.priority, _stored(request)]


def failed_words(page: FailedPage) -> list[Word]:
    """The same of a page that failed: its request is stored already."""
    _, (priority, _, _) = _unstored(page.stored)
    return [page.id, page.host, priority, page.stored]


def _stored(request: FrontierRequest) -> bytes:
    if not (request.priority or request.chain is not None or request.on_progress):
        return _PLAIN + request.body
    facts = msgspec.msgpack.encode((request.priority, request.chain, request.on_progress))
    length = len(facts).to_bytes(2, "big")
    # The first byte of the length of short facts is zero too: mark them with the high bit.
    return bytes((length[0] | 0x80, length[1])) + facts + request.body


def _unstored(stored: bytes) -> tuple[bytes, tuple[int, str | None, bool]]:
    """The body, and priority, chain and on_progress."""
    if stored[:1] in (_PLAIN, b""):
        return stored[1:], (0, None, False)
    try:
        end = 2 + ((stored[0] & 0x7F) << 8 | stored[1])
        facts = msgspec.msgpack.decode(stored[2:end], type=_Facts)
    except (IndexError, msgspec.DecodeError):
        return stored, (0, None, False)  # not ours: whoever gets the page will find no request in it
    return stored[end:], (facts.priority, facts.chain, facts.on_progress)


def request_of(number: bytes, host: bytes, stored: bytes) -> FrontierRequest:
    """The request that was stored."""
    body, (priority, chain, on_progress) = _unstored(stored)
    return FrontierRequest(
        id=unsigned(number),
        host=host.decode(),
        body=body,
        priority=priority,
        chain=chain,
        on_progress=on_progress,
    )


class PackedCommit:
    """A page's end as the scripts read it.

    Attributes:
        commit: the end.
        entries: children, rows and marks.
        size: their bytes.
    """

    def __init__(self, commit: PageCommit, blocked_in_a_row: int = 0) -> None:
        """The end of one page; `blocked_in_a_row` as the frontier has it."""
        self.commit = commit
        self._blocked_in_a_row = blocked_in_a_row
        self._stored = [_stored(child) for child in commit.children]
        self.entries = len(commit.marks) * (commit.chain is not None) + len(commit.children) + len(commit.rows)
        self.size = sum(map(len, self._stored)) + sum(len(row.body) for row in commit.rows)

    @property
    def large(self) -> bool:
        """Whether it is too much for one call."""
        return self.entries > MAX_ENTRIES or self.size > MAX_BYTES

    def whole(self) -> tuple[PageWords, list[bytes]]:
        """The page with all that it gave, and the bodies of that."""
        commit = self.commit
        rows = [(row.item, str(signed(row.key)), [str(signed(value)) for value in row.unique]) for row in commit.rows]
        words = self._words(self._marks(), [_child(child) for child in commit.children], rows)
        bodies = [*self._stored, *(row.body for row in commit.rows)]
        return ((*words, False, True) if commit.handed_in else words), bodies

    def head(self, in_list: Sequence[bool], *, parts: int) -> tuple[PageWords, list[bytes]]:
        """What is left for the commit when the rest is staged: next pages of lists, which are judged at once.

        `parts`: so many must be staged when it comes.
        """
        children = [_child(child) for child, judged in zip(self.commit.children, in_list, strict=True) if judged]
        stored = [body for body, judged in zip(self._stored, in_list, strict=True) if judged]
        words = self._words([], children, [])
        return ((*words, parts, True) if self.commit.handed_in else (*words, parts)), stored

    def _marks(self) -> list[str]:
        return [str(signed(mark)) for mark in self.commit.marks] if self.commit.chain is not None else []

    def _words(self, marks: list[str], children: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> _WholePage:
        commit, lease = self.commit, self.commit.lease
        failure: tuple[str, str, int, str] | Literal[False] = False
        if commit.outcome not in HARMLESS:
            limit = self._blocked_in_a_row if commit.outcome == BLOCKED and commit.counts else 0
            failure = (commit.url, commit.reason, *pause_words(lease, commit.reason, limit))
        name = (str(signed(lease.request.id)), str(lease.token))
        return (*name, commit.outcome, commit.chain or "", failure, marks, children, rows, commit.rejected)

    def parts(self, in_list: Sequence[bool], max_rows: int) -> Iterator[list[Word]]:
        """What is staged, as arguments of `stage.lua`."""
        marks = self._marks()
        for first in range(0, len(marks), MAX_ENTRIES):
            yield ["m", self.commit.chain or "", *marks[first : first + MAX_ENTRIES]]
        children = [
            request_words(child) for child, judged in zip(self.commit.children, in_list, strict=True) if not judged
        ]
        for part in in_parts(children):
            if part:
                yield ["c", *(word for child in part for word in child)]
        for part in in_parts([_row_words(row) for row in self.commit.rows]):
            if part:
                yield ["r", max_rows, *(word for row in part for word in row)]


def _child(child: FrontierRequest) -> tuple[Any, ...]:
    return str(signed(child.id)), child.host, child.priority, child.chain or "", child.on_progress


def _row_words(row: Row) -> list[Word]:
    return [row.item, row.body, signed(row.key), len(row.unique), *(signed(value) for value in row.unique)]


def in_batches(commits: Sequence[PackedCommit]) -> Iterator[list[PackedCommit]]:
    """Cuts commits: no batch has more than `MAX_BATCH` entries and pages or `MAX_BYTES`; a large one is alone."""
    batch: list[PackedCommit] = []
    entries = size = 0
    for packed in commits:
        full = entries + 1 + packed.entries > MAX_BATCH or size + packed.size > MAX_BYTES
        if batch and (full or packed.large or batch[-1].large):
            yield batch
            batch, entries, size = [], 0, 0
        batch.append(packed)
        entries, size = entries + 1 + packed.entries, size + packed.size
    if batch:
        yield batch


def in_parts(entries: Sequence[list[Word]]) -> Iterator[list[list[Word]]]:
    """Cuts entries so that no part has more than `MAX_ENTRIES` or, of several, `MAX_BYTES`; at least one part."""
    part: list[list[Word]] = []
    size = 0
    for entry in entries:
        entry_size = sum(len(word) for word in entry if isinstance(word, bytes))
        if part and (len(part) >= MAX_ENTRIES or size + entry_size > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(entry)
        size += entry_size
    yield part


def fates_of(letters: str) -> list[Fate]:
    """What became of requests, a letter each."""
    return [_FATES[letter] for letter in letters]


#: Parts of a large page are missing: the same commit counts once they have been staged anew.
STAGE_AGAIN: Final = CommitReply(reply=Reply.STALE)


def commit_reply(answer: bytes) -> CommitReply:
    """What `commit.lua` has answered for a page."""
    text = answer.decode()
    if text[0] == "?":
        return STAGE_AGAIN
    if text[0] == "-":
        return CommitReply(reply=Reply.STALE)
    children, _, rows = text[1:].partition("|")
    return CommitReply(
        reply=Reply.OK,
        children=tuple(fates_of(children)),
        rows=tuple([_ROW_FATES[letter] for letter in rows]),
    )


def pages_of_rows(entry: str, words: Sequence[bytes]) -> list[list[StoredRow]]:
    """The rows of each page in an entry of the stream; a position is the entry's name and the number of the page."""
    pages: list[list[StoredRow]] = []
    page = 0
    for item, body in zip(words[::2], words[1::2], strict=True):
        if not item:
            page = unsigned(body)
            pages.append([])
            continue
        position = f"{entry}/{len(pages) - 1}"
        pages[-1].append(StoredRow(position=position, page=page, item=item.decode(), body=body))
    return pages


def ledger_of(answer: Sequence[Any], failures: Sequence[Any]) -> Ledger:
    """The books of what `ledger.lua` has answered, and of the stream of failures."""
    books, settled, rows, open_pages, delayed, leased, parked, _ = answer
    book = {name.decode(): value for name, value in zip(books[::2], books[1::2], strict=True)}
    return Ledger(
        accepted=int(book.get("accepted", 0)),
        ready=open_pages - delayed - leased - parked,
        delayed=delayed,
        leased=leased,
        parked=parked,
        settled=_counts(settled),
        rows=_counts(rows),
        retries=int(book.get("retries", 0)),
        expired=int(book.get("expired", 0)),
        released=int(book.get("released", 0)),
        stalled=int(book.get("stalled", 0)),
        joined=int(book.get("joined", 0)),
        duplicates=int(book.get("duplicates", 0)),
        not_unique=int(book.get("not_unique", 0)),
        rejected=int(book.get("rejected", 0)),
        staged=int(book.get("staged", 0)),
        failures=tuple(failure_of(fields) for _, fields in failures),
        closed=book.get("closed", b"").decode(),
    )


def _counts(pairs: Sequence[bytes]) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in zip(pairs[::2], pairs[1::2], strict=True)}


def failure_of(fields: Sequence[bytes]) -> Failure:
    """A failure from an entry of their stream."""
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    return Failure(
        url=values[b"url"].decode() or url_of(_unstored(values.get(b"body", b""))[0]),
        outcome=values[b"outcome"].decode(),
        reason=values[b"reason"].decode(),
        tries=int(values[b"tries"]),
    )

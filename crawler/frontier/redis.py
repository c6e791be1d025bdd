"""The frontier of a job that many workers share: Lua scripts on a store of Redis or Valkey.

Each call of the contract is one script (`lua/*.lua`), so it is atomic however many workers there are; all times are the
server's. This module turns values into arguments and answers into values, cuts what is too large for one call into
stages, and decides nothing: what a call does is written in its script.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.frontier.contract import (
    HARMLESS,
    OUTCOMES,
    CommitReply,
    Failure,
    Fate,
    FrontierRequest,
    Lease,
    LeaseReply,
    Ledger,
    PageCommit,
    Reply,
    Row,
    RowFate,
    StoredRow,
)
from crawler.store import Script, load_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crawler.store import Caller, SyncStore, Word

_LUA: Final = Path(__file__).parent / "lua"

#: One call carries at most so many entries (children, rows, marks) and bytes; the rest of a page is staged in parts.
MAX_ENTRIES: Final = 200
MAX_BYTES: Final = 256 * 1024

#: Parts that are on their way at once.
_PARTS_AT_ONCE: Final = 20

#: A full store is asked again after so long.
_FULL_S: Final = 0.5

_RELEASE_ALL_AT_ONCE: Final = 500

_REPLIES: Final = {b"+": Reply.OK, b"C": Reply.CLOSED, b"P": Reply.PAUSED, b"F": Reply.FULL}
_FATES: Final = {"E": Fate.ENQUEUED, "S": Fate.SEEN, "J": Fate.JOINED, "T": Fate.STALLED, "C": Fate.CLOSED}
_ROW_FATES: Final = {
    "S": RowFate.STORED,
    "D": RowFate.DUPLICATE,
    "N": RowFate.NOT_UNIQUE,
    "O": RowFate.OVER_LIMIT,
}

#: What a job was meant to come to, by the reason for which its frontier is closed; anything else means to succeed.
_INTENDED: Final = {"cancelled": "cancel", "expired": "expire", "failed": "fail"}


#: The rules of a job's states, for the scripts that move one.
_STATES: Final = "../../jobs/lua/states.lua"


def _script(name: str, *preludes: str) -> Script:
    return load_script(_LUA, f"{name}.lua", preludes=(*preludes, "frontier.lua"))


_ENQUEUE, _LEASE, _RENEW, _COMMIT = _script("enqueue"), _script("lease", _STATES), _script("renew"), _script("commit")
_STAGE, _RETRY, _RELEASE = _script("stage"), _script("retry"), _script("release")
_PROMOTE, _CLOSE, _LEDGER = _script("promote"), _script("close", _STATES), _script("ledger")


class RedisFrontier:
    """See `crawler.frontier.contract.Frontier`."""

    def __init__(
        self,
        store: Caller,
        *,
        job: str,
        per_host: int = 0,
        max_pages: int | None = None,
        max_rows: int | None = None,
        ttl_s: float = 60.0,
        new_token: Callable[[], int] = lambda: secrets.randbits(64),
    ) -> None:
        """The frontier of `job`, which need not exist yet.

        Args:
            store: where it lies.
            job: its id.
            per_host: at most so many leases per host at once; 0 = no limit.
            max_pages: at most so many pages are fetched, `start` not counted; None = no limit.
            max_rows: at most so many rows are kept; None = no limit.
            ttl_s: what leases usually live; after an outage of the store nothing expires for so long.
            new_token: 64 random bits.
        """
        self._store = store
        self._base = f"{store.prefix}:{{{job}}}:"
        self._keys = (f"{self._base}books",)
        self._per_host = per_host
        self._max_pages = -1 if max_pages is None else max_pages
        self._max_rows = -1 if max_rows is None else max_rows
        self._ttl_ms = int(ttl_s * 1000)
        self._new_token = new_token

    async def _call(self, script: Script, *args: Word, ttl_ms: int | None = None) -> Any:
        header = (self._per_host, self._ttl_ms if ttl_ms is None else ttl_ms)
        return await self._store.call(script, self._keys, (*header, *args))

    # --- handing in ---

    async def enqueue(self, requests: Sequence[FrontierRequest]) -> tuple[Fate, ...]:
        """See the contract. Waits while the store is full."""
        fates: list[Fate] = []
        for part in _parts([_request_words(request)[:4] for request in requests]):
            words = [word for entry in part for word in entry]
            fates += [_FATES[letter] for letter in await self._enqueue(words)]
        return tuple(fates)

    async def _enqueue(self, words: Sequence[Word]) -> str:
        while True:
            answer: bytes = await self._call(_ENQUEUE, *words)
            if answer != b"F":
                return answer.decode()
            await asyncio.sleep(_FULL_S)

    # --- giving out ---

    async def lease(self, *, worker: str, call: int, limit: int, ttl_s: float) -> LeaseReply:
        """See the contract."""
        answer = await self._call(
            _LEASE, worker, call, limit, self._new_token(), self._max_pages, ttl_ms=int(ttl_s * 1000)
        )
        reply, open_pages, due_ms, at_limit, started, token, *leased = answer
        due = int(due_ms)
        return LeaseReply(
            leases=tuple(
                Lease(
                    request=_request(leased[at], leased[at + 1], leased[at + 2]),
                    token=int(token),
                    tries=leased[at + 3],
                    suspect=leased[at + 4] == 1,
                )
                for at in range(0, len(leased), 5)
            ),
            open=open_pages,
            due_in_s=None if due < 0 else due / 1000,
            at_limit=at_limit == 1,
            started=started == 1,
            reply=_REPLIES[reply],
        )

    async def renew(self, *, worker: str, leases: Sequence[Lease], ttl_s: float) -> tuple[Lease, ...]:
        """See the contract."""
        lost: list[Lease] = []
        for first in range(0, len(leases), MAX_ENTRIES):
            part = leases[first : first + MAX_ENTRIES]
            answer = await self._call(_RENEW, worker, *_tokens(part), ttl_ms=int(ttl_s * 1000))
            lost += _named(part, answer)
        return tuple(lost)

    # --- the end of a lease ---

    async def commit(self, commits: Sequence[PageCommit]) -> tuple[CommitReply, ...]:
        """See the contract.

        Raises:
            ValueError: an outcome that is none of `OUTCOMES`.
        """
        for commit in commits:
            if commit.outcome not in OUTCOMES:
                raise ValueError(f"unknown outcome {commit.outcome!r}; one of {', '.join(OUTCOMES)}")
        replies: list[CommitReply] = []
        words: list[Word] = []
        waiting: list[PageCommit] = []
        entries = size = 0
        for commit in commits:
            packed = _Packed(commit)
            too_much = entries + packed.entries > MAX_ENTRIES or size + packed.size > MAX_BYTES
            if waiting and too_much:
                replies += await self._commit(waiting, words)
                words, waiting, entries, size = [], [], 0, 0
            if packed.entries > MAX_ENTRIES or packed.size > MAX_BYTES:
                replies.append(await self._commit_large(packed))
                continue
            waiting.append(commit)
            words += packed.words()
            entries, size = entries + packed.entries, size + packed.size
        if waiting:
            replies += await self._commit(waiting, words)
        return tuple(replies)

    async def _commit(self, commits: Sequence[PageCommit], words: Sequence[Word]) -> list[CommitReply]:
        answers = await self._call(_COMMIT, self._max_rows, *words)
        return [_commit_reply(answer) for answer, _ in zip(answers, commits, strict=True)]

    async def _commit_large(self, packed: _Packed) -> CommitReply:
        """Stages what is too much for one call, then publishes it with the page's end."""
        commit = packed.commit
        page = (_signed(commit.lease.request.id), commit.lease.token)
        in_list = [child.chain is not None for child in commit.children]
        parts = list(packed.parts(in_list, self._max_rows))
        for first in range(0, len(parts), _PARTS_AT_ONCE):
            wave = enumerate(parts[first : first + _PARTS_AT_ONCE], first)
            await asyncio.gather(*(self._call(_STAGE, *page, number, *part) for number, part in wave))
        (reply,) = await self._commit([commit], packed.head(in_list))
        if reply.reply is not Reply.OK:
            return reply
        judged = iter(reply.children)
        fates = tuple(next(judged) if judged_now else Fate.STAGED for judged_now in in_list)
        return replace(reply, children=fates, rows=(RowFate.STORED,) * len(commit.rows))

    async def retry(self, lease: Lease, *, delay_s: float, reason: str, hold_host_s: float = 0.0) -> Reply:
        """See the contract. The reason is for logs."""
        _ = reason
        delay_ms, hold_ms = int(delay_s * 1000), int(hold_host_s * 1000)
        done = await self._call(_RETRY, _signed(lease.request.id), lease.token, delay_ms, hold_ms)
        return Reply.OK if done else Reply.STALE

    async def release(self, *, worker: str, leases: Sequence[Lease] | None = None) -> int:
        """See the contract."""
        released = 0
        if leases is None:
            while (done := await self._call(_RELEASE, worker)) >= _RELEASE_ALL_AT_ONCE:
                released += done
            return released + int(done)
        for first in range(0, len(leases), MAX_ENTRIES):
            released += await self._call(_RELEASE, worker, *_tokens(leases[first : first + MAX_ENTRIES]))
        return released

    async def promote(self) -> float | None:
        """See the contract."""
        due_ms = int(await self._call(_PROMOTE))
        return None if due_ms < 0 else due_ms / 1000

    # --- the end of the job ---

    async def close(self, reason: str) -> Reply:
        """See the contract."""
        done = await self._call(_CLOSE, reason or "closed", _INTENDED.get(reason, "succeed"))
        if done <= 0:
            return Reply.STALE if done == 0 else Reply.CLOSED
        await self._tidy("ready:*", "held:*", "set:*", "chain:*", "stage:*")
        return Reply.OK

    async def forget(self) -> None:
        """Removes everything that the store holds of this frontier; the job's record stays."""
        await self._tidy("*", spare=f"{self._base}job".encode())

    async def _tidy(self, *patterns: str, spare: bytes = b"") -> None:
        """Unlinks keys, some at a time: they may be as many as hosts, or as shards of ten million ids."""
        for pattern in patterns:
            cursor = b"0"
            while True:
                cursor, keys = await self._store.command("SCAN", cursor, "MATCH", self._base + pattern, "COUNT", 500)
                doomed = [key for key in keys if key != spare]
                if doomed:
                    await self._store.command("UNLINK", *doomed)
                if cursor == b"0":
                    break

    # --- the books ---

    async def read_rows(self, *, after: str = "", limit: int) -> tuple[StoredRow, ...]:
        """See the contract."""
        start = f"({after}" if after else "-"
        pages = await self._store.command("XRANGE", f"{self._base}rows", start, "+", "COUNT", max(1, min(limit, 500)))
        rows: list[StoredRow] = []
        for position, fields in pages:
            _, page, *pairs = fields
            if rows and len(rows) + len(pairs) // 2 > limit:
                break
            rows += [
                StoredRow(position=position.decode(), page=_unsigned(page), item=item.decode(), body=body)
                for item, body in zip(pairs[::2], pairs[1::2], strict=True)
            ]
        return tuple(rows)

    async def ledger(self, *, failures: bool = True) -> Ledger:
        """See the contract."""
        answer = await self._call(_LEDGER)
        kept = await self._store.command("XRANGE", f"{self._base}failures", "-", "+") if failures else ()
        return _ledger(answer, kept)

    async def audit(self) -> Ledger:
        """See the contract."""
        kept = await self.ledger()
        shards = (await self._call(_LEDGER))[6]
        accepted = 0
        for shard in range(shards):
            accepted += await self._store.command("SCARD", f"{self._base}set:seen:{shard}")
        if kept.closed and not accepted:
            return kept
        counted: dict[str, set[bytes]] = {}
        counted["ready"] = await self._members("suspects")
        for queue in await self._scan_keys("ready:*"):
            counted["ready"] |= await self._members(queue)
        for state in ("delayed", "leased"):
            counted[state] = await self._members(state)
        bodies = set(await self._store.command("HKEYS", f"{self._base}body"))
        everywhere = [page for pages in counted.values() for page in pages]
        if sorted(everywhere) != sorted(bodies):
            raise AssertionError(f"{len(bodies)} open pages, but {len(everywhere)} places in queues: {counted}")
        rows: Counter[str] = Counter()
        after = ""
        while part := await self.read_rows(after=after, limit=500):
            after = part[-1].position
            rows.update(row.item for row in part)
        return replace(
            kept,
            accepted=accepted,
            ready=len(counted["ready"]),
            delayed=len(counted["delayed"]),
            leased=len(counted["leased"]),
            rows=dict(rows),
        )

    async def _members(self, key: str) -> set[bytes]:
        return set(await self._store.command("ZRANGE", f"{self._base}{key}", 0, -1))

    async def _scan_keys(self, pattern: str) -> list[str]:
        cursor, found = b"0", set()
        while True:
            cursor, keys = await self._store.command("SCAN", cursor, "MATCH", self._base + pattern, "COUNT", 500)
            found |= {key.decode()[len(self._base) :] for key in keys}
            if cursor == b"0":
                return sorted(found)


class SyncRenewal:
    """`renew` from a thread of its own, which goes on while the event loop is busy."""

    def __init__(self, store: SyncStore, *, job: str, worker: str, ttl_s: float) -> None:
        """For the leases that `worker` holds of `job`."""
        self._store = store
        self._keys = (f"{store.prefix}:{{{job}}}:books",)
        self._worker = worker
        self._ttl_ms = int(ttl_s * 1000)

    def renew(self, leases: Sequence[Lease]) -> tuple[Lease, ...]:
        """Prolongs the leases and answers those that are lost.

        Raises:
            StoreError: no answer; the leases live on until their deadline.
        """
        lost: list[Lease] = []
        for first in range(0, len(leases), MAX_ENTRIES):
            part = leases[first : first + MAX_ENTRIES]
            lost += _named(part, self._store.call(_RENEW, self._keys, (0, self._ttl_ms, self._worker, *_tokens(part))))
        return tuple(lost)


# --- values as words ---


def _signed(number: int) -> int:
    """A 64-bit id as sets of integers hold it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _unsigned(word: bytes) -> int:
    return int(word) % (1 << 64)


def _tokens(leases: Sequence[Lease]) -> list[int]:
    return [word for lease in leases for word in (_signed(lease.request.id), lease.token)]


def _named(leases: Sequence[Lease], places: Sequence[int]) -> list[Lease]:
    """Those at the places that `renew.lua` answers: a page may be named with a lost lease and with one that holds."""
    return [leases[place] for place in places]


#: A stored request is a plain body behind a zero byte, or one with facts behind their length, which is never zero.
_PLAIN: Final = b"\0"


def _request_words(request: FrontierRequest) -> list[Word]:
    """id, host, priority, stored request, chain, on_progress."""
    if request.priority or request.chain is not None or request.on_progress:
        facts = msgspec.msgpack.encode((request.priority, request.chain, request.on_progress))
        stored = len(facts).to_bytes(2, "big")
        # The first byte of the length of short facts is zero too: mark them with the high bit.
        stored = bytes((stored[0] | 0x80, stored[1])) + facts + request.body
    else:
        stored = _PLAIN + request.body
    chain, on_progress = request.chain or "", "1" if request.on_progress else ""
    return [_signed(request.id), request.host, request.priority, stored, chain, on_progress]


def _request(number: bytes, host: bytes, stored: bytes) -> FrontierRequest:
    if stored[:1] == _PLAIN:
        return FrontierRequest(id=_unsigned(number), host=host.decode(), body=stored[1:])
    end = 2 + ((stored[0] & 0x7F) << 8 | stored[1])
    priority, chain, on_progress = msgspec.msgpack.decode(stored[2:end])
    return FrontierRequest(
        id=_unsigned(number),
        host=host.decode(),
        body=stored[end:],
        priority=priority,
        chain=chain,
        on_progress=on_progress,
    )


def _row_words(row: Row) -> list[Word]:
    return [row.item, row.body, _signed(row.key), len(row.unique), *(_signed(value) for value in row.unique)]


class _Packed:
    """A page's end as words, and how much it is."""

    def __init__(self, commit: PageCommit) -> None:
        self.commit = commit
        self.marks = [_signed(mark) for mark in commit.marks] if commit.chain is not None else []
        self.children = [_request_words(child) for child in commit.children]
        self.rows = [_row_words(row) for row in commit.rows]
        self.entries = len(self.marks) + len(self.children) + len(self.rows)
        self.size = _size(self.children) + _size(self.rows)

    def words(self) -> list[Word]:
        """The page whole."""
        return self._words(self.marks, self.children, self.rows)

    def head(self, in_list: Sequence[bool]) -> list[Word]:
        """What is left for the commit when the rest is staged: next pages of lists, which are judged at once."""
        next_pages = [child for child, judged in zip(self.children, in_list, strict=True) if judged]
        return self._words([], next_pages, [])

    def _words(self, marks: list[int], children: list[list[Word]], rows: list[list[Word]]) -> list[Word]:
        commit = self.commit
        failure: list[Word] = [""] if commit.outcome in HARMLESS else ["1", commit.url, commit.reason]
        return [
            *(_signed(commit.lease.request.id), commit.lease.token, commit.outcome, commit.chain or "", *failure),
            *(len(marks), *marks),
            *(len(children), *(word for child in children for word in child)),
            *(len(rows), *(word for row in rows for word in row)),
        ]

    def parts(self, in_list: Sequence[bool], max_rows: int) -> Iterator[list[Word]]:
        """What is staged, as arguments of `stage.lua`."""
        for first in range(0, len(self.marks), MAX_ENTRIES):
            yield ["m", self.commit.chain or "", *self.marks[first : first + MAX_ENTRIES]]
        children = [child[:4] for child, judged in zip(self.children, in_list, strict=True) if not judged]
        for part in _parts(children):
            if part:
                yield ["c", *(word for child in part for word in child)]
        for part in _parts(self.rows):
            if part:
                yield ["r", max_rows, *(word for row in part for word in row)]


def _size(entries: Sequence[Sequence[Word]]) -> int:
    return sum(len(word) for entry in entries for word in entry if isinstance(word, bytes))


def _parts(entries: Sequence[list[Word]]) -> Iterator[list[list[Word]]]:
    """Cuts entries so that no part has more than `MAX_ENTRIES` or, of several, `MAX_BYTES`; at least one part."""
    part: list[list[Word]] = []
    size = 0
    for entry in entries:
        entry_size = _size([entry])
        if part and (len(part) >= MAX_ENTRIES or size + entry_size > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(entry)
        size += entry_size
    yield part


# --- answers as values ---


def _commit_reply(answer: bytes) -> CommitReply:
    text = answer.decode()
    if text[0] == "-":
        return CommitReply(reply=Reply.STALE)
    children, _, rows = text[1:].partition("|")
    return CommitReply(
        reply=Reply.OK,
        children=tuple([_FATES[letter] for letter in children]),
        rows=tuple([_ROW_FATES[letter] for letter in rows]),
    )


def _ledger(answer: Sequence[Any], failures: Sequence[Any]) -> Ledger:
    books, settled, rows, open_pages, delayed, leased, _ = answer
    book = {name.decode(): value for name, value in zip(books[::2], books[1::2], strict=True)}
    return Ledger(
        accepted=int(book.get("accepted", 0)),
        ready=open_pages - delayed - leased,
        delayed=delayed,
        leased=leased,
        settled=_counts(settled),
        rows=_counts(rows),
        retries=int(book.get("retries", 0)),
        stalled=int(book.get("stalled", 0)),
        joined=int(book.get("joined", 0)),
        duplicates=int(book.get("duplicates", 0)),
        not_unique=int(book.get("not_unique", 0)),
        staged=int(book.get("staged", 0)),
        failures=tuple(_failure(fields) for _, fields in failures),
        closed=book.get("closed", b"").decode(),
    )


def _counts(pairs: Sequence[bytes]) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in zip(pairs[::2], pairs[1::2], strict=True)}


def _failure(fields: Sequence[bytes]) -> Failure:
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    return Failure(
        url=values[b"url"].decode(),
        outcome=values[b"outcome"].decode(),
        reason=values[b"reason"].decode(),
        tries=int(values[b"tries"]),
    )

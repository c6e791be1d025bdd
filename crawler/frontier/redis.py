"""The frontier of a job that many workers share: Lua scripts on a store of Redis or Valkey.

Each call of the contract is one script (`lua/*.lua`), so it is atomic however many workers there are; all times are the
server's. This module calls them, cuts what is too large for one call into stages, and decides nothing: what a call does
is written in its script, and how values become its words in `words`.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from crawler.frontier.closed import OF_CRAWLING, OF_REPLAYS, may_be_replayed, names_like, tidy
from crawler.frontier.contract import (
    MOST_NEEDED,
    CommitReply,
    Fate,
    FrontierRequest,
    Lease,
    LeaseReply,
    Ledger,
    PageCommit,
    Reply,
    RowFate,
    StoredRow,
)
from crawler.frontier.recount import recounted
from crawler.frontier.words import (
    MAX_ENTRIES,
    STAGE_AGAIN,
    PackedCommit,
    commit_reply,
    failed_words,
    fates_of,
    in_batches,
    in_parts,
    ledger_of,
    named,
    pages_of_rows,
    pause_words,
    request_of,
    request_words,
    signed,
    token_words,
)
from crawler.jobs.outcomes import OUTCOMES
from crawler.jobs.states import intended_by
from crawler.scripts import Script, load_script

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from crawler.frontier.words import PageWords
    from crawler.jobs.failed_pages import FailedPage
    from crawler.store import Caller, SyncStore, Word

_LUA: Final = Path(__file__).parent / "lua"

#: Parts that are on their way at once.
_PARTS_AT_ONCE: Final = 20

#: A page is staged so often, if the store loses parts of it. Each time takes a loss of its power, or a defect.
_STAGED_AT_MOST: Final = 5

#: A full store is asked again after so long.
_FULL_S: Final = 0.5

_RELEASE_ALL_AT_ONCE: Final = 200

#: The score of a parked page is what it needs, times this, and more.
_NEEDS: Final = 1 << 40

#: Answers of `stage.lua` and `close.lua`.
_OUT_OF_ORDER: Final = 2
_AGAIN: Final = 2

_REPLIES: Final = {b"+": Reply.OK, b"C": Reply.CLOSED, b"P": Reply.PAUSED, b"F": Reply.FULL}

#: The rules of a job's states, for the scripts that move one.
_STATES: Final = "../../jobs/lua/states.lua"


def _script(name: str, *preludes: str) -> Script:
    return load_script(_LUA, f"{name}.lua", preludes=(*preludes, "frontier.lua"))


def _counting_script(name: str) -> Script:
    """One that counts how often a host has kept the job out."""
    return load_script(_LUA, f"{name}.lua", preludes=(_STATES, "frontier.lua", "blocks.lua"))


_ENQUEUE, _LEASE, _RENEW, _COMMIT = (
    _script("enqueue"),
    _script("lease", _STATES),
    _script("renew"),
    _counting_script("commit"),
)
_STAGE, _RETRY, _RELEASE, _PARK = _script("stage"), _counting_script("retry"), _script("release"), _script("park")
_PROMOTE, _CLOSE, _LEDGER = _script("promote"), _script("close", _STATES), _script("ledger")
_ABANDON: Final = _script("abandon")


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
        blocked_in_a_row: int = 0,
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
            blocked_in_a_row: a host that has kept us out so often in a row pauses the job; 0 = never.
            ttl_s: what leases usually live; after an outage of the store nothing expires for so long.
            new_token: 64 random bits.
        """
        self._store = store
        self._base = f"{store.prefix}:{{{job}}}:"
        self._keys = (f"{self._base}books",)
        self._per_host = per_host
        self._max_pages = -1 if max_pages is None else max_pages
        self._max_rows = -1 if max_rows is None else max_rows
        self._blocked_in_a_row = blocked_in_a_row
        self._ttl_ms = int(ttl_s * 1000)
        self._new_token = new_token

    async def _call(self, script: Script, *args: Word, ttl_ms: int | None = None) -> Any:
        header = (self._per_host, self._ttl_ms if ttl_ms is None else ttl_ms)
        return await self._store.call(script, self._keys, (*header, *args))

    # --- handing in ---

    async def enqueue(self, requests: Sequence[FrontierRequest]) -> tuple[Fate, ...]:
        """See the contract. Waits while the store is full."""
        return await self._enqueue_all([request_words(request) for request in requests])

    async def enqueue_failed(self, pages: Sequence[FailedPage]) -> tuple[Fate, ...]:
        """The same of pages that failed in another job."""
        return await self._enqueue_all([failed_words(page) for page in pages])

    async def _enqueue_all(self, entries: Sequence[list[Word]]) -> tuple[Fate, ...]:
        fates: list[Fate] = []
        for part in in_parts(entries):
            fates += fates_of(await self._enqueue([word for entry in part for word in entry]))
        return tuple(fates)

    async def _enqueue(self, words: Sequence[Word]) -> str:
        while True:
            answer: bytes = await self._call(_ENQUEUE, *words)
            if answer != b"F":
                return answer.decode()
            await asyncio.sleep(_FULL_S)

    # --- giving out ---

    async def lease(
        self, *, worker: str, call: int, limit: int, ttl_s: float, reads: int = 0, skip: Collection[str] = ()
    ) -> LeaseReply:
        """See the contract."""
        words: tuple[Word, ...] = (worker, call, limit, self._new_token(), self._max_pages, reads, *skip)
        answer = await self._call(_LEASE, *words, ttl_ms=int(ttl_s * 1000))
        reply, open_pages, due_ms, at_limit, started, token, ready, parked, *leased = answer
        due, why = int(due_ms), ""
        if _REPLIES[reply] is Reply.PAUSED:
            why, leased = leased[0].decode("utf-8", "replace"), []
        return LeaseReply(
            leases=tuple(
                Lease(
                    request=request_of(leased[at], leased[at + 1], leased[at + 2]),
                    token=int(token),
                    tries=leased[at + 3],
                    suspect=leased[at + 4] == 1,
                )
                for at in range(0, len(leased), 5)
            ),
            open=open_pages,
            ready=ready,
            parked=parked,
            due_in_s=None if due < 0 else due / 1000,
            at_limit=at_limit == 1,
            started=started == 1,
            reply=_REPLIES[reply],
            why=why,
        )

    async def renew(self, *, worker: str, leases: Sequence[Lease], ttl_s: float) -> tuple[Lease, ...]:
        """See the contract."""
        lost: list[Lease] = []
        for first in range(0, len(leases), MAX_ENTRIES):
            part = leases[first : first + MAX_ENTRIES]
            answer = await self._call(_RENEW, worker, *token_words(part), ttl_ms=int(ttl_s * 1000))
            lost += named(part, answer)
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
        batches: list[list[PackedCommit]] = []
        for batch in in_batches([PackedCommit(commit, self._blocked_in_a_row) for commit in commits]):
            if not batch[0].large:
                batches.append(batch)
                continue
            replies += await self._commit_batches(batches)
            replies.append(await self._commit_large(batch[0]))
            batches = []
        return (*replies, *await self._commit_batches(batches))

    async def _commit_batches(self, batches: Sequence[Sequence[PackedCommit]]) -> list[CommitReply]:
        """One call for each, which leave together."""
        calls = [self._commit([page.whole() for page in batch]) for batch in batches]
        answers = await asyncio.gather(*calls) if len(calls) > 1 else [await call for call in calls]
        return [reply for batch in answers for reply in batch]

    async def _commit(self, pages: Sequence[tuple[PageWords, list[bytes]]]) -> list[CommitReply]:
        words = msgspec.msgpack.encode([page for page, _ in pages])
        answers = await self._call(_COMMIT, self._max_rows, words, *(body for _, bodies in pages for body in bodies))
        return [commit_reply(answer) for answer, _ in zip(answers, pages, strict=True)]

    async def _commit_large(self, packed: PackedCommit) -> CommitReply:
        """Stages what is too much for one call, then publishes it with the page's end."""
        commit = packed.commit
        page = (signed(commit.lease.request.id), commit.lease.token)
        in_list = [child.chain is not None for child in commit.children]
        parts = list(packed.parts(in_list, self._max_rows))
        head, reply = packed.head(in_list, parts=len(parts)), STAGE_AGAIN
        for _ in range(_STAGED_AT_MOST):
            if await self._stage(page, parts):
                (reply,) = await self._commit([head])
                if reply is not STAGE_AGAIN:
                    break
        if reply.reply is not Reply.OK:
            return reply
        judged = iter(reply.children)
        fates = tuple(next(judged) if judged_now else Fate.STAGED for judged_now in in_list)
        return replace(reply, children=fates, rows=(RowFate.STAGED,) * len(commit.rows))

    async def _stage(self, page: tuple[int, int], parts: Sequence[Sequence[Word]]) -> bool:
        """Sends the parts of a page; False if some that were there are not any more.

        Some leave together; one by one if a part came before its predecessor, which had to be sent again.
        """
        for first in range(0, len(parts), _PARTS_AT_ONCE):
            wave = [(*page, number, *part) for number, part in enumerate(parts[first : first + _PARTS_AT_ONCE], first)]
            answers = await asyncio.gather(*(self._call(_STAGE, *words) for words in wave))
            if _OUT_OF_ORDER in answers:
                answers = [await self._call(_STAGE, *words) for words in wave]
            if _OUT_OF_ORDER in answers:
                return False
        return True

    async def retry(
        self, lease: Lease, *, delay_s: float, reason: str, hold_host_s: float = 0.0, blocked: bool = False
    ) -> Reply:
        """See the contract."""
        delay_ms, hold_ms = int(delay_s * 1000), int(hold_host_s * 1000)
        pause = pause_words(lease, reason, self._blocked_in_a_row if blocked else 0)
        done = await self._call(_RETRY, signed(lease.request.id), lease.token, delay_ms, hold_ms, *pause)
        return Reply.OK if done else Reply.STALE

    async def park(self, lease: Lease, *, needs: int) -> Reply:
        """See the contract."""
        done = await self._call(_PARK, signed(lease.request.id), lease.token, min(needs, MOST_NEEDED))
        return Reply.OK if done else Reply.STALE

    async def release(self, *, worker: str, leases: Sequence[Lease] | None = None) -> int:
        """See the contract."""
        released = 0
        if leases is None:
            while (done := await self._call(_RELEASE, worker)) >= _RELEASE_ALL_AT_ONCE:
                released += done
            return released + int(done)
        for first in range(0, len(leases), MAX_ENTRIES):
            released += await self._call(_RELEASE, worker, *token_words(leases[first : first + MAX_ENTRIES]))
        return released

    async def abandon(self, worker: str) -> int:
        """Ends the leases of a worker that is known to be dead, as if their time had come; answers how many.

        The others need not wait for it then. A lease that was the worker's only one counts against its page.
        """
        ended = 0
        while done := await self._call(_ABANDON, worker):
            ended += done
        return ended

    async def promote(self) -> float | None:
        """See the contract."""
        due_ms = int(await self._call(_PROMOTE))
        return None if due_ms < 0 else due_ms / 1000

    # --- the end of the job ---

    async def close(self, reason: str) -> Reply:
        """See the contract."""
        done, intended = _AGAIN, intended_by(reason)
        while done == _AGAIN:
            done = await self._call(_CLOSE, reason or "closed", intended)
        if done <= 0:
            return Reply.STALE if done == 0 else Reply.CLOSED
        left = () if await may_be_replayed(self._store, self._base) else OF_REPLAYS
        await tidy(self._store, self._base, (*OF_CRAWLING, *left))
        return Reply.OK

    async def forget(self) -> None:
        """Removes everything that the store holds of this frontier; the job's record stays."""
        async for names in names_like(self._store, self._base, "*"):
            if doomed := [self._base.encode() + name for name in names if name != b"job"]:
                await self._store.command("UNLINK", *doomed)

    # --- the books ---

    async def read_rows(self, *, after: str = "", limit: int) -> tuple[StoredRow, ...]:
        """See the contract."""
        start, _, number = after.partition("/")
        count = max(2, min(limit + 1, 500))
        entries = await self._store.command("XRANGE", f"{self._base}rows", start or "-", "+", "COUNT", count)
        rows: list[StoredRow] = []
        for name, words in entries:
            entry = name.decode()
            pages = pages_of_rows(entry, words)
            for page in pages[int(number) + 1 :] if entry == start else pages:
                if rows and len(rows) + len(page) > limit:
                    return tuple(rows)
                rows += page
        return tuple(rows)

    async def ledger(self, *, failures: bool = True) -> Ledger:
        """See the contract."""
        answer = await self._call(_LEDGER)
        kept = await self._store.command("XRANGE", f"{self._base}failures", "-", "+") if failures else ()
        return ledger_of(answer, kept)

    async def parked_for(self) -> int | None:
        """What a worker must read to be given the parked page that needs least; None without one."""
        first = await self._store.command("ZRANGE", f"{self._base}parked", 0, 0, "WITHSCORES")
        if not first:
            return None
        flat = first[0] if isinstance(first[0], list) else first
        return int(float(flat[1])) // _NEEDS

    async def audit(self) -> Ledger:
        """See the contract."""
        kept = await self.ledger()
        shards = (await self._call(_LEDGER))[7]
        return await recounted(self._store, self._base, kept, shards=shards, read_rows=self.read_rows)


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
            words: list[Word] = [0, self._ttl_ms, self._worker, *token_words(part)]
            lost += named(part, self._store.call(_RENEW, self._keys, words))
        return tuple(lost)

"""What a job is: the order that a client has given, which never changes, and how far it has come, which does.

Only values are here, decoded and checked. What may follow what is in `states`, how they travel in `codec`, where they
are kept in the back ends of `store_contract`. Knows no store and nothing of crawling.
"""

from __future__ import annotations

import enum
import hashlib
import math
import re
from base64 import b32encode
from dataclasses import dataclass, field
from typing import Any, Final

from crawler.errors import InvalidJob
from crawler.jobs.outcomes import FAILURES

#: Shorter secrets could be guessed by a site; blake2b takes no longer key.
_SECRET_BYTES: Final = range(16, 65)

#: `why` is one sentence, cut after so many characters.
MAX_WHY_CHARACTERS: Final = 500

#: The last time, in ms since 1970, that fits where times have 15 digits: in the year 33658.
LATEST_MS: Final = 10**15 - 1

_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Priority(enum.StrEnum):
    """Who goes first when a client's jobs wait for workers; `idle` runs only when nothing else waits."""

    IDLE = "idle"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class State(enum.StrEnum):
    """Where a job is. The last four are its end."""

    QUEUED = "queued"  # accepted, and no page has been given out
    RUNNING = "running"
    PAUSED = "paused"  # nothing is given out until it is resumed
    FINISHING = "finishing"  # takes no more pages; its files are being composed
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # not finished, or not even begun, in the time that it had


class Intended(enum.StrEnum):
    """What a job that takes no more pages is to come to, once what it has is composed."""

    SUCCEED = "succeed"
    CANCEL = "cancel"
    FAIL = "fail"
    EXPIRE = "expire"


class Outcome(enum.StrEnum):
    """What the files of a job are worth."""

    COMPLETE = "complete"  # every page was read, or filtered on purpose
    PARTIAL = "partial"  # a page gave up or was never fetched, or a list was lost
    QUALITY_FAILED = "quality_failed"  # its rows are not what the recipe asks for; the files are kept, and withheld
    EMPTY = "empty"  # no row at all


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a job may use at most; None = no limit.

    Attributes:
        requests: pages fetched.
        items: rows kept.
        bytes: received from sites.
        duration_s: from its first page to the end of its last, in seconds.
        browser_s: spent by pages in browsers, in seconds.
        queue_timeout_s: it must have begun so many seconds after it was accepted.
    """

    requests: int | None = None
    items: int | None = None
    bytes: int | None = None
    duration_s: float | None = None
    browser_s: float | None = None
    queue_timeout_s: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is not None and not 0 < limit < math.inf:
                raise InvalidJob(f"limits.{name} is {limit}; a limit is above 0, no limit is None")


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What a job fetches that begins where another one has failed, instead of its start pages.

    Attributes:
        job: the job that has ended; of the same client.
        outcome: its pages that came to this are fetched again.
    """

    job: str
    outcome: str

    def __post_init__(self) -> None:
        check_job_id(self.job)
        if self.outcome not in FAILURES:
            raise InvalidJob(f"{self.outcome!r} is no outcome of pages that failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What was ordered. Never changes after it was accepted.

    Attributes:
        id: see `job_id` and `check_job_id`.
        client: whose it is.
        generation: counts the jobs that one idempotency key has made, from 0.
        recipe: name of the recipe; may be "" for one that came as text.
        recipe_text: the recipe itself, resolved: what it extends is in it. "" for an ordinary spider.
        recipe_sha256: of the text's UTF-8, in hexadecimal; filled in.
        spider: name of the spider, for one that is no recipe.
        inputs: plain values by name, as `crawler.wire` takes them.
        priority: among the jobs of its client.
        max_workers: processes that may work on it at once.
        limits: what it may use.
        tags: free words of the client, to find it by.
        by_hand: its workers are started by whoever made it; nodes leave it alone.
        webhook: URL that is told about its end; "" = nobody is.
        request_sha256: of what the client sent, in hexadecimal, to know the same order when it comes again; "" for a
            job that nobody sent.
        created_ms: when it was accepted, ms of the store's clock since 1970; 0 = the store fills it in.
        replay: what it fetches again of another job, whose secret it has then; None = it begins with its start pages.
        secret: 16 to 64 random bytes; ids of requests and rows are keyed with it.

    Raises:
        InvalidJob: a value is impossible; says which.
    """

    id: str
    client: str = "local"
    generation: int = 0
    recipe: str = ""
    recipe_text: str = field(default="", repr=False)
    recipe_sha256: str = ""
    spider: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    max_workers: int = 1
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    by_hand: bool = False
    webhook: str = ""
    request_sha256: str = ""
    created_ms: int = 0
    replay: Replay | None = None
    secret: bytes = field(repr=False)  # the last one, so that the beginning of an encoded job may be shown

    def __post_init__(self) -> None:
        check_job_id(self.id)
        if len(self.secret) not in _SECRET_BYTES:
            raise InvalidJob(f"the secret of a job has 16 to 64 bytes, not {len(self.secret)}")
        if bool(self.recipe_text) == bool(self.spider):
            both = "has both" if self.spider else "has neither"
            raise InvalidJob(f"a job runs either the text of a recipe or a spider; this one {both}")
        for name, least, most in (
            ("generation", 0, math.inf),
            ("max_workers", 1, math.inf),
            ("created_ms", 0, LATEST_MS),
        ):
            if not least <= getattr(self, name) <= most:
                raise InvalidJob(f"{name} of a job is {getattr(self, name)}; it is from {least} to {most}")
        if self.request_sha256 and _SHA256.fullmatch(self.request_sha256) is None:
            raise InvalidJob(f"request_sha256 is {self.request_sha256[:80]!r}; it has 64 digits of 0-9 and a-f")
        sha256 = _sha256(self.recipe_text)
        if self.recipe_sha256 not in ("", sha256):
            raise InvalidJob(f"recipe_sha256 is {self.recipe_sha256}, but the text's is {sha256}")
        object.__setattr__(self, "recipe_sha256", sha256)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStatus:
    """How far a job has come. Times are ms of the store's clock since 1970; None = not yet.

    Attributes:
        state: where it is.
        intended: what it is to come to; None while it takes pages.
        outcome: what its files are worth; None before its end.
        why: one sentence on what it waits for, or on how it came to its state; may be "".
        epoch: 1, and one more for each time that the job was taken up again from a store that had lost part of it.
        version: counts its changes, from 1; a change of `why` alone does not count.
        queued_ms: when it was accepted.
        started_ms: when its first page was given out, or it was resumed.
        finishing_ms: since when it takes no more pages.
        finished_ms: when it came to its end.
    """

    state: State
    intended: Intended | None = None
    outcome: Outcome | None = None
    why: str = ""
    epoch: int = 1
    version: int = 1
    queued_ms: int
    started_ms: int | None = None
    finishing_ms: int | None = None
    finished_ms: int | None = None


def job_id(client: str, idempotency_key: str, generation: int = 0) -> str:
    """The id of the job that a client makes with a key: the same order, repeated, is the same job.

    26 characters of a-z and 2-7: 128 bits of blake2b in base32 (RFC 4648, lower case), so it can stand in a key of the
    store, a URL, a label and the name of a file, also where upper and lower case are the same.
    """
    digest = hashlib.blake2b(digest_size=16, person=b"crawlery job")
    for part in (client, idempotency_key, str(generation)):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return b32encode(digest.digest()).rstrip(b"=").decode().lower()


def check_job_id(text: str) -> str:
    """The id, as it was typed.

    Raises:
        InvalidJob: it is not 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", or begins with "." or "-".
    """
    if _ID.fullmatch(text) is None:
        shown = repr(text if len(text) <= 80 else f"{text[:80]}...")
        raise InvalidJob(
            f'{shown} is no id of a job; use 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", the first one no "." or "-"'
        )
    return text


def sentence(text: str) -> str:
    """The text on one line, at most `MAX_WHY_CHARACTERS` long, and encodable: fit to be a `why`."""
    line = " ".join(text.split()).encode("utf-8", "replace").decode()
    return line if len(line) <= MAX_WHY_CHARACTERS else f"{line[: MAX_WHY_CHARACTERS - 3]}..."


def _sha256(text: str) -> str:
    """In hexadecimal; "" of nothing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else ""

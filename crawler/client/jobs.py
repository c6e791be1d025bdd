"""`client.jobs` and `client.results`: jobs are ordered, watched and steered, and their files fetched."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.client.calls import given, path_of
from crawler.client.connection import is_loopback
from crawler.client.downloads import Downloads
from crawler.client.events import followed, told
from crawler.client.model import (
    Failures,
    Job,
    JobAccepted,
    JobPage,
    JobQuality,
    LogPage,
    Publication,
    Results,
    time_text,
)
from crawler.errors import InvalidJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from crawler.client.connection import Connection
    from crawler.client.model import JobEvent, Limits

#: `follow` bears a platform that is away for so long.
FOLLOW_PATIENCE_S: Final = 300.0

#: What the API takes as an idempotency key.
_IDEMPOTENCY_KEY: Final = re.compile(r"[ -~]{1,128}")


class Jobs:
    """`client.jobs`: submit, look, steer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(
        self,
        *,
        recipe: str | None = None,
        recipe_text: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        priority: str | None = None,
        max_workers: int | None = None,
        limits: Limits | None = None,
        tags: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> JobAccepted:
        """Orders a job. Without a key of the caller's one is made up, so that tries of this call make one job.

        Args:
            recipe: `NAME` or `NAME@VERSION` of one that the API has; or else
            recipe_text: the recipe itself.
            inputs: of the recipe, typed.
            priority: `idle`, `low`, `normal` or `high`.
            max_workers: processes that may work on it at once.
            limits: what it may use.
            tags: words to find it by.
            idempotency_key: the same key and order again is the same job; 1 to 128 printable ASCII characters.

        Raises:
            InvalidJob: the key is none; or not exactly one of `recipe` and `recipe_text` is given.
            ApiError: `unprocessable`: no such recipe, inputs that do not fit; `idempotency_conflict`: the key has made
                a job of another order; `quota_exceeded`.
        """
        if (recipe is None) == (recipe_text is None):
            raise InvalidJob("a job has either `recipe`, a name, or `recipe_text`, the recipe itself")
        facts = {
            "recipe": recipe,
            "recipe_text": recipe_text,
            "inputs": inputs or None,
            "priority": priority,
            "max_workers": max_workers,
            "limits": given(msgspec.structs.asdict(limits)) or None if limits is not None else None,
            "tags": list(tags) or None,
        }
        return self._ordered("/v1/jobs", given(facts), idempotency_key)

    def replay(self, job: str, outcome: str, *, idempotency_key: str | None = None) -> JobAccepted:
        """Fetches pages of a job again that came to an outcome; the files of the new job have the rows of both.

        Without a key of the caller's one is made up, so that tries of this call make one job.

        Args:
            job: id of one that has ended.
            outcome: of pages that failed, such as `http_5xx`; `failures` has them.
            idempotency_key: see `submit`.

        Raises:
            InvalidJob: the key is none.
            ApiError: `conflict`: it has not ended, or nothing of it can be replayed.
        """
        return self._ordered(path_of("jobs", job, "replay"), {"outcome": outcome}, idempotency_key)

    def _ordered(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> JobAccepted:
        key = f"auto-{uuid.uuid4()}" if idempotency_key is None else idempotency_key
        if _IDEMPOTENCY_KEY.fullmatch(key) is None or not key.strip():
            raise InvalidJob("an idempotency key has 1 to 128 printable ASCII characters")
        accepted, headers = self._connection.ask(
            JobAccepted, "POST", path, body=body, headers={"Idempotency-Key": key}, is_repeatable=True
        )
        is_replayed = headers.get("idempotent-replayed", "").lower() == "true"
        return msgspec.structs.replace(accepted, is_replayed=is_replayed)

    def list(
        self,
        *,
        state: Sequence[str] = (),
        outcome: Sequence[str] = (),
        recipe: str | None = None,
        tag: str | None = None,
        client: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> JobPage:
        """A page of jobs, the newest first: those in one of the states, with one of the outcomes, and so on.

        A page may be short, or empty, and not be the last one: `next` says.
        """
        params = {
            "state": list(state) or None,
            "outcome": list(outcome) or None,
            "recipe": recipe,
            "tag": tag,
            "client": client,
            "created_after": None if created_after is None else time_text(created_after),
            "created_before": None if created_before is None else time_text(created_before),
            "limit": limit,
            "cursor": cursor,
        }
        return self._connection.ask(JobPage, "GET", "/v1/jobs", params=params)[0]

    def iterate(self, **filters: Any) -> Iterator[Job]:
        """All jobs that fit the filters of `list`, page by page."""
        cursor: str | None = None
        while True:
            page = self.list(**filters, cursor=cursor)
            yield from page.jobs
            if page.next is None:
                return
            cursor = page.next

    def get(self, job: str) -> Job:
        """A job, with its progress and the processes that have worked on it."""
        return self._connection.ask(Job, "GET", path_of("jobs", job))[0]

    def failures(
        self, job: str, *, outcome: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Failures:
        """Pages of a job that could not be read, with one outcome if it is given; `next` leads to more of them."""
        params = {"outcome": outcome, "limit": limit, "cursor": cursor}
        return self._connection.ask(Failures, "GET", path_of("jobs", job, "failures"), params=params)[0]

    def quality(self, job: str, *, is_patient: bool = True) -> JobQuality:
        """What a job was judged by, and what earlier runs of its recipe were like.

        Args:
            job: its id.
            is_patient: an API whose storage of files is away is waited for.

        Raises:
            ApiError: `conflict`: it has not ended.
        """
        path = path_of("jobs", job, "quality")
        return self._connection.ask(JobQuality, "GET", path, is_repeatable=is_patient)[0]

    def logs(
        self,
        job: str,
        *,
        level: str | None = None,
        text: str | None = None,
        worker: str | None = None,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> LogPage:
        """Records of what its workers have logged: the newest ones, the oldest of them first.

        Args:
            job: its id.
            level: of `debug`, `info`, `warning`, `error` or `critical`, or of a higher one.
            text: that have it, upper and lower case alike.
            worker: of the worker, or of the workers of the node, of that name.
            limit: at most so many; there may be fewer, and others before them: see `LogPage`.
            before: `earlier` of a page: the records before those.
            after: `next` of a page: those that have come since.
        """
        params = {
            "level": level, "text": text, "worker": worker, "limit": limit, "before": before, "after": after,
        }  # fmt: skip
        return self._connection.ask(LogPage, "GET", path_of("jobs", job, "logs"), params=params)[0]

    def pause(self, job: str) -> Job:
        """Gives out no pages until `resume`.

        Raises:
            ApiError: `conflict`: its state, which the error carries, does not allow it.
        """
        return self._steer(job, "pause")

    def resume(self, job: str) -> Job:
        """Lets a paused job go on.

        Raises:
            ApiError: `conflict`: its state, which the error carries, does not allow it.
        """
        return self._steer(job, "resume")

    def cancel(self, job: str) -> Job:
        """Ends a job with what it has.

        Raises:
            ApiError: `conflict`: its state, which the error carries, does not allow it.
        """
        return self._steer(job, "cancel")

    def _steer(self, job: str, step: str) -> Job:
        # A step that was taken already is answered as if it were taken now: it can be repeated.
        return self._connection.ask(Job, "POST", path_of("jobs", job, step), is_repeatable=True)[0]

    def events(self, job: str, *, after: str = "", patience_s: float = FOLLOW_PATIENCE_S) -> Iterator[JobEvent]:
        """Each change of the state of a job, and once a second its progress, until it has ended.

        Streams end after a minute, or with their process; the next one goes on behind the last event, so no change of
        state is missed. An API that is away or full for less than `patience_s` seconds is waited for.

        Args:
            job: its id.
            after: `id` of an event that was seen before; "" = from its present state on.
            patience_s: see above.

        Raises:
            ApiError: it refuses, or is full for longer.
            ApiUnreachable: it is away for longer.
        """
        return told(self._connection, path_of("jobs", job, "events"), after=after, patience_s=patience_s)

    def follow(self, job: str, *, every_s: float = 1.0, patience_s: float = FOLLOW_PATIENCE_S) -> Iterator[Job]:
        """The job again and again, until it has ended; the last one has. Each change of its state is among them.

        Its events are read, if they come often enough and the API has room for a stream more; else it is asked for
        every `every_s` seconds. An API that is away for less than `patience_s` seconds is waited for.

        Raises:
            ApiUnreachable: it is away for longer.
        """
        path = path_of("jobs", job, "events")
        return followed(self._connection, lambda: self.get(job), path, every_s=every_s, patience_s=patience_s)


class JobResults:
    """`client.results`: links, and downloads."""

    def __init__(self, connection: Connection, *, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    def get(self, job: str, *, expires_s: int | None = None) -> Results:
        """The files of a job that has ended, pieces of one that runs, as links that can be used for `expires_s`."""
        return self._connection.ask(Results, "GET", path_of("jobs", job, "results"), params={"expires_s": expires_s})[0]

    def publish(self, job: str, reason: str) -> Publication:
        """Publishes files that are withheld; who has done it, which may be somebody before, whose reason stays.

        Raises:
            ApiError: `conflict`: they are not withheld, or the job has not ended; `missing_scope`.
        """
        path, body = path_of("jobs", job, "results", "publish"), {"reason": reason}
        return self._connection.ask(Publication, "POST", path, body=body, is_repeatable=True)[0]

    def download(
        self,
        job: str,
        folder: Path,
        *,
        on_file: Callable[[Path, int], None] | None = None,
    ) -> list[Path]:
        """Writes the files of a job into a folder, each whole, with its SHA-256 checked, or not at all.

        What has come of a file before it was interrupted stays as `NAME.part`; the next call goes on there.

        Args:
            job: its id; it has ended.
            folder: is made if it is not there.
            on_file: told of each file that is there: its path and its rows.

        Raises:
            DownloadFailed: there are no files, they are withheld, or one cannot be fetched or written.
        """
        is_local = is_loopback(self._connection.url)
        with Downloads(lambda: self.get(job), timeout_s=self._timeout_s, is_local=is_local) as downloads:
            return downloads.all_into(folder, on_file=on_file)

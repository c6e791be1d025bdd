"""Jobs as the store has them: what operators use, and a fleet that has no control API."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from crawler.audit.store import AuditStore
from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed
from crawler.cli.job_quality import learned_of, publication_of, quality_of
from crawler.cli.job_submit import job_id_of, new_job, submit
from crawler.cli.job_view import JobView, Watching, WorkerView, crawled, exit_status, print_end
from crawler.cli.recipes import load
from crawler.cli.stores import operator, run_with_store, storage_of_files, stored_job
from crawler.client.model import (
    Failures,
    JobQuality,
    LearnedSeries,
    LogPage,
    LogRecord,
    PageFailure,
    Publication,
    ResultFile,
    Results,
    ResultSegment,
)
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.overrides import override_of
from crawler.exports.publication import publish_withheld
from crawler.exports.replay_orders import replay_of
from crawler.frontier.contract import Ledger, Reply
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.joblogs.lines import Level
from crawler.joblogs.places import Places
from crawler.joblogs.reader import JobLogs
from crawler.jobs.attempts import RedisAttempts
from crawler.jobs.model import Intended, State
from crawler.jobs.outcomes import HARMLESS
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL
from crawler.recipe.loader import load_recipe_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crawler.cli.job_desk import LogsAsked, Order
    from crawler.exports.manifest import Manifest
    from crawler.exports.objects import ObjectStore
    from crawler.exports.overrides import Override
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.model import Job, JobStatus
    from crawler.jobs.segments import Segment
    from crawler.jobs.store_contract import StoredJob
    from crawler.store import Store

#: Of the log of a worker that did not end in order.
_LOG_LINES_SHOWN: Final = 5

#: Exit statuses of workers that left in order: all done, a list lost, told to go.
_ORDERLY: Final = (exits.OK, exits.LIST_PAGE_LOST, exits.INTERRUPTED)

_PIECE_BYTES: Final = 1024 * 1024


class StoreDesk:
    """The jobs of one store.

    Args:
        redis_url: of `--redis-url`; None = the one that the environment or the running platform names.
        prefix: what the names of its keys begin with.
    """

    def __init__(self, redis_url: str | None, prefix: str) -> None:
        self._redis_url = redis_url
        self._prefix = prefix

    def submit(self, order: Order) -> tuple[str, bool]:
        """See `JobDesk`."""
        new = new_job(
            load(order.recipe),
            order.inputs,
            key=order.key,
            workers=order.workers,
            priority=order.priority,
            tags=order.tags,
            limits=order.limits,
        )
        objects = storage_of_files()
        job, is_new = run_with_store(self._redis_url, self._prefix, lambda store: submit(store, objects, new))
        return job.id, is_new

    def replay(self, job_id: str, outcome: str, *, key: str | None) -> tuple[str, bool]:
        """See `JobDesk`."""
        objects = storage_of_files()
        if objects is None:
            raise CommandFailed("a replay begins with what the job has left: STORAGE_URL says where files are kept")

        async def ask(store: Store) -> tuple[Job, bool]:
            first = await stored_job(store, job_id)
            manifest = read_manifest(objects, JobKeys(client=first.job.client, job=job_id))
            new_id = job_id_of(f"replay\0{job_id}\0{outcome}\0{key or secrets.token_hex(16)}")
            return await submit(store, objects, replay_of(first, manifest, outcome, new_id=new_id))

        job, is_new = run_with_store(self._redis_url, self._prefix, ask)
        return job.id, is_new

    def newest(self, limit: int) -> Sequence[JobView]:
        """See `JobDesk`."""

        async def ask(store: Store) -> list[JobView]:
            return [view_of(each, each.status) for each in (await RedisJobStore(store).newest(limit=limit)).jobs]

        return run_with_store(self._redis_url, self._prefix, ask)

    def view(self, job_id: str) -> JobView:
        """See `JobDesk`."""

        async def ask(store: Store) -> JobView:
            stored = await stored_job(store, job_id)
            books = await RedisFrontier(store, job=job_id).ledger()
            return view_of(stored, stored.status, books, await RedisAttempts(store).of(job_id))

        return run_with_store(self._redis_url, self._prefix, ask)

    def failures(self, job_id: str, *, outcome: str = "") -> Failures:
        """See `JobDesk`."""

        async def ask(store: Store) -> Ledger:
            await stored_job(store, job_id)
            return await RedisFrontier(store, job=job_id).ledger()

        books = run_with_store(self._redis_url, self._prefix, ask)
        lost = {outcome: count for outcome, count in books.settled.items() if outcome not in HARMLESS}
        named = tuple(
            PageFailure(url=each.url, outcome=each.outcome, reason=each.reason)
            for each in books.failures
            if outcome in ("", each.outcome)
        )
        return Failures(outcomes=lost, failures=named, total=sum(lost.values()))

    def logs(
        self, job_id: str, asked: LogsAsked, *, limit: int, before: str | None = None, after: str | None = None
    ) -> LogPage:
        """See `JobDesk`. From the storage of files, once the store has said whose job it is."""
        objects = _storage()
        stored = run_with_store(self._redis_url, self._prefix, lambda store: stored_job(store, job_id))
        return read_logs(
            JobLogs(objects, JobKeys(client=stored.job.client, job=job_id)), job_id, asked, limit=limit, before=before,
            after=after,
        )  # fmt: skip

    def pause(self, job_id: str) -> None:
        """See `JobDesk`."""
        self._move(job_id, State.PAUSED)

    def resume(self, job_id: str) -> None:
        """See `JobDesk`."""
        self._move(job_id, State.RUNNING)

    def _move(self, job_id: str, to: State) -> None:
        async def ask(store: Store) -> None:
            await RedisJobStore(store, origin=operator()).move(job_id, to)

        run_with_store(self._redis_url, self._prefix, ask)

    def cancel(self, job_id: str) -> int:
        """See `JobDesk`."""

        async def ask(store: Store) -> int:
            await RedisJobStore(store, origin=operator()).intend(job_id, Intended.CANCEL)
            frontier = RedisFrontier(store, job=job_id)
            await frontier.promote()
            if await frontier.close("cancelled") is not Reply.STALE:
                return 0
            return (await frontier.ledger()).leased

        return run_with_store(self._redis_url, self._prefix, ask)

    def watch(self, job_id: str) -> int:
        """See `JobDesk`."""
        return run_with_store(self._redis_url, self._prefix, lambda store: followed(store, job_id))

    def results(self, job_id: str, *, expires_s: int, withheld: bool) -> Results:
        """See `JobDesk`."""
        objects, stored, segments, manifest = self._files(job_id)
        until = datetime.now(UTC) + timedelta(seconds=expires_s)
        if manifest is None:
            return _pieces(objects, stored, segments, expires_s=expires_s, until=until)
        override = override_of(objects, JobKeys(client=manifest.client, job=job_id), manifest)
        _check_withheld(manifest, override, withheld=withheld)
        return Results(
            job=job_id,
            state=manifest.state,
            outcome=manifest.outcome,
            final=True,
            withheld=manifest.withheld and override is None,
            published=None if override is None else publication_of(override),
            why=manifest.why,
            files=tuple(
                ResultFile(
                    name=file.name,
                    format=file.format,
                    item=file.item,
                    rows=file.rows,
                    size_bytes=file.size_bytes,
                    sha256=file.sha256,
                    url=objects.link(file.key, file_name=file.name, expires_s=expires_s),
                    expires_at=until,
                )
                for file in manifest.files
            ),
        )

    def download(self, job_id: str, folder: Path, *, withheld: bool) -> None:
        """See `JobDesk`."""
        objects, stored, _, manifest = self._files(job_id)
        if manifest is None:
            raise CommandFailed(f"{job_id} is {stored.status.state}: there are no files to download yet")
        override = override_of(objects, JobKeys(client=manifest.client, job=job_id), manifest)
        _check_withheld(manifest, override, withheld=withheld)
        _download(objects, manifest, folder)

    def quality(self, job_id: str) -> JobQuality | None:
        """See `JobDesk`."""
        objects = storage_of_files()
        if objects is None:
            return None
        stored = run_with_store(self._redis_url, self._prefix, lambda store: stored_job(store, job_id))
        keys = JobKeys(client=stored.job.client, job=job_id)
        manifest = read_manifest(objects, keys)
        return None if manifest is None else quality_of(manifest, override_of(objects, keys, manifest))

    def learned(self, recipe: str) -> Sequence[LearnedSeries]:
        """See `JobDesk`."""
        return learned_of(_storage(), recipe)

    def publish(self, job_id: str, reason: str) -> Publication:
        """See `JobDesk`."""
        objects, stored, _, manifest = self._files(job_id)
        if manifest is None:
            raise CommandFailed(f"{job_id} is {stored.status.state}: there are no files to publish yet")
        by, client = operator(), stored.job.client

        def note() -> None:
            after = {"withheld": False, "outcome": manifest.outcome, "reason": reason}

            async def ask(store: Store) -> None:
                await AuditStore(store).note_publication(by, job_id, client=client, after=after)

            run_with_store(self._redis_url, self._prefix, ask)

        override = publish_withheld(
            objects,
            JobKeys(client=client, job=job_id),
            manifest,
            by=by.source,
            reason=reason,
            at_ms=int(time.time() * 1000),
            note=note,
        )
        return publication_of(override)

    def _files(self, job_id: str) -> tuple[ObjectStore, StoredJob, tuple[Segment, ...], Manifest | None]:
        objects = _storage()

        async def ask(store: Store) -> tuple[StoredJob, tuple[Segment, ...]]:
            return await stored_job(store, job_id), await RedisRowStream(store, job=job_id).segments()

        stored, segments = run_with_store(self._redis_url, self._prefix, ask)
        return objects, stored, segments, read_manifest(objects, JobKeys(client=stored.job.client, job=job_id))


def _storage() -> ObjectStore:
    objects = storage_of_files()
    if objects is None:
        raise CommandFailed("where are the files? STORAGE_URL in the environment says it: s3://BUCKET/PREFIX")
    return objects


def read_logs(
    logs: JobLogs, job_id: str, asked: LogsAsked, *, limit: int, before: str | None = None, after: str | None = None
) -> LogPage:
    """Records of logs, in the words of the API."""
    ask = partial(logs.newest, before=None if before is None else Places.read(before, job_id))
    if after is not None:
        ask = partial(logs.after, Places.read(after, job_id))
    page = ask(limit=limit, level=Level(asked.level), text=asked.text, worker=asked.worker)
    return LogPage(
        records=tuple(
            LogRecord(node=record.node, worker=record.worker, level=record.level, text=record.text)
            for record in page.records
        ),
        earlier=None if page.earlier is None else page.earlier.text(job_id),
        next=page.next.text(job_id),
    )


async def followed(store: Store, job_id: str) -> int:
    """Shows how far a job is until it has ended; the exit status that says how.

    Args:
        store: where it is.
        job_id: its id.

    Raises:
        CommandFailed: there is no such job.
        StoreError: the store refuses us.
    """
    stored = await stored_job(store, job_id)
    jobs, frontier = RedisJobStore(store), RedisFrontier(store, job=job_id)
    status = stored.status
    with Watching(stored.job.recipe or stored.job.spider) as watching:
        while status.state not in TERMINAL:
            books = await frontier.ledger(failures=False)
            watching.show(view_of(stored, status, books))
            await asyncio.sleep(watching.every_s)
            seen = await jobs.status(job_id)
            if seen is None:
                raise CommandFailed(f"job {job_id} has been deleted")
            status = seen
    ended = view_of(stored, status, await frontier.ledger(failures=False))
    print_end(ended)
    return exit_status(ended)


def view_of(
    stored: StoredJob, status: JobStatus, books: Ledger | None = None, attempts: Sequence[Attempt] = ()
) -> JobView:
    """A job with a status that may be newer than the one it was read with."""
    return JobView(
        id=stored.job.id,
        crawls=crawled(stored.job.recipe or stored.job.spider, stored.job.replay),
        state=status.state,
        intended=status.intended or "",
        outcome=status.outcome or "",
        why=status.why,
        accepted_s=status.queued_ms / 1000,
        since_s=(status.started_ms or status.queued_ms) / 1000,
        books=books or Ledger(),
        workers=tuple(map(_worker, attempts)),
    )


def _worker(attempt: Attempt) -> WorkerView:
    in_order = attempt.exit_code in _ORDERLY
    return WorkerView(
        name=attempt.worker or attempt.node,
        how=attempt.how,
        is_running=attempt.ended_ms is None,
        in_order=in_order,
        last_words=() if in_order else attempt.log_tail[-_LOG_LINES_SHOWN:],
    )


def _check_withheld(manifest: Manifest, override: Override | None, *, withheld: bool) -> None:
    if manifest.withheld and override is None and not withheld:
        raise CommandFailed(
            f"{manifest.job} {manifest.outcome}: {'; '.join(manifest.why)}. --withheld shows its files anyhow;"
            f" if they are right all the same, `crawlery job publish {manifest.job} --reason TEXT` publishes them"
        )


def _pieces(
    objects: ObjectStore, stored: StoredJob, segments: tuple[Segment, ...], *, expires_s: int, until: datetime
) -> Results:
    """What a job has that runs.

    Raises:
        CommandFailed: its rows are to be judged first.
    """
    job = stored.job.id
    if stored.job.recipe_text and load_recipe_text(stored.job.recipe_text, name=stored.job.recipe).quality is not None:
        raise CommandFailed(f"{job} is {stored.status.state}, and its rows are to be judged before anybody gets them")
    names = [f"{job}-{segment.number:06d}.jsonl.zst" for segment in segments]
    pieces = tuple(
        ResultSegment(
            name=name,
            rows=segment.row_count,
            size_bytes=segment.size_bytes,
            url=objects.link(segment.key, file_name=name, expires_s=expires_s),
            expires_at=until,
        )
        for name, segment in zip(names, segments, strict=True)
    )
    return Results(job=job, state=stored.status.state, segments=pieces)


def _download(objects: ObjectStore, manifest: Manifest, folder: Path) -> None:
    """Writes the files of a job into a folder, each whole and as the manifest says, or not at all.

    Raises:
        CommandFailed: one cannot be written, or is not what the manifest says.
        ObjectStoreError: the storage of files does not give it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in manifest.files:
            path = folder / file.name
            part = path.with_name(f"{path.name}.part")
            digest = hashlib.sha256()
            with objects.open(file.key) as source, part.open("wb") as target:
                while piece := source.read(_PIECE_BYTES):
                    digest.update(piece)
                    target.write(piece)
            if digest.hexdigest() != file.sha256:
                part.unlink()
                raise CommandFailed(f"{file.key} is not what the manifest of {manifest.job} says: other bytes")
            part.replace(path)
            console.note(f"{file.rows:,} rows in {path}")
    except OSError as error:
        raise CommandFailed(f"{folder}: {(error.strerror or str(error)).lower()}") from error

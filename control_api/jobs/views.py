"""The calls on jobs. A job of another client is as unknown as one that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from control_api.blueprint import Blueprint
from control_api.gate import needs
from control_api.jobs import dump, events, replay, steering, submit
from control_api.jobs.cursor import read_cursor, write_cursor
from control_api.jobs.judged import published, quality_of
from control_api.jobs.judged_schemas import PublishedSchema, PublishOrderSchema, QualitySchema
from control_api.jobs.logs import logs_of
from control_api.jobs.lookup import own_job
from control_api.jobs.results import results_of
from control_api.jobs.schemas import (
    FailuresQuerySchema,
    FailuresSchema,
    JobAcceptedSchema,
    JobListQuerySchema,
    JobListSchema,
    JobOrderSchema,
    JobSchema,
    JobSummarySchema,
    LogsQuerySchema,
    LogsSchema,
    ReplayOrderSchema,
    ResultsQuerySchema,
    ResultsSchema,
)
from control_api.problems import Problem
from control_api.services import ask, origin, principal
from crawler.access.model import Scope
from crawler.frontier.failures import RedisFailures
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.attempts import RedisAttempts
from crawler.jobs.redis import RedisJobStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from flask import Response
    from flask.typing import ResponseReturnValue

    from crawler.frontier.contract import Ledger
    from crawler.frontier.failures import FailurePage
    from crawler.jobs.attempts import Attempt
    from crawler.jobs.store_contract import JobPage, StoredJob
    from crawler.origin import Origin
    from crawler.store import Store

jobs: Final = Blueprint("jobs", __name__, url_prefix="/v1/jobs", description="Jobs: crawls that were ordered.")


@jobs.route("", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@jobs.doc(requestBody={"required": True, "content": {"application/json": {"schema": JobOrderSchema}}})
@jobs.response(201, JobAcceptedSchema, headers={"Location": {}, "Idempotent-Replayed": {}})
def create_job() -> ResponseReturnValue:
    """Submit a job.

    With an Idempotency-Key the call may be repeated, from any process and after any error: it makes one job, and every
    repetition is answered like the first call. A key belongs to its client and to the body that it came with, until
    the job has ended and 24 hours have passed.
    """
    done = submit.submitted("POST /v1/jobs", _order)
    headers = {"Location": f"/v1/jobs/{done.job.id}"} | ({"Idempotent-Replayed": "true"} if done.replayed else {})
    return dump.accepted(done.job), 201, headers


@jobs.arguments(JobOrderSchema)
def _order(order: dict[str, Any]) -> dict[str, Any]:
    """The body, checked."""
    return order


@jobs.route("", methods=["GET"])
@needs(Scope.JOBS_READ)
@jobs.arguments(JobListQuerySchema, location="query")
@jobs.response(200, JobListSchema)
def list_jobs(query: dict[str, Any]) -> dict[str, Any]:
    """List jobs, the newest first.

    A call looks at 1,000 jobs at most: with filters a page may be short, or empty, and still have a `next`.
    """
    client = query.get("client", "")
    if not principal().may(Scope.ADMIN):
        if client not in ("", principal().client.id):
            raise Problem(
                "missing_scope", "Jobs of other clients need an API key with the scope admin.", scope=Scope.ADMIN
            )
        client = principal().client.id
    filters = {
        "client": client,
        "states": tuple(query["state"]),
        "outcomes": tuple(query["outcome"]),
        "recipe": query.get("recipe", ""),
        "tag": query.get("tag", ""),
        "created_after_ms": query.get("created_after"),
        "created_before_ms": query.get("created_before"),
    }
    after = read_cursor(query.get("cursor", ""), filters)

    async def look(store: Store) -> JobPage:
        return await RedisJobStore(store).newest(after=after, limit=query["limit"], **filters)

    page = ask(look)
    return {"jobs": [dump.summary(stored) for stored in page.jobs], "next": write_cursor(page.next, filters)}


@jobs.route("/<job_id>", methods=["GET"])
@needs(Scope.JOBS_READ)
@jobs.response(200, JobSchema)
def get_job(job_id: str) -> dict[str, Any]:
    """Show a job.

    Its state, what it waits for, the books of its pages and rows, and the processes that have worked on it.
    """

    async def look(store: Store) -> tuple[StoredJob, Ledger, tuple[Attempt, ...]]:
        stored = await own_job(store, job_id)
        books = await RedisFrontier(store, job=job_id).ledger(failures=False)
        return stored, books, await RedisAttempts(store).of(job_id)

    stored, books, attempts = ask(look)
    return dump.whole(stored, books, attempts, now_ms=principal().now_ms)


@jobs.route("/<job_id>/events", methods=["GET"])
@needs(Scope.JOBS_READ)
@jobs.arguments(events.EventsHeadersSchema, location="headers")
@jobs.alt_response(204, description="The job has ended, and its last event was seen: there is nothing to come for.")
@jobs.response(200, events.TEXT, content_type=events.CONTENT_TYPE, description="Events, until the stream ends.")
def watch_job(headers: dict[str, Any], job_id: str) -> Response:
    """Watch a job as server-sent events.

    An event `state` for each change of its state, within about a second, with a `StateEvent` as its data; and once a
    second `progress`, with a `ProgressEvent`. A stream begins with the present state, and ends after that of the job's
    end; or after a minute at most, when a process of the API is replaced, or when its key is revoked. Come again after
    the milliseconds of `retry`, with the last id that you have seen in `Last-Event-ID`: then you are told each change
    that was made meanwhile. Lines that begin with a colon say that the connection is alive. A process has room for so
    many streams only; there is a `503` when it is full.
    """
    return events.watched(job_id, headers.get("last_event_id", ""))


@jobs.route("/<job_id>/pause", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@jobs.response(200, JobSummarySchema)
def pause_job(job_id: str) -> dict[str, Any]:
    """Pause a job.

    Pages that are in work are finished; no others are given out until the job is resumed. Repeated, it answers the
    same. A job that is finishing, or has ended, is a `409`.
    """
    return _steer(job_id, steering.pause)


@jobs.route("/<job_id>/resume", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@jobs.response(200, JobSummarySchema)
def resume_job(job_id: str) -> dict[str, Any]:
    """Let a paused job go on.

    Repeated, it answers the same. A job that has not begun, is finishing, or has ended, is a `409`.
    """
    return _steer(job_id, steering.resume)


@jobs.route("/<job_id>/cancel", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@jobs.response(200, JobSummarySchema)
def cancel_job(job_id: str) -> dict[str, Any]:
    """End a job.

    Pages that are in work are finished, and the files are made of what there is. Repeated, it answers the same. A job
    that has ended otherwise is a `409`.
    """
    return _steer(job_id, steering.cancel)


def _steer(job_id: str, change: Callable[[Store, str, Origin], Coroutine[Any, Any, None]]) -> dict[str, Any]:
    by = origin()

    async def look(store: Store) -> StoredJob:
        await own_job(store, job_id)
        await change(store, job_id, by)
        return await own_job(store, job_id)

    return dump.summary(ask(look))


@jobs.route("/<job_id>/replay", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@jobs.doc(requestBody={"required": True, "content": {"application/json": {"schema": ReplayOrderSchema}}})
@jobs.response(201, JobAcceptedSchema, headers={"Location": {}, "Idempotent-Replayed": {}})
def replay_job(job_id: str) -> ResponseReturnValue:
    """Fetch failed pages of a job again.

    Makes a new job of the pages that came to one outcome; what only they lead to is crawled, too, and nothing else. It
    has the recipe, the inputs and the limits of the first one. Its files have the rows of both, each once. A job that
    has not ended, or of which nothing can be replayed, is a `409`. With an Idempotency-Key the call may be repeated.
    """
    done = replay.replayed(job_id, _replay_order)
    headers = {"Location": f"/v1/jobs/{done.job.id}"} | ({"Idempotent-Replayed": "true"} if done.replayed else {})
    return dump.accepted(done.job), 201, headers


@jobs.arguments(ReplayOrderSchema)
def _replay_order(order: dict[str, Any]) -> dict[str, Any]:
    """The body, checked."""
    return order


@jobs.route("/<job_id>/failures", methods=["GET"])
@needs(Scope.JOBS_READ)
@jobs.arguments(FailuresQuerySchema, location="query")
@jobs.response(200, FailuresSchema)
def list_failures(query: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Show pages that failed.

    How many pages came to which outcome, and which ones failed, by URL.
    """

    async def look(store: Store) -> tuple[Ledger, FailurePage]:
        await own_job(store, job_id)
        books = await RedisFrontier(store, job=job_id).ledger(failures=False)
        wanted = {"outcome": query.get("outcome", ""), "after": query.get("cursor", ""), "limit": query["limit"]}
        return books, await RedisFailures(store, job=job_id).page(**wanted)

    books, page = ask(look)
    return {
        "total": dump.failed(books),
        "outcomes": dict(books.settled),
        "failures": [
            {"url": failure.url, "outcome": failure.outcome, "reason": failure.reason} for failure in page.failures
        ],
        "next": page.next or None,
    }


@jobs.route("/<job_id>/logs", methods=["GET"])
@needs(Scope.JOBS_READ)
@jobs.arguments(LogsQuerySchema, location="query")
@jobs.response(200, LogsSchema)
def list_logs(query: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Show what workers of a job have logged.

    The newest records of all workers, also of those that run: what one has written is here two seconds later. `earlier`
    leads back, `next` to what comes later. A call reads for a part of a second: in a long log it may answer fewer
    records than were asked for, and none, and still have an `earlier`.
    """
    return logs_of(job_id, query)


@jobs.route("/<job_id>/results", methods=["GET"])
@needs(Scope.RESULTS_READ)
@jobs.arguments(ResultsQuerySchema, location="query")
@jobs.response(200, ResultsSchema)
def get_results(query: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Get links to the files of a job.

    A job that runs has no files yet; it is answered with links to the pieces of its rows, unless its recipe has rules
    of quality: then nobody gets rows before they are judged. A link needs no key, and works until it expires, also if
    the key that it was issued for is revoked before.
    """
    return results_of(job_id, expires_s=query["expires_s"])


@jobs.route("/<job_id>/quality", methods=["GET"])
@needs(Scope.JOBS_READ)
@jobs.response(200, QualitySchema)
def get_quality(job_id: str) -> dict[str, Any]:
    """Show what a job was judged by.

    The figures that were counted of its rows and pages, the bands that earlier runs have made of them, and who has
    published its files all the same. A job that has not ended is a `409`.
    """
    return quality_of(job_id)


@jobs.route("/<job_id>/results/publish", methods=["POST"])
@needs(Scope.RESULTS_OVERRIDE)
@jobs.arguments(PublishOrderSchema)
@jobs.response(200, PublishedSchema)
def publish_results(order: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Publish files that are withheld.

    A person says with a reason that the rows of a job are right although they are not what its recipe asks for. From
    then on they are given out like any others; what the job was judged by stays as it is. Repeated, it answers the
    same: the first reason stays. A job whose files are not withheld, or that has not ended, is a `409`.
    """
    return published(job_id, order["reason"])

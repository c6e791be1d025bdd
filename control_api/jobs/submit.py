"""Accepts jobs, each once: however often a call is repeated, and wherever the process dies that answers it.

A job that is made with an Idempotency-Key has an id that is a hash of client and key, so the record of the job is the
record of the key. Steps, each of which may be the last one of a process:

    1. the intent of the job is put into the storage of files, if there is none yet
    2. the job is made of what the intent says, if there is none yet

So whoever repeats the call, and a steward that finds an intent without a job, make the same job. The key belongs to the
request until the job has ended and a day has passed; then it makes another one, of the next generation.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from base64 import b32encode
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from flask import g, request

from control_api.problems import Problem, bad_request, pointer, unavailable
from control_api.recipe_check import check_order
from control_api.recipes.named import named
from control_api.services import ask, origin, principal, services
from crawler.access.model import Scope
from crawler.access.store import AccessStore
from crawler.errors import ManifestDamaged, QuotaExceeded
from crawler.exports.intents import read_intent, write_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Job, Limits, State, job_id
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL
from crawler.recipe.apart import Checked
from crawler.recipe.extract import start_requests
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crawler.access.model import Client
    from crawler.exports.manifest import Manifest
    from crawler.store import Store

#: A key belongs to its request for so long, at least.
KEY_LIFE_MS: Final = 24 * 3600 * 1000

#: Of an Idempotency-Key: what can be printed in ASCII.
_KEY: Final = re.compile(r"[\x20-\x7e]{1,128}")

#: A key that has made more jobs is refused: its client means something else.
_MAX_GENERATIONS: Final = 1000

_RETRY_RUNNING_S: Final = 10.0

#: The books of so many jobs are asked for together.
_BOOKS_AT_ONCE: Final = 500


class Asked(NamedTuple):
    """What makes two calls the same one.

    Attributes:
        key: the Idempotency-Key; "" without one.
        sha256: of content type and body, in hexadecimal.
        route: which call it is.
    """

    key: str
    sha256: str
    route: str


#: Makes a job: of a checked order, the job's id, the call, and whose it is.
Maker: TypeAlias = "Callable[[Mapping[str, Any], str, Asked, Client], Job]"


class Accepted(NamedTuple):
    """A job, and whether it was there before this call."""

    job: Job
    replayed: bool


def submitted(route: str, order: Callable[[], Mapping[str, Any]], *, make: Maker | None = None) -> Accepted:
    """The job of the present call: the one that it has made before, or a new one.

    Args:
        route: which call it is; the same key means another job in another one.
        order: reads and checks the body. It is asked only for a new job: a repetition is not checked again.
        make: makes a new job of it; without, it is one of a recipe.

    Raises:
        Problem: the call is wrong, or its key belongs to another request.
        CrawleryError: see `accept`.
    """
    key = request.headers.get("Idempotency-Key")
    g.header_errors = key_error(key)
    if g.header_errors:
        order()  # names what is wrong with the body, too
        raise bad_request(g.header_errors)
    asked = Asked(key or "", fingerprint(request.content_type or "", request.get_data()), route)
    done, new_id = earlier(asked)
    return done if done is not None else accept(order(), new_id, asked, make=make)


def key_error(key: str | None) -> list[tuple[str, str]]:
    """What is wrong with an Idempotency-Key; nothing if there is none."""
    if key is None or _KEY.fullmatch(key):
        return []
    return [(pointer("header", "Idempotency-Key"), "must be 1 to 128 printable ASCII characters")]


def fingerprint(content_type: str, body: bytes) -> str:
    """SHA-256 of what a client has sent, in hexadecimal."""
    return hashlib.sha256(content_type.encode() + b"\0" + body).hexdigest()


def earlier(asked: Asked) -> tuple[Accepted | None, str]:
    """The job that this call has made before, if it has, and the id that a new one gets.

    Raises:
        Problem: the key belongs to another request.
        StoreAway: the store does not answer.
    """
    if not asked.key:
        return None, _new_id()
    client = principal().client
    for generation in range(_MAX_GENERATIONS):
        new = job_id(client.id, f"{asked.route}\0{asked.key}", generation)
        stored = ask(lambda store, new=new: RedisJobStore(store).get(new))  # type: ignore[misc]  # mypy: no default in lambdas
        if stored is None:
            manifest = manifest_of(client.id, new)
            if manifest is None:
                return None, new
            if manifest.created_ms + KEY_LIFE_MS < principal().now_ms:
                continue  # it has ended, and left the store since
            raise Problem(
                "idempotency_conflict",
                f"This key has made the job {new}, which has ended and has left the store; its results are there. Take"
                " another key for another job.",
            )
        finished_ms = stored.status.finished_ms
        is_over = stored.status.state in TERMINAL and stored.job.created_ms + KEY_LIFE_MS < principal().now_ms
        if is_over and finished_ms is not None:
            continue
        job = _same(stored.job, asked)
        if stored.status.state is State.QUEUED:  # the call that made it may have been cut short: now it is in all lists
            ask(lambda store, job=job: RedisJobStore(store).create(job))  # type: ignore[misc]  # as above
        return Accepted(job, replayed=True), new
    raise Problem("idempotency_conflict", f"This key has made {_MAX_GENERATIONS:,} jobs; take another one.")


def manifest_of(client: str, job: str) -> Manifest | None:
    """What a job has come to; None if it has not ended, or its files are gone.

    Raises:
        Problem: it cannot be read.
        ObjectStoreError: the storage of files does not answer.
    """
    try:
        return read_manifest(services().objects, JobKeys(client=client, job=job))
    except ManifestDamaged as error:
        raise unavailable(f"What job {job} has left cannot be read: {error}") from error


def _same(job: Job, asked: Asked) -> Job:
    if job.request_sha256 != asked.sha256:
        raise Problem(
            "idempotency_conflict",
            "This Idempotency-Key has come with another body before; send the same one, or take another key.",
        )
    return job


def accept(order: Mapping[str, Any], new_id: str, asked: Asked, *, make: Maker | None = None) -> Accepted:
    """Makes a job of a checked order: one of a recipe, unless `make` makes another one.

    Raises:
        Problem: the recipe cannot be had, or the key belongs to another request.
        RecipeError: the recipe cannot be used.
        InputError: the inputs do not fit it.
        QuotaExceeded: the client has as much as it may have.
        StoreError: the store does not take it.
        ObjectStoreError: the storage of files does not take it.
    """
    client = principal().client
    job = (make or _job)(order, new_id, asked, client)
    _check_quotas(client, job)
    objects = services().objects
    if not write_intent(objects, job, only_new=True):
        try:
            job = read_intent(objects, job.id) or job  # none any more: the job has ended meanwhile
        except Undecodable as error:
            raise unavailable(f"What this key has made cannot be read: {error}") from error
        _same(job, asked)
    by = origin()
    stored, is_new = ask(lambda store: RedisJobStore(store, origin=by).create(job))
    return Accepted(_same(stored, asked), replayed=not is_new)


def _job(order: Mapping[str, Any], new_id: str, asked: Asked, client: Client) -> Job:
    recipe = _recipe(order)
    return Job(
        id=new_id,
        client=client.id,
        recipe=recipe.name,
        recipe_text=recipe.resolved,
        inputs=recipe.inputs,
        priority=order["priority"],
        max_workers=order["max_workers"],
        tags=tuple(order["tags"]),
        limits=Limits(**order["limits"]),
        request_sha256=asked.sha256,
        secret=secrets.token_bytes(32),
        created_ms=principal().now_ms,
    )


def _recipe(order: Mapping[str, Any]) -> Checked:
    """The recipe of an order and its inputs, which fit: the client's own of that name, else that of the deployment."""
    if "recipe_text" in order:
        if not principal().may(Scope.RECIPES_INLINE):
            raise Problem(
                "missing_scope", f"A recipe as text needs an API key with the scope {Scope.RECIPES_INLINE}.",
                scope=Scope.RECIPES_INLINE,
            )  # fmt: skip
        return check_order(order["recipe_text"], order["inputs"])
    recipe = named(order["recipe"])
    if isinstance(recipe, str):
        return check_order(recipe, order["inputs"])
    inputs = recipe.inputs.resolve(order["inputs"])
    start_requests(recipe, inputs)
    return Checked(name=recipe.name, resolved=recipe.resolved, inputs=inputs)


def _new_id() -> str:
    return b32encode(secrets.token_bytes(16)).rstrip(b"=").decode().lower()


# --- quotas -----------------------------------------------------------------------------------------------------------


def _check_quotas(client: Client, job: Job) -> None:
    """Counts the job against what its client may have.

    Raises:
        QuotaExceeded: says which quota is used up.
    """
    peppers = services().peppers

    async def count(store: Store) -> None:
        jobs, access = RedisJobStore(store), AccessStore(store, peppers)
        quotas = client.quotas
        most = quotas.requests_per_day
        if most is not None and await requests_today(store, access, client) >= most:
            raise QuotaExceeded(
                f"client {client.id} may fetch {quotas.requests_per_day:,} pages in 24 hours, and has",
                quota="requests_per_day", retry_after_s=600,
            )  # fmt: skip
        if quotas.running_jobs is not None and not await jobs.reserve(client.id, job.id, quotas.running_jobs):
            raise QuotaExceeded(
                f"client {client.id} may have {quotas.running_jobs:,} jobs at a time that have not ended, and has",
                quota="running_jobs", retry_after_s=_RETRY_RUNNING_S,
            )  # fmt: skip
        try:
            await access.count_job(client, job.id)
        except QuotaExceeded:
            await jobs.release(client.id, job.id)
            raise

    ask(count)


async def requests_today(store: Store, access: AccessStore, client: Client) -> int:
    """Pages that were settled by jobs that a client has submitted in the last 24 hours."""
    jobs, total = await access.jobs_of_today(client.id), 0
    for at in range(0, len(jobs), _BOOKS_AT_ONCE):
        asked = (RedisFrontier(store, job=job).ledger(failures=False) for job in jobs[at : at + _BOOKS_AT_ONCE])
        total += sum(sum(books.settled.values()) for books in await asyncio.gather(*asked))
    return total

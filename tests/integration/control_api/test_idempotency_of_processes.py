"""A submission makes one job, whichever processes answer it, and at whatever step one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from api_calls import ORDER, PATIENCE_S, at_once, bearer, new_client, submit
from api_people import in_store
from seaweed_server import BUCKET
from tcp_proxy import Moment

from crawler.exports.intents import intents, read_intent
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import _CREATE, RedisJobStore
from crawler.steward.ground import Ground, StewardSettings
from crawler.steward.reimport import reimport
from crawler.store import _CLOCK, Store, _loaded, connect


def wait_until(holds) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


OTHER_ORDER = {**ORDER, "tags": ["other"]}


def stored_jobs(url: str):
    """All jobs of a store."""

    async def ask(_access, store):
        found, after = [], ""
        while True:
            page = await RedisJobStore(store).newest(after=after, limit=200)
            found += [stored.job for stored in page.jobs]
            after = page.next
            if not after:
                return found

    return in_store(url, ask)


def reimported(url: str, objects) -> int:
    """How many jobs a steward accepts again."""

    async def run():
        store = Store(connect({"url": url}))
        ground = Ground(store=store, jobs=RedisJobStore(store), objects=objects, settings=StewardSettings())
        try:
            return await reimport(ground)
        finally:
            await store.close()

    return asyncio.run(run())


def the_one_job(url: str, objects):
    """The only job there is, whose intent is its own to the secret."""
    (job,) = stored_jobs(url)
    assert list(intents(objects)) == [job.id]
    assert read_intent(objects, job.id) == job
    return job


# --- many at once -----------------------------------------------------------------------------------------------------


def together(processes, key: str, calls: int, *, idempotency_key: str = ""):
    urls = [process.url for process in processes]
    with new_client() as client:
        return at_once(
            lambda number: submit(client, lambda: urls[number % len(urls)], key, idempotency_key),
            range(calls),
            threads=calls,
        )


@pytest.mark.parametrize(("instances", "calls"), [(2, 60), pytest.param(3, 200, marks=pytest.mark.long)])
def test_calls_with_one_key_at_several_processes_make_one_job_and_have_one_answer(
    *, instances, calls, new_process, people, valkey, s3
):
    processes = [new_process(storage=s3.environment) for _ in range(instances)]
    answers = together(processes, people.alice, calls, idempotency_key="the same")
    job = the_one_job(valkey.url, s3.objects)
    assert {(answer.status_code, answer.content, answer.headers["Location"]) for answer in answers} == {
        (201, answers[0].content, f"/v1/jobs/{job.id}")
    }
    with new_client() as client:
        other = submit(client, lambda: processes[0].url, people.alice, "the same", order=OTHER_ORDER)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
        of_bob = submit(client, lambda: processes[1].url, people.bob, "the same", order=OTHER_ORDER)
        assert of_bob.status_code == 201, "a key is its client's own"
    assert len(together(processes, people.alice, 20)) == 20
    assert len(stored_jobs(valkey.url)) == 22, "without a key each call makes a job"


# --- one that dies ----------------------------------------------------------------------------------------------------

_CREATE_SHA = _loaded(_CREATE, _CLOCK)[1].encode()

#: Server, words and moment at which the process that answers is killed.
STEPS = {
    "before the intent": ("s3", b"PUT /PREFIX/jobs/", Moment.BEFORE),
    "after the intent": ("s3", b"PUT /PREFIX/jobs/", Moment.AFTER),
    "before the record": ("store", _CREATE_SHA, Moment.BEFORE),
    "after the record": ("store", _CREATE_SHA, Moment.AFTER),
    "before the lists": ("store", b"ZADD", Moment.BEFORE),
    "before it is live": ("store", b"SADD", Moment.BEFORE),
    "after it is live": ("store", b"SADD", Moment.AFTER),
}


@pytest.mark.parametrize(
    ("steps", "then"),
    [
        (("after the intent", "before the lists"), "repeated"),
        *(pytest.param(STEPS, then, marks=pytest.mark.long) for then in ("repeated", "late", "reimported")),
    ],
)
def test_a_process_may_be_killed_at_any_step_and_the_repeated_call_makes_the_one_job(
    *, steps, then, new_process, people, valkey, seaweed, s3, proxy_to
):
    """`late`: what it had sent last arrives after its death; `reimported`: a steward comes before the client does."""
    proxies = {"s3": proxy_to(seaweed.ports["s3.port"]), "store": proxy_to(valkey.server.port)}
    through = {**s3.environment, "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxies['s3'].port}"}
    store = f"redis://127.0.0.1:{proxies['store'].port}/{valkey.number}"
    doomed = new_process(storage=through, redis_url=store)
    made = set()
    with new_client() as client:
        for step in steps:
            server, words, moment = STEPS[step]
            proxies[server].hold(words.replace(b"PREFIX", f"{BUCKET}/{s3.prefix}".encode()), moment)
            call = threading.Thread(target=called_once, args=(client, doomed.url, people.alice, step))
            call.start()
            proxies[server].wait_until_held()
            for pid in doomed.workers():
                os.kill(pid, signal.SIGKILL)
            call.join()
            proxies[server].let_go(late=then == "late")
            if then == "reimported":
                reimported(valkey.url, s3.objects)
            first, again = (submit(client, lambda: doomed.url, people.alice, step) for _ in range(2))
            assert (first.status_code, first.content) == (201, again.content), step
            made.add(first.json()["id"])
            assert {job.id for job in stored_jobs(valkey.url)} == made, step
    assert len(made) == len(steps)
    for job in stored_jobs(valkey.url):
        assert read_intent(s3.objects, job.id) == job, "to the secret"
    assert set(intents(s3.objects)) == made
    assert set(in_store(valkey.url, lambda _, store: RedisJobStore(store).live())) == made


def called_once(client, url, key, idempotency_key):
    with contextlib.suppress(httpx.TransportError):
        client.post(f"{url}/v1/jobs", headers=bearer(key, **{"Idempotency-Key": idempotency_key}), json=ORDER)


# --- a rolling restart ------------------------------------------------------------------------------------------------


def restart(process, number: int) -> None:
    """Its workers, or all of it."""
    if number % 2:
        process.stop()
        process.start()
    else:
        before = set(process.workers())
        process.replace_workers()
        wait_until(lambda: before.isdisjoint(process.workers()))
        process.wait_until_it_answers()


@pytest.mark.parametrize(
    ("instances", "restarts", "calls"), [(2, 2, 50), pytest.param(3, 6, 1000, marks=pytest.mark.long)]
)
def test_no_submission_is_lost_or_doubled_while_instances_are_restarted_one_after_another(
    *, instances, restarts, calls, new_process, people, valkey, s3, show
):
    processes = [new_process(storage=s3.environment) for _ in range(instances)]
    turns, numbers, is_over = itertools.count(), itertools.count(), threading.Event()
    answers: list[httpx.Response] = []

    def call(client) -> None:
        while not is_over.is_set():
            where = lambda: processes[next(turns) % instances].url  # noqa: E731 - of an attempt, not of a call
            answers.append(submit(client, where, people.alice, f"key {next(numbers)}"))
            is_over.wait(0.05)

    # An instance ends with the thread that starts it, so this one restarts them, and others call.
    with new_client() as client, ThreadPoolExecutor(8) as callers:
        calling = [callers.submit(call, client) for _ in range(8)]
        count = 0
        while count < restarts or len(answers) < calls:
            restart(processes[count % instances], count // instances + count)
            count += 1
        is_over.set()
        for each in calling:
            each.result()
    assert {answer.status_code for answer in answers} == {201}
    ids = [answer.json()["id"] for answer in answers]
    assert len(set(ids)) == len(ids), "none doubled"
    assert sorted(ids) == sorted(job.id for job in stored_jobs(valkey.url)), "none lost, none that nobody knows of"
    show(f"{len(ids):,} submissions during {count} restarts of {instances} instances: none lost, none doubled")


# --- a key that has done its work -------------------------------------------------------------------------------------


def aged(url: str, job: str, hours: float) -> None:
    """Makes a job so much older than it is."""

    async def ask(_access, store):
        key = f"{store.prefix}:{{{job}}}:job"
        created_ms = int(await store.command("HGET", key, "created_ms"))
        await store.command("HSET", key, "created_ms", round(created_ms - hours * 3_600_000))

    in_store(url, ask)


def ended(url: str, job: str) -> None:
    """As a steward ends it."""

    async def ask(_access, store):
        await RedisJobStore(store).move(job, State.RUNNING)
        await RedisJobStore(store).move(job, State.FINISHING, intended=Intended.SUCCEED)
        await RedisJobStore(store).adopt(job, State.SUCCEEDED, outcome=Outcome.COMPLETE)

    in_store(url, ask)


def test_a_key_makes_another_job_when_its_job_has_ended_and_a_day_has_passed(api, people, valkey):
    def once():
        return api.post("/v1/jobs", key=people.alice, json=ORDER, headers={"Idempotency-Key": "k"})

    first = once().json["id"]
    aged(valkey.url, first, 25)
    assert once().json["id"] == first, "it has not ended"
    ended(valkey.url, first)
    second = once()
    assert (second.status_code, second.headers.get("Idempotent-Replayed")) == (201, None)
    assert second.json["id"] != first
    assert once().json == second.json
    ended(valkey.url, second.json["id"])
    aged(valkey.url, second.json["id"], 23)
    assert once().json["id"] == second.json["id"], "a day has not passed"
    aged(valkey.url, second.json["id"], 2)
    assert once().json["id"] not in {first, second.json["id"]}

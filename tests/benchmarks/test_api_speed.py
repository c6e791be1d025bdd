"""How fast the control API answers over a store of 100,000 jobs: lists of jobs, and submissions at a steady rate.

Run by `make bench-api`. Beside each figure stands `/health` of the same run, which asks nothing: what is left is the
API's and its store's. Caller, API, store and S3 share this machine.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from urllib.parse import urlencode

import pytest
from api_calls import ORDER, bearer, new_client
from api_people import in_store, new_key
from api_process import ApiProcess
from many_jobs import CLIENTS, JOBS, fill, job_of

from crawler.jobs.store_contract import place
from crawler.store import Store, connect

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

#: 99 of 100 calls are answered in this time, in ms: a page of a list, and a submission.
LIST_MS, SUBMIT_MS = 50.0, 100.0

CALLS = 400
CLIENT = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("api-speed")


@pytest.fixture
def filled(new_valkey, seaweed, folder):
    """An API over many jobs; `.url`, and a key of a client who has 5,000 of them."""
    store = new_valkey(appendfsync="everysec")

    async def run() -> None:
        connection = Store(connect({"url": store.url}))
        await fill(connection)
        await connection.close()

    asyncio.run(run())
    key = new_key(store.url, f"client{CLIENT}", rate_limit="100000/second")
    process = ApiProcess(folder / "api", redis_url=store.url, storage=seaweed.environment, workers=2, threads=16)
    process.start()
    yield process, store, key
    process.kill()


def shown(what: str, took: list[float]) -> float:
    cuts = quantiles(took, n=100)
    print(f"{what:<58} p50 {cuts[49]:7.1f} ms   p95 {cuts[94]:7.1f} ms   p99 {cuts[98]:7.1f} ms")
    return cuts[98]


def timed(client, url: str, headers) -> list[float]:
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = client.get(url, headers=headers)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    return took


def cursors(url: str, key: str, client, query: dict) -> dict[str, str]:
    """Of the first, a middle and the last page: the API's own, asked for just before and behind."""
    of_one = JOBS // CLIENTS
    found = {"first": ""}
    for name, number in (("middle", of_one // 2), ("last", 60)):
        job = job_of(number * CLIENTS + CLIENT)
        found[name] = cursor_at(place(job.id, job.created_ms), query)
    return found


def cursor_at(where: str, query: dict) -> str:
    from control_api.jobs.cursor import write_cursor
    from crawler.jobs.model import Outcome, State

    filters = {
        "client": f"client{CLIENT}",
        "states": tuple(State(each) for each in query.get("state", ())),
        "outcomes": tuple(Outcome(each) for each in query.get("outcome", ())),
        "recipe": query.get("recipe", ""),
        "tag": query.get("tag", ""),
        "created_after_ms": None,
        "created_before_ms": None,
    }
    return write_cursor(where, filters) or ""


def test_a_page_of_a_client_with_many_jobs_is_there_in_a_moment(filled):
    process, _, key = filled
    headers, slow = bearer(key), []
    with new_client() as client:
        print()
        shown("/health", timed(client, f"{process.url}/health", {}))
        shown("/v1/me", timed(client, f"{process.url}/v1/me", headers))
        queries = (
            {},
            {"limit": 200},
            {"outcome": ["complete"]},
            {"recipe": "shop", "state": ["succeeded"], "tag": "nightly"},
            {"tag": "t3"},
            {"state": ["queued"]},
            {"tag": "absent"},
        )
        for query in queries:
            for name, cursor in cursors(process.url, key, client, query).items():
                asked = urlencode({**query, **({"cursor": cursor} if cursor else {})}, doseq=True)
                what = f"/v1/jobs?{urlencode(query, doseq=True)}, the {name} page"
                p99 = shown(what, timed(client, f"{process.url}/v1/jobs?{asked}", headers))
                slow += [(what, p99)] if p99 > LIST_MS else []
        shown("/health", timed(client, f"{process.url}/health", {}))
    assert slow == []


RATE_PER_S, SECONDS = 50, 30


def at_a_rate(call, per_s: int, seconds: int) -> list[float]:
    """Milliseconds from when a call was due to its answer: one that had to wait for others is not forgotten."""
    began = time.perf_counter() + 0.2

    def one(number: int) -> float:
        due = began + number / per_s
        time.sleep(max(0.0, due - time.perf_counter()))
        call(number)
        return (time.perf_counter() - due) * 1000

    with ThreadPoolExecutor(64) as pool:
        return list(pool.map(one, range(per_s * seconds)))


def test_submissions_at_a_steady_rate_are_answered_in_time(filled):
    process, store, key = filled
    ids = set()
    with new_client() as client:

        def health(_number: int) -> None:
            assert client.get(f"{process.url}/health").status_code == 200

        def submission(number: int) -> None:
            headers = bearer(key, **{"Idempotency-Key": f"k{number}"})
            answer = client.post(f"{process.url}/v1/jobs", headers=headers, json=ORDER)
            assert answer.status_code == 201, answer.text
            ids.add(answer.json()["id"])

        print()
        shown(f"/health, {RATE_PER_S} a second", at_a_rate(health, RATE_PER_S, 10))
        p99 = shown(f"submissions, {RATE_PER_S} a second", at_a_rate(submission, RATE_PER_S, SECONDS))
    assert len(ids) == RATE_PER_S * SECONDS
    assert in_store(store.url, lambda _, opened: opened.command("ZCARD", f"{opened.prefix}:jobs")) == JOBS + len(ids)
    assert p99 <= SUBMIT_MS

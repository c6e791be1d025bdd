"""How fast the control API answers over a store of 100,000 jobs: lists of jobs, and submissions at a steady rate.

Run by `make bench-api`. Beside each figure stands `/health` of the same run, which asks nothing: what is left is the
API's and its store's. Caller, API, store and S3 share this machine.
"""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

import pytest
from api_calls import ORDER, bearer, new_client
from api_people import in_store, new_key
from api_process import ApiProcess
from many_jobs import CLIENTS, JOBS, fill, job_of

from control_api.jobs.cursor import write_cursor
from crawler.jobs.model import Outcome, State
from crawler.jobs.store_contract import place
from crawler.store import Store, connect

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

#: 99 of 100 calls are answered in this time, in ms: a page of a list, and a submission. Where `/health` takes its time,
#: the machine is busy with something else: so much more is allowed.
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


def shown(what: str, took: list[float], cpu_ms: float) -> float:
    cuts = quantiles(took, n=100)
    times = "   ".join(f"p{which} {cuts[which - 1]:6.1f}" for which in (50, 95, 99))
    print(f"{what:<66} {times} ms   {cpu_ms:5.1f} ms of processor")
    return cuts[98]


def processor_ms(process: ApiProcess) -> float:
    """What all processes of an API have used so far."""
    used = 0
    for pid in process.workers():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used * 1000 / os.sysconf("SC_CLK_TCK")


def timed(process: ApiProcess, client, path: str, key: str, *, what: str = "") -> float:
    """The 99th percentile of calls one after another, in ms."""
    took, used_ms = [], processor_ms(process)
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = client.get(process.url + path, headers=bearer(key))
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    return shown(what or path, took, (processor_ms(process) - used_ms) / CALLS)


def cursors(query: dict) -> dict[str, str]:
    """Of the first, a middle and the last page, as the API writes them."""
    of_one = JOBS // CLIENTS
    found = {"first": ""}
    for name, number in (("middle", of_one // 2), ("last", 60)):
        job = job_of(number * CLIENTS + CLIENT)
        found[name] = cursor_at(place(job.id, job.created_ms), query)
    return found


def cursor_at(where: str, query: dict) -> str:
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
    slow, of_machine = [], 0.0
    with new_client() as client:
        print()
        timed(process, client, "/v1/me", key)
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
            of_machine = max(of_machine, timed(process, client, "/health", key))
            for name, cursor in cursors(query).items():
                asked = urlencode({**query, **({"cursor": cursor} if cursor else {})}, doseq=True)
                what = f"/v1/jobs?{urlencode(query, doseq=True)}, the {name} page"
                p99 = timed(process, client, f"/v1/jobs?{asked}", key, what=what)
                slow.append((p99, what))
    assert max(slow)[0] <= LIST_MS + of_machine, max(slow)


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

        def steadily(what: str, call, seconds: int) -> float:
            used_ms = processor_ms(process)
            took = at_a_rate(call, RATE_PER_S, seconds)
            return shown(
                f"{what}, {RATE_PER_S} a second", took, (processor_ms(process) - used_ms) / (RATE_PER_S * seconds)
            )

        print()
        of_machine = steadily("/health", health, 10)
        p99 = steadily("submissions", submission, SECONDS)
    assert len(ids) == RATE_PER_S * SECONDS
    assert in_store(store.url, lambda _, opened: opened.command("ZCARD", f"{opened.prefix}:jobs")) == JOBS + len(ids)
    assert p99 <= SUBMIT_MS + of_machine

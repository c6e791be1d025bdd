"""What 500 watchers of jobs cost those who call the API meanwhile, and whether any of them misses a change.

Run by `make bench-api`. Two processes with 300 threads each; watchers, callers, API and store share this machine. The
same calls are made without watchers first. In the end both processes are told to go while all are watched.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import httpx
import pytest
from api_calls import ORDER, bearer, new_client
from api_people import in_store, new_key
from api_process import ApiProcess
from valkey_server import mortal

from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

WATCHERS, JOBS = 500, 50

CALLS, RATE_PER_S = 1_000, 25

#: A call that takes longer has timed out, in seconds.
TIMEOUT_S = 5.0

#: With watchers, 99 of 100 calls take so many times what they take without; a process ends its streams in this time.
RATIO, END_S = 2.0, 1.0

#: Each job is paused and resumed so often while it is watched, before and after its processes are replaced.
PAUSES = 3


@pytest.fixture
def api(new_valkey, tmp_path):
    store = new_valkey(appendfsync="everysec")
    storage = {"STORAGE_URL": f"file://{tmp_path}/files"}
    process = ApiProcess(tmp_path / "api", redis_url=store.url, storage=storage, workers=2, threads=300)
    process.start()
    yield process, store, new_key(store.url, "alice", rate_limit="100000/second")
    process.kill()


@pytest.fixture
def watchers(api):
    """Starts them: `watchers(jobs)`; `.stdout` has what they say."""
    process, _, key = api
    started = []

    def start(jobs):
        command = mortal(sys.executable, str(Path(__file__).with_name("watchers.py")))
        made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(made)
        parts = urlsplit(process.url)
        said = {"host": parts.hostname, "port": parts.port, "key": key, "jobs": jobs, "count": WATCHERS}
        made.stdin.write(json.dumps(said) + "\n")
        made.stdin.flush()
        assert json.loads(made.stdout.readline()) == {"watching": WATCHERS}
        return made

    yield start
    for each in started:
        each.kill()
        each.communicate()


def called(client, process, key, jobs, what):
    """The 99th percentile of calls for jobs at a steady rate, in ms from when each was due; how many had no answer."""
    began = time.perf_counter() + 0.2

    def one(number):
        due = began + number / RATE_PER_S
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            answer = client.get(
                f"{process.url}/v1/jobs/{jobs[number % len(jobs)]}", headers=bearer(key), timeout=TIMEOUT_S
            )
        except httpx.TimeoutException:
            return None
        return (time.perf_counter() - due) * 1000 if answer.status_code == 200 else None

    with ThreadPoolExecutor(32) as pool:
        took = list(pool.map(one, range(CALLS)))
    cuts = quantiles([each for each in took if each is not None], n=100)
    times = "   ".join(f"p{which} {cuts[which - 1]:6.1f}" for which in (50, 95, 99))
    memory = [round(resident_mib(pid)) for pid in process.workers()]
    print(f"{what:<24} {times} ms   {took.count(None)} without answer   processes of {memory} MiB")
    return cuts[98], took.count(None)


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def moved(url, jobs, *moves):
    """Makes all jobs go through moves."""

    async def ask(_access, store):
        stored = RedisJobStore(store)
        for to, more in moves:
            await asyncio.gather(*(stored.move(job, to, **more) for job in jobs))

    in_store(url, ask)


END = (
    (State.FINISHING, {"intended": Intended.SUCCEED}),
    (State.SUCCEEDED, {"outcome": Outcome.COMPLETE}),
)


def test_watchers_cost_callers_little_and_miss_nothing(api, watchers):
    process, store, key = api
    pauses = [(to, {}) for _ in range(PAUSES) for to in (State.PAUSED, State.RUNNING)]
    with new_client() as client:
        jobs = [
            client.post(f"{process.url}/v1/jobs", headers=bearer(key), json=ORDER).json()["id"] for _ in range(JOBS)
        ]
        moved(store.url, jobs, (State.RUNNING, {}))
        print()
        called(client, process, key, jobs[:10], "warming up")
        alone, _ = called(client, process, key, jobs, "without watchers")
        crowd = watchers(jobs)
        beside, late = called(client, process, key, jobs, f"with {WATCHERS} watchers")
    moved(store.url, jobs, *pauses)
    told_at = time.monotonic()
    for pid in process.workers():
        os.kill(pid, signal.SIGTERM)
    moved(store.url, jobs, *pauses)
    process.wait_until_it_answers()
    moved(store.url, jobs, *END)
    facts = json.loads(crowd.stdout.readline())
    ends = (next((end for end in each["ends"] if end > told_at), None) for each in facts)
    ends_s = sorted(end - told_at for end in ends if end is not None)
    assert len(ends_s) >= WATCHERS * 0.9  # the others had ended by themselves a moment before
    refused = sum(each["statuses"].count(503) for each in facts)
    cut = sum(each["cut"] for each in facts)
    print(f"streams ended {ends_s[0] * 1000:.0f} to {ends_s[-1] * 1000:.0f} ms after SIGTERM; {refused} answers 503;"
          f" {cut} connections cut; p99 {beside / alone:.2f} times that without watchers")  # fmt: skip
    whole = list(range(2, 2 + 4 * PAUSES + 3))
    missed = [each["versions"] for each in facts if each["versions"] != whole]
    assert not missed, (len(missed), missed[0], whole)
    assert late == 0
    assert ends_s[-1] <= END_S
    assert beside <= RATIO * alone

"""A store that is killed, or frozen, is said to be away, in time; and when it is back, calls are answered at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_calls import ORDER, bearer, new_client
from api_people import new_people
from api_process import ApiProcess

from crawler.store import connect_sync

#: As fast an API says that its store is away.
IN_TIME_S = 3.0

#: So many seconds more a machine may take that has other things to do.
SLACK_S = 5.0

CALLS = [
    ("GET", "/v1/me", None),
    ("GET", "/v1/jobs", None),
    ("POST", "/v1/jobs", ORDER),
    ("GET", "/v1/jobs/unknown", None),
    ("GET", "/v1/jobs/unknown/results", None),
    ("GET", "/v1/recipes", None),
    ("GET", "/v1/clients", None),
    ("GET", "/v1/ready", None),
]


@pytest.fixture
def away(new_valkey, tmp_path):
    """A store of the test's own, and an API on it."""
    store = new_valkey(appendfsync="always")
    process = ApiProcess(
        tmp_path / "api", redis_url=store.url, storage={"STORAGE_URL": f"file://{tmp_path}/files"}, threads=32
    )
    process.start()
    yield store, process
    if store.running:
        os.kill(store.pid, signal.SIGCONT)
    process.kill()


@pytest.mark.parametrize("how", ["frozen", pytest.param("killed", marks=pytest.mark.long)])
def test_while_the_store_is_away_calls_are_told_so_in_time_and_after_it_they_work_at_once(how, away, show):
    store, process = away
    key = new_people(store.url).root
    with new_client() as client, ThreadPoolExecutor(len(CALLS)) as pool:

        def call(method, path, body):
            began = time.monotonic()
            answer = client.request(method, process.url + path, headers=bearer(key), json=body)
            return answer, time.monotonic() - began

        def all_calls():
            return [each.result() for each in [pool.submit(call, *of) for of in CALLS]]

        usual = Counter(answer.status_code for answer, _ in all_calls())
        assert usual == {200: 5, 201: 1, 404: 2}
        store.kill() if how == "killed" else os.kill(store.pid, signal.SIGSTOP)
        found = all_calls()
        assert {answer.status_code for answer, _ in found} == {503}
        assert {answer.json()["code"] for answer, _ in found} == {"unavailable"}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer, _ in found)
        slowest = max(took for _, took in found)
        assert slowest < IN_TIME_S + SLACK_S
        assert client.get(f"{process.url}/health").status_code == 200
        until = time.monotonic() + 20
        while client.get(f"{process.url}/ready").status_code != 503:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert call("GET", "/health", None)[1] < 1 + SLACK_S
        store.start() if how == "killed" else os.kill(store.pid, signal.SIGCONT)
        assert Counter(answer.status_code for answer, _ in all_calls()) == usual, "at once"
        show(f"a store that was {how}: the slowest of {len(CALLS)} calls was told so after {slowest:.1f} s")


@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.long)])
def test_a_store_that_goes_in_the_middle_of_calls_makes_no_other_answer_than_those_it_may(rounds, away):
    store, process = away
    key, is_over, found = new_people(store.url).alice, threading.Event(), Counter()

    def hammer(client):
        while not is_over.is_set():
            answer = client.get(f"{process.url}/v1/me", headers=bearer(key))
            found[answer.status_code, "Retry-After" in answer.headers] += 1

    with new_client() as client, ThreadPoolExecutor(8) as pool:
        calling = [pool.submit(hammer, client) for _ in range(8)]
        for number in range(rounds):
            enough = found[200, False] + 100
            while found[200, False] < enough and not any(each.done() for each in calling):
                time.sleep(0.01)
            if number % 2:
                store.kill()
                store.start()
            else:
                os.kill(store.pid, signal.SIGSTOP)
                is_over.wait(0.1)
                refused = found[503, True]
                while found[503, True] < refused + 8 and not any(each.done() for each in calling):
                    time.sleep(0.01)
                os.kill(store.pid, signal.SIGCONT)
        is_over.set()
        for each in calling:
            each.result()
    assert set(found) <= {(200, False), (503, True)}, process.log()[-2000:]


@pytest.mark.long
def test_while_the_storage_of_files_hangs_submissions_are_told_so_and_their_repetition_makes_the_one_job(
    new_process, people, seaweed, s3
):
    process = new_process(storage=s3.environment)
    with new_client() as client:

        def call(method, path, **given):
            headers = bearer(people.alice, **{"Idempotency-Key": "k"})
            return client.request(method, process.url + path, headers=headers, **given)

        job = call("POST", "/v1/jobs", json=ORDER).json()["id"]
        os.kill(seaweed.pid, signal.SIGSTOP)
        try:
            other = {**ORDER, "tags": ["other"]}
            headers = bearer(people.bob, **{"Idempotency-Key": "k"})
            refused = [client.post(f"{process.url}/v1/jobs", headers=headers, json=other)]
            refused.append(call("GET", f"/v1/jobs/{job}/results"))
            for answer in refused:
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                assert int(answer.headers["Retry-After"]) >= 1
            assert call("GET", f"/v1/jobs/{job}").status_code == 200, "it needs none of the files"
            assert call("POST", "/v1/jobs", json=ORDER).json()["id"] == job, "nor does what was accepted"
        finally:
            os.kill(seaweed.pid, signal.SIGCONT)
        until = time.monotonic() + 20
        while (again := client.post(f"{process.url}/v1/jobs", headers=headers, json=other)).status_code != 201:
            assert time.monotonic() < until, again.text
            time.sleep(0.1)
        assert len(client.get(f"{process.url}/v1/jobs", headers=headers).json()["jobs"]) == 1


def test_a_store_without_room_still_shows_its_jobs_and_lets_them_be_ended(away):
    store, process = away
    key = new_people(store.url).root
    with new_client() as client, connect_sync({"url": store.url}) as server:

        def call(method, path, body=None):
            began = time.monotonic()
            answer = client.request(method, process.url + path, headers=bearer(key), json=body)
            assert time.monotonic() - began < IN_TIME_S + SLACK_S
            return answer

        job = call("POST", "/v1/jobs", ORDER).json()["id"]
        server.config_set("maxmemory", 1)
        assert [one["id"] for one in call("GET", "/v1/jobs").json()["jobs"]] == [job]
        assert call("GET", f"/v1/jobs/{job}").status_code == 200
        assert call("POST", f"/v1/jobs/{job}/cancel").status_code == 200
        refused = call("POST", "/v1/jobs", ORDER)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        server.config_set("maxmemory", 0)
        assert call("POST", "/v1/jobs", ORDER).status_code == 201

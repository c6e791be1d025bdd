"""A job as server-sent events: each change of its state, its progress, and an end when it is time."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import httpx
import pytest
from api_calls import ORDER, bearer, new_client
from api_people import USUAL, in_store, new_key
from api_process import ApiProcess

from control_api.jobs import events
from control_api.jobs.feeds import most_streams
from control_api.services import EXTENSION
from crawler.access.model import Scope
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore


def change(url, job, *moves):
    """Moves a job: a state, or a state with what belongs to it."""

    async def ask(_access, store):
        for to, more in moves:
            await RedisJobStore(store).move(job, State(to), **more)

    in_store(url, ask)


END = (
    ("finishing", {"intended": Intended.SUCCEED}),
    ("succeeded", {"outcome": Outcome.COMPLETE}),
)


class Stream:
    """What has come of a stream so far, read in a thread; `events` are pairs of a name and data, with ids beside."""

    def __init__(self, client, url, key, job, last=""):
        self.events, self.ids, self.comments, self.retries = [], [], [], []
        self.status, self.ended_at, self.error = None, None, None
        self._given = (client, url, key, job, last)
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        client, url, key, job, last = self._given
        headers = bearer(key, **({"Last-Event-ID": last} if last else {}))
        try:
            with client.stream("GET", f"{url}/v1/jobs/{job}/events", headers=headers) as answer:
                self.headers, self.status = answer.headers, answer.status_code
                event = {}
                for line in answer.iter_lines():
                    event = self._line(line, event)
        except httpx.TransportError as error:
            self.error = error
        with self._news:
            self.ended_at = time.monotonic()
            self._news.notify_all()

    def _line(self, line, event):
        name, _, value = line.partition(": ")
        with self._news:
            if line.startswith(":"):
                self.comments.append(line)
            elif name == "retry":
                self.retries.append(int(value))
            elif line:
                return {**event, name: value}
            elif event:
                self.events.append((event["event"], json.loads(event["data"])))
                self.ids.append(event.get("id", ""))
            self._news.notify_all()
        return {}

    def until(self, what, *, within_s=20.0):
        with self._news:
            assert self._news.wait_for(lambda: what(self), within_s), (self.status, self.events, self.error)
        return self

    @property
    def states(self):
        return [data["state"] for name, data in self.events if name == "state"]

    @property
    def progress(self):
        return [data for name, data in self.events if name == "progress"]

    def end(self):
        self.until(lambda _: self.ended_at is not None)
        assert self.error is None, self.error
        return self


@pytest.fixture(scope="module")
def served(shared_database, callers, tmp_path_factory):
    """An API process, what makes a job of alice, and what watches one."""
    folder = tmp_path_factory.mktemp("events")
    storage = {"STORAGE_URL": f"file://{folder}/files"}
    process = ApiProcess(folder, redis_url=shared_database.url, storage=storage, threads=100)
    process.start()
    with new_client() as client:

        def job():
            made = client.post(f"{process.url}/v1/jobs", headers=bearer(callers.alice), json=ORDER)
            assert made.status_code == 201, made.text
            return made.json()["id"]

        def watch(job_id, last="", key=callers.alice):
            return Stream(client, process.url, key, job_id, last)

        yield process, job, watch
    process.kill()


def test_a_watcher_sees_each_change_the_progress_and_the_end(served, shared_database):
    _, new_job, watch = served
    job = new_job()
    stream = watch(job).until(lambda it: len(it.progress) >= 2)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert (stream.states, stream.progress[0]["progress"]["found"]) == (["queued"], 0)
    change(shared_database.url, job, ("running", {}), ("paused", {}), ("running", {}), *END)
    stream.end()
    assert stream.states == ["queued", "running", "paused", "running", "finishing", "succeeded"]
    assert stream.events[-1][0] == "state", "who hears of the end has heard the last of the books"
    assert stream.progress[-1]["state"] == "succeeded"
    assert stream.events[-1][1] == {**stream.events[-1][1], "intended": "succeed", "outcome": "complete"}
    again = watch(job, stream.ids[-1]).end()
    assert (again.status, again.events) == (204, [])
    anew = watch(job).end()
    assert (anew.status, anew.states, anew.ids[-1]) == (200, ["succeeded"], stream.ids[-1])


def test_whoever_comes_again_is_told_each_change_that_was_made_meanwhile(served, shared_database):
    _, new_job, watch = served
    job = new_job()
    change(shared_database.url, job, ("running", {}))
    last = watch(job).until(lambda it: it.ids).ids[0]
    change(shared_database.url, job, *[(to, {}) for _ in range(20) for to in ("paused", "running")])
    again = watch(job, last).until(lambda it: len(it.states) >= 40)
    assert again.states == ["paused", "running"] * 20
    unknown = watch(job, "7-1").until(lambda it: len(it.states) >= 42)
    assert unknown.states[:2] == ["queued", "running"], "of a store that was restored: all that there is"


def test_a_stream_ends_soon_after_its_key_was_revoked(served, shared_database, callers):
    process, new_job, watch = served
    key = new_key(shared_database.url, "alice")
    job = new_job()
    lasting, doomed = watch(job).until(lambda it: it.progress), watch(job, key=key).until(lambda it: it.progress)
    with new_client() as client:
        path = f"/v1/keys/{key.split('_')[2]}/revoke"
        assert client.post(process.url + path, headers=bearer(callers.root)).status_code == 200
    doomed.end()
    assert lasting.ended_at is None
    assert watch(job, key=key).end().status == 401


def test_streams_end_when_their_process_is_told_to_go(served):
    process, new_job, watch = served
    jobs = [new_job(), new_job()]
    streams = [watch(job).until(lambda it: it.progress) for job in jobs]
    (worker,) = process.workers()
    os.kill(worker, signal.SIGTERM)
    for stream in streams:
        stream.end()  # long before they would have ended by themselves
        assert len(stream.retries) == 2


@pytest.mark.parametrize(
    ("who", "last", "status"),
    [
        ("bob", "", 404),
        ("reader", "", 403),
        ("alice", "x", 200),
        ("alice", "x" * 101, 400),
        ("alice", "3-\u0663", 400),
        ("root", "", 200),
    ],
)
def test_only_who_may_see_a_job_may_watch_it(calls, callers, shared_database, who, last, status):  # noqa: PLR0917 - fixtures
    keys = {"reader": new_key(shared_database.url, "alice", USUAL - {Scope.JOBS_READ}), **vars(callers)}
    job = calls("POST", "/v1/jobs", callers.alice, json=ORDER).json["id"]
    headers = {"Last-Event-ID": last} if last else {}
    with calls("GET", f"/v1/jobs/{job}/events", keys[who], headers) as answer:
        assert answer.status_code == status
        if status == 400:
            assert [error["pointer"] for error in answer.json["errors"]] == ["/header/Last-Event-ID"]


def test_a_process_has_room_for_so_many_streams_and_one_look_for_all_of_a_job(new_api, people):
    api = new_api(threads=12)
    assert most_streams(12) == 3
    feeds = api.app.extensions[EXTENSION].feeds
    one, two = (api.post("/v1/jobs", key=people.alice, json=ORDER).json["id"] for _ in range(2))
    held = [api.get(f"/v1/jobs/{job}/events", key=people.alice) for job in (one, one, two)]
    assert sorted(feeds.watched()) == sorted([one, two])
    full = api.get(f"/v1/jobs/{one}/events", key=people.alice)
    assert (full.status_code, full.json["code"]) == (503, "unavailable")
    assert 1 <= int(full.headers["Retry-After"]) <= 4
    gone = held.pop()
    gone.close()
    gone.close()
    assert feeds.watched() == [one]
    with api.get(f"/v1/jobs/{two}/events", key=people.alice) as answer:
        assert answer.status_code == 200
    for answer in held:
        answer.close()
    assert feeds.watched() == []


@pytest.mark.parametrize(("threads", "streams"), [(300, 270), (41, 11), (40, 10), (32, 8), (4, 1), (1, 0)])
def test_threads_are_kept_for_calls_that_are_answered_at_once(threads, streams):
    assert most_streams(threads) == streams


def test_a_stream_says_that_it_is_alive_and_ends_in_time(api, people, monkeypatch):
    monkeypatch.setattr(events, "LIVE_S", 1.5)
    monkeypatch.setattr(events, "_COMMENT_S", 0.0)
    job = api.post("/v1/jobs", key=people.alice, json=ORDER).json["id"]
    with api.get(f"/v1/jobs/{job}/events", key=people.alice) as answer:
        text = answer.text
    assert text.startswith("retry: ")
    assert ": still there" in text
    assert text.rpartition(": come again\nretry: ")[2].strip().isdecimal()

"""What workers log is answered by level, text and worker, from the end, and on from where a reader was."""

from __future__ import annotations

import pytest
from api_people import in_store

from control_api.services import EXTENSION
from crawler.exports.keys import JobKeys
from crawler.joblogs.writer import LogWriter
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}
LINES = ("INFO: Spider opened", "DEBUG: Crawled (200) <GET http://a/1>", "ERROR: Timeout at <GET http://a/2>")


def written(*lines, second=0):
    return "".join(f"2026-11-29 12:00:{second + at:02} [a] {line}\n" for at, line in enumerate(lines))


@pytest.fixture
def job(api, people):
    return api.post("/v1/jobs", key=people.alice, json=ORDER).json["id"]


@pytest.fixture
def log(api, job, tmp_path):
    """A worker's log on its way: `log("text", ended=True)`."""
    path = tmp_path / "worker.log"
    objects = api.app.extensions[EXTENSION].objects
    writer = LogWriter(
        objects, JobKeys("alice", job), path=path, seat="5ea7", node="n1", worker="n1/7/5ea7", started_ms=1
    )

    def says(text, *, ended=False):
        with path.open("a") as file:
            file.write(text)
        writer.flush(ended=ended)

    return says


@pytest.fixture
def written_log(log):
    log(written(*LINES), ended=True)


@pytest.fixture
def ask(api, people, job):
    return lambda **query: api.get(f"/v1/jobs/{job}/logs", key=people.alice, query_string=query)


def told(answer):
    assert answer.status_code == 200, answer.text
    return [record["text"][24:] for record in answer.json["records"]]


def test_a_job_that_has_not_begun_has_logged_nothing(ask):
    answer = ask()
    assert (told(answer), answer.json["earlier"]) == ([], None)
    assert told(ask(after=answer.json["next"])) == []


def test_the_newest_records_come_by_level_text_and_worker(ask, log):
    log(written(*LINES))
    answer = ask(limit=2)
    assert told(answer) == list(LINES[1:])
    assert {name: answer.json["records"][1][name] for name in ("node", "worker", "level")} == {
        "node": "n1",
        "worker": "n1/7/5ea7",
        "level": "error",
    }
    assert told(ask(before=answer.json["earlier"])) == [LINES[0]]
    assert told(ask(level="info")) == [LINES[0], LINES[2]]
    assert told(ask(text="crawled")) == [LINES[1]]
    assert told(ask(worker="n1", level="error")) == [LINES[2]]
    assert told(ask(worker="n2")) == []


def test_what_comes_later_is_found_where_the_reader_was(ask, log):
    log(written(LINES[0]))
    place = ask().json["next"]
    log(written(*LINES[1:], second=1), ended=True)
    answer = ask(after=place, level="error")
    assert told(answer) == [LINES[2]]
    assert told(ask(after=answer.json["next"])) == []


def test_places_that_are_none_are_refused_by_name(ask, log):
    log(written(LINES[0]))
    place = ask().json["next"]
    assert ask(after="abcd").json["errors"][0]["pointer"] == "/query/after"
    assert ask(before="x" * 100).json["errors"][0]["pointer"] == "/query/before"
    assert ask(before=place, after=place).status_code == 400


@pytest.mark.usefixtures("written_log")
def test_logs_outlive_the_job_in_the_store_and_are_nobody_elses(api, people, valkey, job, ask):
    assert api.get(f"/v1/jobs/{job}/logs", key=people.bob).status_code == 404

    async def forget(_access, store):
        jobs = RedisJobStore(store)
        await jobs.intend(job, Intended.CANCEL)
        await jobs.move(job, State.FINISHING)
        await jobs.adopt(job, State.CANCELLED, outcome=Outcome.PARTIAL)
        await jobs.delete(job)

    in_store(valkey.url, forget)
    assert told(ask()) == list(LINES)
    for key in (people.bob, people.root):
        assert api.get(f"/v1/jobs/{job}/logs", key=key).status_code == 404


def test_damaged_logs_are_said_to_be_damaged(api, job, log, ask):
    log(written(LINES[0]))
    objects = api.app.extensions[EXTENSION].objects
    (index,) = (info.key for info in objects.list(JobKeys("alice", job).log("i-")))
    objects.put(index, b"x", content_type="text/plain")
    answer = ask()
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")

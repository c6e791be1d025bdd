"""`crawlery job ...` through an API: the same commands, and the same words, as on a store."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from stand_in_api import Reply, problem, served

from crawler.cli.job_desk_api import typed_inputs

AT = "2026-01-02T03:04:05.678Z"
PROGRESS = {"found": 9, "settled": 6, "ready": 1, "delayed": 0, "leased": 2, "parked": 0, "failed": 1, "retries": 3}
PROGRESS |= {"rows": {"good": 4}, "outcomes": {"ok": 5, "http_404": 1}, "pages_per_s": 1.5, "eta_s": 2.0}
ATTEMPTS = [
    {"node": "n", "worker": "n/1/s", "started_at": AT, "ended_at": None, "how": "running"},
    {"node": "n", "worker": "n/2/s", "started_at": AT, "ended_at": AT, "how": "exit 0"},
    {"node": "n", "worker": "n/3/s", "started_at": AT, "ended_at": AT, "how": "signal 9"},
]
JOB = {"id": "j", "state": "running", "recipe": "goods", "created_at": AT, "started_at": AT, "why": "it waits"}
RUNNING = {**JOB, "progress": PROGRESS, "attempts": ATTEMPTS}
ENDED = {**RUNNING, "state": "succeeded", "outcome": "complete", "intended": "succeed", "why": ""}
FAILURES = {
    "outcomes": {"http_404": 3},
    "failures": [{"url": "http://a/1", "outcome": "http_404", "reason": "status 404"}],
    "total": 3,
}
CONTENT = b"name\nchair\n"
RECIPE = """
schema_version: 1
name: goods
version: "1.0.0"
inputs:
  site: {type: string, format: uri, required: true}
  pages: {type: integer, default: 2}
start: [{urls: "{{ inputs.site }}/", page: good}]
pages:
  good: {item: good, fields: {name: h1}}
items:
  good: {version: 1, fields: {name: {type: string}}}
exports:
  - {name: goods, item: good, format: csv}
"""
SCHEMA = {
    "type": "object",
    "properties": {
        "site": {"type": "string"},
        "pages": {"type": "integer"},
        "rate": {"type": ["number", "null"]},
        "deep": {"type": "boolean"},
        "words": {"type": "array", "items": {"type": "string"}},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "more": {"type": "object"},
    },
}
ACCEPTED = Reply(status=201, body={"id": "j", "state": "queued"})


def test_a_recipe_of_the_api_is_named_and_its_inputs_are_typed(api, crawlery):
    api.on("POST", "/v1/jobs", ACCEPTED)
    api.on("GET", "/v1/recipes/goods", {"name": "goods", "inputs": SCHEMA})
    words = ("--workers", "3", "--priority", "high", "--tag", "x", "--max-requests", "9", "--max-seconds", "60")
    done = crawlery("job", "run", "goods@1.0.0", "-i", "site=http://a", "-i", "pages=3", "--key", "monday", *words)
    assert done.stdout == "j\n"
    assert f"handed to {api.url}" in done.stderr
    assert api.requests[-1].json() == {
        "recipe": "goods@1.0.0",
        "inputs": {"site": "http://a", "pages": 3},
        "priority": "high",
        "max_workers": 3,
        "limits": {"requests": 9, "duration_s": 60.0},
        "tags": ["x"],
    }
    assert api.requests[-1].headers["idempotency-key"] == "monday"


def test_a_file_is_handed_over_as_text(api, crawlery):
    api.on("POST", "/v1/jobs", ACCEPTED)
    (crawlery.folder / "goods.yaml").write_text(RECIPE)
    crawlery("job", "run", "./goods.yaml", "-i", "site=http://a")
    sent = api.requests[-1].json()
    assert "recipe" not in sent
    assert "name: goods" in sent["recipe_text"]
    assert sent["inputs"] == {"site": "http://a", "pages": 2}
    assert "sites" in crawlery("job", "run", "./goods.yaml", "-i", "sites=x", code=2).stderr


def test_a_key_that_has_made_the_job_before_says_so(api, crawlery):
    api.on("POST", "/v1/jobs", Reply(status=201, body={"id": "j"}, headers={"Idempotent-Replayed": "true"}))
    assert "j was there already: the key 'monday' has made it" in crawlery("job", "run", "x", "--key", "monday").stderr
    api.on("POST", "/v1/jobs", problem(409, "idempotency_conflict", "the key has made another job"))
    assert "the key has made another job" in crawlery("job", "run", "x", "--key", "monday", code=2).stderr


def test_a_job_of_which_no_answer_came_can_be_asked_for_again(api, crawlery):
    api.on("POST", "/v1/jobs", Reply(is_dropped=True), ACCEPTED)
    said = crawlery("job", "run", "x", code=2).stderr
    key = re.search(r"`--key (auto-[0-9a-f-]+)` makes it once", said)[1]
    crawlery("job", "run", "x", "--key", key)
    assert [each.headers["idempotency-key"] for each in api.requests] == [key, key]


def test_a_recipe_that_the_api_does_not_have_leads_to_ones_own(api, crawlery):
    errors = [{"pointer": "/body/recipe", "message": "there is none"}]
    api.on("POST", "/v1/jobs", problem(422, "unprocessable", errors=errors))
    (crawlery.folder / "goods.yaml").write_text(RECIPE)
    for words in ((), ("-i", "site=http://a")):
        done = crawlery("job", "run", "goods", *words, code=2)
        assert f"{api.url}: there is" in done.stderr
        assert "Your own is handed over by its path: `crawlery job run" in done.stderr


def test_a_key_that_may_not_read_recipes_sends_texts(api, crawlery):
    api.on("GET", "/v1/recipes/goods", problem(403, "missing_scope"))
    api.on("POST", "/v1/jobs", ACCEPTED)
    crawlery("job", "run", "goods", "-i", "pages=3")
    assert api.requests[-1].json()["inputs"] == {"pages": "3"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("site", "3", "3"),
        ("pages", "3", 3),
        ("pages", "three", "three"),
        ("rate", "2", 2),
        ("rate", "2.5", 2.5),
        ("deep", "True", True),
        ("deep", "yes", "yes"),
        ("words", "a, b", ["a", "b"]),
        ("words", '["a,b"]', ["a,b"]),
        ("ids", "1,2", [1, 2]),
        ("more", '{"a": 1}', {"a": 1}),
        ("more", "{", "{"),
        ("unknown", "3", "3"),
    ],
)
def test_an_input_is_read_by_its_type(name, text, value):
    (typed,) = typed_inputs({name: text}, SCHEMA).values()
    assert (typed, type(typed)) == (value, type(value))


def test_a_job_is_run_and_watched_to_its_end(api, crawlery):
    api.on("POST", "/v1/jobs", ACCEPTED)
    api.on("GET", "/v1/jobs/j", RUNNING, ENDED)
    done = crawlery("job", "run", "goods", "--watch")
    assert "j: succeeded, complete" in done.stderr
    assert "9 found, with `start`; http_404 1, ok 5" in done.stderr
    assert "good 4" in done.stderr


@pytest.mark.parametrize(
    ("state", "outcome", "code"),
    [
        ("succeeded", "partial", 0),
        ("failed", "empty", 4),
        ("succeeded", "quality_failed", 4),
        ("cancelled", "partial", 1),
    ],
)
def test_the_exit_status_of_watch_says_how_it_has_ended(api, crawlery, state, outcome, code):
    api.on("GET", "/v1/jobs/j", {**ENDED, "state": state, "outcome": outcome})
    crawlery("job", "watch", "j", code=code)


def test_jobs_are_listed(api, crawlery):
    api.on("GET", "/v1/jobs", {"jobs": [JOB], "next": "c"}, {"jobs": [ENDED, JOB], "next": None})
    lines = crawlery("job", "list", "--limit", "2").stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["j", "goods", "running", "2026-01-02", "03:04:05"],
        ["j", "goods", "succeeded,", "complete", "2026-01-02", "03:04:05"],
    ]
    api.on("GET", "/v1/jobs", {"jobs": [], "next": None})
    assert "there is no job yet" in crawlery("job", "list").stderr


def test_status_has_books_failures_and_workers(api, crawlery):
    api.on("GET", "/v1/jobs/j", RUNNING)
    api.on("GET", "/v1/jobs/j/failures", FAILURES)
    shown = crawlery("job", "status", "j").stdout
    assert shown.startswith("j: goods, running\n")
    for line in (
        "  accepted  2026-01-02 03:04:05 UTC",
        "  why       it waits",
        "  pages     9 found, 6 settled (`start` is one of them)",
        "  open      2 in work, 1 ready",
        "  http_404  1",
        "  retries   3",
        "  rows      good 4",
        "  failed    http://a/1: http_404 (status 404)",
        "  worker    n/1/s: running",
        "  worker    1 ended in order",
        "  worker    n/3/s: signal 9",
    ):
        assert f"{line}\n" in shown


def test_failures_are_told(api, crawlery):
    api.on("GET", "/v1/jobs/j/failures", FAILURES)
    done = crawlery("job", "failures", "j")
    assert "http_404  status 404  http://a/1" in done.stdout
    assert "1 of 3 pages are kept by name" in done.stderr
    api.on("GET", "/v1/jobs/j/failures", {"outcomes": {}, "failures": [], "total": 0})
    assert "no page of j has failed" in crawlery("job", "failures", "j").stderr


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (("list", "--limit", "1"), "/v1/jobs", {"jobs": [JOB], "next": "c"}),
        (("status", "j"), "/v1/jobs/j", RUNNING),
        (("failures", "j"), "/v1/jobs/j/failures", FAILURES),
        (("results", "j"), "/v1/jobs/j/results", {"job": "j", "state": "running", "final": False, "why": []}),
    ],
)
def test_scripts_read_what_the_api_says(api, crawlery, words, path, body):
    api.on("GET", path, body)
    said = json.loads(crawlery("job", *words, "--json").stdout)
    assert {name: said[name] for name in body if name not in ("jobs", "attempts")} == {
        name: value for name, value in body.items() if name not in ("jobs", "attempts")
    }
    assert said.get("attempts") == body.get("attempts")


def test_a_job_is_steered(api, crawlery):
    for step in ("pause", "resume", "cancel"):
        api.on("POST", f"/v1/jobs/j/{step}", JOB)
    api.on("GET", "/v1/jobs/j", RUNNING)
    assert "j is paused" in crawlery("job", "pause", "j").stderr
    assert "j goes on" in crawlery("job", "resume", "j").stderr
    assert "ends with the 2 pages in work" in crawlery("job", "cancel", "j").stderr
    api.on("POST", "/v1/jobs/j/pause", problem(409, "conflict", "it has succeeded", state="succeeded"))
    assert "it has succeeded" in crawlery("job", "pause", "j", code=2).stderr


@pytest.mark.parametrize("command", ["status", "watch", "results", "failures", "pause", "resume", "cancel"])
def test_a_job_that_is_not_there_is_one_message(api, crawlery, command):
    done = crawlery("job", command, "none", code=2)
    assert f"there is no job none at {api.url}; `crawlery job list` shows" in done.stderr
    assert "is no id of a job" in crawlery("job", command, "../x", code=2).stderr


def files_of(api, content=CONTENT, **more):
    file = {"name": "goods.csv", "rows": 1, "size_bytes": len(content), "url": f"{api.url}/file"}
    file["sha256"] = hashlib.sha256(CONTENT).hexdigest()
    return {"job": "j", "state": "succeeded", "outcome": "complete", "final": True, "files": [file], **more}


def test_files_are_links_or_downloads(api, crawlery):
    api.on("GET", "/v1/jobs/j/results", files_of(api))
    api.on("GET", "/file", served(CONTENT))
    shown = crawlery("job", "results", "j", "--expires", "60").stdout
    assert "goods.csv  1 rows, 11 bytes" in shown
    assert f"link    {api.url}/file" in shown
    assert api.requests[0].query == {"expires_s": ["60"]}
    assert "1 rows in files/goods.csv" in crawlery("job", "results", "j", "-o", "files").stderr
    assert (crawlery.folder / "files" / "goods.csv").read_bytes() == CONTENT
    crawlery("results", "download", "j")
    assert (crawlery.folder / "goods.csv").read_bytes() == CONTENT


def test_a_download_that_is_not_what_the_api_says_is_refused(api, crawlery):
    api.on("GET", "/v1/jobs/j/results", files_of(api))
    api.on("GET", "/file", served(CONTENT[::-1]))
    assert "is not what the API says" in crawlery("job", "results", "j", "-o", "files", code=2).stderr
    assert not list((crawlery.folder / "files").iterdir())


def test_a_job_that_runs_has_pieces(api, crawlery):
    piece = {"name": "j-000001.jsonl.zst", "rows": 4, "size_bytes": 9, "url": "https://s3.example/x"}
    body = {"job": "j", "state": "running", "final": False, "segments": [piece]}
    api.on("GET", "/v1/jobs/j/results", body)
    done = crawlery("job", "results", "j")
    assert "j is running: no files yet, 1 piece" in done.stderr
    assert "link    https://s3.example/x" in done.stdout
    assert "no files to download yet" in crawlery("job", "results", "j", "-o", "files", code=2).stderr


@pytest.mark.parametrize(
    ("words", "more", "says"),
    [
        ((), {}, "too few rows. Its files are withheld, and the API does not give them out"),
        (("--withheld",), {}, "no API gives them out"),
        (("--withheld", "-o", "files"), {}, "no API gives them out"),
        (("-o", "files"), {}, "withheld: too few rows"),
        ((), {"final": False, "state": "running"}, "its rows are to be judged before anybody gets them"),
    ],
)
def test_withheld_files_are_not_given(api, crawlery, words, more, says):
    results = files_of(api, withheld=True, why=["too few rows"], outcome="quality_failed") | {"files": []} | more
    api.on("GET", "/v1/jobs/j/results", results)
    assert says in crawlery("job", "results", "j", *words, code=2).stderr

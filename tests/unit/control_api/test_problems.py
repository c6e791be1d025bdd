from __future__ import annotations

import pytest
import redis
from flask import Flask, g
from werkzeug.exceptions import BadRequest, MethodNotAllowed, ServiceUnavailable

from control_api import problems
from control_api.problems import CODES, Problem, bad_request, not_found, pointer, unavailable, whole_seconds
from crawler.errors import (
    ClientExists,
    CrawleryError,
    InputError,
    InvalidAccess,
    InvalidJob,
    KeyRefused,
    NoSuchJob,
    ObjectStoreError,
    QuotaExceeded,
    StoreAway,
    TransitionRefused,
)
from crawler.jobs.model import State

TABLE = [
    (KeyRefused("no"), 401, "invalid_key", {"WWW-Authenticate": "Bearer"}),
    (NoSuchJob("job x of alice"), 404, "not_found", {}),
    (TransitionRefused("job x is done", state=State.SUCCEEDED), 409, "conflict", {}),
    (ClientExists("there is one"), 409, "conflict", {}),
    (QuotaExceeded("over", quota="running_jobs", retry_after_s=1.2), 429, "quota_exceeded", {"Retry-After": "2"}),
    (InputError(["input a: no"]), 422, "unprocessable", {}),
    (InvalidJob("no"), 422, "unprocessable", {}),
    (InvalidAccess("no"), 422, "unprocessable", {}),
    (StoreAway("redis://secret@host"), 503, "unavailable", {"Retry-After": "2"}),
    (redis.ConnectionError("redis://secret@host"), 503, "unavailable", {"Retry-After": "2"}),
    (ObjectStoreError("s3://secret"), 503, "unavailable", {"Retry-After": "2"}),
    (CrawleryError("secret"), 500, "internal", {}),
    (RuntimeError("secret"), 500, "internal", {}),
    (MethodNotAllowed(["POST", "GET"]), 405, "method_not_allowed", {"Allow": "GET, POST"}),
    (BadRequest("no"), 400, "bad_request", {}),
    (ServiceUnavailable("secret"), 500, "internal", {}),
]


def answer_to(error: Exception):
    app = Flask("test")
    problems.register(app)

    @app.before_request
    def begin():
        g.request_id = "r1"

    @app.get("/")
    def fail():
        raise error

    return app.test_client().get("/")


@pytest.mark.parametrize(("error", "status", "code", "headers"), TABLE, ids=[type(row[0]).__name__ for row in TABLE])
def test_every_exception_has_its_answer(error, status, code, headers):
    answer = answer_to(error)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    body = answer.json
    assert {name: body[name] for name in ("type", "title", "status", "code", "request_id")} == {
        "type": f"urn:crawlery:problem:{code}",
        "title": CODES[code][1],
        "status": status,
        "code": code,
        "request_id": "r1",
    }
    assert {name: answer.headers.get(name) for name in headers} == headers
    if status >= 500 or status == 404:
        assert "secret" not in answer.text
        assert "alice" not in answer.text


def test_answers_say_what_a_caller_can_act_on():
    assert answer_to(TransitionRefused("no", state=State.FAILED)).json["state"] == "failed"
    assert answer_to(QuotaExceeded("no", quota="jobs_per_day", retry_after_s=1)).json["quota"] == "jobs_per_day"
    messages = [
        "input site: 'x' is not a URI; give it as -a site=https://example.com",
        "input list[0].a: is missing",
        "a",
    ]
    assert answer_to(InputError(messages)).json["errors"] == [
        {"pointer": "/body/inputs/site", "message": "'x' is not a URI"},
        {"pointer": "/body/inputs/list", "message": "[0].a: is missing"},
        {"pointer": "/body/inputs", "message": "a"},
    ]
    assert answer_to(Problem("missing_scope", "no", scope="admin")).json["scope"] == "admin"


def test_a_pointer_escapes_what_would_be_a_step():
    assert pointer("body", "a/b", "c~d", 0, "") == "/body/a~1b/c~0d/0/"


def test_many_errors_are_cut_and_long_pointers_shortened():
    problem = bad_request([(f"/body/{'x' * 600}{number}", "no") for number in range(60)])
    assert len(problem.errors) == 50
    assert all(len(where) == 503 for where, _ in problem.errors)
    assert len(problem.detail) < 500


def test_the_first_places_stand_in_the_sentence():
    assert bad_request([("/body/a", "no")]).detail == "The request is wrong in /body/a; `errors` says how."
    four = bad_request([(f"/body/{name}", "no") for name in "abcd"])
    assert four.detail == "The request is wrong in /body/a, /body/b, /body/c ...; `errors` says how."


@pytest.mark.parametrize(("seconds", "written"), [(-5, "1"), (0, "1"), (0.2, "1"), (1, "1"), (1.01, "2"), (60.0, "60")])
def test_nobody_is_told_to_come_again_at_once(seconds, written):
    assert whole_seconds(seconds) == written
    assert unavailable("no", retry_after_s=seconds).headers == {"Retry-After": written}


def test_what_is_not_found_says_no_more_than_its_kind():
    assert not_found("job").detail == "There is no such job."

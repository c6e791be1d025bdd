"""What every answer has: headers of security, the id of the request, what is left of the rate."""

from __future__ import annotations

import re

import pytest
from api_in_process import SECURE, Calls

from control_api.gate import OPEN, needs


@pytest.mark.parametrize(
    ("call", "key", "status"),
    [
        ("GET /health", "", 200),
        ("GET /v1/me", "alice", 200),
        ("GET /docs", "", 200),
        ("GET /openapi.json", "", 200),
        ("OPTIONS /v1/jobs", "", 200),
        ("HEAD /v1/me", "alice", 200),
        ("GET /v1/jobs?limit=0", "alice", 400),
        ("GET /v1/me", "", 401),
        ("GET /v1/keys", "alice", 403),
        ("GET /v1/jobs/unknown", "alice", 404),
        ("GET /nowhere", "", 404),
        ("DELETE /v1/jobs", "", 405),
        ("POST /v1/jobs", "alice", 415),
    ],
)
def test_every_answer_has_the_headers_of_security_and_an_id(calls, callers, call, key, status):
    answer = calls(*call.split(), getattr(callers, key, ""))
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURE} == SECURE
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert "Server" not in answer.headers
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_failure_of_the_api_itself_has_them_too_and_tells_nothing(new_calls, callers):
    with new_calls() as app:

        def fail():
            raise RuntimeError("postgres://user:secret@host")

        app.view_functions["system.show_version"] = needs(OPEN)(fail)
        answer = Calls(app)("GET", "/version")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert {name: answer.headers.get(name) for name in SECURE} == SECURE
    assert "secret" not in answer.text
    assert answer.json["request_id"] in answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "given", ["a", "A" * 128, "3f1c.-_Z", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
)
def test_a_request_keeps_the_id_that_its_caller_gave_it(calls, given):
    assert calls("GET", "/nowhere", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    assert calls("GET", "/nowhere", headers={"X-Request-Id": given}).json["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "A" * 129, "a b", "a\tb", "<script>", 'a"b', "\u00e9", "a,b", "a/b", "a;b", "%0a"]
)
def test_an_id_that_is_unfit_for_a_log_is_replaced(calls, given):
    answer = calls("GET", "/nowhere", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_two_requests_never_have_the_same_id(calls):
    assert len({calls("GET", "/health").headers["X-Request-Id"] for _ in range(20)}) == 20


def test_answers_to_those_who_show_a_key_say_what_is_left_of_the_rate_and_no_others(calls, callers):
    names = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    for path in ("/v1/me", "/v1/keys", "/v1/jobs/unknown", "/v1/jobs?limit=0"):
        answer = calls("GET", path, callers.alice)
        assert all(answer.headers[name].isdigit() for name in names)
        assert int(answer.headers["RateLimit-Reset"]) >= 1
    for path in ("/v1/me", "/health", "/nowhere"):
        assert not names & set(calls("GET", path).headers.keys())

"""Which sites may call from a browser: those that are listed, exactly, and no other."""

from __future__ import annotations

import pytest
from api_in_process import OURS, Calls

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
}


def cors_headers(answer) -> set[str]:
    return {name for name in answer.headers.keys() if name.startswith("Access-Control-")}  # noqa: SIM118 - not a dict


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/x/cancel", "/v1/keys/x/rotate"])
def test_a_preflight_of_a_site_that_is_listed_passes_without_a_key(calls, path):
    answer = calls("OPTIONS", path, headers={"Origin": OURS, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key"))
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://evil.example",
            "null",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "http://app.example.com",
        ),
        *(
            "https://app.example.com:444",
            "https://appXexample.com",
            "https://app.example.com/",
            "http://localhost:30001",
            "*",
        ),
    ],
)
def test_other_sites_get_no_header(calls, callers, origin):
    for method, key in (("OPTIONS", ""), ("GET", callers.alice), ("GET", "")):
        answer = calls(method, "/v1/jobs", key, headers={"Origin": origin, **PREFLIGHT})
        assert not cors_headers(answer)


def test_answers_to_a_site_that_is_listed_can_be_read_by_it_errors_included(calls, callers):
    for key, path, status in (
        (callers.alice, "/v1/me", 200),
        ("", "/v1/me", 401),
        (callers.alice, "/v1/keys", 403),
        ("", "/nowhere", 404),
    ):
        answer = calls("GET", path, key, headers={"Origin": OURS})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)
        shown = answer.headers["Access-Control-Expose-Headers"]
        assert all(name in shown for name in ("Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"))


def test_without_a_list_no_site_gets_a_header(new_calls, callers):
    with new_calls() as app:
        for method in ("OPTIONS", "GET"):
            assert not cors_headers(Calls(app)(method, "/v1/jobs", callers.alice, headers={"Origin": OURS}))

"""What every call passes, in its order: limit of the body, key, rate, scope."""

from __future__ import annotations

import pytest
import redis
from api_in_process import Calls
from api_people import new_key

from control_api.gate import ANY_KEY
from crawler.access.model import Scope

#: Longer than a test takes, so that no window ends in it.
FEW = "3/hour"


def test_failures_of_an_address_are_counted_and_calls_with_a_key_are_not(new_calls, callers):
    with new_calls(failure_limit=FEW) as app:
        calls = Calls(app)
        for _ in range(5):
            assert calls("GET", "/v1/me", callers.alice).status_code == 200
        answers = [calls("GET", "/v1/me", "ck_live_nonsense") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert answers[-1].json["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3600
        assert "WWW-Authenticate" not in answers[-1].headers
        assert calls("GET", "/v1/me", callers.alice).status_code == 200  # who shows a key is not kept out
        assert calls("GET", "/health").status_code == 200


def test_a_client_with_two_keys_has_one_rate_and_another_client_its_own(new_calls, shared_database):
    keys = [new_key(shared_database.url, "limited", rate_limit=FEW) for _ in range(2)]
    other = new_key(shared_database.url, "limited-too", rate_limit=FEW)
    with new_calls() as app:
        calls = Calls(app)
        answers = [calls("GET", "/v1/me", keys[number % 2]) for number in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
        assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3600
        assert calls("GET", "/v1/me", other).status_code == 200


def test_a_rate_is_charged_before_a_scope_is_asked_for_and_a_scope_before_a_body_is_read(new_calls, shared_database):
    key = new_key(shared_database.url, "limited-three", {Scope.JOBS_READ}, rate_limit=FEW)
    with new_calls() as app:
        calls = Calls(app)
        answers = [calls("POST", "/v1/clients", key, data=b"{", content_type="text/plain") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [403, 403, 403, 429]
        huge = calls("POST", "/v1/clients", key, data=b"[" * (1024 * 1024 + 1))
        assert huge.status_code == 413  # before anything else


def test_a_view_that_does_not_say_what_it_needs_is_open_to_nobody(new_calls, callers):
    with new_calls() as app:
        app.add_url_rule("/forgotten", "forgotten", lambda: "all secrets")
        assert Calls(app)("GET", "/forgotten").status_code == 401
        answer = Calls(app)("GET", "/forgotten", callers.root)
    assert (answer.status_code, answer.json["code"]) == (403, "missing_scope")


def test_an_answer_leaves_without_the_rate_when_that_cannot_be_asked_for(new_calls, callers, monkeypatch):
    def gone(*_, **__):
        raise redis.ConnectionError("gone")

    with new_calls() as app:
        monkeypatch.setattr("flask_limiter.RequestLimit.window", property(gone))
        answer = Calls(app)("GET", "/v1/me", callers.alice)
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/me", "/v1/ready"])
def test_any_key_is_enough_for_what_says_so(calls, shared_database, path):
    key = new_key(shared_database.url, "reader", {Scope.RECIPES_WRITE}, rate_limit="100000/second")
    spec = calls.app.extensions["crawlery-spec"]()
    assert spec["paths"][path]["get"]["x-scope"] == ANY_KEY
    assert calls("GET", path, key).status_code == 200

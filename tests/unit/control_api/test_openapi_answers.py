"""Answers that are problems, as the description has them: in our words, and in those of the replaced system."""

from __future__ import annotations

from control_api.openapi_answers import HEADERS, problem_component
from control_api.problems import CODES


def test_each_code_has_an_example_with_its_own_status_and_title():
    for code, (status, title) in CODES.items():
        if code == "method_not_allowed":  # said of no call: those that there are allow their methods
            continue
        _, answer = problem_component((code,), is_replaced=False)
        said = answer["content"]["application/problem+json"]["examples"][code]["value"]
        assert (said["code"], said["status"], said["title"]) == (code, status, title)
        assert said["type"] == f"urn:crawlery:problem:{code}"


def test_headers_are_those_that_the_status_has():
    names = {}
    for code in ("invalid_key", "rate_limited", "unavailable", "not_found", "too_large"):
        _, answer = problem_component((code,), is_replaced=False)
        names[code] = set(answer["headers"])
        assert names[code] <= set(HEADERS)
    rates = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    assert names == {
        "invalid_key": {"X-Request-Id", "WWW-Authenticate"},
        "rate_limited": {"X-Request-Id", "Retry-After"} | rates,
        "unavailable": {"X-Request-Id", "Retry-After"},
        "not_found": {"X-Request-Id"} | rates,
        "too_large": {"X-Request-Id"},
    }


def test_the_replaced_system_has_an_envelope_and_a_name_of_its_own():
    name, answer = problem_component(("rate_limited", "quota_exceeded"), is_replaced=True)
    assert name == "ReplacedRateLimitedOrQuotaExceeded"
    said = answer["content"]["application/json"]["examples"]["quota_exceeded"]["value"]
    assert (said["success"], said["error"]["code"]) == (False, "QUOTA_EXCEEDED")

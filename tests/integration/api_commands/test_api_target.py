"""Which API is asked with which key: a key goes to the address that it was kept with, and nowhere else."""

from __future__ import annotations

import pytest
from stand_in_api import StandInApi, problem

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"


@pytest.fixture
def other():
    made = StandInApi()
    made.on("GET", "/v1/me", {"client": "other"})
    yield made
    made.stop()


def key_at(api):
    (asked,) = api.requests
    return asked.headers["authorization"].removeprefix("Bearer ")


def test_what_is_typed_goes_before_the_environment_and_that_before_the_login(api, other, nobody):
    nobody("login", "--url", other.url, stdin=KEY)
    other.requests.clear()
    nobody("whoami", CRAWLERY_API_URL=api.url, CRAWLERY_API_KEY="from-the-environment")
    assert key_at(api) == "from-the-environment"
    nobody("whoami", "--api-url", other.url, CRAWLERY_API_URL=api.url, CRAWLERY_API_KEY="from-the-environment")
    assert key_at(other) == "from-the-environment"
    other.requests.clear()
    nobody("whoami", CRAWLERY_API_KEY="from-the-environment")
    assert key_at(other) == "from-the-environment"


def test_the_login_goes_before_the_running_platform(api, other, nobody):
    nobody.platform(other.url, "of-the-platform")
    assert f"{other.url}  (key of crawlery-data/platform.env)" in nobody("whoami", CRAWLERY_API_KEY="mine").stdout
    assert key_at(other) == "of-the-platform"
    nobody("login", "--url", api.url, stdin=KEY)
    api.requests.clear()
    nobody("whoami")
    assert key_at(api) == KEY


def test_a_key_that_was_kept_does_not_go_elsewhere(api, other, nobody):
    nobody("login", "--url", api.url, stdin=KEY)
    nobody.platform(f"{api.url}/platform", "of-the-platform")
    for words, environment in ((("--api-url", other.url), {}), ((), {"CRAWLERY_API_URL": other.url})):
        done = nobody("whoami", *words, code=2, **environment)
        assert f"which key for {other.url}? `crawlery login --url {other.url}` keeps one" in done.stderr
    assert not other.requests
    nobody("whoami", "--api-url", f"{api.url}/")
    assert api.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_the_key_of_the_platform_is_used_when_its_address_is_typed(api, nobody):
    nobody.platform(api.url, "of-the-platform")
    nobody("whoami", "--api-url", api.url)
    assert key_at(api) == "of-the-platform"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (problem(401, "invalid_key", "no valid key"), "does not take the key of CRAWLERY_API_KEY: no valid key"),
        (problem(403, "missing_scope", "it lacks jobs:read"), "lacks jobs:read; `crawlery whoami` shows what it may"),
        (
            problem(429, "quota_exceeded", "x", headers={"Retry-After": "60"}),
            "429 quota_exceeded: x; try again in 60 s",
        ),
        (problem(500, "internal", "it has failed."), "answers 500 internal: it has failed (request r-1)"),
        (problem(400, "bad_request", "so", errors=[{"pointer": "/query/limit", "message": "no"}]), "/query/limit: no"),
        (problem(500, "internal", "\x1b[31mred"), "\\x1b[31mred"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_where_and_what_to_do(api, crawlery, reply, says):
    api.on("GET", "/v1/clients", reply)
    done = crawlery("clients", "list", code=2)
    assert says in done.stderr
    assert api.url in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_api_that_is_away_is_waited_for_and_then_told(api, crawlery, monkeypatch):
    api.stop()
    monkeypatch.setattr("crawler.cli.api_target.PATIENCE_S", 0.5)
    done = crawlery("clients", "list", code=2)
    assert done.stderr.count("trying again") == 1
    assert f"the API does not answer: GET {api.url}/v1/clients: no answer" in done.stderr

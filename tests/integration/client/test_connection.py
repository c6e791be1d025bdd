"""What the client sends again and what it does not, how refusals arrive, and where its key never is."""

from __future__ import annotations

import logging
import threading
import traceback

import pytest
from stand_in_api import Reply, problem

from crawler.client import ApiError, ApiUnreachable, Client
from crawler.client.connection import is_loopback
from crawler.errors import ConfigError

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"
JOB = {"id": "j", "state": "running"}
ACCEPTED = Reply(status=201, body={"id": "j", "state": "queued"})
DROPPED = Reply(is_dropped=True)
NOT_NOW = problem(503, "unavailable", headers={"Retry-After": "0"})


@pytest.mark.parametrize("first", [NOT_NOW, Reply(status=502, body=b"<html>"), DROPPED, problem(429, "rate_limited")])
def test_a_read_is_tried_again(api, client, first):
    api.on("GET", "/v1/jobs/j", first, JOB)
    assert client.jobs.get("j").state == "running"
    assert len(api.requests) == 2


@pytest.mark.parametrize("first", [NOT_NOW, DROPPED])
def test_a_submit_is_tried_again_with_the_same_key_so_that_it_is_one_job(api, client, first):
    api.on("POST", "/v1/jobs", first, ACCEPTED)
    assert client.jobs.submit(recipe="shop").id == "j"
    keys = {each.headers["idempotency-key"] for each in api.requests}
    assert (len(api.requests), len(keys)) == (2, 1)
    client.jobs.submit(recipe="shop")
    assert api.requests[-1].headers["idempotency-key"] not in keys


@pytest.mark.parametrize("first", [NOT_NOW, DROPPED])
def test_what_could_happen_twice_is_not_sent_twice(api, client, first):
    api.on("POST", "/v1/keys", first, Reply(status=201, body={"id": "k", "key": "ck"}))
    with pytest.raises((ApiError, ApiUnreachable)):
        client.keys.create("shop", scopes=["jobs:read"])
    assert len(api.requests) == 1


def test_what_has_not_left_this_machine_is_sent_when_the_api_is_back(api, new_client):
    api.on("POST", "/v1/keys", Reply(status=201, body={"id": "k", "key": "ck"}))
    api.stop()
    waits = []

    def on_wait(words, seconds):
        waits.append(words)
        threading.Thread(target=api.start if len(waits) == 1 else int).start()

    assert new_client(on_wait=on_wait).keys.create("shop", scopes=["jobs:read"]).key == "ck"
    assert f"{api.url} does not answer" in waits[0]
    assert len(api.requests) == 1


def test_the_wait_that_the_api_asks_for_is_kept_or_told(api, new_client):
    told = []
    client = new_client(on_wait=lambda words, seconds: told.append(seconds))
    api.on("GET", "/v1/me", problem(503, "unavailable", headers={"Retry-After": "1"}), {"client": "shop"})
    assert client.me().client == "shop"
    assert 1 <= told[0] < 1.2
    api.on("GET", "/v1/me", problem(429, "quota_exceeded", headers={"Retry-After": "3600"}))
    with pytest.raises(ApiError) as refused:
        client.me()
    assert (refused.value.code, refused.value.retry_after_s) == ("quota_exceeded", 3600)
    assert len(told) == 1


def test_a_refusal_has_what_the_api_says_of_it(api, client):
    errors = [{"pointer": "/body/limits/requests", "message": "must be above 0"}]
    api.on("POST", "/v1/jobs", problem(422, "unprocessable", "the job cannot be made", errors=errors))
    with pytest.raises(ApiError) as caught:
        client.jobs.submit(recipe="shop")
    error = caught.value
    assert (error.status, error.code, error.request_id) == (422, "unprocessable", "r-1")
    assert (error.errors[0].pointer, error.errors[0].message) == ("/body/limits/requests", "must be above 0")
    assert str(error) == (
        f"POST {api.url}/v1/jobs: 422 unprocessable: the job cannot be made; /body/limits/requests: must be above 0"
        " (request r-1)"
    )
    api.on("POST", "/v1/jobs/j/pause", problem(409, "conflict", state="succeeded"))
    with pytest.raises(ApiError) as caught:
        client.jobs.pause("j")
    assert caught.value.state == "succeeded"


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        (Reply(status=500, body=b"<h1>oops</h1>"), "http_500", "Internal Server Error"),
        (Reply(status=500, body=["no", "problem"]), "http_500", "Internal Server Error"),
        (Reply(body=b"<html>welcome</html>"), "unreadable", "is this its address?"),
        (Reply(body={"id": 7}), "unreadable", "`$.id`"),
        (
            Reply(status=301, headers={"Location": "https://elsewhere.example/"}),
            "http_301",
            "https://elsewhere.example/",
        ),
    ],
)
def test_an_answer_of_something_else_is_an_error_too(api, client, reply, code, says):
    api.on("GET", "/v1/jobs/j", reply)
    with pytest.raises(ApiError) as caught:
        client.jobs.get("j")
    assert caught.value.code == code
    assert says in str(caught.value)
    assert len(api.requests) == 1


def test_a_date_may_say_when_to_come_again(api, new_client):
    reply = problem(503, "unavailable", headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})
    api.on("GET", "/v1/me", reply)
    with pytest.raises(ApiError) as caught:
        new_client().me()
    assert caught.value.retry_after_s > 1e9


def test_an_api_that_is_away_is_told_in_one_line(api, new_client):
    api.stop()
    with pytest.raises(ApiUnreachable, match=r"GET http://127\.0\.0\.1:\d+/v1/me: no answer: .*refused"):
        new_client(patience_s=0).me()


def test_the_key_is_sent_and_shown_nowhere(api, client, caplog):
    caplog.set_level(logging.DEBUG)
    api.on("GET", "/v1/me", problem(401, "invalid_key"))
    with pytest.raises(ApiError) as caught:
        client.me()
    assert api.requests[0].headers["authorization"] == f"Bearer {KEY}"
    shown = [repr(client), repr(vars(client)), repr(client.jobs), *traceback.format_exception(caught.value)]
    shown += [repr(vars(client._connection)), repr(client._connection._http.headers), caplog.text]
    assert not [text for text in shown if "Secret0" in text]


@pytest.mark.parametrize("key", ["", "Secret0 x", "Secret0\n", "Secret0\u00e9"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(api, key):
    with pytest.raises(ConfigError) as caught:
        Client(api.url, key)
    assert "Secret0" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "crawlery.example", "ftp://x", "http://", "http://u:Secret0@x", "http://x/?a=b", "http://x:port"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        Client(url, KEY)
    assert "Secret0" not in str(caught.value)


def test_an_address_may_have_a_path_and_a_slash_at_its_end(api):
    api.on("GET", "/crawl/v1/me", {"client": "shop"})
    with Client(f"{api.url}/crawl/", KEY) as client:
        assert client.me().client == "shop"


def test_this_machine_is_asked_directly_whatever_proxies_there_are(api, monkeypatch, new_client):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    api.on("GET", "/v1/me", {"client": "shop"})
    assert new_client(patience_s=0).me().client == "shop"


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *[("127.0.0.1", True), ("127.8.9.1", True), ("[::1]", True), ("localhost", True), ("LOCALHOST", True)],
        *[("127.example.com", False), ("127.0.0.1.example.com", False), ("localhost.example.com", False)],
        *[("10.0.0.1", False), ("[::2]", False), ("crawlery.example", False)],
    ],
)
def test_a_name_that_begins_like_an_address_of_this_machine_is_another_one(host, own):
    assert is_loopback(f"http://{host}:8080") is own

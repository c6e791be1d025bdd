"""Each operation of the control API as the client sends it, and what it makes of the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from stand_in_api import Reply, problem

from crawler.client import ApiError, ApiUnreachable, Limits, Quotas, events
from crawler.client.model import to_json
from crawler.errors import InvalidJob

AT = "2026-01-02T03:04:05.678Z"
TIME = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
JOB = {
    "id": "j",
    "client": "shop",
    "state": "running",
    "intended": None,
    "outcome": None,
    "why": "",
    "recipe": "goods",
    "recipe_sha256": "00",
    "spider": None,
    "inputs": {"site": "http://a"},
    "priority": "high",
    "max_workers": 2,
    "limits": {"requests": 5, "items": None},
    "tags": ["x"],
    "created_at": AT,
    "started_at": AT,
    "finishing_at": None,
    "finished_at": None,
    "progress": {
        "found": 9,
        "settled": 4,
        "rows": {"good": 3},
        "outcomes": {"ok": 4},
        "pages_per_s": 1.5,
        "eta_s": None,
        "a field of the future": 1,
    },
    "attempts": [{"node": "n", "worker": "n/1/s", "started_at": AT, "ended_at": None, "how": "running"}],
    "links": {"self": "/v1/jobs/j"},
    "a field of the future": {"x": [1]},
}
EVENT = b'id: %s\nevent: state\ndata: {"state":"%s","at":"' + AT.encode() + b'"}\n\n'
NEW_KEY = {"id": "k", "key": "ck_live_Secret0", "client": "shop", "scopes": ["jobs:read"], "created_at": AT}


def test_a_job_is_submitted_with_what_was_given_and_nothing_else(api, client):
    api.on("POST", "/v1/jobs", Reply(status=201, body={"id": "j", "state": "queued", "created_at": AT}))
    accepted = client.jobs.submit(recipe="goods")
    assert api.requests[0].json() == {"recipe": "goods"}
    assert (accepted.id, accepted.created_at, accepted.is_replayed) == ("j", TIME, False)
    client.jobs.submit(
        recipe_text="name: x",
        inputs={"n": 1},
        priority="high",
        max_workers=3,
        limits=Limits(requests=5, duration_s=2.5),
        tags=["a", "b"],
        idempotency_key="monday",
    )
    assert api.requests[1].json() == {
        "recipe_text": "name: x",
        "inputs": {"n": 1},
        "priority": "high",
        "max_workers": 3,
        "limits": {"requests": 5, "duration_s": 2.5},
        "tags": ["a", "b"],
    }
    assert api.requests[1].headers["idempotency-key"] == "monday"


def test_the_same_order_has_the_same_bytes(api, client):
    api.on("POST", "/v1/jobs", Reply(status=201, body={"id": "j"}))
    client.jobs.submit(recipe="goods", inputs={"a": 1, "b": {"c": 2, "d": 3}})
    client.jobs.submit(inputs={"b": {"d": 3, "c": 2}, "a": 1}, recipe="goods")
    assert api.requests[0].body == api.requests[1].body


def test_a_job_that_was_there_already_says_so(api, client):
    headers = {"Idempotent-Replayed": "true"}
    api.on("POST", "/v1/jobs", Reply(status=201, body={"id": "j", "state": "queued"}, headers=headers))
    assert client.jobs.submit(recipe="goods", idempotency_key="monday").is_replayed


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"recipe": "x", "recipe_text": "y"},
        {"recipe": "x", "idempotency_key": ""},
        {"recipe": "x", "idempotency_key": "a\nb"},
        {"recipe": "x", "idempotency_key": "a" * 129},
    ],
)
def test_an_order_that_cannot_be_sent_is_refused(api, client, order):
    with pytest.raises(InvalidJob):
        client.jobs.submit(**order)
    assert not api.requests


def test_a_job_arrives_typed_and_what_is_not_known_is_passed_over(api, client):
    api.on("GET", "/v1/jobs/j", JOB)
    job = client.jobs.get("j")
    assert (job.created_at, job.limits, job.tags) == (TIME, Limits(requests=5), ("x",))
    assert (job.progress.found, job.progress.rows, job.attempts[0].how) == (9, {"good": 3}, "running")
    assert not job.has_ended
    assert f'"created_at":"{AT}"'.encode() in to_json(job)
    with pytest.raises(AttributeError):
        job.state = "failed"


def test_lists_are_asked_with_their_filters_and_read_to_their_end(api, client):
    api.on("GET", "/v1/jobs", {"jobs": [JOB], "next": "c1"}, {"jobs": [], "next": "c2"}, {"jobs": [JOB], "next": None})
    assert len(list(client.jobs.iterate(state=["running", "paused"], tag="x", created_after=TIME, limit=1))) == 2
    filters = {"state": ["running", "paused"], "tag": ["x"], "created_after": [AT], "limit": ["1"]}
    queries = [each.query for each in api.requests]
    assert queries == [filters, {**filters, "cursor": ["c1"]}, {**filters, "cursor": ["c2"]}]


@pytest.mark.parametrize("step", ["pause", "resume", "cancel"])
def test_a_job_is_steered_again_when_the_answer_is_lost(api, client, step):
    job = {name: value for name, value in JOB.items() if name not in ("progress", "attempts")}
    api.on("POST", f"/v1/jobs/j/{step}", Reply(is_dropped=True), job)
    assert getattr(client.jobs, step)("j").progress is None
    assert len(api.requests) == 2


def test_a_job_is_followed_to_its_end_over_an_api_that_is_away(api, new_client):
    ended = {**JOB, "state": "succeeded", "outcome": "complete"}
    api.on("GET", "/v1/jobs/j", JOB, Reply(is_dropped=True), JOB, ended)
    seen = list(new_client(patience_s=0).jobs.follow("j", every_s=0.01))
    assert [job.state for job in seen] == ["running", "running", "succeeded"]
    api.on("GET", "/v1/jobs/j", Reply(is_dropped=True))
    with pytest.raises(ApiUnreachable):
        list(new_client(patience_s=0).jobs.follow("j", every_s=0.01, patience_s=0.05))


def test_events_go_on_behind_the_last_one_until_the_job_has_ended(api, new_client):
    full = problem(503, "unavailable", headers={"Retry-After": "0"})
    progress = b'id: 2-5\nevent: progress\ndata: {"state":"running","why":"w","progress":{"found":3},"new":1}\n\n'
    first = b"retry: 10\n\n" + EVENT % (b"2-5", b"running") + b": still there\n\nevent: new\ndata: ?\n\n" + progress
    cut = EVENT % (b"3-6", b"finishing") + b"id: 4-7\nevent: st"
    streams = [Reply(body=each) for each in (first, cut)] + [Reply(is_dropped=True), full]
    api.on("GET", "/v1/jobs/j/events", *streams, Reply(body=EVENT % (b"4-7", b"succeeded")))
    seen = list(new_client(patience_s=0).jobs.events("j", after="1-1"))
    assert [(event.kind, event.state, event.id) for event in seen] == [
        ("state", "running", "2-5"),
        ("progress", "running", "2-5"),
        ("state", "finishing", "3-6"),
        ("state", "succeeded", "4-7"),
    ]
    assert (seen[0].at, seen[1].why, seen[1].progress.found) == (TIME, "w", 3)
    asked = [each.headers["last-event-id"] for each in api.asked("GET", "/v1/jobs/j/events")]
    assert asked == ["1-1", "2-5", "3-6", "3-6", "3-6"]
    api.on("GET", "/v1/jobs/j/events", Reply(status=204))
    assert list(new_client().jobs.events("j", after="4-7")) == []


def test_events_of_a_job_that_is_not_there_are_refused_and_an_api_that_is_away_is_waited_for(api, new_client):
    with pytest.raises(ApiError) as refused:
        list(new_client().jobs.events("nobodys"))
    assert refused.value.code == "not_found"
    for reply in (Reply(is_dropped=True), Reply(body=b"event: state\ndata: <html>\n\n")):
        api.on("GET", "/v1/jobs/j/events", reply)
        with pytest.raises(ApiUnreachable):
            list(new_client().jobs.events("j", patience_s=0))


def test_a_job_is_followed_by_its_events_where_the_api_has_them(api, new_client):
    ended = {**JOB, "state": "succeeded", "outcome": "complete"}
    states = (b"paused", b"running", b"succeeded")
    api.on("GET", "/v1/jobs/j", JOB, ended)
    api.on("GET", "/v1/jobs/j/events", Reply(body=b"".join(EVENT % (b"2-5", each) for each in states)))
    assert [job.state for job in new_client().jobs.follow("j")] == ["running", "paused", "running", "succeeded"]
    assert [each.path for each in api.requests] == ["/v1/jobs/j", "/v1/jobs/j/events", "/v1/jobs/j"]


def test_the_last_that_is_told_of_a_job_is_what_it_has_come_to_and_who_works_on_it_is_told_meanwhile(
    api, new_client, monkeypatch
):
    monkeypatch.setattr(events, "_ASK_S", 0.0)
    progress = b'event: progress\ndata: {"state":"%s","why":"","progress":{"found":3}}\n\n'
    working = {**JOB, "attempts": [{"node": "n", "worker": "n-1", "how": "running"}]}
    ended = {**working, "state": "succeeded", "outcome": "complete"}
    api.on("GET", "/v1/jobs/j", JOB, working, ended)
    body = EVENT % (b"2-5", b"paused") + progress % b"succeeded" + EVENT % (b"3-6", b"succeeded")
    api.on("GET", "/v1/jobs/j/events", Reply(body=body))
    first, told, last = new_client().jobs.follow("j")
    assert [[each.worker for each in job.attempts] for job in (first, told)] == [["n/1/s"], ["n-1"]]
    assert (last.state, last.outcome) == ("succeeded", "complete")


def test_a_job_is_asked_for_where_there_are_no_events_of_it(api, new_client, monkeypatch):
    monkeypatch.setattr(events, "EVERY_S", 0.01)
    ended = {**JOB, "state": "succeeded"}
    api.on("GET", "/v1/jobs/j", JOB, JOB, JOB, ended)
    assert [job.state for job in new_client().jobs.follow("j", every_s=0.01)] == [*["running"] * 3, "succeeded"]
    assert len(api.asked("GET", "/v1/jobs/j/events")) == 1, "an older API does not know them"
    api.on("GET", "/v1/jobs/j", JOB, JOB, ended)
    api.on("GET", "/v1/jobs/j/events", problem(503, "unavailable", headers={"Retry-After": "30"}))
    assert len(list(new_client().jobs.follow("j", every_s=0.01))) == 3


@pytest.mark.parametrize(
    ("call", "method", "path", "body", "answer"),
    [
        (
            lambda c: c.jobs.failures("j"),
            "GET",
            "/v1/jobs/j/failures",
            None,
            {"outcomes": {}, "failures": [], "total": 0},
        ),
        (lambda c: c.results.get("j"), "GET", "/v1/jobs/j/results", None, {"job": "j", "final": False, "segments": []}),
        (lambda c: c.recipes.list(), "GET", "/v1/recipes", None, {"recipes": [{"name": "shop"}]}),
        (lambda c: c.recipes.get("shop"), "GET", "/v1/recipes/shop", None, {"name": "shop", "text": "x", "inputs": {}}),
        (
            lambda c: c.recipes.diff("goods", "1.0.0", "1.1.0"),
            *("GET", "/v1/recipes/goods/diff", None),
            {"old": {"version": "1.0.0"}, "new": {"version": "1.1.0"}, "same": True, "pages": 3},
        ),
        (
            lambda c: c.recipes.validate("name: x", inputs={"n": 1}),
            *("POST", "/v1/recipes/validate"),
            {"recipe_text": "name: x", "inputs": {"n": 1}},
            {
                "valid": False,
                "problems": ["1:1: no"],
                "input_problems": [{"pointer": "/body/inputs/n", "message": "no"}],
            },
        ),
        (
            lambda c: c.recipes.preview("http://a/p", recipe="shop", page="p", inputs={"n": 1}),
            *("POST", "/v1/recipes/preview"),
            {"url": "http://a/p", "recipe": "shop", "page": "p", "inputs": {"n": 1}},
            {"page": "p", "url": "http://a/p", "rows": [{"x": 1}], "rows_found": 1},
        ),
        (lambda c: c.nodes(), "GET", "/v1/nodes", None, {"nodes": [{"name": "n", "slots": 2}]}),
        (lambda c: c.me(), "GET", "/v1/me", None, {"client": "shop", "quotas": {"running_jobs": 1}, "usage": {}}),
        (lambda c: c.ready(), "GET", "/v1/ready", None, {"ready": True, "parts": [{"name": "store", "state": "ok"}]}),
        (lambda c: c.clients.list(), "GET", "/v1/clients", None, {"clients": [{"id": "shop"}]}),
        (lambda c: c.clients.get("shop"), "GET", "/v1/clients/shop", None, {"id": "shop"}),
        (
            lambda c: c.clients.create("shop", name="Shop", quotas=Quotas(jobs_per_day=3), rate_limit="5/minute"),
            *("POST", "/v1/clients"),
            {"id": "shop", "name": "Shop", "quotas": {"jobs_per_day": 3}, "rate_limit": "5/minute"},
            {"id": "shop"},
        ),
        (
            lambda c: c.clients.update("shop", disabled=True, rate_limit="", quotas={"jobs_per_day": None}),
            *("PATCH", "/v1/clients/shop"),
            {"disabled": True, "rate_limit": "", "quotas": {"jobs_per_day": None}},
            {"id": "shop", "disabled": True},
        ),
        (lambda c: c.keys.list(client="shop"), "GET", "/v1/keys", None, {"keys": [{"id": "k"}]}),
        (lambda c: c.keys.get("k"), "GET", "/v1/keys/k", None, {"id": "k"}),
        (
            lambda c: c.keys.create("shop", scopes=["jobs:read"], note="ci", expires_at=TIME),
            *("POST", "/v1/keys"),
            {"client": "shop", "scopes": ["jobs:read"], "note": "ci", "expires_at": AT},
            NEW_KEY,
        ),
        (lambda c: c.keys.revoke("k"), "POST", "/v1/keys/k/revoke", None, {"id": "k", "revoked_at": AT}),
        (lambda c: c.keys.rotate("k", grace_s=0), "POST", "/v1/keys/k/rotate", {"grace_s": 0}, NEW_KEY),
    ],
)
def test_every_operation_is_sent_as_the_api_takes_it(api, client, call, method, path, body, answer):  # noqa: PLR0917 - one for each column of the table
    api.on(method, path, answer)
    assert call(client) is not None
    (asked,) = api.requests
    assert (asked.method, asked.path) == (method, path)
    assert (asked.json() if asked.body else None) == body


def test_a_new_key_is_not_in_its_repr(api, client):
    api.on("POST", "/v1/keys/k/rotate", Reply(status=201, body=NEW_KEY))
    made = client.keys.rotate("k")
    assert made.key == "ck_live_Secret0"
    assert "Secret0" not in repr(made)


def test_an_id_leads_nowhere_else(api, client):
    api.on("GET", "/v1/jobs/a%2F..%2Fb%3Fx", JOB)
    assert client.jobs.get("a/../b?x").id == "j"
    for none in ("", ".", ".."):
        with pytest.raises(InvalidJob):
            client.jobs.get(none)


def test_links_last_for_as_long_as_they_are_asked_to(api, client):
    api.on("GET", "/v1/jobs/j/results", {"job": "j"})
    client.results.get("j", expires_s=60)
    assert api.requests[0].query == {"expires_s": ["60"]}

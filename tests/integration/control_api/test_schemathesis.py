"""Every call of the API, called by its own description: with what it allows, and with what it does not.

Nobody, a client and an administrator call an API of their own. `make test` runs a slice, `make fuzz-api` five minutes.
"""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from functools import partial

import httpx
import pytest
from api_people import in_store, new_people
from recipe_pushes import goods
from schema_runs import EXCUSED, NOBODY_LISTENS, PREVIEW, run_by_description

from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore

#: Phases of schemathesis, and examples for each call, in the slice. Between them all checks and all calls have a turn.
SLICES = {
    "nobody": (("fuzzing",), 1),
    "alice": (("examples", "fuzzing"), 5),
    "root": (("examples", "coverage"), 1),
}

#: Seconds of the campaign for each of them.
CAMPAIGN_S = 100

#: What an administrator's calls must have come to at least once: else a run has tested nothing but refusals.
REACHED = {
    ("POST /v1/jobs", 201),
    ("GET /v1/jobs", 200),
    ("GET /v1/jobs/{job_id}", 200),
    ("POST /v1/jobs/{job_id}/cancel", 200),
    ("GET /v1/jobs/{job_id}/events", 200),
    ("GET /v1/recipes", 200),
    ("GET /v1/nodes", 200),
    ("POST /v1/clients", 201),
    ("PATCH /v1/clients/{client_id}", 200),
    ("GET /v1/keys", 200),
    ("POST /v1/keys/{key_id}/revoke", 200),
    ("GET /v1/me", 200),
}


@pytest.fixture
def call_by_description(valkey, new_process, request):
    """Calls an API with some jobs in it, as one of `SLICES`."""
    people = new_people(valkey.url)
    key = getattr(people, request.param, "")
    url = new_process(API_FAILURE_LIMIT="100000/second", METRICS_TOKEN="token-of-metrics").url
    known = {
        "job_id": [new_job(url, people.alice, then) for then in ("", "pause", "cancel")],
        "ended_job": [ended_job(valkey.url, new_job(url, people.alice, ""))],
        "client_id": ["alice", "bob"],
        "key_id": [people.bob.split("_")[2]],
        "name": ["shop"],
    }
    yield partial(run_by_description, url, key=key, known=known, spared={"root", people.root.split("_")[2]})
    if key:  # it was not taken from the caller: the run has had its rights to the end
        assert httpx.get(f"{url}/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def new_job(url, key, then):
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        job = client.post("/v1/jobs", json={"recipe": "shop"}).raise_for_status().json()["id"]
        if then:
            client.post(f"/v1/jobs/{job}/{then}").raise_for_status()
    return job


def ended_job(url, job):
    async def ask(_access, store):
        await RedisJobStore(store).move(job, State.FINISHING, intended=Intended.SUCCEED)
        await RedisJobStore(store).move(job, State.SUCCEEDED, outcome=Outcome.COMPLETE)

    in_store(url, ask)
    return job


@pytest.mark.parametrize("call_by_description", SLICES, indirect=True)
def test_the_api_does_what_its_description_says(call_by_description, request, pytestconfig):
    who = request.node.callspec.params["call_by_description"]
    phases, examples = SLICES[who]
    found = call_by_description(seed=pytestconfig.getoption("--api-seed"), examples=examples, phases=phases)
    assert not found.failures, found.report()
    if who == "root":
        assert set(found.answers) >= REACHED
    assert found.checks["ignored_auth"] > 0


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("call_by_description", SLICES, indirect=True)
def test_the_api_does_what_its_description_says_at_length(call_by_description, request, pytestconfig, show):
    who = request.node.callspec.params["call_by_description"]
    seed = pytestconfig.getoption("--api-seed")
    until = time.monotonic() + CAMPAIGN_S
    found = call_by_description(seed=seed, examples=5, phases=("examples", "coverage"))
    while time.monotonic() < until and not found.failures:
        seed += 1
        found += call_by_description(seed=seed, examples=30, phases=("fuzzing", "stateful"))
    show(f"{who}: {found.calls:,} calls, {found.checks.total():,} checks, seeds up to {seed}")
    show(*(f"  {count:6} {call} {status}" for (call, status), count in sorted(found.answers.items())))
    show(*(f"  {count:6} excused: {excuse.call} {excuse.pointer}" for excuse, count in found.excused.items()))
    assert not found.failures, f"seed {seed}: {found.report()}"


def test_each_excuse_is_needed(new_api, people):
    site = "https://shop.example/"
    over = "2020-01-01T00:00:00Z"
    excused = {
        ("POST /v1/jobs", "/body/recipe"): {"json": {"recipe": "nobody-has-this"}},
        ("POST /v1/jobs", "/body/recipe_text"): {"json": {"recipe_text": "no recipe"}},
        ("POST /v1/jobs", "/body/inputs/[a-z]*"): {"json": {"recipe": "shop", "inputs": {"color": "red"}}},
        ("POST /v1/jobs", "/body/inputs/*"): {"json": {"recipe": "shop", "inputs": {"a": [2**64]}}},
        ("POST /api/scrape/init", "/body/siteUrl"): {"json": {"recipe": "shop", "siteUrl": "http://a:99999/"}},
        ("POST /api/scrape/init", "/body/options/categories"): {
            "json": {"recipe": "shop", "siteUrl": site, "options": {"categories": ["lamps"]}}
        },
        ("POST /v1/recipes/validate", "/body/inputs/*"): {"json": {"recipe_text": "x", "inputs": {"a": [2**64]}}},
        ("GET /v1/recipes/{name}/diff", "/query/*"): {"query_string": {"from": "1.0.0", "to": "9.0.0"}},
        ("PUT /v1/recipes/{name}", "/body"): {"data": "no recipe", "content_type": "application/yaml"},
        **{
            (PREVIEW, f"/body/{at}"): {"json": {"recipe": "shop", "url": site, "body": "<p>none", **wrong}}
            for at, wrong in {
                "recipe": {"recipe": "nobody-has-this"},
                "recipe_text": {"recipe": None, "recipe_text": "no recipe"},
                "inputs": {"inputs": {"color": "red"}},
                "inputs/*": {"inputs": {"a": [2**64]}},
                "page": {"page": "nobody-has-this"},
                "url": {"page": "home", "url": NOBODY_LISTENS, "body": None},
                "body": {"page": "home", "body": "<b>" * 5_000},
            }.items()
        },
        ("GET /v1/jobs", "/query/cursor"): {"query_string": {"cursor": "abc"}},
        ("GET /v1/audit", "/query/cursor"): {"query_string": {"cursor": "abc"}},
        ("GET /v1/jobs/{job_id}/logs", "/query/before"): {"query_string": {"before": "abc"}},
        ("GET /v1/jobs/{job_id}/logs", "/query/after"): {"query_string": {"after": "abc"}},
        ("POST /v1/keys", "/body/client"): {"json": {"client": "nobody", "scopes": ["admin"]}},
        ("POST /v1/keys", "/body/expires_at"): {"json": {"client": "alice", "scopes": ["admin"], "expires_at": over}},
    }
    api = new_api()
    job = api.post("/v1/jobs", key=people.root, json={"recipe": "shop"}).json["id"]
    api("PUT", "/v1/recipes/goods", key=people.root, data=goods(), content_type="application/yaml")
    for excuse in EXCUSED:
        given = excused.pop((excuse.call, excuse.pointer))
        if excuse.call == PREVIEW:
            given = {"json": {name: value for name, value in given["json"].items() if value is not None}}
        call = excuse.call.replace("{job_id}", job).replace("{name}", "goods")
        answer = api(*call.split(), key=people.root, **given)
        assert answer.status_code == excuse.status, answer.text
        wrong = answer.json.get("errors") or answer.json["error"]["details"]
        assert fnmatchcase(wrong[0]["pointer"], excuse.pointer)
        assert len(wrong) == 1
    assert not excused

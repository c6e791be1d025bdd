"""When a key is free again, and what a submission leaves behind."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time

import pytest
from api_people import in_store, new_key

from control_api import gate
from control_api.jobs import submit
from control_api.problems import MAX_ERRORS
from control_api.services import EXTENSION
from crawler.access.model import Quotas, Scope
from crawler.exports.intents import read_intent
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import Manifest, publish
from crawler.frontier.contract import FrontierRequest, PageCommit
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Intended, Job, Outcome, State
from crawler.jobs.redis import RedisJobStore
from crawler.recipe.apart import TOO_COSTLY

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}
KEY = {"Idempotency-Key": "monday"}


def ended(valkey, job):
    """Ends a job in the store, as a steward does."""

    async def end(_access, store):
        jobs = RedisJobStore(store)
        await jobs.intend(job, Intended.SUCCEED)
        await jobs.move(job, State.FINISHING)
        await jobs.move(job, State.SUCCEEDED, outcome=Outcome.COMPLETE)

    in_store(valkey.url, end)


def forgotten(api, valkey, job, *, created_ms=1):
    """The job has a manifest, made long ago, and has left the store."""
    objects = api.app.extensions[EXTENSION].objects
    keys = JobKeys("alice", job)
    publish(
        objects,
        keys,
        Manifest(job=job, client="alice", state=State.SUCCEEDED, outcome=Outcome.COMPLETE, created_ms=created_ms),
    )

    async def forget(_access, store):
        await RedisJobStore(store).delete(job)

    in_store(valkey.url, forget)


def submitted(api, people):
    answer = api.post("/v1/jobs", key=people.alice, json=ORDER, headers=KEY)
    assert answer.status_code == 201, answer.text
    return answer.json["id"], answer.headers.get("Idempotent-Replayed") == "true"


def test_a_key_belongs_to_its_job_for_a_day_and_as_long_as_that_has_not_ended(api, people, valkey, monkeypatch):
    first, _ = submitted(api, people)
    monkeypatch.setattr(submit, "KEY_LIFE_MS", -1)  # a day has passed
    assert submitted(api, people) == (first, True)
    ended(valkey, first)
    second, replayed = submitted(api, people)
    assert (second != first, replayed) == (True, False)
    assert submitted(api, people) == (second, True)


def test_a_job_that_has_left_the_store_is_not_made_again(api, people, valkey):
    made = []
    for _ in range(3):
        job, replayed = submitted(api, people)
        assert not replayed
        made.append(job)
        ended(valkey, job)
        forgotten(api, valkey, job)
    assert len(set(made)) == 3


def test_an_intent_is_what_the_job_is_made_of(api, people):
    job, _ = submitted(api, people)
    services = api.app.extensions[EXTENSION]
    intent = read_intent(services.objects, job)
    stored = services.store.ask(lambda store: RedisJobStore(store).get(job), within_s=5)
    assert (intent.secret, intent.created_ms) == (stored.job.secret, stored.job.created_ms)


@pytest.mark.parametrize(
    ("quotas", "allowed", "quota"),
    [
        (Quotas(running_jobs=2), 2, "running_jobs"),
        (Quotas(jobs_per_day=3), 3, "jobs_per_day"),
        (Quotas(requests_per_day=0), 0, "requests_per_day"),
    ],
)
def test_a_quota_that_is_used_up_says_which_and_a_replay_costs_none(api, valkey, quotas, allowed, quota):
    carol = new_key(valkey.url, "carol", quotas=quotas)
    for number in range(allowed):
        headers = {"Idempotency-Key": str(number)}
        assert api.post("/v1/jobs", key=carol, json=ORDER, headers=headers).status_code == 201
    refused = api.post("/v1/jobs", key=carol, json=ORDER)
    assert (refused.status_code, refused.json["code"], refused.json["quota"]) == (429, "quota_exceeded", quota)
    assert int(refused.headers["Retry-After"]) >= 1
    for number in range(allowed):
        headers = {"Idempotency-Key": str(number)}
        assert api.post("/v1/jobs", key=carol, json=ORDER, headers=headers).headers["Idempotent-Replayed"] == "true"


def test_a_job_that_ends_makes_room_for_another(api, valkey):
    carol = new_key(valkey.url, "carol", quotas=Quotas(running_jobs=1))
    first = api.post("/v1/jobs", key=carol, json=ORDER).json["id"]
    assert api.post("/v1/jobs", key=carol, json=ORDER).status_code == 429
    ended(valkey, first)
    assert api.post("/v1/jobs", key=carol, json=ORDER).status_code == 201
    assert api.get("/v1/me", key=carol).json["usage"] == {"running_jobs": 1, "jobs_today": 2}


def test_simultaneous_submissions_keep_to_a_quota(api, valkey):
    carol = new_key(valkey.url, "carol", quotas=Quotas(jobs_per_day=5))

    async def all_at_once():
        def one():
            return api.post("/v1/jobs", key=carol, json=ORDER).status_code

        return await asyncio.gather(*(asyncio.to_thread(one) for _ in range(12)))

    assert sorted(asyncio.run(all_at_once())) == [201] * 5 + [429] * 7


def test_a_recipe_as_text_needs_its_scope_and_the_version_of_a_named_one_may_be_asked_for(api, people, valkey):
    text = (api.app.extensions[EXTENSION].recipes.get("shop")).resolved
    body = {"recipe_text": text, "inputs": ORDER["inputs"]}
    made = api.post("/v1/jobs", key=people.alice, json=body)
    assert (made.status_code, made.json["recipe"]) == (201, "shop")
    narrow = new_key(valkey.url, "alice", {Scope.JOBS_WRITE})
    refused = api.post("/v1/jobs", key=narrow, json=body)
    assert (refused.status_code, refused.json["scope"]) == (403, "recipes:inline")
    assert api.post("/v1/jobs", key=narrow, json=ORDER | {"recipe": "shop@1.0.0"}).status_code == 201
    other = api.post("/v1/jobs", key=narrow, json=ORDER | {"recipe": "shop@9"})
    assert (other.status_code, other.json["errors"][0]["pointer"]) == (422, "/body/recipe")


def test_every_job_of_the_day_counts_against_the_pages_of_the_day(api, valkey):
    """Also one that a thousand others came behind."""
    carol = new_key(valkey.url, "carol", quotas=Quotas(requests_per_day=1))
    first = api.post("/v1/jobs", key=carol, json=ORDER).json["id"]

    async def crawl_and_count(access, store):
        frontier = RedisFrontier(store, job=first)
        await settled_page(frontier)
        client, jobs = await access.client("carol"), RedisJobStore(store)
        later = (Job(id=f"later{number}", client="carol", spider="s", secret=b"x" * 16) for number in range(1_001))
        await asyncio.gather(*(call for job in later for call in (jobs.create(job), access.count_job(client, job.id))))

    in_store(valkey.url, crawl_and_count)
    refused = api.post("/v1/jobs", key=carol, json=ORDER)
    assert (refused.status_code, refused.json.get("quota")) == (429, "requests_per_day")


async def settled_page(frontier, outcome="ok", **more):
    """One page, found, fetched and settled."""
    await frontier.enqueue([FrontierRequest(id=1, host="shop.test", body=b"x")])
    (lease,) = (await frontier.lease(worker="w", call=1, limit=1, ttl_s=60)).leases
    await frontier.commit([PageCommit(lease=lease, outcome=outcome, **more)])


def test_what_is_asked_for_again_and_again_reads_no_list_of_failures(api, people, valkey):
    """It may have ten thousand entries; `GET /v1/jobs/ID/failures` is for those who want it."""
    job = api.post("/v1/jobs", key=people.alice, json=ORDER).json["id"]

    async def fail(_access, store):
        await settled_page(RedisFrontier(store, job=job), "http_404", url="http://shop.test/", reason="gone")

    async def lists_read(_access, store):
        told = (await store.command("INFO", "commandstats")).decode()
        found = re.search(r"cmdstat_xrange:calls=(\d+)", told)
        return int(found[1]) if found else 0

    in_store(valkey.url, fail)
    before = in_store(valkey.url, lists_read)
    assert api.get(f"/v1/jobs/{job}", key=people.alice).json["progress"]["failed"] == 1
    assert api.get(f"/api/scrape/status/{job}", key=people.alice).json["data"]["processed"] == 1
    assert in_store(valkey.url, lists_read) == before
    named = [
        len(api.get(f"/v1/jobs/{job}/failures?{query}", key=people.alice).json["failures"])
        for query in ("", "outcome=http_404", "outcome=timeout", "cursor=999999999999999-999999999")
    ]
    assert named == [1, 1, 0, 0]


class SlowBody(io.BytesIO):
    """Comes in pieces, with pauses."""

    def readinto(self, buffer):
        time.sleep(0.1)
        return super().readinto(memoryview(buffer)[:20])


def test_a_body_that_comes_slowly_costs_nothing_of_the_patience_with_the_store(api, people, monkeypatch):
    monkeypatch.setattr(gate, "PATIENCE_S", 0.4)
    body = json.dumps(ORDER).encode() + b" " * 60
    answer = api.post(
        "/v1/jobs",
        key=people.alice,
        input_stream=SlowBody(body),
        headers={"Content-Length": str(len(body)), "Content-Type": "application/json"},
    )
    assert answer.status_code == 201, answer.text


BOMB = """\
schema_version: 1
name: x
version: 1.0.0
allowed_domains: [shop.test]
inputs: {a: {type: string}}
start:
  - {urls: "https://shop.test/%s", page: page}
pages: {page: {follow: [{links: a, page: page}]}}
""" % ("{{ inputs.a }}" * 5_000)


def test_a_recipe_as_text_that_asks_for_gigabytes_is_refused_and_the_api_goes_on(api, people):
    body = {"recipe_text": BOMB, "inputs": {"a": "x" * 900_000}}
    refused = api.post("/v1/jobs", key=people.alice, json=body)
    assert (refused.status_code, refused.json["errors"]) == (
        422,
        [{"pointer": "/body/recipe_text", "message": TOO_COSTLY}],
    )
    assert submitted(api, people)


def test_of_very_many_wrong_inputs_some_are_named(api, people):
    body = {"recipe": "shop", "inputs": {f"i{number}": 1 for number in range(20_000)}}
    refused = api.post("/v1/jobs", key=people.alice, json=body)
    assert (refused.status_code, len(refused.json["errors"])) == (422, MAX_ERRORS)


def test_a_job_that_a_store_has_lost_is_not_made_twice_while_its_key_lives(api, people, valkey):
    job, _ = submitted(api, people)
    ended(valkey, job)
    forgotten(api, valkey, job, created_ms=time.time_ns() // 1_000_000)
    refused = api.post("/v1/jobs", key=people.alice, json=ORDER, headers=KEY)
    assert (refused.status_code, refused.json["code"]) == (409, "idempotency_conflict")
    assert job in refused.json["detail"]
    assert api.get(f"/v1/jobs/{job}/results", key=people.alice).json["final"]
    assert api.get("/v1/jobs", key=people.alice).json["jobs"] == []

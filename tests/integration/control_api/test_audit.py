"""The audit over HTTP: who has done what through the API, and whether anybody has touched what was noted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import redis
from api_people import AUDIT_KEY
from api_results import Work
from goods_recipe import RECIPE

from control_api.services import EXTENSION
from crawler.jobs.redis import RedisJobStore
from crawler.steward.audit import Audit
from crawler.steward.ground import Ground, StewardSettings
from crawler.store import Store, connect

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}
HERE = "r-of-this-test"


@pytest.fixture
def do(api):
    """A call that must succeed, under the request id `HERE`."""

    def call(method, path, key, **given):
        answer = api(method, path, key=key, headers={"X-Request-Id": HERE}, **given)
        assert answer.status_code < 300, answer.json
        return answer.json

    return call


@pytest.fixture
def sealing(api, valkey):
    """What a steward does that ends: seals all, and leaves an anchor."""
    objects = api.app.extensions[EXTENSION].objects

    async def seal() -> None:
        store = Store(connect({"url": valkey.url}))
        settings = StewardSettings(audit_key=AUDIT_KEY.encode())
        await Audit(Ground(store=store, jobs=RedisJobStore(store), objects=objects, settings=settings)).end()
        await store.close()

    return lambda: asyncio.run(seal())


def listed(do, people, query="") -> list[dict]:
    return do("GET", f"/v1/audit{query}", people.root)["entries"]


def test_everything_that_changes_something_is_noted_with_its_caller(do, people):
    do("POST", "/v1/clients", people.root, json={"id": "carol", "name": "Carol"})
    do("PATCH", "/v1/clients/carol", people.root, json={"quotas": {"running_jobs": 3}})
    key = do("POST", "/v1/keys", people.root, json={"client": "carol", "scopes": ["jobs:read"]})["id"]
    new = do("POST", f"/v1/keys/{key}/rotate", people.root, json={})["id"]
    do("POST", f"/v1/keys/{key}/revoke", people.root)
    job = do("POST", "/v1/jobs", people.alice, json=ORDER)["id"]
    for step in ("pause", "pause", "cancel", "cancel"):
        do("POST", f"/v1/jobs/{job}/{step}", people.alice)
    old = do("POST", "/api/scrape/init", people.bob, json={"siteUrl": "http://127.0.0.1:9", "recipe": "shop"})
    do("POST", f"/api/scrape/cancel/{old['data']['jobId']}", people.bob)
    entries = [entry for entry in listed(do, people) if entry["request_id"] == HERE]
    assert [(entry["action"], entry["object"], entry["client"], entry["actor"]) for entry in reversed(entries)] == [
        ("client.created", "carol", "carol", "root"),
        ("client.changed", "carol", "carol", "root"),
        ("key.created", key, "carol", "root"),
        ("key.created", new, "carol", "root"),
        ("key.rotated", key, "carol", "root"),
        ("key.revoked", key, "carol", "root"),
        ("job.created", job, "alice", "alice"),
        ("job.paused", job, "alice", "alice"),
        ("job.cancelled", job, "alice", "alice"),
        ("job.created", old["data"]["jobId"], "bob", "bob"),
        ("job.cancelled", old["data"]["jobId"], "bob", "bob"),
    ]
    assert {(entry["by"], entry["source"]) for entry in entries} == {("api", "127.0.0.1")}
    assert {entry["key"] for entry in entries} == {key.split("_")[2] for key in (people.root, people.alice, people.bob)}
    changed = entries[-2]
    assert (changed["before"]["quotas"]["running_jobs"], changed["after"]["quotas"]["running_jobs"]) == (None, 3)


def test_what_is_refused_or_only_read_is_not_noted(api, do, people):
    before = listed(do, people)
    assert api.post("/v1/keys", key=people.alice, json={"client": "alice", "scopes": ["admin"]}).status_code == 403
    assert api.post("/v1/keys", key=people.root, json={"client": "nobody", "scopes": ["admin"]}).status_code == 422
    assert api.post("/v1/clients", key=people.root, json={"id": "alice"}).status_code == 409
    assert api.post("/v1/jobs/unknown/cancel", key=people.alice).status_code == 404
    for path in ("/v1/jobs", "/v1/keys", "/v1/clients", "/v1/audit", "/v1/me"):
        do("GET", path, people.root)
    assert listed(do, people) == before


def test_the_list_is_filtered_and_goes_on_page_by_page(api, do, people):
    jobs = [do("POST", "/v1/jobs", people.alice, json=ORDER)["id"] for _ in range(3)]
    do("POST", f"/v1/jobs/{jobs[0]}/cancel", people.root)
    assert [entry["object"] for entry in listed(do, people, "?action=job.created&client=alice")] == jobs[::-1]
    assert [entry["actor"] for entry in listed(do, people, "?action=job&client=root")] == ["root"]
    assert listed(do, people, "?action=job&client=bob") == []
    assert listed(do, people, "?after=2999-01-01T00:00:00Z") == []
    assert listed(do, people, "?before=1971-01-01T00:00:00Z") == []
    whole, seen, cursor = listed(do, people, "?limit=200"), [], ""
    for _ in range(len(whole)):
        page = do("GET", f"/v1/audit?limit=2{cursor}", people.root)
        seen += page["entries"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == whole
    assert cursor
    assert api.get(f"/v1/audit?action=job{cursor}", key=people.root).status_code == 400  # of another list
    assert api.get("/v1/audit?action=no%20action", key=people.root).status_code == 400


def test_an_untouched_audit_is_whole_and_an_edit_in_the_store_is_found(api, do, people, sealing, valkey):
    do("POST", "/v1/jobs", people.alice, json=ORDER)
    assert do("GET", "/v1/audit/verify", people.root)["sealed"] == 0
    sealing()
    report = do("GET", "/v1/audit/verify", people.root)
    assert report["whole"]
    assert report["sealed"] == report["anchored"] == len(listed(do, people))
    assert [entry["number"] for entry in listed(do, people)] == list(range(report["sealed"], 0, -1))
    with redis.Redis.from_url(valkey.url) as client:
        stream = "crawlery:{audit}:entries"
        (last, fields), *_ = client.xrevrange(stream, count=1)
        client.xdel(stream, last)
        newer = f"{int(last.split(b'-')[0]) + 1}-0"
        client.xadd(stream, {**fields, b"words": fields[b"words"].replace(b"alice", b"bobby")}, id=newer)
    report = do("GET", "/v1/audit/verify", people.root)
    assert [(each["kind"], each["first"]) for each in report["findings"]] == [("deleted", report["sealed"])]
    assert (report["whole"], report["unsealed"]) == (False, 1)


def test_links_are_noted_with_who_has_got_them_and_no_link_is_issued_that_is_not(api, do, people, valkey, tmp_path):
    objects = api.app.extensions[EXTENSION].objects
    job = do("POST", "/v1/jobs", people.alice, json={"recipe_text": RECIPE, "inputs": {"site": "http://127.0.0.1:9"}})[
        "id"
    ]
    do("GET", f"/v1/jobs/{job}/results", people.alice)
    assert listed(do, people, "?action=links") == []  # there was nothing yet
    work = Work(valkey.url, objects, tmp_path)
    work.crawl(job)
    work.finish(job)
    links = len(do("GET", f"/v1/jobs/{job}/results", people.alice)["files"])
    (entry,) = listed(do, people, "?action=links")
    assert (entry["object"], entry["client"], entry["actor"]) == (job, "alice", "alice")
    assert entry["after"]["links"] == links > 0


def test_an_entry_that_cannot_be_read_is_listed_as_one(do, people, valkey):
    with redis.Redis.from_url(valkey.url) as client:
        client.xadd("crawlery:{audit}:entries", {b"words": b"\xff", b"x": b"y"})
        client.xadd("crawlery:{audit}:entries", {b"words": b'{"v":1,"action":"a","before":[1]}'})
    entries = listed(do, people, "?limit=2")
    assert [(entry["action"], entry["before"]) for entry in entries] == [("a", None), ("unreadable", None)]


def test_an_api_without_the_key_says_who_can_verify(new_api, api_config, people):
    keyless = new_api(base=replace(api_config.base, audit_key=""))
    answer = keyless.get("/v1/audit/verify", key=people.root)
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")
    assert "crawlery audit verify" in answer.json["detail"]

"""The client on the control API itself, as processes on a real store."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from api_people import new_people
from api_process import ApiProcess
from real_api import FILE, RECIPE, end

from crawler.client import ApiError, Client, Limits, Quotas

SITE = {"site": "http://127.0.0.1:9"}


@pytest.fixture
def people(valkey):
    return new_people(valkey.url)


@pytest.fixture
def process(valkey, tmp_path):
    made = ApiProcess(
        tmp_path / "api", redis_url=valkey.url, storage={"STORAGE_URL": f"file://{tmp_path}/files"}, workers=2
    )
    made.start()
    yield made
    made.kill()


@pytest.fixture
def alice(process, people):
    with Client(process.url, people.alice) as made:
        yield made


@pytest.fixture
def root(process, people):
    with Client(process.url, people.root) as made:
        yield made


def test_the_way_of_a_job_through_the_client(alice, valkey, tmp_path):
    job = alice.jobs.submit(recipe_text=RECIPE, tags=["x"], priority="high", max_workers=3, limits=Limits(requests=9))
    seen = alice.jobs.get(job.id)
    assert (seen.client, seen.state, seen.recipe, seen.priority) == ("alice", "queued", "goods", "high")
    assert (seen.max_workers, seen.tags, seen.limits) == (3, ("x",), Limits(requests=9))
    assert abs(seen.created_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert [alice.jobs.pause(job.id).state for _ in range(2)] == ["paused", "paused"]
    assert alice.jobs.resume(job.id).state == "running"
    assert [each.id for each in alice.jobs.iterate(tag="x", state=["running"])] == [job.id]
    assert alice.results.get(job.id).final is False
    threading.Thread(target=end, args=(valkey.url, tmp_path, job.id)).start()
    *_, last = alice.jobs.follow(job.id, every_s=0.1)
    assert (last.state, last.outcome, last.progress.rows) == ("succeeded", "complete", {"good": 2})
    assert alice.jobs.failures(job.id).total == 0
    (path,) = alice.results.download(job.id, tmp_path / "downloads")
    assert path.read_text() == FILE
    with pytest.raises(ApiError) as refused:
        alice.jobs.pause(job.id)
    assert (refused.value.code, refused.value.state) == ("conflict", "succeeded")


def test_what_the_client_is_told_is_typed(alice, root):
    me = alice.me()
    assert (me.client, me.rate_limit) == ("alice", "100000/second")
    assert set(me.usage) == {"running_jobs", "jobs_today"}
    names = [recipe.name for recipe in alice.recipes.list()]
    assert "shop" in names
    shop = alice.recipes.get("shop")
    assert "site" in shop.inputs["properties"]
    assert shop.text
    assert root.nodes() == ()
    assert {part.name for part in alice.ready().parts} == {"store", "storage", "nodes"}


def test_keys_and_clients_are_made_changed_and_ended(root, process):
    made = root.clients.create("carol", name="Carol", quotas=Quotas(running_jobs=2), rate_limit="50/minute")
    assert (made.quotas, made.rate_limit) == (Quotas(running_jobs=2), "50/minute")
    assert root.clients.update("carol", quotas={"jobs_per_day": 7}).quotas == Quotas(running_jobs=2, jobs_per_day=7)
    assert root.clients.update("carol", quotas={"running_jobs": None}).quotas == Quotas(jobs_per_day=7)
    key = root.keys.create("carol", scopes=["jobs:read"], note="ci", expires_at=datetime.now(UTC) + timedelta(days=1))
    with Client(process.url, key.key) as carol:
        assert carol.me().scopes == ("jobs:read",)
        with pytest.raises(ApiError) as refused:
            carol.jobs.submit(recipe="shop", inputs=SITE)
        assert refused.value.code == "missing_scope"
    new = root.keys.rotate(key.id, grace_s=0)
    assert {each.id for each in root.keys.list(client="carol")} == {key.id, new.id}
    assert root.keys.revoke(new.id).revoked_at is not None
    with Client(process.url, new.key) as carol, pytest.raises(ApiError) as refused:
        carol.me()
    assert refused.value.code == "invalid_key"


def test_what_is_wrong_is_told_by_its_place(alice):
    for order, pointer in (
        ({"recipe": "shop", "inputs": {**SITE, "sites": 1}}, "/body/inputs/sites"),
        ({"recipe": "none"}, "/body/recipe"),
        ({"recipe": "shop", "inputs": SITE, "max_workers": 0}, "/body/max_workers"),
    ):
        with pytest.raises(ApiError) as refused:
            alice.jobs.submit(**order)
        assert refused.value.errors[0].pointer.startswith(pointer)
        assert refused.value.request_id


def test_submits_while_processes_are_replaced_and_killed_are_neither_lost_nor_doubled(process, people):
    numbers = range(40)
    killed = []

    def submit(number):
        if number == 30:
            process.replace_workers()
        if number in (9, 19):
            killed.extend(process.workers())
            for pid in process.workers():
                os.kill(pid, signal.SIGKILL)
        return client.jobs.submit(recipe="shop", inputs=SITE, idempotency_key=f"order-{number}").id

    with Client(process.url, people.alice, timeout_s=20, patience_s=90) as client:
        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(submit, numbers))
        assert killed
        assert len(set(ids)) == len(numbers)
        assert {client.jobs.get(job).id for job in ids} == set(ids)
        # One whose acceptance was cut short may be missing in the list until a steward has looked.
        assert {job.id for job in client.jobs.iterate()} <= set(ids)
        again = client.jobs.submit(recipe="shop", inputs=SITE, idempotency_key="order-0")
        assert (again.id, again.is_replayed) == (ids[0], True)

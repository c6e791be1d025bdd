"""Recipes of clients from the push to the rows: each client gets its own by a name, and nothing of another one's."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest
from recipe_pushes import PAGE, goods, stored_text

from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.objects_folder import FolderObjectStore
from crawler.sample_shop.httpd import HttpResponse, HttpServer


@pytest.fixture(scope="module")
def site():
    """Answers every address with `PAGE`."""
    started: Future = Future()

    async def serve():
        stop = asyncio.Event()
        answer = HttpResponse(body=PAGE, content_type="text/html")
        async with HttpServer(lambda _: answer) as server:
            started.set_result((server.url, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    url, loop, stop = started.result(timeout=30)
    yield url
    loop.call_soon_threadsafe(stop.set)
    thread.join(timeout=30)


def test_two_clients_with_recipes_of_one_name_get_the_rows_of_their_own(fleet, site):
    fleet.start_node()
    texts = {
        "alice": goods(css="h1", expect="Stool", item="alices_good"),
        "bob": goods(css="h2", expect="Low", item="bobs_good"),
    }
    jobs = {}
    for client, text in texts.items():
        key = getattr(fleet.people, client)
        assert fleet.push(key, text, {"good.html": PAGE}).status_code == 202
        assert fleet.judged(key)["state"] == "current"
    for client in texts:
        key = getattr(fleet.people, client)
        accepted = fleet.call("POST", "/v1/jobs", key, json={"recipe": "goods", "inputs": {"site": site}})
        assert accepted.status_code == 201, accepted.text
        jobs[client] = accepted.json()["id"]
    objects = FolderObjectStore(fleet.files)
    for client, rows in (("alice", "name\nStool\n"), ("bob", "name\nLow\n")):
        key, other = getattr(fleet.people, client), "bob" if client == "alice" else "alice"
        job = fleet.ended(key, jobs[client])
        assert (job["state"], job["outcome"], job["recipe"]) == ("succeeded", "complete", "goods")
        assert stored_text(fleet.redis_url, jobs[client]) == texts[client]
        (file,) = read_manifest(objects, JobKeys(client=client, job=jobs[client])).files
        assert objects.get(file.key).decode() == rows
        shown = fleet.call("GET", "/v1/recipes/goods", key)
        assert shown.json()["text"] == texts[client]
        assert list(shown.json()["items"]) == [f"{client}s_good"]
        assert f"{other}s_good" not in shown.text + fleet.call("GET", "/v1/recipes", key).text
        assert fleet.call("GET", f"/v1/jobs/{jobs[other]}", key).status_code == 404
    root = fleet.people.root
    assert fleet.call("GET", "/v1/recipes/goods", root).status_code == 404
    assert fleet.call("GET", "/v1/recipes/goods?client=bob", root).json()["text"] == texts["bob"]
    assert fleet.call("GET", "/v1/recipes/goods?client=bob", fleet.people.alice).status_code == 403


@pytest.mark.long
def test_jobs_get_the_version_that_they_name_else_the_highest_that_has_passed(fleet):
    key, pages = fleet.people.alice, {"good.html": PAGE}
    for version, css in (("2.0.0", "h1"), ("1.9.0", "body h1")):
        assert fleet.push(key, goods("many", version=version, css=css), pages, name="many").status_code == 202
        fleet.judged(key, name="many", version=version)
    assert fleet.push(key, goods("many", version="2.1.0", css="h2"), pages, name="many").status_code == 202
    assert fleet.judged(key, name="many", version="2.1.0")["state"] == "rejected"
    states = fleet.call("GET", "/v1/recipes/many/versions", key).json()["versions"]
    assert [(each["version"], each["state"]) for each in states] == [
        ("2.1.0", "rejected"), ("2.0.0", "current"), ("1.9.0", "passed"),
    ]  # fmt: skip
    for name, css in (("many", "h1"), ("many@2.0.0", "h1"), ("many@1.9.0", "body h1")):
        order = {"recipe": name, "inputs": {"site": "http://127.0.0.1:9"}}
        job = fleet.call("POST", "/v1/jobs", key, json=order).json()["id"]
        assert f"fields: {{name: {css}}}" in stored_text(fleet.redis_url, job)
    for name, why in (
        ("many@2.1.0", "version 2.1.0 of the recipe many is rejected"),
        ("many@3.0.0", "there is no recipe many"),
    ):
        order = {"recipe": name, "inputs": {"site": "http://127.0.0.1:9"}}
        refused = fleet.call("POST", "/v1/jobs", key, json=order)
        assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, why)

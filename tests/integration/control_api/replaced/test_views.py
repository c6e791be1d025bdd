"""Calls of the replaced system's clients, word by word."""

from __future__ import annotations

import io

import pytest
from api_people import new_key
from recipe_pushes import PAGE, check_all, goods, tar

from control_api.services import EXTENSION
from crawler.access.model import Scope
from crawler.jobs.redis import RedisJobStore

BODY = {"siteUrl": "https://shop.example/", "recipe": "shop"}


def stored(api, job):
    services = api.app.extensions[EXTENSION]
    return services.store.ask(lambda store: RedisJobStore(store).get(job), within_s=5)


def test_options_become_what_a_job_has_and_those_without_effect_are_named(api, people):
    options = {"maxProducts": 7, "retryOnFailure": True, "maxRetries": 2}
    answer = api.post("/api/scrape/init", key=people.alice, json=BODY | {"options": options})
    assert answer.status_code == 201
    assert answer.json["message"] == "Without effect, as recipes say it themselves: retryOnFailure, maxRetries."
    job = stored(api, answer.json["data"]["jobId"]).job
    assert (job.inputs, job.limits.items, job.client) == ({"site": "https://shop.example/"}, 7, "alice")


def test_a_submission_may_be_repeated_and_is_another_one_than_under_v1(api, people):
    headers = {"Idempotency-Key": "same"}
    body = BODY | {"options": {"maxRetries": 2}}
    first = api.post("/api/scrape/init", key=people.alice, json=body, headers=headers)
    again = api.post("/api/scrape/init", key=people.alice, json=body, headers=headers)
    other = api.post("/api/scrape/init", key=people.alice, json=BODY | {"recipe": "books"}, headers=headers)
    order = {"recipe": "shop", "inputs": {"site": "https://shop.example/"}}
    under_v1 = api.post("/v1/jobs", key=people.alice, json=order, headers=headers)
    assert (first.json["data"], first.json["message"]) == (again.json["data"], again.json["message"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert under_v1.json["id"] != first.json["data"]["jobId"]


@pytest.mark.parametrize(
    ("change", "expected", "where"),
    [
        ({"recipe": "shp"}, (404, "RECIPE_NOT_FOUND"), None),
        ({"siteUrl": "file:///etc/passwd"}, (400, "VALIDATION_ERROR"), "/body/siteUrl"),
        ({"options": {"categories": ["a"]}}, (422, "VALIDATION_ERROR"), "/body/options/categories"),
        ({"options": {"maxProducts": 0}}, (400, "VALIDATION_ERROR"), "/body/options/maxProducts"),
        ({"options": {"speed": 1}}, (400, "VALIDATION_ERROR"), "/body/options/speed"),
    ],
)
def test_what_is_wrong_is_said_in_its_own_codes(api, people, change, expected, where):
    answer = api.post("/api/scrape/init", key=people.alice, json=BODY | change)
    assert answer.json["success"] is False
    assert (answer.status_code, answer.json["error"]["code"]) == expected
    assert where is None or where in [detail["pointer"] for detail in answer.json["error"]["details"]]
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]


def test_jobs_are_told_in_its_words_to_their_client_alone(api, people):
    job = api.post("/api/scrape/init", key=people.alice, json=BODY).json["data"]["jobId"]
    told = api.get(f"/api/scrape/status/{job}", key=people.alice).json["data"]
    assert (told["jobId"], told["status"], told["processed"]) == (job, "pending", 0)
    for path in (f"/api/scrape/status/{job}", f"/api/scrape/download/{job}/parent"):
        foreign = api.get(path, key=people.bob)
        assert (foreign.status_code, foreign.json["error"]["code"]) == (404, "JOB_NOT_FOUND")
    assert api.get("/api/scrape/jobs", key=people.bob).json["data"] == {"jobs": []}
    assert [one["jobId"] for one in api.get("/api/scrape/jobs", key=people.alice).json["data"]["jobs"]] == [job]
    assert api.post(f"/api/scrape/cancel/{job}", key=people.bob).status_code == 404
    assert api.post(f"/api/scrape/cancel/{job}", key=people.alice).json["data"]["status"] == "running"
    early = api.get(f"/api/scrape/download/{job}/parent", key=people.alice)
    assert (early.status_code, early.json["error"]["code"]) == (404, "STORAGE_ENTRY_NOT_FOUND")


def test_recipes_are_listed_shown_found_by_site_and_checked(api, people):
    def get(path):
        return api.get(f"/api/recipes/{path}", key=people.alice)

    assert "shop" in get("names").json["data"]["names"]
    sites = {one["name"]: one["siteUrl"] for one in get("list").json["data"]["recipes"]}
    assert sites["books"] == "https://books.toscrape.com"
    assert get("get/shop").json["data"]["text"].startswith("schema_version: 1\n")
    assert get("get/shp").json["error"]["code"] == "RECIPE_NOT_FOUND"
    assert get("getBySite?siteUrl=https://www.books.toscrape.com/a/b").json["data"]["name"] == "books"
    assert get("getBySite?siteUrl=https://elsewhere.example").status_code == 404

    def check(recipe):
        return api.post("/api/recipes/validate", key=people.alice, json={"recipe": recipe})

    assert check("shop").json["data"] == {"valid": True, "errors": []}
    assert check("shp").json["error"]["code"] == "RECIPE_NOT_FOUND"
    assert check(get("get/books").json["data"]["text"]).json["data"]["valid"] is True
    wrong = check("name: x\nstart: 1\n").json["data"]
    assert wrong["valid"] is False
    assert wrong["errors"]


@pytest.fixture
def own(api, people, valkey, tmp_path):
    """Pushes a recipe of Alice's with its pages, and checks it: `own(text, pages)`."""

    def push(text, pages):
        name = text.partition("name: ")[2].partition("\n")[0]
        parts = {"recipe": (io.BytesIO(text.encode()), "r"), "pages": (io.BytesIO(tar(pages)), "p")}
        assert api("PUT", f"/v1/recipes/{name}", key=people.alice, data=parts).status_code == 202
        assert check_all(valkey.url, api.app.extensions[EXTENSION].objects, tmp_path) == 1

    return push


def test_recipes_of_a_client_are_listed_shown_found_checked_and_crawled_beside_those_of_the_deployment(
    api, people, own
):
    books = goods("my_books").replace("format: uri}", 'format: uri, default: "https://books.toscrape.com"}')
    own(books, {"good.html": PAGE})
    own(goods("failing", expect="Chair"), {"good.html": PAGE})

    def get(path, key=people.alice):
        return api.get(f"/api/recipes/{path}", key=key).json

    names = get("names")["data"]["names"]
    assert names == sorted(names)
    assert {"my_books", "books", "shop"} < set(names)
    assert "failing" not in names
    (entry,) = [each for each in get("list")["data"]["recipes"] if each["name"] == "my_books"]
    assert entry == {
        "name": "my_books",
        "version": "1.0.0",
        "description": "Goods of one page",
        "siteUrl": "https://books.toscrape.com",
    }
    assert get("get/my_books")["data"] == entry | {"text": books}
    assert get("getBySite?siteUrl=https://books.toscrape.com/x")["data"] == entry | {"text": books}  # her own first
    assert get("getBySite?siteUrl=https://books.toscrape.com/x", people.bob)["data"]["name"] == "books"
    assert get("get/failing")["error"]["code"] == "RECIPE_NOT_FOUND"

    def check(recipe):
        return api.post("/api/recipes/validate", key=people.alice, json={"recipe": recipe}).json["data"]

    assert check("my_books") == {"valid": True, "errors": []}
    assert check("failing") == {"valid": False, "errors": ["version 1.0.0 is rejected", "1 of 1 tests have failed"]}
    answer = api.post("/api/scrape/init", key=people.alice, json=BODY | {"recipe": "my_books"})
    job = stored(api, answer.json["data"]["jobId"]).job
    assert (job.recipe, job.recipe_text, job.inputs) == ("my_books", books, {"site": "https://shop.example/"})
    foreign = api.post("/api/scrape/init", key=people.bob, json=BODY | {"recipe": "my_books"})
    assert (foreign.status_code, foreign.json["error"]["code"]) == (404, "RECIPE_NOT_FOUND")


def test_keys_and_scopes_are_those_of_every_call(api, people, valkey):
    nobody = api.get("/api/recipes/names")
    assert (nobody.status_code, nobody.json["error"]["code"]) == (401, "UNAUTHORIZED")
    reader = new_key(valkey.url, "alice", {Scope.JOBS_READ})
    refused = api.post("/api/scrape/init", key=reader, json=BODY)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "FORBIDDEN")

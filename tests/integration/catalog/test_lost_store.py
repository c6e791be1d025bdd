"""A store that was lost gets clients' recipes back from the storage of files, by a steward, as they were."""

from __future__ import annotations

import time

import redis
from api_people import new_people
from recipe_pushes import PAGE, PATIENCE_S, goods, stored_text


def test_recipes_outlive_the_store(fleet):
    key, pages = fleet.people.alice, {"good.html": PAGE}
    for version, text in (
        ("1.0.0", goods(version="1.0.0")),
        ("1.1.0", goods(version="1.1.0", css="body h1")),
        ("1.2.0", goods(version="1.2.0", expect="Chair")),
        ("1.3.0", goods(version="1.3.0").partition("tests:")[0]),
    ):
        fleet.push(key, text, pages)
        fleet.judged(key, version=version)
    fleet.push(key, goods(version="1.2.0", css="body > h1"), pages)  # what was rejected, pushed anew
    fleet.judged(key, version="1.2.0")
    fleet.push(fleet.people.bob, goods(css="h2", expect="Low"), pages)
    fleet.judged(fleet.people.bob)

    def seen(people):
        shown = fleet.call("GET", "/v1/recipes/goods", people.alice).json()
        shown.pop("pages_url")
        return shown, [
            fleet.call("GET", path, each).json()
            for each in (people.alice, people.bob)
            for path in ("/v1/recipes", "/v1/recipes/goods/versions")
        ]

    before = seen(fleet.people)
    assert [(each["version"], each["state"]) for each in before[1][1]["versions"]] == [
        ("1.3.0", "untested"), ("1.2.0", "current"), ("1.1.0", "passed"), ("1.0.0", "passed"),
    ]  # fmt: skip
    fleet.stop_steward()
    with redis.Redis.from_url(fleet.redis_url) as store:
        store.flushdb()
    fleet.people = new_people(fleet.redis_url)
    assert fleet.call("GET", "/v1/recipes/goods/versions", fleet.people.alice).status_code == 404
    fleet.start_steward()
    until = time.monotonic() + PATIENCE_S
    while fleet.call("GET", "/v1/recipes/goods", fleet.people.bob).status_code != 200 or seen(fleet.people) != before:
        assert time.monotonic() < until, fleet.log("steward")[-3000:]
        time.sleep(0.1)
    mended, bobs = goods(version="1.2.0", css="body > h1"), goods(css="h2", expect="Low")
    for person, text in ((fleet.people.alice, mended), (fleet.people.bob, bobs)):
        order = {"recipe": "goods", "inputs": {"site": "http://127.0.0.1:9"}}
        job = fleet.call("POST", "/v1/jobs", person, json=order).json()["id"]
        assert stored_text(fleet.redis_url, job) == text
    gone = goods(version="1.4.0").replace("{name: h1}", "{title: h1}").replace("{name: {type", "{title: {type")
    fleet.push(fleet.people.alice, gone.replace('{name: "Stool"}', '{title: "Stool"}'), pages)
    found = fleet.judged(fleet.people.alice, version="1.4.0")  # what was promised is known, too
    assert "items.good.fields.name: is gone" in found["report"]["problems"][0]

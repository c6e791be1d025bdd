"""A fleet whose site fails, and is well again: its failed pages are replayed over the API."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest
from paged_site import PagedSite

from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.objects_folder import FolderObjectStore

GOODS = 30


@pytest.fixture
def site():
    with PagedSite(goods=GOODS) as made:
        yield made


def rows_of(fleet, job):
    objects = FolderObjectStore(fleet.files)
    (file,) = read_manifest(objects, JobKeys(client="alice", job=job)).files
    return [row["name"] for row in csv.DictReader(io.StringIO(objects.get(file.key).decode()))]


def test_exactly_the_pages_of_an_outcome_are_fetched_again_and_their_rows_join_those_of_the_first_job(fleet, site):
    fleet.start_node()
    key = fleet.people.alice
    site.answers = {3: 500, 7: 500, 8: 404, 21: 500}
    order = {"recipe_text": site.recipe, "inputs": {"site": site.url}, "max_workers": 2}
    first = fleet.call("POST", "/v1/jobs", key, json=order).json()["id"]
    assert fleet.ended(key, first)["outcome"] == "partial"
    assert len(rows_of(fleet, first)) == GOODS - 4

    running = fleet.call("POST", f"/v1/jobs/{first}/replay", key, json={"outcome": "blocked"})
    assert (running.status_code, running.json()["code"]) == (409, "conflict")
    assert "http_404, http_5xx" in running.json()["detail"]

    site.answers = {8: 404}
    site.asked = Counter()
    same = {"headers": {"Idempotency-Key": "once"}, "json": {"outcome": "http_5xx"}}
    answers = [fleet.call("POST", f"/v1/jobs/{first}/replay", key, **same) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    accepted = answers[0].json()
    assert accepted["replay"] == {"job": first, "outcome": "http_5xx"}
    again = fleet.ended(key, accepted["id"])
    assert (again["state"], again["outcome"]) == ("succeeded", "partial")
    assert site.asked == {"/p/3": 1, "/p/7": 1, "/p/21": 1}
    rows = rows_of(fleet, accepted["id"])
    assert sorted(rows) == sorted(f"good {each}" for each in range(GOODS) if each != 8)

    other = fleet.call("POST", f"/v1/jobs/{first}/replay", fleet.people.bob, json={"outcome": "http_5xx"})
    assert other.status_code == 404

"""Stewards that die at every step of a replay: the next one goes on, and the files are exact."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest
from paged_site import PagedSite
from recipe_pushes import Fleet
from valkey_server import Database

from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.objects_folder import FolderObjectStore

GOODS = 12
FAILED = (2, 3, 5)

#: Where a steward dies that has a replay from its beginning to its end.
STEPS = (
    "replay_fill.call",
    "replay_fill.reply",
    "enqueue.call",
    "enqueue.reply",
    "replay_end.call",
    "replay_end.reply",
)

#: And one that has the job that leaves something, or the rows of both.
ENDS = ["put_file.half", "put_file.reply", "put_manifest.call", "put_manifest.reply", "tidy.call", "tidy.reply"]


@pytest.fixture(scope="module")
def fleet(valkey_server, _database_numbers, tmp_path_factory):
    """An API and a node; stewards come and go."""
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    made = Fleet(tmp_path_factory.mktemp("fleet"), database.url)
    try:
        made.start()
        made.start_node()
        yield made
    finally:
        made.stop()


def dies_and_is_followed(fleet, fault):
    """The steward of now is replaced by one that fails, and that one by another once it has."""
    fleet.stop_steward()
    failing = fleet.start_steward("--hold", "1", fault=f"{fault}:1:kill")

    def follow():
        failing.wait(timeout=60)
        fleet.start_steward("--hold", "1")

    return follow


def replayed(fleet, first):
    answer = fleet.call("POST", f"/v1/jobs/{first}/replay", fleet.people.alice, json={"outcome": "http_5xx"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def failed_job(fleet, site, *, ended=True):
    site.answers = dict.fromkeys(FAILED, 500)
    order = {"recipe_text": site.recipe, "inputs": {"site": site.url}}
    first = fleet.call("POST", "/v1/jobs", fleet.people.alice, json=order).json()["id"]
    if ended:
        assert fleet.ended(fleet.people.alice, first)["outcome"] == "partial"
    return first


def check(fleet, site, job):
    """The replay has every good once, and has asked for those that had failed."""
    ended = fleet.ended(fleet.people.alice, job)
    assert (ended["state"], ended["outcome"]) == ("succeeded", "complete"), ended["why"]
    (file,) = read_manifest(FolderObjectStore(fleet.files), JobKeys(client="alice", job=job)).files
    rows = csv.DictReader(io.StringIO(FolderObjectStore(fleet.files).get(file.key).decode()))
    assert sorted(row["name"] for row in rows) == sorted(f"good {each}" for each in range(GOODS))
    assert site.asked == {f"/p/{each}": 1 for each in FAILED}


@pytest.mark.long
@pytest.mark.parametrize("step", [*STEPS, *ENDS])
def test_a_steward_that_dies_while_it_prepares_or_ends_a_replay_is_followed_by_another(fleet, step):
    with PagedSite(goods=GOODS) as site:
        first = failed_job(fleet, site)
        site.answers, site.asked = {}, Counter()
        follow = dies_and_is_followed(fleet, step)
        job = replayed(fleet, first)
        follow()
        check(fleet, site, job)


@pytest.mark.long
@pytest.mark.parametrize("step", ENDS)
def test_a_steward_that_dies_while_a_job_leaves_something_is_followed_by_another(fleet, step):
    with PagedSite(goods=GOODS) as site:
        follow = dies_and_is_followed(fleet, step)
        first = failed_job(fleet, site, ended=False)
        follow()
        assert fleet.ended(fleet.people.alice, first)["outcome"] == "partial"
        site.answers, site.asked = {}, Counter()
        check(fleet, site, replayed(fleet, first))

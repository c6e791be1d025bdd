"""A push whose API or steward is killed in the middle of it: repeated, it is there once, in the store and beside it."""

from __future__ import annotations

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis
from api_people import new_people
from recipe_pushes import PAGE, PATIENCE_S, Fleet, goods
from valkey_server import Database

from crawler.catalog.objects import kept_pushes
from crawler.exports.objects_folder import FolderObjectStore

PAGES = {"good.html": PAGE}

OF_THE_API = ["put_recipe.reply", "put_pages.half", "put_version.call", "put_version.reply", "recipe_push.reply"]
OF_THE_STEWARD = [
    *("put_version.call", "put_version.half", "put_version.reply"),
    *("recipe_judge.call", "recipe_judge.reply"),
]


def slow_but(points: list[str], *quick: str):
    """Each point; what is not quick is for the long suite."""
    return [pytest.param(point, marks=() if point in quick else pytest.mark.long) for point in points]


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    (folder / "armed").mkdir()
    return folder


@pytest.fixture(scope="module")
def fleet(valkey_server, _database_numbers, tmp_path_factory, faults):
    """An API and a steward that fail where `faults` says."""
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    made = Fleet(tmp_path_factory.mktemp("fleet"), database.url, CRAWLERY_FAULT=str(faults))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def kill(faults):
    """Kills the process that comes to a point next: `kill("recipe_push.reply", "api")`."""

    def arm(point, process):
        name = f"{process}-{point}"
        hidden = faults / "armed" / f".{name}"
        hidden.write_text(json.dumps({"point": point, "kind": "kill", "process": process}))
        hidden.rename(faults / "armed" / name)
        return (faults / "fired" / f"{name}.json").exists

    return arm


def wait_until(holds, fleet):
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, fleet.log("steward")[-3000:]
        time.sleep(0.05)


def pushed(fleet, name):
    """The answer to a push that is repeated until there is one."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            return fleet.push(fleet.people.alice, goods(name), PAGES, name=name)
        time.sleep(0.05)
    raise AssertionError("no answer")


def holds_once(fleet, name):
    """The version is there once, was noted once, and is what a store that is lost gets back."""
    (version,) = fleet.call("GET", f"/v1/recipes/{name}/versions", fleet.people.alice).json()["versions"]
    assert version["state"] == "current"
    entries = fleet.call("GET", "/v1/audit?action=recipe&limit=200", fleet.people.root).json()["entries"]
    noted = [each["action"] for each in reversed(entries) if each["object"] == f"{name}@1.0.0"]
    assert noted == ["recipe.pushed", "recipe.current"]
    fleet.stop_steward()
    with redis.Redis.from_url(fleet.redis_url) as store:
        store.flushdb()
    fleet.people = new_people(fleet.redis_url)
    fleet.start_steward()
    versions = f"/v1/recipes/{name}/versions"
    wait_until(lambda: fleet.call("GET", versions, fleet.people.alice).status_code == 200, fleet)
    wait_until(lambda: fleet.call("GET", versions, fleet.people.alice).json()["versions"] == [version], fleet)


@pytest.mark.parametrize("point", slow_but(OF_THE_API, "put_version.reply"))
def test_a_push_whose_api_is_killed_can_be_repeated(fleet, kill, point):
    name = f"a{OF_THE_API.index(point)}"
    is_killed = kill(point, "api")
    with pytest.raises(httpx.TransportError):
        fleet.push(fleet.people.alice, goods(name), PAGES, name=name)
    assert is_killed()
    assert pushed(fleet, name).status_code == 202
    fleet.judged(fleet.people.alice, name=name)
    holds_once(fleet, name)


@pytest.mark.parametrize("point", slow_but(OF_THE_STEWARD, "recipe_judge.call"))
def test_a_check_whose_steward_is_killed_is_made_again_or_counts(fleet, kill, point):
    name = f"s{OF_THE_STEWARD.index(point)}"
    is_killed = kill(point, "steward")
    assert pushed(fleet, name).status_code == 202
    wait_until(is_killed, fleet)
    fleet.start_steward()
    fleet.judged(fleet.people.alice, name=name)
    holds_once(fleet, name)


def test_a_push_that_is_refused_leaves_no_record(fleet):
    key = fleet.people.alice
    assert pushed(fleet, "kept").status_code == 202
    other = goods("kept", css="body h1")
    assert fleet.push(key, other, PAGES, name="kept").status_code == 409
    fleet.judged(key, name="kept")
    assert fleet.push(key, other, PAGES, name="kept").status_code == 409
    assert pushed(fleet, "kept").json()["state"] == "current"
    texts = [goods("raced", css="body > " * number + "h1") for number in (0, 1)] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: fleet.push(key, text, PAGES, name="raced"), texts))
    assert sorted({answer.status_code for answer in answers}) == [202, 409]
    written = kept_pushes(FolderObjectStore(fleet.files))
    assert [len(written["alice", name]["1.0.0"]) for name in ("kept", "raced")] == [1, 1]

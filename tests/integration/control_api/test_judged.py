"""What jobs were judged by, files that a person publishes all the same, and where the next run should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from api_people import in_store, new_key
from api_results import Work
from goods_recipe import RECIPE

from crawler.access.model import Scope
from crawler.audit.store import AuditStore
from crawler.exports.figures import Figures
from crawler.exports.history import RunRecord, write_record
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.series import series_id
from crawler.recipe.quality_plan import BandsRule

STRICT = "quality: {items: {minimum: 100}, coverage: {name: 100%}, bands: {minimum_runs: 3}}\n"
LEARNS = "quality: {bands: {minimum_runs: 3}}\n"
WHY = {"reason": "the shop is that small"}


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def judging(new_api, api_config, tmp_path):
    return new_api(base=replace(api_config.base, storage_url=f"file://{tmp_path}/objects"))


@pytest.fixture
def run(judging, people, valkey, objects, tmp_path):
    """`run(quality, pages)`: the id of a job of alice's that has ended with so many rows."""
    work = Work(valkey.url, objects, tmp_path)

    def make(quality: str, pages: int = 3) -> str:
        order = {"recipe_text": RECIPE + quality, "inputs": {"site": "http://127.0.0.1:9"}}
        made = judging.post("/v1/jobs", key=people.alice, json=order)
        assert made.status_code == 201, made.text
        work.crawl(made.json["id"], pages=pages)
        work.finish(made.json["id"])
        return made.json["id"]

    return make


def published(judging, key, job, body=None):
    return judging.post(f"/v1/jobs/{job}/results/publish", key=key, json=body or WHY)


def test_what_a_job_was_judged_by_is_told_with_the_bounds_that_it_missed(judging, people, run):
    job = run(STRICT)
    found = judging.get(f"/v1/jobs/{job}/quality", key=people.alice)
    assert found.status_code == 200
    told = found.json
    assert (told["outcome"], told["withheld"], told["published"]) == ("quality_failed", True, None)
    assert told["why"] == ["quality.items.minimum is 100; there are 3 rows"]
    assert told["figures"]["rows"] == {"good": 3}
    # One of the pages that a worker reads is what makes the first requests, and none of the site.
    assert (told["figures"]["fetched"], told["figures"]["http_error_share"]) == (2, 0.0)
    name = {"item": "good", "field": "name", "places": 3, "filled": 3, "share": 1.0}
    assert name in told["figures"]["coverage"]
    assert told["bands"] == {
        "runs": 0,
        "minimum_runs": 3,
        "why": "nothing is compared before 3 whole runs; there were 0 so far",
        "figures": [],
    }


def test_files_that_are_withheld_are_given_out_once_a_person_has_published_them(judging, people, run, valkey):
    job = run(STRICT)
    before = judging.get(f"/v1/jobs/{job}/results", key=people.alice).json
    assert (before["withheld"], before["files"], before["published"]) == (True, [], None)
    done = published(judging, people.root, job)
    assert done.status_code == 200, done.text
    assert (done.json["job"], done.json["reason"]) == (job, WHY["reason"])
    after = judging.get(f"/v1/jobs/{job}/results", key=people.alice).json
    assert (after["withheld"], after["outcome"], after["published"]) == (
        False,
        "quality_failed",
        {name: done.json[name] for name in ("at", "by", "key", "reason")},
    )
    file = Path(unquote(urlsplit(after["files"][0]["url"]).path))
    assert "good 3" in file.read_text()
    assert judging.get(f"/v1/jobs/{job}/quality", key=people.alice).json["published"] == after["published"]
    entries = in_store(valkey.url, lambda _, store: AuditStore(store).entries(limit=500))
    said = [msgspec.json.decode(entry.fields[1]) for entry in entries]
    (noted,) = [words for words in said if words["action"] == "results.published"]
    assert (noted["object"], noted["client"], noted["of"]) == (job, after["published"]["by"], "alice")
    assert noted["after"]["reason"] == WHY["reason"]


def test_twice_answers_the_same_and_the_first_reason_stays(judging, people, run):
    job = run(STRICT)
    first = published(judging, people.root, job)
    again = published(judging, people.root, job, {"reason": "another reason"})
    assert (again.status_code, again.json) == (200, first.json)


def test_files_that_are_not_withheld_cannot_be_published(judging, people, run):
    refused = published(judging, people.root, run(LEARNS))
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "are not withheld" in refused.json["detail"]


def test_usual_keys_cannot_publish_and_others_only_what_is_their_clients(judging, people, run, valkey):
    job = run(STRICT)
    usual = new_key(valkey.url, "alice", frozenset(Scope) - {Scope.RESULTS_OVERRIDE})
    refused = published(judging, usual, job)
    assert (refused.status_code, refused.json["scope"]) == (403, "results:override")
    stranger = new_key(valkey.url, "bob", frozenset({Scope.RESULTS_OVERRIDE, Scope.JOBS_READ}))
    assert published(judging, stranger, job).status_code == 404
    assert judging.get(f"/v1/jobs/{job}/quality", key=stranger).status_code == 404
    own = new_key(valkey.url, "alice", frozenset({Scope.RESULTS_OVERRIDE}))
    assert published(judging, own, job).json["by"] == "alice"


def test_a_job_that_goes_on_has_not_been_judged(judging, people):
    order = {"recipe_text": RECIPE, "inputs": {"site": "http://127.0.0.1:9"}}
    job = judging.post("/v1/jobs", key=people.alice, json=order).json["id"]
    for answer in (judging.get(f"/v1/jobs/{job}/quality", key=people.alice), published(judging, people.root, job)):
        assert (answer.status_code, answer.json["state"]) == (409, "queued")


def test_where_the_next_run_should_be_is_told_and_only_to_its_client(judging, people, run, objects):
    for number in range(3):
        record = RunRecord(
            job=f"j{number}", client="alice", recipe="goods", at_ms=number, rule=BandsRule(minimum_runs=3),
            series=series_id("alice", "goods", {"site": "http://127.0.0.1:9"}), figures=Figures(rows={"good": 3}),
        )  # fmt: skip
        write_record(objects, record)
    (series,) = judging.get("/v1/recipes/goods/bands", key=people.alice).json["series"]
    assert series["job"] == "j2"
    rows = {"figure": "rows.good", "runs": 3, "median": 3.0, "low": 2.0, "high": 4.0, "value": None, "kept": True}
    assert rows in series["bands"]["figures"]
    assert judging.get("/v1/recipes/goods/bands", key=people.bob).status_code == 404
    bad = judging.get(f"/v1/jobs/{run(LEARNS, 1)}/quality", key=people.alice).json
    assert bad["why"] == ["quality.bands: 1 rows of good; the last 3 whole runs had 3 (median), so 2 to 4 is expected"]
    (outside,) = [each for each in bad["bands"]["figures"] if not each["kept"]]
    assert (outside["figure"], outside["value"]) == ("rows.good", 1.0)

"""Links to results: good without a key until they expire, for what a manifest names, and just as they were signed."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from api_people import new_key
from api_results import Work
from goods_recipe import RECIPE
from seaweed_server import ACCESS_KEY, SECRET_KEY

from crawler.access.model import Scope
from crawler.exports.keys import JobKeys

QUALITY = "quality: {items: {minimum: 100}}\n"


@pytest.fixture
def public(proxy_to, seaweed):
    """The S3 as others see it: under another name and on another port."""
    return f"http://localhost:{proxy_to(seaweed.ports['s3.port']).port}"


@pytest.fixture
def linking(new_api, api_config, s3, public):
    """An API whose files are in an S3."""
    base = replace(
        api_config.base,
        storage_url=s3.environment["STORAGE_URL"],
        s3_endpoint_url=s3.environment["S3_ENDPOINT_URL"],
        s3_public_endpoint_url=public,
        s3_access_key_id=ACCESS_KEY,
        s3_secret_access_key=SECRET_KEY,
    )
    return new_api(base=base)


@pytest.fixture
def work(valkey, s3, tmp_path):
    return Work(valkey.url, s3.objects, tmp_path)


@pytest.fixture
def job(linking, people, work):
    """A job of alice's with three rows, that has ended."""
    made = submitted(linking, people.alice)
    work.crawl(made)
    work.finish(made)
    return made


def submitted(api, key: str, recipe: str = RECIPE) -> str:
    made = api.post("/v1/jobs", key=key, json={"recipe_text": recipe, "inputs": {"site": "http://127.0.0.1:9"}})
    assert made.status_code == 201, made.text
    return made.json["id"]


def results(api, key: str, job: str, **query) -> dict:
    found = api.get(f"/v1/jobs/{job}/results", key=key, query_string=query)
    assert found.status_code == 200, found.text
    return found.json


def test_a_link_works_without_a_key_under_the_public_address_and_names_the_file(linking, people, job, public):
    found = results(linking, people.alice, job)
    assert (found["final"], found["withheld"], found["outcome"]) == (True, False, "complete")
    assert {file["format"] for file in found["files"]} == {"csv", "jsonl"}
    for file in found["files"]:
        assert file["url"].startswith(f"{public}/")
        got = httpx.get(file["url"], trust_env=False)
        assert (got.status_code, len(got.content)) == (200, file["size_bytes"])
        assert got.headers["Content-Type"] == file["content_type"]
        assert got.headers["Content-Disposition"] == f'attachment; filename="{file["name"]}"'
    (table,) = [file for file in found["files"] if file["format"] == "csv"]
    rows = csv.DictReader(io.StringIO(httpx.get(table["url"], trust_env=False).text, newline=""))
    assert [row["name"] for row in rows] == ["good 1", "good 2", "good 3"]


def test_a_link_is_refused_when_it_has_expired_or_anything_of_it_is_changed(linking, people, job):
    url = results(linking, people.alice, job)["files"][0]["url"]
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    other = results(linking, people.alice, job)["files"][1]
    changes = {
        "name": {"response-content-disposition": 'attachment; filename="virus.exe"'},
        "inline": {"response-content-disposition": "inline"},
        "type": {"response-content-type": "text/html"},
        "encoding": {"response-content-encoding": "gzip"},
        "longer": {"X-Amz-Expires": "3600"},
        "later": {"X-Amz-Date": "20991231T000000Z"},
        "signature": {"X-Amz-Signature": "0" * 64},
    }
    given = {name: parts._replace(query=urlencode(query | change)).geturl() for name, change in changes.items()}
    given["object"] = parts._replace(path=urlsplit(other["url"]).path).geturl()
    without = {name: value for name, value in query.items() if name != "response-content-disposition"}
    given["no name"] = parts._replace(query=urlencode(without)).geturl()
    given["no signature"] = parts._replace(query="").geturl()
    assert httpx.get(url, trust_env=False).status_code == 200
    assert {name: httpx.get(each, trust_env=False).status_code for name, each in given.items()} == dict.fromkeys(
        given, 403
    )
    assert httpx.put(url, content=b"other", trust_env=False).status_code == 403
    assert httpx.delete(url, trust_env=False).status_code == 403
    short = results(linking, people.alice, job, expires_s=1)["files"][0]["url"]
    until = time.monotonic() + 20
    while httpx.get(short, trust_env=False).status_code != 403:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_only_what_the_manifest_names_is_ever_linked(linking, people, job, s3):
    keys = JobKeys(client="alice", job=job)
    orphan = keys.new_file("goods", "csv")
    s3.objects.put(orphan, b"rows of nobody", content_type="text/csv")
    paths = {
        urlsplit(file["url"]).path.partition(s3.prefix)[2] for file in results(linking, people.alice, job)["files"]
    }
    assert len(paths) == 2
    assert f"/{orphan}" not in paths
    assert all(path.startswith(f"/{keys.file_prefix}") for path in paths)


def test_of_a_job_that_goes_on_its_recorded_pieces_are_linked_and_no_others(linking, people, work, s3):
    job = submitted(linking, people.alice)
    work.crawl(job)
    work.store_rows(job)
    s3.objects.put(JobKeys(client="alice", job=job).new_segment(2), b"of nobody", content_type="application/zstd")
    found = results(linking, people.alice, job)
    assert (found["final"], found["files"]) == (False, [])
    assert sum(piece["rows"] for piece in found["segments"]) == 3
    for piece in found["segments"]:
        got = httpx.get(piece["url"], trust_env=False)
        assert (got.status_code, len(got.content)) == (200, piece["size_bytes"])


def test_what_is_withheld_is_not_linked_neither_while_it_is_made_nor_after(linking, people, work):
    job = submitted(linking, people.alice, RECIPE + QUALITY)
    work.crawl(job)
    work.store_rows(job)
    early = results(linking, people.alice, job)
    assert (early["withheld"], early["files"], early["segments"]) == (True, [], [])
    other = submitted(linking, people.alice, RECIPE + QUALITY)
    work.crawl(other)
    work.finish(other)
    found = results(linking, people.alice, other)
    assert (found["final"], found["withheld"], found["outcome"]) == (True, True, "quality_failed")
    assert (found["files"], found["segments"]) == ([], [])
    assert found["why"]


def test_results_of_another_client_do_not_exist_but_for_support(linking, people, job, valkey):
    support = new_key(valkey.url, "support", {Scope.RESULTS_READ, Scope.SUPPORT_READ})
    refused = [linking.get(f"/v1/jobs/{job}/results", key=key) for key in (people.bob, people.root)]
    unknown = linking.get("/v1/jobs/aaaaaaaaaaaaaaaaaaaaaaaaaa/results", key=people.bob)
    for answer in (*refused, unknown):
        assert answer.status_code == 404
        assert answer.json | {"request_id": ""} == unknown.json | {"request_id": ""}
        assert "X-Amz" not in answer.text
    assert len(results(linking, support, job)["files"]) == 2
    without = new_key(valkey.url, "support", {Scope.SUPPORT_READ})
    assert linking.get(f"/v1/jobs/{job}/results", key=without).status_code == 403

"""A process of the API that fails at a named point: what it had done is done, and others answer."""

from __future__ import annotations

import json

import httpx
import pytest
from api_calls import ORDER, PATIENCE_S, bearer
from api_people import in_store

from crawler.exports.intents import intents
from crawler.exports.objects_folder import FolderObjectStore
from crawler.jobs.redis import RedisJobStore


def submitted(url: str, key: str) -> httpx.Response:
    return httpx.post(f"{url}/v1/jobs", json=ORDER, headers=bearer(key), timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [("create.reply:kill", True), ("put_intent.call:kill", False), ("create.reply:drop-reply", True)],
)
def test_a_process_fails_where_it_is_told_to(new_process, people, valkey, tmp_path, *, fault, is_done):
    point, kind = fault.split(":")
    faults = tmp_path / "faults"
    (faults / "armed").mkdir(parents=True)
    process = new_process(CRAWLERY_FAULT=str(faults))
    (faults / "armed" / "one").write_text(json.dumps({"point": point, "kind": kind, "process": "api"}))
    if kind == "kill":
        with pytest.raises(httpx.TransportError):
            submitted(process.url, people.alice)
    else:
        assert submitted(process.url, people.alice).status_code == 201
    report = json.loads((faults / "fired" / "one.json").read_text())
    assert (report["point"], report["kind"], report["process"]) == (point, kind, "api")
    assert f"{kind} at {point}" in process.log()
    jobs = in_store(valkey.url, lambda _access, store: RedisJobStore(store).newest(after="", limit=9)).jobs
    assert len(list(intents(FolderObjectStore(tmp_path / "files")))) == is_done
    assert len(jobs) <= is_done
    process.wait_until_it_answers()
    assert submitted(process.url, people.alice).status_code == 201

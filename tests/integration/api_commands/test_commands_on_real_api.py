"""A job from login to its file, typed at a terminal, on the control API itself."""

from __future__ import annotations

import json

import pytest
from api_people import new_people
from api_process import ApiProcess
from real_api import FILE, RECIPE, end


@pytest.fixture
def people(valkey):
    return new_people(valkey.url)


@pytest.fixture
def process(valkey, tmp_path):
    made = ApiProcess(tmp_path / "api", redis_url=valkey.url, storage={"STORAGE_URL": f"file://{tmp_path}/files"})
    made.start()
    yield made
    made.kill()


def test_a_job_is_run_looked_at_and_its_file_is_here(nobody, process, people, valkey, tmp_path):
    nobody("login", "--url", process.url, stdin=people.alice)
    assert f"{process.url}  (key of crawlery login)" in nobody("whoami").stdout
    (nobody.folder / "goods.yaml").write_text(RECIPE)
    job = nobody("job", "run", "./goods.yaml", "--key", "monday").stdout.strip()
    assert nobody("job", "run", "./goods.yaml", "--key", "monday").stdout.strip() == job
    assert f"{job}: goods, queued" in nobody("job", "status", job).stdout
    assert json.loads(nobody("job", "status", job, "--json").stdout)["client"] == "alice"
    assert "is paused" in nobody("job", "pause", job).stderr
    assert "goes on" in nobody("job", "resume", job).stderr
    assert f"{job} is running: no files yet, 0 pieces" in nobody("job", "results", job).stderr
    end(valkey.url, tmp_path, job)
    assert "2 rows in files/goods.csv" in nobody("job", "results", job, "-o", "files").stderr
    assert (nobody.folder / "files" / "goods.csv").read_text() == FILE
    assert f"{job}: succeeded, complete" in nobody("job", "watch", job).stderr
    assert job in nobody("job", "list").stdout
    assert "no page of job" in nobody("job", "replay", job, "timeout", code=2).stderr


def test_what_cannot_be_had_is_one_message(nobody, process, people):
    nobody("login", "--url", process.url, stdin=people.alice)
    assert "there is no recipe none" in nobody("job", "run", "none", "-i", "site=http://a", code=2).stderr
    assert "there is no recipe none" in nobody("job", "run", "none", code=2).stderr
    assert "sites" in nobody("job", "run", "shop", "-i", "sites=x", code=2).stderr
    assert f"there is no job none at {process.url}" in nobody("job", "cancel", "none", code=2).stderr
    assert "may not do this" in nobody("keys", "list", code=2).stderr


def test_an_admin_makes_a_client_and_a_key_that_logs_in(nobody, process, people):
    root = {"CRAWLERY_API_URL": process.url, "CRAWLERY_API_KEY": people.root}
    nobody("clients", "create", "carol", "--running-jobs", "2", **root)
    key = nobody("keys", "create", "--client", "carol", "--scope", "jobs:read", "--expires", "1d", **root).stdout
    nobody("login", "--url", process.url, stdin=key)
    assert "running jobs 0 of 2" in nobody("whoami").stdout
    (made,) = json.loads(nobody("keys", "list", "--client", "carol", "--json", **root).stdout)["keys"]
    nobody("keys", "revoke", made["id"], **root)
    assert "does not take the key of crawlery login" in nobody("whoami", code=2).stderr

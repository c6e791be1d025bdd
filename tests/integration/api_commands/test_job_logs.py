"""`crawlery job logs` at a terminal: through the API, and from the storage of files itself."""

from __future__ import annotations

import json
import threading

import pytest
from api_people import new_people
from api_process import ApiProcess
from click.testing import CliRunner
from real_api import RECIPE

from crawler.cli import job_logs
from crawler.cli.main import cli
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.joblogs.writer import LogWriter

LINES = [f"2026-11-29 12:00:{at:02} [a] {'ERROR' if at == 3 else 'INFO'}: line {at}" for at in range(6)]


@pytest.fixture
def log(tmp_path):
    """Writes the log of a worker: `log(client, job, lines, ended=False)`."""
    writers = {}

    def write(client, job, lines, *, ended=False):
        path = tmp_path / f"{job}.log"
        with path.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))
        if job not in writers:
            writers[job] = LogWriter(
                FolderObjectStore(tmp_path / "files"), JobKeys(client, job), path=path, seat="5ea7", node="n1",
                worker="n1/7/5ea7", started_ms=1,
            )  # fmt: skip
        writers[job].flush(ended=ended)

    return write


def test_logs_are_shown_through_the_api(nobody, valkey, tmp_path, log):
    process = ApiProcess(tmp_path / "api", redis_url=valkey.url, storage={"STORAGE_URL": f"file://{tmp_path}/files"})
    process.start()
    try:
        nobody("login", "--url", process.url, stdin=new_people(valkey.url).alice)
        (nobody.folder / "goods.yaml").write_text(RECIPE)
        job = nobody("job", "run", "./goods.yaml").stdout.strip()
        assert f"no worker of {job}" in nobody("job", "logs", job).stderr
        log("alice", job, LINES)
        assert nobody("job", "logs", job, "-n", "2").stdout.splitlines() == LINES[-2:]
        assert nobody("job", "logs", job, "--level", "error").stdout.splitlines() == [LINES[3]]
        (record,) = nobody("job", "logs", job, "--grep", "LINE 4", "--json").stdout.splitlines()
        assert json.loads(record) == {"node": "n1", "worker": "n1/7/5ea7", "level": "info", "text": LINES[4]}
        assert "there is no job none" in nobody("job", "logs", "none", code=2).stderr
    finally:
        process.kill()


def test_what_comes_is_followed_to_the_end_of_the_job(valkey, tmp_path, monkeypatch, log):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    monkeypatch.setattr(job_logs, "_EVERY_S", 0.05)
    (tmp_path / "goods.yaml").write_text(RECIPE)
    job = CliRunner().invoke(cli, ["job", "run", str(tmp_path / "goods.yaml")]).stdout.strip()
    log("local", job, LINES[:2])
    seen = threading.Event()
    shown = []

    def show(records, *, as_json):
        _ = as_json
        shown.extend(record.text for record in records)
        seen.set()

    monkeypatch.setattr(job_logs, "_show", show)
    following = threading.Thread(target=CliRunner().invoke, args=(cli, ["job", "logs", job, "-f", "-n", "1"]))
    following.start()
    assert seen.wait(30)
    log("local", job, LINES[2:], ended=True)
    monkeypatch.setattr(job_logs, "ENDED", job_logs.ENDED | {"queued"})
    following.join(30)
    assert shown == LINES[1:]

"""The log of a worker lies beside the files of its job while it is written, however worker and node end."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from node_jobs import new_job, wait_until

from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.joblogs.reader import JobLogs
from crawler.jobs.attempts import Attempt
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.scrapyd.joblogs import KeptLog
from crawler.store import Store, connect

ATTEMPT = Attempt(seat="5ea7", node="alpha", worker="alpha/1/5ea7", started_ms=1_000)


def kept(objects, *, client="acme", job="j"):
    """All that is kept of a job's logs."""
    page = JobLogs(objects, JobKeys(client=client, job=job), budget_s=60).newest(limit=100_000)
    return "\n".join(record.text for record in page.records)


@pytest.fixture
def keep(valkey, tmp_path):
    """Keeps the log of a worker of job `j`, which is a client's: `keep(during)`."""
    objects = FolderObjectStore(tmp_path / "objects")
    path = tmp_path / "worker.log"

    async def run(job, during):
        store = Store(connect({"url": valkey.url}))
        jobs = RedisJobStore(store)
        await jobs.create(Job(id="j", client="acme", spider="s", secret=b"0123456789abcdef"))
        log = KeptLog(objects, jobs, job=job, attempt=ATTEMPT, path=path)
        await during(path, objects)
        await log.finish()
        await KeptLog(None, jobs, job=job, attempt=ATTEMPT, path=path).finish()
        await store.close()
        return objects

    return lambda during, job="j": asyncio.run(run(job, during))


def test_a_log_is_kept_while_it_is_written_and_whole_when_it_ends(keep):
    async def during(path, objects):
        path.write_text("one\ntwo, not whole")
        await asyncio.to_thread(wait_until, lambda: kept(objects) == "one", what="a flush")
        path.write_text("one\ntwo, not whole before\nthree")

    assert kept(keep(during)) == "one\ntwo, not whole before\nthree"


def test_a_log_that_is_gone_and_a_job_that_is_gone_are_no_error(keep, caplog):
    async def nothing(path, objects):
        _ = path, objects

    async def text(path, objects):
        _ = objects
        path.write_text("text")

    with caplog.at_level(logging.WARNING):
        assert kept(keep(nothing)) == ""
    assert "stays on this node" in caplog.text
    assert list(keep(text, job="another").list("acme/another")) == []


def test_what_the_workers_of_a_node_that_is_killed_had_written_two_seconds_ago_is_there(node, shop, jobs, tmp_path):
    shop.delay_s = 0.03
    objects = FolderObjectStore(tmp_path / "objects")
    alpha = node(slots=1, LOG_LEVEL="DEBUG", environment={"STORAGE_URL": (tmp_path / "objects").as_uri()})
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: "GET" in kept(objects, client="local", job="j1"), what="pages in the log")
    wait_until(lambda: len(shop.hits) > 20, what="more of them")
    written = alpha.worker_log("j1")
    began = time.monotonic()
    wait_until(lambda: kept(objects, client="local", job="j1").startswith(written.rstrip("\n")), what="a flush")
    took_s = time.monotonic() - began
    alpha.kill()
    log = kept(objects, client="local", job="j1")
    assert log.startswith(written.rstrip("\n"))
    assert alpha.worker_log("j1").startswith(log)
    assert took_s < 20  # 2 on a machine that does nothing else; docs/nodes.md says so, and `make bench` measures it

"""The log of a worker lies beside the files of its job when the worker has ended."""

from __future__ import annotations

import asyncio
import logging

import pytest

from crawler.exports.objects_folder import FolderObjectStore
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.scrapyd import joblogs
from crawler.scrapyd.joblogs import keep_log
from crawler.store import Store, connect


@pytest.fixture
def keep(valkey, tmp_path):
    """Keeps the log of a worker of job `j`, which is a client's: `keep("text")`."""
    objects = FolderObjectStore(tmp_path / "objects")
    path = tmp_path / "worker.log"

    async def run(job):
        store = Store(connect({"url": valkey.url}))
        jobs = RedisJobStore(store)
        await jobs.create(Job(id="j", client="acme", spider="s", secret=b"0123456789abcdef"))
        await keep_log(objects, jobs, job=job, seat="s1", path=path)
        await keep_log(None, jobs, job=job, seat="s2", path=path)
        await store.close()

    def run_with(text, job="j"):
        if text is not None:
            path.write_text(text)
        asyncio.run(run(job))
        return {info.key: objects.get(info.key).decode() for info in objects.list("")}

    return run_with


def test_the_log_is_kept_whole(keep):
    assert keep("one\ntwo\n") == {"acme/j/log/s1.log": "one\ntwo\n"}


def test_of_a_long_log_the_end_is_kept_from_the_beginning_of_a_line(keep, monkeypatch):
    monkeypatch.setattr(joblogs, "MAX_LOG_BYTES", 10)
    assert keep("first line\nsecond\nlast\n") == {"acme/j/log/s1.log": "last\n"}


def test_a_log_that_is_gone_and_a_job_that_is_gone_are_no_error(keep, caplog):
    with caplog.at_level(logging.WARNING):
        assert keep(None) == {}
    assert "stays on this node" in caplog.text
    assert keep("text", job="another") == {}

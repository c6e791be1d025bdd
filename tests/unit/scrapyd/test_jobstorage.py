"""Ended workers are kept over a restart, the newest ones, with their logs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crawler.scrapyd.config import FINISHED_TO_KEEP, NodeConfig, ScrapydConfig
from crawler.scrapyd.jobstorage import EndedWorker, EndedWorkers

BEGAN = datetime(2026, 1, 1, 12, 0, 0)  # noqa: DTZ001 - naive, as Scrapyd's


@pytest.fixture
def config(tmp_path):
    node = NodeConfig(name="alpha", redis_url="redis://h", folder=tmp_path, slots=1)
    return ScrapydConfig(node, presence=None)


def ended(number, **more):
    facts = {"exit_code": 0, "signal": None, "log": f"crawlery/items/j.{number}.log", **more}
    times = {"start_time": BEGAN, "end_time": BEGAN + timedelta(seconds=number)}
    return EndedWorker(seat=str(number), project="crawlery", spider="items", job="j", pid=number, **times, **facts)


def test_what_is_kept_is_there_again(config):
    EndedWorkers(config).add(ended(1, exit_code=None, signal=9))
    (again,) = EndedWorkers(config)
    assert again == ended(1, exit_code=None, signal=9)
    assert again.how == "signal 9"
    assert ended(2).how == "exit 0"


def test_the_newest_come_first_and_the_oldest_go_with_their_logs(config, tmp_path):
    storage = EndedWorkers(config)
    logs = [tmp_path / "logs" / ended(number).log for number in range(FINISHED_TO_KEEP + 2)]
    logs[0].parent.mkdir(parents=True)
    for number, log in enumerate(logs):
        log.write_text("x")
        storage.add(ended(number))
    assert len(storage) == FINISHED_TO_KEEP
    assert [each.pid for each in storage.list()][:2] == [FINISHED_TO_KEEP + 1, FINISHED_TO_KEEP]
    assert [log.exists() for log in logs[:3]] == [False, False, True]
    assert Path(logs[-1]).exists()

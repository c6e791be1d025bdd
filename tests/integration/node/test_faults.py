"""Processes of a fleet that fail at named points: each one knows what it is, and nothing of a job is lost by it."""

from __future__ import annotations

import json
import signal

import pytest
from node_jobs import NAMES, ended, new_job, wait_until

pytestmark = pytest.mark.long  # a round of a campaign is in every run


@pytest.fixture
def arm(tmp_path, monkeypatch):
    """Arms faults, each for one process of all that are started from now on: `arm(point="fetch", kind="kill")`."""
    folder = tmp_path / "faults"
    (folder / "armed").mkdir(parents=True)
    monkeypatch.setenv("CRAWLERY_FAULT", str(folder))

    def arm(**fault) -> None:
        (folder / "armed" / fault["point"]).write_text(json.dumps(fault))

    return arm


@pytest.fixture
def fired(tmp_path):
    """What has fired at a point, once it has."""

    def fired(point: str) -> dict:
        path = tmp_path / "faults" / "fired" / f"{point}.json"
        wait_until(path.exists, what=f"a fault at {point}")
        return json.loads(path.read_text())

    return fired


def test_a_node_dies_with_a_seat_that_no_worker_has(node, jobs, arm, fired):
    arm(point="seat.taken", kind="kill", process="node")
    alpha = node(slots=1)
    jobs.create(new_job("j1", site="http://127.0.0.1:1"))
    assert alpha.finished() == -signal.SIGKILL
    assert fired("seat.taken")["pid"] == alpha.process.pid
    assert len(jobs.seats("j1")) == 1
    assert not alpha.worker_log("j1")


def test_a_node_that_cannot_start_a_worker_gives_the_seat_back_and_tries_again(node, shop, jobs, arm, fired):
    arm(point="seat.taken", kind="error", process="node")
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert fired("seat.taken")["process"] == "node"
    assert "No worker of j1 could be started: error at seat.taken" in alpha.log()
    assert len(jobs.attempts("j1")) == 1


def test_a_node_dies_before_anybody_knows_of_its_worker(node, jobs, arm, fired):
    arm(point="worker.spawned", kind="kill")
    alpha = node(slots=1)
    jobs.create(new_job("j1", site="http://127.0.0.1:1"))
    assert alpha.finished() == -signal.SIGKILL
    assert fired("worker.spawned")["process"] == "node"
    assert jobs.attempts("j1") == ()


def test_workers_of_a_node_fail_one_after_the_other_and_each_row_is_there_once(node, shop, jobs, arm, fired):
    shop.delay_s = 0.03
    arm(point="fetch", kind="kill", process="worker")
    arm(point="commit.reply", kind="drop-reply", nth=2, process="worker")
    arm(point="lease.reply", kind="kill", nth=2, process="worker")
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.names("j1") == NAMES
    killed = {fired(point)["pid"] for point in ("fetch", "lease.reply")}
    assert killed == {each.pid for each in ended(jobs, "j1", 3) if each.signal == signal.SIGKILL}
    assert alpha.process.pid not in killed
    # The site has had the request for which the first worker died.
    assert shop.hits["/"] == 2
    log = alpha.worker_log("j1")
    assert "kill at fetch" in log
    assert fired("commit.reply")["process"] == "worker"
    assert "The store does not take our calls (drop-reply at commit.reply" in log


def test_a_worker_of_a_terminal_is_one_too(start, shop, jobs, arm, fired):
    arm(point="fetch", kind="error", process="worker")
    arm(point="commit.call", kind="kill", nth=2, process="worker")  # the first one is of what the job begins with
    jobs.create(new_job("j1", site=shop.url))
    worker = start("j1", RETRY_BACKOFF_MIN=0.02, RETRY_BACKOFF_MAX=0.05)
    assert worker.finished() == -signal.SIGKILL, worker.log()
    assert fired("fetch")["pid"] == fired("commit.call")["pid"] == worker.process.pid
    assert "error at fetch" in worker.log()

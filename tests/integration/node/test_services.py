"""Scrapyd's API and its clients against a node: what works as there, and what is refused in a sentence."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from node_jobs import NAMES, new_job, wait_until
from node_process import schedule, unmeasured
from scrapyd_client.pyclient import ScrapydClient

from crawler.jobs.model import Intended, State

BIN = Path(sys.executable).parent


def test_a_waiting_and_a_running_job_are_listed_and_cancelled(alpha, shop, jobs):
    shop.delay_s = 0.05
    for job in ("j1", "j2"):
        schedule(alpha, jobid=job, site=shop.url)
    alpha.wait_for_workers()
    wait_until(lambda: alpha.ask("daemonstatus.json").json["pending"] == 1, what="a job that waits")
    listed = alpha.ask("listjobs.json?project=crawlery").json
    assert [entry["id"] for entry in listed["running"]] == ["j1"]
    assert [(entry["id"], entry["spider"], entry["args"]["site"]) for entry in listed["pending"]] == [
        ("j2", "items", shop.url)
    ]
    assert alpha.ask("status.json?job=j2").json["currstate"] == "pending"
    wait_until(lambda: alpha.ask("status.json?job=j1").json["currstate"] == "running", what="its first page")
    cancelled = [alpha.ask("cancel.json", {"project": "crawlery", "job": job}).json for job in ("j2", "j1", "j3")]
    assert [answer["prevstate"] for answer in cancelled] == ["pending", "running", None]
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.ledger("j1").closed == jobs.ledger("j2").closed == "cancelled"
    assert jobs.status("j1").intended is Intended.CANCEL
    of_j1 = {"project": "crawlery", "job": "j1"}
    assert alpha.ask("cancel.json", of_j1).json["prevstate"] is None
    assert "signal is not taken" in alpha.ask("cancel.json", {**of_j1, "signal": "KILL"}).text


def test_a_job_that_has_ended_is_finished_and_one_that_is_not_there_is_nothing(alpha, jobs):
    jobs.create(new_job("j1", spider="absent"))
    for state in ({"to": State.FINISHING, "intended": Intended.FAIL}, {"to": State.FAILED, "outcome": "empty"}):
        jobs.ask(lambda doors, state=state: doors.jobs.move("j1", **state))
    assert alpha.ask("status.json?job=j1").json["currstate"] == "finished"
    assert alpha.ask("status.json?job=j9").json["currstate"] is None


def test_nothing_is_deployed(alpha):
    for service in ("addversion", "delversion", "delproject"):
        answer = alpha.ask(f"{service}.json", {"project": "crawlery", "version": "1"}).json
        assert answer["status"] == "error"
        assert answer["message"].startswith("this node takes no eggs: jobs carry their recipe")


def test_pages_of_other_sites_may_not_read_the_answers(alpha):
    services = ("daemonstatus", "listprojects", "listspiders", "listjobs", "status", "addversion", "schedule")
    for service in services:
        with urllib.request.urlopen(f"{alpha.url}/{service}.json?project=crawlery&job=j1", timeout=60) as answer:
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")], service


@pytest.fixture
def client(tmp_path):
    """Runs a command of scrapyd-client in a Scrapy project that names the node."""

    def run(alpha, *words, code=0):
        (tmp_path / "project").mkdir(exist_ok=True)
        (tmp_path / "project" / "scrapy.cfg").write_text(
            f"[settings]\ndefault = crawler.settings\n\n[deploy]\nurl = {alpha.url}\nproject = crawlery\n"
        )
        done = subprocess.run(
            words, cwd=tmp_path / "project", env=unmeasured(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_scrapyd_client_lists_and_schedules(alpha, client, shop, jobs):
    scrapyd_client = str(BIN / "scrapyd-client")
    assert client(alpha, scrapyd_client, "projects") == "crawlery\n"
    assert client(alpha, scrapyd_client, "spiders", "-p", "crawlery") == "crawlery:\n  items\n  job\n"
    said = client(alpha, scrapyd_client, "schedule", "-p", "crawlery", "items", "--arg", f"site={shop.url}")
    job = said.strip().rpartition(" => ")[2]
    assert ScrapydClient(alpha.url).status(job)["currstate"] in ("pending", "running")
    wait_until(lambda: jobs.ledger(job).closed, what="the end of the job")
    assert jobs.names(job) == NAMES
    wait_until(lambda: ScrapydClient(alpha.url).jobs("crawlery")["finished"], what="the end of the worker")
    assert [each["id"] for each in ScrapydClient(alpha.url).jobs("crawlery")["finished"]] == [job]


def test_scrapyd_deploy_is_told_why_not(alpha, client):
    said = client(alpha, str(BIN / "scrapyd-deploy"))
    assert "this node takes no eggs" in said

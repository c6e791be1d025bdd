"""What schedule.json makes of an order."""

from __future__ import annotations

from node_jobs import NAMES, wait_until
from node_process import schedule


def test_a_scheduled_recipe_is_a_job_that_is_crawled(alpha, shop, jobs):
    answer = schedule(alpha, jobid="j1", site=shop.url, top="7", priority="2")
    assert answer == {"jobid": "j1", "status": "ok", "node_name": "alpha"}
    stored = jobs.ask(lambda doors: doors.jobs.get("j1")).job
    assert (stored.client, stored.recipe, stored.priority) == ("local", "items", "high")
    assert stored.inputs == {"site": shop.url, "top": 7}
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.names("j1") == NAMES


def test_the_same_jobid_again_is_the_same_job_and_another_order_is_refused(alpha, shop, jobs):
    for _ in range(2):
        assert schedule(alpha, jobid="j1", site=shop.url)["jobid"] == "j1"
    again = schedule(alpha, jobid="j1", site="http://other.example")
    assert again["status"] == "error"
    assert "job j1 exists already, and runs something else" in again["message"]
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert schedule(alpha, jobid="j1", site=shop.url)["jobid"] == "j1"
    assert len(jobs.attempts("j1")) == 1


REFUSED = [
    ({"project": "other"}, "project 'other' not found"),
    ({"spider": "itmes"}, "there is no recipe or spider called 'itmes'; did you mean 'items'?"),
    ({"spider": "job"}, "schedule a recipe by its name"),
    ({"setting": "DOWNLOAD_DELAY=1"}, "setting is not taken"),
    ({"_version": "r1"}, "_version is not taken"),
    ({"jobid": "a/b"}, "'a/b' is no id of a job"),
    ({"top": "many"}, "input top"),
    ({"tpo": "1"}, "input tpo: there is no such input"),
    ({"priority": "first"}, "priority is invalid"),
]


def test_an_order_that_makes_no_job_is_refused_in_a_sentence(alpha, jobs):
    for form, words in REFUSED:
        answer = schedule(alpha, **{"site": "http://x.example", **form})
        assert answer["status"] == "error", form
        assert words in answer["message"]
    assert jobs.ask(lambda doors: doors.jobs.newest()).jobs == ()

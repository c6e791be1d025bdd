"""`scrapy crawl job`: any job of the store by one name."""

from __future__ import annotations

from node_jobs import NAMES, new_job

from crawler.jobs.model import Intended, Limits, State


def test_a_recipe_is_crawled_from_the_text_and_inputs_of_its_job(start, shop, jobs):
    jobs.create(new_job("j1", site=shop.url))
    worker = start("j1")
    assert worker.finished() == 0, worker.log()
    assert jobs.names("j1") == NAMES
    assert jobs.ledger("j1").closed == "finished"


def test_an_ordinary_spider_is_crawled_with_the_arguments_of_its_job(start, shop, jobs):
    jobs.create(new_job("j1", spider="hand", site=shop.url))
    worker = start("j1", project="ordinary_settings")
    assert worker.finished() == 0, worker.log()
    assert jobs.ledger("j1").closed == "finished"
    assert sum(jobs.ledger("j1").rows.values()) >= len(NAMES)


def test_a_job_may_ask_for_less_than_its_recipe_gives(start, shop, jobs):
    jobs.create(new_job("j1", site=shop.url, limits=Limits(items=5)))
    assert start("j1").finished() == 0
    assert len(jobs.names("j1")) == 5


def test_a_job_that_does_not_exist_is_a_message_and_status_2(start, jobs):
    worker = start("nothing")
    assert worker.finished() == 2
    assert "there is no job nothing in the store at redis://127.0.0.1" in worker.log()


def test_a_job_that_is_over_is_nothing_to_do(start, shop, jobs):
    jobs.create(new_job("j1", site=shop.url))
    jobs.ask(lambda store: store.jobs.move("j1", State.FINISHING, intended=Intended.SUCCEED))
    worker = start("j1")
    assert worker.finished() == 0
    assert worker.log().strip().endswith("job j1 takes no more pages: it is finishing")
    assert not shop.hits


def test_a_spider_that_this_project_does_not_have_is_a_message(start, jobs):
    jobs.create(new_job("j1", spider="absent"))
    worker = start("j1")
    assert worker.finished() == 2
    assert "job j1 runs the spider absent, which is not in this project" in worker.log()


def test_other_arguments_than_those_of_a_worker_are_refused(start, jobs):
    worker = start("j1", site="http://x.example")
    assert worker.finished() == 2
    assert "site is not asked for" in worker.log()

"""`crawlery job run`: a recipe becomes a job that nodes can run without its file, and a key makes one job."""

from __future__ import annotations

import pytest
from goods_recipe import RECIPE

from crawler.exports.intents import read_intent
from crawler.jobs.model import Limits, Priority, State


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "goods.yaml").write_text(RECIPE)


SITE = ("-i", "site=http://127.0.0.1:1")


def test_the_job_has_all_that_was_typed_and_an_intent(crawlery, bench, recipe):
    words = ("--workers", "3", "--priority", "high", "--tag", "x", "--max-requests", "9", "--max-seconds", "60")
    result = crawlery("job", "run", "goods", *SITE, *words)
    job, status = bench.run(bench.jobs.get(result.stdout.strip()))
    assert (job.recipe, job.inputs, job.client) == ("goods", {"site": "http://127.0.0.1:1"}, "local")
    assert (job.max_workers, job.priority, job.tags) == (3, Priority.HIGH, ("x",))
    assert job.limits == Limits(requests=9, duration_s=60)
    assert status.state is State.QUEUED
    assert read_intent(bench.objects, job.id).recipe_text == job.recipe_text
    assert f"`crawlery job watch {job.id}`" in result.stderr


def test_the_same_key_is_the_same_job_and_with_other_values_refused(crawlery, recipe):
    first = crawlery("job", "run", "goods", *SITE, "--key", "monday")
    again = crawlery("job", "run", "goods", *SITE, "--key", "monday")
    assert first.stdout == again.stdout
    assert "was there already" in again.stderr
    refused = crawlery("job", "run", "goods", "-i", "site=http://127.0.0.1:2", "--key", "monday", code=2)
    assert "with other values" in refused.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "no recipe 'nothing'"),
        (("goods",), "site"),
        (("goods", *SITE, "--workers", "0"), "--workers"),
        (("goods", *SITE, "--key", ""), "--key is empty"),
        (("goods", "-i", "sites=x"), "sites"),
    ],
)
def test_what_cannot_be_a_job_is_one_message_and_nothing_is_accepted(crawlery, bench, recipe, words, says):
    assert says in crawlery("job", "run", *words, code=2).stderr
    assert bench.run(bench.jobs.live()) == ()


def test_a_job_whose_intent_cannot_be_kept_is_not_accepted(crawlery, bench, recipe, tmp_path):
    (tmp_path / "file").write_text("")
    result = crawlery("job", "run", "goods", *SITE, code=2, STORAGE_URL=f"file://{tmp_path / 'file'}")
    assert "the job is not accepted" in result.stderr
    assert bench.run(bench.jobs.live()) == ()

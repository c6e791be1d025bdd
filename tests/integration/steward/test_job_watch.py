"""`crawlery job watch`: what it shows, and the status with which it says how a job has ended."""

from __future__ import annotations

import pytest

from crawler.jobs.model import Intended


def test_a_job_that_has_ended_is_told_with_its_books(crawlery, bench):
    bench.a_job()
    bench.crawl(3)
    bench.work(bench.ended())
    result = crawlery("job", "watch", "j")
    assert "j: succeeded, complete" in result.stderr
    assert "3 found, with `start`; ok 3" in result.stderr
    assert "good 6" in result.stderr


@pytest.mark.parametrize(
    ("job", "intended", "code"),
    [
        (("quality: {items: {minimum: 100}}\n", 2), None, 4),
        (("", 0), None, 4),
        (("", 2), Intended.CANCEL, 1),
    ],
)
def test_the_exit_status_says_how_it_has_ended(crawlery, bench, job, intended, code):
    more, rows = job
    bench.a_job(more=more)
    bench.crawl(2, rows=rows)
    if intended is not None:
        bench.run(bench.jobs.intend("j", intended))
    bench.work(bench.ended())
    crawlery("job", "watch", "j", code=code)


@pytest.mark.parametrize(("job", "says"), [("none", "there is no job none"), ("../x", "is no id of a job")])
def test_a_job_that_is_not_there_is_one_message(crawlery, job, says):
    assert says in crawlery("job", "watch", job, code=2).stderr

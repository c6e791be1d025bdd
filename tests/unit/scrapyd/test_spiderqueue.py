"""A job as Scrapyd lists it."""

from __future__ import annotations

import pytest

from crawler.jobs.model import Job
from crawler.scrapyd.spiderqueue import message, name_of


def job(**more):
    return Job(**{"id": "j1", "spider": "hand", "secret": b"0123456789abcdef", **more})


@pytest.mark.parametrize(
    ("name", "shown"),
    [("books", "books"), ("../x", "-x"), ("a/b", "a-b"), (".", "recipe"), ("", "recipe"), ("x" * 99, "x" * 80)],
)
def test_a_name_may_be_a_folder(name, shown):
    assert name_of(job(spider="", recipe=name, recipe_text="x")) == shown


def test_inputs_do_not_hide_what_scrapyd_reads():
    listed = message(job(inputs={"name": "n", "_job": "x", "top": 3}))
    assert listed == {"name": "hand", "_job": "j1", "top": "3"}

"""A job of the store as a spider: its recipe, its inputs, its limits."""

from __future__ import annotations

import pytest
from scrapy import Spider
from scrapy.settings import Settings

from crawler.errors import InputError, RecipeError
from crawler.jobs.model import Job, Limits
from crawler.spiders.stored import apply_job_limits, spider_of_job

RECIPE = """
schema_version: 1
name: chairs
version: "1.0.0"
inputs: {site: {type: string, format: uri}, top: {type: integer, default: 3}}
start: [{urls: "{{ inputs.site }}/", page: chair}]
pages: {chair: {item: chair, fields: {name: h1}}}
items: {chair: {version: 1, fields: {name: {type: string}}}}
"""


class Hand(Spider):
    """Ordinary."""

    name = "hand"


class Loader:
    """Knows one spider."""

    def load(self, name):
        return {"hand": Hand}[name]


def job(**more):
    return Job(**{"id": "j1", "secret": b"0123456789abcdef", "inputs": {"site": "http://a.example"}, **more})


def test_a_recipe_has_the_inputs_of_its_job_with_defaults_and_no_arguments():
    stored = job(recipe="chairs", recipe_text=RECIPE)
    spidercls, arguments = spider_of_job(stored, Loader())
    assert (spidercls.name, spidercls.stored_job, arguments) == ("chairs", stored, {})
    assert spidercls.inputs_of({"site": "http://other.example"}) == {"site": "http://a.example", "top": 3}


def test_an_ordinary_spider_has_them_as_arguments():
    spidercls, arguments = spider_of_job(job(spider="hand"), Loader())
    assert issubclass(spidercls, Hand)
    assert spidercls.stored_job.id == "j1"
    assert not hasattr(Hand, "stored_job")
    assert arguments == {"site": "http://a.example"}


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"recipe_text": "name: x"}, RecipeError),
        ({"recipe_text": RECIPE, "inputs": {"site": "no address"}}, InputError),
        ({"spider": "absent"}, KeyError),
    ],
)
def test_a_job_that_cannot_be_crawled_here_says_so(more, error):
    with pytest.raises(error):
        spider_of_job(job(**more), Loader())


@pytest.mark.parametrize(
    ("present", "limit", "expected"), [(0, None, 0), (0, 5, 5), (9, 5, 5), (3, 5, 3), (3, None, 3)]
)
def test_limits_of_a_job_only_lower_those_of_the_deployment(present, limit, expected):
    settings = Settings({"REQUESTS_LIMIT": present, "ITEMS_LIMIT": 0, "DURATION_LIMIT": 0.0})
    apply_job_limits(settings, job(spider="hand", limits=Limits(requests=limit)))
    assert settings.getint("REQUESTS_LIMIT") == expected
    assert settings.getint("ITEMS_LIMIT") == 0

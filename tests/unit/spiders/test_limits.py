from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.errors import InputError
from crawler.recipe.model import Limits
from crawler.recipe.template import compile_value
from crawler.spiders.limits import Deployment, gentler

DEPLOYMENT = Deployment(
    obey_robots=True,
    delay_s=0.5,
    concurrency_per_domain=4,
    autothrottle=True,
    requests=0,
    items=0,
    duration_s=0.0,
    errors=0,
    blocked_in_a_row=8,
)


def settings(limits: Limits, deployment: Deployment = DEPLOYMENT, **inputs):
    return gentler(limits, deployment, inputs)[0]


def test_without_limits_everything_stays_as_it_is():
    assert settings(Limits()) == {
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": 0.5,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 4,
        "AUTOTHROTTLE_ENABLED": True,
        "REQUESTS_LIMIT": 0,
        "ITEMS_LIMIT": 0,
        "DURATION_LIMIT": 0,
        "ERRORS_LIMIT": 0,
        "BLOCKED_IN_A_ROW": 8,
    }


@pytest.mark.parametrize(
    ("limits", "name", "value"),
    [
        (Limits(delay_s=2.0), "DOWNLOAD_DELAY", 2.0),
        (Limits(delay_s=0.1), "DOWNLOAD_DELAY", 0.5),
        (Limits(concurrency_per_domain=1), "CONCURRENT_REQUESTS_PER_DOMAIN", 1),
        (Limits(concurrency_per_domain=100), "CONCURRENT_REQUESTS_PER_DOMAIN", 4),
        (Limits(duration_s=60.0), "DURATION_LIMIT", 60.0),
        (Limits(stop_after_errors=7), "ERRORS_LIMIT", 7),
        (Limits(blocked_in_a_row=3), "BLOCKED_IN_A_ROW", 3),
        (Limits(blocked_in_a_row=9), "BLOCKED_IN_A_ROW", 8),
        (Limits(requests=compile_value(50)), "REQUESTS_LIMIT", 50),
        (Limits(items=compile_value("{{ inputs.top }}")), "ITEMS_LIMIT", 9),
        (Limits(items=compile_value("1{{ inputs.top }}")), "ITEMS_LIMIT", 19),
    ],
)
def test_a_recipe_can_be_gentler_and_not_harsher(limits, name, value):
    assert settings(limits, top=9)[name] == value


def test_the_smaller_of_two_limits_counts():
    deployment = replace(DEPLOYMENT, requests=10, duration_s=5.0)
    limits = Limits(requests=compile_value(50), duration_s=60.0)
    assert settings(limits, deployment)["REQUESTS_LIMIT"] == 10
    assert settings(limits, deployment)["DURATION_LIMIT"] == 5.0


def test_a_recipe_can_ask_for_care_that_the_deployment_does_not_take():
    careless = replace(DEPLOYMENT, obey_robots=False, autothrottle=False)
    assert settings(Limits(obey_robots=True, autothrottle=True), careless)["ROBOTSTXT_OBEY"] is True
    assert settings(Limits(obey_robots=True, autothrottle=True), careless)["AUTOTHROTTLE_ENABLED"] is True
    assert settings(Limits(), careless)["ROBOTSTXT_OBEY"] is False


def test_asking_for_less_care_is_ignored_with_a_sentence():
    found, ignored = gentler(Limits(obey_robots=False, autothrottle=False), DEPLOYMENT, {})
    assert found["ROBOTSTXT_OBEY"] is True
    assert found["AUTOTHROTTLE_ENABLED"] is True
    assert len(ignored) == 2
    assert all("is ignored" in sentence for sentence in ignored)


@pytest.mark.parametrize("value", [0, -1, True, "many", "1.5", None, [3]])
def test_a_limit_that_is_no_whole_number_is_an_input_error(value):
    with pytest.raises(InputError, match=r"limits\.items: must be a whole number from 1"):
        settings(Limits(items=compile_value("{{ inputs.top }}")), top=value)

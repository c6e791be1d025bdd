"""Scrapy's settings as paces of hosts."""

from __future__ import annotations

import pytest
from scrapy.exceptions import ScrapyDeprecationWarning
from scrapy.settings import Settings

from crawler.downloader.pace import Paces
from crawler.errors import ConfigError
from crawler.frontier.gate_contract import Pace
from crawler.spiders.runner import project_settings

PLAIN = {"AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0.5, "CONCURRENT_REQUESTS_PER_DOMAIN": 3}


def paces(host="h", **settings):
    return Paces(Settings({**PLAIN, **settings}))(host)


def test_scrapys_settings_make_one_pace_for_deployment_and_crawl():
    site, own = paces()
    assert site == own
    assert (site.concurrency, site.delay_s, site.adaptive) == (3, 0.5, False)


def test_our_own_settings_are_careful():
    site, _ = Paces(project_settings())("h")
    assert site == Pace(
        concurrency=4, delay_s=0.01, adaptive=True, start_delay_s=0.5, max_delay_s=60.0, target_concurrency=2.0
    )


def test_autothrottle_begins_no_faster_than_the_delay_and_may_reach_it():
    site, _ = paces(AUTOTHROTTLE_ENABLED=True, DOWNLOAD_DELAY=90, AUTOTHROTTLE_START_DELAY=5, AUTOTHROTTLE_MAX_DELAY=60)
    assert (site.start_delay_s, site.max_delay_s) == (90.0, 90.0)


def test_a_number_per_ip_takes_the_place_of_the_number_per_domain():
    with pytest.warns(ScrapyDeprecationWarning):
        assert paces(CONCURRENT_REQUESTS_PER_IP=2)[0].concurrency == 2


def test_what_was_noted_before_a_recipe_slowed_down_is_the_deployments():
    noted = {"DOWNLOAD_DELAY": 0.1, "CONCURRENT_REQUESTS_PER_DOMAIN": 8, "AUTOTHROTTLE_ENABLED": False}
    site, own = paces(DEPLOYMENT_PACE=noted, AUTOTHROTTLE_ENABLED=True)
    assert (site.concurrency, site.delay_s, site.adaptive) == (8, 0.1, False)
    assert (own.concurrency, own.delay_s, own.adaptive) == (3, 0.5, True)


def test_download_slots_say_how_a_single_host_is_asked():
    slots = {"h": {"concurrency": 1, "delay": 2, "jitter": 0.5}, "other": {"delay": 0}}
    site, own = paces(DOWNLOAD_SLOTS=slots)
    assert site == own
    assert (site.concurrency, site.delay_s) == (1, 2.0)
    assert paces("other", DOWNLOAD_SLOTS=slots)[0].delay_s == 0.0
    assert paces("third", DOWNLOAD_SLOTS=slots)[0].delay_s == 0.5


def test_a_recipe_stays_gentler_than_the_slot_of_a_host():
    noted = {"DOWNLOAD_DELAY": 0.1, "CONCURRENT_REQUESTS_PER_DOMAIN": 8}
    site, own = paces(DEPLOYMENT_PACE=noted, DOWNLOAD_SLOTS={"h": {"concurrency": 6, "delay": 0.2}})
    assert (site.concurrency, site.delay_s) == (6, 0.2)
    assert (own.concurrency, own.delay_s) == (3, 0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DOWNLOAD_DELAY": "soon"}, "value of the wrong kind: could not convert"),
        ({"DOWNLOAD_SLOTS": {"h": 3}}, "DOWNLOAD_SLOTS['h'] must be a map of concurrency, delay"),
        ({"DOWNLOAD_SLOTS": {"h": {"dealy": 3}}}, "DOWNLOAD_SLOTS['h'] must be a map of concurrency, delay"),
        ({"DOWNLOAD_SLOTS": {"h": {"delay": -1}}}, "DOWNLOAD_SLOTS['h']['delay'] must be a number from 0, is -1"),
        ({"DOWNLOAD_SLOTS": {"h": {"concurrency": True}}}, "['concurrency'] must be a number from 0, is True"),
        ({"DOWNLOAD_SLOTS": {"h": {"delay": float("nan")}}}, "must be a number from 0, is nan"),
        ({"AUTOTHROTTLE_ENABLED": True, "AUTOTHROTTLE_TARGET_CONCURRENCY": 0}, "must be more than 0, is 0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name(settings, message):
    with pytest.raises(ConfigError) as error:
        paces(**settings)
    assert message in str(error.value)

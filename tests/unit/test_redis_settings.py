"""Settings of scrapy-redis that mean nothing here are named once, with what holds instead."""

from __future__ import annotations

import pytest
from scrapy.settings import Settings
from scrapy_redis import defaults

from crawler.redis_settings import not_shared, without_meaning


def settings(**values):
    found = Settings()
    found.setmodule("crawler.settings")
    found.setdict(values)
    return found


def test_settings_as_they_come_say_nothing():
    assert (without_meaning(settings()), not_shared(settings())) == ([], [])


@pytest.mark.parametrize("persist", [True, False])
def test_a_setting_without_a_meaning_is_named_with_what_holds_instead(persist):
    (line,) = without_meaning(settings(SCHEDULER_PERSIST=persist))
    assert line.startswith("SCHEDULER_PERSIST has no meaning here: a job is kept until it has ended")


@pytest.mark.parametrize("name", ["SCHEDULER_QUEUE_KEY", "SCHEDULER_QUEUE_CLASS", "SCHEDULER_DUPEFILTER_KEY"])
def test_settings_of_the_queue_are_named(name):
    (line,) = without_meaning(settings(**{name: getattr(defaults, name)}))
    assert line.startswith(f"{name} has no meaning here")


def test_a_client_class_and_the_stats_of_scrapy_redis_are_named():
    lines = without_meaning(
        settings(REDIS_PARAMS={"redis_cls": "my.Client"}, STATS_CLASS="scrapy_redis.stats.RedisStatsCollector")
    )
    assert [line.split()[0] for line in lines] == ["redis_cls", "scrapy_redis.stats.RedisStatsCollector"]


def test_what_is_honoured_is_not_named():
    honoured = {"SCHEDULER_FLUSH_ON_START": True, "REDIS_START_URLS_AS_SET": True, "MAX_IDLE_TIME_BEFORE_CLOSE": 5}
    assert without_meaning(settings(**honoured, REDIS_ENCODING="latin-1", REDIS_START_URLS_KEY="x")) == []


def test_a_project_that_relied_on_the_default_store_is_told_that_nothing_is_shared():
    (line,) = not_shared(settings(SCHEDULER_PERSIST=True))
    assert "not shared, though SCHEDULER_PERSIST is set" in line
    assert "REDIS_URL" in line

"""Which job a crawl joins, and what it is told when it cannot."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from scrapy import Spider
from scrapy.settings import Settings

from crawler.errors import ConfigError, InputError, InvalidJob
from crawler.fleet import check_fleet, fleet_settings
from crawler.frontier.contract import FrontierRequest
from crawler.frontier.identity import START_ID
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.redis import RedisJobStore
from crawler.recipe.loader import load_recipe_text
from crawler.spiders.loader import spider_of
from crawler.store import Store, connect

RECIPE = """
schema_version: 1
name: books
version: "1.0.0"
inputs:
  category: {type: string, default: travel}
start:
  - urls: "http://127.0.0.1/{{ inputs.category }}"
    page: book
pages:
  book:
    item: book
    fields:
      title: h1
items:
  book:
    version: 1
    key: [title]
    fields:
      title: {type: string, required: true}
"""


class Plain(Spider):
    name = "plain"


@pytest.fixture
def settings(valkey):
    settings = Settings()
    settings.setmodule("crawler.settings")
    settings.set("REDIS_URL", valkey.url)
    return settings


@pytest.fixture
def books():
    return spider_of(load_recipe_text(RECIPE, name="books"))


@pytest.fixture
def ask(valkey):
    def ask(question):
        async def run():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(run())

    return ask


def join(settings, spider, **arguments):
    return check_fleet(settings, spider, spider.name, arguments)


def close(ask, job):
    ask(lambda store: RedisFrontier(store, job=job).close("limits.requests"))


def test_a_crawl_whose_settings_name_no_store_shares_nothing(books):
    settings = Settings()
    settings.setmodule("crawler.settings")
    assert join(settings, books) is None


def test_a_job_without_a_store_is_a_message(books):
    settings = Settings()
    settings.setmodule("crawler.settings")
    with pytest.raises(ConfigError, match="-s REDIS_URL=redis://HOST:PORT says where"):
        join(settings, books, job="j1")


def test_the_first_process_makes_the_job_and_the_second_joins_it(settings, books, ask):
    assert join(settings, books, job="j1", category="poetry") == "j1"
    assert join(settings, books, job="j1", category="poetry") == "j1"
    job, status = ask(lambda store: RedisJobStore(store).get("j1"))
    assert (job.recipe, job.inputs, str(status.state)) == ("books", {"category": "poetry"}, "queued")


def test_twenty_processes_that_come_at_once_share_one_secret(settings, books, ask):
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: join(settings, books, job="j1"), range(20))) == {"j1"}
    assert len(ask(lambda store: RedisJobStore(store).newest()).jobs) == 1


def test_a_recipe_without_a_job_gets_one_of_its_own_each_time(settings, books):
    arguments = {}
    first = check_fleet(settings, books, "books", arguments)
    assert arguments["job"] == first
    assert first.startswith("books-")
    assert join(settings, books) != first


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (RECIPE.replace("name: books", "name: films"), {}, "job j1 crawls books, not films"),
        (RECIPE.replace("title: h1", "title: h2"), {}, "began with another text of recipe books"),
        (RECIPE, {"category": "poetry"}, "began with category='travel', this command says 'poetry'"),
    ],
)
def test_a_process_that_wants_something_else_is_refused(settings, books, text, arguments, message):
    join(settings, books, job="j1")
    other = spider_of(load_recipe_text(text, name="books"))
    with pytest.raises(ConfigError, match=message):
        join(settings, other, job="j1", **arguments)


def test_a_job_that_has_ended_takes_nobody_in(settings, books, ask):
    join(settings, books, job="j1")
    close(ask, "j1")
    with pytest.raises(ConfigError, match="takes no more pages: it is finishing"):
        join(settings, books, job="j1")


@pytest.mark.parametrize(
    ("arguments", "error"), [({"job": "../etc"}, InvalidJob), ({"job": "j1", "colour": "red"}, InputError)]
)
def test_wrong_arguments_are_told_before_anything_is_made(settings, books, ask, arguments, error):
    with pytest.raises(error):
        join(settings, books, **arguments)
    assert ask(lambda store: RedisJobStore(store).newest()).jobs == ()


def test_processes_of_an_ordinary_spider_share_its_run_and_the_next_run_is_another_job(settings, ask):
    assert [join(settings, Plain), join(settings, Plain)] == ["plain-1", "plain-1"]
    close(ask, "plain-1")
    assert [join(settings, Plain), join(settings, Plain)] == ["plain-2", "plain-2"]
    assert join(settings, Plain, job="mine") == "mine"


def test_arguments_of_an_ordinary_spider_must_be_the_same_too(settings):
    join(settings, Plain, job="j1", category="a")
    with pytest.raises(ConfigError, match="began with category='a'"):
        join(settings, Plain, job="j1", category="b")


def test_a_store_that_does_not_answer_is_a_message_without_the_password(settings, books):
    settings.set("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    with pytest.raises(ConfigError, match=r"the store at redis://127\.0\.0\.1:1/0 does not answer") as caught:
        join(settings, books, job="j1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("user", ["", ":wrong@"])
def test_a_wrong_password_or_none_is_a_message(settings, books, new_valkey, user):
    server = new_valkey(appendfsync=None)
    with redis.Redis(port=server.port) as client:
        client.config_set("requirepass", "right")
    settings.set("REDIS_URL", server.url.replace("redis://", f"redis://{user}"))
    with pytest.raises(ConfigError, match=rf"the store at redis://127\.0\.0\.1:{server.port} does not answer: \S+"):
        join(settings, books, job="j1")


@pytest.mark.parametrize("url", ["localhost:6379", "http://127.0.0.1:6379", "redis://127.0.0.1:port"])
def test_what_is_no_address_of_a_store_is_a_message(settings, books, url):
    settings.set("REDIS_URL", url)
    with pytest.raises(ConfigError, match="REDIS_URL or REDIS_PARAMS cannot be used"):
        join(settings, books, job="j1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"REDIS_PARAMS": {"foo": 1}}, "REDIS_URL or REDIS_PARAMS cannot be used: unexpected keyword argument 'foo'"),
        ({"REDIS_PARAMS": '["secret'}, "REDIS_PARAMS is no dict (Unterminated string"),
        ({"REDIS_PARAMS": '["secret"]'}, "REDIS_PARAMS is no dict"),
        ({"REDIS_PORT": "abc"}, "REDIS_PORT is 'abc'; it must be a whole number"),
        ({"REDIS_DB": "abc"}, "REDIS_DB is 'abc'; it must be a whole number"),
        ({"LEASE_TTL": "abc"}, "LEASE_TTL is abc; it is in seconds, from 0.5 to 3600"),
        ({"LEASE_TTL": "nan"}, "LEASE_TTL is nan; it is in seconds, from 0.5 to 3600"),
        ({"SCHEDULER_FLUSH_ON_START": "maybe"}, "SCHEDULER_FLUSH_ON_START is 'maybe'; it must be True or False"),
        ({"STORE_PREFIX": "a{b}"}, "STORE_PREFIX is 'a{b}'; leave out the braces"),
    ],
)
def test_settings_of_the_store_that_cannot_be_used_are_a_message(settings, books, values, message):
    settings.setdict(values)
    with pytest.raises(ConfigError) as caught:
        join(settings, books, job="j1")
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_option_that_no_client_knows_is_a_message_also_in_the_address(settings, books):
    settings.set("REDIS_URL", f"{settings['REDIS_URL']}?foo=1")
    with pytest.raises(ConfigError, match="REDIS_URL or REDIS_PARAMS cannot be used: unexpected keyword argument"):
        join(settings, books, job="j1")


def test_scrapy_redis_settings_are_understood(valkey):
    settings = Settings()
    settings.setmodule("crawler.settings")
    settings.setdict({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "7000", "REDIS_PARAMS": {"db": 3, "redis_cls": "x.Y"}})
    assert fleet_settings(settings).parameters == {"host": "127.0.0.1", "port": 7000, "db": 3}


@pytest.mark.parametrize("ttl", ["0", "-1", "99999"])
def test_a_ttl_that_no_worker_can_keep_is_a_message(settings, books, ttl):
    settings.set("LEASE_TTL", ttl)
    with pytest.raises(ConfigError, match=r"LEASE_TTL is .*; it is in seconds, from 0\.5 to 3600"):
        join(settings, books, job="j1")


def test_a_run_that_was_left_off_is_ended_and_the_next_one_begun_if_the_settings_say_so(settings, ask):
    assert join(settings, Plain) == "plain-1"
    begin(ask, "plain-1", ttl_s=0.001)
    settings.set("SCHEDULER_FLUSH_ON_START", True)
    assert join(settings, Plain) == "plain-2"
    assert ask(lambda store: RedisFrontier(store, job="plain-1").ledger()).closed == "cancelled"


def test_a_run_that_has_not_begun_is_not_ended(settings):
    settings.set("SCHEDULER_FLUSH_ON_START", True)
    assert [join(settings, Plain), join(settings, Plain)] == ["plain-1", "plain-1"]


def test_a_run_that_others_are_at_work_on_is_joined_with_a_message(settings, ask, caplog):
    assert join(settings, Plain) == "plain-1"
    begin(ask, "plain-1", ttl_s=60)
    settings.set("SCHEDULER_FLUSH_ON_START", True)
    assert join(settings, Plain) == "plain-1"
    assert "others are at work on plain-1, so this worker joins it; `crawlery job cancel plain-1`" in caplog.text


def begin(ask, job, *, ttl_s):
    async def lease(store):
        frontier = RedisFrontier(store, job=job, ttl_s=ttl_s)
        await frontier.enqueue([FrontierRequest(id=START_ID, host="", body=b"")])
        assert (await frontier.lease(worker="w", call=1, limit=1, ttl_s=ttl_s)).leases
        await asyncio.sleep(0.01)

    ask(lease)

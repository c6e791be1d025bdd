"""Each unsafe default of Scrapy is off, and our components are where they must be, whatever a spider sets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.settings import Settings, default_settings
from scrapy.utils.conf import build_component_list
from scrapy.utils.misc import load_object

from crawler.downloader.curl import CurlDownloadHandler
from crawler.downloader.http import CLIENTS, HttpDownloadHandler
from crawler.errors import ConfigError
from crawler.spiders.runner import project_settings


class Component:
    """An engineer's own."""


@pytest.fixture
def settings():
    return project_settings()


@pytest.mark.parametrize("scheme", ["file", "ftp", "s3", "data"])
def test_only_http_and_https_are_downloaded(settings, scheme):
    handlers = settings.getwithbase("DOWNLOAD_HANDLERS")
    assert default_settings.DOWNLOAD_HANDLERS_BASE[scheme]
    assert handlers[scheme] is None
    assert {name for name, handler in handlers.items() if handler} == {"http", "https"}


@pytest.mark.parametrize(("client", "kind"), [("curl", CurlDownloadHandler), ("scrapy", HTTP11DownloadHandler)])
def test_a_setting_says_who_downloads(client, kind):
    assert load_object(CLIENTS[client]) is kind
    with pytest.raises(ConfigError, match="DOWNLOAD_CLIENT is 'wget'; it must be one of curl, scrapy"):
        HttpDownloadHandler.from_crawler(SimpleNamespace(settings=project_settings({"DOWNLOAD_CLIENT": "wget"})))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("REMOTE_CONTROL_ENABLED", False),
        ("TELNETCONSOLE_ENABLED", False),
        ("DOWNLOAD_VERIFY_CERTIFICATES", True),
        ("ROBOTSTXT_OBEY", True),
        ("AUTOTHROTTLE_ENABLED", True),
    ],
)
def test_switches_stand_on_the_safe_side(settings, name, safe):
    assert bool(getattr(default_settings, name)) is not safe
    assert settings.getbool(name) is safe


@pytest.mark.parametrize("name", ["telnet.TelnetConsole", "remote_control.RemoteControl", "throttle.AutoThrottle"])
def test_extensions_that_open_ports_or_are_replaced_are_not_loaded(settings, name):
    assert settings.getwithbase("EXTENSIONS")[f"scrapy.extensions.{name}"] is None


def test_a_body_may_have_32_mib_and_not_a_gigabyte(settings):
    assert settings.getint("DOWNLOAD_MAXSIZE") == 32 * 1024 * 1024


@pytest.mark.parametrize("exporter", ["pickle", "marshal"])
def test_no_format_that_can_run_code_is_written(settings, exporter):
    assert settings.getwithbase("FEED_EXPORTERS")[exporter] is None


def test_not_one_task_per_response_times_a_hundred(settings):
    assert settings.getint("CONCURRENT_ITEMS") == 1


def test_the_user_agent_says_what_it_is(settings):
    assert settings["USER_AGENT"].startswith("Crawlery/")
    assert "Mozilla" not in settings["USER_AGENT"]
    assert settings["ROBOTSTXT_USER_AGENT"] == "Crawlery"


@pytest.mark.parametrize("kind", ["SPIDER_MIDDLEWARES", "DOWNLOADER_MIDDLEWARES", "EXTENSIONS", "ITEM_PIPELINES"])
def test_a_spider_that_adds_components_keeps_ours(settings, kind):
    ours = [
        name for name, place in settings[f"{kind}_BASE"].items() if name.startswith("crawler.") and place is not None
    ]
    assert ours
    settings.set(kind, {Component: 500}, priority="spider")
    components = build_component_list(settings.get_component_priority_dict_with_base(kind))
    assert {*map(load_object, ours), Component} <= set(map(load_object, components))


@pytest.mark.parametrize("kind", ["SPIDER_MIDDLEWARES", "DOWNLOADER_MIDDLEWARES"])
def test_the_settling_middlewares_are_nearest_to_the_engine(settings, kind):
    assert "settle" in build_component_list(settings.get_component_priority_dict_with_base(kind))[0]


def test_everything_that_is_named_can_be_loaded(settings):
    names = [
        settings[name]
        for name in (
            "SCHEDULER",
            "FRONTIER",
            "DOWNLOADER",
            "GATE",
            "SPIDER_LOADER_CLASS",
            "TWISTED_DNS_RESOLVER",
            "TWISTED_REACTOR",
            "ASYNCIO_EVENT_LOOP",
        )
    ]
    for kind in ("SPIDER_MIDDLEWARES", "DOWNLOADER_MIDDLEWARES", "EXTENSIONS", "ITEM_PIPELINES", "FEED_EXPORTERS"):
        names += [name for name in settings[f"{kind}_BASE"] if str(name).startswith("crawler.")]
        names += [path for path in settings[f"{kind}_BASE"].values() if str(path).startswith("crawler.")]
    for name in names:
        assert load_object(name)


def test_no_setting_is_a_misspelling_of_one_of_scrapys(settings):
    ours = {
        "RECIPES_PATHS", "EXPORTS_DIR", "SUMMARY_FILE", "CRAWL_DELAY_MAX", "REQUESTS_LIMIT", "ITEMS_LIMIT", "FRONTIER",
        "DURATION_LIMIT", "ERRORS_LIMIT", "RETRY_BACKOFF_MIN", "RETRY_BACKOFF_MAX", "LOG_JSON", "GATE",
        "BLOCKED_ENABLED", "BLOCKED_IN_A_ROW", "INCREMENTAL_CACHE", "INCREMENTAL_FOLDER", "INCREMENTAL_FULL",
        "DEPLOYMENT_PACE", "FLEET", "STORE_PREFIX", "LEASE_TTL", "S3_ENDPOINT_URL", "S3_REGION", "S3_SSE",
        "EGRESS_ALLOW", "EGRESS_DENY", "NODE_NAME", "SEAT_TOKEN", "SEAT_TTL", "WORKER_IDLE_S", "DOWNLOAD_CLIENT",
        "DOWNLOAD_HTTP2", "FASTPATH_ENABLED",
    }  # fmt: skip
    assert {str(name) for name in settings} - {str(name) for name in Settings()} == ours

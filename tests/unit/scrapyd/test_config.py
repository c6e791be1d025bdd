"""What a node is told, and the Scrapyd configuration that follows."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from scrapy.utils.misc import load_object

from crawler.errors import ConfigError
from crawler.scrapyd.config import NodeConfig, ScrapydConfig


def config(**more):
    return NodeConfig(**{"name": "alpha", "redis_url": "redis://:pw@h/0", "folder": Path("/n"), "slots": 2, **more})


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_may_ask_without_a_password(bind):
    assert config(bind=bind).bind == bind


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1", "node.example", ""])
def test_others_may_not(bind):
    with pytest.raises(ConfigError, match="SCRAPYD_USERNAME and SCRAPYD_PASSWORD"):
        config(bind=bind)
    assert config(bind=bind, username="op", password="sesame").bind == bind


@pytest.mark.parametrize("name", ["", "a/b", "-a", "a b", "a" * 41, "ä"])
def test_a_name_stands_in_names_of_workers(name):
    with pytest.raises(ConfigError, match="is no name of a node"):
        config(name=name)


def test_without_a_store_there_is_no_node():
    with pytest.raises(ConfigError, match="which store"):
        config(redis_url="")


def test_the_address_is_one_that_others_can_use():
    assert config().url(6800) == "http://127.0.0.1:6800"
    assert config(bind="::1").url(1) == "http://[::1]:1"
    everywhere = config(bind="0.0.0.0", username="op", password="sesame")
    assert everywhere.url(1) == f"http://{socket.gethostname()}:1"


def test_passwords_are_not_shown():
    assert "pw" not in repr(config(username="op", password="pw-web"))


def test_what_is_said_for_workers_wins_over_what_the_node_sets():
    settings = config(settings={"LEASE_TTL": "3", "EXPORTS_DIR": "/x"}).worker_settings
    assert (settings["REDIS_URL"], settings["LEASE_TTL"]) == ("redis://:pw@h/0", "3")
    assert settings["EXPORTS_DIR"] == "/x"


def test_scrapyds_parts_are_there_and_a_percent_sign_is_one():
    scrapyd = ScrapydConfig(config(folder=Path("/n%d")), presence=None)
    assert scrapyd.get("logs_dir") == "/n%d/logs"
    assert scrapyd.items("settings") == [("crawlery", "crawler.settings")]
    for _, path in scrapyd.items("services"):
        assert load_object(path)

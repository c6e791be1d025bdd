from __future__ import annotations

import os
from pathlib import Path

import pytest

import crawler
from crawler.config import read_config
from crawler.errors import ConfigError

NAMES = (
    *("RECIPES_PATH", "CRAWLERY_EXPORTS_DIR", "CRAWLERY_CONTACT", "CRAWLERY_LOG_LEVEL", "CRAWLERY_LOG_JSON"),
    *("CRAWLERY_DATA_DIR", "REDIS_URL", "STORAGE_URL", "S3_ENDPOINT_URL", "S3_REGION", "S3_SSE"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "CRAWLERY_API_URL", "CRAWLERY_API_KEY"),
)
PLATFORM = """# How to reach the platform
REDIS_URL='redis://:it;s@127.0.0.1:1/0'
STORAGE_URL=s3://crawlery
S3_ENDPOINT_URL=http://127.0.0.1:2
S3_REGION=there
S3_SSE=AES256
AWS_ACCESS_KEY_ID=id
AWS_SECRET_ACCESS_KEY=k3y
"""


@pytest.fixture
def environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def test_without_variables_recipes_are_looked_for_here_and_among_the_bundled_ones(environment, tmp_path, monkeypatch):
    bundled = Path(crawler.__file__).resolve().parents[1] / "recipes"
    monkeypatch.chdir(tmp_path)
    config = read_config()
    assert config.recipes_paths == (tmp_path / "recipes", bundled)
    assert (config.exports_dir, config.contact, config.log_level, config.log_json) == (Path("out"), "", "INFO", False)


def test_in_the_checkout_both_are_one_folder(environment, monkeypatch):
    monkeypatch.chdir(Path(crawler.__file__).resolve().parents[1])
    assert len(read_config().recipes_paths) == 1


def test_a_dotenv_file_fills_in_what_the_environment_does_not_say(environment, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CRAWLERY_CONTACT=https://file.example\nCRAWLERY_LOG_LEVEL=ERROR\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", dict(os.environ) | {"CRAWLERY_LOG_LEVEL": "DEBUG"})
    config = read_config()
    assert (config.contact, config.log_level) == ("https://file.example", "DEBUG")


def test_variables_are_read_by_their_type(environment):
    environment(
        RECIPES_PATH="/a:~/b::",
        CRAWLERY_EXPORTS_DIR="~/out",
        CRAWLERY_CONTACT=" https://me.example ",
        CRAWLERY_LOG_LEVEL="debug",
        CRAWLERY_LOG_JSON="true",
    )
    config = read_config()
    assert config.recipes_paths == (Path("/a"), Path("~/b").expanduser())
    assert config.exports_dir == Path("~/out").expanduser()
    assert (config.contact, config.log_level, config.log_json) == ("https://me.example", "DEBUG", True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"CRAWLERY_LOG_JSON": "perhaps"}, "CRAWLERY_LOG_JSON"),
        ({"CRAWLERY_LOG_LEVEL": "LOUD"}, "CRAWLERY_LOG_LEVEL='LOUD'; one of DEBUG"),
        ({"CRAWLERY_CONTACT": "a\nX-Header: b"}, "CRAWLERY_CONTACT"),
        ({"CRAWLERY_CONTACT": "x" * 201}, "CRAWLERY_CONTACT"),
    ],
)
def test_a_wrong_value_is_one_clear_error(environment, values, message):
    environment(**values)
    with pytest.raises(ConfigError, match=message):
        read_config()


@pytest.fixture
def platform(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawlery-data").mkdir()
    (tmp_path / "crawlery-data" / "platform.env").write_text(PLATFORM)
    return environment


def test_the_platform_of_this_folder_is_found_when_nothing_names_a_store(platform):
    before = dict(os.environ)
    config = read_config()
    assert config.redis_url == "redis://:it;s@127.0.0.1:1/0"
    assert (config.storage_url, config.s3_endpoint_url, config.s3_region) == (
        "s3://crawlery",
        "http://127.0.0.1:2",
        "there",
    )
    assert (config.s3_access_key_id, config.s3_secret_access_key) == ("id", "k3y")
    assert "k3y" not in repr(config)
    assert dict(os.environ) == before  # a crawl of one's own that writes to another S3 keeps its own key


def test_the_platform_of_another_folder_is_found_by_its_data_folder(platform, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert read_config().redis_url == ""
    platform(CRAWLERY_DATA_DIR=str(tmp_path / "crawlery-data"))
    assert read_config().storage_url == "s3://crawlery"


def test_a_store_that_the_environment_names_is_taken_with_its_storage(platform):
    platform(REDIS_URL="redis://mine", AWS_ACCESS_KEY_ID="other")
    config = read_config()
    assert (config.redis_url, config.storage_url, config.s3_access_key_id) == ("redis://mine", "", "")


def test_another_storage_gets_neither_the_endpoint_nor_the_key_of_the_platform(platform):
    platform(STORAGE_URL="s3://mine")
    config = read_config()
    assert (config.redis_url, config.storage_url) == ("redis://:it;s@127.0.0.1:1/0", "s3://mine")
    assert (config.s3_endpoint_url, config.s3_region, config.s3_access_key_id) == ("", "us-east-1", "")


def test_whoever_starts_a_platform_does_not_look_at_the_last_one(platform):
    config = read_config(running_platform=False)
    assert (config.redis_url, config.storage_url) == ("", "")


def test_a_data_folder_that_is_none_is_no_hindrance(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawlery-data").write_text("")
    assert read_config().redis_url == ""


def test_a_damaged_platform_file_is_named(platform, tmp_path):
    (tmp_path / "crawlery-data" / "platform.env").write_text("REDIS_URL='redis\n")
    with pytest.raises(ConfigError, match=r"crawlery-data/platform.env cannot be read: .*`crawlery up` writes it anew"):
        read_config()


@pytest.mark.parametrize(
    ("said", "api"),
    [
        ({}, ("http://127.0.0.1:3", "k3y")),
        ({"CRAWLERY_API_KEY": "mine"}, ("http://127.0.0.1:3", "k3y")),
        ({"CRAWLERY_API_URL": " https://api.example "}, ("https://api.example", "")),
        ({"CRAWLERY_API_URL": "https://api.example", "CRAWLERY_API_KEY": "mine"}, ("https://api.example", "mine")),
        ({"REDIS_URL": "redis://elsewhere"}, ("", "")),
        ({"REDIS_URL": "redis://elsewhere", "CRAWLERY_API_KEY": "mine"}, ("", "mine")),
    ],
)
def test_the_key_of_an_api_is_said_by_whoever_says_its_address(environment, tmp_path, said, api):
    (tmp_path / "platform.env").write_text(f"{PLATFORM}CRAWLERY_API_URL=http://127.0.0.1:3\nCRAWLERY_API_KEY=k3y\n")
    environment(CRAWLERY_DATA_DIR=str(tmp_path), **said)
    config = read_config()
    assert (config.api_url, config.api_key) == api
    assert "mine" not in repr(config)
    assert "k3y" not in repr(config)

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import crawler
from crawler.config import read_api_config, read_config
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


def test_several_wrong_values_are_said_together(environment):
    environment(CRAWLERY_LOG_LEVEL="LOUD", S3_SSE="rot13", CRAWLERY_CONTACT="\u00e9")
    with pytest.raises(ConfigError) as error:
        read_config()
    assert [line.split()[1].partition("=")[0] for line in str(error.value).splitlines()] == [
        *("CRAWLERY_LOG_LEVEL", "S3_SSE", "CRAWLERY_CONTACT")
    ]


def test_a_file_of_a_secret_that_is_not_there_is_a_wrong_value(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="REDIS_URL_FILE must be a readable file path"):
        read_config()


# --- the control API ---

GOOD_SECRET = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
API_NAMES = (
    *("CRAWLERY_ENV", "API_KEY_PEPPERS", "API_RATE_LIMIT", "API_FAILURE_LIMIT", "API_PROXIES", "API_CORS_ORIGINS"),
    *("API_DOCS", "API_MAX_BODY_BYTES", "API_WORKERS", "API_THREADS", "METRICS_TOKEN"),
    *("API_KEY_PEPPERS_FILE", "METRICS_TOKEN_FILE", "REDIS_URL_FILE"),
)
PRODUCTION = {"CRAWLERY_ENV": "production", "API_KEY_PEPPERS": f"1:{GOOD_SECRET}"}


@pytest.fixture
def api_environment(environment, monkeypatch, tmp_path):
    """Of an API that can start; sets more."""
    monkeypatch.chdir(tmp_path)
    for name in API_NAMES:
        monkeypatch.delenv(name, raising=False)
    environment(REDIS_URL="redis://store", STORAGE_URL="s3://files", API_KEY_PEPPERS="1:pepper")
    return environment


def api_errors() -> list[str]:
    with pytest.raises(ConfigError) as error:
        read_api_config()
    lines = str(error.value).splitlines()
    assert all(line.startswith("environment: ") for line in lines)
    return [line.removeprefix("environment: ") for line in lines]


def test_an_api_has_limits_that_nobody_has_to_set(api_environment):
    config = read_api_config()
    assert (config.production, config.docs, config.cors_origins, config.proxies) == (False, "open", (), 0)
    assert (config.rate_limit, config.failure_limit, config.max_body_bytes) == ("600/minute", "20/minute", 1024 * 1024)
    assert (config.workers, config.threads, config.metrics_token) == (2, 300, "")
    assert config.base.redis_url == "redis://store"


def test_variables_of_the_api_are_read_by_their_type(api_environment):
    api_environment(API_PROXIES="2", API_CORS_ORIGINS=" https://a.example , http://localhost:3000,", API_DOCS="off")
    api_environment(API_MAX_BODY_BYTES="4096", API_WORKERS="3", API_THREADS="5", API_RATE_LIMIT="10 per 10 seconds")
    config = read_api_config()
    assert config.cors_origins == ("https://a.example", "http://localhost:3000")
    assert (config.proxies, config.docs, config.max_body_bytes) == (2, "off", 4096)
    assert (config.workers, config.threads, config.rate_limit) == (3, 5, "10 per 10 seconds")


def test_no_secret_of_the_api_is_shown(api_environment):
    api_environment(API_KEY_PEPPERS=f"1:{GOOD_SECRET}", METRICS_TOKEN="metrics-token")
    assert GOOD_SECRET not in repr(read_api_config())
    assert "metrics-token" not in repr(read_api_config())


def test_every_error_of_the_api_is_said_at_once(api_environment, tmp_path):
    api_environment(CRAWLERY_ENV="staging", REDIS_URL="", STORAGE_URL="", API_KEY_PEPPERS="pepper", API_DOCS="yes")
    api_environment(API_RATE_LIMIT="fast", API_FAILURE_LIMIT="0/minute", API_PROXIES="many", API_WORKERS="0")
    api_environment(API_CORS_ORIGINS="https://a.example/,ftp://b,a.example", API_THREADS="1001", API_MAX_BODY_BYTES="1")
    api_environment(METRICS_TOKEN_FILE=str(tmp_path / "none"))
    errors = api_errors()
    places = [re.split(r"[ =:]", error)[0] for error in errors if "API_PROXIES" not in error and "_FILE" not in error]
    assert sorted(places) == sorted(
        [
            *("CRAWLERY_ENV", "REDIS_URL", "STORAGE_URL", "API_KEY_PEPPERS", "API_DOCS", "API_RATE_LIMIT"),
            *("API_FAILURE_LIMIT", "API_WORKERS", "API_THREADS", "API_MAX_BODY_BYTES", *["API_CORS_ORIGINS"] * 3),
        ]
    )
    assert [error for error in errors if "API_PROXIES" in error] == [
        'Environment variable "API_PROXIES" invalid: Not a valid integer.'
    ]
    assert any("METRICS_TOKEN_FILE must be a readable file path" in error for error in errors)


def test_errors_of_every_process_are_said_beside_those_of_the_api(api_environment):
    api_environment(CRAWLERY_LOG_LEVEL="LOUD", S3_SSE="rot13", API_DOCS="yes")
    assert [error.partition("=")[0] for error in api_errors()] == ["CRAWLERY_LOG_LEVEL", "S3_SSE", "API_DOCS"]


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example", "null", "https://a.example/path", "https://a b", "https://"]
)
def test_origins_are_written_out(api_environment, origin):
    api_environment(API_CORS_ORIGINS=origin)
    if origin == "*":
        assert read_api_config().cors_origins == ("*",)
    else:
        (error,) = api_errors()
        assert error.startswith("API_CORS_ORIGINS: ")


def test_production_starts_with_secrets_that_were_made(api_environment):
    api_environment(**PRODUCTION, METRICS_TOKEN=GOOD_SECRET[:32], API_CORS_ORIGINS="https://a.example")
    config = read_api_config()
    assert (config.production, config.docs) == (True, "key")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"API_KEY_PEPPERS": ""}, "API_KEY_PEPPERS: there is no pepper"),
        ({"API_KEY_PEPPERS": "1:0123456789abcdef"}, "API_KEY_PEPPERS: a secret of 16 characters"),
        ({"API_KEY_PEPPERS": f"1:{GOOD_SECRET},0:short"}, "API_KEY_PEPPERS: a secret of 5 characters"),
        ({"API_KEY_PEPPERS": "1:changeme-changeme-changeme-changeme"}, "API_KEY_PEPPERS: this is a placeholder"),
        ({"API_KEY_PEPPERS": "1:Your-Secret-Goes-Here-0123456789-abc"}, "API_KEY_PEPPERS: this is a placeholder"),
        ({"API_KEY_PEPPERS": f"1:{'ab' * 32}"}, "API_KEY_PEPPERS: this is a placeholder"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN: a secret of 5 characters"),
        ({"METRICS_TOKEN": "x" * 40}, "METRICS_TOKEN: this is a placeholder"),
        ({"API_CORS_ORIGINS": "*"}, "API_CORS_ORIGINS: * lets every site in the world call"),
        ({"API_DOCS": "open"}, "API_DOCS=open shows everybody"),
    ],
)
def test_production_refuses_what_is_fit_for_a_laptop_only(api_environment, values, message):
    api_environment(**{**PRODUCTION, **values})
    (error,) = api_errors()
    assert error.startswith(message)
    assert not any(secret and secret in error for value in values.values() for secret in value.split(":")[1:])


def test_secrets_of_the_api_may_lie_in_files(api_environment, tmp_path):
    for name, text in (("peppers", f"2:{GOOD_SECRET}\n"), ("token", "t0ken\n"), ("store", "redis://:pw@elsewhere\n")):
        (tmp_path / name).write_text(text)
    api_environment(API_KEY_PEPPERS_FILE=str(tmp_path / "peppers"), METRICS_TOKEN_FILE=str(tmp_path / "token"))
    api_environment(REDIS_URL_FILE=str(tmp_path / "store"))
    config = read_api_config()
    assert (config.key_peppers, config.metrics_token) == (f"2:{GOOD_SECRET}", "t0ken")
    assert config.base.redis_url == "redis://:pw@elsewhere"


def test_a_secret_in_a_file_is_judged_like_any_other(api_environment, tmp_path):
    (tmp_path / "peppers").write_text("1:short\n")
    api_environment(CRAWLERY_ENV="production", API_KEY_PEPPERS_FILE=str(tmp_path / "peppers"))
    assert api_errors()[0].startswith("API_KEY_PEPPERS: a secret of 5 characters")

from __future__ import annotations

import os
from pathlib import Path

import pytest

import crawler
from crawler.config import read_config
from crawler.errors import ConfigError

NAMES = ("RECIPES_PATH", "CRAWLERY_EXPORTS_DIR", "CRAWLERY_CONTACT", "CRAWLERY_LOG_LEVEL", "CRAWLERY_LOG_JSON")


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

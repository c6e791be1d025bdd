from __future__ import annotations

from pathlib import Path

import pytest

from crawler.config import read_config
from crawler.errors import ConfigError

NAMES = ("RECIPES_PATH", "CRAWLERY_EXPORTS_DIR", "CRAWLERY_CONTACT", "CRAWLERY_LOG_LEVEL", "CRAWLERY_LOG_JSON")


@pytest.fixture
def environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def test_without_variables_the_checkouts_recipes_are_used(environment):
    config = read_config()
    assert [path.name for path in config.recipes_paths] == ["recipes"]
    assert (config.exports_dir, config.contact, config.log_level, config.log_json) == (Path("out"), "", "INFO", False)


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

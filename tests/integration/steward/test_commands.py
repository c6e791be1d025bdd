"""Commands that would fail after a while say so at once."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from crawler.cli.main import cli


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo", "-o", "/proc/shop.csv"), "--output /proc/shop.csv"),
        (("steward", "--folder", "/proc"), "--folder /proc"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(valkey, tmp_path, monkeypatch, arguments, message):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/objects")
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert message in result.output

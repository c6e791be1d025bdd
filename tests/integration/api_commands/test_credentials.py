"""The file of `crawlery login` is not used when others can read it, or when it is not what login writes."""

from __future__ import annotations

import pytest

from crawler.cli.credentials import Credentials, credentials_path

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_is_not_its_owners_alone_is_not_used(api, nobody, mode):
    nobody("login", "--url", api.url, stdin=KEY)
    nobody.credentials.chmod(mode)
    done = nobody("whoami", code=2)
    assert f"others can read {nobody.credentials}" in done.stderr
    assert "chmod 600" in done.stderr
    assert len(api.requests) == 1


@pytest.mark.parametrize("text", ["", "{}", '{"url": 7, "key": "Secret0"}', "Secret0"])
def test_a_file_that_cannot_be_read_is_told_without_what_is_in_it(nobody, text):
    nobody.credentials.parent.mkdir()
    nobody.credentials.write_text(text)
    nobody.credentials.chmod(0o600)
    assert "cannot be read" in nobody("whoami", code=2).stderr


def test_a_key_is_in_no_repr():
    assert "Secret0" not in repr(Credentials(url="https://x", key=KEY))


def test_an_empty_folder_of_settings_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert credentials_path() == tmp_path / ".config" / "crawlery" / "credentials.json"


def test_a_folder_that_cannot_be_written_is_one_message(api, nobody):
    nobody.credentials.parent.write_text("")
    done = nobody("login", "--url", api.url, stdin=KEY, code=2)
    assert "cannot be written: " in done.stderr

from __future__ import annotations

import os
import re
import shlex
import stat

import pytest

from crawler.errors import PlatformError
from crawler.up.folder import DataFolder


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "a" / "data")
    made.lock()
    yield made
    made.unlock()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_made_for_its_owner_only(folder):
    assert mode(folder.path) == 0o700
    assert mode(folder.subfolder("nodes", "node-1").parent) == 0o700


def test_a_second_owner_is_told_the_pid_of_the_first(folder):
    with pytest.raises(PlatformError, match=rf"another `crawlery up` \(pid {os.getpid()}\) runs on it; stop that one"):
        DataFolder(folder.path).lock()


def test_the_lock_is_removed_and_can_be_taken_again(folder):
    folder.unlock()
    assert not (folder.path / "lock").exists()
    other = DataFolder(folder.path)
    other.lock()
    assert (folder.path / "lock").read_text() == f"{os.getpid()}\n"
    other.unlock()


def test_a_lock_file_that_nobody_holds_is_taken_over(tmp_path):
    (tmp_path / "lock").write_text("4711\n")
    folder = DataFolder(tmp_path)
    folder.lock()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    folder.unlock()


def test_a_lock_whose_file_was_removed_meanwhile_is_none(tmp_path, monkeypatch):
    folder, last = DataFolder(tmp_path), DataFolder(tmp_path)
    last.lock()
    opened = os.open(tmp_path / "lock", os.O_RDWR)
    last.unlock()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda *_: opened)
        assert folder._take() is None
    folder.lock()
    with pytest.raises(PlatformError, match="another `crawlery up`"):
        last.lock()
    folder.unlock()


def test_whoever_did_not_get_the_lock_does_not_remove_it(folder):
    other = DataFolder(folder.path)
    with pytest.raises(PlatformError):
        other.lock()
    other.unlock()
    assert (folder.path / "lock").exists()


def test_a_file_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(PlatformError, match=r"data folder .*/data: File exists; --data-dir names another"):
        DataFolder(tmp_path / "data").lock()


def test_secrets_are_made_once_and_are_for_the_owner_only(folder):
    first = folder.secrets()
    assert folder.secrets() == first
    assert len(set(first.values())) == len(first) == 8
    assert all(re.fullmatch("[0-9a-f]{20,}", secret) for secret in first.values())
    assert len(first["seaweedfs_sse_key"]) == 64
    assert mode(folder.path / "secrets.json") == 0o600


def test_a_secret_that_an_earlier_version_did_not_have_is_added(folder):
    (folder.path / "secrets.json").write_text('{"v": 1, "valkey_password": "kept"}')
    made = folder.secrets()
    assert made["valkey_password"] == "kept"
    assert folder.secrets() == made


def test_secrets_that_are_gone_are_not_made_anew_over_files_that_need_them(folder):
    (folder.subfolder("seaweedfs") / "vol").write_text("")
    with pytest.raises(PlatformError, match=r"secrets.json is gone, and without it the files in .*/seaweedfs cannot"):
        folder.secrets()


@pytest.mark.parametrize("name", ["secrets.json", "state.json"])
def test_a_damaged_file_is_named(folder, name):
    (folder.path / name).write_text('{"v": 1,')
    with pytest.raises(PlatformError, match=rf"{name} cannot be read: "):
        folder.secrets() if name == "secrets.json" else folder.ports()


@pytest.mark.parametrize("ports", ['{"valkey": "x"}', '{"valkey": 0}', '{"valkey": true}', "[]"])
def test_ports_that_are_none_are_refused(folder, ports):
    folder.state_file.write_text(f'{{"v": 1, "ports": {ports}}}')
    with pytest.raises(PlatformError, match="must be names with port numbers"):
        folder.ports()


def test_ports_are_kept(folder):
    assert folder.ports() == {}
    folder.keep_ports({"valkey": 20000})
    assert DataFolder(folder.path).ports() == {"valkey": 20000}


def test_the_environment_is_written_so_that_a_shell_can_read_it(folder):
    folder.write_environment({"REDIS_URL": "redis://h/0?a=1&b=it's", "S3_SSE": "AES256"})
    lines = (folder.path / "platform.env").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert [shlex.split(line) for line in lines[1:]] == [["REDIS_URL=redis://h/0?a=1&b=it's"], ["S3_SSE=AES256"]]
    assert mode(folder.path / "platform.env") == 0o600


def test_nothing_but_whole_files_is_left(folder):
    folder.secrets()
    folder.keep_ports({})
    assert sorted(path.name for path in folder.path.iterdir()) == ["lock", "secrets.json", "state.json"]

"""What a platform tells its children before any of them runs."""

from __future__ import annotations

import stat

import pytest

from crawler.up import workers
from crawler.up.options import PlatformOptions
from crawler.up.platform import Platform


@pytest.fixture
def nodes_of(tmp_path):
    """The environment of each kind of child, with what is said in the environment of `crawlery up`."""

    def children(**said):
        platform = Platform(PlatformOptions(data_dir=tmp_path / "data", nodes=1, environment=said))
        platform.folder.lock()
        try:
            platform._secrets = platform.folder.secrets()
            platform._ports = dict.fromkeys((workers.API, "node-1", "valkey", "s3"), 1)
            return {spec.name: dict(spec.environment) for spec in platform._workers(())}
        finally:
            platform.folder.unlock()

    return children


def test_what_recipes_log_in_with_lies_in_the_data_folder_for_its_owner_only(nodes_of, tmp_path):
    told = nodes_of()
    folder = tmp_path / "data" / "secrets"
    assert told["node-1"]["CRAWLERY_SECRETS_DIR"] == str(folder)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "local")} == {0o700}
    assert not [
        name for name, environment in told.items() if "CRAWLERY_SECRETS_DIR" in environment and name != "node-1"
    ]


def test_or_where_somebody_has_said_seen_from_there(nodes_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert nodes_of(CRAWLERY_SECRETS_DIR="mine")["node-1"]["CRAWLERY_SECRETS_DIR"] == str(tmp_path / "mine")
    assert not (tmp_path / "data" / "secrets").exists()

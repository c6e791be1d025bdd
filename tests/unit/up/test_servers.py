from __future__ import annotations

import shutil
import stat

import pytest

from crawler.errors import PlatformError
from crawler.up import servers
from crawler.up.folder import DataFolder
from crawler.up.ports import COMPANION


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / 'with "quotes"')
    made.lock()
    yield made
    made.unlock()


PORTS = {name: 20_000 + number for number, name in enumerate(servers.SEAWEEDFS_PORTS)}


@pytest.fixture
def seaweedfs(folder):
    return servers.seaweedfs(folder, ports=PORTS, secrets=folder.secrets())


def test_the_password_of_valkey_is_in_a_file_of_its_owner_and_in_no_command(folder):
    spec = servers.valkey(folder, port=20_000, password="s3cret")
    conf = folder.path / "valkey" / "valkey.conf"
    assert spec.command[1:] == (str(conf),)
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    lines = conf.read_text().splitlines()
    assert "requirepass s3cret" in lines
    assert "bind 127.0.0.1" in lines
    assert 'dir "' + str(folder.path).replace('"', '\\"') + '/valkey"' in lines


@pytest.mark.parametrize(
    "line", ["appendonly yes", "appendfsync always", "aof-load-truncated yes", "maxmemory-policy noeviction"]
)
def test_valkey_keeps_what_it_has_answered(folder, line):
    servers.valkey(folder, port=20_000, password="x")
    assert line in (folder.path / "valkey" / "valkey.conf").read_text().splitlines()


def test_no_secret_of_seaweedfs_is_in_its_command_or_in_what_is_shown_of_it(folder, seaweedfs):
    secrets = folder.secrets()
    used = [secret for name, secret in secrets.items() if name.startswith(("s3_", "seaweedfs_"))]
    assert not [secret for secret in used if any(secret in word for word in seaweedfs.command)]
    assert not [secret for secret in used if secret in repr(seaweedfs) and secret != secrets["s3_access_key_id"]]
    assert set(used) <= set(seaweedfs.environment.values())


def test_every_port_of_seaweedfs_is_given_and_all_of_them_are_on_loopback(seaweedfs):
    options = dict(word.removeprefix("-").split("=", 1) for word in seaweedfs.command[2:])
    assert options["ip"] == options["ip.bind"] == "127.0.0.1"
    ports = [int(value) for name, value in options.items() if ".port" in name and value != "0"]
    assert len(ports) == len(set(ports)) == len(servers.SEAWEEDFS_PORTS) + 1
    assert int(options["admin.port.grpc"]) == int(options["admin.port"]) + COMPANION


def test_seaweedfs_reports_to_nobody(seaweedfs):
    assert "-master.telemetry=false" in seaweedfs.command


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: servers.valkey(folder, port=1, password="x"), "no Valkey here.*REDIS_URL=redis://HOST"),
        (
            lambda folder: servers.seaweedfs(folder, ports=PORTS, secrets={}),
            "no SeaweedFS here.*STORAGE_URL=s3://BUCKET",
        ),
    ],
)
def test_without_the_extra_the_message_says_how_to_get_it_or_do_without(folder, make, message, monkeypatch):
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name, **_: None)
    with pytest.raises(PlatformError, match=message) as failed:
        make(folder)
    assert "pip install 'crawlery[embedded]'" in str(failed.value)


def test_a_server_on_the_path_will_do(folder, monkeypatch, tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("")
    program.chmod(0o700)
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert servers.valkey(folder, port=1, password="x").command[0] == str(program)

"""The store of the tests itself: what other tests build on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from valkey_server import ValkeyServer, mortal

TESTS = Path(__file__).parents[1]


@pytest.fixture
def client(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.mark.parametrize("turn", range(17))
def test_a_test_finds_its_database_empty(client, turn):
    assert client.dbsize() == 0
    client.set("left", "over")


def test_the_shared_server_never_waits_for_a_disk(client):
    assert client.config_get("appendonly") == {"appendonly": "no"}
    assert client.config_get("save") == {"save": ""}


@pytest.mark.parametrize("appendfsync", ["always", "everysec", "no"])
def test_a_killed_server_comes_back_on_its_port_with_what_it_had_acknowledged(new_valkey, appendfsync):
    server = new_valkey(appendfsync=appendfsync)
    url, pid = server.url, server.pid
    with redis.Redis.from_url(url) as client:
        assert client.config_get("appendfsync") == {"appendfsync": appendfsync}
        for number in range(100):
            client.rpush("numbers", number)
    server.kill()
    assert not server.running
    server.restart()
    assert server.url == url
    assert server.pid != pid
    with redis.Redis.from_url(url) as client:
        assert client.llen("numbers") == 100
    server.flush()
    with redis.Redis.from_url(url) as client:
        assert client.dbsize() == 0


def test_two_servers_share_nothing(new_valkey):
    first, second = new_valkey(), new_valkey()
    assert first.port != second.port
    assert first.pid != second.pid


def test_a_server_that_cannot_start_says_why(tmp_path):
    server = ValkeyServer(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        server.start()
    server = ValkeyServer(tmp_path, binary=Path("/bin/false"))
    with pytest.raises(RuntimeError, match="does not come up"):
        server.start()
    assert not server.running


def test_a_port_that_somebody_else_has_taken_is_left_for_another(new_valkey, tmp_path, monkeypatch):
    taken = new_valkey().port
    ports = iter([taken])
    usual = sys.modules["valkey_server"]._free_port
    monkeypatch.setattr("valkey_server._free_port", lambda: next(ports, None) or usual())
    server = ValkeyServer(tmp_path)
    server.start()
    try:
        assert server.running
        assert server.port != taken
    finally:
        server.stop()


def test_a_server_dies_with_the_process_that_started_it(tmp_path):
    code = (
        "import sys, os; from pathlib import Path; from valkey_server import ValkeyServer\n"
        f"server = ValkeyServer(Path({str(tmp_path)!r})); server.start(); print(server.pid, flush=True)\n"
        "sys.stdin.read(); os.kill(os.getpid(), 9)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    watched = os.pidfd_open(pid)
    try:
        parent.communicate(timeout=20)
        assert _ended(watched)
    finally:
        os.close(watched)


def test_a_command_whose_parent_is_gone_already_does_not_begin():
    command = mortal("/bin/echo", "begun")
    command[command.index(str(os.getpid()))] = "1" if os.getpid() != 1 else "2"
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.stdout == ""
    assert done.returncode == 1


def _ended(pidfd):
    """Whether a process ends within 20 seconds: its descriptor becomes readable."""
    import select

    return bool(select.select([pidfd], [], [], 20)[0])
